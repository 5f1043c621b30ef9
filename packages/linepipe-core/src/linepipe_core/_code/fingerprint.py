"""The parts that a node's code depends on, and a hash of each part.

A part keeps its name, so that reasons can say which one changed. ``dependencies`` reads a single
function, class or module; here all that one callable leads to is brought together.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any, Final, TypeVar

from linepipe_core._code.bytecode import nested_codes
from linepipe_core._code.contents import Content, contents_of, digest_now, is_unchanged
from linepipe_core._code.dependencies import Reader, identity
from linepipe_core._code.effects import reached_effects, used_by
from linepipe_core._code.makers import identity_token, split_foreign
from linepipe_core._code.members import UNCHANGING, Value, expanded, held_value
from linepipe_core._code.parts import FUNCTION, PYTHON, Part, PartKey, digest_of
from linepipe_core._values.garbage import no_collection
from linepipe_core._values.proxies import is_really

T = TypeVar("T")

__all__ = ["CodeFingerprint", "code_fingerprint"]

_PYTHON: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
_LIBRARYS_OWN: Final = "library"  # how a library's wrapper made what it keeps


class CodeFingerprint:
    """The parts that one callable depends on.

    The parts are put together when they are first asked for: by then the reader knows the code of
    all nodes.
    """

    def __init__(self, collected: _Collected) -> None:
        self._collected = collected

    @cached_property
    def parts(self) -> dict[PartKey, Part]:
        """Key -> Part."""
        return self._collected.parts()

    @property
    def untracked(self) -> tuple[str, ...]:
        """The values that nothing compares, each with its type; they are new in every process."""
        self.parts  # noqa: B018  # found on the way
        return tuple(dict.fromkeys(self._collected.untracked))

    @property
    def unseen(self) -> tuple[str, ...]:
        """The functions that it calls that read files, the clock or the like."""
        return tuple(sorted(self._collected.unseen))

    @property
    def notes(self) -> tuple[str, ...]:
        """The things that couldn't be read, each a phrase."""
        return tuple(dict.fromkeys(self._collected.notes))

    @property
    def uses(self) -> frozenset[str]:
        """The distributions and the standard modules that statements may act on."""
        return self._collected.uses

    @property
    def codes(self) -> Collection[int]:
        """The ids of the code objects that it was found to lead to."""
        return self._collected.codes

    def left(self, keys: Iterable[PartKey], is_over: bool = False) -> dict[PartKey, str]:
        """For parts that no statements made, texts that say which object holds what content.

        In one process an object that is as a run left it is the same. The texts differ in another.

        Args:
            keys: the parts; those that aren't values are left out.
            is_over: True for the content that they have now, after the node has run.
        """
        return self._collected.left(self.parts, keys, is_over)

    def making(self, keys: Collection[PartKey]) -> dict[PartKey, str]:
        """For each of some parts, a hash of the statements that made it."""
        return self._collected.making(keys)

    def changed(self) -> list[PartKey]:
        """The parts whose content is another than when the fingerprint was taken."""
        return self._collected.changed(self.parts)


def code_fingerprint(
    reader: Reader,
    func: Callable[..., Any],
    others: Iterable[Any] = (),
    depends_on: Iterable[Any] = (),
    uses: Collection[str] | None = None,
) -> CodeFingerprint:
    """The fingerprint of a callable.

    Args:
        reader: what is read through one reader is read at one moment.
        func: a function, a class, a method, a partial, an object that can be called.
        others: functions, classes and modules that it reaches through its inputs, or that ran.
        depends_on: what it depends on and doesn't name; a value counts by its content.
        uses: what statements must act on to count; by default what the code is found to use.
    """
    code, bound = reader.entry(func)
    named = [
        held_value(PartKey("dependency", str(place)), each) for place, each in enumerate(depends_on)
    ]
    with no_collection():
        return CodeFingerprint(_Collected(reader, code, [*bound, *named], others, uses))


