"""How names, errors and other texts from outside appear in messages, tables and logs.

One rule for all of them, so that no message holds a terminal's control sequence or five
megabytes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

__all__ = [
    "bounded",
    "did_you_mean",
    "escaped",
    "first_line",
    "fits",
    "listed",
    "message_of",
    "quoted",
    "rendered",
    "shortened",
    "table",
    "type_name",
    "with_article",
]

_LONGEST: Final = 40
_LONGEST_CELL: Final = 200  # characters
_LONGEST_LINE: Final = 300  # characters
_MOST_LINES: Final = 20


def type_name(value: object) -> str:
    """The name of a value's type, safe to show."""
    return bounded(type(value).__name__, _LONGEST)


def with_article(name: str) -> str:
    """A type's name after "a" or "an".

    Example:
        >>> with_article("int"), with_article("str")
        ('an int', 'a str')
    """
    is_vowel = name[:1].lower() in "aeio" or name == "ndarray"  # "a UUID" is a UUID
    return f"{'an' if is_vowel else 'a'} {name}"


# --- texts from outside ---------------------------------------------------------------------------


def escaped(text: str) -> str:
    """The text with line breaks and all else that isn't printable as escapes.

    Example:
        >>> print(escaped("a\\nb"))
        a\\nb
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def bounded(text: str, longest: int = _LONGEST_CELL) -> str:
    """The text on one line, escaped, and cut where it is longer."""
    text = escaped(text[: longest + 1])
    return text if len(text) <= longest else text[: longest - 3] + "..."


def message_of(error: BaseException) -> str:
    """The error's message, whatever its class does when it is asked for one."""
    try:
        return "" + str(error)
    except Exception:  # whatever a user's __str__ raises, the report must come out
        return "(its message can't be shown)"


def first_line(error: BaseException, longest: int = _LONGEST_CELL) -> str:
    """An error's type and the first line of its message, for a log or a table."""
    message = message_of(error).strip().partition("\n")[0]
    return bounded(f"{type_name(error)}: {message}" if message else type_name(error), longest)


def quoted(text: str, indent: str) -> str:
    """A text of several lines: each escaped, cut and indented but for the first."""
    # By "\n" alone: what else ends a line somewhere is escaped.
    lines = text[: _LONGEST_LINE * _MOST_LINES * 2].expandtabs(4).split("\n", _MOST_LINES)
    shown = [bounded(line.rstrip("\r"), _LONGEST_LINE) for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"... ({text.count(chr(10)) + 1 - _MOST_LINES} more lines)")
    return f"\n{indent}".join(shown).replace(f"\n{indent}\n", "\n\n").rstrip()


def fits(text: str) -> str:
    """The text with whatever standard output can't encode as escapes, as on cp1252."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeError, LookupError):
        return text.encode("ascii", "backslashreplace").decode("ascii")
    return text


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as text in columns, two spaces apart; each cell on one line and bounded."""
    shown = [tuple(map(bounded, row)) for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )


# --- messages -------------------------------------------------------------------------------------


def rendered(how: str, thing: object) -> str | None:
    """A notebook representation of an object, from a distribution that provides one.

    The core depends on no picture: a notebook that gets None shows the object's text instead.

    Args:
        how: the representation, such as ``"pipeline_html"``.
        thing: the object.

    Returns:
        The text, or None if no entry point in the group ``linepipe.drawing`` has a function
        of that name.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group="linepipe.drawing"):
        render = getattr(entry.load(), how, None)
        if render is not None:
            text: str = render(thing)
            return text
    return None


def listed(what: str, problems: Sequence[str]) -> str:
    """One message of all the problems of one kind, under a line that says what is wrong.

    Without ``what``, a single problem speaks for itself.
    """
    if len(problems) == 1:
        return f"{what}: {problems[0]}" if what else problems[0]
    lines = "".join("\n  - " + problem.replace("\n", "\n    ") for problem in problems)
    return (
        f"{what}: {len(problems)} problems{lines}" if what else f"{len(problems)} problems{lines}"
    )


def shortened(names: Iterable[str], limit: int = 12) -> str:
    """The names, comma-separated and escaped, and how many more there are past ``limit``."""
    names = list(names)
    shown = ", ".join(map(bounded, names[:limit])) or "(none)"
    more = len(names) - limit
    return f"{shown}, ... ({more} more)" if more > 0 else shown


def did_you_mean(name: object, choices: Iterable[str], prefix: str = "") -> str:
    """A line with the nearest choice after the prefix, or nothing when none is near."""
    if not isinstance(name, str):  # a place, say, where a name is wanted
        return ""
    # only errors need them, and they load in 3 ms
    from difflib import get_close_matches
    from unicodedata import normalize

    choices = list(choices)
    for choice in choices:
        if choice != name and normalize("NFC", choice) == normalize("NFC", name):
            return (
                f"\n  {prefix + choice!r} looks the same and is written with other characters "
                "(NFC, NFD): copy the name from there"
            )
    alike = [choice for choice in choices if choice.casefold() == name.casefold()]
    near = alike or get_close_matches(name, choices, n=1)
    return f"\n  did you mean {prefix + near[0]!r}?" if near else ""
