"""Pipelines, results and plans on a terminal, by rich.

A row a node with its lanes, status, name, config keys, outputs, seconds and memory. Names
are never read as markup, and where the output can't encode more than ASCII, nothing else is
written.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from linepipe_core import Node, NodeExecutionError, Pipeline, RunResult
from linepipe_viz.graph.cards import Card, Graph, nodes_of, pipeline_graph
from linepipe_viz.graph.facts import origin_text
from linepipe_viz.graph.records import (
    Overlay,
    Record,
    node_records,
    outcome_text,
    steps_with_records,
    time_in_functions,
    untracked_notes,
)
from linepipe_viz.terminal.lanes import ASCII, BOX, LaneRow, lane_rows
from linepipe_viz.terminal.styled_text import (
    FRAME,
    Charset,
    Line,
    Span,
    StyledLines,
    fit_line,
    line_width,
)
from linepipe_viz.text import cell_width, count_text, join_names, rise_text, seconds_text

__all__ = ["Flow", "print_pipeline", "print_plan", "print_result"]

LANE_COLOURS: Final = ("#56B4E9", "#E69F00", "#2FC79A", "#CC79A7", "#F0E442", "#FF8A4C")
_BESIDE_NAMES = 40  # cells of a plan's row: mark, action and gaps take 21, reasons want some too
_LEAST_SHARED = 24  # cells: the halves of less would tell of neither
DATA, CONFIG = "#E69F00", "#CC79A7"


class Mark(NamedTuple):
    """A status sign, its letter for ASCII output, and its style."""

    sign: str
    letter: str
    style: str


STATUS_MARKS: Final[dict[str, Mark]] = {
    "": Mark("●", "*", "blue"),
    "ran": Mark("✔", "v", "green"),
    "reused": Mark("↻", "=", "cyan"),
    "failed": Mark("✘", "x", "bold red"),
    "not run": Mark("○", ".", "dim"),
    "running": Mark("▶", ">", "yellow"),
    "will run": Mark("▶", ">", "yellow"),
    "will reuse": Mark("↻", "=", "cyan"),
    "may run": Mark("?", "?", "magenta"),
}


def print_pipeline(
    pipeline: Pipeline,
    title: str | None = None,
    *,
    result: Overlay | None = None,
    console: Console | None = None,
) -> None:
    """Show a pipeline on the terminal, a row a node, a coloured lane for each live object.

    Args:
        pipeline: the pipeline to show.
        title: the heading; ``"Pipeline"`` if None.
        result: shows a run in the rows (status, seconds, memory): a RunResult, the
            NodeExecutionError of a failed run, or what ``pipeline.plan()`` returns.
        console: where to; rich's default console if None.

    Raises:
        TypeError: this is no Pipeline, or that no result.
        ValueError: a result of another pipeline.
    """
    console = console or default_console()
    nodes = nodes_of(pipeline)
    flow = Flow(nodes, title)
    records = node_records(nodes, result)
    console.print(flow.panel(records, console.width, charset_of(console)), end="")


def print_result(
    result: RunResult | NodeExecutionError,
    title: str | None = None,
    *,
    console: Console | None = None,
) -> None:
    """Show how a run went, a row a node, with errors, reasons and the outputs' names.

    Args:
        result: the RunResult, or the NodeExecutionError of a failed run.
        title: the heading; ``"Pipeline"`` if None.
        console: where to; rich's default console if None.

    Raises:
        TypeError: this is neither.
    """
    console = console or default_console()
    charset = charset_of(console)
    steps = steps_with_records(result)
    flow = Flow([node for node, _ in steps], title)
    console.print(flow.panel([record for _, record in steps], console.width, charset), end="")
    for node, record in steps:
        if record.error:
            console.print(Text(charset.words(f"{node.name} failed: {record.error}"), "bold red"))
        if record.reasons:
            reasons = "; ".join(record.reasons)
            console.print(Text(charset.words(f"{node.name} {record.status}: {reasons}"), "dim"))
    if isinstance(result, Mapping):
        console.print(Text(charset.words(f"outputs: {join_names(list(result), '(none)')}")))
    _print_origins(result, console, charset)
    for failed in getattr(result, "failed_hooks", ()):
        console.print(Text(charset.words(f"hook put aside: {failed}"), "dim"))


def print_plan(plan: Sequence[Any], *, console: Console | None = None) -> None:
    """Show what a run would do with each node, and why.

    Args:
        plan: what ``pipeline.plan()`` returns.
        console: where to; rich's default console if None.

    Raises:
        TypeError: this is no plan.
    """
    console = console or default_console()
    charset = charset_of(console)
    table = Table(
        box=box.ASCII if charset.ascii_only else box.SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold",
    )
    table.add_column("", no_wrap=True)
    records = steps_with_records(plan)
    names = [charset.words(node.name) for node, _ in records]
    name_width = min(_name_width(names, console.width), max(6, console.width - _BESIDE_NAMES))
    table.add_column("node", no_wrap=True)
    table.add_column("action", no_wrap=True)
    table.add_column("reasons", overflow="fold")
    for name, (_, record) in zip(names, records, strict=True):
        mark, style = _mark(record, charset)
        reasons = "\n".join(charset.words(reason) for reason in record.reasons)
        table.add_row(
            Text(mark, style),
            Text(charset.cut(name, name_width), "bold"),
            Text(record.status, style),
            Text(reasons),
        )
    console.print(table)
    counts = outcome_text([node for node, _ in records], [record for _, record in records])
    if counts:
        console.print(Text(charset.words(counts)))
    _print_origins(plan, console, charset)
    for note in untracked_notes(plan):
        console.print(Text(charset.words(f"not tracked: {note}"), "dim"))


def _print_origins(overlay: object, console: Console, charset: Charset) -> None:
    """A line for each object that comes from the shelf."""
    for info in getattr(overlay, "from_shelf", ()):
        words = f"{info.name} from the shelf: {origin_text(info)}"
        console.print(Text(charset.words(words), "dim yellow" if info.stale else "dim"))


def default_console() -> Console:
    """rich's console for stdout; plain where that is no terminal, whatever FORCE_COLOR says."""
    return Console() if is_terminal(sys.stdout) else Console(force_terminal=False)


