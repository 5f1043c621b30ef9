"""The beginning of state: the values that parts had before runs of this process changed them.

What a node itself changes while it runs can't make it stale; an edit to what that begins as
does. So records keep state as it began, and what that was is remembered here for the process.
An object is known by a weak reference to it. A dict or a list has none: it is kept as long as
its node's function is there, or until its name gets another.
"""

from __future__ import annotations

import os
import weakref
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import partial
from threading import Lock
from types import FunctionType
from typing import Any, Final, NamedTuple, TypeAlias

from linepipe_core._code.dependencies import Reader, Value, ValueFingerprint
from linepipe_core._code.made import is_made, note_made
from linepipe_core._code.members import attributes_held, expanded
from linepipe_core._code.parts import Part, PartKey
from linepipe_core._values.adapter import is_random

__all__ = ["ANEW", "State", "begins_anew", "is_noted"]

_FIXED: Final = frozenset({bool, int, float, complex, str, bytes, type(None), tuple, frozenset})
_NUMBERS: Final = frozenset({bool, int, float, complex})
ANEW: Final = Part("")
"""The stand-in for a value that differs in each process anyway."""


class _Noted(NamedTuple):
    """A part as a run has seen it before and after."""

    began: Part | None  # None: it wasn't there
    left: str  # its hash when the last run was over


# A weak reference, and, where that is to somebody else, the object itself.
_KnownBy: TypeAlias = "tuple[Callable[[], Any], Any]"
# Where a value lies -> what lies there, and suffix -> part.
_NOTED: dict[Hashable, tuple[_KnownBy, dict[str, _Noted]]] = {}
# Where a value lies -> how many nodes run now that may change it.
_OPEN: Counter[Hashable] = Counter()
_lock: Final = Lock()  # of that count
if hasattr(os, "register_at_fork"):  # a forked child would wait for a thread that it hasn't
    os.register_at_fork(after_in_child=_lock._at_fork_reinit)  # type: ignore[attr-defined]  # as CPython's own


