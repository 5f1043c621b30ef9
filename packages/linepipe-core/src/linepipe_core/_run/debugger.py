"""Opens Python's debugger inside a node: before its first line, or where it failed.

Apart from the run, which knows of hooks only. The debugger is pdb, loaded when it opens; it
is told to pass linepipe's own frames by, so that ``up``, ``next`` and ``where`` stay in the
user's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from linepipe_core._declare.callables import python_code
from linepipe_core._declare.names import Names
from linepipe_core._declare.node import Node
from linepipe_core._errors import NodeDefinitionError
from linepipe_core._run.failures import is_ours, users_traceback
from linepipe_core._run.hooks import Hook
from linepipe_core._run.step import Step

if TYPE_CHECKING:
    from pdb import Pdb  # loaded when it opens

__all__ = ["Breakpoint", "PostMortem", "debug_call"]

_PASSED_BY = ("linepipe_core.*", "linepipe_profile.*", "linepipe_viz.*", "contextlib")


class PostMortem(Hook):
    """Opens the debugger where a node failed, its variables at hand.

    Use it where somebody sits at the keyboard. Leaving the debugger lets the run end as it
    would have, with its NodeExecutionError. An interrupt (Ctrl-C) opens nothing.

    Example::

        pipeline.run(hooks=[PostMortem()])
    """

    def on_node_error(self, step: Step, error: BaseException) -> None:
        """Open it, until the user leaves."""
        if isinstance(error, Exception) and not _is_quit(error):
            _post_mortem(step.node, error)


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
        from contextlib import nullcontext

        return _stop_inside(step.node) if step.node.name in self.names else nullcontext()


def debug_call(node: Node, inputs: Mapping[str, Any]) -> None:
    """Call a node's function under the debugger, from its first line on.

    Should it fail, the debugger opens again where it did. What it returns goes nowhere.

    Args:
        node: the node.
        inputs: a value for each of its inputs; its function may change them.

    Raises:
        NodeDefinitionError: its function isn't written in Python.
        Exception: whatever the function raised, when the debugger was left.
    """
    with _stop_inside(node):
        try:
            node.call([inputs[name] for name in node.inputs])
        except Exception as error:
            if _is_quit(error):
                return
            _post_mortem(node, error)
            raise


def _stop_inside(node: Node) -> AbstractContextManager[None]:
    """Holds a trace that opens the debugger when the node's function begins."""
    from contextlib import contextmanager

    code = python_code(node.func)
    if code is None:
        raise NodeDefinitionError(
            f"the debugger can't stop in node {node.name!r}: its function isn't written in Python"
        )
    return contextmanager(_traced)(code)


def _traced(code: CodeType) -> Iterator[None]:
    import sys

    before = sys.gettrace()
    sys.settrace(_waiting_for(code, _debugger()))
    try:
        yield
    finally:
        sys.settrace(before)


def _waiting_for(code: CodeType, debugger: Pdb) -> Callable[..., Any]:
    """A trace function that hands over to the debugger at the first call of that code.

    Not a breakpoint of pdb's: that needs the source's file, and lines typed into an
    interpreter have none.
    """
    import sys

    def wait(frame: FrameType, event: str, arg: Any) -> Any:
        if event != "call" or frame.f_code is not code:
            return None
        sys.settrace(debugger.trace_dispatch)
        trace = debugger.trace_dispatch(frame, event, arg)
        debugger.botframe = _outermost_of_users(frame)
        return trace

    debugger.reset()
    return wait


def _outermost_of_users(frame: FrameType) -> FrameType:
    """The last frame before linepipe's own, from this one outwards: a decorator's, say."""
    while frame.f_back is not None and not is_ours(frame.f_back):
        frame = frame.f_back
    return frame


def _post_mortem(node: Node, error: Exception) -> None:
    debugger = _debugger()
    debugger.reset()
    debugger.message(f"node {node.name!r} failed: {type(error).__name__}: {error}")
    debugger.interaction(None, users_traceback(error))


def _debugger() -> Pdb:
    import pdb

    return pdb.Pdb(skip=_PASSED_BY)


def _is_quit(error: BaseException) -> bool:
    """Whether the user left the debugger by ``quit``, which raises where the node stood."""
    from bdb import BdbQuit

    return isinstance(error, BdbQuit)
