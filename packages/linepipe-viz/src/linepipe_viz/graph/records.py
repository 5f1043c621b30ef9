"""Records of nodes: state, figures and reasons from a run, a failure or a plan.

One form for all three, so that pictures and terminal views needn't know which they show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from linepipe_core import Node, NodeExecutionError, Run, RunResult, Step
from linepipe_viz.text import memory_text, printable, seconds_text, shorten

Status = Literal[
    "ran", "reused", "failed", "running", "not run", "will run", "will reuse", "may run"
]
Overlay = RunResult | NodeExecutionError | Run | Sequence[Any]

__all__ = ["Record", "node_records", "step_record", "steps_with_records", "time_in_functions"]

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
    """State and figures of one node.

    Attributes:
        status: in words; a picture never shows it by colour alone.
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
            return f"{self.status} · {shorten(self.reasons[0])}"
        status = "" if self.status == "ran" and self.figures else self.status
        return " · ".join(part for part in (status, self.figures) if part)


def node_records(nodes: Sequence[Node], overlay: Overlay | None) -> tuple[Record | None, ...]:
    """The record of each node of the pipeline.

    Args:
        nodes: those of the pipeline that is shown.
        overlay: a RunResult, the NodeExecutionError of a failed run, a plan, or None. It may
            be of a larger pipeline, of which this one is a part, or of a part of this one: the
            nodes that it lacks were not run.

    Raises:
        TypeError: the overlay is something else.
        ValueError: the overlay knows nodes, and none of these.
    """
    if overlay is None:
        return (None,) * len(nodes)
    steps = steps_with_records(overlay)
    matched = _matched(nodes, steps)
    if nodes and steps and not any(matched):
        raise ValueError(
            "this result belongs to another pipeline: it knows none of the nodes shown\n"
            f"  it knows: {', '.join(printable(node.name) for node, _ in steps)}"
        )
    return tuple(record or Record("not run") for record in matched)


def steps_with_records(overlay: Overlay) -> list[tuple[Node, Record]]:
    """Each node of the run or plan, in order, with its record.

    Raises:
        TypeError: this is neither.
    """
    steps = getattr(overlay, "steps", None)  # a result's, a failure's, or a Run's
    try:
        if steps is not None:
            steps = [(step.node, step_record(step)) for step in steps]
            to_come = getattr(overlay, "nodes", ())[len(steps) :]  # a Run knows the rest
            return [*steps, *((node, Record("not run")) for node in to_come)]
        return [(entry.node, _entry_record(entry)) for entry in cast("Iterable[Any]", overlay)]
    except (AttributeError, KeyError, TypeError) as error:
        raise TypeError(
            f"a {type(overlay).__name__} is neither a run nor a plan\n"
            "  give a RunResult, the NodeExecutionError of a failed run, "
            "or what pipeline.plan() returns"
        ) from error


def step_record(step: Step) -> Record:
    """The record of one step."""
    memory = step.memory
    return Record(
        status=_STATUS_OF_STEP[step.status],
        seconds=step.seconds,
        peak_mib=None if memory is None else memory.peak_mib,
        reasons=tuple(str(reason) for reason in step.reasons),
    )


def time_in_functions(steps: Iterable[Record | None]) -> list[str]:
    """All the nodes' time as one part of a heading; none where none ran.

    With a word for what it is: a run also takes time for itself, which a result's text and
    table tell "in all". A failure knows no such figure, and half a pipeline has none.
    """
    times = [record.seconds for record in steps if record and record.seconds is not None]
    return [f"{seconds_text(sum(times))} in functions"] if times else []


def _entry_record(entry: Any) -> Record:
    reasons = tuple(str(reason) for reason in entry.reasons)
    return Record(_STATUS_OF_ACTION[entry.action], reasons=reasons)


def _matched(
    nodes: Sequence[Node], steps: Sequence[tuple[Node, Record]]
) -> tuple[Record | None, ...]:
    """The records in the order of the nodes; the same node twice takes them in turn."""
    waiting: dict[object, list[Record]] = {}
    for node, record in steps:
        waiting.setdefault(_key(node), []).append(record)
    return tuple(_next_record(waiting, node) for node in nodes)


def _next_record(waiting: dict[object, list[Record]], node: Node) -> Record | None:
    records = waiting.get(_key(node))
    return records.pop(0) if records else None


def _key(node: Node) -> object:
    """Key that identifies a node, also after it was sent to another process and back."""
    return node.name, node.inputs, node.outputs
