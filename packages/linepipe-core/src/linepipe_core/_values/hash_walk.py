"""One walk through a value, level by level, which gives the hash of its content.

All objects of one type on a level are described at once, by functions written in C where there
are any, and what they hold is the next level. So there is no recursion.
"""

from __future__ import annotations

import os
from array import array
from collections import deque
from collections.abc import Callable
from enum import Enum
from hashlib import blake2b
from itertools import chain, compress, repeat
from operator import attrgetter, is_
from types import (
    BuiltinFunctionType,
)
from typing import Any, Final, NamedTuple

from linepipe_core._values.adapter import Content, Memory, content_of
from linepipe_core._values.classes import (
    cached_names,
    hashed_name,
    is_immutable,
    is_namedtuple,
    is_plain_object,
    kind_name,
    once_a_class,
    plain_slots,
)
from linepipe_core._values.code_or_data import CODE_TYPES, CYTHON_FUNCTION, is_code
from linepipe_core._values.file import File
from linepipe_core._values.file_content import content_of_path
from linepipe_core._values.memory_hash import LARGE_MEMORY, digest_of_memory
from linepipe_core._values.plain import PLAIN, encoded_set, pickled
from linepipe_core._values.reduction import attributes_in_order, reduced
from linepipe_core._values.set_order import in_order
from linepipe_core._values.sharing import Sharing
from linepipe_core._values.stand_ins import stand_in_of
from linepipe_core._values.standard import standard_content

__all__ = ["Found", "Walk"]

_SORTED: Final = frozenset({int, str, bytes})
_AT_ONCE: Final = 1 << 18  # plain values that are hashed at once
_FEW_KINDS: Final = 8
_MOST_VISITS: Final = 30_000_000  # some seconds; a tuple of itself sixty levels deep never ends
_MOST_IN_KEY: Final = 1000  # objects of a set's element that its place among the others tells
_MOST_KEY_DEPTH: Final = 4


class Found(NamedTuple):
    """Reports of a walk, beside the hash."""

    untracked: list[str]
    by_type: list[str]
    files: dict[str, str]


class _EndlessError(Exception):
    """A value has more objects than anybody waits for."""


