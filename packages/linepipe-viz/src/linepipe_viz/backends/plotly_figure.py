"""The display list as a plotly figure, with a hover card for each card and pill.

Few traces, grouped by kind, instead of layout shapes: 300 nodes take some twenty traces and
draw several times faster. plotly is loaded when a figure is made, and not before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from numbers import Real
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

from linepipe_core import MissingExtraError
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.scene.shapes import Curve
from linepipe_viz.theme import (
    COLOURS,
    MONO,
    MOST_WIRES,
    RECTS,
    SANS,
    SIGN_WIDTH,
    SIGNS,
    TEXTS,
    WIRES,
    checked_direction,
    checked_theme,
)

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

from linepipe_core import Pipeline
from linepipe_viz.graph.details import Details
from linepipe_viz.graph.groups import Groups
from linepipe_viz.graph.records import Overlay
from linepipe_viz.scene.shapes import Rect, Scene, Shape, Text, Wire
from linepipe_viz.theme import Direction, Theme

Points = Sequence[tuple[float, float]]

__all__ = ["plot_pipeline", "plot_pipeline_graph"]

_MOST_INCHES = 50  # figsize: from here on it's px
_INCH = 100  # px, as matplotlib's figures have on a screen
_LEAST_SIDE = 10  # px: plotly draws nothing smaller
_LEAST_FONT = 1  # px: the same
# What selects points, and what would send the figure to somebody else's server.
_NO_BUTTONS = ("select2d", "lasso2d", "sendChartToCloud", "zoom2d", "pan2d", "autoScale2d")
_CURVE_ERROR = 0.05  # px between a curve and the polyline in its place: no corner is seen
_CORNER_STEPS = 5
_HOVER_ROOM = 250  # px beside the picture, where it isn't fitted into a given size
_HOVER_COLUMNS = (28, 60)  # plotly neither wraps hover text nor lets it leave the figure
_HOVER_TURN = 30  # px by which a card that shall turn to the left is too wide for the right
_BLANK = 3.3  # px, of hover text in the narrowest of our fonts
_HOVER_SIGN = 7.7  # px: a sign of hover text in the widest of our fonts, give or take


def plot_pipeline_graph(
    pipeline: Pipeline,
    figsize: tuple[float, float] | None = None,
    title: str | None = None,
    *,
    result: Overlay | None = None,
    theme: Theme = "auto",
    direction: Direction = "TB",
    groups: Groups | None = None,
) -> Figure:
    """The pipeline as a plotly figure.

    Hover over a card for the node's signature, docstring, inputs and outputs with their
    types, and the run's figures. ``figure.write_html(path)`` keeps it as a page.

    Args:
        pipeline: the pipeline to draw.
        figsize: width and height; the picture is scaled to fit. Two numbers below 50 are
            inches of 100 px each, as matplotlib's users write them; otherwise they are px. By
            default the size follows the graph, with room for hover cards at its right.
        title: the heading; ``"Pipeline"`` if None.
        result: shows a run on the cards (status, seconds, memory): a RunResult, the
            NodeExecutionError of a failed run, or what ``pipeline.plan()`` returns.
        theme: ``"light"``, ``"dark"``, or ``"auto"``: dark if plotly's default template is.
        direction: ``"TB"``, from top to bottom, or ``"LR"``, from left to right.
        groups: draw each part of the pipeline as one card: a Pipeline by the part's name, such as
            ``{"load": loading, "train": training}`` for ``loading + training``; or ``"prefix"``,
            the nodes whose names begin with the same word. All nodes one by one if None.

    Returns:
        The figure.

    Raises:
        MissingExtraError: plotly isn't installed.
        TypeError: this is no Pipeline, that no result, or those no groups.
        ValueError: no such theme, direction or size, a result of another pipeline, or groups
            that aren't parts of this one.
    """
    theme = checked_theme(theme)
    size = None if figsize is None else _pixels(figsize)
    go = _graph_objects()
    scene = pipeline_scene(pipeline, title, result, checked_direction(direction), groups)
    return _Plotter(go, scene, _resolved(theme), size).figure()


plot_pipeline = plot_pipeline_graph


def _pixels(figsize: Iterable[Any]) -> tuple[float, float]:
    """A width and a height in px, whatever they were given in."""
    try:
        width, height = figsize
    except (TypeError, ValueError):
        raise _no_size(figsize) from None
    if not (isinstance(width, Real) and isinstance(height, Real)):
        raise _no_size(figsize)
    unit = _INCH if width < _MOST_INCHES and height < _MOST_INCHES else 1
    try:
        sides = float(width) * unit, float(height) * unit
    except OverflowError:
        raise _no_size(figsize) from None
    if not all(_LEAST_SIDE <= side < math.inf for side in sides):  # a nan isn't, either
        raise _no_size(figsize)
    return sides


def _no_size(figsize: object) -> ValueError:
    return ValueError(
        f"figsize is a width and a height, not {figsize!r}\n"
        f"  in px: (800, 600), at least {_LEAST_SIDE} each; or in inches of {_INCH} px: (8, 6)"
    )


def _graph_objects() -> Any:
    try:
        from plotly import graph_objects
    except ImportError:
        raise MissingExtraError("plotly", 'pip install "linepipe[plot]"') from None
    return graph_objects


def _resolved(theme: Theme) -> Literal["light", "dark"]:
    if theme != "auto":
        return theme
    from plotly.io import templates

    return "dark" if "dark" in str(templates.default or "") else "light"


class _Plotter:
    """One figure in the making: the scene, the colours, and the scale onto the canvas."""

    def __init__(
        self,
        go: Any,
        scene: Scene,
        theme: Literal["light", "dark"],
        size: tuple[float, float] | None,
    ) -> None:
        self._go = go
        self._scene = scene
        self._theme: Literal["light", "dark"] = theme
        self._width, self._height = size or (scene.width + _HOVER_ROOM, scene.height)
        self._tops_of_pills: dict[str, float] = {}
        for pill in scene.pills:
            if maker := dict(pill.data).get("order"):
                top = self._tops_of_pills.get(maker, pill.frame.y)
                self._tops_of_pills[maker] = min(top, pill.frame.y)
        self._is_fitted = size is not None
        self._scale = min(self._width / scene.width, self._height / scene.height)
        self._left = (scene.width - self._width / self._scale) / 2 if self._is_fitted else 0.0

    def figure(self) -> Figure:
        """All traces, on a canvas with one data unit for each px of the scene."""
        from linepipe_viz.backends.plotly_page import pipeline_figure

        figure = pipeline_figure(list(self._traces()))
        across, down = self._width / self._scale, self._height / self._scale
        left = self._left
        figure.update_layout(
            width=round(self._width),
            height=round(self._height),
            title=self._title(left),
            margin={"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0},
            paper_bgcolor=self._colour("background"),
            plot_bgcolor=self._colour("background"),
            showlegend=False,
            hovermode="closest",
            dragmode="pan",
            barmode="overlay",
            bargap=0,
            modebar={"remove": _NO_BUTTONS, "bgcolor": "rgba(0,0,0,0)"},
            xaxis=_axis(left, left + across),
            # As wide as high: a zoomed picture keeps its shape.
            yaxis={**_axis(down, 0), "scaleanchor": "x", "scaleratio": 1},
            hoverlabel={
                "bgcolor": self._colour("background"),
                "bordercolor": self._colour("function"),
                "align": "left",
                "font": {"family": SANS, "size": 12, "color": self._colour("title")},
                "namelength": -1,
            },
        )
        return figure

    def _title(self, left: float) -> dict[str, Any]:
        """The heading as plotly's own, where programs look for it."""
        (text,) = (text for text in self._scene.page if text.kind == "title")
        font = self._font("title")
        return {
            "text": _escaped(text.text),
            "x": (text.x - left) * self._scale / self._width,
            "xref": "container",
            "xanchor": "left",
            "y": 1 - text.y * self._scale / self._height,
            "yref": "container",
            "yanchor": "middle",
            "font": {**font, "size": max(font["size"], _LEAST_FONT)},
        }

    def _font(self, kind: str) -> dict[str, Any]:
        style = TEXTS[kind]
        return {
            "size": style.size * self._scale,
            "color": self._colour(style.colour),
            "family": MONO if style.mono else SANS,
            "weight": 600 if style.bold else 400,
        }

    def _colour(self, role: str) -> str:
        return COLOURS[role].of(self._theme)

    def _traces(self) -> Iterator[Any]:
        scene = self._scene
        yield from self._rects((), scene.sheets)
        yield from self._rects(scene.cards, ())
        yield from self._wires()
        yield from self._rects(scene.pills, scene.legend)
        yield from self._signs()
        yield from self._texts()
        yield self._hover()

    def _lines(
        self,
        shapes: Iterable[Points],
        stroke: str,
        width: float,
        fill: str = "",
        dash: str = "",
        *,
        n_digits: int | None = 1,
    ) -> Any:
        """One trace for all shapes of a look; None between them lifts the pen."""
        xs: list[float | None] = []
        ys: list[float | None] = []
        for points in shapes:
            xs += [*(round(x, n_digits) for x, _ in points), None]
            ys += [*(round(y, n_digits) for _, y in points), None]
        line = {
            "color": self._colour(stroke),
            "width": width * self._scale,
            "simplify": False,  # plotly would skew round corners
            "dash": dash or "solid",
        }
        fit_line = {"fill": "toself", "fillcolor": self._colour(fill)} if fill else {}
        return self._go.Scatter(
            x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", cliponaxis=False, **fit_line
        )

    def _wires(self) -> Iterator[Any]:
        is_dense = len(self._scene.wires) > MOST_WIRES
        for kind, style in WIRES.items():
            wires = [wire for wire in self._scene.wires if wire.kind == kind]
            if is_dense and wires:
                lines = [[*_few_points(wire), *wire.head] for wire in wires]
                yield self._lines(lines, style.stroke, 1, n_digits=None)
            elif wires or kind == "edge":
                yield self._lines([_wire_points(wire) for wire in wires], style.stroke, style.width)
                heads = [(*wire.head, wire.head[0]) for wire in wires]
                yield self._lines(heads, style.arrow, 0.5, style.arrow)

    def _signs(self) -> Iterator[Any]:
        signs = [sign for shape in self._scene.cards for sign in shape.signs]
        signs += self._scene.legend_signs
        for kind, strokes in SIGNS.items():
            places = [(sign.x, sign.y) for sign in signs if sign.kind == kind]
            for is_filled in (False, True):
                parts = [stroke for stroke in strokes if stroke.is_filled == is_filled]
                lines = [
                    [(x + dx, y + dy) for dx, dy in (*stroke.points, *stroke.points[:is_filled])]
                    for x, y in places
                    for stroke in parts
                ]
                if lines:
                    yield self._lines(lines, kind, SIGN_WIDTH, kind if is_filled else "")

    def _rects(self, shapes: Sequence[Shape], more: Sequence[Rect]) -> Iterator[Any]:
        groups: dict[str, list[Rect]] = {}
        for rect in (*(rect for shape in shapes for rect in shape.rects), *more):
            groups.setdefault(rect.kind, []).append(rect)
        for kind, style in RECTS.items():
            if kind in groups:
                dash = ",".join(f"{length * self._scale:g}px" for length in style.dash or ())
                outlines = [_outline(rect) for rect in groups[kind]]
                yield self._lines(outlines, style.stroke, style.width, style.fill, dash)

    def _texts(self) -> Iterator[Any]:
        groups: dict[tuple[str, str], list[Text]] = {}
        shapes = (*self._scene.cards, *self._scene.pills)
        for text in (*(t for shape in shapes for t in shape.texts), *self._scene.page):
            if text.kind != "title":
                groups.setdefault((text.kind, text.anchor), []).append(text)
        for (kind, anchor), texts in groups.items():
            font = self._font(kind)
            if font["size"] < _LEAST_FONT:
                continue  # too small to be read, too
            yield self._go.Scatter(
                x=[round(text.x, 1) for text in texts],
                y=[round(text.y, 1) for text in texts],
                text=[_escaped(text.text) for text in texts],
                mode="text",
                textposition="middle center" if anchor == "middle" else "middle right",
                textfont=font,
                hoverinfo="skip",
                cliponaxis=False,
            )

    def _hover(self) -> Any:
        """Invisible bars over each card and pill, which show its details beside it.

        plotly puts a bar's hover card to the right of the bar's end, if there is room for it.
        """
        shapes = (*self._scene.cards, *self._scene.pills)
        bars = [self._hover_bar(shape) for shape in shapes]
        spans = [(shape.frame.y, self._hover_height(shape)) for shape in shapes]
        return self._go.Bar(
            orientation="h",
            base=[round(start, 1) for start, _, _ in bars],
            x=[round(length, 1) for _, length, _ in bars],
            y=[round(top + height / 2, 1) for top, height in spans],
            width=[round(height, 1) for _, height in spans],
            hovertext=[text for _, _, text in bars],
            hovertemplate="%{hovertext}<extra></extra>",
            marker={"opacity": 0},
            cliponaxis=False,
        )

    def _hover_bar(self, shape: Shape) -> tuple[float, float, str]:
        """Where a shape's bar begins, how far it goes, and its hover text.

        plotly turns the card to the left where there is no room for it at the right: from the
        bar's end over the shape itself. There, if there is more room beyond the other side, the
        bar runs backwards, and the first line is filled up with blanks so that the card turns.
        """
        least, most = _HOVER_COLUMNS
        frame = shape.frame
        left = (frame.x - self._left) * self._scale
        right = left + frame.width * self._scale
        columns = int((self._width - right) / _HOVER_SIGN) - 4
        if columns >= least or left < self._width - left + _HOVER_TURN:
            text = _hover_text(shape.details, min(max(columns, least), most))
            return frame.x, frame.width, text
        blanks = "\u00a0" * math.ceil((self._width - left + _HOVER_TURN) / _BLANK)
        columns = min(max(int(left / _HOVER_SIGN) - 4, least), most)
        text = _hover_text(shape.details, columns)
        return frame.x + frame.width, -frame.width, f"{text}<br>{blanks}"

    def _hover_height(self, shape: Shape) -> float:
        """Of a card only what is above its pills: where bars overlap, plotly takes either."""
        data = dict(shape.data)
        if "node" not in data:
            return shape.frame.height
        tops = self._tops_of_pills.get(data["order"], shape.frame.y + shape.frame.height)
        return tops - shape.frame.y


