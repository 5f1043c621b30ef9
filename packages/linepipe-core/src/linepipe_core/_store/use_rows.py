"""Notes that results are used now, and lets their names give them again.

Apart from `result_rows`, which stores and drops results: nothing is made or goes here.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any, Final

from linepipe_core._store.result_rows import new_number, set_current, set_version
from linepipe_core._store.rows import batches, decoded, encoded, marks

__all__ = ["USED_SECONDS", "note_used", "use"]

# A reuse within so many seconds of the last one isn't written down again.
USED_SECONDS: Final = 60.0


def use(connection: sqlite3.Connection, result: int, partition: str) -> bool:
    """Let the names of a result give its objects in a partition, as it is used now.

    Returns:
        False if there is no such result any more.
    """
    found = connection.execute(
        "SELECT used, partition, stored, key, node, record, read, single FROM results"
        " WHERE result = ?",
        (result,),
    ).fetchone()
    if found is None:
        return False
    if decoded(found[1]) != partition:
        _copy(connection, result, partition, found[2:])
    else:
        _make_current(connection, result)
    if not 0 <= time.time() - found[0] < USED_SECONDS:
        connection.execute("UPDATE results SET used = ? WHERE result = ?", (time.time(), result))
    return True


def note_used(connection: sqlite3.Connection, results: Collection[int], partition: str) -> set[int]:
    """Note that results are used now, of those that are a partition's and that its names give.

    Returns:
        The numbers of these.
    """
    found: set[int] = set()
    for some in batches(results):
        rows = connection.execute(
            f"SELECT r.result FROM results r WHERE r.result IN ({marks(some)}) AND r.partition = ?"
            " AND NOT EXISTS"
            " (SELECT 1 FROM versions v WHERE v.result = r.result AND NOT v.is_current)",
            (*some, encoded(partition)),
        )
        found.update(number for (number,) in rows)
    now = time.time()
    connection.executemany(
        "UPDATE results SET used = ? WHERE result = ?", [(now, number) for number in found]
    )
    return found


def _copy(connection: sqlite3.Connection, result: int, partition: str, rest: Sequence[Any]) -> None:
    """Put a result of another partition into this one, as it is; ``rest`` is what it keeps."""
    stored, *texts = rest
    number = new_number(connection)
    connection.execute(
        "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, stored, time.time(), encoded(partition), *texts),
    )
    versions = connection.execute(
        "SELECT name, object FROM versions WHERE result = ?", (result,)
    ).fetchall()
    for name, digest in versions:
        set_version(connection, partition, decoded(name), number, digest)


def _make_current(connection: sqlite3.Connection, result: int) -> None:
    versions = connection.execute(
        "SELECT partition, name FROM versions WHERE result = ?", (result,)
    ).fetchall()
    for partition, name in versions:
        set_current(connection, partition, name, result)
