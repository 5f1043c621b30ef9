"""Plain values: their bytes are their content, whichever equal ones are one object.

Apart from the walk through values, because a million of them are hashed in a few calls.
"""

from __future__ import annotations

import io
import marshal
import pickle
from collections.abc import Iterable
from itertools import chain, compress, islice, repeat
from operator import not_
from typing import Any, Final

__all__ = ["PLAIN", "encoded_set", "pickled", "small_content"]

PLAIN: Final = frozenset({bool, int, float, complex, str, bytes, type(None), type(...)})
_TUPLE: Final = frozenset({tuple})
_SMALL: Final = frozenset({*PLAIN, list, tuple, dict})
_MOST_OF_SMALL: Final = 100  # values
_MOST_LEVELS: Final = 8
_AT_A_TIME: Final = 512  # elements that stay in the processor's cache from one pass to the next
_MARSHAL_VERSION: Final = 2  # without references, which tell equal objects apart


def pickled(values: list[Any]) -> memoryview:
    """The bytes of a list of plain values, or of tuples of such: no recursion, no memo."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream, 5)
    pickler.fast = True
    pickler.dump(values)
    return stream.getbuffer()


def small_content(value: Any) -> bytes | None:
    """The bytes of a plain value, or of a small list, tuple or dict of such; None for any other.

    Most constants and globals are so: one call writes them, where a walk takes ten.
    """
    level, mutable, n_values = [value], list[int](), 1
    for _ in range(_MOST_LEVELS):
        kinds = set(map(type, level))
        if kinds <= PLAIN:
            # An object that lies in two places is content.
            is_shared = len(set(mutable)) < len(mutable)
            return None if is_shared else marshal.dumps(value, _MARSHAL_VERSION)
        if not kinds <= _SMALL:
            return None
        below: list[Any] = []
        for each in level:
            kind = type(each)
            if kind in PLAIN:
                continue
            n_values += len(each)
            if n_values > _MOST_OF_SMALL:
                return None
            below += each
            if kind is dict:
                below += each.values()
            if kind is not tuple:
                mutable.append(id(each))
        level = below
    return None


def encoded_set(elements: Iterable[Any]) -> tuple[bytes, list[Any]]:
    """The plain elements of a set, and its tuples of such, as bytes; and the elements left over.

    Each is written with its type, so that they can be sorted and told apart whatever they are.
    """
    codes: list[bytes] = []
    others: list[Any] = []
    waiting = iter(elements)
    while part := list(islice(waiting, _AT_A_TIME)):
        if not _are_plain(part):
            are_plain = [_is_plain(each) for each in part]
            others += compress(part, map(not_, are_plain))
            part = list(compress(part, are_plain))
        codes += map(marshal.dumps, part, repeat(_MARSHAL_VERSION))
    codes.sort()
    return b"".join(codes), others


def _are_plain(values: list[Any]) -> bool:
    """Return True if all are plain, or all are tuples of plain values."""
    kinds = set(map(type, values))
    if kinds == _TUPLE:
        return PLAIN.issuperset(map(type, chain.from_iterable(values)))
    return kinds <= PLAIN


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return kind in PLAIN or (kind is tuple and PLAIN.issuperset(map(type, value)))
