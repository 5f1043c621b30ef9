"""The Hook that users subclass to watch a run.

A base class with methods that do nothing, and the checks of a subclass when it is made. Which
methods are overridden, and what happens when one raises, is the run's business. No hook ever
gets the node's callable, so none can repeat or replace the work.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import FunctionType
from typing import Any, Final

from linepipe_core._declare.names import Names
from linepipe_core._run.result import RunResult
from linepipe_core._run.run import Run
from linepipe_core._run.step import Step

__all__ = ["EVENTS", "Hook"]

EVENTS: Final = (
    "before_run",
    "before_node",
    "around_node",
    "after_node",
    "on_node_error",
    "after_run",
)
_MOST_LETTERS_OFF: Final = 2
# The names that other libraries give to these events (Kedro, Hamilton): never called here.
_ELSEWHERE: Final = {
    "before_pipeline_run": "before_run",
    "before_node_run": "before_node",
    "after_node_run": "after_node",
    "after_pipeline_run": "after_run",
    "on_pipeline_error": "after_run",
    "pre_node_execute": "before_node",
    "post_node_execute": "after_node",
    "pre_graph_execute": "before_run",
    "post_graph_execute": "after_run",
    "run_before_node_execution": "before_node",
    "run_after_node_execution": "after_node",
    "run_before_graph_execution": "before_run",
    "run_after_graph_execution": "after_run",
}
_GENERATOR: Final = 0x20  # inspect.CO_GENERATOR
_ASYNC: Final = 0x80 | 0x200  # inspect.CO_COROUTINE, CO_ASYNC_GENERATOR


class Hook:
    """Override what you need; only overridden methods cost anything.

    A hook that raises is logged with its traceback, put aside for the rest of the run and
    listed in the result's ``failed_hooks``: a broken progress bar can't end a night's work.
    Hooks are told apart by identity, never by ``==``.

    A subclass is refused (TypeError) when it is made if a public method's name is at most two
    letters off an event's or another library's for it, or if a method could never run: one
    that is ``async``, or a generator.

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

    waits_for: Names = ()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name, found in vars(cls).items():
            if name in EVENTS:
                _check_event(cls, name, found)
            elif not name.startswith("_") and (event := _misspelt(name)):
                raise TypeError(
                    f"the hook {cls.__name__} has a method {name!r}, which nothing calls\n"
                    f"  did you mean {event!r}? A helper of your own: _{name}"
                )

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


def _check_event(cls: type, name: str, found: Any) -> None:
    """Refuse a method of an event whose code a plain call doesn't run."""
    function = getattr(found, "__func__", found)  # of a classmethod or staticmethod
    flags = function.__code__.co_flags if isinstance(function, FunctionType) else 0
    wrapped = getattr(function, "__wrapped__", function)  # under contextlib's decorators
    wrapped_flags = wrapped.__code__.co_flags if isinstance(wrapped, FunctionType) else 0
    if (flags | wrapped_flags) & _ASYNC:
        raise TypeError(
            f"{name} of the hook {cls.__name__} is async, and nobody would await it\n"
            "  make it a plain method; it may call asyncio.run(...)"
        )
    if flags & _GENERATOR:
        is_context = name == "around_node"
        mend = "put @contextlib.contextmanager on it" if is_context else "leave out the yield"
        raise TypeError(
            f"{name} of the hook {cls.__name__} is a generator, so calling it runs nothing\n"
            f"  {mend}"
        )


def _misspelt(name: str) -> str | None:
    """The event that a method's name was probably meant for, or None."""
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    return next((event for event in EVENTS if _letters_off(name, event) <= _MOST_LETTERS_OFF), None)


def _letters_off(one: str, other: str) -> int:
    """How many letters to insert, delete, replace or swap with the next to get the other."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]
