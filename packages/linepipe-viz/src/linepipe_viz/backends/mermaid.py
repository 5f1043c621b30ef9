"""The pipeline as Mermaid text: for README files and issues, where a forge draws it.

Ids are made up (``n0``, ``d0``), because raw names such as ``end`` or ``graph`` break
Mermaid, and labels are always quoted, with every sign that could mean something written as
an entity.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence

from linepipe_core import Pipeline
from linepipe_viz.graph.cards import Card, Graph, nodes_of, pipeline_graph
from linepipe_viz.graph.records import Overlay, Record, node_records
from linepipe_viz.text import printable, shorten
from linepipe_viz.theme import COLOURS, RECTS, STATES, Direction, checked_direction

__all__ = ["draw_mermaid_pipeline"]

_MOST_EDGES = 500  # Mermaid's own limits: past them it draws an error message
_MOST_SIGNS = 50_000
_LABEL_CELLS = 60
_SAFE = frozenset(" _.-/+*=,:→·()[]'!?@^~|%…")


def draw_mermaid_pipeline(
    pipeline: Pipeline,
    title: str | None = None,
    *,
    result: Overlay | None = None,
    direction: Direction = "TB",
) -> str:
    """The pipeline as a Mermaid flowchart.

    Functions are boxes, objects rounded, config values slanted and dashed. A pipeline with
    more edges than Mermaid draws (500) has its objects as labels on the edges instead.

    Args:
        pipeline: the pipeline to draw.
        title: the heading; none if None.
        result: shows a run in the boxes (status, seconds, memory): a RunResult, the
            NodeExecutionError of a failed run, or what ``pipeline.plan()`` returns.
        direction: ``"TB"``, from top to bottom, or ``"LR"``, from left to right.

    Returns:
        The text; in Markdown it goes into a code block of the language ``mermaid``.

    Raises:
        TypeError: this is no Pipeline, or that no result.
        ValueError: no such direction, or a result of another pipeline.

    Warns:
        UserWarning: the pipeline is larger than Mermaid can draw.

    Example:
        >>> from linepipe_core import Node, Pipeline
        >>> def load() -> list[int]: ...
        >>> print(draw_mermaid_pipeline(Pipeline([Node(load, [], ["numbers"])])))
        flowchart TB
            n0["load"]:::function
            d0(["numbers"]):::data
            n0 --> d0
            classDef function fill:#E8F2FB,stroke:#0072B2,color:#0B2E4A,stroke-width:1.5px
            classDef data fill:#FFF3DC,stroke:#B87400,color:#553600,stroke-width:1.3px
        <BLANKLINE>
    """
    heading = f"flowchart {checked_direction(direction)}"
    nodes = nodes_of(pipeline)
    graph = pipeline_graph(nodes)
    records = node_records(nodes, result)
    n_edges = len(graph.edges) + graph.n_made + sum(len(card.config) for card in graph.cards)
    chart = _Folded(graph, records) if n_edges > _MOST_EDGES else _Chart(graph, records)
    text = "\n".join([*_front_matter(title), heading, *chart.lines(), ""])
    if chart.n_edges > _MOST_EDGES or len(text) > _MOST_SIGNS:
        warnings.warn(
            f"Mermaid draws at most {_MOST_EDGES} edges and {_MOST_SIGNS:,} signs; this pipeline "
            f"has {chart.n_edges} edges and {len(text):,} signs\n"
            "  draw a part of it, pipeline.to_outputs(...), or use draw_svg_pipeline",
            stacklevel=2,
        )
    return text


def _front_matter(title: str | None) -> list[str]:
    if title is None:
        return []
    return ["---", f"title: {json.dumps(printable(title), ensure_ascii=False)}", "---"]


class _Chart:
    """The lines of a flowchart with a box for each function, object and config value."""

    def __init__(self, graph: Graph, records: Sequence[Record | None]) -> None:
        self._graph = graph
        self._records = records
        self._ids: dict[object, str] = {}
        self._classes: dict[str, None] = {}
        self.n_edges = 0

    def lines(self) -> Iterator[str]:
        """Boxes and edges in the nodes' order, then what the classes look like."""
        makers = {(edge.reader, edge.name): edge.maker for edge in self._graph.edges}
        for card in self._graph.cards:
            box = f"n{card.index}"
            yield f'    {box}["{self._words(card)}"]:::{self._class(self._look(card))}'
            for name in card.reads:
                yield from self._object((makers[card.index, name], name))
                yield self._edge(self._ids[makers[card.index, name], name], "-->", box)
            for name in card.config:
                yield from self._config(name)
                yield self._edge(self._ids["config", name], "-.->", box)
            for name in card.makes:
                yield from self._object((card.index, name))
                yield self._edge(box, "-->", self._ids[card.index, name])
        yield from (f"    classDef {name} {_CLASSES[name]}" for name in self._classes)

    def _class(self, name: str) -> str:
        self._classes[name] = None
        return name

    def _look(self, card: Card) -> str:
        record = self._records[card.index]
        return record.state.replace("-", "") if record else "function"

    def _words(self, card: Card) -> str:
        record = self._records[card.index]
        return _label(card.node.name) + (f"<br>{_label(record.summary)}" if record else "")

    def _edge(self, source: str, arrow: str, target: str) -> str:
        self.n_edges += 1
        return f"    {source} {arrow} {target}"

    def _object(self, key: tuple[int | None, str]) -> Iterator[str]:
        """The object's box, the first time it is met."""
        if key not in self._ids:
            self._ids[key] = f"d{len(self._ids)}"
            look = self._class("input" if key[0] is None else "data")
            yield f'    {self._ids[key]}(["{_label(key[1])}"]):::{look}'

    def _config(self, name: str) -> Iterator[str]:
        key = ("config", name)
        if key not in self._ids:
            self._ids[key] = f"d{len(self._ids)}"
            yield f'    {self._ids[key]}[/"{_label(name)}"/]:::{self._class("config")}'


