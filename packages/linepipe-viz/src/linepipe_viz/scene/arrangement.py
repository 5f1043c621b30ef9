"""Positions of a graph's cards, pills and wires, from the layout of their boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from linepipe_viz.graph.cards import Card, Edge, Graph
from linepipe_viz.layout.boxes import Bend, Layout, lay_out
from linepipe_viz.layout.boxes import Edge as BoxEdge
from linepipe_viz.scene.measure import (
    PILL_HEIGHT,
    PILL_OVERLAP,
    PILL_ROW,
    CardSize,
    Label,
    Measures,
)
from linepipe_viz.scene.ports import PillRow, pill_rows, ports
from linepipe_viz.scene.shapes import Curve, Line, Segment

__all__ = [
    "Arrangement",
    "PlacedCard",
    "PlacedPill",
    "PlacedWire",
    "arrange",
    "box_numbers",
    "read_names",
    "wires",
]

_TIP_GAP = 1  # px between an arrow's tip and the card
_HEAD = 6  # the line ends inside the arrowhead, so that its tip stays sharp


@dataclass(frozen=True, slots=True)
class PlacedCard:
    """A card, the x of its middle and the y of its top."""

    card: Card
    size: CardSize
    x: float
    top: float


@dataclass(frozen=True, slots=True)
class PlacedPill:
    """An object's pill, the x of its middle and the y of its top.

    Attributes:
        maker: a card's index, or None.
        is_lowest: nothing of its card is below it.
    """

    label: Label
    maker: int | None
    x: float
    top: float
    is_lowest: bool = True


@dataclass(frozen=True, slots=True)
class PlacedWire:
    """An edge's way: from a start along its segments, with an arrowhead at the tip.

    A level one arrives from the left, any other from above.
    """

    edge: Edge
    x: float
    y: float
    segments: tuple[Segment, ...]
    tip: tuple[float, float]
    is_level: bool = False


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Everything at its place; the graph's upper left corner is at (0, 0).

    Attributes:
        n_parts: number of parts without any edge between them.
        crossings: of edges, as far as the order within layers decides them.
    """

    cards: tuple[PlacedCard, ...]
    pills: tuple[PlacedPill, ...]
    wires: tuple[PlacedWire, ...]
    width: float
    height: float
    n_parts: int
    crossings: int


def arrange(graph: Graph, *, with_states: bool = False) -> Arrangement:
    """Positions for all of a graph, which runs downward.

    Args:
        graph: the pipeline's.
        with_states: leave room on each card for what a run or plan says about it.
    """
    measures = Measures(graph.cards, graph.free_inputs, with_states=with_states)
    read = read_names(graph)
    sizes = [measures.card(card, names) for card, names in zip(graph.cards, read, strict=True)]
    number = box_numbers(graph)
    boxes: list[tuple[float, float]] = [(0.0, 0.0)] * len(number)
    for name in graph.free_inputs:
        boxes[number[name]] = measures.pill(name).width, PILL_HEIGHT + measures.fact_height
    for card, size in zip(graph.cards, sizes, strict=True):
        boxes[number[card.index]] = size.width, size.height_with_pills
    layout = lay_out(
        boxes,
        [BoxEdge(number[_source(edge)], number[edge.reader], edge.name) for edge in graph.edges],
    )
    cards = [
        PlacedCard(card, size, layout.x[number[card.index]], layout.top[number[card.index]])
        for card, size in zip(graph.cards, sizes, strict=True)
    ]
    rows = _rows_of_pills(graph, cards, number, layout)
    free = [
        PlacedPill(measures.pill(name), None, layout.x[number[name]], layout.top[number[name]])
        for name in graph.free_inputs
    ]
    exits = [_exit(edge, cards, number, layout, rows) for edge in graph.edges]
    return Arrangement(
        tuple(cards),
        (*_card_pills(cards, rows), *free),
        tuple(wires(graph, cards, number, layout, exits)),
        layout.width,
        layout.height,
        layout.n_parts,
        layout.crossings,
    )


BoxNumbers = Mapping[int | str, int]
"""The number of the box of each card (by its index) and free input (by its name)."""


def _source(edge: Edge) -> int | str:
    return edge.name if edge.maker is None else edge.maker


def box_numbers(graph: Graph) -> BoxNumbers:
    """Numbers from 0: of each card after the free inputs that it is the first to read."""
    numbers: dict[int | str, int] = {}
    edges = _by_reader(graph)
    for card in graph.cards:
        for place in edges[card.index]:
            edge = graph.edges[place]
            if edge.maker is None:
                numbers.setdefault(edge.name, len(numbers))
        numbers[card.index] = len(numbers)
    return numbers


def read_names(graph: Graph) -> list[set[str]]:
    """Each card's outputs that some card reads."""
    names: list[set[str]] = [set() for _ in graph.cards]
    for edge in graph.edges:
        if edge.maker is not None:
            names[edge.maker].add(edge.name)
    return names


def _by_reader(graph: Graph) -> list[list[int]]:
    numbers: list[list[int]] = [[] for _ in graph.cards]
    for number, edge in enumerate(graph.edges):
        numbers[edge.reader].append(number)
    return numbers


