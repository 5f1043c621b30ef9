"""The parts that a node's code depends on, and a hash of each part.

A part keeps its name, so that freshness can say which one changed. What a single function,
class or module is and leads to, ``reach`` tells; here all that one callable leads to is
brought together.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, Final, TypeVar

from linepipe_core._code.dependencies import Reader, identity
from linepipe_core._code.made import is_made
from linepipe_core._code.members import Value, expanded, held_value
from linepipe_core._code.parts import FUNCTION, PYTHON, Part, PartKey, digest_of
from linepipe_core._code.state import ANEW, State, begins_anew, is_noted
from linepipe_core._values.secrets import shown_value

T = TypeVar("T")

__all__ = ["CodeFingerprint", "code_fingerprint"]

_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"


class CodeFingerprint:
    """The parts that one callable depends on.

    Attributes:
        parts: key -> Part.
        state: the globals that its code assigns itself; they are no parts.
        untracked: what can't be hashed, each with its type.
        unseen: what it calls that reads files, the clock or the like.
        values: its values, before and after it runs.
    """

    __slots__ = ("parts", "state", "unseen", "untracked", "values")

    parts: dict[PartKey, Part]
    state: tuple[PartKey, ...]
    untracked: tuple[str, ...]
    unseen: tuple[str, ...]
    values: State

    def __init__(
        self,
        parts: dict[PartKey, Part],
        state: Iterable[PartKey],
        untracked: Iterable[str],
        unseen: Iterable[str],
        values: State,
    ) -> None:
        self.parts = parts
        self.state = tuple(state)
        self.untracked = tuple(untracked)
        self.unseen = tuple(unseen)
        self.values = values

    def since(self, keys: Collection[PartKey]) -> dict[PartKey, Part]:
        """The parts; these as they were before runs of this process changed them."""
        parts = {key: part for key, part in self.parts.items() if key not in keys}
        return {**parts, **self.values.began(keys)}


def code_fingerprint(
    reader: Reader,
    func: Callable[..., Any],
    others: Iterable[Any] = (),
    depends_on: Iterable[Any] = (),
) -> CodeFingerprint:
    """The fingerprint of a callable.

    Args:
        reader: what is read through one reader is read at one moment.
        func: a function, a class, a method, a partial, an object that can be called.
        others: functions, classes and modules that it reaches through its inputs.
        depends_on: what it depends on and doesn't name; a value counts by its content.
    """
    code, bound = reader.entry(func)
    named = [
        held_value(PartKey("dependency", str(place)), each) for place, each in enumerate(depends_on)
    ]
    return _Collected(reader, code, [*bound, *named], others).fingerprint(func)


class _Collected:
    """All that one callable reaches, as parts with names of their own."""

    def __init__(
        self, reader: Reader, func: Any, bound: Iterable[Value], others: Iterable[Any]
    ) -> None:
        self._reader = reader
        self._node = func
        self._code: dict[PartKey, list[Any]] = {}
        self._values: dict[PartKey, list[Value]] = {}
        self._writes: set[tuple[int, str]] = set()
        self._unseen: set[str] = set()
        self._seen: dict[Any, Any] = {}
        waiting: deque[Any] = deque()
        self._take(bound, waiting)
        self._visit(func, waiting)
        waiting.extend(others)
        while waiting:
            found = waiting.popleft()
            if identity(found) not in self._seen:
                self._visit(found, waiting)

    def _visit(self, found: Any, waiting: deque[Any]) -> None:
        """Add one function, class or module, and put what it leads to in the queue."""
        self._seen[identity(found)] = found
        reached = self._reader.reached(found)
        if reached.key is not None:
            self._code.setdefault(reached.key, []).append(found)
        self._writes.update(reached.writes)
        self._unseen.update(reached.unseen)
        waiting.extend(reached.code)
        self._take(reached.values, waiting)

    def _take(self, values: Iterable[Value], waiting: deque[Any]) -> None:
        for value in values:
            if value.home in self._seen:
                continue
            self._seen[value.home] = value
            waiting.extend(self._code_in(value))
            self._values.setdefault(value.key, []).append(value)

    def _code_in(self, value: Value) -> Iterator[Any]:
        """The code that lies in a value, unless a run has put it there."""
        content = value.fetch()
        if is_made(value.home, content):
            return
        for _, held in expanded(value.key, content):
            for found in self._reader.value(held).code:
                if not is_made(value.home, found):
                    yield found

    def fingerprint(self, func: Any) -> CodeFingerprint:
        labels = self._labels()
        parts = {PYTHON: Part(_PYTHON, _PYTHON), FUNCTION: self._part(self._node, labels)}
        for name, found in self._distinct_code():
            if found is not self._node:
                parts[name] = self._part(found, labels)
        untracked: list[str] = []
        anew: dict[PartKey, Part] = {}
        assigned: dict[PartKey, Part] = {}
        values = dict(self._distinct_values())
        for key, value in values.items():
            if value.home in self._writes:
                held = None if is_noted(value) else value.fetch()  # it may be a large thing now
                hashed = self._reader.value(held)
                assigned[key] = (
                    ANEW
                    if begins_anew(held, hashed)
                    else Part(hashed.digest, shown_value(str(key), held))
                )
                continue
            for name, held in expanded(key, value.fetch()):
                hashed = self._reader.value(held)
                is_clear = labels.keys().isdisjoint(map(identity, hashed.code))
                digest = hashed.digest if is_clear else self._reader.labelled(held, labels)
                parts[name] = Part(digest, shown_value(str(name), held))
                untracked += [f"{name} ({kind})" for kind in hashed.untracked]
                if begins_anew(held, hashed):
                    anew[name] = ANEW
        found = chain.from_iterable(self._code.values())
        state = State(values, assigned, {**parts, **assigned, **anew}, found, func)
        return CodeFingerprint(parts, assigned, untracked, sorted(self._unseen), state)

    def _part(self, found: Any, labels: Mapping[Any, str]) -> Part:
        """Digest of one function or class; ambiguous references are replaced by their labels."""
        reached = self._reader.reached(found)
        part = (
            reached.part if reached.key is not None else Part(digest_of(self._reader.name(found)))
        )
        led_to = (*map(identity, reached.code), *(value.home for value in reached.values))
        told = [labels[each] for each in led_to if each in labels]
        return Part(digest_of("labelled", part.digest, *told), part.text) if told else part

    def _labels(self) -> dict[Any, str]:
        """Labels that tell apart things of the same name.

        ``a.clean`` and ``b.clean``, say: where they are is cosmetic, which one is used isn't.
        """
        labels: dict[Any, str] = {}
        names: dict[str, int] = {}
        crowded = {key for key, alike in self._code.items() if len(alike) > 1}
        for key in crowded:
            for found in self._code[key]:
                name = self._reader.name(found)
                names[name] = names.get(name, 0) + 1
        for each, found in self._distinct_code(crowded):
            if names[self._reader.name(found)] > 1:
                labels[identity(found)] = str(each)
        for key, values in self._values.items():
            if len(values) > 1 and not key.is_local:  # inner functions are known by what they hold
                labels.update(
                    (value.home, str(each)) for each, value in _numbered(key, values, str)
                )
        return labels

    def _distinct_code(
        self, keys: Iterable[PartKey] | None = None
    ) -> Iterator[tuple[PartKey, Any]]:
        for key in self._code if keys is None else keys:
            yield from _numbered(
                key, self._code[key], lambda f: self._reader.reached(f).part.digest
            )

    def _distinct_values(self) -> Iterator[tuple[PartKey, Value]]:
        for key, alike in self._values.items():
            yield from _numbered(key, alike, lambda v: self._reader.value(v.fetch()).digest)


def _numbered(
    key: PartKey, alike: list[T], order: Callable[[T], str]
) -> Iterator[tuple[PartKey, T]]:
    """Things of one name, each with a name of its own.

    By the order in which they are reached, which is that of the code. But lambdas and inner
    functions by their content: they may lie in a dict, whose order is no content, and what
    refers to them tells them apart.
    """
    if len(alike) > 1 and key.is_local:
        alike = sorted(alike, key=order)
    for number, each in enumerate(alike, 1):
        yield key._replace(number=number), each