class _Collected:
    """All that one callable reaches, as parts with names of their own."""

    def __init__(
        self,
        reader: Reader,
        func: Any,
        bound: Iterable[Value],
        others: Iterable[Any],
        uses: Collection[str] | None,
    ) -> None:
        self._reader = reader
        self._node = func
        self._code: dict[PartKey, list[Any]] = {}
        self._values: dict[PartKey, list[Value]] = {}
        self._seen: dict[Any, Any] = {}
        self._namespaces: dict[int, dict[str, Any]] = {}
        self._contents: dict[PartKey, Content] = {}
        self._whole: dict[PartKey, str] = {}  # what counts by its pickle, foreign objects and all
        self._uses: set[str] = set()
        self._waiting: deque[Any] = deque()
        self.codes: set[int] = set()
        self.unseen: set[str] = set()
        self.untracked: list[str] = []
        self.notes: list[str] = []
        self._take(bound)
        self._visit(func)
        self._waiting.extend(others)
        self._run()
        self.uses = frozenset(uses) if uses is not None else self._used()
        self._effects = self._take_effects()
        self._run()
        reader.nodes_code |= self.codes

    def _run(self) -> None:
        while self._waiting:
            found = self._waiting.popleft()
            if identity(found) not in self._seen:
                self._visit(found)

    def _visit(self, found: Any) -> None:
        """Add one function, class or module, and put what it leads to in the queue."""
        self._seen[identity(found)] = found
        reached = self._reader.reached(found)
        if reached.key is not None:
            self._code.setdefault(reached.key, []).append(found)
        if reached.namespace is not None:
            self._namespaces[id(reached.namespace)] = reached.namespace
        if type(found) is FunctionType and reached.namespace is not None:
            self._take_codes(found.__code__)
        self.unseen.update(reached.unseen)
        self.notes.extend(reached.notes)
        self._uses.update(reached.uses)
        self._waiting.extend(reached.code)
        self._take(reached.values)

    def _take_codes(self, code: CodeType) -> None:
        self.codes.update(map(id, nested_codes(code)))

    def _take(self, values: Iterable[Value]) -> None:
        for value in values:
            if value.home in self._seen:
                continue
            self._seen[value.home] = value
            for _, content in contents_of(self._reader, value):
                self._waiting.extend(content.code)
            self._values.setdefault(value.key, []).append(value)

    def _used(self) -> frozenset[str]:
        packages = [key.name for key in self._code if key.kind == "package"]
        return used_by(packages, self._uses)

    def _take_effects(self) -> dict[str, Part]:
        found = reached_effects(self._namespaces.values(), self.uses, self._reader.effects)
        for each in found.values():
            self._waiting.extend(each.code)
        return {name: Part(each.digest, home=name) for name, each in found.items()}

    def parts(self) -> dict[PartKey, Part]:
        labels = self._labels()
        parts = {PYTHON: Part(_PYTHON, _PYTHON), FUNCTION: self._part(self._node, labels)}
        for name, found in self._distinct_code():
            if found is not self._node:
                parts[name] = self._part(found, labels)
        for key, value in self._distinct_values():
            for name, content in self._named_contents(key, value):
                parts[name] = self._value_part(name, value, content, labels)
        for module, part in sorted(self._effects.items()):
            parts[PartKey("statement", module)] = part
        return parts

    def _named_contents(self, key: PartKey, value: Value) -> Iterator[tuple[PartKey, Content]]:
        """The contents of a value, under the key that it has here."""
        for name, content in contents_of(self._reader, value):
            yield name if name.kind == key.kind else key._replace(name=name.name), content

    def _value_part(
        self, key: PartKey, value: Value, content: Content, labels: Mapping[Any, str]
    ) -> Part:
        """A value by its content, or, where it has none, by the statements that made it."""
        home = str(value.namespace.get("__name__")) if value.namespace is not None else ""
        held, digest, untracked = content.held, content.digest, content.untracked
        if content.failure:
            self.notes.append(f"{key} can't be read ({content.failure}) and counts as changed")
            return Part(identity_token(held), home=home)
        self._contents[key] = content
        if labels and not labels.keys().isdisjoint(map(identity, content.code)):
            digest = self._reader.labelled(content.compared, labels)
        needed = content.is_foreign or content.is_filled or bool(untracked)
        made = self._making(value, held, needed)
        if needed and made and made != _LIBRARYS_OWN:
            return Part(digest_of("foreign", digest, made), content.text, made, home)
        if content.is_foreign:  # nothing says how it was made: its content, as pickle would keep it
            hashed = self._reader.value(held)
            digest, untracked = hashed.digest, hashed.untracked
            self._whole[key] = digest
        if untracked and made != _LIBRARYS_OWN:
            self.untracked += [f"{key} ({kind})" for kind in untracked]
            digest = digest_of("untracked", digest, identity_token(held))
        return Part(digest, content.text, made, home)

    def _making(self, value: Value, held: Any, needed: bool) -> str:
        """The hash of the statements that made a value; ``""`` if they don't decide."""
        if value.namespace is None:
            return ""
        if not self._reader.is_own(value.namespace):
            return _LIBRARYS_OWN
        # A time is another in each process: if nodes change it, how it was made decides.
        is_time = type(held) is float or type(held).__module__ == "datetime"
        if not needed and not is_time:
            return ""
        return self._reader.making(value.namespace, value.maker)

    def making(self, keys: Collection[PartKey]) -> dict[PartKey, str]:
        found = {}
        for key, value in self._distinct_values() if keys else ():
            namespace = value.namespace
            for name, _ in self._named_contents(key, value):
                if name in keys and namespace is not None and self._reader.is_own(namespace):
                    found[name] = self._reader.making(namespace, value.maker)
        return found

    def _part(self, found: Any, labels: Mapping[Any, str]) -> Part:
        """The Part of a function or class; ambiguous references are replaced by their labels."""
        reached = self._reader.reached(found)
        part = reached.part
        if reached.key is None:
            part = Part(digest_of(self._reader.name(found)))
        if not labels:
            return part
        led_to = (*map(identity, reached.code), *(value.home for value in reached.values))
        labelled = [labels[each] for each in led_to if each in labels]
        if labelled:
            return part._replace(digest=digest_of("labelled", part.digest, *labelled))
        return part

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

    def left(
        self, parts: Mapping[PartKey, Part], keys: Iterable[PartKey], is_over: bool
    ) -> dict[PartKey, str]:
        wanted = {key for key in keys if key in self._contents}
        if is_over:  # of what statements made, these decide
            wanted = {key for key in wanted if not parts[key].made}
        reader, found = Reader(), {}
        for key, value in self._distinct_values() if wanted else ():
            for name, held in expanded(key, value.fetch()):
                if name not in wanted:
                    continue
                digest = self._whole.get(name, self._contents[name].digest)
                made = parts[name].made
                if is_over:
                    digest, made = self._left_with(reader, value, name, held)
                bound = value.fetch()
                holder = value.namespace if type(bound) in UNCHANGING else bound
                found[name] = digest_of("left", str(name), digest, made, identity_token(holder))
        return found

    def _left_with(self, reader: Reader, value: Value, key: PartKey, held: Any) -> tuple[str, str]:
        """The digest of the content that a run has left, and of the statements if they decide."""
        began = self._contents[key]
        made, is_whole = "", key in self._whole
        if not is_whole and not is_unchanged(began, held):
            with suppress(Exception):  # of a user's class: it has no digest either
                split = split_foreign(held)
                made = self._making(value, held, bool(split.foreign) or split.is_filled)
                is_whole = bool(split.foreign) and made in ("", _LIBRARYS_OWN)
        return digest_now(reader, began, held, is_whole), made

    def changed(self, parts: Mapping[PartKey, Part]) -> list[PartKey]:
        """The parts whose content is another now."""
        reader, changed = Reader(), []
        for key, value in self._distinct_values():
            for name, held in expanded(key, value.fetch()):
                if name not in parts or self._is_other(reader, name, held):
                    changed.append(name)
        for found in list(self._seen.values()):
            if isinstance(found, Value):
                continue
            if not is_really(found, (FunctionType, type)):
                reader.reached(found)  # a module that was loaded meanwhile is what was read of it
                continue
            if self._reader.reached(found).namespace is None:  # a library's
                continue
            for each in self._reader.attributes(found):
                if each.key not in parts:
                    changed += (each.key, *(name for name, _ in expanded(each.key, each.fetch())))
        return list(dict.fromkeys(changed))

    def _is_other(self, reader: Reader, key: PartKey, held: Any) -> bool:
        began = self._contents.get(key)
        if began is None:
            return True
        before = self._whole.get(key, began.digest)
        return digest_now(reader, began, held, key in self._whole) != before


def _numbered(
    key: PartKey, alike: list[T], order: Callable[[T], str]
) -> Iterator[tuple[PartKey, T]]:
    """Things of one name, each with a name of its own.

    By the order in which they are reached, which is that of the code. But lambdas and inner
    functions by their content: they may lie in a dict, whose order is no content, and what
    refers to them tells them apart.
    """
    if len(alike) == 1:
        yield key, alike[0]
        return
    if key.is_local:
        alike = sorted(alike, key=order)
    for number, each in enumerate(alike, 1):
        yield key._replace(number=number), each
