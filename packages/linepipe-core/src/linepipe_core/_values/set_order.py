"""An order of a set's elements that is the same in every process.

It needn't tell all elements apart: their content is hashed all the same, in that order.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import Any, Final

from linepipe_core._values.adapter import content_of
from linepipe_core._values.classes import (
    cached_names,
    hashed_name,
    is_namedtuple,
    is_plain_object,
    plain_slots,
)
from linepipe_core._values.plain import PLAIN
from linepipe_core._values.reduction import attributes_in_order
from linepipe_core._values.stand_ins import stand_in_of
from linepipe_core._values.standard import standard_content

__all__ = ["in_order"]

_MOST_LEVELS: Final = 4


def in_order(elements: list[Any], place_of: Callable[[Any], str]) -> list[Any]:
    """The elements in order.

    Args:
        elements: those of a set, in whatever order it has.
        place_of: gives the hash of an element that is more than a few plain values.
    """
    keys = map(marshal.dumps, _places(elements, place_of, _MOST_LEVELS), repeat(2))
    return list(map(itemgetter(1), sorted(zip(keys, elements, strict=True), key=itemgetter(0))))


def _places(values: Sequence[Any], place_of: Callable[[Any], str], levels: int) -> Sequence[Any]:
    """For each value some plain values in tuples; of all values of a type at once."""
    kinds = set(map(type, values))
    if kinds <= PLAIN:
        return values
    if len(kinds) > 1:
        return _mixed_places(values, place_of, levels)
    (kind,) = kinds
    columns = _columns(kind, list(values)) if levels else None
    if columns is None:
        return list(map(place_of, values))
    found = [_places(column, place_of, levels - 1) for column in columns]
    return list(zip(*found, repeat(hashed_name(kind), len(values)), strict=True))


def _mixed_places(
    values: Sequence[Any], place_of: Callable[[Any], str], levels: int
) -> Sequence[Any]:
    at: dict[type, list[int]] = {}
    for number, value in enumerate(values):
        at.setdefault(type(value), []).append(number)
    places: list[Any] = [None] * len(values)
    for numbers in at.values():
        found = _places([values[number] for number in numbers], place_of, levels)
        for number, place in zip(numbers, found, strict=True):
            places[number] = place
    return places


def _columns(kind: Any, values: list[Any]) -> Sequence[Sequence[Any]] | None:
    """The parts of objects of one type, part by part; None if it isn't easily told."""
    try:
        return _columns_of_known(kind, values)
    except Exception:  # whatever an attribute raises
        return None


def _columns_of_known(kind: Any, values: list[Any]) -> Sequence[Sequence[Any]] | None:
    if stand_in_of(kind) is not None:
        return None
    standard = standard_content(kind)
    if standard is not None:
        return standard.columns(values)
    if issubclass(kind, Enum):
        return [[str(value._name_) for value in values]]
    if content_of(kind) is not None:
        return None
    if kind is tuple or is_namedtuple(kind):
        return list(zip(*values, strict=True))
    if plain_slots(kind):
        return [list(map(attrgetter(name), values)) for name in plain_slots(kind)]
    if is_plain_object(kind):
        states = attributes_in_order(list(map(vars, values)), cached_names(kind))
        return list(zip(*map(dict.values, states), strict=True))
    return None
