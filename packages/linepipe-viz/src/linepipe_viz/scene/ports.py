"""Points where edges leave and enter cards: pills ordered by their readers, ports by sources.

Places on a card are decided after the cards' own, so that neighbours' pills and ports don't
make edges cross that needn't.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from linepipe_viz.layout.places import isotonic
from linepipe_viz.scene.measure import LANE_WIDTH, PILL_GAP, PORT_GAP, Label, pills_width, row_width

__all__ = ["PillRow", "pill_rows", "ports"]

_MARGIN = 16.0  # no port nearer than this to a card's corner
_ABOVE_WEIGHT = 50.0  # of ports right under their sources: those edges shall be straight
_TOWARDS = 0.55  # how far a port goes from the card's middle towards a source beyond the card


class PillRow:
    """A row of pills, and the lanes that lines from the rows above take between them.

    Attributes:
        pills: each pill with its middle's x.
        lanes: the x of each line that passes, by its object's name.
    """

    def __init__(self) -> None:
        self.pills: list[tuple[Label, float]] = []
        self.lanes: dict[str, float] = {}


def pill_rows(
    rows: Sequence[Sequence[Label]],
    declared: Sequence[str],
    middle: float,
    aims: Mapping[str, float],
) -> list[PillRow]:
    """Positions for a card's pills, each row in declared order.

    Args:
        rows: the pills of each row.
        declared: the objects in the order in which the node declares them.
        middle: the x of the card's middle.
        aims: for each object that some card reads, the mean x of its edges' next bends.
    """
    rank = {name: number for number, name in enumerate(declared)}
    spread = _spread(rows, aims)
    if pills_width(spread, aims) <= pills_width(rows, aims):
        rows = spread
    places: list[PillRow] = []
    passing: dict[str, float] = {}  # lines from the rows above, and the x they come from
    for labels in rows:
        pills = sorted(labels, key=lambda label: rank[label.name])
        row = _pill_row(pills, passing, middle)
        places.append(row)
        passing = row.lanes | {label.name: x for label, x in row.pills if label.name in aims}
    return places


def _spread(rows: Sequence[Sequence[Label]], aims: Mapping[str, float]) -> list[Sequence[Label]]:
    """The same rows with the objects that are read dealt out from left to right.

    So neighbours in a row go to different sides, and a line from above finds its gap nearby.
    """
    places = [sum(label.name in aims for label in row) for row in rows]
    dealt: list[list[Label]] = [[label for label in row if label.name not in aims] for row in rows]
    given = [0] * len(rows)
    going = [label for row in rows for label in row if label.name in aims]
    for number, label in enumerate(sorted(going, key=lambda one: aims[one.name]), start=1):
        lag = [number * count / len(going) - has for count, has in zip(places, given, strict=True)]
        row = lag.index(max(lag))
        dealt[row].append(label)
        given[row] += 1
    return [*dealt]


def _pill_row(pills: Sequence[Label], passing: Mapping[str, float], middle: float) -> PillRow:
    """Pills side by side, centred, and each passing line in the gap nearest to it."""
    widths: dict[str | Label, float] = {label: label.width + PILL_GAP for label in pills}
    widths.update(dict.fromkeys(passing, float(LANE_WIDTH)))
    left = middle - (sum(widths.values()) - PILL_GAP) / 2
    wanted = _packed(pills, middle)
    wanted.update(passing)
    row = PillRow()
    for item in sorted(widths, key=wanted.__getitem__):
        if isinstance(item, str):
            row.lanes[item] = left + (LANE_WIDTH - PILL_GAP) / 2
        else:
            row.pills.append((item, left + item.width / 2))
        left += widths[item]
    return row


def _packed(pills: Sequence[Label], middle: float) -> dict[str | Label, float]:
    """The x of the pills' middles if no line passed between them."""
    left = middle - row_width(pills, PILL_GAP) / 2
    places: dict[str | Label, float] = {}
    for label in pills:
        places[label] = left + label.width / 2
        left += label.width + PILL_GAP
    return places


def ports(sources: Sequence[float], middle: float, width: float) -> list[float]:
    """The x where edges enter a card: under their sources where possible, apart from each other.

    Args:
        sources: the x that each edge comes from, from left to right.
        middle: the x of the card's middle.
        width: of the card.
    """
    low, high = middle - width / 2 + _MARGIN, middle + width / 2 - _MARGIN
    step = min(PORT_GAP, (high - low) / max(len(sources) - 1, 1))
    wanted, weights = [], []
    for source in sources:
        above = low <= source <= high
        nearest = min(max(source, low), high)
        wanted.append(nearest if above else middle + (nearest - middle) * _TOWARDS)
        weights.append(_ABOVE_WEIGHT if above else 1.0)
    spread = isotonic(wanted, weights, [step] * (len(sources) - 1))
    last = len(sources) - 1
    return [
        min(max(x, low + place * step), high - (last - place) * step)
        for place, x in enumerate(spread)
    ]
