"""Pipelines, results and plans on a terminal, by rich.

A row a node with its lanes, status, name, config keys, outputs, seconds and memory. Names
are never read as markup, and where the output can't encode more than ASCII, nothing else is
written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from linepipe_viz.graph import pipeline_graph
from linepipe_viz.lanes import ASCII, BOX, lane_rows
from linepipe_viz.overlay import records, told_steps
from linepipe_viz.words import (
    counted,
    listed,
    memory_text,
    plain,
    printable,
    seconds_text,
    shortened,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

    from rich.console import OverflowMethod, RenderableType

    from linepipe_core import Node, NodeExecutionError, Pipeline, RunResult
    from linepipe_viz.graph import Card, Graph
    from linepipe_viz.lanes import LaneRow
    from linepipe_viz.overlay import Overlay, Record

__all__ = ["Flow", "print_pipeline", "print_plan", "print_result"]

LANE_COLOURS: Final = ("#56B4E9", "#E69F00", "#2FC79A", "#CC79A7", "#F0E442", "#FF8A4C")
DATA, CONFIG, FRAME = "#E69F00", "#CC79A7", "bright_black"


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
        ValueError: a result of another pipeline.
    """
    console = console or Console()
    flow = Flow(pipeline.nodes, title)
    told = records(pipeline.nodes, result)
    console.print(flow.panel(told, console.width, ascii_only=console.options.ascii_only))


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
    """
    console = console or Console()
    steps = told_steps(result)
    flow = Flow([node for node, _ in steps], title)
    ascii_only = console.options.ascii_only
    told = [record for _, record in steps]
    console.print(flow.panel(told, console.width, ascii_only=ascii_only))
    if isinstance(result, Mapping):
        console.print(_shown(f"outputs: {listed(list(result), '(none)')}", ascii_only))


def print_plan(plan: Sequence[Any], *, console: Console | None = None) -> None:
    """Show what a run would do with each node, and why.

    Args:
        plan: what ``pipeline.plan()`` returns.
        console: where to; rich's default console if None.
    """
    console = console or Console()
    ascii_only = console.options.ascii_only
    table = Table(
        box=box.ASCII if ascii_only else box.SIMPLE_HEAD, pad_edge=False, header_style="bold"
    )
    table.add_column("", no_wrap=True)
    table.add_column("node", no_wrap=True, overflow="ellipsis" if not ascii_only else "crop")
    table.add_column("action", no_wrap=True)
    table.add_column("reasons", overflow="fold")
    for node, record in told_steps(plan):
        mark = _mark(record, ascii_only)
        reasons = "\n".join(printable(reason) for reason in record.reasons)
        name, action = _shown(node.name, ascii_only, "bold"), Text(record.status, mark.style)
        table.add_row(mark, name, action, Text(plain(reasons) if ascii_only else reasons))
    console.print(table)
    for note in getattr(plan, "untracked", ()):
        console.print(_shown(f"not tracked: {note}", ascii_only, "dim"))


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
        *,
        ascii_only: bool = False,
        shown: range | None = None,
        footer: RenderableType | None = None,
    ) -> Panel:
        """All rows in a frame.

        Args:
            told: for each node, what a run says about it.
            width: of the terminal, in cells.
            ascii_only: whether the output can't encode more.
            shown: the rows to show; all if None.
            footer: what stands below the rows; the pipeline's size in the frame if None.
        """
        rows = self._rows(told, width, ascii_only, shown or range(len(self.graph.cards)))
        summary = self._summary(told)
        return Panel(
            rows if footer is None else Group(rows, Text(""), footer),
            title=_shown(shortened(printable(self.title), width - 8), ascii_only, "bold"),
            title_align="left",
            subtitle=_shown(summary, ascii_only, "dim") if footer is None else None,
            subtitle_align="right",
            border_style=FRAME,
            box=box.ASCII if ascii_only else box.ROUNDED,
            padding=(0, 1),
        )

    def _summary(self, told: Sequence[Record | None]) -> str:
        graph = self.graph
        parts = [counted(len(graph.cards), "node"), counted(graph.n_made, "dataset")]
        times = [record.seconds for record in told if record and record.seconds is not None]
        return " · ".join([*parts, *([seconds_text(sum(times))] if times else [])])

    def _rows(
        self, told: Sequence[Record | None], width: int, ascii_only: bool, shown: range
    ) -> Table:
        table = Table.grid(expand=True, padding=(0, 1))
        overflow: OverflowMethod = "crop" if ascii_only else "ellipsis"
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, overflow=overflow, max_width=max(16, width // 3))
        table.add_column(no_wrap=True, overflow=overflow, ratio=1)
        figures = _FIGURES[: _n_figures(told)]
        for _ in figures:
            table.add_column(no_wrap=True, justify="right")
        most_lanes = max(4, width // 8)
        for index in shown:
            card, record = self.graph.cards[index], told[index]
            lanes = _lanes(self._lanes[index], min(self._n_lanes, most_lanes), ascii_only)
            if self._n_lanes > most_lanes:
                lanes.append("~ ", FRAME)
            lanes.append_text(_mark(record, ascii_only))
            name = _shown(card.node.name, ascii_only, "bold")
            shown_figures = [figure(record, ascii_only) for figure in figures]
            table.add_row(lanes, name, _detail(card, ascii_only), *shown_figures)
        return table


def _shown(text: str, ascii_only: bool, style: str = "") -> Text:
    words = printable(text)
    return Text(plain(words) if ascii_only else words, style)


def _mark(record: Record | None, ascii_only: bool) -> Text:
    mark = STATUS_MARKS[record.status if record else ""]
    return Text(mark.letter if ascii_only else mark.sign, mark.style)


def _lanes(row: LaneRow, count: int, ascii_only: bool) -> Text:
    """The lanes and the line that joins them to the node's mark."""
    signs, along, down = (ASCII, "-", "|") if ascii_only else (BOX, "─", "│")
    text = Text()
    for number in range(count):
        cell = row.cells[number] if number < len(row.cells) else None
        joined = row.first is not None and number >= row.first
        behind = row.first is not None and number > row.first
        if cell and cell.joins:
            text.append(signs[cell.above, cell.below, behind], _lane_colour(number))
        elif cell and cell.above and cell.below:
            text.append(down, _lane_colour(number))
        else:
            text.append(along if behind else " ", FRAME)
        text.append(along if joined else " ", FRAME)
    return text


