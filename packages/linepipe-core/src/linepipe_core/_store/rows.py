"""The rows of the shelf's index: its schema, its queries, its changes.

Apart from `index`, which opens the file and guards it: nothing here opens, locks or commits,
all is given a connection. It owns the one rule of the store: an object that nothing refers to
any more leaves, and a buffer that no object uses any more leaves with it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

# Names, of nodes too, and records are UTF-8 in blobs: any text goes, lone surrogates too.
SCHEMA: Final = """
CREATE TABLE names (
  name BLOB PRIMARY KEY, object TEXT NOT NULL, node BLOB, stored REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX names_object ON names (object);
CREATE TABLE objects (
  digest TEXT PRIMARY KEY, stream BLOB, type TEXT NOT NULL, n_bytes INTEGER NOT NULL,
  buffers TEXT NOT NULL
);
CREATE TABLE buffers (
  digest TEXT PRIMARY KEY, n_bytes INTEGER NOT NULL, probe TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX buffers_probe ON buffers (probe);
CREATE TABLE uses (object TEXT, buffer TEXT, PRIMARY KEY (object, buffer)) WITHOUT ROWID;
CREATE INDEX uses_buffer ON uses (buffer);
CREATE TABLE records (key BLOB PRIMARY KEY, text BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (run INTEGER PRIMARY KEY AUTOINCREMENT, stored REAL NOT NULL);
CREATE TABLE entries (
  run INTEGER, place INTEGER, text BLOB NOT NULL, PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE TABLE mentions (run INTEGER, object TEXT, PRIMARY KEY (run, object)) WITHOUT ROWID;
CREATE INDEX mentions_object ON mentions (object);
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One object as the index has it.

    ``stream`` is the pickle, or None where it is so large that it is the last of ``buffers``.
    """

    digest: str
    stream: bytes | None
    type: str
    n_bytes: int
    buffers: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the shelf knows of an object without loading it.

    Attributes:
        name: its name.
        n_bytes: the size of its pickle and its buffers; equal buffers of several objects
            are counted in each, although they lie on the disk once.
        age_seconds: the time since it was stored.
        node: the name of the node that made it, if one did.
        type: its type's module and name.
        digest: the hash of its pickle and its buffers.
        is_whole: whether its buffers are all there in their full size; if not, it counts as
            missing.
    """

    name: str
    n_bytes: int
    age_seconds: float
    node: str | None
    type: str
    digest: str
    is_whole: bool


@dataclass(slots=True)
class Released:
    """What a change to the index set free.

    Attributes:
        buffers: the digests of the buffers that nothing uses any more: their files can go.
        n_bytes: the size of these buffers and of the pickles that were deleted.
    """

    buffers: list[str] = field(default_factory=list)
    n_bytes: int = 0

    def clear(self) -> None:
        """Forget it all, before the change is tried again."""
        self.buffers.clear()
        self.n_bytes = 0


# --- queries ----------------------------------------------------------------------------


def find(connection: sqlite3.Connection, name: str) -> Row | None:
    """The object of that name."""
    found = connection.execute(
        "SELECT digest, stream, type, n_bytes, buffers FROM names"
        " JOIN objects ON digest = object WHERE name = ?",
        (encoded(name),),
    ).fetchone()
    return _row(found) if found else None


def find_digest(connection: sqlite3.Connection, name: str) -> str | None:
    """The digest of the object of that name; empty if that was damaged, and deleted."""
    found = connection.execute(
        "SELECT object FROM names WHERE name = ?", (encoded(name),)
    ).fetchone()
    return found[0] if found else None


def find_object(connection: sqlite3.Connection, digest: str) -> Row | None:
    """The object of that digest."""
    found = connection.execute(
        "SELECT digest, stream, type, n_bytes, buffers FROM objects WHERE digest = ?", (digest,)
    ).fetchone()
    return _row(found) if found else None


def names(connection: sqlite3.Connection) -> list[str]:
    """Every name, sorted."""
    return [decoded(name) for (name,) in connection.execute("SELECT name FROM names ORDER BY name")]


def names_of(connection: sqlite3.Connection, digest: str) -> list[str]:
    """The names of the object of that digest."""
    found = connection.execute("SELECT name FROM names WHERE object = ?", (digest,))
    return [decoded(name) for (name,) in found]


def names_of_nothing(connection: sqlite3.Connection) -> list[str]:
    """The names whose object was damaged, and deleted."""
    return names_of(connection, "")


def object_digests(connection: sqlite3.Connection) -> list[str]:
    """The digest of every object, named or not."""
    return [digest for (digest,) in connection.execute("SELECT digest FROM objects")]


def digests(connection: sqlite3.Connection) -> dict[str, str]:
    """Every name that has an object, sorted, with that one's digest."""
    found = connection.execute("SELECT name, object FROM names WHERE object != '' ORDER BY name")
    return {decoded(name): digest for name, digest in found}


def count_names(connection: sqlite3.Connection, broken: Iterable[str]) -> int:
    """How many names have an object that isn't one of those."""
    count = "SELECT COUNT(*) FROM names"
    (n_names,) = connection.execute(count).fetchone()
    lost = [connection.execute(f"{count} WHERE object = ?", (d,)).fetchone() for d in ("", *broken)]
    return int(n_names - sum(n for (n,) in lost))


def users(connection: sqlite3.Connection, buffers: Iterable[str]) -> set[str]:
    """The objects that use one of those buffers."""
    found: set[str] = set()
    for buffer in buffers:
        rows = connection.execute("SELECT object FROM uses WHERE buffer = ?", (buffer,))
        found.update(digest for (digest,) in rows)
    return found


def infos(connection: sqlite3.Connection, broken: Container[str]) -> list[ObjectInfo]:
    """What is known of every named object, in the names' order; those are not whole."""
    now = time.time()
    rows = connection.execute(
        # CAST: the first shelves kept a node's name as TEXT.
        "SELECT name, n_bytes, stored, CAST(node AS BLOB), type, digest FROM names"
        " JOIN objects ON digest = object ORDER BY name"
    )
    return [
        ObjectInfo(
            name=decoded(name),
            n_bytes=n_bytes,
            age_seconds=max(0.0, now - stored),
            node=node if node is None else decoded(node),
            type=kind,
            digest=digest,
            is_whole=digest not in broken,
        )
        for name, n_bytes, stored, node, kind, digest in rows
    ]


def known_buffers(connection: sqlite3.Connection) -> dict[str, int]:
    """The digest and size of every buffer that some object uses."""
    return dict(connection.execute("SELECT digest, n_bytes FROM buffers"))


def has_buffer(connection: sqlite3.Connection, digest: str) -> bool:
    """Whether some object uses that buffer."""
    return _exists(connection, "SELECT 1 FROM buffers WHERE digest = ?", digest)


def has_probe(connection: sqlite3.Connection, probe: str) -> bool:
    """Whether there is a buffer that may be the same as one with that probe."""
    return _exists(connection, "SELECT 1 FROM buffers WHERE probe = ?", probe)


def total_bytes(connection: sqlite3.Connection) -> int:
    """What the pickles and the buffers take, each counted once."""
    found = connection.execute(
        "SELECT (SELECT COALESCE(SUM(LENGTH(stream)), 0) FROM objects)"
        " + (SELECT COALESCE(SUM(n_bytes), 0) FROM buffers)"
    ).fetchone()
    return int(found[0])


# --- changes, all inside a caller's transaction -----------------------------------------


def check_writable(connection: sqlite3.Connection) -> None:
    """Raise if the index can't be written: there BEGIN IMMEDIATE takes no lock, and is content.

    For who changes files under the lock, and may have no row to change.

    Raises:
        sqlite3.OperationalError: it can't.
    """
    connection.execute("DELETE FROM names WHERE 0")


def add_object(connection: sqlite3.Connection, row: Row) -> None:
    """Put in an object whose buffers are in their places."""
    connection.execute(
        "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
        (row.digest, row.stream, row.type, row.n_bytes, _joined(row.buffers)),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO uses VALUES (?, ?)",
        [(row.digest, buffer) for buffer, _ in row.buffers],
    )


def add_buffer(connection: sqlite3.Connection, digest: str, n_bytes: int, probe: str) -> None:
    """Put in a buffer whose file is in its place."""
    connection.execute("INSERT OR IGNORE INTO buffers VALUES (?, ?, ?)", (digest, n_bytes, probe))


def set_name(
    connection: sqlite3.Connection, name: str, digest: str, node: str | None
) -> str | None:
    """Point a name at an object. Returns what it pointed at, for `release`."""
    older = find_digest(connection, name)
    connection.execute(
        "INSERT OR REPLACE INTO names VALUES (?, ?, ?, ?)",
        (encoded(name), digest, None if node is None else encoded(node), time.time()),
    )
    return older


def drop_name(connection: sqlite3.Connection, name: str) -> str | None:
    """Take a name off the shelf. Returns what it pointed at, for `release`."""
    older = find_digest(connection, name)
    if older is not None:
        connection.execute("DELETE FROM names WHERE name = ?", (encoded(name),))
    return older


def drop_run(connection: sqlite3.Connection, run: int) -> list[str]:
    """Delete a run of the history. Returns the objects that it mentioned, for `release`."""
    mentioned = connection.execute("SELECT object FROM mentions WHERE run = ?", (run,)).fetchall()
    for table in ("runs", "entries", "mentions"):
        connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
    return [digest for (digest,) in mentioned]


def release(
    connection: sqlite3.Connection, digests: Iterable[str | None], released: Released
) -> None:
    """Delete those objects that nothing refers to, and the buffers that only they used.

    To be called when all names are set: one of them may have come to be another's object.
    """
    for digest in digests:
        row = None if digest is None else find_object(connection, digest)
        if row is not None and not _is_referred_to(connection, row.digest):
            _delete_object(connection, row, released)


def _is_referred_to(connection: sqlite3.Connection, digest: str) -> bool:
    return _exists(connection, "SELECT 1 FROM names WHERE object = ?", digest) or _exists(
        connection, "SELECT 1 FROM mentions WHERE object = ?", digest
    )


def delete_damaged(connection: sqlite3.Connection, row: Row, released: Released) -> None:
    """Delete an object whatever refers to it: its names stay, as `names_of_nothing`."""
    connection.execute("UPDATE names SET object = '' WHERE object = ?", (row.digest,))
    _delete_object(connection, row, released)


def _delete_object(connection: sqlite3.Connection, row: Row, released: Released) -> None:
    # Not `row.buffers`, which may be what is damaged.
    used = connection.execute(
        "SELECT buffer, n_bytes FROM uses JOIN buffers ON digest = buffer WHERE object = ?",
        (row.digest,),
    ).fetchall()
    connection.execute("DELETE FROM objects WHERE digest = ?", (row.digest,))
    connection.execute("DELETE FROM uses WHERE object = ?", (row.digest,))
    released.n_bytes += len(row.stream or b"")
    for buffer, n_bytes in used:
        if not _exists(connection, "SELECT 1 FROM uses WHERE buffer = ?", buffer):
            connection.execute("DELETE FROM buffers WHERE digest = ?", (buffer,))
            released.buffers.append(buffer)
            released.n_bytes += n_bytes


def prune(
    max_bytes: int | None,
    older_than: float | None,
    keep_runs: int | None,
    connection: sqlite3.Connection,
    released: Released,
) -> list[str]:
    """Delete the oldest names and runs (see `ObjectShelf.prune`). Returns those names."""
    oldest = connection.execute(
        "SELECT stored, name, NULL FROM names UNION ALL SELECT stored, NULL, run FROM runs"
        " ORDER BY 1, 3"
    ).fetchall()
    n_runs = sum(run is not None for _, _, run in oldest)
    n_surplus = 0 if keep_runs is None else n_runs - keep_runs
    n_excess = 0 if max_bytes is None else total_bytes(connection) - max_bytes
    limit = float("-inf") if older_than is None else time.time() - older_than
    removed = []
    for stored, name, run in oldest:
        is_surplus = run is not None and n_surplus > 0
        if not (is_surplus or released.n_bytes < n_excess or stored < limit):
            continue
        if run is None:
            removed.append(decoded(name))
            release(connection, [drop_name(connection, removed[-1])], released)
        else:
            n_surplus -= 1
            release(connection, drop_run(connection, run), released)
    return removed


def clear(connection: sqlite3.Connection, released: Released) -> None:
    """Delete everything."""
    released.buffers += known_buffers(connection)
    for table in ("names", "objects", "buffers", "uses", "records", "runs", "entries", "mentions"):
        connection.execute(f"DELETE FROM {table}")


# --- records ----------------------------------------------------------------------------


def record(connection: sqlite3.Connection, key: str) -> str | None:
    """The text under that key."""
    found = connection.execute("SELECT text FROM records WHERE key = ?", (encoded(key),)).fetchone()
    return decoded(found[0]) if found else None


def records(connection: sqlite3.Connection, prefix: str) -> dict[str, str]:
    """Every text whose key starts with ``prefix``."""
    start = encoded(prefix)
    rows = connection.execute(
        "SELECT key, text FROM records WHERE key >= ? AND key < ?",
        (start, start + b"\xff"),  # no UTF-8 has this byte
    )
    return {decoded(key): decoded(text) for key, text in rows}


def set_records(connection: sqlite3.Connection, texts: Iterable[tuple[str, str | None]]) -> None:
    """Write texts under their keys; None removes one."""
    for key, text in texts:
        if text is None:
            connection.execute("DELETE FROM records WHERE key = ?", (encoded(key),))
        else:
            connection.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?)", (encoded(key), encoded(text))
            )


# --- history ----------------------------------------------------------------------------


def add_run(connection: sqlite3.Connection) -> int:
    """Begin a run of the history. Returns its number, higher than any before it."""
    added = connection.execute("INSERT INTO runs (stored) VALUES (?)", (time.time(),))
    return int(added.lastrowid or 0)


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


# --- spelling ---------------------------------------------------------------------------


def encoded(text: str) -> bytes:
    """Text as the index keeps it."""
    return text.encode("utf-8", "surrogatepass")


def decoded(stored: bytes) -> str:
    """The text that was `encoded`."""
    return stored.decode("utf-8", "surrogatepass")


def _row(found: Sequence[Any]) -> Row:
    digest, stream, kind, n_bytes, buffers = found
    try:
        pairs = [(name, int(size)) for name, size in (pair.split(":") for pair in buffers.split())]
    except ValueError:
        pairs = []  # damaged: the row isn't that of its digest any more, as all who read it see
    return Row(digest, stream, kind, n_bytes, tuple(pairs))


def _joined(buffers: Iterable[tuple[str, int]]) -> str:
    return " ".join(f"{digest}:{n_bytes}" for digest, n_bytes in buffers)


def _exists(connection: sqlite3.Connection, query: str, value: str) -> bool:
    return connection.execute(query, (value,)).fetchone() is not None
