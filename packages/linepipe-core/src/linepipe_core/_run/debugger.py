"""Opens Python's debugger inside a node: before its first line, or where it failed.

Apart from the run, which knows of hooks only. The debugger is pdb, or IPython's where that is in
use; it skips linepipe's own frames, so that ``up``, ``next`` and ``where`` stay in the user's code.
Where it can't open or never stopped, a message says why.
"""

from __future__ import annotations

import os
import stat
import sys
from bdb import BdbQuit
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import UnsupportedOperation
from pdb import Pdb
from types import CodeType, FrameType, TracebackType
from typing import Any, Final

from linepipe_core._declare.callables import CALLER, implementations, python_code
from linepipe_core._declare.node import Node
from linepipe_core._errors import NodeDefinitionError, RunStateError
from linepipe_core._log import run_log
from linepipe_core._run.failures import is_ours, users_traceback
from linepipe_core._text import first_line

__all__ = ["debug_call", "open_at_first_line", "open_where_it_failed"]

_NOBODY_ASKS: Final = (
    "this notebook runs where nobody can type; open it in Jupyter, or look at the inputs: "
    "error.inputs of a NodeExecutionError, next_inputs() of pipeline.start()"
)
_PASSED_BY = ("linepipe_core.*", "linepipe_profile.*", "linepipe_viz.*", "contextlib")


def open_where_it_failed(node: Node, error: BaseException) -> None:
    """Open the debugger where a node's function raised, until the user leaves.

    An interrupt opens nothing. Where no debugger can be opened, the log says why.
    """
    if isinstance(error, Exception) and not _is_quit(error):
        if (why := _why_closed()) is not None:
            run_log().warning("no debugger opens where %r failed: %s", node.name, why)
            return
        _post_mortem(node, error)


def open_at_first_line(node: Node) -> AbstractContextManager[object]:
    """Holds a wait for the node's function, to open the debugger in it.

    Where no debugger can be opened, or it never stopped, the log says why.

    Raises:
        NodeDefinitionError: its function isn't written in Python.
    """
    _codes_to_stop_in(node)
    if (why := _why_closed()) is not None:
        run_log().warning("no debugger opens in %r: %s", node.name, why)
        return nullcontext()
    return _warn_unless_stopped(node)


def debug_call(node: Node, inputs: Mapping[str, Any]) -> None:
    """Call a node's function under the debugger, from its first line on.

    Should it fail, the debugger opens again where it did. What it returns goes nowhere.

    Args:
        node: the node.
        inputs: a value for each of its inputs; its function may change them.

    Raises:
        NodeDefinitionError: its function isn't written in Python.
        RunStateError: no debugger can be opened here, or it never stopped; the message says why.
        Exception: whatever the function raised, when the debugger was left.
    """
    _codes_to_stop_in(node)
    if (why := _why_closed()) is not None:
        raise RunStateError(f"no debugger opens in {node.name!r}: {why}")
    stopped: list[bool] = []
    with _stop_inside(node, stopped):
        try:
            node.call([inputs[name] for name in node.inputs])
        except Exception as error:
            if _is_quit(error):
                return
            _post_mortem(node, error)
            raise
    if not stopped:
        raise RunStateError(_why_not_stopped(node))


def _why_closed() -> str | None:
    """The reason why no debugger can be opened in this process, or None if one can."""
    if os.environ.get("PYTHONBREAKPOINT") == "0":
        return "PYTHONBREAKPOINT is 0"
    if (ipython := _ipython()) is not None:
        # As under nbconvert and papermill: its input() would raise.
        can_ask = getattr(getattr(ipython, "kernel", None), "_allow_stdin", True)
        return None if can_ask else _NOBODY_ASKS
    if _can_be_asked(sys.stdin):
        return None
    return "there is no terminal to ask, for standard input is closed or empty"


def _can_be_asked(stdin: Any) -> bool:
    """Return True if lines may come from it: not if it is closed, or the null device."""
    try:
        if not stdin.readable():  # a test runner's, which refuses to be read
            return False
        status, null = os.fstat(stdin.fileno()), os.stat(os.devnull)
    except UnsupportedOperation:  # an editor's console: no file, but somebody to ask
        return True
    except Exception:  # None or closed
        return False
    return not (stat.S_ISCHR(status.st_mode) and status.st_rdev == null.st_rdev)


