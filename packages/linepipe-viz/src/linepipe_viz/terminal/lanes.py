"""A pipeline as a git log shows branches: a row a node, a lane for each object still needed.

Pure: which lanes run where is decided here, once for a pipeline; ``terminal`` paints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from linepipe_viz.graph.cards import Card, Graph

__all__ = ["ASCII", "BOX", "LaneCell", "LaneRow", "Signs", "lane_rows"]

Signs = dict[tuple[bool, bool, bool], str]
"""Signs that join a row's line to a lane: (from above, on below, from the left) -> sign."""

BOX: Final[Signs] = {
    (True, True, False): "├",
    (True, True, True): "┼",
    (True, False, False): "╰",
    (True, False, True): "┴",
    (False, True, False): "╭",
    (False, True, True): "┬",
}
ASCII: Final[Signs] = {
    (True, True, False): "+",
    (True, True, True): "+",
    (True, False, False): "`",
    (True, False, True): "+",
    (False, True, False): ".",
    (False, True, True): "+",
}


@dataclass(frozen=True, slots=True)
class LaneCell:
    """One lane in one row.

    Attributes:
        joins: the row's node reads this lane's object, or makes the one that takes the lane.
        above: an object is on the lane before this node.
        below: an object is on the lane after it.
    """

    joins: bool
    above: bool
    below: bool


@dataclass(frozen=True, slots=True)
class LaneRow:
    """One node's row; ``first`` is its leftmost lane that joins, None if none does."""

    cells: tuple[LaneCell, ...]
    first: int | None


def lane_rows(graph: Graph) -> list[LaneRow]:
    """The lanes of each node's row. A lane that is freed is used again."""
    last_reads = _last_reads(graph)
    lanes: list[tuple[int | None, str] | None] = []
    makers = {(edge.reader, edge.name): edge.maker for edge in graph.edges}
    for name in graph.free_inputs:
        lanes.append((None, name))
    rows = []
    for card in graph.cards:
        before = list(lanes)
        read = {(makers[card.index, name], name) for name in card.reads}
        joined = [number for number, item in enumerate(lanes) if item in read]
        for number in joined:
            if last_reads[lanes[number]] == card.index:  # type: ignore[index] # joined: not None
                lanes[number] = None
        joined += [_taken(lanes, item) for item in _made(card) if item in last_reads]
        rows.append(_row(before, lanes, joined))
    return rows


def _made(card: Card) -> list[tuple[int | None, str]]:
    return [(card.index, name) for name in card.makes]


def _last_reads(graph: Graph) -> dict[tuple[int | None, str], int]:
    return {(edge.maker, edge.name): edge.reader for edge in graph.edges}


def _taken(lanes: list[tuple[int | None, str] | None], item: tuple[int | None, str]) -> int:
    """Put an object on the leftmost free lane."""
    if None not in lanes:
        lanes.append(None)
    number = lanes.index(None)
    lanes[number] = item
    return number


def _row(
    before: Sequence[object | None], after: Sequence[object | None], joined: Sequence[int]
) -> LaneRow:
    n_before = len(before)
    cells = [
        _CELLS[
            number in joined,
            number < n_before and before[number] is not None,
            item is not None,
        ]
        for number, item in enumerate(after)
    ]
    return LaneRow(tuple(cells), min(joined, default=None))


_CELLS: Final = {flags: LaneCell(*flags) for flags in product((False, True), repeat=3)}
