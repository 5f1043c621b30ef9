"""Every colour, font and line width of the pictures, in one table.

Scenes name kinds ("function", "data", "caption"); only this module defines how a kind
looks, in the light and in the dark theme. The colours are colour-blind safe (after Okabe and
Ito); text on its fill has a contrast of 9.4:1 or better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

Theme = Literal["auto", "light", "dark"]
Direction = Literal["TB", "LR"]
"""From top to bottom, or from left to right."""

__all__ = [
    "ARROW_LENGTH",
    "ARROW_WIDTH",
    "COLOURS",
    "MONO",
    "MOST_WIRES",
    "RECTS",
    "SANS",
    "SIGNS",
    "SIGN_WIDTH",
    "STATES",
    "TEXTS",
    "WIRES",
    "Colours",
    "Direction",
    "RectStyle",
    "Stroke",
    "TextStyle",
    "WireStyle",
    "checked_direction",
    "checked_theme",
]

# Programs such as cairosvg take the first font of a list and no other.
MONO: Final = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
MOST_WIRES: Final = 2_000
"""More are drawn with less: nobody hovers over one of them, or sees its curves."""
ARROW_WIDTH: Final = 9.0
ARROW_LENGTH: Final = 8.5
SANS: Final = "Helvetica, Inter, 'Segoe UI', Arial, 'Liberation Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Colours:
    """One role's colour in each theme."""

    light: str
    dark: str

    def of(self, theme: Literal["light", "dark"]) -> str:
        """The colour in that theme."""
        return self.light if theme == "light" else self.dark


@dataclass(frozen=True, slots=True)
class RectStyle:
    """Style of a kind of rectangle; ``dash`` is the lengths of line and gap, in px."""

    fill: str
    stroke: str
    width: float
    dash: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class WireStyle:
    """Style of a kind of wire: colour roles of its line and its arrowhead, and its width in px."""

    stroke: str
    arrow: str
    width: float


@dataclass(frozen=True, slots=True)
class Stroke:
    """Part of a sign: a polyline, or a filled polygon, around (0, 0); lengths in px."""

    points: tuple[tuple[float, float], ...]
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class TextStyle:
    """Style of a kind of text."""

    colour: str
    size: float
    mono: bool = False
    bold: bool = False


COLOURS: Final[dict[str, Colours]] = {
    "background": Colours("#FFFFFF", "#12161C"),
    "title": Colours("#1B2530", "#EDF2F7"),
    "muted": Colours("#5B6675", "#A3AFBD"),
    "edge": Colours("#748294", "#7C8A9C"),
    "arrow": Colours("#5F6C7C", "#9AA8B8"),
    "function-fill": Colours("#E8F2FB", "#12324B"),
    "function": Colours("#0072B2", "#56B4E9"),
    "function-text": Colours("#0B2E4A", "#E4F2FD"),
    "data-fill": Colours("#FFF3DC", "#3B2B0B"),
    "data": Colours("#B87400", "#E69F00"),
    "data-text": Colours("#553600", "#FFE7B8"),
    "config-fill": Colours("#F3E9F1", "#3A2435"),
    "config": Colours("#A8648F", "#CC79A7"),
    "config-text": Colours("#5C2A4B", "#F8DDEC"),
    # The states of a node. Fills differ in lightness too, for readers who see no hue.
    "ran-fill": Colours("#C3DFF5", "#1B5580"),
    "ran": Colours("#0072B2", "#56B4E9"),
    "ran-text": Colours("#0B2E4A", "#EAF5FE"),
    "reused-fill": Colours("#F3F8FC", "#16222D"),
    "reused": Colours("#5C93BC", "#4B8DB8"),
    "reused-text": Colours("#1D4768", "#C7DEEE"),
    "will-run-fill": Colours("#FFD58A", "#795610"),
    "will-run": Colours("#8F5A00", "#FFC043"),
    "will-run-text": Colours("#452B00", "#FFF0D2"),
    "may-run-fill": Colours("#FFF6E2", "#2A2211"),
    "may-run": Colours("#A86B00", "#D99A1E"),
    "may-run-text": Colours("#5A3A00", "#FBE3B4"),
    "failed-fill": Colours("#F5B8A2", "#7A2C11"),
    "failed": Colours("#A93200", "#FF8A4C"),
    "failed-text": Colours("#571700", "#FFE6DA"),
    "not-run-fill": Colours("#FFFFFF", "#12161C"),
    "not-run": Colours("#7B8796", "#7B8796"),
    "not-run-text": Colours("#5B6675", "#A3AFBD"),
    "running-fill": Colours("#CFEDE0", "#0D3529"),
    "running": Colours("#00795A", "#2FC79A"),
    "running-text": Colours("#00392B", "#DDF8EE"),
    "track": Colours("#F1F7FC", "#123A58"),
}

STATES: Final = ("ran", "reused", "will-run", "may-run", "failed", "not-run", "running")
"""The kinds of cards that show a node's state; each has a fill, a stroke and a text colour."""

