"""The store below the shelf: the one place where index and buffer files are changed together.

The shelf, a run's registry and its session use it. It keeps the promises that no caller sees:
what goes on is there whole or not at all, what comes off leaves the disk, what a killed writer
left is swept, and a reader who meets a writer looks again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Self, TypeVar

from linepipe_core._errors import ShelfError, ShelfWriteError
from linepipe_core._log import SHELF_LOG
from linepipe_core._store import rows
from linepipe_core._store.buffers import BufferFiles
from linepipe_core._store.changes import (
    AddEntry,
    BeginRun,
    Find,
    Keep,
    Put,
    Reduction,
    RemoveUnused,
    Result,
    Take,
)
from linepipe_core._store.database import Index
from linepipe_core._store.draft import Draft, write_error
from linepipe_core._store.opening import open_index
from linepipe_core._store.packing import ShelfObject, check_name
from linepipe_core._store.rows import ObjectInfo, Released

T = TypeVar("T")

__all__ = ["CurrentObject", "Draft", "Result", "Store"]


class CurrentObject(NamedTuple):
    """What the index has of a name's object.

    Attributes:
        digest: the hash of its pickle and buffers.
        about: the text that was kept beside it.
    """

    digest: str
    about: str | None


class Store:
    """The index and the buffer files at a path, opened and swept.

    Args:
        path: the index file; it and the folder ``<path>.buffers`` are made if they are
            missing.

    Attributes:
        path: the same, absolute.
        index: for queries and small changes that touch no file.
        files: the buffer files.

    Raises:
        ShelfPathError: the path holds something else, or can't hold a shelf.
        ShelfTrustError: somebody else owns what lies there, or may write it.
        ShelfError: its index is damaged.
    """

    files: BufferFiles
    index: Index

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.realpath(os.fspath(path))
        self.files = BufferFiles(self.path + ".buffers")
        self.index = open_index(self.path, self.files)
        try:
            self._sweep()
        except BaseException:
            self.index.close()
            raise

    @property
    def is_closed(self) -> bool:
        """True after `close`."""
        return self.index.is_closed

    def sync(self) -> None:
        """Wait until what was stored would survive a power cut, too."""
        self.index.sync()

    def close(self) -> None:
        """Close the store; a second time does nothing. Values read from it stay good."""
        self.index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "index"):
            with suppress(Exception):  # the interpreter may be half gone
                self.close()

    # --- writing ------------------------------------------------------------------------------

    def draft(self, objects: Mapping[str, Any]) -> Draft:
        """Pickle and hash objects, and write their new buffers, as a context manager.

        Raises:
            TypeError: a name isn't a str.
            ValueError: a name is empty.
            ShelfWriteError: a buffer can't be written.
        """
        return Draft(objects, self.index, self.files)

    def write(self, draft: Draft, result: Result) -> dict[str, ShelfObject]:
        """Store a draft and its record, in one transaction.

        The older value of a name that the draft refuses leaves the shelf, so that it can't be
        read back as if it were new.

        Returns:
            Name -> the object as it was stored, also when another process has replaced it since.

        Raises:
            ShelfWriteError: the shelf can't be written; it is as it was before.
            ShelfError: its index is damaged.
        """
        change = Put(draft, result, self.files)
        written = self._commit(draft, change)
        while written is None:
            written = self._commit(draft, change)
        self._remove_unused(change.released.buffers)
        return written

    def store(self, objects: Mapping[str, Any], result: Result) -> dict[str, ShelfObject]:
        """Draft and write objects."""
        with self.draft(objects) as draft:
            return self.write(draft, result)

    def _commit(self, draft: Draft, change: Put) -> dict[str, ShelfObject] | None:
        try:
            written = self.index.write(change)
            if written is None:
                draft.complete()  # some buffers were removed since they were hashed
        except BaseException as error:
            self._remove_unused(draft.placed)
            if isinstance(error, OSError) and not isinstance(error, ShelfError):
                raise write_error(self.path, error) from error
            raise
        return written

    def take(self, names: Sequence[str], digest: str | None = None) -> list[str]:
        """Take names off the shelf.

        Args:
            names: what to remove, if it is there.
            digest: the digest that their object must have still; None for any.

        Returns:
            The names that were removed by this call.
        """
        return self.reduce(Take(names, digest))

    def reduce(self, change: Reduction[T]) -> T:
        """Take things off the shelf in one transaction."""
        try:
            changed = self.index.write(change)
        except ShelfWriteError:
            if not change.released.buffers:
                raise
            # A full disk has no room even for the log of a removal. So the files go first:
            # if we are killed now, their objects count as missing, and they were to go.
            self.files.remove(change.released.buffers)
            changed = self.index.write(change)
        self._remove_unused(change.released.buffers)
        return changed

    # --- reading ------------------------------------------------------------------------------

    def find(self, name: str) -> ShelfObject | None:
        """An object as it is now, to be loaded later; None where there is none or it is bad.

        Raises:
            ShelfError: the index is damaged.
            ValueError: the store is closed.
        """
        check_name(name)
        try:
            return self._located(name)
        except (OSError, ValueError) as error:
            if self.is_closed or isinstance(error, ShelfError):
                raise
            self.warn_of(name, error)
            return None

    def _located(self, name: str) -> ShelfObject | None:
        try:
            with self.index.reading() as connection:
                row = rows.find(connection, name)
                return None if row is None else ShelfObject(row, self.files)
        except (OSError, ValueError) as error:
            # A writer may have replaced the object since its row was read. Under the lock
            # nobody can, so what is bad then is bad.
            try:
                return self.index.write(Find(name, self.files))
            except ShelfWriteError:  # no lock to be had
                raise error from None

    def find_digest(self, digest: str) -> ShelfObject | None:
        """The object of that digest, named or not; None where there is none or it is bad."""
        with self.index.reading() as connection:
            row = rows.find_object(connection, digest)
        try:
            return None if row is None else ShelfObject(row, self.files)
        except (OSError, ValueError) as error:
            self.warn_of(digest, error)
            return None

    def warn_of(self, name: str, error: Exception) -> None:
        """Log that an object can't be read."""
        SHELF_LOG.warning(
            "object %r on the shelf %s can't be read and counts as missing: %s: %s",
            name, self.path, type(error).__name__, error,
        )  # fmt: skip

    def has(self, name: str) -> bool:
        """Return True if there is an object of that name, and its buffers are whole."""
        with self.index.reading() as connection:
            row = rows.find(connection, name)
        return row is not None and all(self.files.is_whole(*buffer) for buffer in row.buffers)

    def names(self) -> list[str]:
        """The names whose object's buffers are all there, in order."""
        with self.index.reading() as connection:
            named = rows.digests(connection)
            broken = self._broken(connection)
        return [name for name, digest in named.items() if digest not in broken]

    def all_names(self) -> list[str]:
        """Every name, in order; no file is looked at."""
        with self.index.reading() as connection:
            return rows.names(connection)

    def current(self, names: Iterable[str]) -> dict[str, CurrentObject]:
        """What the index has of the objects of these names, without reading any."""
        found = {}
        with self.index.reading() as connection:
            for name in names:
                row = rows.find(connection, name)
                if row is not None and all(self.files.is_whole(*each) for each in row.buffers):
                    about = rows.record(connection, f"object {name}")
                    found[name] = CurrentObject(row.digest, about)
        return found

    def record(self, key: str) -> str | None:
        """The text of the newest result of that key."""
        with self.index.reading() as connection:
            return rows.record(connection, key)

    def infos(self) -> list[ObjectInfo]:
        """What is known of every object, in the names' order."""
        with self.index.reading() as connection:
            return rows.infos(connection, self._broken(connection))

    def _broken(self, connection: Any) -> set[str]:
        """The objects of which a buffer isn't there in its full size."""
        buffers = rows.known_buffers(connection)
        bad = [d for d, n_bytes in buffers.items() if not self.files.is_whole(d, n_bytes)]
        return rows.users(connection, bad)

    # --- history ------------------------------------------------------------------------------

    def begin_run(self) -> int:
        """Begin a run of the history; the oldest leave. Returns its number."""
        return self.reduce(BeginRun())

    def keep(self, draft: Draft, run: int) -> None:
        """Store a draft without names, for as long as the history keeps the run.

        Raises:
            ShelfWriteError: the shelf can't be written.
        """
        while not self.index.write(Keep(draft, run)):
            draft.complete()

    def add_entry(self, run: int, text: str, digests: Iterable[str]) -> None:
        """Add an entry to a run, and keep the objects that it mentions.

        Raises:
            ShelfWriteError: the shelf can't be written.
        """
        self.index.write(AddEntry(run, text, [*digests]))

    def runs(self) -> list[int]:
        """The runs that the history keeps, the oldest first."""
        with self.index.reading() as connection:
            return rows.runs(connection)

    def entries(self, run: int) -> Iterator[str]:
        """The entries of a run, in order, as they were added."""
        with self.index.reading() as connection:
            return iter(rows.entries(connection, run))

    # --- sweeping -----------------------------------------------------------------------------

    def _remove_unused(self, digests: Sequence[str]) -> None:
        """Remove the files of buffers that nothing uses; what fails is left for a later sweep."""
        if digests:
            with suppress(ShelfError):
                self.index.write(RemoveUnused(digests, self.files))

    def release(self, released: Released) -> None:
        """Remove the files that a change set free."""
        self._remove_unused(released.buffers)

    def _sweep(self) -> None:
        """Remove what killed writers left."""
        n_drafts = self.files.sweep_drafts()
        with self.index.reading() as connection:
            known = rows.known_buffers(connection)
        orphans = [digest for digest in self.files.names() if digest not in known]
        self._remove_unused(orphans)
        if n_drafts or orphans:
            SHELF_LOG.info("swept what an interrupted write left on the shelf %s", self.path)
