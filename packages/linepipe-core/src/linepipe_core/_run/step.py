"""A Step: the record of one node's turn in one run.

Apart from the loop that fills it in, because people, hooks and views read it long after the
loop is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from linepipe_core._declare.node import Node
from linepipe_core._reuse.reasons import Reason
from linepipe_core._text import bounded

if TYPE_CHECKING:  # it loads in 3 ms, and few ask when a step began
    from datetime import datetime

__all__ = ["MemoryUse", "Status", "Step", "begin_step"]

Status: TypeAlias = Literal["pending", "running", "ran", "reused", "failed"]


class MemoryUse(Protocol):
    """The record that a memory profile puts on a step; all amounts are in MiB."""

    @property
    def delta_mib(self) -> float:
        """Growth of the process between the call's beginning and its end."""

    @property
    def peak_mib(self) -> float:
        """The most that the process had grown at any time of the call."""

    @property
    def samples(self) -> Sequence[tuple[float, float]]:
        """Pairs of seconds since the call's beginning and growth in MiB."""

    @property
    def method(self) -> str:
        """How the peak was measured."""


class Step:
    """One node's turn in one run. It never holds the node's inputs or outputs.

    Attributes:
        node: the Node.
        index: its place in the pipeline, from 0.
        status: ``"pending"``, ``"running"``, ``"ran"``, ``"reused"`` or ``"failed"``.
        seconds: how long its function took; None if it wasn't called.
        memory: the memory profile's record, if the node was profiled.
        reasons: why it ran or was reused, when the run was asked to reuse.
        began: when its function was called, in seconds since the epoch; see ``started``.
    """

    __slots__ = ("began", "index", "memory", "node", "reasons", "seconds", "status")

    node: Node
    index: int
    status: Status
    seconds: float | None
    memory: MemoryUse | None
    reasons: tuple[Reason, ...]
    began: float | None

    def __init__(
        self,
        node: Node,
        index: int,
        status: Status = "running",
        seconds: float | None = None,
        *,
        memory: MemoryUse | None = None,
        reasons: tuple[Reason, ...] = (),
        began: float | None = None,
    ) -> None:
        self.node = node
        self.index = index
        self.status = status
        self.seconds = seconds
        self.memory = memory
        self.reasons = reasons
        self.began = began

    @property
    def started(self) -> datetime | None:
        """When its function was called, in local time with its zone; None if it wasn't called."""
        from datetime import UTC, datetime

        return None if self.began is None else datetime.fromtimestamp(self.began, UTC).astimezone()

    def __reduce__(self) -> tuple[Any, ...]:
        declared = (self.node.portable(), self.index, self.status, self.seconds)
        rest = {"memory": self.memory, "reasons": self.reasons, "began": self.began}
        return type(self), declared, (None, rest)

    # A copy isn't made by way of the pickle: here the node's function is at hand.

    def __copy__(self) -> Step:
        step = type(self)(self.node, self.index, self.status, self.seconds)
        step.memory, step.reasons, step.began = self.memory, self.reasons, self.began
        return step

    def __deepcopy__(self, _memo: dict[int, Any]) -> Step:
        return self.__copy__()

    def __repr__(self) -> str:
        took = "" if self.seconds is None else f" in {self.seconds:.3f} s"
        return f"<Step {self.index + 1} {bounded(self.node.name)}: {self.status}{took}>"


def begin_step(node: Node, index: int) -> Step:
    """A step whose turn begins: ``Step(node, index)``, in half the time without ``__init__``."""
    step = object.__new__(Step)
    step.node = node
    step.index = index
    step.status = "running"
    step.seconds = step.memory = step.began = None
    step.reasons = ()
    return step
