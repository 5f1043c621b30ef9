"""Coordinates: each row keeps its order and moves towards its neighbours.

Within a row this is a weighted isotonic regression (boxes want to be under their neighbours,
and must keep their distance), which pooling adjacent violators solves exactly in linear
time. Long edges weigh most, so that they come out straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from linepipe_viz.layout.order import Rows

__all__ = ["NODE_GAP", "Places", "isotonic", "place_rows"]

NODE_GAP = 32.0
DUMMY_WIDTH = 8.0
_SWEEPS = 24
_BOTH_WAYS = 6  # the last sweeps look up and down at once, to settle
_WEIGHTS = (1.0, 2.0, 8.0)  # of an edge with none, one or two dummies at its ends
_HUB = 4.0  # the edges of a box with more than so many weigh less: it shall not drag its readers
_SPINE = 400.0  # the weight with which the longest chain keeps to one x
_CENTRE = 60.0  # the weight with which the parts of a cut layer keep to the spine
_ANCHOR = 0.05  # the weight of staying put, for boxes without neighbours


@dataclass(frozen=True, slots=True)
class Places:
    """Coordinates of the boxes and dummies of one component.

    Attributes:
        x: the middle of each.
        left: for each, how near to its left neighbour's middle its own may come.
        top: each layer's upper border.
        floor: each layer's lower border.
        width: of the component.
        height: of the component.
    """

    x: list[float]
    left: list[float]
    top: list[float]
    floor: list[float]
    width: float
    height: float


def place_rows(
    rows: Rows, sizes: Sequence[tuple[float, float]], *, is_wrapped: bool = False
) -> Places:
    """Coordinates for boxes of these sizes, with dummies between them.

    Args:
        rows: the order within the layers.
        sizes: each box's width and height.
        is_wrapped: some layers were cut: their parts shall stand below each other, and not drift
            apart towards their neighbours.
    """
    widths = [size[0] for size in sizes] + [DUMMY_WIDTH] * (len(rows.layer) - rows.n_boxes)
    left = _distances(rows, widths, is_wrapped=is_wrapped)
    x = _start(rows, widths, left)
    spine = _spine(rows)
    pulls = _pulls(rows, spine)
    if is_wrapped:
        for side in pulls:
            for box in range(rows.n_boxes):
                side[box].append((len(rows.layer), _CENTRE))
    x.append(0.0)  # the spine's own x, which draws its boxes to it
    if spine:
        x[-1] = sum(x[box] for box in spine) / len(spine)
    for sweep in range(_SWEEPS):
        settling = sweep >= _SWEEPS - _BOTH_WAYS
        downward = sweep % 2 == 0
        for row in rows.rows if downward else reversed(rows.rows):
            _move_row(pulls, row, x, left, up=downward or settling, down=not downward or settling)
        if spine:
            x[-1] = sum(x[box] for box in spine) / len(spine)
    leftmost = min((x[box] - widths[box] / 2 for row in rows.rows for box in row), default=0.0)
    x = [place - leftmost for place in x]
    top, floor = _layer_borders(rows, sizes, x)
    width = max((x[box] + widths[box] / 2 for row in rows.rows for box in row), default=0.0)
    return Places(x, left, top, floor, width, floor[-1] if floor else 0.0)


def _distances(rows: Rows, widths: Sequence[float], *, is_wrapped: bool) -> list[float]:
    """For each box, the least distance between its middle and its left neighbour's.

    Where layers were cut, many lines pass the lower parts: there they go closer together.
    """
    left = [0.0] * len(widths)
    shares = (1.0, 0.7, 0.15 if is_wrapped else 0.5)
    for row in rows.rows:
        for one, other in pairwise(row):
            n_dummies = (one >= rows.n_boxes) + (other >= rows.n_boxes)
            gap = NODE_GAP * shares[n_dummies]
            left[other] = (widths[one] + widths[other]) / 2 + gap
    return left


def _start(rows: Rows, widths: Sequence[float], left: Sequence[float]) -> list[float]:
    """Each row packed tightly, and centred under the widest."""
    x = [0.0] * len(widths)
    extents = []
    for row in rows.rows:
        at = widths[row[0]] / 2
        for place, box in enumerate(row):
            at += left[box] if place else 0.0
            x[box] = at
        extents.append(at + widths[row[-1]] / 2)
    widest = max(extents, default=0.0)
    for row, extent in zip(rows.rows, extents, strict=True):
        for box in row:
            x[box] += (widest - extent) / 2
    return x


Pull = list[tuple[int, float]]
"""The neighbours of a box on one side, each with the weight of the edge to it."""


def _pulls(rows: Rows, spine: Sequence[int]) -> tuple[list[Pull], list[Pull]]:
    """For each box and dummy, what pulls it from above and from below."""
    above: list[Pull] = [[] for _ in rows.layer]
    below: list[Pull] = [[] for _ in rows.layer]
    n_boxes = rows.n_boxes
    for upper, lowers in enumerate(rows.below):
        share = min(1.0, _HUB / len(lowers)) if lowers else 1.0
        for lower in lowers:
            weight = _WEIGHTS[(upper >= n_boxes) + (lower >= n_boxes)] * share
            below[upper].append((lower, weight))
            above[lower].append((upper, weight))
    for box in spine:
        above[box].append((len(rows.layer), _SPINE))
        below[box].append((len(rows.layer), _SPINE))
    return above, below


def _spine(rows: Rows) -> list[int]:
    """The boxes of a longest chain, from the last row upwards; of several the middle one."""
    spine: list[int] = []
    candidates = rows.rows[-1] if rows.rows else []
    while candidates:
        boxes = [box for box in candidates if box < rows.n_boxes] or candidates
        spine.append(sorted(boxes, key=rows.place.__getitem__)[len(boxes) // 2])
        candidates = rows.above[spine[-1]]
    return spine


def _move_row(
    pulls: tuple[list[Pull], list[Pull]],
    row: Sequence[int],
    x: list[float],
    left: Sequence[float],
    *,
    up: bool,
    down: bool,
) -> None:
    wanted: list[float] = []
    weights: list[float] = []
    sides = [side for side, looked_at in zip(pulls, (up, down), strict=True) if looked_at]
    for box in row:
        total = pulled = 0.0
        for side in sides:
            for other, weight in side[box]:
                total += weight
                pulled += weight * x[other]
        wanted.append(pulled / total if total else x[box])
        weights.append(total or _ANCHOR)
    for box, place in zip(row, isotonic(wanted, weights, [left[b] for b in row[1:]]), strict=True):
        x[box] = place


def isotonic(
    wanted: Sequence[float], weights: Sequence[float], distances: Sequence[float]
) -> list[float]:
    """Places as near to the wanted ones as the distances between neighbours allow.

    Minimises the weighted sum of squares, exactly (pool adjacent violators).

    Args:
        wanted: the places wished for, from left to right.
        weights: how much each wish counts; above 0.
        distances: the least distance from each to the next: one fewer than ``wanted``.

    Example:
        >>> isotonic([0.0, 1.0, 9.0], [1.0, 1.0, 1.0], [3.0, 3.0])
        [-1.0, 2.0, 9.0]
    """
    offset = 0.0
    offsets: list[float] = []
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, distance in zip(wanted, weights, (0.0, *distances), strict=True):
        offset += distance
        offsets.append(offset)
        mean, total, count = want - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, other_total, other_count = blocks.pop()
            mean = (other * other_total + mean * total) / (other_total + total)
            total += other_total
            count += other_count
        blocks.append((mean, total, count))
    flat = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + shift for mean, shift in zip(flat, offsets, strict=True)]


_LEAST_GAP, _MOST_GAP = 40.0, 104.0


def _layer_borders(
    rows: Rows, sizes: Sequence[tuple[float, float]], x: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Each layer's upper and lower border; wider where edges travel further sideways."""
    top: list[float] = []
    floor: list[float] = []
    y = 0.0
    for row in rows.rows:
        height = max((sizes[box][1] for box in row if box < rows.n_boxes), default=0.0)
        top.append(y)
        floor.append(y + height)
        y += height + _gap_below(rows, row, x)
    return top, floor


def _gap_below(rows: Rows, row: Sequence[int], x: Sequence[float]) -> float:
    travels = sorted(abs(x[box] - x[other]) for box in row for other in rows.below[box])
    p90 = travels[int(len(travels) * 0.9)] if travels else 0.0
    longest = travels[-1] if travels else 0.0
    return min(max(28 + 0.12 * p90, 28 + 0.06 * longest, _LEAST_GAP), _MOST_GAP)
