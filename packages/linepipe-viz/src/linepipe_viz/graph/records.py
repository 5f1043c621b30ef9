"""Records of nodes: state, figures, reasons and errors from a run, a failure or a plan.

One form for all three, so that pictures and terminal views needn't know which they show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from linepipe_core import Node, NodeExecutionError, Pipeline, Reason, Run, RunResult, Step
from linepipe_viz.text import join_names, memory_text, printable, seconds_text, shorten

Status = Literal[
    "ran", "reused", "failed", "running", "not run", "will run", "will reuse", "may run"
]
Overlay = RunResult | NodeExecutionError | Run | Sequence[Any]

__all__ = [
    "Change",
    "Overlay",
    "Record",
    "Status",
    "case_error_text",
    "config_change",
    "config_changes",
    "error_text",
    "node_key",
    "node_records",
    "outcome_text",
    "step_record",
    "steps_with_records",
    "time_in_functions",
    "untracked_notes",
]

_STATUS_OF_STEP: Final[dict[str, Status]] = {
    "pending": "not run",
    "running": "running",
    "ran": "ran",
    "reused": "reused",
    "failed": "failed",
}
_STATUS_OF_ACTION: Final[dict[str, Status]] = {
    "run": "will run",
    "reuse": "will reuse",
    "maybe": "may run",
}
_MOST_NAMES: Final = 4
_PLANNED: Final = frozenset(_STATUS_OF_ACTION.values())
_ORDER_OF_COUNTS: Final[tuple[Status, ...]] = (
    *("failed", "will run", "may run", "will reuse"),
    *("running", "ran", "reused", "not run"),
)


@dataclass(frozen=True, slots=True)
class Record:
    """State and figures of one node.

    Attributes:
        status: in words; a picture never shows it by colour alone.
        seconds: how long it took, if it ran.
        peak_mib: how far memory rose while it ran, if that was measured.
        reasons: why it ran, or will; each may be a Reason of the core.
        error: type and first line of the error with which it failed, or "".
        expected: seconds that it took in an earlier run, while it runs or in a plan.
    """

    status: Status
    seconds: float | None = None
    peak_mib: float | None = None
    reasons: tuple[str, ...] = ()
    error: str = ""
    expected: float | None = None

    @property
    def state(self) -> str:
        """The theme's name of the status."""
        return "reused" if self.status == "will reuse" else self.status.replace(" ", "-")

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
        status = "" if self.status == "ran" and self.figures else self.status
        return " · ".join(part for part in (status, self.figures, self.estimate) if part)

    @property
    def estimate(self) -> str:
        """The time that a plan expects it to take or to save: ``about 1.3 s``, ``saves 1.3 s``."""
        if self.expected is None or self.status not in _PLANNED:
            return ""
        word = "saves" if self.status == "will reuse" else "about"
        return f"{word} {seconds_text(self.expected)}"

    @property
    def remark(self) -> str:
        """A second line: the error, or the first reason to run; "" if there is none."""
        if self.error:
            return self.error
        if self.status in ("will run", "may run") and self.reasons:
            return printable(str(self.reasons[0]))
        return ""

    @property
    def summary(self) -> str:
        """Caption and remark in one line."""
        remark = shorten(self.remark, 60)
        return " · ".join(part for part in (self.caption, remark) if part)


@dataclass(frozen=True, slots=True)
class Change:
    """A config value that changed, in words: ``5`` and ``6``."""

    name: str
    old: str
    new: str


def config_change(reason: str) -> Change | None:
    """The change of a config value that a reason names; None if it names none or hides it."""
    if not isinstance(reason, Reason) or reason.kind != "config":
        return None
    if reason.name is None or reason.old is None or reason.new is None:
        return None
    return Change(reason.name, printable(reason.old), printable(reason.new))


def config_changes(records: Iterable[Record | None]) -> dict[str, Change]:
    """The config references that changed, from the reasons that say so; the first one counts."""
    changes: dict[str, Change] = {}
    for record in records:
        for reason in record.reasons if record else ():
            change = config_change(reason)
            if change is not None:
                changes.setdefault(change.name, change)
    return changes