def is_terminal(stream: object) -> bool:
    """Return True if a stream is a real terminal, whatever FORCE_COLOR and the like say."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined] # a file without it: no terminal
    except (AttributeError, ValueError):  # None under pythonw, or closed
        return False


def charset_of(console: Console) -> Charset:
    """The character set of a console."""
    return Charset(console.options.ascii_only)


class Flow:
    """The rows of a pipeline, prepared once: what doesn't change while it runs.

    Attributes:
        title: the heading.
        graph: the pipeline's.
    """

    def __init__(self, nodes: Sequence[Node], title: str | None = None) -> None:
        self.title: str = title or "Pipeline"
        self.graph: Graph = pipeline_graph(nodes)
        self._lanes = lane_rows(self.graph)
        self._n_lanes = max((len(row.cells) for row in self._lanes), default=0)

    def panel(
        self,
        records: Sequence[Record | None],
        width: int,
        charset: Charset,
        *,
        shown: range | None = None,
        footer: Line | None = None,
    ) -> StyledLines:
        """All rows in a frame.

        Args:
            records: the record of each node.
            width: of the terminal, in cells.
            pen: what the output can encode.
            shown: the rows to show; all if None.
            footer: what stands below the rows; the pipeline's size in the frame if None.
        """
        rows = self._rows(records, width, charset, shown or range(len(self.graph.cards)))
        if footer is not None:
            rows += [[], footer]
        foot = self._summary(records) if footer is None else ""
        return StyledLines(charset.framed(rows, width, self.title, foot))

    def _summary(self, records: Sequence[Record | None]) -> str:
        graph = self.graph
        parts = [count_text(len(graph.cards), "node"), count_text(graph.n_made, "dataset")]
        return " · ".join([*parts, *time_in_functions(records)])

    def _rows(
        self, records: Sequence[Record | None], width: int, charset: Charset, shown: range
    ) -> list[Line]:
        """Each node's lanes, mark, name, details and figures, in columns."""
        cards = self.graph.cards
        names = [charset.words(cards[index].node.name) for index in shown]
        name_width = _name_width(names, width)
        times = [_time(records[index], charset) for index in shown]
        memories = [_memory(records[index], charset) for index in shown]
        time_width = max((line_width([time]) for time in times), default=0)
        memory_width = max((line_width([memory]) for memory in memories), default=0)
        n_lanes = min(self._n_lanes, max(4, width // 8))
        used = 2 * n_lanes + (2 if n_lanes < self._n_lanes else 0) + 1 + 1 + name_width + 1
        used += (time_width + 1 if time_width else 0) + (memory_width + 1 if memory_width else 0)
        detail_width = max(width - 4 - used, 0)
        rows = []
        for index, name, time, memory in zip(shown, names, times, memories, strict=True):
            row = [
                *self._lane_spans(index, n_lanes, charset),
                _mark(records[index], charset),
                (" ", ""),
            ]
            row += fit_line([(name, "bold")], name_width, charset)
            row += [
                (" ", ""),
                *fit_line(_detail(cards[index], detail_width, charset), detail_width, charset),
            ]
            if time_width:
                row += [(" ", ""), *fit_line([time], time_width, charset, right=True)]
            if memory_width:
                row += [(" ", ""), *fit_line([memory], memory_width, charset, right=True)]
            rows.append(row)
        return rows

    def _lane_spans(self, index: int, count: int, charset: Charset) -> Line:
        spans = _lanes(self._lanes[index], count, charset)
        return [*spans, ("~ ", FRAME)] if count < self._n_lanes else spans


def _name_width(names: Sequence[str], width: int) -> int:
    """Cells for the nodes' names: one long name leaves room for what stands beside it."""
    return min(max(map(cell_width, names), default=0), max(16, width // 3))


def _mark(record: Record | None, charset: Charset) -> Span:
    mark = STATUS_MARKS[record.status if record else ""]
    return charset.sign(mark.sign, mark.letter), mark.style


def _lanes(row: LaneRow, count: int, charset: Charset) -> Line:
    """The lanes and the line that joins them to the node's mark."""
    signs, along, down = (ASCII, "-", "|") if charset.ascii_only else (BOX, "─", "│")
    line: Line = []
    for number in range(count):
        cell = row.cells[number] if number < len(row.cells) else None
        joined = row.first is not None and number >= row.first
        behind = row.first is not None and number > row.first
        if cell and cell.joins:
            line.append((signs[cell.above, cell.below, behind], _lane_colour(number)))
        elif cell and cell.above and cell.below:
            line.append((down, _lane_colour(number)))
        else:
            line.append((along if behind else " ", FRAME))
        line.append((along if joined else " ", FRAME))
    return line


def _lane_colour(number: int) -> str:
    return LANE_COLOURS[number % len(LANE_COLOURS)]


def _detail(card: Card, width: int, charset: Charset) -> Line:
    """The names that the node reads, objects first, and makes; neither takes the other's half."""
    reads: Line = []
    for names, style in ((card.reads, ""), (card.config, CONFIG)):
        for name in names:
            reads += [(", ", "dim")] if reads else []
            reads.append((charset.words(name), style))
    outputs: Line = []
    for name in card.makes:
        outputs.append((", ", "dim") if outputs else (charset.sign("→ ", "-> "), "dim"))
        outputs.append((charset.words(name), DATA))
    gap: Line = [(" ", "")] if reads and outputs else []
    if width >= _LEAST_SHARED:
        room = max(width // 2, width - line_width(outputs)) - line_width(gap)
        reads = fit_line(reads, min(line_width(reads), room), charset)
    return [*reads, *gap, *outputs]


def _time(record: Record | None, charset: Charset) -> Span:
    """Seconds, or in words why there are none."""
    if record is None:
        return "", ""
    if record.seconds is None:
        return record.status, "dim"
    text = seconds_text(record.seconds)
    if record.expected is not None:
        text += f" of {seconds_text(record.expected)}"
    return charset.words(text), ""


def _memory(record: Record | None, charset: Charset) -> Span:
    if record is None or record.peak_mib is None:
        return "", ""
    return charset.words(rise_text(record.peak_mib)), "dim"
