"""The order within each layer, chosen for few crossings.

What passes layers gets a dummy in each, so that all edges run between neighbouring layers and
the dummies keep a lane free. A thing that many read keeps to one lane, from which its readers
branch off: with a lane for each reader, a database engine would come with a ribbon.

The search is the classical one: start from the order in which a reader meets the boxes, then
take barycenters, down and up in turn, with transposition of neighbours, and keep the best.
Doing it twice, also from the ends, and turning ties round when it is stuck took a tenth off
the crossings of random pipelines.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Edge", "Lane", "Rows", "order_rows"]

_PASSES = 24
_MOST_LINKS = 12_000  # between neighbouring layers; with more, nobody sees a crossing less
_DENSE_PASSES = 3
_PATIENCE = 8  # passes without a better order before we stop
_MIRROR_AFTER = 3  # ... and before ties are turned round, to look elsewhere
_TRANSPOSE_ROUNDS = 4


class Edge(NamedTuple):
    """From a box to a box. Edges of one source and thing share their way as far as it goes."""

    source: int
    target: int
    bundle: str


@dataclass(slots=True)
class Lane:
    """The way that the edges of one thing share.

    Attributes:
        source: the box that they leave.
        first_layer: the one below the source.
        dummies: one in each layer that any of them passes.
        end: the target of the edge that goes furthest, if any passes a layer.
        edges: the number of each edge, and how many of the dummies it passes.
    """

    source: int
    first_layer: int
    dummies: list[int] = field(default_factory=list)
    end: int = 0
    edges: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Rows:
    """The layers with their dummies, in order from left to right.

    Boxes are numbered as they came; dummies follow them.

    Attributes:
        n_boxes: numbers from here on are dummies.
        layer: of each box and dummy.
        rows: the boxes and dummies of each layer.
        above: of each box and dummy, its neighbours in the layer above.
        below: likewise in the layer below.
        lanes: one for each thing that leaves a source.
        place: of each box and dummy, its place within its row.
        crossings: how often edges cross.
    """

    n_boxes: int
    layer: list[int]
    rows: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    lanes: list[Lane]
    place: list[int]
    crossings: int = 0


def order_rows(layer: Sequence[int], edges: Sequence[Edge]) -> Rows:
    """The layers, each in the order with the fewest crossings of those tried."""
    rows = _with_dummies(layer, edges)
    best: list[list[int]] = []
    fewest = -1
    is_dense = sum(map(len, rows.below)) > _MOST_LINKS
    for from_sources in (True,) if is_dense else (True, False):
        _walk(rows, from_sources=from_sources)
        order, crossings = _searched(rows, _DENSE_PASSES if is_dense else _PASSES)
        if crossings < fewest or fewest < 0:
            best, fewest = order, crossings
        if not fewest:
            break
    rows.rows, rows.crossings = best, fewest
    if _reads_backwards(rows):
        rows.rows = [row[::-1] for row in best]
    return rows


def _reads_backwards(rows: Rows) -> bool:
    """Return True if the mirror image, with as many crossings, is nearer to the boxes' order."""
    rises = 0
    for row in rows.rows:
        boxes = [box for box in row if box < rows.n_boxes]
        rises += sum(1 if left < right else -1 for left, right in pairwise(boxes))
    return rises < 0


def _searched(rows: Rows, n_passes: int) -> tuple[list[list[int]], int]:
    """The best order on the way from the present one, and its crossings."""
    best, fewest, stale = _copied(rows.rows), _crossings(rows), 0
    for turn in range(n_passes):
        if not fewest or stale >= _PATIENCE:
            break
        _barycenter_pass(rows, downward=turn % 2 == 0, mirrored=stale >= _MIRROR_AFTER)
        if n_passes == _PASSES:
            _transpose(rows)
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest, stale = _copied(rows.rows), crossings, 0
        else:
            stale += 1
    return best, fewest


def _with_dummies(layer: Sequence[int], edges: Sequence[Edge]) -> Rows:
    rows = Rows(
        n_boxes=len(layer),
        layer=list(layer),
        rows=[[] for _ in range(max(layer, default=-1) + 1)],
        above=[[] for _ in layer],
        below=[[] for _ in layer],
        lanes=[],
        place=[],
    )
    lanes: dict[tuple[int, str], Lane] = {}
    for number, edge in enumerate(edges):
        key = edge.source, edge.bundle
        if key not in lanes:
            lanes[key] = Lane(edge.source, layer[edge.source] + 1)
        _lead(rows, lanes[key], number, edge)
    rows.lanes = list(lanes.values())
    return rows


