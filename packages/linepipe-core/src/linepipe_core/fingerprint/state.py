"""What state began as: the values that parts had before runs of this process changed them.

What a node itself changes while it runs can't make it stale; an edit to what that begins as
does. So records keep state as it began, and what that was is remembered here for the process.
Nothing is kept alive for it: an object is known by its id and, if possible, a weak reference.
"""

from __future__ import annotations

import weakref
from functools import partial
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from linepipe_core.fingerprint.made import is_made, note_made
from linepipe_core.fingerprint.members import attributes_held, expanded
from linepipe_core.fingerprint.reach import Part, Reader

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping

    from linepipe_core.fingerprint.reach import Value, ValueFingerprint

__all__ = ["ANEW", "State", "begins_anew", "is_noted"]

_FIXED: Final = frozenset({bool, int, float, complex, str, bytes, type(None), tuple, frozenset})
_RANDOM: Final = ("random.", "numpy.random.", "torch.")
ANEW: Final = Part("")
"""What stands for a value that differs in each process anyway."""


class _Noted(NamedTuple):
    """What is known of a part that a run has looked at before and after."""

    began: Part | None  # None: it wasn't there
    left: str  # its hash when the last run was over


# Where a value lies -> what lies there, and suffix -> part.
_NOTED: dict[Hashable, tuple[weakref.ref[Any] | int, dict[str, _Noted]]] = {}


class State:
    """The values that one node's code depends on, before and after it runs.

    Args:
        values: key -> the value. Its parts have labels that start with the key.
        assigned: the keys of those that the code assigns anew. Nobody looks at them after a
            run, for they may be large by then.
        parts: label -> what its value was when the run started.
        code: the functions, classes and modules that the node reaches.
    """

    def __init__(
        self,
        values: Mapping[str, Value],
        assigned: Collection[str],
        parts: Mapping[str, Part],
        code: Iterable[Any],
    ) -> None:
        self._values = dict(values)
        self._assigned = assigned
        self._parts = parts
        self._code = tuple(code)
        self._before: dict[str, tuple[Hashable, dict[str, str], dict[str, _Noted]]] = {}
        self._held: dict[str, dict[int, Any]] = {}

    def began(self, labels: Iterable[str]) -> dict[str, Part]:
        """Those of the parts that were there before runs of this process changed them."""
        found = {label: self._began(label) for label in labels}
        return {label: part for label, part in found.items() if part is not None}

    def comparable(self, labels: Iterable[str]) -> list[str]:
        """Those of the parts that may begin the same in another process, sorted."""
        return sorted(label for label in labels if self._began(label) != ANEW)

    def _began(self, label: str) -> Part | None:
        key = label
        while key not in self._values and "." in key:
            key = key.rpartition(".")[0]
        suffix = label[len(key) :]
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
        for key, value in self._values.items():
            bound = value.fetch()
            before = self._hashes(reader, key, bound)
            place, known = self._found(key, bound)
            noted = dict(known)
            for suffix, digest in before.items():
                if suffix not in noted or noted[suffix].left != digest:  # no run left it so
                    noted[suffix] = _Noted(self._parts.get(key + suffix), digest)
            self._before[key] = place, before, noted
            is_assigned = key in self._assigned  # only its id: it may be large
            self._held[key] = {id(bound): 0} if is_assigned else self._things(reader, key, bound)
            _NOTED[place] = _known_by(bound, place), noted

    def end(self) -> list[str]:
        """The node has run. Gives the labels of what changed meanwhile: that is state."""
        reader = self._reader()
        changed: list[str] = []
        for key, value in self._values.items():
            bound = value.fetch()
            place, before, noted = self._before.get(key, (value.home, {}, {}))
            after = self._hashes(reader, key, bound)
            changed += (
                key + each for each in {**before, **after} if before.get(each) != after.get(each)
            )
            left = {
                suffix: _Noted(noted[suffix].began if suffix in noted else None, digest)
                for suffix, digest in after.items()
            }
            if place != self._place(key, bound):  # another object took its place
                place = value.home
            _NOTED[place] = _known_by(bound, place), {**noted, **left}
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

    def _things(self, reader: Reader, key: str, bound: Any) -> dict[int, Any]:
        """By id, the code that lies in a value; what is assigned anew, for all that does."""
        if key in self._assigned:
            return {id(bound): bound}
        parts = expanded(key, bound)
        return {id(each): each for _, held in parts for each in reader.value(held).code}

    def _hashes(self, reader: Reader, key: str, bound: Any) -> dict[str, str]:
        if key in self._assigned:
            return {"": ""}
        return {label[len(key) :]: reader.value(v).digest for label, v in expanded(key, bound)}

    def _place(self, key: str, bound: Any) -> Hashable:
        """An object by itself, whatever its names; what can't change by its name."""
        is_name = key in self._assigned or type(bound) in _FIXED
        return self._values[key].home if is_name else id(bound)

    def _found(self, key: str, bound: Any) -> tuple[Hashable, Mapping[str, _Noted]]:
        """Where the value that lies there is noted, and what is."""
        first = self._place(key, bound)
        for place in (first, self._values[key].home):
            known = _NOTED.get(place)
            is_name = place == first != id(bound)
            if known is not None and (is_name or _is(bound, known[0])):
                return place, known[1]
        return first, {}


def is_noted(value: Value) -> bool:
    """Whether a run of this process has begun that assigns the value anew."""
    return value.home in _NOTED


def begins_anew(hashed: ValueFingerprint) -> bool:
    """Whether a value differs in each process anyway: it can't be hashed, or it is random."""
    return bool(hashed.untracked) or any(map(_is_random, hashed.code))


def _is_random(code: Any) -> bool:
    kinds = code.__mro__ if isinstance(code, type) else (code,)
    return any(f"{getattr(kind, '__module__', '')}.".startswith(_RANDOM) for kind in kinds)


def _known_by(bound: Any, place: Hashable) -> weakref.ref[Any] | int:
    try:
        return weakref.ref(bound, partial(_NOTED.pop, place))  # forgotten with its object
    except TypeError:  # a dict, a list
        return id(bound)


def _is(bound: Any, known_by: weakref.ref[Any] | int) -> bool:
    return known_by == id(bound) if isinstance(known_by, int) else known_by() is bound
