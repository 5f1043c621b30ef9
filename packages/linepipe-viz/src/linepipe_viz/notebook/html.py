"""HTML of pipelines, results and plans for notebooks.

The core calls these when a notebook displays an object, if linepipe_viz is installed. HTML and
not bare SVG, because notebooks put an SVG into an ``<img>``, where it can't see whether the
notebook is dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from linepipe_core import Pipeline, RunResult
from linepipe_viz.backends.svg import draw_svg_pipeline
from linepipe_viz.graph.records import steps_with_records
from linepipe_viz.text import memory_text, printable, seconds_text

__all__ = ["pipeline_html", "pipeline_svg", "plan_html", "result_html"]


def pipeline_html(pipeline: Pipeline) -> str:
    """The pipeline's picture; a wide one scrolls."""
    return f'<div style="overflow-x:auto">{draw_svg_pipeline(pipeline)}</div>'


def pipeline_svg(pipeline: Pipeline) -> str:
    """The pipeline's picture alone."""
    return draw_svg_pipeline(pipeline)


def result_html(result: RunResult) -> str:
    """A row for each node, and what the run gave."""
    steps = steps_with_records(result)
    reasons = any(record.reasons for _, record in steps)
    measured = any(record.peak_mib is not None for _, record in steps)
    head = ["", "node", "status", "time"]
    head += ["memory"] if measured else []
    head += ["reasons"] if reasons else []
    rows = []
    for place, (node, record) in enumerate(steps, 1):
        row = [str(place), node.name, record.status]
        row.append("" if record.seconds is None else seconds_text(record.seconds))
        if measured:
            row.append("" if record.peak_mib is None else memory_text(record.peak_mib))
        row += ["\n".join(record.reasons)] if reasons else []
        rows.append(row)
    names = ", ".join(_code(name) for name in result) or "(none)"
    summary = f"<p>{seconds_text(result.seconds)} in all; outputs: {names}</p>"
    return _table(head, rows) + summary + _notes("hooks put aside", result.failed_hooks)


def plan_html(plan: Sequence[Any]) -> str:
    """A row for each node: what would happen to it, and why."""
    rows = [
        [str(place), entry.node.name, entry.action, "\n".join(map(str, entry.reasons))]
        for place, entry in enumerate(plan, 1)
    ]
    notes = _notes("not tracked", getattr(plan, "untracked", ()))
    return _table(["", "node", "action", "reasons"], rows) + notes


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Left-aligned, so that reasons read as text; the notebook's own colours."""
    cells = "".join(f"<th {_LEFT}>{escape(name)}</th>" for name in head)
    lines = [f"<tr>{cells}</tr>"]
    for row in rows:
        lines.append("<tr>" + "".join(f"<td {_LEFT}>{_lines(cell)}</td>" for cell in row) + "</tr>")
    return "<table>\n" + "\n".join(lines) + "\n</table>"


def _notes(heading: str, notes: Iterable[object]) -> str:
    """A list below the table; nothing if there is none."""
    items = "".join(f"<li>{_lines(str(note))}</li>" for note in notes)
    return f"<p>{heading}:</p><ul>{items}</ul>" if items else ""


_LEFT = 'style="text-align:left"'


def _lines(text: str) -> str:
    return "<br>".join(escape(printable(line)) for line in text.split("\n"))


def _code(name: str) -> str:
    return f"<code>{escape(printable(name))}</code>"
