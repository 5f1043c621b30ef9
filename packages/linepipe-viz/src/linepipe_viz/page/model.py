"""The data of the page's script about a pipeline: plain, with nothing secret in it.

Source is in it only on request, and so are values; texts in them never.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from linepipe_core import Node, Pipeline
from linepipe_viz.graph.cards import Graph
from linepipe_viz.graph.details import node_details
from linepipe_viz.graph.facts import Fact, value_text
from linepipe_viz.graph.records import Record
from linepipe_viz.text import printable

__all__ = ["page_model"]

_LONGEST: Final = 20_000  # signs of a docstring or a source
_NUMBERS: Final = (bool, int, float, type(None))


def page_model(
    pipeline: Pipeline,
    graph: Graph,
    records: Sequence[Record | None],
    facts: Mapping[str, Fact],
    *,
    source: bool,
    values: bool,
) -> dict[str, Any]:
    """The nodes, the edges between them, and facts about objects.

    Args:
        pipeline: the pipeline.
        graph: its graph.
        records: the record of each node.
        facts: what is known about objects after a run.
        source: include the functions' source.
        values: include numbers in the config, and the types of its other values.
    """
    config = getattr(pipeline, "config", None) if values else None
    hints = pipeline.output_hints
    nodes = [
        _node(card.node, records[card.index], hints)
        | {
            "reads": [printable(name) for name in card.reads],
            "config": {printable(name): _value(config, name) for name in card.config},
            "makes": {printable(name): str(facts.get(name, "")) for name in card.makes},
        }
        | ({"source": _source(card.node.func)} if source else {})
        for card in graph.cards
    ]
    edges = [
        [-1 if edge.maker is None else edge.maker, edge.reader, printable(edge.name)]
        for edge in graph.edges
    ]
    return {"nodes": nodes, "edges": edges}


def _node(node: Node, record: Record | None, hints: Mapping[str, object]) -> dict[str, Any]:
    details = node_details(node, None, hints)
    described: dict[str, Any] = {
        "name": printable(node.name),
        "signature": details.signature,
        "doc": _documentation(node.func),
        "types": list(details.facts),
    }
    if record is not None:
        described |= {
            "status": record.status,
            "figures": record.figures or record.estimate,
            "reasons": [printable(str(reason)) for reason in record.reasons],
            "error": record.error,
        }
    return described


def _documentation(func: Callable[..., Any]) -> str:
    while isinstance(func, partial) and "__doc__" not in vars(func):
        func = func.func  # partial's own docstring is about partial
    try:
        return _lines(inspect.getdoc(func) or "")
    except Exception:  # a property of the user's own may raise anything
        return ""


def _source(func: Callable[..., Any]) -> str:
    while isinstance(func, partial):
        func = func.func
    try:
        return _lines(inspect.getsource(func))
    except Exception:  # of a builtin, or of code without a file
        return ""


def _lines(text: str) -> str:
    shown = "\n".join(printable(line) for line in text[:_LONGEST].expandtabs(4).splitlines())
    return f"{shown}…" if len(text) > _LONGEST else shown


def _value(config: Any, reference: str) -> str:
    """A number as it is; of all else, texts included, only type and size."""
    if config is None:
        return ""
    value = config
    for part in reference.split(".")[1:]:
        try:
            value = value[part] if isinstance(value, Mapping) else getattr(value, part)
        except Exception:  # a config may be any object at all
            return ""
    is_number = type(value) in _NUMBERS and len(repr(value)) <= 40
    return repr(value) if is_number else value_text(value)