class State:
    """The values that one node's code depends on, before and after it runs.

    Args:
        values: key -> the value. Its parts have labels that start with the key.
        assigned: the keys of those that the code assigns anew. Nobody looks at them after a
            run, for they may be large by then.
        parts: label -> what its value was when the run started.
        code: the functions, classes and modules that the node reaches.
        node: the node's function.
    """

    def __init__(
        self,
        values: Mapping[PartKey, Value],
        assigned: Collection[PartKey],
        parts: Mapping[PartKey, Part],
        code: Iterable[Any],
        node: Any,
    ) -> None:
        self._node = node
        self._values = dict(values)
        self._assigned = assigned
        self._parts = parts
        self._code = tuple(code)
        self._before: dict[PartKey, tuple[Hashable, dict[str, str], dict[str, _Noted]]] = {}
        self._held: dict[PartKey, dict[int, Any]] = {}
        self._opened: list[Hashable] | None = None

    def began(self, labels: Iterable[PartKey]) -> dict[PartKey, Part]:
        """Those of the parts that were there before runs of this process changed them."""
        found = {label: self._began(label) for label in labels}
        return {label: part for label, part in found.items() if part is not None}

    def comparable(self, labels: Iterable[PartKey]) -> list[PartKey]:
        """Those of the parts that may begin the same in another process, sorted."""
        return sorted(label for label in labels if self._began(label) != ANEW)

    def _began(self, label: PartKey) -> Part | None:
        key = label
        while key not in self._values and "." in key.name:
            key = key._replace(name=key.name.rpartition(".")[0])
        suffix = label.name[len(key.name) :]
        noted: Mapping[str, _Noted] = {}
        if key in self._values:
            value = self._values[key]
            bound = value.fetch()
            if key not in self._assigned and is_made(value.home, bound):
                return None
            noted = self._found(key, bound)[1]
        return noted[suffix].began if suffix in noted else self._parts.get(label)

    def begin(self) -> None:
        """The node runs now."""
        reader = self._reader()
        opened: list[Hashable] = []
        for key, value in self._values.items():
            bound = value.fetch()
            before = self._hashes(reader, key, bound)
            place, known = self._found(key, bound)
            noted = dict(known)
            for suffix, digest in before.items():
                is_left = suffix in noted and noted[suffix].left == digest
                # Otherwise somebody else changed it, if no node runs now that may have.
                if suffix not in noted or not (is_left or _OPEN[place]):
                    noted[suffix] = _Noted(self._parts.get(_below(key, suffix)), digest)
            self._before[key] = place, before, noted
            is_assigned = key in self._assigned  # only its id: it may be large
            self._held[key] = {id(bound): 0} if is_assigned else self._things(reader, key, bound)
            _NOTED[place] = self._known_by(key, bound, place), noted
            opened.append(place)
        self._opened = opened
        with _lock:
            _OPEN.update(opened)

    def end(self) -> list[PartKey]:
        """The node has run. Gives the labels of what changed meanwhile: that is state."""
        opened, self._opened = self._opened, None
        if opened is None:  # it never began
            return []
        try:
            return self._changed()
        finally:
            with _lock:
                _OPEN.subtract(opened)
                for place in opened:
                    if not _OPEN[place]:
                        del _OPEN[place]

    def _changed(self) -> list[PartKey]:
        reader = self._reader()
        changed: list[PartKey] = []
        for key, value in self._values.items():
            bound = value.fetch()
            place, before, noted = self._before.get(key, (value.home, {}, {}))
            after = self._hashes(reader, key, bound)
            changed += (
                _below(key, each)
                for each in {**before, **after}
                if before.get(each) != after.get(each)
            )
            left = {
                suffix: _Noted(noted[suffix].began if suffix in noted else None, digest)
                for suffix, digest in after.items()
            }
            if place != self._place(key, bound):  # another object took its place
                place = value.home
            _NOTED[place] = self._known_by(key, bound, place), {**noted, **left}
            known = self._held.pop(key, {})
            things = self._things(reader, key, bound)
            note_made(value.home, [things[each] for each in things.keys() - known.keys()])
            if key not in self._before:  # an attribute that wasn't there
                note_made(value.home, [bound])
        return changed

    def _reader(self) -> Reader:
        reader = Reader()
        for found in self._code:
            if not isinstance(found, (FunctionType, type)):
                reader.reached(found)  # a module loaded meanwhile is what was read of it
            for value in attributes_held(found):  # there may be more of them now
                self._values.setdefault(value.key, value)
        return reader

    def _things(self, reader: Reader, key: PartKey, bound: Any) -> dict[int, Any]:
        """By id, the code that lies in a value; what is assigned anew, for all that does."""
        if key in self._assigned:
            return {id(bound): bound}
        parts = expanded(key, bound)
        return {id(each): each for _, held in parts for each in reader.value(held).code}

    def _hashes(self, reader: Reader, key: PartKey, bound: Any) -> dict[str, str]:
        if key in self._assigned:
            return {"": ""}
        return {
            label.name[len(key.name) :]: reader.value(v).digest for label, v in expanded(key, bound)
        }

    def _place(self, key: PartKey, bound: Any) -> Hashable:
        """An object by itself, whatever its names; what can't change by its name."""
        is_name = key in self._assigned or type(bound) in _FIXED
        return self._values[key].home if is_name else id(bound)

    def _known_by(self, key: PartKey, bound: Any, place: Hashable) -> _KnownBy:
        holder = self._values[key].holder
        is_name = place == self._place(key, bound) != id(bound)
        forget = partial(_NOTED.pop, place)
        if is_name and holder is not None:
            return weakref.ref(holder, forget), None
        try:
            return weakref.ref(bound, forget), None
        except TypeError:  # a dict, a list
            pass
        try:
            return weakref.ref(self._node, forget), bound
        except TypeError:  # a callable with slots: then what is there counts as it is
            return lambda: None, None

    def _found(self, key: PartKey, bound: Any) -> tuple[Hashable, Mapping[str, _Noted]]:
        """Where the value that lies there is noted, and what is."""
        first = self._place(key, bound)
        for place in (first, self._values[key].home):
            known = _NOTED.get(place)
            is_name = place == first != id(bound)
            if known is not None and (is_name or _is(bound, known[0])):
                return place, known[1]
        return first, {}


def _below(key: PartKey, suffix: str) -> PartKey:
    return key._replace(name=key.name + suffix)


def is_noted(value: Value) -> bool:
    """Return True if a run of this process has begun that assigns the value anew."""
    return value.home in _NOTED


def begins_anew(value: Any, hashed: ValueFingerprint) -> bool:
    """Return True if a value that changes while nodes run may begin as another in each process.

    So does what can't be hashed, what is random, and a number or a time: a count of calls, or
    when the last one was.
    """
    kind = type(value)
    is_number = kind in _NUMBERS or kind.__module__ == "datetime"
    return is_number or bool(hashed.untracked) or any(map(_is_random, hashed.code))


def _is_random(code: Any) -> bool:
    kinds = code.__mro__ if isinstance(code, type) else (code,)
    names = [f"{getattr(kind, '__module__', '')}." for kind in kinds]
    return any(name.startswith("random.") or is_random(name) for name in names)


def _is(bound: Any, known_by: _KnownBy) -> bool:
    reference, held = known_by
    return (reference() if held is None else held) is bound
