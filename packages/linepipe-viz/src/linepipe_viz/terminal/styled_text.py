"""Lines of styled text, cut and padded to exact widths.

rich's tables and panels do this too, at half a millisecond a row: more than many a node
takes, and Progress shows each of them. rich still does what it alone does well: it knows the
terminal and turns styles into what it understands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from rich.color import ColorSystem
from rich.console import Console, ConsoleOptions
from rich.segment import Segment

from linepipe_viz.text import cell_width, prefix_of_width, printable, to_ascii

Span = tuple[str, str]  # words, and the style that rich knows by that name
Line = list[Span]

__all__ = ["Charset", "StyledLines", "fit_line", "line_width", "to_ansi", "to_plain"]

FRAME = "bright_black"


@dataclass(frozen=True, slots=True)
class Charset:
    """The characters that an output can encode: all of them, or ASCII."""

    ascii_only: bool

    def words(self, text: str) -> str:
        """The text, printable, in what can be encoded."""
        shown = printable(text)
        return to_ascii(shown) if self.ascii_only else shown

    def sign(self, sign: str, letter: str) -> str:
        """The one or the other."""
        return letter if self.ascii_only else sign

    def framed(self, lines: Iterable[Line], width: int, title: str, foot: str) -> list[Line]:
        """The lines in a box of that width, with words in its upper and lower border."""
        inner = max(width - 4, 1)
        side = self.sign("│", "|")
        left, right = (f"{side} ", FRAME), (f" {side}", FRAME)
        return [
            self._border("╭", "╮", title, "bold", width),
            *([left, *fit_line(line, inner, self), right] for line in lines),
            self._border("╰", "╯", foot, "dim", width, at_end=True),
        ]

    def _border(
        self, left: str, right: str, words: str, style: str, width: int, *, at_end: bool = False
    ) -> Line:
        left, right = self.sign(left, "+"), self.sign(right, "+")
        dash = self.sign("─", "-")
        room = max(width - 6, 0)
        shown = self.cut(self.words(words), room)
        if not shown:
            return [(left + dash * max(width - 2, 0) + right, FRAME)]
        rest = dash * (room - cell_width(shown))
        before, after = (rest, "") if at_end else ("", rest)
        return [
            (f"{left}{dash}{before} ", FRAME),
            (shown, f"{style} {FRAME}"),
            (f" {after}{dash}{right}", FRAME),
        ]

    def cut(self, text: str, width: int) -> str:
        """The text, with a sign for what was cut off its end."""
        if cell_width(text) <= width:
            return text
        return prefix_of_width(text, width - 1) + self.sign("…", "~") if width > 0 else ""


def line_width(line: Sequence[Span]) -> int:
    """Width of a line in cells."""
    total = 0
    for words, _ in line:  # a thousand rows at the end of a run: each call would cost
        total += len(words) if words.isascii() else cell_width(words)
    return total


def fit_line(line: Sequence[Span], width: int, charset: Charset, *, right: bool = False) -> Line:
    """The line at exactly that width: cut, or filled with blanks."""
    fitted, used = line, line_width(line)
    if used > width:
        fitted = _shortened(line, width, charset)
        used = line_width(fitted)
    if used == width:
        return list(fitted)
    blanks = (" " * (width - used), "")
    return [blanks, *fitted] if right else [*fitted, blanks]


def _shortened(line: Sequence[Span], width: int, charset: Charset) -> Line:
    """As much of the line as there is room for, and a sign that there was more."""
    fitted: Line = []
    room = width - 1
    for words, style in line:
        shown = prefix_of_width(words, room)
        fitted.append((shown, style))
        room -= cell_width(shown)
        if shown != words:
            break
    return [*fitted, (charset.sign("…", "~"), fitted[-1][1])] if width > 0 else []


@dataclass(frozen=True, slots=True)
class StyledLines:
    """Lines that rich can print."""

    lines: Sequence[Line]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for line in self.lines:
            for style, spans in groupby(line, key=itemgetter(1)):
                words = "".join(words for words, _ in spans)
                yield Segment(words, console.get_style(style) if style else None)
            yield Segment.line()


def to_plain(lines: Iterable[Line]) -> list[str]:
    """The lines without their styles."""
    return ["".join(words for words, _ in line) for line in lines]


def to_ansi(lines: Iterable[Line], console: Console) -> list[str]:
    """The lines as the console would write them.

    ``console.print`` takes ten times as long; and interrupted in it, a console keeps all that
    it is given from then on to itself.
    """
    signs: dict[str, tuple[str, str]] = {"": ("", "")}
    lines_ansi = []
    for line in lines:
        parts = []
        style, after = "", ""
        for words, its_style in line:
            if its_style != style:
                style = its_style
                if style not in signs:
                    signs[style] = _signs_around(style, console)
                parts.append(after)
                before, after = signs[style]
                parts.append(before)
            parts.append(words)
        parts.append(after)
        lines_ansi.append("".join(parts))
    return lines_ansi


def _signs_around(name: str, console: Console) -> tuple[str, str]:
    """The escape sequences that turn a style on and off."""
    style = console.get_style(name)
    if console.no_color:
        style = style.without_color
    system = _COLOUR_SYSTEMS.get(console.color_system or "")
    before, _, after = style.render("x", color_system=system).partition("x")
    return before, after


_COLOUR_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}
