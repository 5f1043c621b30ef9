"""Brings the large buffers of one store onto the disk, before its transaction and in it.

Apart from the shelf because it is the one place where files and index meet: the slow part
(hashing, writing, syncing) holds no lock; the quick part (checking which buffers are still
there, renaming the others into their places) runs under the index's write lock, as every
removal does, so neither can pull a file from under the other.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence

from linepipe_core._errors import ShelfWriteError
from linepipe_core._store import rows
from linepipe_core._store.buffers import BufferFiles
from linepipe_core._store.chunks import Job, hash_and_write, probe_of
from linepipe_core._store.database import Index
from linepipe_core._store.mmap import known_digest


class Staging:
    """The buffers of one store.

    Attributes:
        digests: the digest of each view, in order, once `prepare` is done.
        placed: the digests whose files `place` put there, or was about to.
    """

    def __init__(self, views: Sequence[memoryview], files: BufferFiles, folder: str) -> None:
        self.digests: tuple[str, ...] = ()
        self.placed: list[str] = []
        self._views = views
        self._files = files
        self._folder = folder
        self._drafts: dict[str, str] = {}
        self._missing: set[str] = set()

    def prepare(self, shelf_index: Index) -> None:
        """Hash every view, and write those that can't be there yet in the same pass.

        Raises:
            OSError: one can't be written.
        """
        known = [known_digest(view) for view in self._views]
        jobs = self._jobs(
            shelf_index, [v for v, d in zip(self._views, known, strict=True) if not d]
        )
        hash_and_write(jobs)
        hashed = iter(jobs)
        self.digests = tuple(digest or next(hashed).digest() for digest in known)
        self._keep(jobs)

    def _jobs(self, shelf_index: Index, views: Sequence[memoryview]) -> list[Job]:
        """Hash these, and write those that can't be on the shelf: they differ in a sample."""
        probes = [probe_of(view) for view in views]
        with shelf_index.reading() as connection:
            may_be_there = {probe for probe in probes if rows.has_probe(connection, probe)}
        jobs = []
        for view, probe in zip(views, probes, strict=True):
            jobs.append(Job(view, None if probe in may_be_there else self._draft_path()))
            may_be_there.add(probe)  # a second one like it in this store
        return jobs

    def is_complete(self, connection: sqlite3.Connection) -> bool:
        """Whether each buffer is on the shelf or drafted; if not, `complete` drafts the rest."""
        self._missing = {
            digest
            for digest, view in zip(self.digests, self._views, strict=True)
            if digest not in self._drafts and not self._is_there(connection, digest, view)
        }
        return not self._missing

    def complete(self) -> None:
        """Draft the buffers that `is_complete` found missing.

        Raises:
            OSError: one can't be written.
            ShelfWriteError: one isn't any more what it was when it was hashed.
        """
        views = dict(zip(self.digests, self._views, strict=True))
        jobs = [Job(views[digest], self._draft_path()) for digest in self._missing]
        hash_and_write(jobs)
        self._keep(jobs)
        if not self._missing <= self._drafts.keys():
            raise ShelfWriteError(
                "an object isn't what it was: another thread writes to it, or what it was read "
                "from is damaged\n  run again what makes it",
                self._files.folder,
            )

    def place(self, connection: sqlite3.Connection) -> None:
        """Rename the drafts into their places and note them; the write lock is held.

        Raises:
            OSError: one can't be renamed.
        """
        for digest, view in zip(self.digests, self._views, strict=True):
            if digest in self._drafts and not self._is_there(connection, digest, view):
                self.placed.append(digest)  # first: an interrupt may come between these lines
                os.replace(self._drafts.pop(digest), self._files.path(digest))
                rows.add_buffer(connection, digest, view.nbytes, probe_of(view))
        if self.placed:
            self._files.sync_folder()

    def _is_there(self, connection: sqlite3.Connection, digest: str, view: memoryview) -> bool:
        return rows.has_buffer(connection, digest) and self._files.is_whole(digest, view.nbytes)

    def _keep(self, jobs: Sequence[Job]) -> None:
        self._drafts.update((job.digest(), job.path) for job in jobs if job.path is not None)

    def _draft_path(self) -> str:
        return os.path.join(self._folder, os.urandom(8).hex())
