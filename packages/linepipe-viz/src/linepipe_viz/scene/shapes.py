"""Records of the display list: plain shapes that any back-end can draw.

Shapes carry kinds ("function", "caption"), no colours: ``theme`` says what a kind looks
like, so one list serves the light and the dark. Lengths are px, y grows downward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from linepipe_viz.graph.details import Details
from linepipe_viz.theme import ARROW_LENGTH, ARROW_WIDTH

Movable = TypeVar("Movable", "Rect", "Text", "Sign", "Shape", "Wire")

__all__ = [
    "Curve",
    "Line",
    "Rect",
    "Scene",
    "Segment",
    "Shape",
    "Sign",
    "Text",
    "Wire",
    "translated",
]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle with round corners; x and y are its upper left corner."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    radius: float


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; y is its middle."""

    kind: str
    x: float
    y: float
    text: str
    anchor: Literal["start", "middle"] = "middle"


@dataclass(frozen=True, slots=True)
class Sign:
    """A small drawn sign for a state, its middle at (x, y)."""

    kind: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Shape:
    """Rectangles, texts and signs that belong together, with the details of their tooltip.

    The first rectangle is the frame that the mouse hits. ``data`` identifies the thing shown
    to programs that read the picture: pairs such as ``("node", "load")``.
    """

    rects: tuple[Rect, ...]
    texts: tuple[Text, ...]
    details: Details
    data: tuple[tuple[str, str], ...] = ()
    signs: tuple[Sign, ...] = ()

    @property
    def frame(self) -> Rect:
        """The outermost rectangle."""
        return self.rects[0]


@dataclass(frozen=True, slots=True)
class Line:
    """A straight segment to (x, y)."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A cubic segment to (x, y) that leaves and arrives vertically, turning at height middle.

    A level one leaves and arrives horizontally, and turns at x = middle.
    """

    middle: float
    x: float
    y: float
    is_level: bool = False

    def controls(self, x: float, y: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """The two control points of the segment from (x, y)."""
        if self.is_level:
            return (self.middle, y), (self.middle, self.y)
        return (x, self.middle), (self.x, self.middle)


Segment = Line | Curve


@dataclass(frozen=True, slots=True)
class Wire:
    """An edge: from a start along its segments, with an arrowhead at the tip.

    A level one arrives from the left, any other from above.
    """

    kind: str
    x: float
    y: float
    segments: tuple[Segment, ...]
    tip: tuple[float, float]
    label: str = ""
    data: tuple[tuple[str, str], ...] = ()
    is_level: bool = False

    @property
    def head(self) -> tuple[tuple[float, float], tuple[float, float], tuple[float, float]]:
        """The corners of the arrowhead, its tip in the middle."""
        (x, y), half = self.tip, ARROW_WIDTH / 2
        if self.is_level:
            return (x - ARROW_LENGTH, y - half), (x, y), (x - ARROW_LENGTH, y + half)
        return (x - half, y - ARROW_LENGTH), (x, y), (x + half, y - ARROW_LENGTH)


@dataclass(frozen=True, slots=True)
class Scene:
    """The whole picture, painted in this order: sheets, cards, wires, pills, the page's own.

    Attributes:
        title: the heading.
        subtitle: sizes of the pipeline.
        outcome: one line about the run or plan, or "".
        description: the nodes in order, for readers who can't see the picture.
        sheets: borders that stand out behind cards of many nodes.
    """

    width: float
    height: float
    title: str
    subtitle: str
    outcome: str
    description: str
    cards: tuple[Shape, ...]
    wires: tuple[Wire, ...]
    pills: tuple[Shape, ...]
    page: tuple[Text, ...]
    legend: tuple[Rect, ...]
    legend_signs: tuple[Sign, ...]
    sheets: tuple[Rect, ...] = ()


def translated(item: Movable, dx: float, dy: float) -> Movable:
    """The same thing, that far to the right and down."""
    if isinstance(item, Shape):
        return replace(
            item,
            rects=tuple(translated(rect, dx, dy) for rect in item.rects),
            texts=tuple(translated(text, dx, dy) for text in item.texts),
            signs=tuple(translated(sign, dx, dy) for sign in item.signs),
        )
    if isinstance(item, Wire):
        return replace(
            item,
            x=item.x + dx,
            y=item.y + dy,
            segments=tuple(_translated_segment(segment, dx, dy) for segment in item.segments),
            tip=(item.tip[0] + dx, item.tip[1] + dy),
        )
    return replace(item, x=item.x + dx, y=item.y + dy)


def _translated_segment(segment: Segment, dx: float, dy: float) -> Segment:
    if isinstance(segment, Curve):
        middle = segment.middle + (dx if segment.is_level else dy)
        return Curve(middle, segment.x + dx, segment.y + dy, segment.is_level)
    return Line(segment.x + dx, segment.y + dy)
