"""What is told of a node that failed: the report, and the frames that matter.

Apart from the run loop, which only knows in what phase it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any

from linepipe_core._declare.callables import python_code
from linepipe_core._declare.config import describe_input
from linepipe_core._declare.node import Node
from linepipe_core._errors import LinepipeError
from linepipe_core._run.result import FailedHook
from linepipe_core._run.step import Step
from linepipe_core._text import message_of

__all__ = ["NodeExecutionError", "failure_report", "is_ours", "users_traceback"]


class NodeExecutionError(LinepipeError, RuntimeError):
    """A node failed. The original error is the cause (``__cause__``).

    Attributes:
        node: the Node that failed.
        step: its Step, with status ``"failed"``.
        inputs: what the node got, by the names it asked for, as its function left it; empty
            when its outputs were being stored, for then they have been given up. They
            stay behind when the error is pickled.
        steps: a Step for each node of the run, as its RunResult would have them.
        failed_hooks: the hooks that raised and were put aside, likewise.
    """

    def __init__(self, message: str, step: Step, inputs: Mapping[str, Any]) -> None:
        self.node: Node = step.node
        self.step = step
        self.steps: tuple[Step, ...] = (step,)
        self.failed_hooks: tuple[FailedHook, ...] = ()
        self.inputs: dict[str, Any] = dict(inputs)
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process must be able to send its failure home, whatever the inputs are.
        rest = {"steps": self.steps, "failed_hooks": self.failed_hooks}
        return _failure_from_afar, (type(self), self.args[0], self.step), rest


def _failure_from_afar(
    kind: type[NodeExecutionError], message: str, step: Step
) -> NodeExecutionError:
    """A NodeExecutionError unpickled in another process: the report without the inputs."""
    return kind(message, step, {})


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
    lines += _describe_inputs(node, inputs)
    lines.append(f"  {type(error).__name__}: {message_of(error)}")
    return "\n".join(lines) + how_to_go_on


def _describe_inputs(node: Node, inputs: Mapping[str, Any]) -> list[str]:
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