def _axis(start: float, end: float) -> dict[str, Any]:
    """An invisible axis that shows that range, and never more."""
    low, high = min(start, end), max(start, end)
    return {"visible": False, "range": [start, end], "minallowed": low, "maxallowed": high}


def _escaped(text: str) -> str:
    """Text as it is: no tags, no entities, and no formula (which two dollar signs would be)."""
    return escape(text, quote=False).replace("$", "&#36;")


def _hover_text(details: Details, columns: int) -> str:
    lines = [f"<b>{line}</b>" for line in _wrapped(details.heading, columns)]
    lines += _wrapped(details.signature, columns)
    lines += [f"<i>{line}</i>" for line in _wrapped(details.summary, columns)]
    for fact in details.facts:
        lines += _wrapped(fact, columns)
    return "<br>".join(lines)


def _wrapped(text: str, columns: int) -> list[str]:
    return [_escaped(line) for line in wrap(text, columns)]


def _outline(rect: Rect) -> Points:
    """A rectangle with round corners, as a closed polygon."""
    radius = min(rect.radius, rect.width / 2, rect.height / 2)
    left, right = rect.x + radius, rect.x + rect.width - radius
    top, bottom = rect.y + radius, rect.y + rect.height - radius
    corners = ((right, top, -90), (right, bottom, 0), (left, bottom, 90), (left, top, 180))
    points = [
        _on_circle(x, y, radius, start + 90 * step / _CORNER_STEPS)
        for x, y, start in corners
        for step in range(_CORNER_STEPS + 1)
    ]
    return [*points, points[0]]


