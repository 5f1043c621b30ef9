"""Spans of a run on a clock: when each node ran, when each object lived, what nobody ran.

Pure: seconds from the first function's start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linepipe_core import NodeExecutionError, RunResult, Step
from linepipe_viz.graph.cards import pipeline_graph
from linepipe_viz.graph.records import Record, steps_with_records

__all__ = ["Life", "Span", "Spans", "spans_of"]


@dataclass(frozen=True, slots=True)
class Span:
    """A node's turn; both ends are the same where its function wasn't called."""

    index: int
    name: str
    record: Record
    start: float
    end: float
    samples: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Life:
    """An object's time in memory: from the end of its maker to the end of its last reader."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Spans:
    """A whole run.

    Attributes:
        spans: of the nodes, in order.
        gaps: (start, end) of what no function accounts for: the shelf, hashing, hooks.
        lives: of the objects.
        seconds: the run's, in all.
    """

    spans: tuple[Span, ...]
    gaps: tuple[tuple[float, float], ...]
    lives: tuple[Life, ...]
    seconds: float

    @property
    def in_functions(self) -> float:
        """Seconds in functions."""
        return sum(span.end - span.start for span in self.spans)

    @property
    def samples(self) -> list[tuple[float, float]]:
        """Memory samples of all nodes: seconds, and MiB over the node's beginning."""
        return [(span.start + seconds, mib) for span in self.spans for seconds, mib in span.samples]

    def alive_at(self, seconds: float) -> list[str]:
        """The objects in memory at a moment."""
        return [life.name for life in self.lives if life.start <= seconds <= life.end]


def spans_of(result: RunResult | NodeExecutionError) -> Spans:
    """The spans of a run.

    Raises:
        TypeError: this is no run.
    """
    records = [record for _, record in steps_with_records(result)]
    steps: Sequence[Step] = getattr(result, "steps", ())
    if len(steps) != len(records):
        raise TypeError("a plan has no times\n  give a RunResult or a NodeExecutionError")
    starts = [step.started.timestamp() for step in steps if step.started is not None]
    zero = min(starts, default=0.0)
    spans = []
    clock = 0.0
    for step, record in zip(steps, records, strict=True):
        start = clock if step.started is None else max(step.started.timestamp() - zero, 0.0)
        clock = max(start + (step.seconds or 0.0), clock)
        samples = () if step.memory is None else tuple(step.memory.samples)
        end = start + (step.seconds or 0.0)
        spans.append(Span(step.index, step.node.name, record, start, end, samples))
    seconds = max(getattr(result, "seconds", None) or 0.0, clock)
    return Spans(tuple(spans), _gaps(spans, seconds), _lives(steps, spans, seconds), seconds)


def _gaps(spans: Sequence[Span], seconds: float) -> tuple[tuple[float, float], ...]:
    gaps = []
    clock = 0.0
    for span in sorted(spans, key=lambda span: span.start):
        if span.start > clock:
            gaps.append((clock, span.start))
        clock = max(clock, span.end)
    if seconds > clock:
        gaps.append((clock, seconds))
    return tuple(gaps)


def _lives(steps: Sequence[Step], spans: Sequence[Span], seconds: float) -> tuple[Life, ...]:
    """Outputs of the run live to its end; what a node reads last goes when that node is done."""
    graph = pipeline_graph([step.node for step in steps])
    readers = graph.readers()
    lives = []
    for card in graph.cards:
        for name in card.makes:
            last = max(readers.get((card.index, name), ()), default=None)
            end = seconds if last is None else spans[last].end
            lives.append(Life(name, spans[card.index].end, end))
    return tuple(lives)
