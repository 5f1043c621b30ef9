"""Reads the results that earlier runs of the nodes left, as the planner asks for them.

Apart from the planner, which knows no store: the newest result of each node is read at once, and
most nodes fit it. Then the others are never read.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.named import is_there
from linepipe_core._code.parts import digest_of
from linepipe_core._declare.node import Node
from linepipe_core._reuse.record import Record, StoredObject, Version, record_keys
from linepipe_core._store.store import Store, StoredOutput, StoredResult
from linepipe_core._store.use_rows import USED_SECONDS
from linepipe_core._values.file_content import note_content

__all__ = ["MOST_OF_WRITERS", "NodeVersions", "Results", "never_kept", "object_of", "results_of"]

MOST_OF_WRITERS: Final = 50  # results of writers of one function and one object
_MOST: Final = 200  # results of one node that are looked at, of all partitions
_MOST_AHEAD: Final = 64  # nodes whose results are read in one query


class Results(NamedTuple):
    """The results that earlier runs left of the nodes of a pipeline.

    Attributes:
        keys: per node, the key of its results.
        bound: of each writer, the arguments that are bound to its function, as a hash.
        versions: per node, its results, the newest first.
        given: the names that are known to give what a node made.
    """

    keys: list[str]
    bound: dict[int, str]
    versions: list[NodeVersions]
    given: set[str]


def results_of(
    nodes: Sequence[Node],
    reader: Reader,
    store: Store,
    partition: str,
    look: Callable[[Collection[str]], object],
) -> Results:
    """Find the results of the nodes; none of them is read yet.

    Args:
        nodes: the nodes.
        reader: hashes what is bound to writers' functions.
        store: the shelf's.
        partition: the run's.
        look: called with the paths of the Files that a result made.
    """
    writers = {i: _writer(reader, node) for i, node in enumerate(nodes) if not node.outputs}
    keys = record_keys(nodes, {index: name for index, (name, _) in writers.items()})
    bound: dict[int, str] = {}
    n_alike: Counter[tuple[str, str]] = Counter()
    for index, (_, arguments) in writers.items():
        bound[index] = f"{arguments} {n_alike[keys[index], arguments]}"
        n_alike[keys[index], arguments] += 1
    stored = _Stored(store, [keys[i] for i, node in enumerate(nodes) if node.outputs], partition)
    versions: list[NodeVersions] = []
    for index, node in enumerate(nodes):
        found = NodeVersions(stored, keys[index], node.effect or not node.outputs, look)
        if not node.outputs:
            claimed = {bound[i] for i in bound if keys[i] == keys[index]}
            found.take_writer(bound[index], claimed)
        versions.append(found)
    given = {n for each in stored.newest.values() if each.is_current for n in each.objects}
    return Results(keys, bound, versions, given)


def _writer(reader: Reader, node: Node) -> tuple[str, str]:
    """The name of a writer's function, and a hash of the arguments bound to it."""
    code, bound = reader.entry(node.func)
    arguments = [
        f"{value.key} {found.digest}"
        for value in bound
        if not (found := reader.value(value.fetch())).untracked
    ]
    name = getattr(code, "__qualname__", type(code).__name__)
    return name, digest_of("bound", *sorted(arguments))


