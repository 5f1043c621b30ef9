"""The rows of results: all that one node made in one run, with its record, kept in versions.

Apart from `rows`, which owns the objects: here is which of them a name gives now, which are
kept beside it, and which go first.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from linepipe_core._store.rows import (
    Released,
    batches,
    decoded,
    encoded,
    exists,
    marks,
    release,
    split_buffers,
)

# Of each name and partition, and of each node's key, so many results are kept.
MAX_VERSIONS: Final = 5


class StoredOutput(NamedTuple):
    """An output of a result, as far as it is known without its pickle.

    Attributes:
        digest: the digest of the object.
        buffers: the digest and size of each of its buffers.
    """

    digest: str
    buffers: tuple[tuple[str, int], ...]


class StoredResult(NamedTuple):
    """One result on the shelf.

    Attributes:
        number: its number; later ones are higher.
        partition: the partition that it belongs to; empty for the shelf's own.
        key: the key of the node that made it.
        node: that node's name.
        record: its record.
        read: the hash of what the node read.
        stored: when it was stored, as `time.time()` has it.
        used: when it was stored, or last reused.
        objects: name -> each output that is on the shelf still.
        is_current: True if all of these names give this result's objects.
    """

    number: int
    partition: str
    key: str
    node: str | None
    record: str | None
    read: str | None
    stored: float
    used: float
    objects: dict[str, StoredOutput]
    is_current: bool


def newest(
    connection: sqlite3.Connection, keys: Collection[str], partition: str | None
) -> dict[str, StoredResult]:
    """The result of each key that was stored last, for the keys that have one."""
    inside, values = _in_partition(partition)
    found: dict[str, StoredResult] = {}
    for some in batches(keys):
        chosen = (
            f"SELECT MAX(result) FROM results WHERE key IN ({marks(some)}){inside} GROUP BY key"
        )
        for each in _results(connection, chosen, (*map(encoded, some), *values)):
            found[each.key] = each
    return found


def outlines(
    connection: sqlite3.Connection, keys: Collection[str], partition: str
) -> dict[str, dict[int, str]]:
    """Of each key the number of each result -> the hash of what it was made from."""
    found: dict[str, dict[int, str]] = {}
    for some in batches(keys):
        rows = connection.execute(
            "SELECT key, group_concat(result || ' ' || coalesce(read, '')) FROM results"
            f" WHERE key IN ({marks(some)}) AND partition = ? GROUP BY key",
            (*map(encoded, some), encoded(partition)),
        )
        for key, listed in rows:
            pairs = (each.partition(" ") for each in listed.split(","))
            found[decoded(key)] = {int(number): read for number, _, read in pairs}
    return found


def numbered(connection: sqlite3.Connection, numbers: Collection[int]) -> list[StoredResult]:
    """The results of these numbers, few enough for one query, that are there still."""
    return _results(connection, ", ".join("?" * len(numbers)), tuple(numbers))


def newest_outside(connection: sqlite3.Connection, key: str, partition: str) -> list[StoredResult]:
    """The result of a key that was stored last in another partition, if there is one."""
    chosen = "SELECT MAX(result) FROM results WHERE key = ? AND partition != ?"
    return _results(connection, chosen, (encoded(key), encoded(partition)))


def results(
    connection: sqlite3.Connection, keys: Collection[str], partition: str | None, limit: int
) -> dict[str, list[StoredResult]]:
    """Up to ``limit`` results of each key, the last used first."""
    inside, values = _in_partition(partition)
    found: dict[str, list[StoredResult]] = {key: [] for key in keys}
    for some in batches(keys):
        chosen = (
            "SELECT result FROM (SELECT result, ROW_NUMBER() OVER (PARTITION BY key"
            f" ORDER BY used DESC, result DESC) AS place FROM results WHERE key IN ({marks(some)})"
            f"{inside}) WHERE place <= ?"
        )
        for each in _results(connection, chosen, (*map(encoded, some), *values, limit)):
            found[each.key].append(each)
    for alike in found.values():
        alike.sort(key=lambda each: (-each.used, -each.number))
    return found


def keys_with(connection: sqlite3.Connection, text: str) -> list[str]:
    """The keys in which a text occurs."""
    found = connection.execute(
        "SELECT DISTINCT key FROM results WHERE instr(key, ?) ORDER BY key", (encoded(text),)
    )
    return [decoded(key) for (key,) in found]


def results_that_read(
    connection: sqlite3.Connection, key: str, read: str, limit: int
) -> list[StoredResult]:
    """Up to ``limit`` results of a key, of all partitions, that were made from the same."""
    chosen = "SELECT result FROM results WHERE key = ? AND read = ? ORDER BY result DESC LIMIT ?"
    return _results(connection, chosen, (encoded(key), read, limit))


def _in_partition(partition: str | None) -> tuple[str, tuple[bytes, ...]]:
    """The condition for a partition, and its value; neither for None, which means any."""
    return ("", ()) if partition is None else (" AND partition = ?", (encoded(partition),))


def _results(
    connection: sqlite3.Connection, chosen: str, values: Sequence[Any]
) -> list[StoredResult]:
    """The results whose numbers a query gives, each with its outputs: a row for each of these."""
    rows = connection.execute(
        "SELECT r.key, r.result, r.partition, r.node, r.record, r.read, r.stored, r.used,"
        " v.name, v.is_current, o.digest, o.buffers FROM results r"
        " LEFT JOIN versions v ON v.result = r.result"
        f" LEFT JOIN objects o ON o.digest = v.object WHERE r.result IN ({chosen})",
        values,
    )
    found: dict[int, StoredResult] = {}
    hidden: set[int] = set()  # those of which some name gives another's object
    for key, number, partition, node, record, read, stored, used, *output in rows:
        name, is_current, digest, buffers = output
        if number not in found:
            found[number] = StoredResult(
                number,
                decoded(partition),
                "" if key is None else decoded(key),
                None if node is None else decoded(node),
                None if record is None else decoded(record),
                read,
                stored,
                used,
                {},
                True,
            )
        if name is None:  # a writer's
            continue
        if digest is not None:
            found[number].objects[decoded(name)] = StoredOutput(digest, split_buffers(buffers))
        if not is_current:
            hidden.add(number)
    for number in hidden:
        found[number] = found[number]._replace(is_current=False)
    return [*found.values()]


def add_result(
    connection: sqlite3.Connection,
    partition: str,
    key: str | None,
    node: str | None,
    record: str | None,
    read: str | None = None,
    is_single: bool = False,
) -> int:
    """Put in a result. Returns its number."""
    now = time.time()
    texts = [text if text is None else encoded(text) for text in (partition, key, node, record)]
    number = new_number(connection)
    connection.execute(
        "INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, now, now, *texts, read, is_single),
    )
    return number


def new_number(connection: sqlite3.Connection) -> int:
    """A number above those of all results, and no earlier one's: runs remember theirs.

    The clock's, so that the number of the last result isn't given again once that is deleted.
    AUTOINCREMENT would keep a counter, which is one more page to write.
    """
    (last,) = connection.execute("SELECT MAX(result) FROM results").fetchone()
    return max(time.time_ns(), (last or 0) + 1)


def set_version(
    connection: sqlite3.Connection, partition: str, name: str, result: int, digest: str
) -> None:
    """Let a name give the object of a result."""
    part, stored_name = encoded(partition), encoded(name)
    set_current(connection, part, stored_name, None)
    connection.execute(
        "INSERT INTO versions VALUES (?, ?, ?, ?, 1)", (part, stored_name, result, digest)
    )


def set_current(
    connection: sqlite3.Connection, partition: bytes, name: bytes, result: int | None
) -> None:
    """Let a name give the version of a result; nothing for None."""
    connection.execute(
        "UPDATE versions SET is_current = NOT is_current"
        " WHERE partition = ? AND name = ? AND is_current != (result IS ?)",
        (partition, name, result),
    )


def replace_by_hand(
    connection: sqlite3.Connection, partition: str, name: str, digest: str, released: Released
) -> int | None:
    """Let a result that no node made give another object, if a name gives nothing else of it.

    What `add_result` and `retain` would come to, with half the pages to write.

    Returns:
        The result; None if the name doesn't give such a one.
    """
    found = connection.execute(
        "SELECT v.result, v.object FROM versions v JOIN results r ON r.result = v.result"
        " WHERE v.partition = ? AND v.name = ? AND v.is_current AND r.key IS NULL"
        " AND (SELECT COUNT(*) FROM versions w WHERE w.result = r.result) = 1",
        (encoded(partition), encoded(name)),
    ).fetchone()
    if found is None:
        return None
    result, older = found
    now = time.time()
    connection.execute("UPDATE versions SET object = ? WHERE result = ?", (digest, result))
    connection.execute(
        "UPDATE results SET node = NULL, record = NULL, stored = ?, used = ? WHERE result = ?",
        (now, now, result),
    )
    release(connection, [older], released)
    return int(result)


def hide(connection: sqlite3.Connection, partition: str, name: str, released: Released) -> None:
    """Let a name give nothing; the versions that nodes made stay, what was put by hand goes."""
    by_hand = connection.execute(
        "SELECT r.result FROM versions v JOIN results r ON r.result = v.result"
        " WHERE v.partition = ? AND v.name = ? AND r.key IS NULL",
        (encoded(partition), encoded(name)),
    ).fetchall()
    for (result,) in by_hand:
        drop_result(connection, result, released)
    set_current(connection, encoded(partition), encoded(name), None)


def current_result(
    connection: sqlite3.Connection, partition: str, name: str
) -> StoredResult | None:
    """The result whose object a name gives."""
    chosen = "SELECT result FROM versions WHERE partition = ? AND name = ? AND is_current"
    found = _results(connection, chosen, (encoded(partition), encoded(name)))
    return found[0] if found else None


def put_by_hand(connection: sqlite3.Connection, partition: str, names: Iterable[str]) -> set[str]:
    """Those of the names that give an object that no node made."""
    part = encoded(partition)
    found: set[str] = set()
    for some in batches(names):
        rows = connection.execute(
            "SELECT v.name FROM versions v JOIN results r ON r.result = v.result"
            f" WHERE v.partition = ? AND v.name IN ({marks(some)}) AND v.is_current"
            " AND r.key IS NULL",
            (part, *map(encoded, some)),
        )
        found.update(decoded(name) for (name,) in rows)
    return found


def current_digest(connection: sqlite3.Connection, partition: str, name: str) -> str | None:
    """The digest of the object that a name gives; empty if that was damaged."""
    found = connection.execute(
        "SELECT object FROM versions WHERE partition = ? AND name = ? AND is_current",
        (encoded(partition), encoded(name)),
    ).fetchone()
    return found[0] if found else None


def drop_name(
    connection: sqlite3.Connection, partition: str, name: str, released: Released
) -> None:
    """Take a name off the shelf, with all its versions; the records of their makers stay."""
    values = encoded(partition), encoded(name)
    of_name = "FROM versions WHERE partition = ? AND name = ?"
    versions = connection.execute(f"SELECT result, object {of_name}", values).fetchall()
    connection.execute(f"DELETE {of_name}", values)
    for result, _ in versions:
        connection.execute(
            "DELETE FROM results WHERE result = ? AND key IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM versions WHERE versions.result = results.result)",
            (result,),
        )
    release(connection, (digest for _, digest in versions), released)


def drop_version(
    connection: sqlite3.Connection, partition: str, name: str, released: Released
) -> None:
    """Take the object off the shelf that a name gives now; it gives nothing then."""
    digest = current_digest(connection, partition, name)
    connection.execute(
        "DELETE FROM versions WHERE partition = ? AND name = ? AND is_current",
        (encoded(partition), encoded(name)),
    )
    hide(connection, partition, name, released)
    release(connection, filter(None, [digest]), released)


def drop_result(connection: sqlite3.Connection, result: int, released: Released) -> list[str]:
    """Delete a result whole: all its versions, and its record.

    Returns:
        The names that give nothing now.
    """
    versions = connection.execute(
        "SELECT name, object, is_current FROM versions WHERE result = ?", (result,)
    ).fetchall()
    connection.execute("DELETE FROM versions WHERE result = ?", (result,))
    connection.execute("DELETE FROM results WHERE result = ?", (result,))
    release(connection, [digest for _, digest, _ in versions], released)
    return [decoded(name) for name, _, is_current in versions if is_current]


def retain(
    connection: sqlite3.Connection,
    result: int,
    names: Iterable[str],
    n_versions: int,
    released: Released,
) -> None:
    """Delete the results that one more has made too many; what a name gives now stays.

    A result that no node made replaces the earlier ones of its kind, and so does one of a node
    that keeps only its newest: not those that others made, who may come back to them.

    Args:
        connection: the index's.
        result: the new one.
        names: the names that it gives an object.
        n_versions: how many results of its key, and of each of the names, are kept.
        released: what this sets free is noted here.
    """
    partition, key, node, is_single = connection.execute(
        "SELECT partition, key, node, single FROM results WHERE result = ?", (result,)
    ).fetchone()
    surplus: set[int] = set()
    if key is not None:
        surplus.update(_beyond_of_key(connection, n_versions, key, partition))
    if is_single:
        found = connection.execute(
            "SELECT result FROM results WHERE key = ? AND partition = ? AND node = ? AND single"
            " AND result != ?",
            (key, partition, node, result),
        )
        surplus.update(each for (each,) in found)
    for name in names:
        versions = _versions_of(connection, encoded(name), partition)
        surplus.update(each for each, _ in versions[n_versions:])
        if key is None:
            surplus.update(each for each, by_hand in versions if by_hand and each != result)
    for each in surplus:
        if not _is_given(connection, each):
            drop_result(connection, each, released)


def _is_given(connection: sqlite3.Connection, result: int) -> bool:
    """Return True if some name gives an object of the result."""
    return exists(connection, "SELECT 1 FROM versions WHERE result = ? AND is_current", result)


def _beyond_of_key(connection: sqlite3.Connection, n: int, key: bytes, part: bytes) -> list[int]:
    found = connection.execute(
        "SELECT result FROM results WHERE key = ? AND partition = ?"
        " ORDER BY used DESC, result DESC LIMIT -1 OFFSET ?",
        (key, part, n),
    )
    return [result for (result,) in found]


def _versions_of(
    connection: sqlite3.Connection, name: bytes, partition: bytes
) -> list[tuple[int, bool]]:
    """The results of a name, the last used first; each with True if no node made it."""
    return connection.execute(
        "SELECT r.result, r.key IS NULL FROM versions v JOIN results r ON r.result = v.result"
        " WHERE v.name = ? AND v.partition = ? ORDER BY r.used DESC, r.result DESC",
        (name, partition),
    ).fetchall()


def partitions(connection: sqlite3.Connection) -> list[str]:
    """Every partition that has a result, in order; not the shelf's own."""
    found = connection.execute("SELECT DISTINCT partition FROM results ORDER BY partition")
    return [decoded(partition) for (partition,) in found if partition]