class _Folded(_Chart):
    """The same with objects as words on the edges, and config values inside the boxes."""

    def lines(self) -> Iterator[str]:
        """One edge between two functions, however many objects it carries."""
        carried: dict[tuple[int | None, int], list[str]] = {}
        for edge in self._graph.edges:
            carried.setdefault((edge.maker, edge.reader), []).append(edge.name)
        for card in self._graph.cards:
            config = "".join(f"<br>{_label(name)}" for name in card.config)
            words = self._words(card) + config
            yield f'    n{card.index}["{words}"]:::{self._class(self._look(card))}'
        for (maker, reader), names in carried.items():
            if maker is None:
                for name in names:
                    yield from self._object((None, name))
                    yield self._edge(self._ids[None, name], "-->", f"n{reader}")
            else:
                yield self._edge(f"n{maker}", f'-->|"{_label(", ".join(names))}"|', f"n{reader}")
        yield from (f"    classDef {name} {_CLASSES[name]}" for name in self._classes)


def _label(text: str) -> str:
    """The text for a quoted label: whatever could mean something becomes an entity."""
    shown = shorten(printable(text), _LABEL_CELLS)
    return "".join(sign if sign.isalnum() or sign in _SAFE else f"#{ord(sign)};" for sign in shown)


def _look_of(role: str, width: float, dash: tuple[int, int] | None = None) -> str:
    fill, stroke, text = COLOURS[f"{role}-fill"], COLOURS[role], COLOURS[f"{role}-text"]
    line = f"stroke-width:{width:g}px"
    line += f",stroke-dasharray:{dash[0]} {dash[1]}" if dash else ""
    return f"fill:{fill.light},stroke:{stroke.light},color:{text.light},{line}"


_CLASSES = {
    kind.replace("-", ""): _look_of(kind, RECTS[kind].width, RECTS[kind].dash)
    for kind in ("function", *STATES, "data", "config")
} | {"input": _look_of("data", RECTS["input"].width, RECTS["input"].dash)}
