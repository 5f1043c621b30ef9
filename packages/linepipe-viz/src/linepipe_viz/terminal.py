"""Pipelines, results and plans on a terminal, by rich.

A row a node with its lanes, status, name, config keys, outputs, seconds and memory. Names
are never read as markup, and where the output can't encode more than ASCII, nothing else is
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from linepipe_viz.graph import nodes_of, pipeline_graph
from linepipe_viz.lanes import ASCII, BOX, lane_rows
from linepipe_viz.overlay import records, time_in_functions, told_steps
from linepipe_viz.pieces import FRAME, Lines, Pen, filled, width_of
from linepipe_viz.words import cells, counted, listed, rise_text, seconds_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from linepipe_core import Node, NodeExecutionError, Pipeline, RunResult
    from linepipe_viz.graph import Card, Graph
    from linepipe_viz.lanes import LaneRow
    from linepipe_viz.overlay import Overlay, Record
    from linepipe_viz.pieces import Line, Piece

__all__ = ["Flow", "print_pipeline", "print_plan", "print_result"]

LANE_COLOURS: Final = ("#56B4E9", "#E69F00", "#2FC79A", "#CC79A7", "#F0E442", "#FF8A4C")
_BESIDE_NAMES = 40  # cells of a plan's row: mark, action and gaps take 21, reasons want some too
_LEAST_SHARED = 24  # cells: the halves of less would tell of neither
DATA, CONFIG = "#E69F00", "#CC79A7"


class Mark(NamedTuple):
    """How a status looks: a sign, a letter where only ASCII goes, and a style."""

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
    console = console or Console()
    nodes = nodes_of(pipeline)
    flow = Flow(nodes, title)
    told = records(nodes, result)
    console.print(flow.panel(told, console.width, pen_of(console)), end="")


def print_result(
    result: RunResult | NodeExecutionError,
    title: str | None = None,
    *,
    console: Console | None = None,
) -> None:
    """Show how a run went, a row a node, and what it gave.

    Args:
        result: the RunResult, or the NodeExecutionError of a failed run.
        title: the heading; ``"Pipeline"`` if None.
        console: where to; rich's default console if None.

    Raises:
        TypeError: this is neither.
    """
    console = console or Console()
    pen = pen_of(console)
    steps = told_steps(result)
    flow = Flow([node for node, _ in steps], title)
    console.print(flow.panel([record for _, record in steps], console.width, pen), end="")
    if isinstance(result, Mapping):
        console.print(Text(pen.words(f"outputs: {listed(list(result), '(none)')}")))
    for failed in getattr(result, "failed_hooks", ()):
        console.print(Text(pen.words(f"hook put aside: {failed}"), "dim"))


def print_plan(plan: Sequence[Any], *, console: Console | None = None) -> None:
    """Show what a run would do with each node, and why.

    Args:
        plan: what ``pipeline.plan()`` returns.
        console: where to; rich's default console if None.

    Raises:
        TypeError: this is no plan.
    """
    console = console or Console()
    pen = pen_of(console)
    table = Table(
        box=box.ASCII if pen.ascii_only else box.SIMPLE_HEAD, pad_edge=False, header_style="bold"
    )
    table.add_column("", no_wrap=True)
    told = told_steps(plan)
    names = [pen.words(node.name) for node, _ in told]
    name_width = min(_name_width(names, console.width), max(6, console.width - _BESIDE_NAMES))
    table.add_column("node", no_wrap=True)
    table.add_column("action", no_wrap=True)
    table.add_column("reasons", overflow="fold")
    for name, (_, record) in zip(names, told, strict=True):
        mark, style = _mark(record, pen)
        reasons = "\n".join(pen.words(reason) for reason in record.reasons)
        table.add_row(
            Text(mark, style),
            Text(pen.cut(name, name_width), "bold"),
            Text(record.status, style),
            Text(reasons),
        )
    console.print(table)
    for note in getattr(plan, "untracked", ()):
        console.print(Text(pen.words(f"not tracked: {note}"), "dim"))


def pen_of(console: Console) -> Pen:
    """What that console can encode."""
    return Pen(console.options.ascii_only)


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
        told: Sequence[Record | None],
        width: int,
        pen: Pen,
        *,
        shown: range | None = None,
        footer: Line | None = None,
    ) -> Lines:
        """All rows in a frame.

        Args:
            told: for each node, what a run says about it.
            width: of the terminal, in cells.
            pen: what the output can encode.
            shown: the rows to show; all if None.
            footer: what stands below the rows; the pipeline's size in the frame if None.
        """
        rows = self._rows(told, width, pen, shown or range(len(self.graph.cards)))
        if footer is not None:
            rows += [[], footer]
        foot = self._summary(told) if footer is None else ""
        return Lines(pen.framed(rows, width, self.title, foot))

    def _summary(self, told: Sequence[Record | None]) -> str:
        graph = self.graph
        parts = [counted(len(graph.cards), "node"), counted(graph.n_made, "dataset")]
        return " · ".join([*parts, *time_in_functions(told)])

    def _rows(
        self, told: Sequence[Record | None], width: int, pen: Pen, shown: range
    ) -> list[Line]:
        """Each node's lanes, mark, name, details and figures, in columns."""
        cards = self.graph.cards
        names = [pen.words(cards[index].node.name) for index in shown]
        name_width = _name_width(names, width)
        times = [_time(told[index], pen) for index in shown]
        memories = [_memory(told[index], pen) for index in shown]
        time_width = max((width_of([time]) for time in times), default=0)
        memory_width = max((width_of([memory]) for memory in memories), default=0)
        n_lanes = min(self._n_lanes, max(4, width // 8))
        used = 2 * n_lanes + (2 if n_lanes < self._n_lanes else 0) + 1 + 1 + name_width + 1
        used += (time_width + 1 if time_width else 0) + (memory_width + 1 if memory_width else 0)
        detail_width = max(width - 4 - used, 0)
        rows = []
        for index, name, time, memory in zip(shown, names, times, memories, strict=True):
            row = [*self._lane_pieces(index, n_lanes, pen), _mark(told[index], pen), (" ", "")]
            row += filled([(name, "bold")], name_width, pen)
            row += [(" ", ""), *filled(_detail(cards[index], detail_width, pen), detail_width, pen)]
            if time_width:
                row += [(" ", ""), *filled([time], time_width, pen, right=True)]
            if memory_width:
                row += [(" ", ""), *filled([memory], memory_width, pen, right=True)]
            rows.append(row)
        return rows

    def _lane_pieces(self, index: int, count: int, pen: Pen) -> Line:
        pieces = _lanes(self._lanes[index], count, pen)
        return [*pieces, ("~ ", FRAME)] if count < self._n_lanes else pieces


def _name_width(names: Sequence[str], width: int) -> int:
    """Cells for the nodes' names: one long name leaves room for what stands beside it."""
    return min(max(map(cells, names), default=0), max(16, width // 3))


def _mark(record: Record | None, pen: Pen) -> Piece:
    mark = STATUS_MARKS[record.status if record else ""]
    return pen.sign(mark.sign, mark.letter), mark.style


def _lanes(row: LaneRow, count: int, pen: Pen) -> Line:
    """The lanes and the line that joins them to the node's mark."""
    signs, along, down = (ASCII, "-", "|") if pen.ascii_only else (BOX, "─", "│")
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


def _detail(card: Card, width: int, pen: Pen) -> Line:
    """Config keys, then what the node makes; neither takes the other's half of the room."""
    keys: Line = []
    for name in card.config:
        keys += [("  ", "")] if keys else []
        keys.append((pen.words(name), CONFIG))
    made: Line = []
    for name in card.makes:
        made.append((", ", "dim") if made else (pen.sign("→ ", "-> "), "dim"))
        made.append((pen.words(name), DATA))
    gap: Line = [("  ", "")] if keys and made else []
    if width >= _LEAST_SHARED:
        room = max(width // 2, width - width_of(made)) - width_of(gap)
        keys = filled(keys, min(width_of(keys), room), pen)
    return [*keys, *gap, *made]


def _time(record: Record | None, pen: Pen) -> Piece:
    """Seconds, or in words why there are none."""
    if record is None:
        return "", ""
    if record.seconds is None:
        return record.status, "dim"
    return pen.words(seconds_text(record.seconds)), ""


def _memory(record: Record | None, pen: Pen) -> Piece:
    if record is None or record.peak_mib is None:
        return "", ""
    return pen.words(rise_text(record.peak_mib)), "dim"
