"""HTML of pipelines, runs and tables for notebooks.

The core calls these when a notebook displays an object, if linepipe_viz is installed. A picture
is an ``<img>``: the sanitizer of a notebook that isn't trusted drops an ``<svg>`` and keeps its
words, but leaves an image alone.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any
from zlib import crc32

from linepipe_core import HistoryEntry, ObjectRegistry, Pipeline, RunResult
from linepipe_viz.backends.svg import scene_svg
from linepipe_viz.graph.facts import origin_text
from linepipe_viz.graph.records import (
    case_error_text,
    outcome_text,
    steps_with_records,
    untracked_notes,
)
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.scene.shapes import Scene, Shape
from linepipe_viz.text import bytes_text, join_names, memory_text, printable, seconds_text

__all__ = [
    "history_html",
    "map_html",
    "pipeline_html",
    "plan_html",
    "registry_html",
    "result_html",
    "scene_html",
]

_LEAST_SCALE = 0.6
_MOST_FIXED = 860  # px: what a notebook's cell has room for
_LEFT = 'style="text-align:left"'


def pipeline_html(pipeline: Pipeline) -> str:
    """The pipeline's picture."""
    return scene_html(pipeline_scene(pipeline, None, None))


def scene_html(scene: Scene) -> str:
    """A picture with tooltips; a wide one shrinks to fit the page until it is hard to read.

    Tooltips are areas of an image map, which a sanitizer leaves in. They don't shrink with their
    image, so a picture that may shrink has none.
    """
    svg = scene_svg(scene, "auto")
    data = b64encode(svg.encode()).decode("ascii")
    parts = [scene.title, scene.subtitle, scene.outcome, scene.description]
    words = escape("\n".join(part for part in parts if part))
    width = f"{scene.width:.0f}"
    if scene.width <= _MOST_FIXED:
        name = f"lp{crc32(svg.encode()):08x}"
        look, areas = f'usemap="#{name}" style="max-width:none"', _image_map(name, scene)
    else:
        least = f"{scene.width * _LEAST_SCALE:.0f}"
        look, areas = f'style="max-width:100%;min-width:{least}px;height:auto"', ""
    return (
        f'<div style="overflow-x:auto"><img width="{width}" alt="{words}" {look}'
        f' src="data:image/svg+xml;base64,{data}">{areas}</div>'
    )


def _image_map(name: str, scene: Scene) -> str:
    """The tooltips of cards and pills; of areas that overlap the first one counts."""
    areas = "".join(map(_area, (*scene.pills, *scene.cards)))
    return f'<map name="{name}">{areas}</map>'


def _area(shape: Shape) -> str:
    frame = shape.frame
    sides = (frame.x, frame.y, frame.x + frame.width, frame.y + frame.height)
    words = escape("\n".join(shape.details.lines()))
    coords = ",".join(f"{side:.0f}" for side in sides)
    return f'<area shape="rect" coords="{coords}" title="{words}" alt="">'


def result_html(result: RunResult) -> str:
    """A row for each node, and the names of the outputs."""
    names = ", ".join(_code(name) for name in result) or "(none)"
    summary = f"<p>{seconds_text(result.seconds)} in all; outputs: {names}</p>"
    notes = _origins(result) + _notes("hooks put aside", result.failed_hooks)
    return steps_html(result) + summary + notes


def steps_html(run: Any) -> str:
    """A row for each node of a run, a result or a failure."""
    steps = steps_with_records(run)
    columns: dict[str, list[str]] = {
        "": [str(place) for place in range(1, len(steps) + 1)],
        "node": [node.name for node, _ in steps],
        "status": [record.status for _, record in steps],
        "time": [_figure(record.seconds, seconds_text) for _, record in steps],
        "memory": [_figure(record.peak_mib, memory_text) for _, record in steps],
        "reasons": ["\n".join(record.reasons) for _, record in steps],
        "error": [record.error for _, record in steps],
    }
    optional = ("memory", "reasons", "error")
    shown = {head: cells for head, cells in columns.items() if head not in optional or any(cells)}
    return _table(shown, zip(*shown.values(), strict=True))


def plan_html(plan: Sequence[Any]) -> str:
    """A row for each node: its action and the reasons."""
    rows = [
        [str(place), entry.node.name, entry.action, "\n".join(map(str, entry.reasons))]
        for place, entry in enumerate(plan, 1)
    ]
    counts = outcome_text(*_unzipped(plan))
    summary = f"<p>{escape(counts)}</p>" if counts else ""
    notes = _origins(plan) + _notes("not tracked", untracked_notes(plan))
    return _table(["", "node", "action", "reasons"], rows) + summary + notes


def history_html(entries: Sequence[HistoryEntry]) -> str:
    """A row for each entry of a history; names of objects, never their values."""
    rows = [
        [
            *(str(place), entry.node, entry.status, _figure(entry.seconds, seconds_text)),
            *(join_names(list(entry.inputs)), join_names(list(entry.outputs))),
        ]
        for place, entry in enumerate(entries, 1)
    ]
    return _table(["", "node", "status", "time", "inputs", "outputs"], rows)


def registry_html(registry: ObjectRegistry) -> str:
    """A row for each object of a registry: where it is, and type and size if they are known."""
    info = getattr(registry, "info", None)
    rows = []
    for name, placement in registry.placement.items():
        row = [name, placement.value]
        if info is not None:
            known = info(name)
            row += [known.type, "" if known.n_bytes is None else bytes_text(known.n_bytes)]
        rows.append(row)
    head = ["object", "placement", *(["type", "size"] if info is not None else [])]
    return _table(head, rows)


def map_html(results: Mapping[str, RunResult]) -> str:
    """A row for each case: how many of its nodes ran and were reused, and the time.

    Cases that failed have their error; a MapResult has it in ``failed``, if it has any.
    """
    rows = []
    for label, result in results.items():
        counts = outcome_text(*_unzipped(result))
        rows.append([label, counts.partition(" · ")[0], seconds_text(result.seconds)])
    for label, error in dict(getattr(results, "failed", {})).items():
        rows.append([label, f"failed: {case_error_text(error)}", ""])
    return _table(["case", "nodes", "time"], rows)


def _unzipped(run: Any) -> tuple[list[Any], list[Any]]:
    pairs = steps_with_records(run)
    return [node for node, _ in pairs], [record for _, record in pairs]


def _figure(value: float | None, text: Any) -> str:
    return "" if value is None else str(text(value))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Left-aligned, so that reasons read as text; the notebook's own colours."""
    cells = "".join(f"<th {_LEFT}>{escape(name)}</th>" for name in head)
    lines = [f"<tr>{cells}</tr>"]
    for row in rows:
        lines.append("<tr>" + "".join(f"<td {_LEFT}>{_lines(cell)}</td>" for cell in row) + "</tr>")
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _origins(overlay: object) -> str:
    """A list of the objects that come from the shelf."""
    infos = getattr(overlay, "from_shelf", ())
    return _notes("from the shelf", [f"{info.name}: {origin_text(info)}" for info in infos])


def _notes(heading: str, notes: Iterable[object]) -> str:
    """A list below the table; nothing if there is none."""
    items = "".join(f"<li>{_lines(str(note))}</li>" for note in notes)
    return f"<p>{heading}:</p><ul>{items}</ul>" if items else ""


def _lines(text: str) -> str:
    return "<br>".join(escape(printable(line)) for line in text.split("\n"))


def _code(name: str) -> str:
    return f"<code>{escape(printable(name))}</code>"
