"""draw_html_pipeline: one page with the picture, its search and panel, and a run's timeline."""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import Any

from linepipe_core import NodeExecutionError, Pipeline, RunResult
from linepipe_viz.backends.svg import scene_svg
from linepipe_viz.backends.timeline import timeline_parts
from linepipe_viz.graph.cards import nodes_of, pipeline_graph
from linepipe_viz.graph.facts import object_facts
from linepipe_viz.graph.records import Overlay, node_records
from linepipe_viz.page.model import page_model
from linepipe_viz.scene.pipeline_scene import Picture
from linepipe_viz.theme import Direction, checked_direction

__all__ = ["draw_html_pipeline"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def draw_html_pipeline(
    pipeline: Pipeline,
    title: str | None = None,
    *,
    result: Overlay | None = None,
    source: bool = False,
    values: bool = False,
    direction: Direction = "TB",
) -> str:
    """The pipeline as one standalone HTML page, to be opened from a file.

    Zoom by the wheel or two fingers, drag to move, ``f`` fits the picture into the window.
    ``/`` searches. Click on a card, or walk with the arrow keys: a panel shows the docstring,
    the signature, what the node reads and makes, its reasons or its error, and everything up-
    and downstream is lit. A run has its timeline below, which can be closed. The page follows the
    system's theme, loads nothing, and sends nothing.

    Args:
        pipeline: the pipeline to show.
        title: the heading; ``"Pipeline"`` if None.
        result: shows a run (state, seconds, memory): a RunResult, the NodeExecutionError of a
            failed run, or what ``pipeline.plan()`` returns.
        source: put the functions' source into the page.
        values: put numbers of the config into the page, and the types of its other values.
        direction: ``"TB"``, from top to bottom, or ``"LR"``, from left to right.

    Returns:
        The page, to be written to a file in UTF-8.

    Raises:
        TypeError: this is no Pipeline, or that no result.
        ValueError: no such direction, or a result of another pipeline.

    Example:
        >>> from linepipe_core import Node, Pipeline
        >>> page = draw_html_pipeline(Pipeline([Node(list, [], ["rows"], name="load")]))
        >>> page[:15]
        '<!doctype html>'
    """
    nodes = nodes_of(pipeline)
    graph = pipeline_graph(nodes)
    records = node_records(nodes, result)
    facts = object_facts(pipeline, result)
    picture = Picture(
        nodes,
        pipeline.output_hints,
        title,
        with_states=result is not None,
        direction=checked_direction(direction),
        is_folded=False,
    )
    scene = picture.scene(records, facts)
    model = page_model(pipeline, graph, records, facts, source=source, values=values)
    heading = escape(scene.title)
    timeline = ""
    if isinstance(result, (RunResult, NodeExecutionError)):
        spent, svg = timeline_parts(result)
        timeline = (
            f'<details id="timeline" open>\n<summary><b>Timeline</b>{escape(spent)}</summary>\n'
            f"<div>\n{svg}</div>\n</details>\n"
        )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>\n{_resource('page.css')}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{heading}</h1>\n<p>{escape(scene.subtitle)}</p>\n"
        f'<p id="outcome">{escape(scene.outcome)}</p>\n{_CONTROLS}</header>\n'
        f'<main>\n<div id="stage" tabindex="0" aria-label="Pipeline. Arrow keys walk its nodes.">\n'
        f"{scene_svg(scene, 'auto', is_whole=False)}</div>\n"
        '<aside id="panel" aria-live="polite" hidden></aside>\n</main>\n'
        f'{timeline}<script type="application/json" id="model">{_json(model)}</script>\n'
        f"<script>\n{_resource('page.js')}</script>\n</body>\n</html>\n"
    )


_CONTROLS = (
    '<div id="controls">\n'
    '<input id="search" type="search" placeholder="Search ( / )" aria-label="Search">\n'
    '<span id="matches" aria-live="polite"></span>\n'
    '<button id="nearer" aria-label="Zoom in">+</button>\n'
    '<button id="farther" aria-label="Zoom out">−</button>\n'
    '<button id="fit">Fit</button>\n'
    '<button id="theme" aria-label="Switch between light and dark">◐</button>\n'
    "</div>\n"
)


def _resource(name: str) -> str:
    return files("linepipe_viz.page").joinpath(name).read_text(encoding="utf-8")


def _json(model: dict[str, Any]) -> str:
    """JSON that ends no script element and begins no comment."""
    text = json.dumps(model, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
