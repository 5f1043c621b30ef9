"""A pipeline's picture as a display list: cards, pills and wires at their places on a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from linepipe_core import Pipeline
from linepipe_viz.graph.cards import Graph, nodes_of, pipeline_graph
from linepipe_viz.graph.details import Details, input_details, node_details, object_details
from linepipe_viz.graph.records import Overlay, Record, node_records, time_in_functions
from linepipe_viz.scene.arrangement import PlacedCard, PlacedPill, arrange
from linepipe_viz.scene.measure import (
    BAR_HEIGHT,
    CAPTION_HEIGHT,
    CHIP_GAP,
    CHIP_HEIGHT,
    CHIP_ROW,
    HEAD_HEIGHT,
    PILL_HEIGHT,
    Label,
    row_width,
    text_width,
)
from linepipe_viz.scene.shapes import Rect, Scene, Segment, Shape, Text, Wire, translated
from linepipe_viz.text import count_text, printable, shorten

__all__ = ["pipeline_scene"]

MARGIN = 28
TOP = 70  # of the graph, below title and subtitle
BOTTOM = 54  # below the graph, for the legend
LOOSE_BOTTOM = 73  # the same, where the legend could be taken for one more part of the graph
DEFAULT_TITLE = "Pipeline"

_TITLE_CELLS = 80  # or as many as the graph has room for
_TITLE_CELL = 12  # px, roughly
_CARD_KIND = {
    "reused": "function-reused",
    "will reuse": "function-reused",
    "may run": "function-maybe",
    "not run": "function-not-run",
    "failed": "function-failed",
}
_CAPTION_KIND = {
    "reused": "caption-reused",
    "will reuse": "caption-reused",
    "not run": "caption-not-run",
    "failed": "caption-failed",
}


def pipeline_scene(pipeline: Pipeline, title: str | None, overlay: Overlay | None) -> Scene:
    """The picture of a pipeline.

    Args:
        pipeline: the pipeline to show.
        title: the heading; ``"Pipeline"`` if None.
        overlay: a run's result or failure, or a plan, whose figures the cards show.
    """
    nodes = nodes_of(pipeline)
    graph = pipeline_graph(nodes)
    records = node_records(nodes, overlay)
    places = arrange(graph, [record.caption if record else "" for record in records])
    room = max(_TITLE_CELLS, int(places.width / _TITLE_CELL))
    heading = shorten(printable(title or DEFAULT_TITLE), room)
    subtitle = _subtitle(graph, records)
    legend = _legend(graph, records)
    content = max(
        places.width,
        text_width(heading, "title"),
        text_width(subtitle, "subtitle"),
        max((_legend_end(text) for _, text in legend), default=0.0),
    )
    origin = MARGIN + (content - places.width) / 2, TOP
    height = TOP + places.height + (LOOSE_BOTTOM if places.n_parts > 1 else BOTTOM)
    painter = _Painter(pipeline, graph, records)
    return Scene(
        width=content + 2 * MARGIN,
        height=height,
        title=heading,
        subtitle=subtitle,
        cards=tuple(translated(painter.card(card), *origin) for card in places.cards),
        wires=tuple(translated(wire, *origin) for wire in _drawn_once(places.wires)),
        pills=tuple(translated(painter.pill(pill), *origin) for pill in places.pills),
        page=(
            Text("title", MARGIN, 26, heading, "start"),
            Text("subtitle", MARGIN, 46, subtitle, "start"),
            *(translated(text, MARGIN, height - 26) for _, text in legend),
        ),
        legend=tuple(translated(rect, MARGIN, height - 26) for rect, _ in legend),
    )


def _drawn_once(wires: Sequence[Wire]) -> Iterator[Wire]:
    """The wires from where each leaves the way that others have drawn.

    A line that is drawn over itself looks bolder than it is.
    """
    drawn: set[tuple[float, float, Segment]] = set()
    for wire in wires:
        x, y, shared = wire.x, wire.y, 0
        for segment in wire.segments:
            if (x, y, segment) not in drawn:
                break
            x, y, shared = segment.x, segment.y, shared + 1
        yield Wire(x, y, wire.segments[shared:], wire.tip)
        for segment in wire.segments[shared:]:
            drawn.add((x, y, segment))
            x, y = segment.x, segment.y


def _subtitle(graph: Graph, records: Sequence[Record | None]) -> str:
    """``5 nodes · 4 datasets · 2 config keys · 6.43 s in functions``"""
    parts = [count_text(len(graph.cards), "node"), count_text(graph.n_made, "dataset")]
    if graph.config_names:
        parts.append(count_text(len(graph.config_names), "config key"))
    return " · ".join([*parts, *time_in_functions(records)])


_LEGEND = (
    # kind of rectangle, its radius
    ("function", 4.0),
    ("data", 7.0),
    ("input", 7.0),
    ("config", 3.0),
    ("function-reused", 4.0),
    ("function-maybe", 4.0),
    ("function-failed", 4.0),
    ("function-not-run", 4.0),
)


def _legend(graph: Graph, records: Sequence[Record | None]) -> list[tuple[Rect, Text]]:
    """A swatch and a word for each kind of thing that the picture shows; y is the middle."""
    words: dict[str, str] = {
        _CARD_KIND[record.status]: record.status
        for record in records
        if record and record.status in _CARD_KIND
    }
    words |= {"function": "function"} if graph.cards else {}
    words |= {"data": "data"} if graph.n_made else {}
    words |= {"input": "input"} if graph.free_inputs else {}
    words |= {"config": "config"} if graph.config_names else {}
    entries: list[tuple[Rect, Text]] = []
    x = 0.0
    for kind, radius in _LEGEND:
        if kind in words:
            text = Text("legend", x + 28, 0, words[kind], "start")
            entries.append((Rect(kind, x, -7, 22, 14, radius), text))
            x = _legend_end(text) + 18
    return entries


def _legend_end(text: Text) -> float:
    return text.x + text_width(text.text, text.kind)


class _Painter:
    """Turns placed cards and pills into shapes, with the details of their tooltips."""

    def __init__(self, pipeline: Pipeline, graph: Graph, records: Sequence[Record | None]) -> None:
        self._nodes = pipeline.nodes
        self._hints = {name: h for name, h in pipeline.output_hints.items() if h is not Any}
        self._readers = graph.readers()
        self._records = records
        self._longest = max((r.seconds or 0.0 for r in records if r), default=0.0)

    def pill(self, placed: PlacedPill) -> Shape:
        """An object's pill."""
        label = placed.label
        kind = "input" if placed.maker is None else "data"
        left = placed.x - label.width / 2
        rect = Rect(kind, left, placed.top, label.width, PILL_HEIGHT, PILL_HEIGHT / 2)
        text = Text("label", placed.x, placed.top + PILL_HEIGHT / 2, label.text)
        return Shape((rect,), (text,), self._pill_details(placed))

    def _pill_details(self, placed: PlacedPill) -> Details:
        name = placed.label.name
        readers = [self._nodes[r] for r in self._readers.get((placed.maker, name), ())]
        if placed.maker is None:
            return input_details(name, readers)
        return object_details(name, self._nodes[placed.maker], readers, self._hints.get(name))

    def card(self, placed: PlacedCard) -> Shape:
        """A node's card: its frame, name, caption and bar, and its chips."""
        index, size = placed.card.index, placed.size
        record = self._records[index]
        kind = _CARD_KIND.get(record.status, "function") if record else "function"
        left, y = placed.x - size.width / 2, placed.top + HEAD_HEIGHT - 5
        rects = [Rect(kind, left, placed.top, size.width, size.height, 7)]
        texts = [Text("name", placed.x, placed.top + 18, size.name)]
        if record and size.caption:
            texts.append(Text(_caption_kind(record), placed.x, y + 6, size.caption))
            rects += self._bar(record, left + 16, y + 14, size.width - 32)
            y += CAPTION_HEIGHT
        for row in size.chips:
            for rect, text in _chips(row, placed.x, y):
                rects.append(rect)
                texts.append(text)
            y += CHIP_ROW
        details = node_details(self._nodes[index], record, self._hints)
        return Shape(tuple(rects), tuple(texts), details)

    def _bar(self, record: Record, x: float, y: float, width: float) -> Iterator[Rect]:
        """A bar of the node's time in proportion to the slowest node; none if it did not run."""
        if record.seconds is None or record.status not in ("ran", "failed"):
            return
        share = record.seconds / self._longest if self._longest else 0.0
        kind = "bar-failed" if record.status == "failed" else "bar"
        yield Rect("track", x, y, width, BAR_HEIGHT, BAR_HEIGHT / 2)
        yield Rect(kind, x, y, max(BAR_HEIGHT, width * share), BAR_HEIGHT, BAR_HEIGHT / 2)


def _caption_kind(record: Record) -> str:
    return _CAPTION_KIND.get(record.status, "caption")


def _chips(row: Sequence[Label], middle: float, y: float) -> Iterator[tuple[Rect, Text]]:
    x = middle - row_width(row, CHIP_GAP) / 2
    for chip in row:
        yield (
            Rect("config", x, y + 1, chip.width, CHIP_HEIGHT, 4),
            Text("chip", x + chip.width / 2, y + 1 + CHIP_HEIGHT / 2, chip.text),
        )
        x += chip.width + CHIP_GAP
