"""How a value is described in a message, a table or a record: its type, shape and length.

Nothing is computed for it: a lazy or foreign object shows its type only.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from linepipe_core._text import type_name
from linepipe_core._values.adapter import ADAPTERS, top_module

__all__ = ["LONGEST", "NUMBERS", "describe"]

LONGEST: Final = 40  # characters of a value that is shown in full
# Their own way to show a number computes nothing, whatever a subclass makes of it.
NUMBERS: Final = (bool, int, float, complex)
_SIZED: Final = (list, tuple, dict, set, frozenset, str, bytes, bytearray, range, deque)


def describe(value: Any) -> str:
    """The type of a value with its shape or length; short numbers in full.

    Of texts and bytes only the length is shown: any of them may be a password.

    Example:
        >>> describe([1, 2, 3]), describe(2.5), describe("hunter2")
        ('list of 3', 'float 2.5', 'str of 7')
    """
    if value is None:
        return "None"
    kind = type(value)
    name = type_name(value)
    number = next((each for each in NUMBERS if each in kind.__mro__), None)
    if number is not None:
        text = _number_text(number, value)
        return f"{name} {text}" if len(text) <= LONGEST else name
    sized = next((each for each in _SIZED if each in kind.__mro__), None)
    if sized is not None:
        return f"{name} of {sized.__len__(value)}"
    # Of a library that linepipe knows; in Spark's pandas, say, asking may start a computation.
    shape = _shape(value) if top_module(kind) in ADAPTERS else None
    return name if shape is None else f"{name} {shape}"


def _number_text(kind: type, value: Any) -> str:
    if kind is int and int.bit_length(value) > 1000:  # Python refuses to show the longest
        return "0" * 302
    shown: str = kind.__repr__(value)  # type: ignore[call-arg]  # its own, unbound
    return shown


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        shape = tuple(value.shape)
    except Exception:  # a LazyFrame has none
        return None
    return shape if all(type(n) is int for n in shape) else None
