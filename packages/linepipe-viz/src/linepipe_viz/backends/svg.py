"""The display list as SVG: for notebooks, documents and web pages. Standard library only.

The text is the same wherever and whenever it is made, so that a picture kept in a repository
changes only when the pipeline does. What it shows stands in plain attributes (see
``stylesheet``), so that browsers, converters and editors draw the same picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Literal
from zlib import crc32

from linepipe_core import Pipeline
from linepipe_viz.backends.stylesheet import rules_of, stylesheet
from linepipe_viz.graph.groups import Groups
from linepipe_viz.graph.records import Overlay
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.scene.shapes import Curve, Rect, Scene, Shape, Sign, Text, Wire
from linepipe_viz.text import printable
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
    Direction,
    Theme,
    checked_direction,
    checked_theme,
)

__all__ = ["draw_svg_pipeline", "scene_svg"]

_BASELINE = 0.36  # of the font size: from a text's middle down to its baseline


def draw_svg_pipeline(
    pipeline: Pipeline,
    title: str | None = None,
    *,
    result: Overlay | None = None,
    theme: Theme = "auto",
    transparent: bool = False,
    direction: Direction = "TB",
    groups: Groups | None = None,
) -> str:
    """The pipeline as a picture in SVG.

    Hover over a card, a pill or an arrow for its signature, docstring, types and figures.
    Each has ``data-`` attributes that name it: ``data-node``, ``data-order`` and ``data-state``
    on a card; ``data-object``, ``data-from`` and its ``data-order`` on an object; ``data-object``,
    ``data-from``, ``data-to`` and both their orders, ``data-order="1-3"``, on an arrow.

    Args:
        pipeline: the pipeline to draw.
        title: the heading; ``"Pipeline"`` if None.
        result: shows a run on the cards (state, seconds, memory): a RunResult, the
            NodeExecutionError of a failed run, or what ``pipeline.plan()`` returns.
        theme: ``"light"`` or ``"dark"``, or ``"auto"``: that of the page, the notebook or the
            reader's system, and light in programs that have none.
        transparent: leave out the background.
        direction: ``"TB"``, from top to bottom, or ``"LR"``, from left to right.
        groups: draw each part of the pipeline as one card: a Pipeline by the part's name, such as
            ``{"load": loading, "train": training}`` for ``loading + training``; or ``"prefix"``,
            the nodes whose names begin with the same word. All nodes one by one if None.

    Returns:
        One ``<svg>`` element, to be written to a file (in UTF-8) or put into a page as it is.

    Raises:
        TypeError: this is no Pipeline, that no result, or those no groups.
        ValueError: no such theme or direction, a result of another pipeline, or groups
            that aren't parts of this one.

    Example:
        >>> from linepipe_core import Node, Pipeline
        >>> def load() -> list[int]:
        ...     return [1, 2, 3]
        >>> svg = draw_svg_pipeline(Pipeline([Node(load, inputs=[], outputs=["numbers"])]))
        >>> svg[:4], svg[-7:-1]
        ('<svg', '</svg>')
    """
    theme = checked_theme(theme)
    scene = pipeline_scene(pipeline, title, result, checked_direction(direction), groups)
    return scene_svg(scene, theme, transparent=transparent)


def scene_svg(
    scene: Scene, theme: Theme, *, transparent: bool = False, is_whole: bool = True
) -> str:
    """The SVG of a display list.

    Args:
        scene: the display list.
        theme: as ``draw_svg_pipeline`` takes it.
        transparent: leave out the background.
        is_whole: with tooltips, and colours also in attributes; a page of our own needs neither.
    """
    writer = _Writer("dark" if theme == "dark" else "light", is_whole=is_whole)
    body = "\n".join(writer.body(scene, transparent=transparent))
    name = f"lp{crc32(f'{theme}{body}'.encode()):08x}"
    parts = (scene.title, scene.subtitle, scene.outcome)
    label = escape(f"{scene.title}: {' · '.join(part for part in parts[1:] if part)}")
    width, height = _number(scene.width), _number(scene.height)
    style = ""
    if theme == "auto":
        style = f"<style>\n{stylesheet(name, rules_of(scene))}\n</style>\n"
    description = f"<desc>{escape(scene.description)}</desc>\n" if scene.description else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="{label}">\n'
        f"{description}{style}{body}\n</svg>\n"
    )


def _number(value: float) -> str:
    """A length to a tenth of a px, with no more digits than it needs."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _attributes(data: Sequence[tuple[str, str]]) -> str:
    return "".join(f' data-{key}="{escape(printable(value))}"' for key, value in data)


