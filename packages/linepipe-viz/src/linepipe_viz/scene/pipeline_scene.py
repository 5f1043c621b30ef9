"""A pipeline's picture as a display list: cards, pills and wires at their places on a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from linepipe_core import Pipeline
from linepipe_viz.graph.cards import Graph, nodes_of, pipeline_graph
from linepipe_viz.graph.facts import object_facts
from linepipe_viz.graph.records import Overlay, Record, node_records, outcome_text
from linepipe_viz.scene.arrangement import PlacedWire, arrange
from linepipe_viz.scene.legend import legend
from linepipe_viz.scene.measure import fit_text, text_width
from linepipe_viz.scene.painter import Painter
from linepipe_viz.scene.shapes import Scene, Segment, Text, translated
from linepipe_viz.text import count_text, join_names, printable, shorten

__all__ = ["pipeline_scene"]

MARGIN = 28
TOP = 70  # of the graph, below title and subtitle
OUTCOME_HEIGHT = 18  # of one more line there
BOTTOM = 54  # below the graph, for the legend
LOOSE_BOTTOM = 73  # the same, where the legend could be taken for one more part of the graph
FACTS_HEIGHT = 8  # of facts below the lowest pills
DEFAULT_TITLE = "Pipeline"

_TITLE_CELLS = 80  # or as many as the graph has room for
_TITLE_CELL = 12  # px, roughly
_OUTCOME_WIDTH = 640  # px, or as many as the graph is wide
_STATES_WIDTH = 420  # px: most legends of states fit, so most pages are alike


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
    places = arrange(graph, with_states=overlay is not None)
    room = max(_TITLE_CELLS, int(places.width / _TITLE_CELL))
    heading = shorten(printable(title or DEFAULT_TITLE), room)
    subtitle = _subtitle(graph)
    # Only what every overlay has in common moves the graph: they are to lie on top of each other.
    base = max(
        places.width,
        text_width(heading, "title"),
        text_width(subtitle, "subtitle"),
        _STATES_WIDTH if overlay is not None else 0.0,
    )
    outcome = fit_text(outcome_text(nodes, records), "outcome", max(base, _OUTCOME_WIDTH))
    entries = legend(graph, records)
    content = max(
        base, text_width(outcome, "outcome"), max((entry.right for entry in entries), default=0.0)
    )
    top = TOP + (OUTCOME_HEIGHT if outcome else 0)
    origin = MARGIN + (base - places.width) / 2, top
    height = top + places.height + (LOOSE_BOTTOM if places.n_parts > 1 else BOTTOM)
    height += FACTS_HEIGHT if outcome else 0
    painter = Painter(pipeline, graph, records, object_facts(pipeline, overlay))
    wires = [painter.wire(wire) for wire in _drawn_once(places.wires)]
    wires.sort(key=lambda wire: wire.kind != "edge")  # what changed is painted over the others
    return Scene(
        width=content + 2 * MARGIN,
        height=height,
        title=heading,
        subtitle=subtitle,
        outcome=outcome,
        description=_description(graph, records),
        cards=tuple(translated(painter.card(card), *origin) for card in places.cards),
        wires=tuple(translated(wire, *origin) for wire in wires),
        pills=tuple(translated(painter.pill(pill), *origin) for pill in places.pills),
        page=(
            Text("title", MARGIN, 26, heading, "start"),
            Text("subtitle", MARGIN, 46, subtitle, "start"),
            *([Text("outcome", MARGIN, 64, outcome, "start")] if outcome else []),
            *(translated(entry.text, MARGIN, height - 26) for entry in entries),
        ),
        legend=tuple(translated(entry.rect, MARGIN, height - 26) for entry in entries),
        legend_signs=tuple(
            translated(entry.sign, MARGIN, height - 26) for entry in entries if entry.sign
        ),
    )


def _drawn_once(wires: Sequence[PlacedWire]) -> Iterator[PlacedWire]:
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
        yield PlacedWire(wire.edge, x, y, wire.segments[shared:], wire.tip)
        for segment in wire.segments[shared:]:
            drawn.add((x, y, segment))
            x, y = segment.x, segment.y


def _subtitle(graph: Graph) -> str:
    """``5 nodes · 4 datasets · 2 config keys``"""
    parts = [count_text(len(graph.cards), "node"), count_text(graph.n_made, "dataset")]
    if graph.config_names:
        parts.append(count_text(len(graph.config_names), "config key"))
    return " · ".join(parts)


def _description(graph: Graph, records: Sequence[Record | None]) -> str:
    """A line for each node, in order: what it reads, what it makes, and its state."""
    lines = []
    for number, (card, record) in enumerate(zip(graph.cards, records, strict=True), 1):
        reads = f" reads {join_names((*card.reads, *card.config))}" if card.node.inputs else ""
        makes = f" makes {join_names(card.makes)}" if card.makes else ""
        state = f": {record.summary}" if record else ""
        parts = ",".join(part for part in (reads, makes) if part)
        lines.append(f"{number}. {printable(card.node.name)}{parts}{state}")
    return "\n".join(lines)
