"""The changes of the index: each is a record of what is to be done, decided before it begins.

Apart from the store so that a transaction calls nothing of its callers: `Index.write` takes one
of these and applies it whole or not at all. They are plain classes, since a dataclass takes a
millisecond to make, which each process that opens a shelf would spend on each.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeVar

from linepipe_core._store import prune_rows, result_rows, rows, run_rows, use_rows
from linepipe_core._store.buffers import BufferFiles
from linepipe_core._store.draft import Draft
from linepipe_core._store.packing import ShelfObject
from linepipe_core._store.prune_rows import Limits
from linepipe_core._store.rows import Released

T_co = TypeVar("T_co", covariant=True)

MAX_VERSIONS: Final = "max_versions"  # the setting


class Reduction(Protocol[T_co]):
    """A change that may take things off the shelf.

    Attributes:
        released: what that set free.
    """

    released: Released

    def apply(self, connection: sqlite3.Connection) -> T_co:
        """Make the change."""


class Result(NamedTuple):
    """The outputs of one node in one run, as they are to be stored.

    Attributes:
        key: under what it is found again, with its record; None for what no node made.
        record: the record's text.
        read: a hash of what the node read; by it results are found that were made from the same.
        node: the name of the node that made it; None if none did.
        about: name -> text to keep beside the object.
        drop: names to take off the shelf, with all their versions.
        partition: the partition that it belongs to; empty for the shelf's own.
        max_versions: how many results of the key are kept; None for as many as the shelf says.
        is_single: True if it takes the place of the one before that was so, too.
    """

    key: str | None = None
    record: str | None = None
    read: str | None = None
    node: str | None = None
    about: Mapping[str, str | None] = MappingProxyType({})
    drop: Iterable[str] = ()
    partition: str = ""
    max_versions: int | None = None
    is_single: bool = False


class Written(NamedTuple):
    """The objects that one write has put on the shelf.

    Attributes:
        number: the result's.
        objects: name -> the object as it was stored.
    """

    number: int
    objects: Mapping[str, ShelfObject]


class Put:
    """Store a draft as a result. Gives None where buffers are gone that it relied on."""

    def __init__(self, draft: Draft, result: Result, files: BufferFiles) -> None:
        self.draft = draft
        self.result = result
        self.files = files
        self.released = Released()

    def apply(self, connection: sqlite3.Connection) -> Written | None:
        self.released = Released()
        draft, result = self.draft, self.result
        if not draft.is_complete(connection):
            return None
        draft.place(connection, result.about)
        made = {name: ShelfObject(row, self.files) for name, row in draft.rows.items()}
        number = self._replace(connection)
        if number is not None:
            return Written(number, made)
        number = result_rows.add_result(
            connection,
            result.partition,
            result.key,
            result.node,
            result.record,
            result.read,
            result.is_single,
        )
        for name, row in draft.rows.items():
            result_rows.set_version(connection, result.partition, name, number, row.digest)
        for name in draft.refused:
            result_rows.hide(connection, result.partition, name, self.released)
        for name in result.drop:
            result_rows.drop_name(connection, result.partition, name, self.released)
        n_versions = result.max_versions
        if n_versions is None:
            n_versions = rows.setting(connection, MAX_VERSIONS, result_rows.MAX_VERSIONS)
        result_rows.retain(connection, number, draft.rows, n_versions, self.released)
        return Written(number, made)

    def _replace(self, connection: sqlite3.Connection) -> int | None:
        """Put one object that no node made in the place of the last one, if that is all."""
        draft, result = self.draft, self.result
        if (result.key, result.record, result.node) != (None, None, None) or len(draft.rows) != 1:
            return None
        if draft.refused or result.drop:
            return None
        ((name, row),) = draft.rows.items()
        return result_rows.replace_by_hand(
            connection, result.partition, name, row.digest, self.released
        )


class Keep:
    """Store a draft without names, for a run of the history; None as for `Put`."""

    def __init__(self, draft: Draft, run: int) -> None:
        self.draft = draft
        self.run = run

    def apply(self, connection: sqlite3.Connection) -> bool | None:
        if not self.draft.is_complete(connection):
            return None
        self.draft.place(connection)
        run_rows.mention(connection, self.run, [row.digest for row in self.draft.rows.values()])
        return True


class Find:
    """Find an object by its name, under the lock."""

    def __init__(self, partition: str, name: str, files: BufferFiles) -> None:
        self.partition = partition
        self.name = name
        self.files = files

    def apply(self, connection: sqlite3.Connection) -> ShelfObject | None:
        row = rows.find(connection, self.partition, self.name)
        return None if row is None else ShelfObject(row, self.files)


class Use:
    """Let a result's names give its objects in a partition, and note others as used, too.

    Gives the numbers of those that are used now.
    """

    def __init__(self, number: int, others: Collection[int], partition: str) -> None:
        self.number = number
        self.others = others
        self.partition = partition

    def apply(self, connection: sqlite3.Connection) -> set[int]:
        used = use_rows.note_used(connection, self.others, self.partition)
        if use_rows.use(connection, self.number, self.partition):
            used.add(self.number)
        return used


class Take:
    """Take a name off the shelf, with all its versions; if ``digest``, only if it gives that."""

    def __init__(self, partition: str, name: str, digest: str | None = None) -> None:
        self.partition = partition
        self.name = name
        self.digest = digest
        self.released = Released()

    def apply(self, connection: sqlite3.Connection) -> bool:
        self.released = Released()
        found = result_rows.current_digest(connection, self.partition, self.name)
        if found is None or self.digest not in (None, found):
            return False
        result_rows.drop_name(connection, self.partition, self.name, self.released)
        return True


class DropVersion:
    """Take the object off the shelf that a name gives now, and no other version of it."""

    def __init__(self, partition: str, name: str) -> None:
        self.partition = partition
        self.name = name
        self.released = Released()

    def apply(self, connection: sqlite3.Connection) -> None:
        self.released = Released()
        result_rows.drop_version(connection, self.partition, self.name, self.released)


class BeginRun:
    """Begin a run of the history; the oldest leave."""

    def __init__(self) -> None:
        self.released = Released()

    def apply(self, connection: sqlite3.Connection) -> int:
        self.released = Released()
        return run_rows.add_run(connection, self.released)


class AddEntry:
    """Add an entry to a run, and keep the objects that it mentions."""

    def __init__(self, run: int, text: str, digests: Sequence[str]) -> None:
        self.run = run
        self.text = text
        self.digests = digests

    def apply(self, connection: sqlite3.Connection) -> None:
        run_rows.add_entry(connection, self.run, self.text)
        run_rows.mention(connection, self.run, self.digests)


class Prune:
    """Remove one batch of what is beyond limits; gives the names, and True if there is more."""

    def __init__(self, limits: Limits, batch: int) -> None:
        self.limits = limits
        self.batch = batch
        self.released = Released()

    def apply(self, connection: sqlite3.Connection) -> tuple[list[str], bool]:
        self.released = Released()
        return prune_rows.prune(connection, self.limits, self.batch, self.released)


class Clear:
    """Remove everything but the settings."""

    def __init__(self) -> None:
        self.released = Released()

    def apply(self, connection: sqlite3.Connection) -> None:
        self.released = Released(n_buffers=prune_rows.clear(connection))


class SetSetting:
    """Keep a number with the shelf."""

    def __init__(self, name: str, value: int) -> None:
        self.name = name
        self.value = value

    def apply(self, connection: sqlite3.Connection) -> None:
        rows.set_setting(connection, self.name, self.value)


class RemoveUnused:
    """Remove the files of those buffers that no object uses, and of all that are doomed.

    Under the lock, so that no store has just come to rely on one of them. One that can't be
    removed is doomed, for a later opening. Gives the number of those that were removed.
    """

    def __init__(self, digests: Sequence[str], files: BufferFiles) -> None:
        self.digests = digests
        self.files = files

    def apply(self, connection: sqlite3.Connection) -> int:
        rows.check_writable(connection)
        doomed = rows.doomed(connection)
        unused = [
            digest
            for digest in dict.fromkeys((*doomed, *self.digests))
            if not rows.has_buffer(connection, digest)
        ]
        left = self.files.remove(unused)
        rows.set_doomed(connection, left, instead_of=doomed)
        return len(unused) - len(left)