class _Writer:
    """Writes shapes as elements, with the colours of one theme in attributes."""

    def __init__(self, theme: Literal["light", "dark"], *, is_whole: bool) -> None:
        self._theme: Literal["light", "dark"] = theme
        self._is_whole = is_whole

    def body(self, scene: Scene, *, transparent: bool) -> Iterator[str]:
        """All elements in the order in which they are painted."""
        if not transparent:
            yield (
                f'<rect class="lp-page" width="{_number(scene.width)}"'
                f' height="{_number(scene.height)}"{self._paint(fill="background")}/>'
            )
        yield f'<g font-family="{MONO}">'
        for sheet in scene.sheets:
            yield self._rect(sheet)
        for shape in scene.cards:
            yield from self._shape(shape)
        if len(scene.wires) <= MOST_WIRES:
            for wire in scene.wires:
                yield from self._wire(wire)
        else:
            yield from self._light_wires(scene.wires)
        for shape in scene.pills:
            yield from self._shape(shape)
        yield "</g>"
        for rect in scene.legend:
            yield self._rect(rect)
        for sign in scene.legend_signs:
            yield from self._sign(sign)
        for text in scene.page:
            yield self._text(text)

    def _tooltip(self, text: str) -> str:
        return f"<title>{escape(text)}</title>" if self._is_whole else ""

    def _paint(self, *, fill: str = "", stroke: str = "") -> str:
        if not self._is_whole:
            return ""
        roles = {"fill": fill, "stroke": stroke}
        return "".join(
            f' {key}="{COLOURS[role].of(self._theme)}"' for key, role in roles.items() if role
        )

    def _shape(self, shape: Shape) -> Iterator[str]:
        yield f"<g{_attributes(shape.data)}>"
        yield self._tooltip("\n".join(shape.details.lines()))
        yield from (self._rect(rect) for rect in shape.rects)
        for sign in shape.signs:
            yield from self._sign(sign)
        yield from (self._text(text) for text in shape.texts)
        yield "</g>"

    def _rect(self, rect: Rect) -> str:
        style = RECTS[rect.kind]
        line = ""
        if style.width:
            line = f'{self._paint(stroke=style.stroke)} stroke-width="{style.width:g}"'
        if style.dash:
            line += f' stroke-dasharray="{style.dash[0]} {style.dash[1]}"'
        return (
            f'<rect class="lp-{rect.kind}" x="{_number(rect.x)}" y="{_number(rect.y)}"'
            f' width="{_number(rect.width)}" height="{_number(rect.height)}"'
            f' rx="{_number(rect.radius)}"{self._paint(fill=style.fill)}{line}/>'
        )

    def _text(self, text: Text) -> str:
        style = TEXTS[text.kind]
        font = "" if style.mono else f' font-family="{SANS}"'
        font += f' font-size="{style.size:g}"'
        font += ' font-weight="bold"' if style.bold else ""
        font += ' text-anchor="middle"' if text.anchor == "middle" else ""
        # White space in names would be folded into one blank.
        space = (
            ' xml:space="preserve"' if "  " in text.text or text.text != text.text.strip() else ""
        )
        return (
            f'<text class="lp-{text.kind}" x="{_number(text.x)}"'
            f' y="{_number(text.y + style.size * _BASELINE)}"'
            f"{self._paint(fill=style.colour)}{font}{space}>{escape(text.text)}</text>"
        )

    def _sign(self, sign: Sign) -> Iterator[str]:
        for stroke in SIGNS[sign.kind]:
            points = [f"{_number(sign.x + x)} {_number(sign.y + y)}" for x, y in stroke.points]
            path = f"M{'L'.join(points)}"
            if stroke.is_filled:
                yield (
                    f'<path class="lp-mark-{sign.kind}" d="{path}Z"{self._paint(fill=sign.kind)}/>'
                )
            else:
                yield (
                    f'<path class="lp-sign-{sign.kind}" d="{path}" fill="none"'
                    f'{self._paint(stroke=sign.kind)} stroke-width="{SIGN_WIDTH:g}"'
                    ' stroke-linecap="round" stroke-linejoin="round"/>'
                )

    def _wire(self, wire: Wire) -> Iterator[str]:
        style = WIRES[wire.kind]
        yield (
            f"<g{_attributes(wire.data)}>{self._tooltip(wire.label)}"
            f'<path class="lp-{wire.kind}" d="{_path(wire)}" fill="none"'
            f'{self._paint(stroke=style.stroke)} stroke-width="{style.width:g}"/>'
            f'<path class="lp-{wire.kind}-arrow" d="{_arrowhead(wire)}Z"'
            f"{self._paint(fill=style.arrow)}/></g>"
        )

    def _light_wires(self, wires: Sequence[Wire]) -> Iterator[str]:
        """Thousands of edges: whole px, no tooltips, open arrowheads in the lines themselves."""
        for kind, style in WIRES.items():
            stroke = self._paint(stroke=style.stroke)
            yield f'<g class="lp-{kind}" fill="none"{stroke} stroke-width="1">'
            for wire in wires:
                if wire.kind == kind:
                    data = [(key, value) for key, value in wire.data if key != "from"]
                    line = _path(wire, _whole_number) + _arrowhead(wire, _whole_number)
                    yield f'<path{_attributes(data)} d="{line}"/>'
            yield "</g>"


def _path(wire: Wire, number: Callable[[float], str] = _number) -> str:
    x, y = wire.x, wire.y
    parts = [f"M{number(x)} {number(y)}"]
    for segment in wire.segments:
        end = f"{number(segment.x)} {number(segment.y)}"
        if isinstance(segment, Curve):
            (x1, y1), (x2, y2) = segment.controls(x, y)
            parts.append(f"C{number(x1)} {number(y1)} {number(x2)} {number(y2)} {end}")
        else:
            parts.append(f"L{end}")
        x, y = segment.x, segment.y
    return "".join(parts)


def _arrowhead(wire: Wire, number: Callable[[float], str] = _number) -> str:
    return f"M{'L'.join(f'{number(x)} {number(y)}' for x, y in wire.head)}"


def _whole_number(value: float) -> str:
    return str(round(value))
