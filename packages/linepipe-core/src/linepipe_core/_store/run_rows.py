"""The rows of the history: runs, their entries, and the objects that those mention.

Apart from `result_rows`: a run of the history keeps objects that no name gives any more.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from typing import Final

from linepipe_core._store.rows import Released, decoded, encoded, release

# The history keeps this many of the newest runs; `prune(keep_runs=)` keeps fewer.
KEPT_RUNS: Final = 20


def add_run(connection: sqlite3.Connection, released: Released) -> int:
    """Begin a run; the oldest beyond `KEPT_RUNS` leave. Returns its number, higher than any."""
    added = connection.execute("INSERT INTO runs (stored) VALUES (?)", (time.time(),))
    older = connection.execute(
        "SELECT run FROM runs ORDER BY run DESC LIMIT -1 OFFSET ?", (KEPT_RUNS,)
    ).fetchall()
    for (run,) in older:
        release(connection, drop_run(connection, run), released)
    return int(added.lastrowid or 0)


def drop_run(connection: sqlite3.Connection, run: int) -> list[str]:
    """Delete a run. Returns the objects that it mentioned, for `release`."""
    mentioned = connection.execute("SELECT object FROM mentions WHERE run = ?", (run,)).fetchall()
    for table in ("runs", "entries", "mentions"):
        connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
    return [digest for (digest,) in mentioned]


def add_entry(connection: sqlite3.Connection, run: int, text: str) -> None:
    """Add an entry to a run."""
    connection.execute(
        "INSERT INTO entries SELECT ?, COUNT(*), ? FROM entries WHERE run = ?",
        (run, encoded(text), run),
    )


def mention(connection: sqlite3.Connection, run: int, digests: Iterable[str]) -> None:
    """Keep these objects as long as the run is kept."""
    connection.executemany(
        "INSERT OR IGNORE INTO mentions VALUES (?, ?)", [(run, digest) for digest in digests]
    )


def runs(connection: sqlite3.Connection) -> list[int]:
    """The runs of the history, the oldest first."""
    return [run for (run,) in connection.execute("SELECT run FROM runs ORDER BY run")]


def entries(connection: sqlite3.Connection, run: int) -> list[str]:
    """The entries of a run, in order."""
    found = connection.execute("SELECT text FROM entries WHERE run = ? ORDER BY place", (run,))
    return [decoded(text) for (text,) in found]
