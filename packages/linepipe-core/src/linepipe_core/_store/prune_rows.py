"""The rows that go first: the results and runs beyond the limits of `ObjectShelf.prune`.

Apart from `result_rows`, which says how one result leaves: here is which.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from typing import NamedTuple

from linepipe_core._store.result_rows import drop_result
from linepipe_core._store.rows import Released, release, total_bytes
from linepipe_core._store.run_rows import drop_run


class Limits(NamedTuple):
    """The limits of `ObjectShelf.prune`: None for no limit."""

    max_bytes: int | None = None
    older_than: float | None = None
    versions: int | None = None
    keep_runs: int | None = None


def prune(
    connection: sqlite3.Connection, limits: Limits, batch: int, released: Released
) -> tuple[list[str], bool]:
    """Delete results and runs, the least lately used first, up to ``batch`` of them.

    Returns:
        The names that give nothing now, and True if there may be more to delete.
    """
    gone: list[str] = []
    n_deleted = 0
    for result in _surplus_versions(connection, limits.versions, batch):
        gone += drop_result(connection, result, released)
        n_deleted += 1
    n_excess = 0 if limits.max_bytes is None else total_bytes(connection) - limits.max_bytes
    n_runs = connection.execute("SELECT COUNT(*) FROM runs").fetchone()[0]
    n_surplus = 0 if limits.keep_runs is None else n_runs - limits.keep_runs
    oldest = time.time() - limits.older_than if limits.older_than is not None else float("-inf")
    before = released.n_bytes
    rows = connection.execute(
        "SELECT used, result, NULL FROM (SELECT used, result FROM results ORDER BY used, result"
        " LIMIT ?) UNION ALL SELECT stored, NULL, run FROM (SELECT stored, run FROM runs"
        " ORDER BY stored, run LIMIT ?) ORDER BY 1, 2, 3",
        (batch, batch),
    ).fetchall()
    for used, result, run in rows:
        is_surplus = run is not None and n_surplus > 0
        if n_deleted >= batch:
            break
        if not (is_surplus or released.n_bytes - before < n_excess or used < oldest):
            continue
        n_deleted += 1
        if run is None:
            gone += drop_result(connection, result, released)
        else:
            n_surplus -= 1
            release(connection, drop_run(connection, run), released)
    return gone, n_deleted >= batch


def _surplus_versions(connection: sqlite3.Connection, n: int | None, batch: int) -> Iterable[int]:
    if n is None:
        return []
    found = connection.execute(
        "SELECT result FROM (SELECT r.result, ROW_NUMBER() OVER (PARTITION BY v.partition, v.name"
        " ORDER BY r.used DESC, r.result DESC) AS place FROM versions v JOIN results r"
        " ON r.result = v.result) found WHERE place > ? AND NOT EXISTS"
        " (SELECT 1 FROM versions w WHERE w.result = found.result AND w.is_current) LIMIT ?",
        (n, batch),
    )
    return dict.fromkeys(result for (result,) in found)


def clear(connection: sqlite3.Connection) -> int:
    """Delete everything but the settings. Returns the number of doomed buffers."""
    connection.execute("INSERT OR IGNORE INTO doomed SELECT digest FROM buffers")
    for table in (
        "results", "versions", "objects", "buffers", "uses", "runs", "entries", "mentions",
    ):  # fmt: skip
        connection.execute(f"DELETE FROM {table}")
    return int(connection.execute("SELECT COUNT(*) FROM doomed").fetchone()[0])
