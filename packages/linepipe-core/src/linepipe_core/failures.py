"""What is told of a node that failed: the report, and the frames that matter.

Apart from the run loop, which only knows in what phase it was.
"""

from __future__ import annotations

from linepipe_core.callables import python_code
from linepipe_core.describe import describe_input
from linepipe_core.errors import message_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType, TracebackType
    from typing import Any

    from linepipe_core.node import Node

__all__ = ["failure_report", "is_ours", "users_traceback"]


def failure_report(
    node: Node,
    place: str,
    phase: str,
    inputs: Mapping[str, Any],
    error: BaseException,
    how_to_go_on: str = "",
) -> str:
    """What a NodeExecutionError says: where, of what, on which inputs, and why.

    Args:
        node: the node that failed.
        place: such as ``"2 of 5"``.
        phase: what it was doing, such as ``"calling its function"``.
        inputs: what it had got, by name; those it hadn't got, or has no more, aren't told.
        error: what was raised.
        how_to_go_on: lines to end with.
    """
    lines = [f"node {place} {node.name!r} failed while {phase}"]
    lines.append(f"  function: {_where(node)}")
    lines += _told_inputs(node, inputs)
    lines.append(f"  {type(error).__name__}: {message_of(error)}")
    return "\n".join(lines) + how_to_go_on


def _told_inputs(node: Node, inputs: Mapping[str, Any]) -> list[str]:
    if not node.inputs:
        return ["  inputs: (none)"]
    width = max(map(len, node.inputs))
    told = [
        f"    {name:<{width}}  "
        + (describe_input(name, inputs[name]) if name in inputs else "(not at hand)")
        for name in dict.fromkeys(node.inputs)
    ]
    return ["  inputs:", *told]


def _where(node: Node) -> str:
    """A function's name, file and line, as far as they can be known."""
    code = python_code(node.func)
    if code is None:
        name = getattr(node.func, "__qualname__", None)
        return f"{name if isinstance(name, str) else node.name}, not written in Python"
    return f"{code.co_qualname}, {code.co_filename}:{code.co_firstlineno}"


def users_traceback(error: BaseException) -> TracebackType | None:
    """The traceback of an error from the first frame on that isn't linepipe's.

    All of it where there is no other: then linepipe itself raised.
    """
    traceback = error.__traceback__
    while traceback is not None and is_ours(traceback.tb_frame):
        traceback = traceback.tb_next
    return error.__traceback__ if traceback is None else traceback


def is_ours(frame: FrameType) -> bool:
    """Whether a frame is linepipe's own."""
    module = frame.f_globals.get("__name__", "")
    return str(module).partition(".")[0] == "linepipe_core"
