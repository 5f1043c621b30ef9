"""How a value is told of in one short line: its type, its shape, or a short repr.

One rule for errors, tables and logs, so that no message ever holds a whole table or a whole
secret. Nothing is imported to find out what a value is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final

__all__ = [
    "describe",
    "did_you_mean",
    "listed",
    "message_of",
    "rendered",
    "shortened",
    "table",
]

_LONGEST: Final = 40
_SCALARS: Final = (bool, int, float, complex, type(None))


def describe(value: Any) -> str:
    """The type of a value with its shape or length; short scalars in full.

    Of texts and bytes only the length is told: any of them may be a password.

    Example:
        >>> describe([1, 2, 3]), describe(2.5), describe("hunter2")
        ('list of 3', 'float 2.5', 'str of 7')
    """
    kind = type(value).__name__
    if isinstance(value, _SCALARS):
        text = _shown(value)
        if len(text) <= _LONGEST:
            return text if value is None else f"{kind} {text}"
    shape = _attribute(value, "shape")
    if isinstance(shape, tuple) and all(isinstance(n, int) for n in shape):
        return f"{kind} {shape}"
    try:
        return f"{kind} of {len(value)}"
    except Exception:  # whatever a user's __len__ raises, a description must not
        return kind


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


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as text in columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(lines)


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # of a number's subclass; an int of millions of digits has none either
        return "(no repr)"


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # a property of the user's own may raise anything
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


def message_of(error: BaseException) -> str:
    """The error's message, whatever its class does when it is asked for one."""
    try:
        return str(error)
    except Exception:  # whatever a user's __str__ raises, the report must come out
        return "(its message can't be shown)"


def shortened(names: Iterable[str], limit: int = 12) -> str:
    """The names, comma-separated, and how many more there are past ``limit``."""
    names = list(names)
    shown = ", ".join(names[:limit]) or "(none)"
    more = len(names) - limit
    return f"{shown}, ... ({more} more)" if more > 0 else shown


def did_you_mean(name: object, choices: Iterable[str], prefix: str = "") -> str:
    """A line with the nearest choice after the prefix, or nothing when none is near."""
    if not isinstance(name, str):  # a place, say, where a name is wanted
        return ""
    near = get_close_matches(name, list(choices), n=1)
    return f"\n  did you mean {prefix + near[0]!r}?" if near else ""
