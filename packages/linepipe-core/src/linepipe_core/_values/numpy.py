"""numpy arrays and scalars.

An array moves while nobody else sees it, and is copied otherwise.
"""

from __future__ import annotations

from _weakref import getweakrefcount
from typing import Any

from linepipe_core._values.rules import ATOMIC, Rule
from linepipe_core._values.snapshot import Snapshot, as_is

__all__ = ["rule_of"]


def rule_of(numpy: Any, kind: type) -> Rule | None:
    if kind is numpy.ndarray or kind in (numpy.matrix, numpy.recarray):
        return _array
    if kind is numpy.memmap:
        return _memmap
    if issubclass(kind, numpy.dtype | numpy.ufunc):
        return as_is
    if issubclass(kind, numpy.generic) and not issubclass(kind, numpy.void | numpy.object_):
        return as_is
    return None


def _array(array: Any, alone: bool) -> Snapshot | None:
    if array.dtype.hasobject and not _is_flat(array):
        return None
    owned = array.base is None and array.flags.owndata
    if not (alone and owned and getweakrefcount(array) == 0):
        array = array.copy(order="K")
    elif not array.flags.writeable:
        array.flags.writeable = True  # a reader may change what it gets
    return Snapshot(array, _copied_array)


def _copied_array(array: Any) -> Any:
    return array.copy(order="K")


def _is_flat(array: Any) -> bool:
    """Whether an array of objects holds nothing that may change."""
    return array.dtype == object and ATOMIC.issuperset(map(type, array.flat))


def _memmap(array: Any, alone: bool) -> Snapshot | None:
    # Who maps a file read-only does so because it may be larger than the memory.
    return as_is(array, alone) if array.mode == "r" else _array(array, alone)
