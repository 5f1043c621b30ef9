"""A run's timeline as SVG: a bar a node, the lives of objects, and memory below."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import Final, Literal
from zlib import crc32

from linepipe_core import NodeExecutionError, RunResult
from linepipe_viz.backends.stylesheet import Rule, stylesheet
from linepipe_viz.graph.spans import Span, Spans, spans_of
from linepipe_viz.scene.measure import fit_text, text_width
from linepipe_viz.text import memory_text, printable, seconds_text, short_labels
from linepipe_viz.theme import COLOURS, MONO, RECTS, SANS, TEXTS, Theme, checked_theme

__all__ = ["axis_ticks", "draw_svg_timeline", "timeline_parts"]

_MARGIN: Final = 28.0
_PLOT: Final = 640.0  # px: the width of the run's seconds
_TOP: Final = 84.0
_HEADING: Final = 56.0  # px: title and subtitle
_ROW: Final = 24.0
_BAR: Final = 16.0
_LANE, _THIN_LANE = 13.0, 7.0
_MOST_NAMED: Final = 40  # objects; of more, lanes are thin, and only tooltips name them
_MEMORY: Final = 80.0  # px: the height of the memory's area
_MOST_LANES: Final = 60
_STEPS: Final = (1.0, 2.0, 5.0, 10.0)


def draw_svg_timeline(
    result: RunResult | NodeExecutionError, title: str | None = None, *, theme: Theme = "auto"
) -> str:
    """A run as a timeline in SVG: what took how long, and what was in memory when.

    A bar a node from its function's start to its end; thin grey bars for what no function
    accounts for (the shelf, hashing, hooks); a thin line an object, from its making to the end
    of its last reader. Where nodes were profiled, their memory is an area below, with what was
    in memory at its peak.

    Args:
        result: the RunResult, or the NodeExecutionError of a failed run.
        title: the heading; ``"Timeline"`` if None.
        theme: ``"light"``, ``"dark"``, or ``"auto"``: that of the page or the reader's system.

    Returns:
        One ``<svg>`` element.

    Raises:
        TypeError: this is no run.
        ValueError: no such theme.
    """
    theme = checked_theme(theme)
    return _drawn(_Timeline(spans_of(result), title or "Timeline", theme), theme)


def timeline_parts(result: RunResult | NodeExecutionError) -> tuple[str, str]:
    """The timeline of a run in two parts: where its time went in one line, and the picture below.

    Args:
        result: the RunResult, or the NodeExecutionError of a failed run.
    """
    timeline = _Timeline(spans_of(result), "", "auto")
    return timeline.summary, _drawn(timeline, "auto", _HEADING)


def _drawn(timeline: _Timeline, theme: Theme, top: float = 0.0) -> str:
    """One ``<svg>`` element of what lies below ``top``."""
    body = "\n".join(timeline.body())
    name = f"lpt{crc32(f'{theme}{body}'.encode()):08x}"
    style = ""
    if theme == "auto":
        style = f"<style>\n{stylesheet(name, _RULES)}\n</style>\n"
    width, height = _number(timeline.width), _number(timeline.height - top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" width="{width}" height="{height}"'
        f' viewBox="0 {_number(top)} {width} {height}" role="img"'
        f' aria-label="{escape(timeline.summary)}">\n'
        f"{style}{body}\n</svg>\n"
    )


_RULES: Final = (
    Rule("page", "background"),
    *(Rule(state, state, state) for state in ("ran", "reused", "failed", "not-run", "running")),
    Rule("gap", "edge"),
    Rule("life", "data"),
    Rule("area", "data-fill", "data"),
    Rule("axis", stroke="track"),
    Rule("peak", stroke="failed"),
    Rule("title", "title"),
    Rule("muted", "muted"),
    Rule("row", "title"),
)


def _number(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


class _Timeline:
    """One timeline in one theme; colours of the light theme are overridden on dark pages."""

    def __init__(self, spans: Spans, title: str, theme: Theme) -> None:
        self._spans = spans
        self._title = printable(title)
        self._theme: Literal["light", "dark"] = "dark" if theme == "dark" else "light"
        self._labels = short_labels([span.name for span in spans.spans], 28)
        self._lives = [life for life in spans.lives if life.end > life.start][:_MOST_LANES]
        self._objects_named = short_labels([life.name for life in self._lives], 28)
        names = [text_width(label, "label") for label in self._labels.values()]
        names += [text_width(label, "fact") for label in self._objects_named.values()]
        self._left = _MARGIN + max([*names, text_width("cache and rest", "legend")]) + 16
        self._scale = _PLOT / spans.seconds if spans.seconds else 0.0
        n_rows = len(spans.spans) + 1
        self._lane = _LANE if len(self._lives) <= _MOST_NAMED else _THIN_LANE
        self._lanes_top = _TOP + n_rows * _ROW + 12
        lanes = 16 + len(self._lives) * self._lane + 16 if self._lives else 0
        self._memory_top = self._lanes_top + lanes
        self._has_memory = bool(spans.samples)
        bottom = self._memory_top + (_MEMORY + 40 if self._has_memory else 0)
        self.width = self._left + _PLOT + 90
        self.height = bottom + 18

    @property
    def summary(self) -> str:
        """Where the time went, in one line."""
        spent, total = self._spans.in_functions, self._spans.seconds
        return (
            f"{seconds_text(total)} in all: {seconds_text(spent)} in functions, "
            f"{seconds_text(max(total - spent, 0.0))} for the cache and the rest"
        )

    def body(self) -> Iterator[str]:
        """All elements in the order in which they are painted."""
        width, height = _number(self.width), _number(self.height)
        yield f'<rect class="lp-page" width="{width}" height="{height}"{self._fill("background")}/>'
        if self._title:
            yield self._text("title", self._title, _MARGIN, 32, "title")
            yield self._text("muted", self.summary, _MARGIN, 50, "subtitle")
        yield from self._axis()
        for row, span in enumerate(self._spans.spans):
            yield from self._span(span, _TOP + row * _ROW)
        yield from self._gaps(_TOP + len(self._spans.spans) * _ROW)
        yield from self._objects()
        if self._has_memory:
            yield from self._memory()

    def _x(self, seconds: float) -> float:
        return self._left + seconds * self._scale

    def _fill(self, role: str) -> str:
        return f' fill="{COLOURS[role].of(self._theme)}"'

    def _stroke(self, role: str, width: float) -> str:
        return f' stroke="{COLOURS[role].of(self._theme)}" stroke-width="{width:g}"'

    def _text(
        self, name: str, text: str, x: float, y: float, kind: str, *, anchor: str = "start"
    ) -> str:
        style = TEXTS[kind]
        role = "muted" if name == "muted" else "title"
        font = MONO if style.mono else SANS
        weight = ' font-weight="bold"' if style.bold else ""
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        return (
            f'<text class="lp-{name}" x="{_number(x)}" y="{_number(y)}"{self._fill(role)}'
            f' font-family="{font}" font-size="{style.size:g}"{weight}{place}>{escape(text)}</text>'
        )

    def _rect(self, name: str, role: str, x: float, y: float, width: float, height: float) -> str:
        return (
            f'<rect class="lp-{name}" x="{_number(x)}" y="{_number(y)}" width="{_number(width)}"'
            f' height="{_number(height)}" rx="2"{self._fill(role)}/>'
        )

    def _axis(self) -> Iterator[str]:
        bottom = self._memory_top + (_MEMORY if self._has_memory else 0)
        for tick in axis_ticks(self._spans.seconds):
            x = _number(self._x(tick))
            yield (
                f'<path class="lp-axis" d="M{x} {_number(_TOP - 8)}V{_number(bottom)}" fill="none"'
                f"{self._stroke('track', 1)}/>"
            )
            yield self._text(
                "muted",
                seconds_text(tick) if tick else "0",
                self._x(tick),
                _TOP - 12,
                "fact",
                anchor="middle",
            )

    def _span(self, span: Span, y: float) -> Iterator[str]:
        record = span.record
        tip = " · ".join(part for part in (printable(span.name), record.summary) if part)
        yield (
            f'<g data-node="{escape(printable(span.name))}" data-order="{span.index + 1}"'
            f' data-state="{record.status}"><title>{escape(tip)}</title>'
        )
        label = self._labels[span.name]
        yield self._text("row", label, self._left - 10, y + 16, "label", anchor="end")
        start, end = self._x(span.start), self._x(span.end)
        width = max(end - start, 2.0)
        if RECTS[record.state].fill == "not-run-fill":
            width = 2.0
        yield self._rect(record.state, record.state, start, y + 4, width, _BAR)
        words = record.figures or record.status
        yield self._text("muted", words, start + width + 6, y + 15, "legend")
        yield "</g>"

    def _gaps(self, y: float) -> Iterator[str]:
        rest = sum(end - start for start, end in self._spans.gaps)
        if rest <= 0:
            return
        yield self._text("muted", "cache and rest", self._left - 10, y + 15, "legend", anchor="end")
        for start, end in self._spans.gaps:
            width = max((end - start) * self._scale, 0.5)
            yield self._rect("gap", "edge", self._x(start), y + 9, width, 5)

    def _objects(self) -> Iterator[str]:
        y = self._lanes_top
        if self._lives:
            yield self._text("muted", "objects", self._left - 10, y + 8, "legend", anchor="end")
        y += 16
        for life in self._lives:
            start, end = self._x(life.start), self._x(life.end)
            tip = f"{printable(life.name)}: in memory for {seconds_text(life.end - life.start)}"
            yield f'<g data-object="{escape(printable(life.name))}"><title>{escape(tip)}</title>'
            if self._lane == _LANE:
                label = self._objects_named[life.name]
                yield self._text("muted", label, self._left - 10, y + 6.5, "fact", anchor="end")
            yield self._rect("life", "data", start, y + 1.5, max(end - start, 1.0), 3)
            yield "</g>"
            y += self._lane

    def _memory(self) -> Iterator[str]:
        samples = sorted(self._spans.samples)
        peak_at, peak = max(samples, key=lambda sample: sample[1])
        top, bottom = self._memory_top, self._memory_top + _MEMORY
        scale = (_MEMORY - 8) / peak if peak > 0 else 0.0
        points = "L".join(
            f"{_number(self._x(seconds))} {_number(bottom - max(mib, 0.0) * scale)}"
            for seconds, mib in samples
        )
        first, last = _number(self._x(samples[0][0])), _number(self._x(samples[-1][0]))
        yield self._text("muted", "memory", self._left - 10, top + 12, "legend", anchor="end")
        floor = _number(bottom)
        yield (
            f'<path class="lp-area" d="M{first} {floor}L{points}L{last} {floor}Z"'
            f"{self._fill('data-fill')}{self._stroke('data', 1.2)}/>"
        )
        x = _number(self._x(peak_at))
        yield (
            f'<path class="lp-peak" d="M{x} {_number(top)}V{_number(bottom)}" fill="none"'
            f'{self._stroke("failed", 1)} stroke-dasharray="3 3"/>'
        )
        alive = ", ".join(printable(name) for name in self._spans.alive_at(peak_at))
        words = f"peak +{memory_text(peak)}"
        words += f" with {alive} in memory" if alive else ""
        room = self.width - self._left - _MARGIN
        yield self._text(
            "muted", fit_text(words, "legend", room), self._left, bottom + 16, "legend"
        )


def axis_ticks(seconds: float) -> list[float]:
    """Round moments from 0 on, some five to ten of them."""
    if seconds <= 0:
        return [0.0]
    power = 10.0 ** math.floor(math.log10(seconds / 5))
    step = next(
        (power * factor for factor in _STEPS if seconds / (power * factor) <= 8), power * 10
    )
    return [round(number * step, 12) for number in range(int(seconds / step) + 1)]
