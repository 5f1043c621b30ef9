"""Layer of each box: below all its sources, and as near to them as possible.

A layer that is too wide for a page is cut into several, which stand below each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from linepipe_viz.layout.order import Edge

__all__ = ["layers_of", "wrapped_layers"]

_ROUNDS = 8  # of tightening; real pipelines settle after two or three


def layers_of(count: int, edges: Sequence[Edge]) -> list[int]:
    """Each box's layer: by longest path, then moved within its slack to shorten edges.

    Args:
        count: number of boxes.
        edges: between the boxes.

    Raises:
        ValueError: the edges form a cycle.
    """
    above: list[list[int]] = [[] for _ in range(count)]
    below: list[list[int]] = [[] for _ in range(count)]
    for source, target, _ in edges:
        below[source].append(target)
        above[target].append(source)
    order = _topological(above, below)
    layer = [0] * count
    for box in order:
        layer[box] = max((layer[source] + 1 for source in above[box]), default=0)
    for _ in range(_ROUNDS):
        sunk = _sink(order, layer, above, below)
        if not (_rise(order, layer, above, below) or sunk):
            break
    return layer


def wrapped_layers(
    layers: Sequence[int], widths: Sequence[float], gap: float, limit: float
) -> list[int]:
    """The layers, with those that are wider than a limit cut into several of about one width.

    Boxes keep their order: as words in lines, the first ones stand in the uppermost layer. Edges
    run downward still, for between boxes of one layer there are none.

    Args:
        layers: each box's layer.
        widths: each box's width.
        gap: between boxes.
        limit: the width past which a layer is cut.

    Example:
        >>> wrapped_layers([0, 1, 1, 1, 1, 2], [10.0] * 6, 0.0, 20.0)
        [0, 1, 1, 2, 2, 3]
    """
    boxes_of: list[list[int]] = [[] for _ in range(max(layers, default=-1) + 1)]
    for box, layer in enumerate(layers):
        boxes_of[layer].append(box)
    wrapped = [0] * len(layers)
    first = 0
    for boxes in boxes_of:
        total = sum(widths[box] + gap for box in boxes) - gap
        room = total / max(ceil(total / limit), 1)
        row, used = 0, 0.0
        for box in boxes:
            if used and used + widths[box] / 2 > room:
                row, used = row + 1, 0.0
            wrapped[box] = first + row
            used += widths[box] + gap
        first += row + 1
    return wrapped


def _topological(above: Sequence[Sequence[int]], below: Sequence[Sequence[int]]) -> list[int]:
    waiting = [len(sources) for sources in above]
    order = [box for box, sources in enumerate(above) if not sources]
    for box in order:  # grows while it is walked
        for target in below[box]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    if len(order) != len(above):
        raise ValueError("the edges form a cycle; a layered layout needs a direction")
    return order


def _sink(
    order: Sequence[int],
    layer: list[int],
    above: Sequence[Sequence[int]],
    below: Sequence[Sequence[int]],
) -> bool:
    """Move boxes with more edges below than above down to their nearest target."""
    moved = False
    for box in reversed(order):
        if len(below[box]) > len(above[box]):
            lowest = min(layer[target] for target in below[box]) - 1
            if lowest > layer[box]:
                layer[box], moved = lowest, True
    return moved


def _rise(
    order: Sequence[int],
    layer: list[int],
    above: Sequence[Sequence[int]],
    below: Sequence[Sequence[int]],
) -> bool:
    """Move boxes with more edges above than below up to their nearest source."""
    moved = False
    for box in order:
        if len(above[box]) > len(below[box]):
            highest = max(layer[source] for source in above[box]) + 1
            if highest < layer[box]:
                layer[box], moved = highest, True
    return moved