def _ipython() -> Any:
    """The running IPython, or None; it isn't imported to find out."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def _why_not_stopped(node: Node) -> str:
    return (
        f"the debugger never stopped in {node.name!r}: its function's own code wasn't called\n"
        "  a cache may have answered in its place (func.cache_clear()), a decorator or a "
        "dispatch may have called another function, or it is compiled"
    )


@contextmanager
def _warn_unless_stopped(node: Node) -> Iterator[None]:
    stopped: list[bool] = []
    with _stop_inside(node, stopped):
        yield
    if not stopped:
        run_log().warning("%s", _why_not_stopped(node).replace("\n  ", "; "))


def _stop_inside(node: Node, stopped: list[bool]) -> AbstractContextManager[None]:
    """Holds a trace that opens the debugger when the node's function begins.

    Args:
        node: the node.
        stopped: gets True when it has.
    """
    return _traced(_codes_to_stop_in(node), stopped)


def _codes_to_stop_in(node: Node) -> frozenset[CodeType]:
    """The function's own code; of one that dispatches by type, that of all its implementations."""
    codes = frozenset(filter(None, map(python_code, implementations(node.func))))
    if not codes:
        raise NodeDefinitionError(
            f"the debugger can't stop in node {node.name!r}: its function isn't written in Python\n"
            "  stop in a node before or after it, or call it from a function of your own"
        )
    return codes


@contextmanager
def _traced(codes: frozenset[CodeType], stopped: list[bool]) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(_waiting_for(codes, _debugger(), stopped))
    try:
        yield
    finally:
        sys.settrace(before)


def _waiting_for(
    codes: frozenset[CodeType], debugger: Pdb, stopped: list[bool]
) -> Callable[..., Any]:
    """A trace function that hands over to the debugger at the first call of one of those codes.

    Not a breakpoint of pdb's: that needs the source's file, and lines typed into an
    interpreter have none.
    """

    def wait(frame: FrameType, event: str, arg: Any) -> Any:
        if event != "call" or frame.f_code not in codes:
            return None
        stopped.append(True)
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
    debugger.message(f"node {node.name!r} failed: {first_line(error)}")
    debugger.interaction(None, users_traceback(error))


def _debugger() -> Pdb:
    """Python's debugger, or IPython's where that runs or PYTHONBREAKPOINT names it.

    After an error it opens at the deepest frame of the user's own code, not inside a library.
    """
    from linepipe_core._code.ownership import file_owner  # looks for the installed packages

    base: Any = _debugger_class()

    class Debugger(base):  # type: ignore[misc]  # of one of two classes
        def setup(self, frame: FrameType | None, traceback: TracebackType | None) -> Any:
            done = super().setup(frame, traceback)
            if traceback is not None:
                self._go_to_own_code()
            return done

        def stop_here(self, frame: FrameType) -> bool:
            # The frame that calls the function is in the user's module, and linepipe's own.
            return frame.f_code.co_name != CALLER and bool(super().stop_here(frame))

        def _go_to_own_code(self) -> None:
            for index in range(len(self.stack) - 1, -1, -1):
                frame = self.stack[index][0]
                if file_owner(frame.f_code.co_filename) == "own":
                    self.curindex, self.curframe = index, frame
                    self.curframe_locals = frame.f_locals
                    return

    debugger: Pdb = Debugger(skip=_PASSED_BY)
    return debugger


def _debugger_class() -> type[Any]:
    named = os.environ.get("PYTHONBREAKPOINT", "").partition(".")[0]
    if named in ("IPython", "ipdb") or _ipython() is not None:
        try:
            if _ipython() is None:
                from IPython.terminal.debugger import TerminalPdb

                return TerminalPdb
            kind: type[Any] = _ipython().debugger_cls
        except (ImportError, AttributeError):  # not installed, or another version
            pass
        else:
            return kind
    elif named and named != "pdb":
        run_log().warning("PYTHONBREAKPOINT names %s, which can't stop in a node: pdb opens", named)
    return Pdb


def _is_quit(error: BaseException) -> bool:
    """Return True if the user left the debugger by ``quit``, which raises where the node stood."""
    return isinstance(error, BdbQuit)