class _Stored:
    """The stored results of the nodes of a pipeline, with few queries for many nodes.

    Args:
        store: the shelf's.
        keys: those of the nodes, in the order in which they are going to be asked for.
        partition: the run's.
    """

    def __init__(self, store: Store, keys: Sequence[str], partition: str) -> None:
        self.store = store
        self.partition = partition
        self.newest = store.results.newest(keys, partition)
        self._keys = keys
        self._places = {key: place for place, key in enumerate(keys)}
        self._all: dict[str, list[StoredResult]] = {}
        self._whole: set[tuple[str, int]] = set()  # buffers that were looked at
        self._n_ahead = 1
        self._ahead = _Ahead(store, keys, partition)

    @cached_property
    def newest_outside(self) -> dict[str, StoredResult]:
        """The newest result of each node that has none in the run's partition."""
        return self.store.results.newest([k for k in self._keys if k not in self.newest])

    def all(self, key: str) -> list[StoredResult]:
        """All results of a node, of its own partition first, the newest first.

        Where several nodes are asked for, so are likely those that follow: each query reads
        the results of twice as many nodes.
        """
        if key not in self._all:
            place = self._places[key]
            some = [k for k in self._keys[place : place + self._n_ahead] if k not in self._all]
            self._n_ahead = min(2 * self._n_ahead, _MOST_AHEAD)
            self._all.update(self.store.results.of(some, None, _MOST))
        found = self._all[key]
        found.sort(key=lambda result: (result.partition != self.partition, -result.number))
        return found

    def that_read(self, key: str, read: str) -> Iterator[StoredResult]:
        """The results of a node that were made from the same, of its own partition first."""
        yield from self._ahead.that_read(key, read)
        found = self.store.results.that_read(key, read, _MOST)
        found.sort(key=lambda result: -result.number)
        yield from (result for result in found if result.partition != self.partition)

    def is_whole(self, output: StoredOutput) -> bool:
        """Return True if all buffers of an output are there; a shared one is looked at once."""
        if not output.buffers:
            return True
        new = tuple(each for each in output.buffers if each not in self._whole)
        if new and not self.store.is_whole(output._replace(buffers=new)):
            return False
        self._whole.update(new)
        return True

    def in_partition(self, key: str) -> list[StoredResult]:
        """The results of a node in its own partition, the newest first."""
        if self._has_none_here(key):
            return []
        found = self.store.results.of([key], self.partition, _MOST)[key]
        found.sort(key=lambda result: -result.number)
        return found

    def _has_none_here(self, key: str) -> bool:
        """Return True if there was no result of a node with outputs when the run began."""
        return key in self._places and key not in self.newest

    def outside(self, key: str) -> list[StoredResult]:
        """The newest result of a node in another partition, if there is one."""
        if self._has_none_here(key):
            return [self.newest_outside[key]] if key in self.newest_outside else []
        return self.store.results.newest_outside(key, self.partition)


class _Ahead:
    """Results by what they were made from, those of the nodes that follow read along.

    A pipeline that goes back to an older setting goes back to the results of one earlier run. So
    where a node's result is read, that of the next node is likely the next of that run.

    Args:
        store: the shelf's.
        keys: those of the nodes, in the order in which they are going to be asked for.
        partition: the run's.
    """

    def __init__(self, store: Store, keys: Sequence[str], partition: str) -> None:
        self._store = store
        self._keys = keys
        self._partition = partition
        self._outlines: dict[str, dict[int, str]] | None = None
        self._places = {key: place for place, key in enumerate(keys)}
        self._found: dict[int, StoredResult] = {}
        self._n_ahead = 1

    def that_read(self, key: str, read: str) -> Iterator[StoredResult]:
        """The results of a node in its partition that were made from the same, newest first."""
        if self._outlines is None:
            self._outlines = self._store.results.outlines(self._keys, self._partition)
        numbers = self._outlines.get(key, {})
        for number in sorted((n for n, each in numbers.items() if each == read), reverse=True):
            found = self._found.pop(number, None) or self._fetched(key, number)
            if found is not None:
                yield found

    def _fetched(self, key: str, number: int) -> StoredResult | None:
        """A result, read in one query with those that are likely to be asked for next."""
        assert self._outlines is not None
        # Twice as many each time, until none of them is the right one.
        self._n_ahead = 1 if len(self._found) > 1 else min(2 * self._n_ahead, _MOST_AHEAD)
        place = self._places[key]
        wanted = [last := number]
        for following in self._keys[place + 1 : place + self._n_ahead]:
            after = min((n for n in self._outlines.get(following, ()) if n > last), default=0)
            if after:
                wanted.append(last := after)
        self._found = {result.number: result for result in self._store.results.numbered(wanted)}
        return self._found.pop(number, None)


