"""What may watch a run: the Hook that users override.

A base class with methods that do nothing, and no more: which of them are overridden, and
what happens when one raises, is the run's business. No hook ever gets the node's callable,
so none can repeat or replace the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from linepipe_core._run.result import RunResult
from linepipe_core._run.run import Run
from linepipe_core._run.step import Step

__all__ = ["Hook"]


class Hook:
    """Override what you need; only overridden methods cost anything.

    A hook that raises is logged with its traceback, put aside for the rest of the run and
    listed in the result's ``failed_hooks``: a broken progress bar can't end a night's work.

    Attributes:
        waits_for: the names of the nodes that it is for. A run that hasn't one of them is
            refused before it begins.

    Example:
        >>> from linepipe_core import Hook, Node, Pipeline
        >>> class Shout(Hook):
        ...     def after_node(self, step):
        ...         print(step.node.name.upper(), step.status)
        >>> result = Pipeline([Node(len, ["text"], ["n"])], text="four").run(hooks=[Shout()])
        LEN ran
    """

    waits_for: Sequence[str] = ()

    def before_run(self, run: Run) -> None:
        """Called once, after all checks and before the first node."""

    def before_node(self, step: Step) -> None:
        """Called before a node runs or is reused; ``step.status`` is ``"running"``."""

    def after_node(self, step: Step) -> None:
        """Called after a node ran or was reused, with its outputs stored."""

    def on_node_error(self, step: Step, error: BaseException) -> None:
        """Called when a node's function raised; ``error`` is what it raised."""

    def after_run(self, result: RunResult) -> None:
        """Called once at the end of a run, also of a failed one, with its RunResult."""

    def around_node(self, step: Step) -> AbstractContextManager[object]:  # noqa: ARG002
        """A context manager that is held around the function's call, and nothing else."""
        from contextlib import nullcontext

        return nullcontext()