class Walk:
    """One walk through one value.

    Attributes:
        n_bytes: how much has been hashed.
    """

    def __init__(
        self,
        reach: Callable[[Any], str],
        is_own: Callable[[type], bool],
        by_type: Callable[[type], bool] | None,
        known: dict[int, tuple[Any, Any]],
        found: Found,
        identify: Callable[[Any], str] | None = None,
        most_visits: int = _MOST_VISITS,
        key_depth: int = 0,
    ) -> None:
        self._reach = reach
        self._is_own = is_own
        self._by_type = by_type
        self._known = known
        self._found = found
        self._identify = identify
        self._room = most_visits
        self._key_depth = key_depth
        self.n_bytes = 0
        self._hash = blake2b(digest_size=16)
        self._queue: deque[list[Any]] = deque()
        self._sharing = Sharing()
        self._kept: list[Any] = []  # alive, or another object could get the same id
        self._n_lists = 1  # those that hold each object of the group that is looked at

    def digest(self, value: Any) -> str:
        self._queue.append([value])
        try:
            while self._queue:
                self._level(self._queue.popleft())
        except _EndlessError:
            if not self._key_depth:
                self._found.untracked.append("more than can be looked at")
            self._emit(b"endless")
        return self._hash.hexdigest()

    # --- what goes into the hash --------------------------------------------------------------

    def _emit(self, tag: bytes, content: Any = b"") -> None:
        """Add some bytes, with a tag that says what they are and how many."""
        view = memoryview(content)
        self.n_bytes += view.nbytes
        self._hash.update(b"%s %d:" % (tag, view.nbytes))
        self._hash.update(view)

    def _plain(self, tag: bytes, values: list[Any]) -> None:
        """Add values of plain types, or tuples of such."""
        for start in range(0, max(len(values), 1), _AT_ONCE):
            part = values if len(values) <= _AT_ONCE else values[start : start + _AT_ONCE]
            self._emit(tag, pickled(part))

    # --- level by level -----------------------------------------------------------------------

    def _level(self, level: list[Any]) -> None:
        distinct = set(map(type, level))
        if distinct <= PLAIN:
            self._plain(b"plain", level)
            return
        self._room -= len(level)
        if self._room < 0:
            raise _EndlessError
        self._kept.append(level)
        if len(distinct) == 1:
            self._n_lists = 1
            self._group(_counts_as(distinct.pop()), level)
            return
        self._n_lists = 2
        alike = {kind: _counts_as(kind) for kind in distinct}
        self._mixed(level, list(map(alike.__getitem__, map(type, level))))

    def _mixed(self, level: list[Any], kinds: list[type]) -> None:
        numbers: dict[type, int] = {}
        for kind in dict.fromkeys(kinds):
            numbers[kind] = 0 if kind in PLAIN else len(numbers) + 1
        code = "B" if len(numbers) < 255 else "L"
        self._emit(b"kinds", array(code, map(numbers.__getitem__, kinds)))
        if 0 in numbers.values():
            self._plain(b"plain", [v for v, k in zip(level, kinds, strict=True) if k in PLAIN])
        others = [kind for kind, number in numbers.items() if number]
        if len(others) <= _FEW_KINDS:
            for kind in others:
                self._group(kind, list(compress(level, map(is_, kinds, repeat(kind)))))
            return
        groups: dict[type, list[Any]] = {kind: [] for kind in others}
        for value, kind in zip(level, kinds, strict=True):
            if kind in groups:
                groups[kind].append(value)
        for kind, group in groups.items():
            self._group(kind, group)

    def _group(self, kind: type, group: list[Any]) -> None:
        """Add objects of one type, and put what they hold in the queue."""
        self._emit(b"type", hashed_name(kind).encode("utf-8", "surrogatepass"))
        if kind is list or kind is tuple:
            self._sequences(group if kind is tuple else self._first(group))
        elif kind is dict:
            self._dicts(self._first(group))
        elif kind is set or kind is frozenset:
            self._sets(group if kind is frozenset else self._first(group))
        elif kind is Memory:
            self._emit(b"memory", b"".join(map(_memory_digest, group)))
            self.n_bytes += sum(memory.n_bytes for memory in group)
        elif issubclass(kind, CODE_TYPES) or kind.__name__ == CYTHON_FUNCTION:
            self._code(group)
        else:
            self._objects(kind, group)

    def _first(self, group: list[Any]) -> list[Any]:
        """Those met for the first time; for the others, say where they were met."""
        first, places = self._sharing.first_met(group, self._n_lists)
        if places is not None:
            self._emit(b"shared", places)
        return first

    def _code(self, group: list[Any]) -> None:
        names: dict[int, str] = {}
        for found in group:
            if id(found) not in names:
                names[id(found)] = self._reach(found)
        self._plain(b"code", [names[id(found)] for found in group])

    # --- containers ---------------------------------------------------------------------------

    def _sequences(self, group: list[Any]) -> None:
        lengths = array("q", map(len, group))
        self._emit(b"lengths", lengths)
        if sum(lengths) > self._room and len(set(map(id, group))) < len(group):
            raise _EndlessError
        self._put(list(chain.from_iterable(group)) if len(group) != 1 else list(group[0]))

    def _put(self, level: list[Any]) -> None:
        if len(level) > self._room:
            kinds = set(map(type, level[: self._room + 1]))
            if not kinds <= PLAIN:
                raise _EndlessError
        if level:
            self._queue.append(level)

    def _dicts(self, group: list[dict[Any, Any]]) -> None:
        if not group:
            return
        names = tuple(group[0])
        keys = list(chain.from_iterable(group)) if len(group) > 1 else list(names)
        values = list(chain.from_iterable(map(dict.values, group)))
        # No dict has a key twice, so that equal keys in all one after another are equal in each.
        are_alike = set(map(type, keys)) <= {str} and keys == list(names) * len(group)
        if not are_alike:
            self._emit(b"lengths", array("q", map(len, group)))
            self._put(keys)
            self._put(values)
            return
        self._plain(b"keys", [len(group), *names])
        if len(group) > 1 and len(names) <= 64:  # column by column: mostly of one type each
            for place in range(len(names)):
                self._put(values[place :: len(names)])
        else:
            self._put(values)

    def _sets(self, group: list[Any]) -> None:
        elements = chain.from_iterable(group)
        kind = type(next(elements, 0))
        if kind in _SORTED and set(map(type, elements)) <= {kind}:
            self._sequences(list(map(sorted, group)))
            return
        encoded, others = zip(*map(encoded_set, group), strict=True) if group else ((), ())
        self._plain(b"sets", list(encoded))
        if any(others):
            self._sequences([in_order(each, self._place_of) for each in others])

    def _place_of(self, element: Any) -> str:
        """The hash of an element, by which it is sorted among the others of its set."""
        if self._key_depth == _MOST_KEY_DEPTH:  # of sets in sets, which may lead back to the first
            return hashed_name(type(element))
        walk = Walk(
            self._reach,
            self._is_own,
            self._by_type,
            self._known,
            Found([], [], self._found.files),
            most_visits=_MOST_IN_KEY,
            key_depth=self._key_depth + 1,
        )
        return walk.digest(element)

    # --- objects ------------------------------------------------------------------------------

    def _objects(self, kind: Any, group: list[Any]) -> None:
        if kind is File:
            self._files(group)
            return
        how = stand_in_of(kind)
        if how is not None:
            self._class(kind)
            self._described(kind, Content(how), group)
            return
        standard = standard_content(kind)
        if standard is not None:
            self._columns(kind, standard.columns, group, standard.is_immutable)
            return
        if issubclass(kind, Enum):
            self._class(kind)
            self._plain(b"members", [str(member._name_) for member in group])
            self._put([member._value_ for member in group])
            return
        content = content_of(kind)
        if content is not None:
            self._class(kind)
            self._described(kind, content, group)
            return
        if issubclass(kind, BuiltinFunctionType) or not self._is_own(kind):
            are_code = [is_code(value, self._is_own) for value in group]
            if any(are_code):
                self._code(list(compress(group, are_code)))
                group = [value for value, code in zip(group, are_code, strict=True) if not code]
                self._emit(b"code", bytes(are_code))
        if group:
            self._class(kind)
            self._instances(kind, group)

    def _files(self, group: list[File]) -> None:
        for path in map(os.fspath, group):
            if path not in self._found.files:
                try:
                    self._found.files[path] = content_of_path(path).digest
                except OSError:  # it isn't there, or can't be read
                    self._found.files[path] = ""
        self._plain(b"files", [(p, self._found.files[p]) for p in map(os.fspath, group)])

    def _class(self, kind: type) -> None:
        self._plain(b"class", [self._reach(kind)])

    def _columns(
        self,
        kind: type,
        columns: Callable[[list[Any]], list[list[Any]]],
        group: list[Any],
        is_fixed: bool,
    ) -> None:
        if not is_fixed:
            group = self._first(group)
        try:
            held = columns(group)
        except Exception:  # memory that was released
            self._refused(kind, group)
            return
        for column in held:
            self._put(column)

    def _described(self, kind: type, content: Content, group: list[Any]) -> None:
        if not content.is_immutable and not is_immutable(kind):
            group = self._first(group)
        try:
            if content.is_leaf:
                self._plain(b"leaf", list(map(content.describe, group)))
                return
            parts = [self._parts_of(content, value) for value in group]
        except Exception:  # a lazy plan, a frame of objects that its library refuses to write
            self._refused(kind, group)
            return
        self._tuples(parts)

    def _parts_of(self, content: Content, value: Any) -> Any:
        known = self._known.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        parts = content.describe(value)
        if not isinstance(parts, tuple):
            parts = (parts,)
        if _is_large_memory(parts):
            self._known[id(value)] = value, parts
        return parts

    def _tuples(self, parts: list[Any]) -> None:
        """Put tuples in the queue, column by column if they are alike."""
        lengths = set(map(len, parts))
        if len(lengths) == 1:
            self._emit(b"columns", b"%d %d" % (len(parts), lengths.pop()))
            for column in zip(*parts, strict=True):
                self._put(list(column))
        else:
            self._sequences(parts)

    def _refused(self, kind: type, group: list[Any]) -> None:
        self._found.untracked.append(kind_name(kind))
        identify = self._identify
        self._plain(b"untracked", [identify(each) if identify else "" for each in group])

    def _instances(self, kind: Any, group: list[Any]) -> None:
        if self._by_type is not None and self._by_type(kind):
            self._found.by_type.append(kind_name(kind))
            self._emit(b"by type", b"%d" % len(group))
            return
        if not is_immutable(kind):
            group = self._first(group)
        states = _states(group) if is_plain_object(kind) else None
        if states is not None:
            self._attributes(kind, states)
        elif is_namedtuple(kind):
            self._sequences(group)
        elif not self._slots(kind, group):
            self._reductions(kind, group)

    def _attributes(self, kind: Any, states: list[dict[str, Any]]) -> None:
        states = attributes_in_order(states, cached_names(kind))
        self._kept.append(states)
        self._dicts(states)

    def _slots(self, kind: Any, group: list[Any]) -> bool:
        names = plain_slots(kind)
        if not names:
            return False
        try:
            columns = [list(map(attrgetter(name), group)) for name in names]
        except AttributeError:  # some aren't set
            return False
        self._plain(b"slots", [len(group), *names])
        for column in columns:
            self._put(column)
        return True

    def _reductions(self, kind: Any, group: list[Any]) -> None:
        try:
            parts = reduced(kind, group)
        except Exception:  # whatever a class raises that can't be pickled
            self._refused(kind, group)
            return
        self._kept.append(parts)
        self._emit(b"reduced", array("B", map(len, parts)))
        for place in range(max(map(len, parts), default=0)):
            self._put([each[place] for each in parts if len(each) > place])


@once_a_class
def _counts_as(kind: Any) -> type:
    """The type whose name stands for another's, for values of the same content."""
    content = content_of(kind)
    return (content.counts_as if content is not None else None) or kind


def _memory_digest(memory: Memory) -> bytes:
    if memory.digest is None:
        memory.digest, memory.n_bytes = digest_of_memory(memory.buffers)
        memory.buffers = ()
    return memory.digest + memory.n_bytes.to_bytes(8, "little")


def _states(group: list[Any]) -> list[dict[str, Any]] | None:
    """The attributes of objects; None if their class doesn't give them, as asyncio's futures."""
    try:
        states = list(map(attrgetter("__dict__"), group))
    except Exception:  # whatever a property or a __getattribute__ raises
        return None
    return states if set(map(type, states)) == {dict} else None


def _is_large_memory(parts: tuple[Any, ...]) -> bool:
    """Return True if a description is worth being kept: it hashes much and holds little."""
    n_bytes = 0
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if type(part) is Memory:
            _memory_digest(part)
            n_bytes += part.n_bytes
        elif type(part) is tuple and len(part) <= 10_000:
            waiting.extend(part)
        elif isinstance(part, (list, dict, tuple)):
            return False
    return n_bytes >= LARGE_MEMORY
