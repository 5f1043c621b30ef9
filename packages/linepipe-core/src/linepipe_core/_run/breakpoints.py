"""The hooks that open a debugger in a node: before its first line, or where it failed.

Apart from `debugger`, which knows how, and loads pdb: a run seldom needs one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from linepipe_core._declare.names import Names
from linepipe_core._run.hooks import Hook
from linepipe_core._run.step import Step

__all__ = ["Breakpoint", "PostMortem"]


class PostMortem(Hook):
    """Opens the debugger where a node failed, its variables at hand.

    Use it where somebody sits at the keyboard. Leaving the debugger lets the run end as it
    would have, with its NodeExecutionError. An interrupt (Ctrl-C) opens nothing.

    Example::

        pipeline.run(hooks=[PostMortem()])
    """

    def on_node_error(self, step: Step, error: BaseException) -> None:
        """Open it, until the user leaves."""
        from linepipe_core._run.debugger import open_where_it_failed  # pdb

        open_where_it_failed(step.node, error)


class Breakpoint(Hook):
    """Opens the debugger at the first line of a node's function, its inputs at hand.

    ``continue`` lets the node and the run go on, with whatever was changed; ``quit`` ends
    the run with a NodeExecutionError. A name that no node has is refused by the run.

    Args:
        *names: the nodes to stop in.

    Raises:
        TypeError: no name is given.

    Example::

        pipeline.run(hooks=[Breakpoint("train")])
    """

    def __init__(self, *names: str) -> None:
        if not names:
            raise TypeError("Breakpoint() stops nowhere: name a node, as in Breakpoint('train')")
        self.names = names
        self.waits_for: Names = names

    def around_node(self, step: Step) -> AbstractContextManager[object]:
        """Wait for the node's function, and open the debugger in it."""
        if step.node.name not in self.names:
            return nullcontext()
        from linepipe_core._run.debugger import open_at_first_line  # pdb

        return open_at_first_line(step.node)
