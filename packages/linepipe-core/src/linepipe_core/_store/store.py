"""The store below the shelf: the one place where index and buffer files are changed together.

Apart from the shelf because it keeps the promises that no caller sees: what goes on is there
whole or not at all, what comes off leaves the disk, what a killed writer left is swept, and a
reader who meets a writer looks again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from typing import TypeAlias, TypeVar

from linepipe_core._errors import ShelfError, ShelfWriteError
from linepipe_core._log import SHELF_LOG
from linepipe_core._store import rows
from linepipe_core._store.buffers import BufferFiles
from linepipe_core._store.database import Index
from linepipe_core._store.opening import open_index
from linepipe_core._store.packing import ShelfObject, large_views, rows_of
from linepipe_core._store.rows import Released, Row
from linepipe_core._store.staging import Staging
from linepipe_core._values.out_of_band import Pickled

T = TypeVar("T")


Put: TypeAlias = "Callable[[sqlite3.Connection, Mapping[str, Row]], Released]"


class Store:
    """The index and the buffer files at a path, opened and swept.

    Attributes:
        index: for queries and small changes that touch no file.
        files: the buffer files.
    """

    files: BufferFiles
    index: Index

    def __init__(self, path: str) -> None:
        self.files = BufferFiles(path + ".buffers")
        self.index = open_index(path, self.files)
        try:
            self.sweep()
        except BaseException:
            self.index.close()
            raise

    def locate(self, name: str, opened: Callable[[Row], T]) -> T | None:
        """What ``opened`` makes of an object's row; None if there is no such object.

        Raises:
            OSError: a buffer is gone.
            ValueError: a buffer isn't of its size, or the shelf is closed.
            ShelfError: the index is damaged.
        """

        def locate(connection: sqlite3.Connection) -> T | None:
            row = rows.find(connection, name)
            return None if row is None else opened(row)

        try:
            with self.index.reading() as connection:
                return locate(connection)
        except (OSError, ValueError):
            # A writer may have replaced the object since its row was read. Under the lock
            # nobody can, so what is bad then is bad.
            return self.index.write(locate)

    def write(
        self, packs: Mapping[str, Pickled], types: Mapping[str, type], put: Put
    ) -> dict[str, ShelfObject]:
        """Bring pickled objects onto the shelf, and ``put`` their rows, in one transaction."""
        views = [view for pack in packs.values() for view in large_views(pack)]
        try:
            with self.files.drafts() if views else nullcontext("") as folder:
                staging = Staging(views, self.files, folder)
                staging.prepare(self.index)
                made = rows_of(packs, types, iter(staging.digests))
                stored, released = self._commit(staging, made, put)
        except OSError as error:
            if isinstance(error, ShelfError):
                raise
            raise ShelfWriteError(
                f"the shelf at {self.index.path} can't be written: {error}\n"
                "  what was there stays; see to the disk's space and the folder's permissions",
                self.index.path,
            ) from error
        self.remove_unused(released.buffers)
        return stored

    def _commit(
        self, staging: Staging, made: Mapping[str, Row], put: Put
    ) -> tuple[dict[str, ShelfObject], Released]:
        """The transaction of a store."""

        def change(
            connection: sqlite3.Connection,
        ) -> tuple[dict[str, ShelfObject], Released] | None:
            if not staging.is_complete(connection):
                return None
            staging.place(connection)
            for row in made.values():
                rows.add_object(connection, row)
            released = put(connection, made)
            return {name: ShelfObject(row, self.files) for name, row in made.items()}, released

        while True:
            try:
                changed = self.index.write(change)
            except BaseException:
                self.remove_unused(staging.placed)
                raise
            if changed is not None:
                return changed
            staging.complete()  # some were removed since they were hashed

    def reduce(self, change: Callable[[sqlite3.Connection, Released], T]) -> T:
        """Take things off the shelf in one transaction."""
        released = Released()
        try:
            changed = self.index.write(lambda connection: change(connection, released))
        except ShelfWriteError:
            if not released.buffers:
                raise
            # A full disk has no room even for the log of a removal. So the files go first:
            # if we are killed now, their objects count as missing, and they were to go.
            self.files.remove(released.buffers)
            released = Released()
            changed = self.index.write(lambda connection: change(connection, released))
        self.remove_unused(released.buffers)
        return changed

    def remove_unused(self, digests: Sequence[str]) -> None:
        """Remove the files of buffers that nothing uses; what fails is left for a later sweep."""

        def change(connection: sqlite3.Connection) -> None:
            rows.check_writable(connection)
            self.files.remove(d for d in digests if not rows.has_buffer(connection, d))

        if digests:
            with suppress(ShelfError):
                self.index.write(change)

    def sweep(self) -> None:
        """Remove what killed writers left."""
        n_drafts = self.files.sweep_drafts()
        with self.index.reading() as connection:
            known = rows.known_buffers(connection)
        orphans = [digest for digest in self.files.names() if digest not in known]
        self.remove_unused(orphans)
        if n_drafts or orphans:
            SHELF_LOG.info("swept what an interrupted write left on the shelf %s", self.index.path)