def _lead(rows: Rows, lane: Lane, number: int, edge: Edge) -> None:
    """Lead an edge along the lane, made longer if need be, and from there to its target."""
    n_passed = rows.layer[edge.target] - lane.first_layer
    while len(lane.dummies) < n_passed:
        dummy = len(rows.layer)
        rows.layer.append(lane.first_layer + len(lane.dummies))
        rows.above.append([])
        rows.below.append([])
        _link(rows, lane.dummies[-1] if lane.dummies else lane.source, dummy)
        lane.dummies.append(dummy)
        lane.end = edge.target
    _link(rows, lane.dummies[n_passed - 1] if n_passed else lane.source, edge.target)
    lane.edges.append((number, n_passed))


def _link(rows: Rows, upper: int, lower: int) -> None:
    rows.below[upper].append(lower)
    rows.above[lower].append(upper)


def _walk(rows: Rows, *, from_sources: bool) -> None:
    """Fill the rows depth first: from the sources, in the pipeline's order, or from the ends."""
    ahead, behind = (rows.below, rows.above) if from_sources else (rows.above, rows.below)
    rows.rows = [[] for _ in rows.rows]
    seen = [False] * len(rows.layer)
    for box in range(rows.n_boxes):
        if behind[box]:
            continue
        stack = [box]
        while stack:
            here = stack.pop()
            if not seen[here]:
                seen[here] = True
                rows.rows[rows.layer[here]].append(here)
                stack.extend(reversed(ahead[here]))
    rows.place = [0] * len(rows.layer)
    for row in rows.rows:
        _number(rows, row)


def _number(rows: Rows, row: Sequence[int]) -> None:
    """Note the places within a row that has just been put in order."""
    for place, box in enumerate(row):
        rows.place[box] = place


def _copied(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    return [list(row) for row in rows]


def _crossings(rows: Rows) -> int:
    total, place = 0, rows.place
    for row in rows.rows[:-1]:
        met: list[int] = []
        for box in row:
            targets = sorted([place[target] for target in rows.below[box]])
            for target in targets:
                total += len(met) - bisect_right(met, target)
            for target in targets:
                insort(met, target)
    return total


def _barycenter_pass(rows: Rows, *, downward: bool, mirrored: bool) -> None:
    """Sort each row by the mean place of its neighbours in the row before it."""
    in_turn = rows.rows if downward else rows.rows[::-1]
    neighbours, place = rows.above if downward else rows.below, rows.place
    for row in in_turn[1:]:
        means = {
            box: sum([place[other] for other in neighbours[box]]) / len(neighbours[box])
            for box in row
            if neighbours[box]
        }
        boxes = reversed(means) if mirrored else means  # ties keep their order, or turn it
        by_mean = iter(sorted(boxes, key=means.__getitem__))
        row[:] = [next(by_mean) if box in means else box for box in row]
        _number(rows, row)


def _transpose(rows: Rows) -> None:
    """Swap neighbours within a row while that saves crossings."""
    unsettled = set(range(len(rows.rows)))
    for _ in range(_TRANSPOSE_ROUNDS):
        swapped = [number for number in sorted(unsettled) if _transpose_row(rows, number)]
        if not swapped:
            return
        unsettled = {near for number in swapped for near in (number - 1, number, number + 1)}
        unsettled &= set(range(len(rows.rows)))


def _transpose_row(rows: Rows, number: int) -> bool:
    row, swapped = rows.rows[number], False
    sides = [_seen_places(rows, row, rows.above), _seen_places(rows, row, rows.below)]
    for place in range(len(row) - 1):
        left, right = row[place], row[place + 1]
        now = then = 0
        for side in sides:
            now += _pair_crossings(side[left], side[right])
        if not now:
            continue
        for side in sides:
            then += _pair_crossings(side[right], side[left])
        if then < now:
            row[place], row[place + 1] = right, left
            swapped = True
    if swapped:
        _number(rows, row)
    return swapped


def _seen_places(
    rows: Rows, row: Sequence[int], neighbours: Sequence[Sequence[int]]
) -> dict[int, list[int]]:
    place = rows.place
    seen: dict[int, list[int]] = {}
    for box in row:
        near = neighbours[box]
        if len(near) == 1:  # most are: dummies, and boxes in chains
            seen[box] = [place[near[0]]]
        else:
            seen[box] = sorted([place[other] for other in near])
    return seen


def _pair_crossings(left: Sequence[int], right: Sequence[int]) -> int:
    """Crossings between the edges of a box and those of the box to its right."""
    if not left or not right or left[-1] <= right[0]:
        return 0
    if len(right) == 1:
        return len(left) - bisect_right(left, right[0])
    return sum(len(left) - bisect_right(left, place) for place in right)
