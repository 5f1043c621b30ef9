"""Copies trees of parts: containers that hold changeable things, objects of users' classes.

The choice is made here, once. A tree is pickled once and unpickled for each reader, which is
several times faster than `copy.deepcopy` of each; what `leaves` knows (arrays, frames) stays
out of the pickle and is copied by its own rule. Where pickling wouldn't do what `deepcopy`
does (a class has `__deepcopy__`, or something refuses), the tree is copied part by part:
containers by hand under one memo, objects by `deepcopy`, and an object that refuses passes
by reference. An object is refused whole: half a copy of a connection pool is no pool.
"""

from __future__ import annotations

import copy
import io
import pickle
import sys
from contextlib import nullcontext
from sys import getrefcount
from types import FunctionType, MappingProxyType
from typing import Any, Final

from linepipe_core._values.adapter import copier_of
from linepipe_core._values.garbage import no_collection
from linepipe_core._values.rules import rule_for
from linepipe_core._values.snapshot import ALONE, ATOMIC, SharedSnapshot, Snapshot


def isolate_tree(value: Any) -> tuple[Snapshot, list[Any]]:
    """The snapshot of a tree, and the parts of it that refuse to be copied."""
    try:
        return _pickled(value)
    except Exception:  # whatever a class raises when asked for its state
        pass
    try:
        refused: list[Any] = []
        return Snapshot(by_parts(value, {}, refused), copied_by_parts), refused
    except RecursionError:  # nested deeper than Python goes
        return SharedSnapshot(value), [value]


def _pickled(value: Any) -> tuple[Snapshot, list[Any]]:
    file = io.BytesIO()
    pickler = _Pickler(file, pickle.HIGHEST_PROTOCOL)
    pickler.dump(value)
    return _PickledTree(file.getvalue(), pickler.leaves), pickler.refused


class _PickledTree(Snapshot):
    """A tree that was pickled once.

    It is unpickled at once, for some pickles can't be; that first copy goes to the last
    reader, so there is one load for each reader.
    """

    __slots__ = ("_leaves", "_pickled")

    def __init__(self, pickled: bytes, leaves: list[Snapshot]) -> None:
        self.value = _unpickled(pickled, [leaf.value for leaf in leaves])
        self._pickled = pickled
        self._leaves = leaves

    def copy(self) -> Any:
        return _unpickled(self._pickled, [leaf.copy() for leaf in self._leaves])

    def move(self) -> Any:
        return self.value if getrefcount(self.value) == ALONE else self.copy()


_MUCH: Final = 100_000  # bytes of pickle

# Where a ``__deepcopy__`` copies exactly what a pickle holds.
_LIKE_PICKLE = {"pydantic.main"}


class _UnsoundError(Exception):
    """Pickling this tree wouldn't do what deepcopy does."""


class _Pickler(pickle.Pickler):
    """Pickles a tree, and leaves out what has a rule of its own.

    `reducer_override` is asked of everything but plain builtins, which C handles alone.
    (`persistent_id`, made for this, is asked of every int and str: twice the time.)
    """

    def __init__(self, file: io.BytesIO, protocol: int) -> None:
        super().__init__(file, protocol)
        self.leaves: list[Snapshot] = []
        self.refused: list[Any] = []

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is FunctionType:
            return NotImplemented if obj is _leaf else self._by_reference(obj)
        if kind is MappingProxyType:
            return MappingProxyType, (obj.copy(),)
        rule = rule_for(kind)
        held = None if rule is None else rule(obj, False)
        if held is not None:
            return self._left_out(held)
        deepcopy = getattr(kind, "__deepcopy__", None)
        if (
            deepcopy is not None
            and rule is None
            and getattr(deepcopy, "__module__", None) not in _LIKE_PICKLE
        ):
            raise _UnsoundError
        return NotImplemented

    def _by_reference(self, function: FunctionType) -> Any:
        if not _is_importable(function):
            self.refused.append(function)
        return self._left_out(SharedSnapshot(function))

    def _left_out(self, held: Snapshot) -> Any:
        self.leaves.append(held)
        return _leaf, (len(self.leaves) - 1,)


def _leaf(index: int) -> Any:
    """Stands in the pickle for what was left out of it; `_Unpickler` puts its own here."""
    raise NotImplementedError


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, leaves: list[Any]) -> None:
        super().__init__(file)
        self._leaves = leaves

    def find_class(self, module: str, name: str) -> Any:
        if name == _leaf.__name__ and module == __name__:
            return self._leaves.__getitem__
        return super().find_class(module, name)


def _unpickled(data: bytes, leaves: list[Any]) -> Any:
    # The collector would take two thirds of the time. Level by level in bulk, as they are hashed,
    # copying takes as long, for the same reason.
    with no_collection() if len(data) > _MUCH else nullcontext():
        return _Unpickler(io.BytesIO(data), leaves).load() if leaves else pickle.loads(data)


def copied_by_parts(value: Any) -> Any:
    """A copy of a tree without pickling, refused parts by reference."""
    return by_parts(value, {}, [])


def by_parts(value: Any, memo: dict[int, Any], refused: list[Any]) -> Any:
    """A copy of a tree, part by part; ``memo`` is `deepcopy`'s own: id -> copy."""
    kind = type(value)
    if kind in ATOMIC:
        return value
    known = memo.get(id(value), memo)
    if known is not memo:
        return known
    by_kind = _CONTAINERS.get(kind)
    made = _part(value, memo, refused) if by_kind is None else by_kind(value, memo, refused)
    memo[id(value)] = made
    return made


def _part(value: Any, memo: dict[int, Any], refused: list[Any]) -> Any:
    if type(value) is FunctionType:
        if not _is_importable(value):
            refused.append(value)
        return value
    rule = rule_for(type(value))
    held = None if rule is None else rule(value, False)
    if held is not None:
        return held.value
    copier = copier_of(type(value))
    if copier is not None:
        return copier(value, memo, refused)
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # whatever a class raises when asked for a copy
        refused.append(value)
        return value


def _list(value: list[Any], memo: dict[int, Any], refused: list[Any]) -> list[Any]:
    made: list[Any] = []
    memo[id(value)] = made
    made.extend([by_parts(part, memo, refused) for part in value])
    return made


def _dict(value: dict[Any, Any], memo: dict[int, Any], refused: list[Any]) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    memo[id(value)] = made
    for key, part in value.items():
        made[by_parts(key, memo, refused)] = by_parts(part, memo, refused)
    return made


def _tuple(value: tuple[Any, ...], memo: dict[int, Any], refused: list[Any]) -> tuple[Any, ...]:
    parts = tuple([by_parts(part, memo, refused) for part in value])
    if id(value) in memo:  # a list in it holds it
        return memo[id(value)]  # type: ignore[no-any-return]  # it was made above
    same = all(part is made for part, made in zip(value, parts, strict=True))
    return value if same else parts


def _set(value: Any, memo: dict[int, Any], refused: list[Any]) -> Any:
    return type(value)([by_parts(part, memo, refused) for part in value])


def _proxy(value: Any, memo: dict[int, Any], refused: list[Any]) -> Any:
    return MappingProxyType(_dict(value, memo, refused))


# How to copy by parts what has parts.
_CONTAINERS: Final[dict[type, Any]] = {
    dict: _dict,
    frozenset: _set,
    list: _list,
    MappingProxyType: _proxy,
    set: _set,
    tuple: _tuple,
}


def _is_importable(function: FunctionType) -> bool:
    """Return True if a function is one of a module's own: everybody gets the same anyway."""
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is function
