"""Judges if a class, or a value, can be what an annotation asks for.

Apart from `check`, which walks through a declaration. Both answers err on the side of "it may":
a lint that is wrong once is switched off.
"""

from __future__ import annotations

import typing
from abc import ABCMeta
from collections.abc import Mapping, Sequence, Set
from os import PathLike
from types import UnionType
from typing import Any, Final

from linepipe_core._values.adapter import ADAPTERS, top_module

__all__ = ["class_may_fit", "shown_annotation", "value_may_fit"]

_FITS_TOO: Final[dict[type, tuple[type, ...]]] = {
    float: (int,),
    complex: (int, float),
    bytes: (bytearray,),
}
# For each class the kinds of values that serve in its place, though they aren't of it: a list of
# a TOML file where a tuple is asked for, a path for the text of one, settings for a dict.
_SERVES: Final[dict[type, tuple[type, ...]]] = {
    str: (PathLike,),
    bytes: (bytearray, memoryview),
    dict: (Mapping,),
    list: (Sequence, Set),
    tuple: (Sequence,),
    set: (Set, Sequence),
    frozenset: (Set, Sequence),
}
_TEXTS: Final = (str, bytes, bytearray)
_CONTAINERS: Final = (list, tuple, set, frozenset, dict)
_ARRAYS: Final = frozenset({"Index", "Series", "ndarray"})


def class_may_fit(given: type, wanted: type) -> bool:
    """Return False only if no value of the one class is one of the other."""
    if not {object, Any}.isdisjoint((given, wanted)):  # Any is a class, too
        return True
    if any(getattr(k, "_is_protocol", False) or k.__module__ == "typing" for k in (given, wanted)):
        return True  # it says what an object does, as TextIO, not of which class it is
    try:
        if issubclass(given, (wanted, *_FITS_TOO.get(wanted, ()))) or issubclass(wanted, given):
            return True
    except TypeError:  # a TypedDict, or another class that only looks like one
        return True
    # A class may be both of two unrelated interfaces.
    return isinstance(given, ABCMeta) and isinstance(wanted, ABCMeta)


def value_may_fit(value: Any, wanted: Any) -> bool:
    """Return False only if a value is plainly not what the annotation asks for.

    Plain are classes without abstract methods, the builtin containers with or without their
    items' types, which aren't looked at, and unions of these.
    """
    origin = typing.get_origin(wanted)
    if origin is typing.Union or origin is UnionType:
        return any(value_may_fit(value, each) for each in typing.get_args(wanted))
    if origin in _CONTAINERS:
        wanted = origin
    if wanted is None:
        wanted = type(None)
    if not isinstance(wanted, type) or getattr(wanted, "__abstractmethods__", None):
        return True
    given = type(value)
    try:
        if isinstance(value, wanted) or class_may_fit(given, wanted):
            return True
    except Exception:  # a class may refuse the question
        return True
    return _is_told_otherwise(given) or _serves(value, wanted)


def shown_annotation(wanted: Any) -> str:
    """How a message names an annotation: classes by their names."""
    if isinstance(wanted, type) and typing.get_origin(wanted) is None:
        return wanted.__qualname__
    return str(wanted).replace("typing.", "")


def _is_told_otherwise(given: type) -> bool:
    """Return True for classes whose objects answer as those of others do: proxies, mocks."""
    return top_module(given) not in ADAPTERS and hasattr(given, "__getattr__")


def _serves(value: Any, wanted: type) -> bool:
    """Return True if a value serves in place of one of a class that it isn't of."""
    from pathlib import PurePath  # only here, and a tenth of the start

    if isinstance(value, _TEXTS) and wanted is not bytes:  # a text is a sequence, too
        return False
    if isinstance(value, _SERVES.get(wanted, ())):
        return True
    if issubclass(wanted, PurePath):
        return isinstance(value, PathLike)
    if wanted in (bool, float, complex):
        return hasattr(value, "__index__") or hasattr(value, "__float__")
    if wanted is int:
        return hasattr(value, "__index__") or (
            type(value) is not float and hasattr(value, "__int__")
        )
    if type(value) in (int, float) and hasattr(wanted, "__float__"):  # Decimal, Fraction
        return True
    if wanted.__name__ in _ARRAYS:  # libraries take much for an array
        return isinstance(value, (Sequence, Set)) or hasattr(value, "__array__")
    return hasattr(value, "__array_interface__")  # a number of numpy's, or an array
