"""The rules for Python's own containers, as far as no walk through a tree is needed.

A flat container is copied by its own method. Rows (a list of flat dicts, a dict of flat
lists, ...) are copied by one call of C for them all. A container that nobody else sees lets
each part go by its own rule, so that the arrays of ``{"train": x, "test": y}`` move. In all
three cases what nobody else sees is kept itself; whatever is left is a tree.
"""

from __future__ import annotations

from _weakref import getweakrefcount
from collections.abc import Callable, Collection, Iterable
from functools import partial
from itertools import chain
from sys import getrefcount
from typing import Any, TypeAlias

from linepipe_core._values.snapshot import (
    ALONE,
    ATOMIC,
    Rule,
    SharedSnapshot,
    Snapshot,
    is_sole_reference,
)

__all__ = ["container_rules"]

Build: TypeAlias = Callable[[Iterable[Any]], Any]
RuleFor: TypeAlias = Callable[[type], Rule | None]

_BUILTIN = frozenset([list, dict, set, tuple, frozenset, bytearray, memoryview])
_UNCHANGING = frozenset([tuple, frozenset])  # as far as what is in them is
_ROWS = frozenset([dict, list, set])
_MOST_CONTAINERS = 100  # in a container; of more, pickling them at once is faster


def container_rules(rule_for: RuleFor) -> dict[type, Rule]:
    """The rules of Python's own containers.

    Args:
        rule_for: gives the rule for a part of a container.
    """
    return {
        list: partial(_list, rule_for),
        dict: partial(_dict, rule_for),
        set: _set,
        tuple: partial(_tuple, rule_for),
        frozenset: _frozenset,
        bytearray: _bytearray,
        memoryview: _memoryview,
    }


def _list(rule_for: RuleFor, value: list[Any], alone: bool) -> Snapshot | None:
    if _is_unchanging(value):
        return Snapshot(value if alone else value.copy(), list.copy)
    if _are_rows(value):
        copy_row = type(value[0]).copy
        return _kept_rows(value, alone, value, lambda rows: [*map(copy_row, rows)])
    return _kept_parts(rule_for, value, range(len(value)), list, alone)


def _dict(rule_for: RuleFor, value: dict[Any, Any], alone: bool) -> Snapshot | None:
    if not _is_unchanging(value):
        return None
    parts = value.values()
    if _is_unchanging(parts):
        return Snapshot(value if alone else value.copy(), dict.copy)
    if _are_rows(parts):
        copy_row = type(next(iter(parts))).copy

        def copied(rows: dict[Any, Any]) -> dict[Any, Any]:
            return dict(zip(rows, map(copy_row, rows.values()), strict=True))

        return _kept_rows(value, alone, parts, copied)
    keys = tuple(value)

    def rebuilt(made: Iterable[Any]) -> dict[Any, Any]:
        return dict(zip(keys, made, strict=True))

    return _kept_parts(rule_for, value, keys, rebuilt, alone)


def _set(value: set[Any], alone: bool) -> Snapshot | None:
    if not _is_unchanging(value):
        return None
    moves = alone and getweakrefcount(value) == 0
    return Snapshot(value if moves else value.copy(), set.copy)


def _tuple(rule_for: RuleFor, value: tuple[Any, ...], alone: bool) -> Snapshot | None:
    if _is_unchanging(value):
        return SharedSnapshot(value)
    return _kept_parts(rule_for, value, range(len(value)), tuple, alone)


def _frozenset(value: frozenset[Any], _alone: bool) -> Snapshot | None:
    return SharedSnapshot(value) if _is_unchanging(value) else None


def _bytearray(value: bytearray, alone: bool) -> Snapshot:
    return Snapshot(value if alone else value.copy(), bytearray.copy)


def _memoryview(value: memoryview, _alone: bool) -> Snapshot | None:
    if not value.c_contiguous or len(value.format) != 1:
        return None
    return Snapshot(_copied_memory(value), _copied_memory)


def _copied_memory(view: memoryview) -> memoryview:
    private: memoryview = memoryview(bytearray(view)).cast(view.format, view.shape)  # type: ignore[call-overload]  # typeshed lists the formats one by one
    return private.toreadonly() if view.readonly else private


def _is_unchanging(parts: Collection[Any]) -> bool:
    """Return True if none of these ever changes: atomic ones, and tuples of such."""
    while kinds := set(map(type, parts)) - ATOMIC:
        if not kinds <= _UNCHANGING:
            return False
        inner = {id(part): part for part in parts if type(part) in _UNCHANGING}
        parts = list(chain.from_iterable(inner.values()))
    return True


def _are_rows(parts: Collection[Any]) -> bool:
    """Return True for flat containers of one kind, no two of them the same object."""
    kinds = set(map(type, parts))
    if len(kinds) != 1 or not kinds <= _ROWS or len(set(map(id, parts))) < len(parts):
        return False
    within = chain.from_iterable(parts)
    if dict in kinds:
        within = chain(within, chain.from_iterable(map(dict.values, parts)))
    return ATOMIC.issuperset(map(type, within))


def _kept_rows(
    value: Any, alone: bool, rows: Iterable[Any], copied: Callable[[Any], Any]
) -> Snapshot:
    moves = alone and _are_alone(rows, type(value))
    return Snapshot(value if moves else copied(value), copied)


def _are_alone(rows: Iterable[Any], container: type) -> bool:
    """Return True if nobody but their container refers to the rows."""
    if set(map(getrefcount, rows)) != {_ALONE_IN[container]}:
        return False
    # Lists and dicts can't be referred to weakly, and there may be very many.
    return type(next(iter(rows))) is not set or not any(map(getweakrefcount, rows))


def _kept_parts(
    rule_for: RuleFor, value: Any, keys: Iterable[Any], build: Build, alone: bool
) -> Snapshot | None:
    """Each part by its own rule, if nobody else sees the container or any part.

    So no two parts are the same object, and there is no way round in a circle.
    """
    if not alone:
        return None
    parts: list[Any] = []
    n_containers = 0
    for key in keys:
        kind = type(value[key])
        if kind in ATOMIC:
            parts.append(value[key])
            continue
        n_containers += kind in _BUILTIN
        rule = rule_for(kind)
        if rule is None or n_containers > _MOST_CONTAINERS or not is_sole_reference(value, key):
            return None
        held = rule(value[key], True)
        if held is None:
            return None
        parts.append(held)
    return _PartsSnapshot(parts, build)


class _PartsSnapshot(Snapshot):
    """A container whose parts are held one by one."""

    __slots__ = ("_build", "_parts")

    def __init__(self, parts: list[Any], build: Build) -> None:
        self._parts = parts
        self._build = build
        self.value = build([part.value if isinstance(part, Snapshot) else part for part in parts])

    def copy(self) -> Any:
        return self._build([p.copy() if isinstance(p, Snapshot) else p for p in self._parts])

    def move(self) -> Any:
        if getrefcount(self.value) != ALONE:
            return self.copy()
        self.value = None  # it would count as somebody who sees the parts
        return self._build([p.move() if isinstance(p, Snapshot) else p for p in self._parts])


def _counts_of_one() -> dict[type, int]:
    """The count that ``map(getrefcount, ...)`` gives for the only part of a list, of a dict."""
    if ALONE < 0:  # no count to trust
        return {list: -1, dict: -1}
    (in_list,) = map(getrefcount, [object()])
    (in_dict,) = map(getrefcount, {0: object()}.values())
    return {list: in_list, dict: in_dict}


_ALONE_IN = _counts_of_one()