def _on_circle(x: float, y: float, radius: float, degrees: float) -> tuple[float, float]:
    angle = math.radians(degrees)
    return x + radius * math.cos(angle), y + radius * math.sin(angle)


def _wire_points(wire: Wire) -> Points:
    """A wire as a polyline; curves are taken in steps."""
    points: list[tuple[float, float]] = [(wire.x, wire.y)]
    for segment in wire.segments:
        if isinstance(segment, Curve) and not _is_straight(points[-1], segment):
            points += _curve_points(points[-1], segment)
        else:
            points.append((segment.x, segment.y))
    return points


def _few_points(wire: Wire) -> Points:
    """A wire as a polyline of straight segments: among thousands nobody sees its curves."""
    points = [(wire.x, wire.y)]
    side = 1 if wire.is_level else 0
    for segment in wire.segments:
        here = (segment.x, segment.y)
        before = [abs(point[side] - here[side]) < 1 for point in points[-2:]]
        if len(before) == 2 and all(before):
            points[-1] = here
        else:
            points.append(here)
    return points


def _is_straight(start: tuple[float, float], curve: Curve) -> bool:
    across = curve.y - start[1] if curve.is_level else curve.x - start[0]
    return abs(across) < 0.6


def _curve_points(start: tuple[float, float], curve: Curve) -> Iterator[tuple[float, float]]:
    x, y = start
    (x1, y1), (x2, y2) = curve.controls(x, y)
    across, along = curve.x - x, curve.y - y
    steps = _curve_steps(*((along, across) if curve.is_level else (across, along)))
    for step in range(1, steps + 1):
        t = step / steps
        u = 1 - t
        first, second, third, last = u**3, 3 * u * u * t, 3 * u * t * t, t**3
        yield (
            x * first + x1 * second + x2 * third + curve.x * last,
            y * first + y1 * second + y2 * third + curve.y * last,
        )


def _curve_steps(across: float, down: float) -> int:
    """Into how many steps to take a curve.

    A chord of 1/n of a curve is off by at most its second derivative / (8 n²), and that is
    largest at the ends: 6 times the way across, and 3 times the way down.
    """
    return max(4, math.ceil(math.sqrt(math.hypot(6 * across, 3 * down) / (8 * _CURVE_ERROR))))