def _rows_of_pills(
    graph: Graph, cards: Sequence[PlacedCard], number: BoxNumbers, layout: Layout
) -> list[list[PillRow]]:
    """Each card's pills, in order of where their objects go next."""
    starts = [layout.x[number[_source(edge)]] for edge in graph.edges]
    aims: list[dict[str, list[float]]] = [{} for _ in cards]
    for edge, bends in zip(graph.edges, layout.bends(starts), strict=True):
        if edge.maker is not None:
            aim = bends[0].x if bends else cards[edge.reader].x
            aims[edge.maker].setdefault(edge.name, []).append(aim)
    return [
        pill_rows(
            card.size.pills,
            card.card.makes,
            card.x,
            {name: sum(xs) / len(xs) for name, xs in aim.items()},
        )
        for card, aim in zip(cards, aims, strict=True)
    ]


def _card_pills(
    cards: Sequence[PlacedCard], rows: Sequence[Sequence[PillRow]]
) -> Iterator[PlacedPill]:
    for card, own in zip(cards, rows, strict=True):
        for number, row in enumerate(own):
            top = _row_top(card, number)
            for label, x in row.pills:
                is_lowest = number == len(own) - 1
                yield PlacedPill(label, card.card.index, x, top, is_lowest)


def _row_top(card: PlacedCard, number: int) -> float:
    """The y of a row of pills: the last one straddles the card's lower border."""
    below = len(card.size.pills) - 1 - number
    return card.top + card.size.height - PILL_OVERLAP - PILL_ROW * below


def wires(
    graph: Graph,
    cards: Sequence[PlacedCard],
    number: BoxNumbers,
    layout: Layout,
    exits: Sequence[Sequence[Segment]],
) -> Iterator[PlacedWire]:
    """The way of each edge, from its pill past the layers between to its reader.

    Args:
        graph: the pipeline's.
        cards: placed in the layout.
        number: of the layout's boxes.
        layout: of the boxes.
        exits: for each edge its way from its pill to below its card; it has at least one point.
    """
    bends = layout.bends([way[-1].x for way in exits])
    entries = _entries(graph, cards, [way[-1].x for way in exits], bends)
    # All edges of an object share one way, as far as each of them goes.
    longest: dict[tuple[int | None, str], Sequence[Bend]] = {}
    for edge, passed in zip(graph.edges, bends, strict=True):
        key = edge.maker, edge.name
        longest[key] = max(longest.get(key, ()), passed, key=len)
    ways: dict[tuple[int | None, str], list[Segment]] = {}
    for place, edge in enumerate(graph.edges):
        (start, *inside), passed = exits[place], bends[place]
        key = edge.maker, edge.name
        tip = cards[edge.reader].top - _TIP_GAP
        if key not in ways:
            floor = layout.floor[number[_source(edge)]]
            ways[key] = [*inside, *_outside(exits[place][-1], floor, longest[key])]
        beyond = 2 * (len(longest[key]) - len(passed))
        segments = ways[key][: len(ways[key]) - beyond]
        last = segments[-1] if segments else start
        middle = (last.y + tip - _HEAD) / 2
        segments.append(Curve(middle, entries[place], tip - _HEAD))
        yield PlacedWire(edge, start.x, start.y, tuple(segments), (entries[place], tip))


def _exit(
    edge: Edge,
    cards: Sequence[PlacedCard],
    number: BoxNumbers,
    layout: Layout,
    rows: Sequence[Sequence[PillRow]],
) -> list[Segment]:
    """From the lower border of the object's pill to below its card, past lower rows of pills."""
    if edge.maker is None:
        box = number[edge.name]
        return [Line(layout.x[box], layout.top[box] + PILL_HEIGHT)]
    card = cards[edge.maker]
    own = rows[edge.maker]
    first, x = _pill_place(own, edge.name)
    way: list[Segment] = [Line(x, _row_top(card, first) + PILL_HEIGHT)]
    for row in range(first + 1, len(own)):
        top = _row_top(card, row)
        x = own[row].lanes[edge.name]
        way += [Curve((way[-1].y + top) / 2, x, top), Line(x, top + PILL_HEIGHT)]
    return way


def _pill_place(rows: Sequence[PillRow], name: str) -> tuple[int, float]:
    """The row of an object's pill, and the x of its middle."""
    return next(
        (number, x)
        for number, row in enumerate(rows)
        for label, x in row.pills
        if label.name == name
    )


def _outside(start: Segment, floor: float, passed: Sequence[Bend]) -> Iterator[Segment]:
    """From below the card past the layers between: curves between layers, straight through."""
    y = start.y
    if floor > y + 0.5:
        yield Line(start.x, floor)
        y = floor
    for bend in passed:
        yield Curve((y + bend.top) / 2, bend.x, bend.top)
        yield Line(bend.x, bend.bottom)
        y = bend.bottom


def _entries(
    graph: Graph,
    cards: Sequence[PlacedCard],
    starts: Sequence[float],
    bends: Sequence[Sequence[Bend]],
) -> list[float]:
    """For each edge, the x of the port where it enters its reader."""
    sources = [
        passed[-1].x if passed else start for start, passed in zip(starts, bends, strict=True)
    ]
    entries = [0.0] * len(sources)
    for card, numbers in zip(cards, _by_reader(graph), strict=True):
        if not numbers:
            continue
        numbers.sort(key=sources.__getitem__)
        places = ports([sources[number] for number in numbers], card.x, card.size.width)
        for number, x in zip(numbers, places, strict=True):
            entries[number] = x
    return entries
