"""Reads the results that earlier runs of a node left, one by one, as the planner asks for them.

Apart from the planner, which knows no store: most nodes fit their newest result, and then the
others are never read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import Final

from linepipe_core._code.dependencies import is_there
from linepipe_core._reuse.record import Record, StoredObject, Version
from linepipe_core._store.store import Store, StoredResult
from linepipe_core._values.file import note_content

__all__ = ["NodeVersions", "object_of"]

_LATELY_SECONDS: Final = 60.0  # it is not written down more often that a result is used
_MOST: Final = 200  # results of one node that are looked at, of all partitions


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
