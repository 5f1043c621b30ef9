"""A pipeline's picture as a display list: cards, pills and wires at their places on a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from linepipe_core import Node, Pipeline
from linepipe_viz.graph.cards import Graph, nodes_of, pipeline_graph
from linepipe_viz.graph.facts import Fact, object_facts
from linepipe_viz.graph.groups import Groups, grouped
from linepipe_viz.graph.lists import listed
from linepipe_viz.graph.records import Overlay, Record, node_records, outcome_text
from linepipe_viz.graph.stacks import stacked
from linepipe_viz.scene.arrangement import PlacedWire, arrange
from linepipe_viz.scene.legend import legend
from linepipe_viz.scene.measure import fit_text, text_width
from linepipe_viz.scene.painter import Painter
from linepipe_viz.scene.shapes import Scene, Segment, Text, translated
from linepipe_viz.scene.sideways import arrange_sideways
from linepipe_viz.text import count_text, join_names, printable, shorten
from linepipe_viz.theme import Direction

__all__ = ["Picture", "pipeline_scene"]

MARGIN = 28
TOP = 70  # of the graph, below title and subtitle
OUTCOME_HEIGHT = 18  # of one more line there
BOTTOM = 54  # below the graph, for the legend
LOOSE_BOTTOM = 73  # the same, where the legend could be taken for one more part of the graph
DEFAULT_TITLE = "Pipeline"

_TITLE_CELLS = 80  # or as many as the graph has room for
_TITLE_CELL = 12  # px, roughly
_OUTCOME_WIDTH = 640  # px, or as many as the graph is wide
_STATES_WIDTH = 420  # px: most legends of states fit, so most pages are alike


def pipeline_scene(
    pipeline: Pipeline,
    title: str | None,
    overlay: Overlay | None,
    direction: Direction = "TB",
    groups: Groups | None = None,
) -> Scene:
    """The picture of a pipeline.

    Args:
        pipeline: the pipeline to show.
        title: the heading; ``"Pipeline"`` if None.
        overlay: a run's result or failure, or a plan, whose figures the cards show.
        direction: from top to bottom, or from left to right.
        groups: parts to draw as one card each.
    """
    nodes = nodes_of(pipeline)
    records = node_records(nodes, overlay)
    picture = Picture(
        nodes,
        pipeline.output_hints,
        title,
        with_states=overlay is not None,
        direction=direction,
        groups=groups,
    )
    return picture.scene(records, object_facts(pipeline, overlay))


class Picture:
    """A pipeline's layout, made once; a scene for each state of its nodes.

    Args:
        nodes: the pipeline's.
        hints: annotations of objects, by name.
        title: the heading; ``"Pipeline"`` if None.
        with_states: leave room for states; False only if the scene is to have none.
        direction: from top to bottom, or from left to right.
        groups: parts to draw as one card each.
        is_folded: draw many alike siblings as one card, and many outputs as a list.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        hints: Mapping[str, object],
        title: str | None,
        *,
        with_states: bool,
        direction: Direction = "TB",
        groups: Groups | None = None,
        is_folded: bool = True,
    ) -> None:
        self._nodes = nodes
        self._hints = hints
        self._with_states = with_states
        self._graph = pipeline_graph(nodes)
        self._shown = listed(stacked(grouped(self._graph, groups))) if is_folded else self._graph
        arranged = arrange_sideways if direction == "LR" else arrange
        self._places = arranged(self._shown, with_states=with_states)
        room = max(_TITLE_CELLS, int(self._places.width / _TITLE_CELL))
        self._heading = shorten(printable(title or DEFAULT_TITLE), room)
        self._subtitle = _subtitle(self._graph)

    def scene(self, records: Sequence[Record | None], facts: Mapping[str, Fact]) -> Scene:
        """The display list.

        Args:
            records: the record of each node.
            facts: what is known about objects after a run.
        """
        places = self._places
        # Only what all overlays have in common moves the graph: they lie on top of each other.
        base = max(
            places.width,
            text_width(self._heading, "title"),
            text_width(self._subtitle, "subtitle"),
            _STATES_WIDTH if self._with_states else 0.0,
        )
        outcome = outcome_text(self._nodes, records)
        outcome = fit_text(outcome, "outcome", max(base, _OUTCOME_WIDTH))
        entries = legend(self._graph, records)
        content = max(
            base,
            text_width(outcome, "outcome"),
            max((entry.right for entry in entries), default=0.0),
        )
        top = TOP + (OUTCOME_HEIGHT if self._with_states else 0)
        origin = MARGIN + (base - places.width) / 2, top
        height = top + places.height + (LOOSE_BOTTOM if places.n_parts > 1 else BOTTOM)
        painter = Painter(self._nodes, self._hints, self._shown, records, facts, places.pills)
        wires = [painter.wire(wire) for wire in _drawn_once(places.wires)]
        wires.sort(key=lambda wire: wire.kind != "edge")  # what changed is painted last
        return Scene(
            width=content + 2 * MARGIN,
            height=height,
            title=self._heading,
            subtitle=self._subtitle,
            outcome=outcome,
            description=_description(self._graph, records),
            cards=tuple(translated(painter.card(card), *origin) for card in places.cards),
            wires=tuple(translated(wire, *origin) for wire in wires),
            pills=tuple(translated(painter.pill(pill), *origin) for pill in places.pills),
            page=(
                Text("title", MARGIN, 26, self._heading, "start"),
                Text("subtitle", MARGIN, 46, self._subtitle, "start"),
                *([Text("outcome", MARGIN, 64, outcome, "start")] if outcome else []),
                *(translated(entry.text, MARGIN, height - 26) for entry in entries),
            ),
            legend=tuple(translated(entry.rect, MARGIN, height - 26) for entry in entries),
            legend_signs=tuple(
                translated(entry.sign, MARGIN, height - 26) for entry in entries if entry.sign
            ),
            sheets=tuple(
                translated(sheet, *origin)
                for card in places.cards
                for sheet in painter.sheets(card)
            ),
        )


def _drawn_once(wires: Sequence[PlacedWire]) -> Iterator[PlacedWire]:
    """The wires from where each leaves the way that others of its object have drawn.

    A line that is drawn over itself looks bolder than it is.
    """
    drawn: dict[tuple[int | None, str], tuple[Segment, ...]] = {}
    for wire in wires:
        key = wire.edge.maker, wire.edge.name
        before = drawn.get(key, ())
        shared = 0
        for old, new in zip(before, wire.segments, strict=False):
            if old is not new and old != new:
                break
            shared += 1
        last = wire.segments[shared - 1] if shared else wire
        yield replace(wire, x=last.x, y=last.y, segments=wire.segments[shared:])
        if len(wire.segments) > len(before):
            drawn[key] = wire.segments


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