def _lane_colour(number: int) -> str:
    return LANE_COLOURS[number % len(LANE_COLOURS)]


def _detail(card: Card, ascii_only: bool) -> Text:
    """Config keys, then what the node makes."""
    text = Text()
    for name in card.config:
        text.append_text(_shown(name, ascii_only, CONFIG)).append("  ")
    if card.makes:
        text.append("-> " if ascii_only else "→ ", "dim")
    for place, name in enumerate(card.makes):
        text.append(", " if place else "", "dim").append_text(_shown(name, ascii_only, DATA))
    return text


def _n_figures(told: Sequence[Record | None]) -> int:
    """How many columns of figures there are: none, seconds, or seconds and memory."""
    if not any(told):
        return 0
    return 2 if any(record and record.peak_mib is not None for record in told) else 1


def _time(record: Record | None, ascii_only: bool) -> Text:
    """Seconds, or in words why there are none."""
    if record is None:
        return Text()
    if record.seconds is None:
        return Text(record.status, "dim")
    return _shown(seconds_text(record.seconds), ascii_only)


def _memory(record: Record | None, ascii_only: bool) -> Text:
    if record is None or record.peak_mib is None:
        return Text()
    return _shown(f"+{memory_text(record.peak_mib)}", ascii_only, "dim")


_FIGURES: Final = (_time, _memory)
