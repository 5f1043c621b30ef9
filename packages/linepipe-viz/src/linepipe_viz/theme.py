"""Every colour, font and line width of the pictures, in one table.

Scenes name kinds ("function", "data", "caption"); only this module defines how a kind
looks, in the light and in the dark theme. The colours are colour-blind safe (after Okabe and
Ito); text on its fill has a contrast of 9.4:1 or better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Theme = Literal["auto", "light", "dark"]

__all__ = [
    "ARROW_LENGTH",
    "ARROW_WIDTH",
    "COLOURS",
    "EDGE_WIDTH",
    "MONO",
    "RECTS",
    "SANS",
    "TEXTS",
    "Colours",
    "RectStyle",
    "TextStyle",
    "checked_theme",
]

MONO: Final = (
    "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', "
    "'Liberation Mono', monospace"
)
EDGE_WIDTH: Final = 1.6
ARROW_WIDTH: Final = 9.0
ARROW_LENGTH: Final = 8.5
SANS: Final = "Inter, 'Segoe UI', Helvetica, Arial, 'Liberation Sans', sans-serif"


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
    "failed": Colours("#B23F00", "#FF8A4C"),
    "reused": Colours("#00669F", "#56B4E9"),
    "not-run": Colours("#5B6675", "#93A0AF"),
    "track": Colours("#CFE1F1", "#24506F"),
}

RECTS: Final[dict[str, RectStyle]] = {
    # In the order in which they are painted.
    "function": RectStyle("function-fill", "function", 1.5),
    "function-reused": RectStyle("function-fill", "reused", 1.5, (5, 3)),
    "function-maybe": RectStyle("function-fill", "function", 1.5, (2, 3)),
    "function-not-run": RectStyle("function-fill", "not-run", 1.5, (5, 3)),
    "function-failed": RectStyle("function-fill", "failed", 2.5),
    "track": RectStyle("track", "track", 0),
    "bar": RectStyle("function", "function", 0),
    "bar-failed": RectStyle("failed", "failed", 0),
    "config": RectStyle("config-fill", "config", 1),
    "input": RectStyle("background", "data", 1.3, (5, 3)),
    "data": RectStyle("data-fill", "data", 1.3),
}

TEXTS: Final[dict[str, TextStyle]] = {
    "title": TextStyle("title", 17, bold=True),
    "subtitle": TextStyle("muted", 11.5),
    "name": TextStyle("function-text", 13, mono=True, bold=True),
    "label": TextStyle("data-text", 12, mono=True),
    "chip": TextStyle("config-text", 10.5, mono=True),
    "caption": TextStyle("muted", 10.5),
    "caption-failed": TextStyle("failed", 10.5),
    "caption-reused": TextStyle("reused", 10.5),
    "caption-not-run": TextStyle("not-run", 10.5),
    "legend": TextStyle("muted", 11),
}


_THEMES: dict[str, Theme] = {"auto": "auto", "light": "light", "dark": "dark"}


def checked_theme(theme: object) -> Theme:
    """The theme, or the error that says which there are.

    Raises:
        ValueError: there is no such theme.
    """
    if isinstance(theme, str) and theme in _THEMES:
        return _THEMES[theme]
    raise ValueError(f"no theme is called {theme!r}\n  there are: 'auto', 'light', 'dark'")
