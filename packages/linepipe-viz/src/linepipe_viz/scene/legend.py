"""The legend: a swatch and a word for each kind of thing that a picture shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from linepipe_viz.graph.cards import Graph
from linepipe_viz.graph.records import Record, config_changes
from linepipe_viz.scene.measure import text_width
from linepipe_viz.scene.shapes import Rect, Sign, Text
from linepipe_viz.theme import STATES

__all__ = ["Entry", "legend"]

_GAP = 18.0
_RADIUS: Final = {"data": 7.0, "input": 7.0, "config": 3.0, "config-changed": 3.0}


@dataclass(frozen=True, slots=True)
class Entry:
    """A swatch with its word, its sign if it has one, and the x at which it ends.

    The row starts at x = 0, and its middle is y = 0.
    """

    rect: Rect
    text: Text
    sign: Sign | None
    right: float


def legend(graph: Graph, records: Sequence[Record | None]) -> list[Entry]:
    """The entries, from left to right, for what is there."""
    states = {record.state: record.status for record in records if record}
    words: dict[str, str] = {state: states[state] for state in STATES if state in states}
    if graph.cards and not words:
        words["function"] = "function"
    words |= {"data": "data"} if graph.n_made else {}
    words |= {"input": "input"} if graph.free_inputs else {}
    words |= {"config": "config"} if graph.config_names else {}
    words |= {"config-changed": "changed"} if config_changes(records) else {}
    entries: list[Entry] = []
    x = 0.0
    for kind, word in words.items():
        text = Text("legend", x + 28, 0, word, "start")
        rect = Rect(kind, x, -7, 22, 14, _RADIUS.get(kind, 4.0))
        right = text.x + text_width(word, "legend")
        entries.append(Entry(rect, text, Sign(kind, x + 11, 0) if kind in states else None, right))
        x = right + _GAP
    return entries
