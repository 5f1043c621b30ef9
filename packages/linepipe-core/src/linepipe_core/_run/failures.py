"""The error of a node that failed: its report, and the frames that matter.

Apart from the run loop, which only knows in what phase it was. A report computes nothing and is
bounded: no ``len()`` or ``repr()`` of a foreign object, no message of megabytes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any, Final, cast

from linepipe_core._declare.callables import CALLER, cell_name, is_cell, python_code
from linepipe_core._declare.config import describe_input
from linepipe_core._declare.node import Node
from linepipe_core._declare.portable import pack_error, travels, unpack_error
from linepipe_core._errors import LinepipeError
from linepipe_core._run.result import FailedHook
from linepipe_core._run.step import Step
from linepipe_core._text import bounded, message_of, quoted, type_name

__all__ = ["NodeExecutionError", "failure_report", "is_ours", "trim_traceback", "users_traceback"]

_MOST_INPUTS: Final = 20
_MOST_NOTES: Final = 10
_MOST_IN_A_GROUP: Final = 5


class _Link:
    """``__cause__`` or ``__context__`` of a failure.

    Pickle leaves both behind, and ``original`` goes along. But where distributed is imported,
    tblib pickles them too: one that doesn't come out of its pickle would take the whole report
    with it, so tblib doesn't see that one.
    """

    def __init__(self, slot: Any) -> None:
        self._slot = slot

    def __get__(self, error: BaseException | None, owner: type | None = None) -> Any:
        if error is None:
            return self
        linked = self._slot.__get__(error, owner)
        caller = str(sys._getframe(1).f_globals.get("__name__"))
        return None if caller.startswith("tblib") and not travels(linked) else linked

    def __set__(self, error: BaseException, linked: BaseException | None) -> None:
        self._slot.__set__(error, linked)


class NodeExecutionError(LinepipeError, RuntimeError):
    """A node failed. The original error is the cause (``__cause__``).

    Attributes:
        original: the exception that the node raised, also where this error comes out of
            another process, which cuts the cause off. One that can't be pickled is replaced
            there by a RunStateError with its type's name and text.
        node: the Node that failed.
        step: its Step, with status ``"failed"``.
        inputs: what the node got, by the names it asked for, as its function left it; empty
            when its outputs were being stored, for then they have been given up. They
            stay behind when the error is pickled.
        steps: a Step for each node of the run, as its RunResult would have them.
        failed_hooks: the hooks that raised and were put aside, likewise.
    """

    __cause__: BaseException | None = cast("Any", _Link(BaseException.__cause__))
    __context__: BaseException | None = cast("Any", _Link(BaseException.__context__))

    def __init__(
        self, message: str, step: Step, inputs: Mapping[str, Any], original: BaseException
    ) -> None:
        self.original: BaseException = original
        self.node: Node = step.node
        self.step = step
        self.steps: tuple[Step, ...] = (step,)
        self.failed_hooks: tuple[FailedHook, ...] = ()
        self.inputs: dict[str, Any] = dict(inputs)
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker process must be able to send its failure home, whatever the inputs are.
        rest = {"steps": self.steps, "failed_hooks": self.failed_hooks}
        original = pack_error(self.original)
        return _failure_from_afar, (type(self), self.args[0], self.step, original), rest


def _failure_from_afar(
    kind: type[NodeExecutionError], message: str, step: Step, original: bytes
) -> NodeExecutionError:
    """A NodeExecutionError unpickled in another process: the report without the inputs."""
    return kind(message, step, {}, unpack_error(original))


def failure_report(
    node: Node,
    place: str,
    phase: str,
    inputs: Mapping[str, Any],
    error: BaseException,
    how_to_go_on: str = "",
) -> str:
    """The message of a NodeExecutionError: where, of what, on which inputs, and why.

    Args:
        node: the node that failed.
        place: such as ``"2 of 5"``.
        phase: what it was doing, such as ``"calling its function"``.
        inputs: the values that it had got, by name; others are shown as not at hand.
        error: what was raised.
        how_to_go_on: lines to end with.
    """
    lines = [f"node {place} {node.name!r} failed while {phase}"]
    lines.append(f"  function: {_where(node)}")
    lines += _describe_inputs(node, inputs)
    lines.append("  " + _quote(error))
    lines += _quote_notes(error)
    if isinstance(error, BaseExceptionGroup):
        inner = error.exceptions
        lines += [f"    - {_quote(each, 8)}" for each in inner[:_MOST_IN_A_GROUP]]
        if len(inner) > _MOST_IN_A_GROUP:
            lines.append(f"    ... ({len(inner) - _MOST_IN_A_GROUP} more)")
    return "\n".join(lines) + how_to_go_on


def _quote(error: BaseException, indent: int = 4) -> str:
    return f"{type_name(error)}: {quoted(message_of(error), ' ' * indent)}".removesuffix(": ")


def _quote_notes(error: BaseException) -> list[str]:
    try:
        notes = list(getattr(error, "__notes__", ()))
    except Exception:  # a user's class may answer with anything
        return []
    texts = [note for note in notes[:_MOST_NOTES] if isinstance(note, str)]
    more = [f"    ... ({len(notes) - _MOST_NOTES} more notes)"] if len(notes) > _MOST_NOTES else []
    return [f"    {quoted(text, '    ')}" for text in texts] + more


def _describe_inputs(node: Node, inputs: Mapping[str, Any]) -> list[str]:
    if not node.inputs:
        return ["  inputs: (none)"]
    names = list(dict.fromkeys(node.inputs))
    shown = {name: bounded(name, 80) for name in names[:_MOST_INPUTS]}
    width = max(map(len, shown.values()))
    lines = [
        f"    {text:<{width}}  "
        + (_described(name, inputs[name]) if name in inputs else "(not at hand)")
        for name, text in shown.items()
    ]
    if len(names) > _MOST_INPUTS:
        lines.append(f"    ... ({len(names) - _MOST_INPUTS} more)")
    return ["  inputs:", *lines]


def _described(name: str, value: Any) -> str:
    """Type and shape; of a File or a path the path itself, unless it may be a secret."""
    if isinstance(value, os.PathLike):
        from linepipe_core._values.secrets import shown_value  # re, which no run needs

        return shown_value(name, value) or describe_input(name, value)
    return describe_input(name, value)


def _where(node: Node) -> str:
    """A function's name, file and line, as far as they can be known."""
    code = python_code(node.func)
    if code is None:
        name = getattr(node.func, "__qualname__", None)
        return bounded(name if isinstance(name, str) else node.name) + ", not written in Python"
    file, line = code.co_filename, code.co_firstlineno
    place = f"{cell_name(file)}, line {line}" if is_cell(file) else f"{bounded(file, 1000)}:{line}"
    return f"{bounded(code.co_qualname)}, {place}"


def users_traceback(error: BaseException) -> TracebackType | None:
    """The traceback of an error from the first frame on that isn't linepipe's.

    All of it where there is no other: then linepipe itself raised.
    """
    traceback = error.__traceback__
    while traceback is not None and is_ours(traceback.tb_frame):
        traceback = traceback.tb_next
    return error.__traceback__ if traceback is None else traceback


def trim_traceback(error: BaseException) -> None:
    """Cut linepipe's own frames off the front of an error's traceback.

    By the base class's own method: the error's class may refuse to have attributes set.
    """
    BaseException.with_traceback(error, users_traceback(error))


def is_ours(frame: FrameType) -> bool:
    """Return True if a frame is linepipe's own, or calls a node's function for it."""
    if frame.f_code.co_name == CALLER:
        return True
    module = frame.f_globals.get("__name__", "")
    return str(module).partition(".")[0] == "linepipe_core"
