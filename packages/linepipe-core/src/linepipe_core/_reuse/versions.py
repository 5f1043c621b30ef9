"""Reads the results that earlier runs of a node left, one by one, as the planner asks for them.

Apart from the planner, which knows no store: most nodes fit their newest result, and then the
others are never read.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, NamedTuple

from linepipe_core._code.dependencies import Reader, is_there
from linepipe_core._code.parts import digest_of
from linepipe_core._declare.node import Node
from linepipe_core._reuse.record import Record, StoredObject, Version, record_keys
from linepipe_core._store.store import Store, StoredResult
from linepipe_core._values.file_content import note_content

__all__ = ["NodeVersions", "Results", "most_results", "object_of", "results_of"]

_LATELY_SECONDS: Final = 60.0  # it is not written down more often that a result is used
_WRITERS: Final = 50  # results of writers of one function and one object
_MOST: Final = 200  # results of one node that are looked at, of all partitions


class Results(NamedTuple):
    """What earlier runs left of the nodes of a pipeline.

    Attributes:
        keys: per node, the key of its results.
        bound: of each writer, the arguments that are bound to its function, as a hash.
        versions: per node, its results, the newest first.
    """

    keys: list[str]
    bound: dict[int, str]
    versions: list[NodeVersions | list[Version]]


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
    versions: list[NodeVersions | list[Version]] = []
    for index, node in enumerate(nodes):
        lies_outside = node.effect or not node.outputs
        found = NodeVersions(store, keys[index], partition, lies_outside, look)
        if node.outputs:
            versions.append(found)
        else:
            claimed = {bound[i] for i in bound if keys[i] == keys[index]}
            versions.append(found.of_writer(bound[index], claimed))
    return Results(keys, bound, versions)


def most_results(node: Node) -> int | None:
    """How many results of a node are kept; None for as many as the shelf says."""
    if not node.outputs:
        return _WRITERS
    return 1 if node.always_run or node.effect else None


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


class NodeVersions:
    """The results of one node that are on the shelf, the newest first; those of its own partition
    before those of others.

    Args:
        store: the shelf's.
        key: the node's.
        partition: the run's.
        only_newest: True if what the node made lies outside, where only the newest is there.
        look: called with the paths of the Files that a result made.
    """

    def __init__(
        self,
        store: Store,
        key: str,
        partition: str,
        only_newest: bool,
        look: Callable[[Collection[str]], object],
    ) -> None:
        self._store = store
        self._key = key
        self._partition = partition
        self._only_newest = only_newest
        self._look = look
        self._found: list[Version] = []
        self._rest: Iterator[Version] = self._read()

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

    def of_writer(self, bound: str, claimed: Collection[str]) -> list[Version]:
        """The newest version of a writer; without one, the one that its node is compared with.

        Args:
            bound: the arguments that are bound to its function, as a hash.
            claimed: those of all writers of this pipeline with the same key.
        """
        results = self._store.results(self._key, self._partition, _MOST)
        results.sort(key=lambda result: -result.number)
        found = [version for each in results if (version := self._version(each))]
        same = [version for version in found if version.record.bound == bound]
        others = [version for version in found if version.record.bound not in claimed]
        return same[:1] or others[:1]

    def _read(self) -> Iterator[Version]:
        newest = self._store.newest_result(self._key, self._partition)
        if newest is not None and (version := self._version(newest)) is not None:
            yield version
        if self._only_newest:
            return
        results = self._store.results(self._key, None, _MOST)
        results.sort(key=lambda result: (result.partition != self._partition, -result.number))
        for result in results:
            if newest is not None and result.number == newest.number:
                continue
            version = self._version(result)
            if version is not None:
                yield version

    def _version(self, result: StoredResult) -> Version | None:
        record = Record.read(result.record)
        if record is None:
            return None
        for path, content in {**record.read_files, **record.made_files}.items():
            note_content(path, content)  # spares reading what hasn't changed since
        self._look(record.made_files)
        objects = {
            name: object_of(record, name, row.digest) for name, row in result.objects.items()
        }
        is_current = result.is_current and result.partition == self._partition
        return Version(
            result.number,
            record,
            {
                name: each
                for name, each in objects.items()
                # Nor what nobody could unpickle, because a class has moved.
                if self._store.is_whole(result.objects[name]) and all(map(is_there, each.code))
            },
            result.stored,
            is_current,
            is_current and time.time() - result.used < _LATELY_SECONDS,
        )


def object_of(record: Record | None, name: str, digest: str) -> StoredObject:
    """An object on the shelf with what its maker's record says of it."""
    found = record.objects.get(name) if record is not None else None
    return found if found is not None and found.digest == digest else StoredObject(digest, digest)
