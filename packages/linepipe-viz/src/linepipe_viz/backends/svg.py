"""The display list as SVG: for notebooks, documents and web pages. Standard library only.

The text is the same wherever and whenever it is made, so that a picture kept in a repository
changes only when the pipeline does.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from zlib import crc32

from linepipe_core import Pipeline
from linepipe_viz.backends.stylesheet import stylesheet
from linepipe_viz.graph.records import Overlay
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.scene.shapes import Curve, Rect, Scene, Shape, Text, Wire
from linepipe_viz.theme import ARROW_LENGTH, ARROW_WIDTH, TEXTS, Theme, checked_theme

__all__ = ["draw_svg_pipeline"]

_LEAST_SCALE = 0.6
_BASELINE = 0.36  # of the font size: from a text's middle down to its baseline


def draw_svg_pipeline(
    pipeline: Pipeline,
    title: str | None = None,
    *,
    result: Overlay | None = None,
    theme: Theme = "auto",
) -> str:
    """The pipeline as a picture in SVG.

    Hover over a card or a pill for its signature, docstring, types and figures.

    Args:
        pipeline: the pipeline to draw.
        title: the heading; ``"Pipeline"`` if None.
        result: shows a run on the cards (status, seconds, memory): a RunResult, the
            NodeExecutionError of a failed run, or what ``pipeline.plan()`` returns.
        theme: ``"light"`` or ``"dark"``, or ``"auto"``: as the page, the notebook or the
            reader's system says.

    Returns:
        One ``<svg>`` element, to be written to a file (in UTF-8) or put into a page as it is.

    Raises:
        TypeError: this is no Pipeline, or that no result.
        ValueError: no such theme, or a result of another pipeline.

    Example:
        >>> from linepipe_core import Node, Pipeline
        >>> def load() -> list[int]:
        ...     return [1, 2, 3]
        >>> svg = draw_svg_pipeline(Pipeline([Node(load, inputs=[], outputs=["numbers"])]))
        >>> svg[:4], svg[-7:-1]
        ('<svg', '</svg>')
    """
    theme = checked_theme(theme)
    scene = pipeline_scene(pipeline, title, result)
    body = "\n".join(_body(scene))
    name = f"lp{crc32(f'{theme}{body}'.encode()):08x}"
    label = escape(f"{scene.title}: {scene.subtitle}")
    width, height = _number(scene.width), _number(scene.height)
    # A wide picture shrinks to fit its page, but not until it can't be read.
    style = f"max-width:100%;min-width:{_number(scene.width * _LEAST_SCALE)}px;height:auto"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" style="{style}" role="img" aria-label="{label}">\n'
        f"<style>\n{stylesheet(name, scene, theme)}\n</style>\n{body}\n</svg>\n"
    )


def _number(value: float) -> str:
    """A length to a tenth of a px, with no more signs than it needs."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _body(scene: Scene) -> Iterator[str]:
    yield '<rect class="lp-page" width="100%" height="100%"/>'
    for shape in scene.cards:
        yield from _shape(shape)
    for wire in scene.wires:
        yield f'<path class="lp-edge" d="{_path(wire)}"/>'
    for wire in scene.wires:
        yield f'<path class="lp-arrow" d="{_arrowhead(*wire.tip)}"/>'
    for shape in scene.pills:
        yield from _shape(shape)
    for rect in scene.legend:
        yield _rect(rect)
    for text in scene.page:
        yield _text(text)


def _shape(shape: Shape) -> Iterator[str]:
    yield "<g>"
    yield f"<title>{escape(chr(10).join(shape.details.lines()))}</title>"
    yield from (_rect(rect) for rect in shape.rects)
    yield from (_text(text) for text in shape.texts)
    yield "</g>"


def _rect(rect: Rect) -> str:
    return (
        f'<rect class="lp-{rect.kind}" x="{_number(rect.x)}" y="{_number(rect.y)}"'
        f' width="{_number(rect.width)}" height="{_number(rect.height)}"'
        f' rx="{_number(rect.radius)}"/>'
    )


def _text(text: Text) -> str:
    y = text.y + TEXTS[text.kind].size * _BASELINE
    anchor = ' text-anchor="middle"' if text.anchor == "middle" else ""
    return (
        f'<text class="lp-{text.kind}" x="{_number(text.x)}" y="{_number(y)}"{anchor}>'
        f"{escape(text.text)}</text>"
    )


def _path(wire: Wire) -> str:
    x = wire.x
    parts = [f"M{_number(x)} {_number(wire.y)}"]
    for segment in wire.segments:
        end = f"{_number(segment.x)} {_number(segment.y)}"
        if isinstance(segment, Curve):
            middle = _number(segment.middle)
            parts.append(f"C{_number(x)} {middle} {_number(segment.x)} {middle} {end}")
        else:
            parts.append(f"L{end}")
        x = segment.x
    return "".join(parts)


def _arrowhead(x: float, y: float) -> str:
    left, right, back = x - ARROW_WIDTH / 2, x + ARROW_WIDTH / 2, y - ARROW_LENGTH
    return (
        f"M{_number(left)} {_number(back)}L{_number(x)} {_number(y)}"
        f"L{_number(right)} {_number(back)}Z"
    )
