"""How names and figures are worded, so that every picture and view says them alike."""

from __future__ import annotations

__all__ = ["printable"]


def printable(name: str) -> str:
    """The name with what would break a line (newlines, control signs) written as escapes.

    Example:
        >>> printable("a\\nb")
        'a\\\\nb'
    """
    if name.isprintable():
        return name
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name
    )
