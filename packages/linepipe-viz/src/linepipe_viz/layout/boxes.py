"""Apply the layout's steps to each weakly connected component, and arrange the components.

Each component is laid out alone; the components stand side by side and wrap into rows like
words. All lengths are in px; y grows downward. The same input gives the same output: nothing
here iterates over a set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from linepipe_viz.layout.layers import layers_of, wrapped_layers
from linepipe_viz.layout.order import Edge, Rows, order_rows
from linepipe_viz.layout.places import NODE_GAP, Places, place_rows
from linepipe_viz.layout.routes import route_edges

__all__ = ["Bend", "Edge", "Layout", "lay_out"]

COMPONENT_GAP = 48
ROW_WIDTH = 1200
"""Layers, and components side by side, wrap into a further row past this width (a page's)."""


@dataclass(frozen=True, slots=True)
class Bend:
    """Passage of an edge through a layer that isn't its own: straight down at x."""

    x: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions of all boxes.

    Attributes:
        x: each box's middle.
        top: each box's upper border; boxes are aligned at the top of their layer.
        floor: the lower border of each box's layer; below it edges may turn.
        width: of the whole.
        height: of the whole.
        crossings: of edges, as far as the order within layers decides them.
    """

    x: tuple[float, ...]
    top: tuple[float, ...]
    floor: tuple[float, ...]
    width: float
    height: float
    crossings: int
    _parts: tuple[_Part, ...]

    @property
    def n_parts(self) -> int:
        """Number of components."""
        return len(self._parts)

    def bends(self, starts: Sequence[float]) -> list[tuple[Bend, ...]]:
        """For each edge, the layers it passes, as straight as the boxes leave it room.

        Args:
            starts: for each edge, the x where it leaves its source.
        """
        bends_of: list[tuple[Bend, ...]] = [()] * len(starts)
        for part in self._parts:
            for edge, bends in zip(part.edges, part.bends(starts), strict=True):
                bends_of[edge] = bends
        return bends_of


@dataclass(frozen=True, slots=True)
class _Part:
    """One component: its boxes and edges (by their numbers in the whole), and where it is."""

    boxes: Sequence[int]
    edges: Sequence[int]
    rows: Rows
    places: Places
    dx: float
    dy: float

    def bends(self, starts: Sequence[float]) -> list[tuple[Bend, ...]]:
        xs = route_edges(self.rows, self.places, [starts[edge] - self.dx for edge in self.edges])
        bends_of: list[tuple[Bend, ...]] = [()] * len(self.edges)
        for lane, chain in zip(self.rows.lanes, xs, strict=True):
            bends = tuple(self._bend(x, row) for row, x in enumerate(chain, lane.first_layer))
            for edge, n_passed in lane.edges:
                bends_of[edge] = bends[:n_passed]
        return bends_of

    def _bend(self, x: float, row: int) -> Bend:
        top, floor = self.places.top[row], self.places.floor[row]
        return Bend(x + self.dx, top + self.dy, floor + self.dy)


def lay_out(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[Edge],
    *,
    row_width: float = ROW_WIDTH,
) -> Layout:
    """Positions for boxes of these sizes, so that edges run downward.

    Args:
        sizes: each box's width and height.
        edges: between boxes, by their numbers.
        row_width: the width past which layers wrap, and components side by side.

    Raises:
        ValueError: the edges form a cycle.
    """
    parts: list[_Part] = []
    x = y = right = bottom = 0.0
    for boxes, numbers in _components(len(sizes), edges):
        rows, places = _component(boxes, [edges[number] for number in numbers], sizes, row_width)
        if x and x + places.width > row_width:
            x, y = 0.0, bottom + COMPONENT_GAP
        parts.append(_Part(boxes, numbers, rows, places, x, y))
        right, bottom = max(right, x + places.width), max(bottom, y + places.height)
        x += places.width + COMPONENT_GAP
    return _merged(len(sizes), parts, right, bottom)


def _component(
    boxes: Sequence[int],
    edges: Sequence[Edge],
    sizes: Sequence[tuple[float, float]],
    row_width: float,
) -> tuple[Rows, Places]:
    local = {box: number for number, box in enumerate(boxes)}
    own = [Edge(local[source], local[target], bundle) for source, target, bundle in edges]
    own_sizes = [sizes[box] for box in boxes]
    widths = [width for width, _ in own_sizes]
    layers = layers_of(len(boxes), own)
    wrapped = wrapped_layers(layers, widths, NODE_GAP, row_width)
    rows = order_rows(wrapped, own)
    return rows, place_rows(rows, own_sizes, is_wrapped=wrapped != layers)


def _components(count: int, edges: Sequence[Edge]) -> list[tuple[list[int], list[int]]]:
    """The weakly connected components, as numbers of boxes and of edges, first box first."""
    leader = list(range(count))

    def find(box: int) -> int:
        while leader[box] != box:
            leader[box] = leader[leader[box]]
            box = leader[box]
        return box

    for source, target, _ in edges:
        first, second = sorted((find(source), find(target)))
        leader[second] = first
    components: dict[int, tuple[list[int], list[int]]] = {}
    for box in range(count):
        components.setdefault(find(box), ([], []))[0].append(box)
    for number, edge in enumerate(edges):
        components[find(edge.source)][1].append(number)
    return list(components.values())


def _merged(count: int, parts: Sequence[_Part], width: float, height: float) -> Layout:
    x, top, floor = [0.0] * count, [0.0] * count, [0.0] * count
    for part in parts:
        for number, box in enumerate(part.boxes):
            row = part.rows.layer[number]
            x[box] = part.places.x[number] + part.dx
            top[box] = part.places.top[row] + part.dy
            floor[box] = part.places.floor[row] + part.dy
    return Layout(
        tuple(x),
        tuple(top),
        tuple(floor),
        width,
        height,
        sum(part.rows.crossings for part in parts),
        tuple(parts),
    )
