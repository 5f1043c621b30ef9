"""Finds what isn't what was written, and takes it out of everyone's way.

Apart from the store because it alone removes what rows still refer to. A store that finds a
file of the right name and size takes it for the buffer, so damage would outlive every run: it
has to go, for the next store to write it anew. Only what was read and is wrong goes; what
can't be read may be whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from linepipe_core._errors import ShelfWriteError
from linepipe_core._log import shelf_log
from linepipe_core._store import packing, rows
from linepipe_core._store.buffers import BufferFiles, Verdict
from linepipe_core._store.changes import RemoveUnused
from linepipe_core._store.rows import Released, Row
from linepipe_core._store.store import Store


def verified(store: Store) -> list[str]:
    """The names that `ObjectShelf.verify` returns, each warned of."""
    digests = store.index.read(rows.object_digests)
    verdicts: dict[str, Verdict] = {}
    unsound: dict[str, _Unsound] = {}
    for digest in digests:
        row = store.index.read(rows.find_object, digest)
        if not _is_sound(row, store.files, verdicts):
            unsound |= _put_out(digest, store)
    _remove_unknown(store)
    names = set(store.index.read(rows.names_of, ""))
    for digest, found in unsound.items():
        names.update(found.names)
        for name in found.names or [digest]:  # what only the history mentions has none
            shelf_log().warning(
                "object %r on the shelf %s isn't what was written: %s",
                name, store.index.path, found.advice,
            )  # fmt: skip
    return sorted(names)


def _remove_unknown(store: Store) -> None:
    """Remove the buffers that no row names, and no staging folder any more.

    A power cut can leave them on a filesystem that keeps names in another order than they were
    made. Only what is whole, and so was written by a shelf: anything else is somebody's own.
    """
    known = store.index.read(rows.known_buffers)
    try:
        unknown = [digest for digest in store.files.names() if digest not in known]
    except OSError as error:
        raise packing.read_error(store.path, error) from error
    ours = [digest for digest in unknown if store.files.verdict(digest) == "sound"]
    with suppress(ShelfWriteError):  # it can't be written, or is locked: another time
        n_removed = store.index.write(RemoveUnused(ours, store.files)) if ours else 0
        if n_removed:
            shelf_log().info("removed %d buffers of no object from the shelf %s",
                           n_removed, store.path)  # fmt: skip


class _Unsound(NamedTuple):
    """A line about a damaged object: its names, and how to mend it."""

    names: Sequence[str]
    advice: str


class _Look:
    """Find who shares what isn't sound of an object; ``verdicts`` is what was read.

    Gives, by its digest, the names of each; nothing where a writer has mended or removed it.
    """

    def __init__(self, digest: str, files: BufferFiles) -> None:
        self.digest = digest
        self.files = files
        self.verdicts: dict[str, Verdict] = {}

    def apply(self, connection: sqlite3.Connection) -> dict[str, list[str]]:
        self.verdicts.clear()
        if _is_sound(rows.find_object(connection, self.digest), self.files, self.verdicts):
            return {}
        users = {self.digest, *rows.users(connection, self.unsound())}
        return {user: rows.names_of(connection, user) for user in users}

    def unsound(self) -> list[str]:
        return [buffer for buffer, verdict in self.verdicts.items() if verdict != "sound"]


class _Remove:
    """Remove what is damaged of an object.

    A writer checks that its buffers are there, and commits, under this same lock: after this
    it finds them gone and writes them; if it came before, its object is found here.
    """

    def __init__(self, look: _Look) -> None:
        self.look = look
        self.left: list[str] = []
        self.released = Released()

    def apply(self, connection: sqlite3.Connection) -> dict[str, list[str]]:
        self.released = Released()
        rows.check_writable(connection)
        found, files = self.look.apply(connection), self.look.files
        files.remove(b for b, said in self.look.verdicts.items() if said == "damaged")
        self.left = [files.path(b) for b in self.look.unsound() if files.is_there(b)]
        row = rows.find_object(connection, self.look.digest)
        if row is not None and not packing.is_sound(row):
            rows.delete_damaged(connection, row, self.released)
        return found


def _put_out(digest: str, store: Store) -> dict[str, _Unsound]:
    """Remove what is damaged of an object that didn't look sound.

    Returns:
        By its digest, this one and all that share what isn't sound of it; nothing where a
        writer has mended or removed it meanwhile.
    """
    look = _Look(digest, store.files)
    remove = _Remove(look)
    advice = "it counts as missing, run again what makes it"
    try:
        found = store.index.write(remove)
        if remove.left:
            advice = (
                "remove by hand what can't be read or removed here, then run again what makes "
                f"it: {', '.join(remove.left)}"
            )
    except ShelfWriteError as error:
        advice = f"it stays, for {error}"
        found = store.index.read(look.apply)
    if remove.released.n_buffers:
        store.remove_doomed()
    return {user: _Unsound(names, advice) for user, names in found.items()}


def _is_sound(row: Row | None, files: BufferFiles, verdicts: dict[str, Verdict]) -> bool:
    """Return True if an object is what was written; ``verdicts`` remembers its buffers'."""
    if row is None:  # removed since
        return True
    for buffer, _ in row.buffers:
        if buffer not in verdicts:
            verdicts[buffer] = files.verdict(buffer)
    return packing.is_sound(row) and all(
        verdicts[buffer] == "sound" and files.is_whole(buffer, n_bytes)
        for buffer, n_bytes in row.buffers
    )
