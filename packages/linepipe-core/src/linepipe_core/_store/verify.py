"""Finds what isn't what was written, and takes it out of everyone's way.

Apart from the store because it alone removes what rows still refer to. A store that finds a
file of the right name and size takes it for the buffer, so damage would outlive every run: it
has to go, for the next store to write it anew. Only what was read and is wrong goes; what
can't be read may be whole.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from linepipe_core._errors import ShelfWriteError
from linepipe_core._log import SHELF_LOG
from linepipe_core._store import packing, rows
from linepipe_core._store.buffers import BufferFiles, Verdict
from linepipe_core._store.rows import Released, Row
from linepipe_core._store.store import Store


def verified(store: Store) -> list[str]:
    """The names that `ObjectShelf.verify` returns, each warned of."""
    with store.index.reading() as connection:
        digests = rows.object_digests(connection)
    verdicts: dict[str, Verdict] = {}
    unsound: dict[str, _Unsound] = {}
    for digest in digests:
        with store.index.reading() as connection:
            row = rows.find_object(connection, digest)
        if not _is_sound(row, store.files, verdicts):
            unsound |= _put_out(digest, store)
    with store.index.reading() as connection:
        names = set(rows.names_of_nothing(connection))
    for digest, found in unsound.items():
        names.update(found.names)
        for name in found.names or [digest]:  # what only the history mentions has none
            SHELF_LOG.warning(
                "object %r on the shelf %s isn't what was written: %s",
                name, store.index.path, found.advice,
            )  # fmt: skip
    return sorted(names)


@dataclass(frozen=True, slots=True)
class _Unsound:
    """What is to be said of an object: its names, and how to mend it."""

    names: Sequence[str]
    advice: str


def _put_out(digest: str, store: Store) -> dict[str, _Unsound]:
    """Remove what is damaged of an object that didn't look sound.

    Returns:
        By its digest, this one and all that share what isn't sound of it; nothing where a
        writer has mended or removed it meanwhile.
    """
    verdicts: dict[str, Verdict] = {}
    released = Released()
    left: list[str] = []

    def look(connection: sqlite3.Connection) -> dict[str, list[str]]:
        verdicts.clear()
        if _is_sound(rows.find_object(connection, digest), store.files, verdicts):
            return {}
        bad = [buffer for buffer, verdict in verdicts.items() if verdict != "sound"]
        users = {digest, *rows.users(connection, bad)}
        return {user: rows.names_of(connection, user) for user in users}

    def remove(connection: sqlite3.Connection) -> dict[str, list[str]]:
        # A writer checks that its buffers are there, and commits, under this same lock: after
        # this it finds them gone and writes them; if it came before, `look` finds its object.
        rows.check_writable(connection)
        found = look(connection)
        store.files.remove(buffer for buffer, said in verdicts.items() if said == "damaged")
        bad = [store.files.path(buffer) for buffer, said in verdicts.items() if said != "sound"]
        left[:] = filter(os.path.lexists, bad)
        row = rows.find_object(connection, digest)
        if row is not None and not packing.is_sound(row):
            rows.delete_damaged(connection, row, released)
        return found

    advice = "it counts as missing, run again what makes it"
    try:
        found = store.index.write(remove)
        if left:
            advice = (
                "remove by hand what can't be read or removed here, then run again what makes "
                f"it: {', '.join(left)}"
            )
    except ShelfWriteError as error:
        advice = f"it stays, for {error}"
        with store.index.reading() as connection:
            found = look(connection)
    store.remove_unused(released.buffers)
    return {user: _Unsound(names, advice) for user, names in found.items()}


def _is_sound(row: Row | None, files: BufferFiles, verdicts: dict[str, Verdict]) -> bool:
    """Whether an object's bytes are what was written; ``verdicts`` remembers its buffers'."""
    if row is None:  # removed since
        return True
    for buffer, _ in row.buffers:
        if buffer not in verdicts:
            verdicts[buffer] = files.verdict(buffer)
    return packing.is_sound(row) and all(
        verdicts[buffer] == "sound" and files.is_whole(buffer, n_bytes)
        for buffer, n_bytes in row.buffers
    )