class NodeVersions:
    """The results of one node that are on the shelf, the newest first; those of its own partition
    before those of others.

    Args:
        stored: the results of all nodes.
        key: the node's.
        only_newest: True if what the node made lies outside, where only the newest is there.
        look: called with the paths of the Files that a result made.
    """

    def __init__(
        self,
        stored: _Stored,
        key: str,
        only_newest: bool,
        look: Callable[[Collection[str]], object],
    ) -> None:
        self._stored = stored
        self._key = key
        self._only_newest = only_newest
        self._look = look
        self._found: list[Version] = []
        self._by_number: dict[int, Version | None] = {}
        self._rest: Iterator[Version] = self._read()
        self._is_writer = False

    def __iter__(self) -> Iterator[Version]:
        place = 0
        while True:
            if place == len(self._found):
                following = next(self._rest, None)
                if following is None:
                    return
                self._found.append(following)
            yield self._found[place]
            place += 1

    @property
    def newest(self) -> Version | None:
        """The newest one, if there is one."""
        return next(iter(self), None)

    @property
    def telling(self) -> Version | None:
        """The newest one, unless its record holds no state, no code and no Files."""
        if not self._is_writer and (first := self._newest()) is not None:
            return None if Record.says_plain(first.record) else self.newest
        return self.newest

    def _newest(self) -> StoredResult | None:
        """The newest result of its partition; without one that of all others, if these may fit."""
        found = self._stored.newest.get(self._key)
        return found or (None if self._only_newest else self._stored.newest_outside.get(self._key))

    def that_read(self, read: str) -> Iterator[Version]:
        """Those that were made from the same, the newest first.

        Args:
            read: the hash of what the node reads.
        """
        if self._only_newest:
            yield from self
            return
        newest = self._newest()
        if newest is not None and newest.read == read and (first := self._version(newest)):
            yield first
        for result in self._stored.that_read(self._key, read):
            if newest is not None and result.number == newest.number:
                continue
            version = self._version(result)
            if version is not None:
                yield version

    def to_compare(self) -> Iterator[Version]:
        """Those of its own partition, the newest first; then the newest of another one."""
        results = [] if self._is_writer else self._stored.in_partition(self._key)
        if self._is_writer:
            yield from self
        for result in (*results, *self._stored.outside(self._key)):
            version = self._version(result)
            if version is not None:
                yield version

    def take_writer(self, bound: str, claimed: Collection[str]) -> None:
        """Take the newest version of a writer; or, without one, one to compare its node with.

        Args:
            bound: the arguments that are bound to its function, as a hash.
            claimed: those of all writers of this pipeline with the same key.
        """
        self._is_writer = True
        results = self._stored.in_partition(self._key)
        found = [version for each in results if (version := self._version(each))]
        same = [version for version in found if version.record.bound == bound]
        others = [version for version in found if version.record.bound not in claimed]
        self._found = same[:1] or others[:1]
        self._rest = iter(())

    def _read(self) -> Iterator[Version]:
        newest = self._newest()
        if newest is not None and (version := self._version(newest)) is not None:
            yield version
        if self._only_newest:
            return
        for result in self._stored.all(self._key):
            if newest is not None and result.number == newest.number:
                continue
            version = self._version(result)
            if version is not None:
                yield version

    def _version(self, result: StoredResult) -> Version | None:
        if result.number not in self._by_number:
            self._by_number[result.number] = self._read_version(result)
        return self._by_number[result.number]

    def _read_version(self, result: StoredResult) -> Version | None:
        record = Record.read(result.record)
        if record is None:
            return None
        if record.read_files or record.made_files:
            for path, content in {**record.read_files, **record.made_files}.items():
                note_content(path, content)  # spares reading what hasn't changed since
            self._look(record.made_files)
        objects = {
            name: each
            for name, output in result.objects.items()
            # Not what nobody could unpickle, because a class has moved.
            if all(map(is_there, (each := object_of(record, name, output.digest)).code))
            and self._stored.is_whole(output)
        }
        is_current = result.is_current and result.partition == self._stored.partition
        return Version(
            result.number,
            record,
            objects,
            result.stored,
            is_current,
            is_current and time.time() - result.used < USED_SECONDS,
            result.node,
            result.partition,
        )


def never_kept(store: Store, names: Iterable[str]) -> dict[str, str]:
    """Those of the names that their makers' last runs didn't leave on the shelf.

    Returns:
        Each with the name of the node that makes it.
    """
    found = {}
    for name in names:
        for result in store.results.newest(store.results.keys_with(json.dumps(name))).values():
            record = Record.read(result.record)
            if record is not None and name in record.outputs and record.outputs[name] is None:
                found[name] = result.node or "?"
    return found


def object_of(record: Record | None, name: str, digest: str) -> StoredObject:
    """An object on the shelf with what its maker's record says of it."""
    found = record.objects.get(name) if record is not None else None
    return found if found is not None and found.digest == digest else StoredObject(digest, digest)