def node_records(nodes: Sequence[Node], overlay: Overlay | None) -> tuple[Record | None, ...]:
    """The record of each node of the pipeline.

    Args:
        nodes: those of the pipeline that is shown.
        overlay: a RunResult, the NodeExecutionError of a failed run, a plan, or None. It may
            be of a larger pipeline, of which this one is a part, or of a part of this one: the
            nodes that it lacks were not run.

    Raises:
        TypeError: the overlay is something else.
        ValueError: the overlay has nodes, and none of these.
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
            error = _cause(overlay)
            pairs = [(step.node, step_record(step, error)) for step in steps]
            to_come = getattr(overlay, "nodes", ())[len(pairs) :]  # a Run knows the rest
            return [*pairs, *((node, Record("not run")) for node in to_come)]
        return [(entry.node, _entry_record(entry)) for entry in cast("Iterable[Any]", overlay)]
    except (AttributeError, KeyError, TypeError) as error:
        is_pipeline = isinstance(overlay, Pipeline)
        also = "; print_pipeline(pipeline) shows the pipeline itself" if is_pipeline else ""
        raise TypeError(
            f"a {type(overlay).__name__} is neither a run nor a plan\n"
            "  give what pipeline.run() or pipeline.plan() returns, or the NodeExecutionError of a "
            f"failed run{also}"
        ) from (None if is_pipeline else error)


def step_record(step: Step, error: BaseException | None = None) -> Record:
    """The record of one step; ``error`` is what its run failed with, if it did."""
    memory = step.memory
    return Record(
        status=_STATUS_OF_STEP[step.status],
        seconds=step.seconds,
        peak_mib=None if memory is None else memory.peak_mib,
        reasons=tuple(step.reasons),
        error=error_text(error) if error is not None and step.status == "failed" else "",
    )


def _cause(overlay: object) -> BaseException | None:
    """The error of the node that failed; None of what is no failure."""
    if not isinstance(overlay, NodeExecutionError):
        return None
    original: BaseException | None = getattr(overlay, "original", None)
    return original or overlay.__cause__


def error_text(error: BaseException) -> str:
    """Type and first line of an error: ``ValueError: no such season``.

    Example:
        >>> error_text(KeyError("season")), error_text(ValueError())
        ("KeyError: 'season'", 'ValueError')
    """
    try:
        message = str(error).strip().partition("\n")[0]
    except Exception:  # a user's __str__ may raise anything
        message = ""
    return printable(": ".join(part for part in (type(error).__name__, message) if part))


def case_error_text(error: BaseException) -> str:
    """Why a case failed, in one line: ``fit: ValueError: no rows``, the node first."""
    if isinstance(error, NodeExecutionError):
        return f"{printable(error.node.name)}: {error_text(error.original)}"
    return error_text(error)


def untracked_notes(plan: object) -> list[str]:
    """The things that a plan doesn't track: each once, with the nodes that it concerns."""
    notes = list(getattr(plan, "untracked", ()))
    nodes: dict[str, list[str]] = {}
    for entry in cast("Iterable[Any]", plan):
        for what in getattr(entry, "untracked", ()):
            nodes.setdefault(what, []).append(entry.node.name)
    n_of_nodes = sum(map(len, nodes.values()))
    return [*(f"{_some(names)}: {what}" for what, names in nodes.items()), *notes[n_of_nodes:]]


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    shown = join_names(names[:_MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown


def time_in_functions(records: Iterable[Record | None]) -> list[str]:
    """All the nodes' time as one part of a heading; none where none ran.

    Named "in functions", because a run also takes time for itself, which a result's text and
    table show as "in all". A failure knows no such figure, and half a pipeline has none.
    """
    times = [record.seconds for record in records if record and record.seconds is not None]
    return [f"{seconds_text(sum(times))} in functions"] if times else []


def outcome_text(nodes: Sequence[Node], records: Sequence[Record | None]) -> str:
    """One line about a whole run, failure or plan; "" without any record.

    A failure names the node and its error; all else is counted, and a plan's reused nodes with
    the time that they took: ``2 will run · 3 will reuse · saves about 3.1 s``.
    """
    for node, record in zip(nodes, records, strict=True):
        if record and record.status == "failed":
            error = f": {record.error}" if record.error else ""
            return f"{printable(node.name)} failed{error}"
    statuses = [record.status for record in records if record]
    counts = [(statuses.count(status), status) for status in _ORDER_OF_COUNTS]
    parts = [f"{number} {status}" for number, status in counts if number]
    return " · ".join([*parts, *time_in_functions(records), *_time_saved(records)])


def _time_saved(records: Iterable[Record | None]) -> list[str]:
    """The time that a plan saves, as one part of a heading; none where it isn't known."""
    reused = [record.expected for record in records if record and record.status == "will reuse"]
    saved = sum(seconds for seconds in reused if seconds is not None)
    return [f"saves about {seconds_text(saved)}"] if saved else []


def _entry_record(entry: Any) -> Record:
    return Record(
        _STATUS_OF_ACTION[entry.action],
        reasons=tuple(entry.reasons),
        expected=getattr(entry, "seconds", None),
    )


def _matched(
    nodes: Sequence[Node], steps: Sequence[tuple[Node, Record]]
) -> tuple[Record | None, ...]:
    """The records in the order of the nodes; the same node twice takes them in turn."""
    waiting: dict[object, list[Record]] = {}
    for node, record in steps:
        waiting.setdefault(node_key(node), []).append(record)
    return tuple(_next_record(waiting, node) for node in nodes)


def _next_record(waiting: dict[object, list[Record]], node: Node) -> Record | None:
    records = waiting.get(node_key(node))
    return records.pop(0) if records else None


def node_key(node: Node) -> object:
    """Key that identifies a node, also after it was sent to another process and back."""
    return node.name, node.inputs, node.outputs
