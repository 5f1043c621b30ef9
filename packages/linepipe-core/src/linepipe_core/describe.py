"""How a value is told of in one short line: its type, its shape, or a short repr.

One rule for errors, tables and logs, so that no message ever holds a whole table or a whole
secret. Nothing is imported to find out what a value is.
"""

from __future__ import annotations

from linepipe_core.config import is_config_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Final

__all__ = ["describe", "describe_input", "drawn", "table"]

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


def describe_input(name: str, value: Any) -> str:
    """Like ``describe``, but of a config value that is no scalar or text only its type."""
    if is_config_reference(name) and not isinstance(value, (*_SCALARS, str, bytes)):
        return type(value).__name__
    return describe(value)


def drawn(how: str, thing: object) -> str | None:
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
