"""The shelf's index: a SQLite file that holds the names, the pickles and what they use.

Apart from the shelf because it knows rows and no objects. It owns the schema, the
connections (one at a time for each caller, safe across threads and forks), the translation
of SQLite's errors, and the one rule of the store: an object that nothing refers to any more
leaves, and a buffer that no object uses any more leaves with it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from linepipe_core.errors import ShelfError, ShelfWriteError
from linepipe_core.shelf.trust import APPLICATION_ID

# A writer holds the lock for the time of a few renames and inserts, so whoever waits this
# long waits for a process that was stopped.
LOCK_SECONDS: Final = 60.0

# Names and records are UTF-8 in blobs: any text goes, lone surrogates too.
_SCHEMA: Final = """
CREATE TABLE names (
  name BLOB PRIMARY KEY, object TEXT NOT NULL, node TEXT, stored REAL NOT NULL
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

# A forked child may neither use nor close its parent's connections: they are kept here.
_inherited: list[Any] = []


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
    """

    name: str
    n_bytes: int
    age_seconds: float
    node: str | None
    type: str
    digest: str


@dataclass(slots=True)
class Released:
    """What a change to the index set free.

    Attributes:
        buffers: the digests of the buffers that nothing uses any more: their files can go.
        n_bytes: the size of these buffers and of the pickles that were deleted.
    """

    buffers: list[str] = field(default_factory=list)
    n_bytes: int = 0


def create(path: str) -> None:
    """Make an empty index at ``path``, which must not exist."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def identity(path: str) -> tuple[int, int]:
    """What tells the file at ``path`` from any other, also one of the same path."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


class Index:
    """An open index."""

    identity: tuple[int, int]
    is_closed: bool

    def __init__(self, path: str) -> None:
        self.path = path
        self._reset()
        self.identity = identity(path)

    def check(self) -> None:
        """Read something, so that SQLite opens its log too.

        Raises:
            ShelfError: the index is damaged, or the shelf can't be read.
        """
        with self.reading() as connection:
            connection.execute("SELECT 1 FROM names LIMIT 1").fetchone()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for queries that need no lock.

        Raises:
            ShelfError: the index is damaged, or the shelf can't be read.
        """
        connection = self._take()
        try:
            yield connection
        except sqlite3.Error as error:
            raise self._translated(error) from error
        finally:
            self._give_back(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start, and ends whole or not at all.

        Raises:
            ShelfWriteError: the shelf can't be written.
            ShelfError: the index is damaged.
        """
        self._check_there()
        connection = self._take()
        try:
            # This process's writers queue here: SQLite's own waiting is a sleep of up to 0.1 s.
            with self._writer:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    # Also when an interrupt came between two lines.
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._translated(error) from error
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Close every connection; one that a thread still uses closes when it is done."""
        self.is_closed = True
        if self._pid != os.getpid():
            _inherited.append(self._connections)
            return
        while self._idle:
            with suppress(IndexError):
                self._drop(self._idle.pop())

    def shrink(self) -> None:
        """Give the space of what was deleted back to the disk."""
        with self.reading() as connection:
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def sync(self) -> None:
        """Bring what is committed onto the disk, so that it survives a power cut."""
        with self.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(FULL)").fetchall()

    # --- connections --------------------------------------------------------------------

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._idle: list[sqlite3.Connection] = []
        self._connections: set[sqlite3.Connection] = set()
        self._writer = threading.Lock()
        self.is_closed = False

    def _take(self) -> sqlite3.Connection:
        if self.is_closed:
            raise ValueError(f"the shelf at {self.path} is closed: open it again")
        if self._pid != os.getpid():
            _inherited.append(self._connections)
            self._reset()
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                f"file:{_quoted(self.path)}?mode=rw",
                uri=True,
                timeout=LOCK_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise self._translated(error) from error
        self._connections.add(connection)
        try:
            # NORMAL: no sync for each commit. A killed process loses nothing, a power cut
            # the newest commits and never half of one.
            connection.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.Error as error:
            self._drop(connection)
            raise self._translated(error) from error
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self.is_closed:
            self._drop(connection)
        else:
            self._idle.append(connection)

    def _drop(self, connection: sqlite3.Connection) -> None:
        self._connections.discard(connection)
        with suppress(sqlite3.Error):
            connection.close()

    def _check_there(self) -> None:
        try:
            is_there = identity(self.path) == self.identity
        except OSError:
            is_there = False
        if not is_there:
            raise ShelfWriteError(
                f"the shelf at {self.path} is gone, or another file took its place\n"
                "  nothing can be stored on it any more: open it again",
                self.path,
            )

    def _translated(self, error: sqlite3.Error) -> ShelfError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL):
            return ShelfWriteError(_locked(self.path), self.path)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return ShelfError(
                f"the index of the shelf at {self.path} is damaged ({error})\n"
                f"  remove {self.path} and {self.path}.buffers to start anew",
                self.path,
            )
        return ShelfWriteError(
            f"the shelf at {self.path} can't be read or written ({error})\n"
            "  what was there stays; see to the disk's space and the file's permissions",
            self.path,
        )


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
    """The digest of the object of that name."""
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


def digests(connection: sqlite3.Connection) -> dict[str, str]:
    """Every name with the digest of its object."""
    found = connection.execute("SELECT name, object FROM names")
    return {decoded(name): digest for name, digest in found}


def users(connection: sqlite3.Connection, buffers: Iterable[str]) -> set[str]:
    """The objects that use one of those buffers."""
    found: set[str] = set()
    for buffer in buffers:
        rows = connection.execute("SELECT object FROM uses WHERE buffer = ?", (buffer,))
        found.update(digest for (digest,) in rows)
    return found


def infos(connection: sqlite3.Connection) -> list[ObjectInfo]:
    """What is known of every named object, in the names' order."""
    now = time.time()
    rows = connection.execute(
        "SELECT name, n_bytes, stored, node, type, digest FROM names"
        " JOIN objects ON digest = object ORDER BY name"
    )
    return [
        ObjectInfo(decoded(name), n_bytes, max(0.0, now - stored), node, kind, digest)
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
        (encoded(name), digest, node, time.time()),
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


def _delete_object(connection: sqlite3.Connection, row: Row, released: Released) -> None:
    connection.execute("DELETE FROM objects WHERE digest = ?", (row.digest,))
    connection.execute("DELETE FROM uses WHERE object = ?", (row.digest,))
    released.n_bytes += len(row.stream or b"")
    for buffer, n_bytes in dict(row.buffers).items():
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
    pairs = (pair.split(":") for pair in buffers.split())
    return Row(digest, stream, kind, n_bytes, tuple((name, int(size)) for name, size in pairs))


def _joined(buffers: Iterable[tuple[str, int]]) -> str:
    return " ".join(f"{digest}:{n_bytes}" for digest, n_bytes in buffers)


def _exists(connection: sqlite3.Connection, query: str, value: str) -> bool:
    return connection.execute(query, (value,)).fetchone() is not None


def _quoted(path: str) -> str:
    """A path in a URI: SQLite gives a meaning to these three only."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _locked(path: str) -> str:
    return (
        f"the shelf at {path} has been locked for {LOCK_SECONDS:.0f} seconds\n"
        "  another process holds it: end that one, or let it go on"
    )