RECTS: Final[dict[str, RectStyle]] = {
    # In the order in which they are painted.
    "function": RectStyle("function-fill", "function", 1.5),
    "ran": RectStyle("ran-fill", "ran", 1.5),
    "reused": RectStyle("reused-fill", "reused", 1.2),
    "will-run": RectStyle("will-run-fill", "will-run", 2),
    "may-run": RectStyle("may-run-fill", "may-run", 1.5, (6, 4)),
    "failed": RectStyle("failed-fill", "failed", 2.5),
    "not-run": RectStyle("not-run-fill", "not-run", 1.2, (2, 3)),
    "running": RectStyle("running-fill", "running", 2),
    "track": RectStyle("track", "track", 0),
    "bar": RectStyle("ran", "ran", 0),
    "config": RectStyle("config-fill", "config", 1),
    "listed": RectStyle("data-fill", "data", 1),
    "config-changed": RectStyle("will-run-fill", "will-run", 1.5),
    "input": RectStyle("background", "data", 1.3, (5, 3)),
    "data": RectStyle("data-fill", "data", 1.3),
}

TEXTS: Final[dict[str, TextStyle]] = {
    "title": TextStyle("title", 17, bold=True),
    "subtitle": TextStyle("muted", 11.5),
    "outcome": TextStyle("title", 11.5),
    "name": TextStyle("function-text", 13, mono=True, bold=True),
    "order": TextStyle("function-text", 9),
    "label": TextStyle("data-text", 12, mono=True),
    "fact": TextStyle("muted", 9.5),
    "chip": TextStyle("config-text", 10.5, mono=True),
    "listed": TextStyle("data-text", 10.5, mono=True),
    "chip-changed": TextStyle("will-run-text", 10.5, mono=True),
    **{
        f"{kind}-{state}": TextStyle(f"{state}-text", size, mono=mono, bold=mono)
        for state in STATES
        for kind, size, mono in (("name", 13, True), ("caption", 10.5, False), ("order", 9, False))
    },
    "legend": TextStyle("muted", 11),
}

WIRES: Final[dict[str, WireStyle]] = {
    "edge": WireStyle("edge", "arrow", 1.6),
    "edge-changed": WireStyle("will-run", "will-run", 2.2),
}

_ARC = tuple(
    (round(3.6 * math.cos(math.radians(angle)), 2), round(3.6 * math.sin(math.radians(angle)), 2))
    for angle in range(60, 341, 20)
)
_RING = tuple(
    (round(3.4 * math.cos(math.radians(angle)), 2), round(3.4 * math.sin(math.radians(angle)), 2))
    for angle in range(0, 361, 20)
)
_HOOK = tuple(
    (
        round(2.3 * math.cos(math.radians(angle)), 2),
        round(2.3 * math.sin(math.radians(angle)) - 1.9, 2),
    )
    for angle in range(-190, 91, 20)
)

SIGNS: Final[dict[str, tuple[Stroke, ...]]] = {
    # Drawn, and not set as text: few fonts have these signs. About 8 px around (0, 0).
    "ran": (Stroke(((-3.8, 0.3), (-1.1, 3.1), (3.8, -3.2))),),
    "reused": (Stroke(_ARC), Stroke(((1.2, -1.5), (5.6, -0.9), (3.1, 2.2)), is_filled=True)),
    "will-run": (Stroke(((-2.8, -3.8), (4, 0), (-2.8, 3.8)), is_filled=True),),
    "may-run": (
        Stroke((*_HOOK, (0, 1.7))),
        Stroke(((-0.8, 3.2), (0.8, 3.2), (0.8, 4.6), (-0.8, 4.6)), is_filled=True),
    ),
    "failed": (Stroke(((-3.2, -3.2), (3.2, 3.2))), Stroke(((3.2, -3.2), (-3.2, 3.2)))),
    "not-run": (Stroke(_RING),),
    "running": tuple(
        Stroke(((x - 1, -1), (x + 1, -1), (x + 1, 1), (x - 1, 1)), is_filled=True)
        for x in (-3.4, 0, 3.4)
    ),
}
SIGN_WIDTH: Final = 1.6


_THEMES: dict[str, Theme] = {"auto": "auto", "light": "light", "dark": "dark"}


def checked_theme(theme: object) -> Theme:
    """The theme, or the error that says which there are.

    Raises:
        ValueError: there is no such theme.
    """
    if isinstance(theme, str) and theme in _THEMES:
        return _THEMES[theme]
    raise ValueError(f"no theme is called {theme!r}\n  there are: 'auto', 'light', 'dark'")


_DIRECTIONS: dict[str, Direction] = {"TB": "TB", "LR": "LR"}


def checked_direction(direction: object) -> Direction:
    """The direction, or the error that says which there are.

    Raises:
        ValueError: there is no such direction.
    """
    if isinstance(direction, str) and direction in _DIRECTIONS:
        return _DIRECTIONS[direction]
    raise ValueError(
        f"no direction is called {direction!r}\n"
        "  there are: 'TB', from top to bottom, and 'LR', from left to right"
    )
