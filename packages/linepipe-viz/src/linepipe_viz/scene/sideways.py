"""The same arrangement from left to right, for slides and for pipelines that are long.

The layout knows rows below each other. Here each box is given to it lying on its side, and what
it gives is turned round: its x is a height, and its y is how far to the right. Cards stay upright;
their pills stand below each other, half out at the right.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from linepipe_viz.graph.cards import Edge, Graph
from linepipe_viz.layout.boxes import Edge as BoxEdge
from linepipe_viz.layout.boxes import Layout, lay_out
from linepipe_viz.scene.arrangement import (
    Arrangement,
    BoxNumbers,
    PlacedCard,
    PlacedPill,
    PlacedWire,
    box_numbers,
    read_names,
    wires,
)
from linepipe_viz.scene.measure import PILL_GAP, PILL_HEIGHT, PILL_OVERLAP, CardSize, Measures
from linepipe_viz.scene.shapes import Curve, Line, Segment

__all__ = ["arrange_sideways"]


def arrange_sideways(graph: Graph, *, with_states: bool = False) -> Arrangement:
    """Positions for all of a graph, which runs to the right.

    Args:
        graph: the pipeline's.
        with_states: leave room on each card for what a run or plan says about it.
    """
    measures = Measures(graph.cards, graph.free_inputs, with_states=with_states, is_sideways=True)
    read = read_names(graph)
    sizes = [measures.card(card, names) for card, names in zip(graph.cards, read, strict=True)]
    number = box_numbers(graph)
    boxes: list[tuple[float, float]] = [(0.0, 0.0)] * len(number)
    for name in graph.free_inputs:
        boxes[number[name]] = PILL_HEIGHT, measures.pill(name).width
    for card, size in zip(graph.cards, sizes, strict=True):
        boxes[number[card.index]] = size.height, size.width + PILL_OVERLAP
    layout = lay_out(
        boxes,
        [
            BoxEdge(
                number[edge.name if edge.maker is None else edge.maker],
                number[edge.reader],
                edge.name,
            )
            for edge in graph.edges
        ],
        row_width=math.inf,
    )
    # As the layout has them: on their sides, with x and y changed round.
    lying = [
        PlacedCard(card, _lying(size), layout.x[number[card.index]], layout.top[number[card.index]])
        for card, size in zip(graph.cards, sizes, strict=True)
    ]
    exits = [_exit(edge, lying, number, layout, measures) for edge in graph.edges]
    return Arrangement(
        tuple(_upright(card, size) for card, size in zip(lying, sizes, strict=True)),
        (*_pills(lying), *_free_pills(graph, number, layout, measures)),
        tuple(map(_turned, wires(graph, lying, number, layout, exits))),
        layout.height,
        layout.width,
        layout.n_parts,
        layout.crossings,
    )


def _lying(size: CardSize) -> CardSize:
    return replace(size, width=size.height, height=size.width)


def _upright(card: PlacedCard, size: CardSize) -> PlacedCard:
    return PlacedCard(card.card, size, card.top + size.width / 2, card.x - size.height / 2)


def _pill_height(card: PlacedCard, place: int) -> float:
    """The height of a pill's middle: the last pill is a gap above the card's lower border."""
    lower = card.x + card.size.width / 2 - PILL_GAP
    below = len(card.size.pills) - 1 - place
    return lower - PILL_HEIGHT / 2 - below * (PILL_HEIGHT + PILL_GAP)


def _pills(cards: Sequence[PlacedCard]) -> Iterator[PlacedPill]:
    for card in cards:
        right = card.top + card.size.height + PILL_OVERLAP
        for place, (label,) in enumerate(card.size.pills):
            top = _pill_height(card, place) - PILL_HEIGHT / 2
            yield PlacedPill(label, card.card.index, right - label.width / 2, top, is_lowest=False)


def _free_pills(
    graph: Graph, number: BoxNumbers, layout: Layout, measures: Measures
) -> Iterator[PlacedPill]:
    for name in graph.free_inputs:
        label, box = measures.pill(name), number[name]
        middle, top = layout.top[box] + label.width / 2, layout.x[box] - PILL_HEIGHT / 2
        yield PlacedPill(label, None, middle, top, is_lowest=False)


def _exit(
    edge: Edge,
    cards: Sequence[PlacedCard],
    number: BoxNumbers,
    layout: Layout,
    measures: Measures,
) -> list[Segment]:
    """The right end of the object's pill, as the layout has it."""
    if edge.maker is None:
        box = number[edge.name]
        return [Line(layout.x[box], layout.top[box] + measures.pill(edge.name).width)]
    card = cards[edge.maker]
    place = card.card.makes.index(edge.name)
    return [Line(_pill_height(card, place), card.top + card.size.height + PILL_OVERLAP)]


def _turned(wire: PlacedWire) -> PlacedWire:
    """The wire with x and y changed round."""
    segments = [
        Curve(segment.middle, segment.y, segment.x, is_level=True)
        if isinstance(segment, Curve)
        else Line(segment.y, segment.x)
        for segment in wire.segments
    ]
    tip = wire.tip[1], wire.tip[0]
    return PlacedWire(wire.edge, wire.y, wire.x, tuple(segments), tip, is_level=True)
