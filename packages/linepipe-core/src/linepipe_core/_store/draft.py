"""Brings the objects of one store onto the disk, as far as that goes without a lock.

Apart from the store because it is the slow half: pickling, hashing, writing and syncing hold
no lock. The quick half (`place`: checking which buffers are still there, linking the others
into their places) runs under the index's write lock, as every removal does, so neither can
pull a file from under the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from linepipe_core._errors import ShelfError, ShelfWriteError
from linepipe_core._store import rows
from linepipe_core._store.buffers import BufferFiles
from linepipe_core._store.chunks import Job, hash_and_write, probe_of
from linepipe_core._store.database import Index
from linepipe_core._store.mmap import known_digest
from linepipe_core._store.packing import large_views, pickled, rows_of
from linepipe_core._store.rows import Row
from linepipe_core._store.staging import Staging
from linepipe_core._values.out_of_band import Pickled, Unpicklable


class Draft:
    """Objects that are pickled and hashed; a context manager, whose end removes the drafts.

    Args:
        objects: name -> object.
        index: the shelf's.
        files: the shelf's buffer files.
        staging: this process's folder for files in the making.

    Attributes:
        packs: name -> pickle, of what can be pickled.
        refused: name -> why not, of the rest.
        rows: name -> the row to store.
        placed: the digests whose files `place` put there, or was about to.

    Raises:
        TypeError: a name isn't a str.
        ValueError: a name is empty.
    """

    def __init__(
        self, objects: Mapping[str, Any], index: Index, files: BufferFiles, staging: Staging
    ) -> None:
        self.packs: dict[str, Pickled]
        self.refused: dict[str, Unpicklable]
        self.packs, self.refused = pickled(objects)
        self.rows: dict[str, Row] = {}
        self.placed: list[str] = []
        self._types = {name: type(objects[name]) for name in self.packs}
        self._index = index
        self._files = files
        self._views = [view for pack in self.packs.values() for view in large_views(pack)]
        self._digests: tuple[str, ...] = ()
        self._drafts: dict[str, str] = {}
        self._missing: set[str] = set()
        self._staging = staging
        self._names: list[str] = []

    @property
    def digests(self) -> dict[str, str]:
        """Name -> digest of each object that can be stored."""
        return {name: row.digest for name, row in self.rows.items()}

    def __enter__(self) -> Self:
        """Hash every buffer, and write those that can't be there yet in the same pass.

        Raises:
            ShelfWriteError: one can't be written.
        """
        try:
            if self._views:
                self._prepare()
            self.rows = rows_of(self.packs, self._types, iter(self._digests))
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            if isinstance(error, OSError) and not isinstance(error, ShelfError):
                raise write_error(self._index.path, error) from error
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The views keep the objects' memory alive, and what stays in memory is moved, not copied.
        self._views = []
        self.packs = {}
        while self._names:
            with suppress(OSError):
                self._files.folder.unlink(self._names.pop())

    def _prepare(self) -> None:
        known = [known_digest(view) for view in self._views]
        jobs = self._jobs([v for v, d in zip(self._views, known, strict=True) if not d])
        hash_and_write(jobs)
        hashed = iter(jobs)
        self._digests = tuple(digest or next(hashed).digest() for digest in known)
        self._keep(jobs)

    def _jobs(self, views: Sequence[memoryview]) -> list[Job]:
        """Hash these, and write those that can't be on the shelf: they differ in a sample."""
        probes = [probe_of(view) for view in views]
        may_be_there = {probe for probe in probes if self._index.read(rows.has_probe, probe)}
        jobs = []
        for view, probe in zip(views, probes, strict=True):
            jobs.append(Job(view) if probe in may_be_there else self._writing(view))
            may_be_there.add(probe)  # a second one like it in this store
        return jobs

    def is_complete(self, connection: sqlite3.Connection) -> bool:
        """Return True if each buffer is on the shelf or drafted; `complete` drafts the rest."""
        self._missing = {
            digest
            for digest, view in zip(self._digests, self._views, strict=True)
            if digest not in self._drafts and not self._is_there(connection, digest, view)
        }
        return not self._missing

    def complete(self) -> None:
        """Draft the buffers that `is_complete` found missing, as they are now.

        Another thread may have written to one since it was hashed: it is another object then.

        Raises:
            OSError: one can't be written.
            ShelfWriteError: a file that one was read from isn't what was written.
        """
        digests = list(self._digests)
        jobs = {
            place: self._writing(view)  # each, for only one of two equal ones may have changed
            for place, view in enumerate(self._views)
            if digests[place] in self._missing
        }
        hash_and_write([*jobs.values()])
        self._keep([*jobs.values()])
        for place, job in jobs.items():
            if job.digest() != digests[place] and known_digest(job.view) == digests[place]:
                raise ShelfWriteError(
                    "an object isn't what it was: a file that it was read from is damaged\n"
                    "  run again what makes it",
                    self._files.folder.path,
                )
            digests[place] = job.digest()
        self._digests = tuple(digests)
        self.rows = rows_of(self.packs, self._types, iter(digests))

    def place(
        self, connection: sqlite3.Connection, about: Mapping[str, str | None] | None = None
    ) -> None:
        """Link the drafts into their places and add their rows; the write lock is held.

        Args:
            connection: the index's.
            about: name -> text to keep beside the object.

        Raises:
            OSError: one can't be renamed.
        """
        about = about or {}
        for digest, view in zip(self._digests, self._views, strict=True):
            if digest in self._drafts and not self._is_there(connection, digest, view):
                intent = self._staging.new_name(digest)  # by which a sweep finds the buffer
                self._names.append(intent)
                self._files.folder.rename(self._drafts.pop(digest), intent)
                self._drafts[digest] = intent
                self.placed.append(digest)
                self._files.place(intent, digest)
                rows.add_buffer(connection, digest, view.nbytes, probe_of(view))
        if self.placed:
            self._files.sync()
        for name, row in self.rows.items():
            rows.add_object(connection, row, about.get(name))

    def leave_placed(self) -> None:
        """Leave the names by which a sweep finds what was placed and couldn't be removed."""
        self._names = [name for name in self._names if not name.rpartition("/")[2][:1].isalnum()]

    def _is_there(self, connection: sqlite3.Connection, digest: str, view: memoryview) -> bool:
        return rows.has_buffer(connection, digest) and self._files.is_whole(digest, view.nbytes)

    def _keep(self, jobs: Sequence[Job]) -> None:
        self._drafts.update((job.digest(), job.name) for job in jobs if job.name)

    def _writing(self, view: memoryview) -> Job:
        """A job that writes the buffer, too."""
        name = self._staging.new_name()
        self._names.append(name)
        return Job(view, self._files.folder, name)


def write_error(path: str, error: OSError) -> ShelfWriteError:
    """The error for a shelf whose files can't be written."""
    return ShelfWriteError(
        f"the shelf at {path} can't be written: {error}\n"
        "  what was there stays; see to the disk's space and the folder's permissions",
        path,
    )
