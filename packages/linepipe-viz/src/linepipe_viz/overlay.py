"""What a run, a failure or a plan says about each node of a pipeline.

One form for all three, so that pictures and terminal views needn't know which they show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from linepipe_viz.words import memory_text, printable, seconds_text, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, Literal

    from linepipe_core import Node, NodeExecutionError, Run, RunResult, Step

    Status = Literal[
        "ran", "reused", "failed", "running", "not run", "will run", "will reuse", "may run"
    ]
    Overlay = RunResult | NodeExecutionError | Run | Sequence[Any]

__all__ = ["Record", "records", "step_record", "time_in_functions", "told_steps"]

_STATUS_OF_STEP: dict[str, Status] = {
    "pending": "not run",
    "running": "running",
    "ran": "ran",
    "reused": "reused",
    "failed": "failed",
}
_STATUS_OF_ACTION: dict[str, Status] = {
    "run": "will run",
    "reuse": "will reuse",
    "maybe": "may run",
}


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about one node.

    Attributes:
        status: in words; a picture never tells it by colour alone.
        seconds: how long it took, if it ran.
        peak_mib: how far memory rose while it ran, if that was measured.
        reasons: why it ran, or will.
    """

    status: Status
    seconds: float | None = None
    peak_mib: float | None = None
    reasons: tuple[str, ...] = ()

    @property
    def figures(self) -> str:
        """Time and memory: ``1.32 s · 212 MiB``, as far as they are known."""
        parts = []
        if self.seconds is not None:
            parts.append(seconds_text(self.seconds))
        if self.peak_mib is not None:
            parts.append(memory_text(self.peak_mib))
        return " · ".join(parts)

    @property
    def caption(self) -> str:
        """One line for a card: the status, where it isn't plain success, and the figures."""
        if self.status in ("will run", "may run") and self.reasons:
            return f"{self.status} · {shortened(self.reasons[0])}"
        status = "" if self.status == "ran" and self.figures else self.status
        return " · ".join(part for part in (status, self.figures) if part)


def records(nodes: Sequence[Node], overlay: Overlay | None) -> tuple[Record | None, ...]:
    """For each node of the pipeline, what the run or plan says about it.

    Args:
        nodes: those of the pipeline that is shown.
        overlay: a RunResult, the NodeExecutionError of a failed run, a plan, or None. It may
            be of a larger pipeline, of which this one is a part, or of a part of this one: what
            it doesn't know wasn't run.

    Raises:
        TypeError: the overlay is something else.
        ValueError: the overlay knows nodes, and none of these.
    """
    if overlay is None:
        return (None,) * len(nodes)
    told = told_steps(overlay)
    found = _matched(nodes, told)
    if nodes and told and not any(found):
        raise ValueError(
            "this result belongs to another pipeline: it knows none of the nodes shown\n"
            f"  it knows: {', '.join(printable(node.name) for node, _ in told)}"
        )
    return tuple(record or Record("not run") for record in found)


def told_steps(overlay: Overlay) -> list[tuple[Node, Record]]:
    """Each node that the run or plan knows, in order, with what it says about it.

    Raises:
        TypeError: this is neither.
    """
    steps = getattr(overlay, "steps", None)  # a result's, a failure's, or a Run's
    try:
        if steps is not None:
            told = [(step.node, step_record(step)) for step in steps]
            to_come = getattr(overlay, "nodes", ())[len(told) :]  # a Run knows the rest
            return [*told, *((node, Record("not run")) for node in to_come)]
        return [(entry.node, _of_entry(entry)) for entry in cast("Iterable[Any]", overlay)]
    except (AttributeError, KeyError, TypeError) as error:
        raise TypeError(
            f"a {type(overlay).__name__} tells of no run\n"
            "  give a RunResult, the NodeExecutionError of a failed run, "
            "or what pipeline.plan() returns"
        ) from error


def step_record(step: Step) -> Record:
    """What a step says about its node."""
    memory = step.memory
    return Record(
        status=_STATUS_OF_STEP[step.status],
        seconds=step.seconds,
        peak_mib=None if memory is None else memory.peak_mib,
        reasons=tuple(str(reason) for reason in step.reasons),
    )


def time_in_functions(told: Iterable[Record | None]) -> list[str]:
    """All the nodes' time as one part of a heading; none where none ran.

    With a word for what it is: a run also takes time for itself, which a result's text and
    table tell "in all". A failure knows no such figure, and half a pipeline has none.
    """
    times = [record.seconds for record in told if record and record.seconds is not None]
    return [f"{seconds_text(sum(times))} in functions"] if times else []


def _of_entry(entry: Any) -> Record:
    reasons = tuple(str(reason) for reason in entry.reasons)
    return Record(_STATUS_OF_ACTION[entry.action], reasons=reasons)


def _matched(
    nodes: Sequence[Node], told: Sequence[tuple[Node, Record]]
) -> tuple[Record | None, ...]:
    """The records in the order of the nodes; the same node twice takes them in turn."""
    waiting: dict[object, list[Record]] = {}
    for node, record in told:
        waiting.setdefault(_key(node), []).append(record)
    return tuple(_next_record(waiting, node) for node in nodes)


def _next_record(waiting: dict[object, list[Record]], node: Node) -> Record | None:
    found = waiting.get(_key(node))
    return found.pop(0) if found else None


def _key(node: Node) -> object:
    """What tells nodes apart, also after they have been to another process and back."""
    return node.name, node.inputs, node.outputs
