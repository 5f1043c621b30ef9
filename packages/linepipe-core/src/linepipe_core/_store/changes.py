"""The changes of the index: each is a record of what is to be done, decided before it begins.

Apart from the store so that a transaction calls nothing of its callers: `Index.write` takes one
of these and applies it whole or not at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from linepipe_core._store import rows
from linepipe_core._store.buffers import BufferFiles
from linepipe_core._store.draft import Draft
from linepipe_core._store.packing import ShelfObject
from linepipe_core._store.rows import Released

T_co = TypeVar("T_co", covariant=True)


# The history on disk keeps this many of the newest runs; `prune(keep_runs=)` keeps fewer.
KEPT_RUNS = 20


class Reduction(Protocol[T_co]):
    """A change that takes things off the shelf.

    Attributes:
        released: the buffers that nothing uses any more; their files go after the commit.
    """

    released: Released

    def apply(self, connection: sqlite3.Connection) -> T_co:
        """Make the change."""


@dataclass(frozen=True, slots=True)
class Result:
    """One node's outputs as they are to be stored.

    Attributes:
        key: under what its record is found again; None where there is no record.
        record: the record's text.
        node: the name of the node that made it; None if none did.
        about: name -> text to keep beside the object.
        drop: names to remove, if they are there and aren't stored now.
    """

    key: str | None = None
    record: str | None = None
    node: str | None = None
    about: Mapping[str, str | None] = field(default_factory=dict)
    drop: Iterable[str] = ()


@dataclass(slots=True)
class Put:
    """Store a draft as a result. Gives None where buffers are gone that it relied on."""

    draft: Draft
    result: Result
    files: BufferFiles
    released: Released = field(default_factory=Released)

    def apply(self, connection: sqlite3.Connection) -> dict[str, ShelfObject] | None:
        self.released.clear()
        draft, result = self.draft, self.result
        if not draft.is_complete(connection):
            return None
        draft.place(connection)
        made = draft.rows
        older = [
            rows.set_name(connection, name, row.digest, result.node) for name, row in made.items()
        ]
        older += [
            rows.drop_name(connection, name)
            for name in {*result.drop, *draft.refused}
            if name not in made
        ]
        rows.release(connection, older, self.released)
        texts = {f"object {name}": text for name, text in result.about.items()}
        if result.key is not None:
            texts[result.key] = result.record
        rows.set_records(connection, texts.items())
        return {name: ShelfObject(row, self.files) for name, row in made.items()}


@dataclass(slots=True)
class Keep:
    """Store a draft without names, for a run of the history that mentions it."""

    draft: Draft
    run: int

    def apply(self, connection: sqlite3.Connection) -> bool:
        if not self.draft.is_complete(connection):
            return False
        self.draft.place(connection)
        rows.mention(connection, self.run, [row.digest for row in self.draft.rows.values()])
        return True


@dataclass(slots=True)
class Find:
    """Find an object by its name, under the lock."""

    name: str
    files: BufferFiles

    def apply(self, connection: sqlite3.Connection) -> ShelfObject | None:
        row = rows.find(connection, self.name)
        return None if row is None else ShelfObject(row, self.files)


@dataclass(slots=True)
class Take:
    """Take names off the shelf; if ``digest`` is given, only those that still name that object."""

    names: Sequence[str]
    digest: str | None = None
    released: Released = field(default_factory=Released)

    def apply(self, connection: sqlite3.Connection) -> list[str]:
        self.released.clear()
        taken, older = [], []
        for name in self.names:
            found = rows.find_digest(connection, name)
            if found is not None and self.digest in (None, found):
                taken.append(name)
                older.append(rows.drop_name(connection, name))
        rows.release(connection, older, self.released)
        return taken


@dataclass(slots=True)
class BeginRun:
    """Begin a run of the history; the oldest beyond `KEPT_RUNS` leave."""

    released: Released = field(default_factory=Released)

    def apply(self, connection: sqlite3.Connection) -> int:
        self.released.clear()
        run = rows.add_run(connection)
        rows.prune(None, None, KEPT_RUNS, connection, self.released)
        return run


@dataclass(slots=True)
class AddEntry:
    """Add an entry to a run, and keep the objects that it mentions."""

    run: int
    text: str
    digests: Sequence[str]

    def apply(self, connection: sqlite3.Connection) -> None:
        rows.add_entry(connection, self.run, self.text)
        rows.mention(connection, self.run, self.digests)


@dataclass(slots=True)
class Prune:
    """Remove the oldest names and runs (see `ObjectShelf.prune`)."""

    max_bytes: int | None
    older_than: float | None
    keep_runs: int | None
    released: Released = field(default_factory=Released)

    def apply(self, connection: sqlite3.Connection) -> list[str]:
        self.released.clear()
        limits = self.max_bytes, self.older_than, self.keep_runs
        return rows.prune(*limits, connection, self.released)


@dataclass(slots=True)
class Clear:
    """Remove everything."""

    released: Released = field(default_factory=Released)

    def apply(self, connection: sqlite3.Connection) -> None:
        self.released.clear()
        rows.clear(connection, self.released)


@dataclass(slots=True)
class RemoveUnused:
    """Remove the files of those buffers that no object uses."""

    digests: Sequence[str]
    files: BufferFiles

    def apply(self, connection: sqlite3.Connection) -> None:
        rows.check_writable(connection)
        self.files.remove(d for d in self.digests if not rows.has_buffer(connection, d))
