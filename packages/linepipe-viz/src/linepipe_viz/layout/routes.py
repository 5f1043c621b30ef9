"""Routes of long edges between the boxes: straight down wherever there is room.

Apart from ``places`` because an edge's start is known only when its pill's place on the card
is, and that in turn follows the boxes' places.
"""

from __future__ import annotations

from collections.abc import Sequence

from linepipe_viz.layout.order import Rows
from linepipe_viz.layout.places import Places

__all__ = ["route_edges"]

_ROUNDS = 3
_FAR = 1e9
_SQUEEZE = 12.0  # px of its distance that a lane gives up where that makes it straight
_NEAR = 40.0  # px: an end this close is worth being straight with


def route_edges(rows: Rows, places: Places, starts: Sequence[float]) -> list[list[float]]:
    """For each lane, its x in each layer that it passes, with as few bends as can be.

    Args:
        rows: the order within the layers.
        places: where the boxes and dummies are.
        starts: for each edge, the x where it leaves its source: the same for all of a lane.
    """
    x = list(places.x)
    neighbours = _neighbours(rows)
    for _ in range(_ROUNDS):
        for lane in rows.lanes:
            start = starts[lane.edges[0][0]]
            _straighten(lane.dummies, start, x[lane.end], x, places.left, neighbours)
    return [[x[dummy] for dummy in lane.dummies] for lane in rows.lanes]


def _neighbours(rows: Rows) -> dict[int, tuple[int | None, int | None]]:
    """The left and right neighbour of each dummy."""
    beside: dict[int, tuple[int | None, int | None]] = {}
    for row in rows.rows:
        for before, here, after in zip([None, *row], row, [*row[1:], None], strict=False):
            if here >= rows.n_boxes:
                beside[here] = (before, after)
    return beside


def _straighten(
    chain: Sequence[int],
    start: float,
    end: float,
    x: list[float],
    left: Sequence[float],
    neighbours: dict[int, tuple[int | None, int | None]],
) -> None:
    """Give each longest stretch of layers that have a free x in common that one x."""
    first = 0
    while first < len(chain):
        low, high, after = _common_room(chain, first, x, left, neighbours)
        wanted = sum(x[dummy] for dummy in chain[first:after]) / (after - first)
        if first == 0 and low <= start <= high and abs(start - wanted) < _NEAR:
            wanted = start
        elif after == len(chain) and low <= end <= high and abs(end - wanted) < _NEAR:
            wanted = end
        for dummy in chain[first:after]:
            x[dummy] = min(max(wanted, low), high)
        first = after


def _common_room(
    chain: Sequence[int],
    first: int,
    x: Sequence[float],
    left: Sequence[float],
    neighbours: dict[int, tuple[int | None, int | None]],
) -> tuple[float, float, int]:
    """The room that the layers from ``first`` on share, and where they stop sharing any."""
    low, high = _room(chain[first], x, left, neighbours)
    after = first + 1
    while after < len(chain):
        next_low, next_high = _room(chain[after], x, left, neighbours)
        if max(low, next_low) > min(high, next_high):
            break
        low, high = max(low, next_low), min(high, next_high)
        after += 1
    return low, high, after


def _room(
    dummy: int,
    x: Sequence[float],
    left: Sequence[float],
    neighbours: dict[int, tuple[int | None, int | None]],
) -> tuple[float, float]:
    before, after = neighbours[dummy]
    low = x[before] + left[dummy] - _SQUEEZE if before is not None else -_FAR
    high = x[after] - left[after] + _SQUEEZE if after is not None else _FAR
    return low, max(low, high)  # rounding may leave high a hair below low
