"""The store below the shelf: the one place where index and buffer files are changed together.

The shelf, a run's registry and its session use it. It keeps the promises that no caller sees:
what goes on is there whole or not at all, what comes off leaves the disk once that is certain,
what a killed writer left is swept, and a reader who meets a writer looks again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Self, TypeVar

from linepipe_core._errors import ShelfError, ShelfWriteError
from linepipe_core._log import shelf_log
from linepipe_core._store import result_rows, rows, run_rows
from linepipe_core._store.buffers import BadBytesError, BufferFiles
from linepipe_core._store.changes import (
    MAX_VERSIONS,
    AddEntry,
    BeginRun,
    Clear,
    DropVersion,
    Find,
    Keep,
    Prune,
    Put,
    Reduction,
    RemoveUnused,
    Result,
    SetSetting,
    Take,
    Use,
    Written,
)
from linepipe_core._store.database import Change
from linepipe_core._store.draft import Draft, write_error
from linepipe_core._store.facts import FactsFile
from linepipe_core._store.folder import RESERVE
from linepipe_core._store.info import ObjectInfo
from linepipe_core._store.mmap import Buffer
from linepipe_core._store.opening import open_shelf, write_reserve
from linepipe_core._store.packing import ShelfObject, check_name, is_passing, read_error
from linepipe_core._store.prune_rows import Limits
from linepipe_core._store.result_rows import StoredOutput, StoredResult
from linepipe_core._store.sqlite_errors import has_no_room
from linepipe_core._store.stored_results import StoredResults

T = TypeVar("T")

__all__ = ["CurrentObject", "Draft", "Result", "Store", "StoredOutput", "StoredResult", "Written"]


class CurrentObject(NamedTuple):
    """The index's entry for a name's object.

    Attributes:
        digest: the hash of its pickle and buffers.
        about: the text that was kept beside it.
    """

    digest: str
    about: str | None


class Store:
    """The shelf in a folder, opened and swept.

    Args:
        path: the folder, made if it is missing; ``~`` is expanded.

    Attributes:
        path: the same, absolute, its links resolved.
        index: for queries and changes that touch no file.
        files: the buffer files.
        staging: this process's folder for files in the making.
        results: what nodes made, with their records.
        facts: what is known of the sources of code.

    Raises:
        ShelfPathError: the path holds something else, or can't hold a shelf.
        ShelfTrustError: others own it, or may put another in its place.
        ShelfReadError: it can't be read just now.
        ShelfWriteError: it can't be made.
        ShelfError: its index is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.folder, self.staging, self.index = open_shelf(path)
        self.path = self.folder.path
        self.files = BufferFiles(self.folder)
        self.results = StoredResults(self.index)
        self.facts = FactsFile(self.folder, self.staging, self.index.is_readonly)
        try:
            self._sweep()
        except BaseException:
            self.close()
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
        self.staging.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "files"):
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
        return Draft(objects, self.index, self.files, self.staging)

    def write(self, draft: Draft, result: Result) -> Written:
        """Store a draft and its record as one result, in one transaction.

        Its names give its objects from then on; a name that the draft refuses gives nothing, so
        that an older value can't be read back as if it were new. Results beyond
        `max_versions` leave whole, the least lately used first.

        Returns:
            The result, its objects as they were stored, also when another process has
            replaced them since.

        Raises:
            ShelfWriteError: the shelf can't be written; it is as it was before.
            ShelfError: its index is damaged.
        """
        change = Put(draft, result, self.files)
        written = self._commit(draft, change)
        if change.released.n_buffers:
            self.remove_doomed()
        return written

    def _commit(self, draft: Draft, change: Change[T | None]) -> T:
        """Apply a change that places a draft, until all that it relies on is there."""
        while True:
            try:
                done = self.index.write(change)
                if done is not None:
                    return done
                draft.complete()  # some buffers were removed since they were hashed
            except BaseException as error:
                if draft.placed and not self._remove_unused(draft.placed):
                    draft.leave_placed()
                if isinstance(error, OSError) and not isinstance(error, ShelfError):
                    raise write_error(self.path, error) from error
                raise

    def use(self, number: int, others: Collection[int] = (), partition: str = "") -> set[int]:
        """Let the names of a result give its objects in a partition, as it is used now.

        Args:
            number: the result's.
            others: those of results that will be used soon. Where they are the partition's and
                current, that they are used is noted along; what their names give stays.
            partition: the partition.

        Returns:
            The numbers of those that are noted as used; the others may have been removed.
        """
        return self.index.write(Use(number, others, partition))

    def take(self, name: str, digest: str | None = None, partition: str = "") -> bool:
        """Take a name off the shelf, with all its versions.

        Args:
            name: the name.
            digest: the digest that its object must have still; None for any.
            partition: the partition.

        Returns:
            True if this call has removed it.
        """
        return self.reduce(Take(partition, name, digest))

    def drop_version(self, name: str, partition: str = "") -> None:
        """Take the object off the shelf that a name gives now, and no other version of it."""
        self.reduce(DropVersion(partition, name))

    def reduce(self, change: Reduction[T]) -> T:
        """Take things off the shelf in one transaction, also on a full disk.

        Raises:
            ShelfWriteError: the shelf can't be written.
        """
        try:
            changed = self.index.write(change)
        except ShelfWriteError as error:
            if not has_no_room(error.__cause__):
                raise
            # Even the log of a removal needs room: that is what the reserve is for.
            with suppress(OSError):
                self.folder.unlink(RESERVE)
            self.index.checkpoint()
            changed = self.index.write(change)
        if change.released.n_buffers:
            self.remove_doomed()
        return changed

    def clear(self) -> None:
        """Remove everything but the settings; the disk space too."""
        self.reduce(Clear())
        self._shrink()

    def prune(self, limits: Limits) -> list[str]:
        """Remove what is beyond the limits, the least lately used first.

        Returns:
            The names that give nothing any more.
        """
        gone: list[str] = []
        is_more = True
        while is_more:
            # Small steps where the disk is full: each step's log must find room.
            has_reserve = self._has_reserve()
            names, is_more = self.reduce(Prune(limits, 200 if has_reserve else 10))
            gone += names
            if not has_reserve:
                self.index.checkpoint()
        self._shrink()
        return gone

    def _shrink(self) -> None:
        self.index.shrink(2_000 if self._has_reserve() else 20)
        with suppress(OSError):
            write_reserve(self.folder, self.staging)

    def _has_reserve(self) -> bool:
        """Return True if space is set aside; if nobody can tell, the disk may well be full."""
        try:
            return self.folder.exists(RESERVE)
        except OSError:
            return False

    def remove_doomed(self) -> None:
        """Remove the files that the last commit dropped: first that commit must be durable.

        A power cut gives the old value or the new one then, and never a name without its file.
        """
        try:
            self.index.sync_log()
        except OSError:  # they stay doomed, for the next opening
            return
        with suppress(ShelfError):
            self.index.write(RemoveUnused((), self.files))

    def _remove_unused(self, digests: Sequence[str]) -> bool:
        """Remove the files of buffers that nothing uses. Returns True if that went well."""
        try:
            self.index.write(RemoveUnused(digests, self.files))
        except ShelfError:
            return False
        return True

    @property
    def max_versions(self) -> int:
        """How many results of a name and partition are kept."""
        return self.index.read(rows.setting, MAX_VERSIONS, result_rows.MAX_VERSIONS)

    @max_versions.setter
    def max_versions(self, n: int) -> None:
        self.index.write(SetSetting(MAX_VERSIONS, n))

    # --- reading ------------------------------------------------------------------------------

    def find(self, name: str, partition: str = "") -> ShelfObject | None:
        """An object as it is now, to be loaded later; None where there is none or it is bad.

        Raises:
            ShelfReadError: it can't be read just now.
            ShelfError: the index is damaged.
            ValueError: the store is closed.
        """
        check_name(name)
        return self._readable(name, lambda: self._located(name, partition), None)

    def _located(self, name: str, partition: str) -> ShelfObject | None:
        row = self.index.read(rows.find, partition, name)
        try:
            return None if row is None else ShelfObject(row, self.files)
        except BadBytesError as error:
            # A writer may have replaced the object since its row was read. Under the lock
            # nobody can, so what is bad then is bad.
            try:
                return self.index.write(Find(partition, name, self.files))
            except ShelfWriteError:  # no lock to be had
                raise error from None

    def find_digest(self, digest: str) -> ShelfObject | None:
        """The object of that digest, named or not; None where there is none or it is bad.

        Raises:
            ShelfReadError: it can't be read just now.
        """
        row = self.index.read(rows.find_object, digest)
        return None if row is None else self.pinned(row)

    def rows_of(self, digests: Iterable[str]) -> dict[str, rows.Row]:
        """The index's entries for the objects of these digests, for those that there are.

        Raises:
            ShelfReadError: they can't be read just now.
        """
        return self.index.read(rows.find_objects, digests)

    def pinned(
        self, row: rows.Row, maps: dict[tuple[str, int], Buffer] | None = None
    ) -> ShelfObject | None:
        """The object of an entry, to be loaded later; None where it is bad.

        Args:
            row: the entry.
            maps: those buffers, by digest and size, that it is to share; as for `ShelfObject`.

        Raises:
            ShelfReadError: it can't be read just now.
        """
        if not row.buffers:  # all of it is in the entry
            return ShelfObject(row, self.files)
        return self._readable(row.digest, partial(ShelfObject, row, self.files, maps), None)

    def load(self, name: str, found: ShelfObject, default: Any) -> Any:
        """The object that was found; ``default``, and a warning, where it is bad.

        Raises:
            ShelfReadError: it can't be read just now.
        """
        return self._readable(name, found.take, default)

    def _readable(self, name: str, read: Callable[[], T], default: T) -> T:
        try:
            return read()
        except Exception as error:  # unpickling may raise anything
            if self.is_closed or isinstance(error, ShelfError):
                raise
            if is_passing(error) and not isinstance(error, BadBytesError):
                raise read_error(self.path, error) from error
            shelf_log().warning(
                "object %r on the shelf %s can't be read and counts as missing: %s: %s",
                name, self.path, type(error).__name__, error,
            )  # fmt: skip
            return default

    def has(self, name: str, partition: str = "") -> bool:
        """Return True if there is an object of that name, and its buffers are whole."""
        row = self.index.read(rows.find, partition, name)
        return row is not None and self.is_whole(row)

    def names(self, partition: str = "") -> list[str]:
        """The names whose object's buffers are all there, in order."""
        broken = self._broken()
        named = self.index.read(rows.digests, partition)
        return [name for name, digest in named.items() if digest not in broken]

    def all_names(self, partition: str = "") -> list[str]:
        """Every name that has an object, in order; no file is looked at."""
        return self.index.read(rows.names, partition)

    def current(self, names: Iterable[str], partition: str = "") -> dict[str, CurrentObject]:
        """The index's entries for the objects of these names, if they are whole. Reads none."""
        found = self.index.read(rows.find_all, partition, names)
        return {
            name: CurrentObject(row.digest, row.about)
            for name, row in found.items()
            if self.is_whole(row)
        }

    def info_of(self, name: str, partition: str = "") -> ObjectInfo | None:
        """The ObjectInfo of the object that a name gives."""
        return self.index.read(rows.info_of, partition, name)

    def infos(self) -> list[ObjectInfo]:
        """The ObjectInfo of every object that a name gives, by partition and name."""
        return self.index.read(rows.infos, self._broken())

    def is_whole(self, stored: rows.Row | StoredOutput) -> bool:
        """Return True if all buffers of an object are there in their full size."""
        try:
            return all(self.files.is_whole(*buffer) for buffer in stored.buffers)
        except OSError as error:
            raise read_error(self.path, error) from error

    def _broken(self) -> set[str]:
        """The objects of which a buffer isn't there in its full size."""
        buffers = self.index.read(rows.known_buffers)
        try:
            bad = [d for d, n_bytes in buffers.items() if not self.files.is_whole(d, n_bytes)]
        except OSError as error:
            raise read_error(self.path, error) from error
        return self.index.read(rows.users, bad)

    # --- history ------------------------------------------------------------------------------

    def begin_run(self) -> int:
        """Begin a run of the history; the oldest leave. Returns its number."""
        return self.reduce(BeginRun())

    def keep(self, draft: Draft, run: int) -> None:
        """Store a draft without names, for as long as the history keeps the run.

        Raises:
            ShelfWriteError: the shelf can't be written.
        """
        self._commit(draft, Keep(draft, run))

    def add_entry(self, run: int, text: str, digests: Iterable[str]) -> None:
        """Add an entry to a run, and keep the objects that it mentions.

        Raises:
            ShelfWriteError: the shelf can't be written.
        """
        self.index.write(AddEntry(run, text, [*digests]))

    def runs(self) -> list[int]:
        """The runs that the history keeps, the oldest first."""
        return self.index.read(run_rows.runs)

    def entries(self, run: int) -> list[str]:
        """The entries of a run, in order, as they were added."""
        return self.index.read(run_rows.entries, run)

    # --- sweeping -----------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Remove what killed writers left. Costs what they left, not what lies here."""
        if self.index.is_readonly:
            return
        has_swept = False
        try:
            for left in self.staging.dead():
                # First the buffers: their digests are known from nowhere else.
                self.index.write(RemoveUnused(left.digests(), self.files))
                left.remove()
                has_swept = True
            if self.index.read(rows.doomed):
                self.index.sync_log()  # the one who doomed them may have died before that
                has_swept |= self.index.write(RemoveUnused((), self.files)) > 0
        except ShelfWriteError:  # locked, or the disk is in trouble: a later opening sweeps
            return
        except OSError as error:
            if isinstance(error, ShelfError):
                raise
            return
        if has_swept:
            shelf_log().info("swept what an interrupted write left on the shelf %s", self.path)
