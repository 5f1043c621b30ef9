"""The rows of the shelf's index: its schema, its objects and buffers, and the names of objects.

Apart from `database`, which opens the file and guards it: nothing here opens, locks or commits,
all is given a connection. It owns the one rule of the store: an object that nothing refers to
any more leaves, and a buffer that no object uses any more leaves with it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from linepipe_core._store.info import ObjectInfo

T = TypeVar("T")

# Names, of nodes and partitions too, and records are UTF-8 in blobs: any text goes, lone
# surrogates too.
#
# results: all that one node made in one run, with its record. A node is found by its `key`;
#   `read` is a hash of what it read. Of a node that keeps only its newest, `single` is 1.
# versions: the object that a result gave to a name of its partition; '' where that was damaged,
#   and deleted. Of a name's versions one `is_current`, which is what the name gives, or none.
# doomed: buffers that no row uses any more, whose files go once that is on the disk.
#
# Each table and each index that a store changes is a page to write and to sync: few, then.
SCHEMA: Final = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE results (
  result INTEGER PRIMARY KEY, stored REAL NOT NULL, used REAL NOT NULL,
  partition BLOB NOT NULL, key BLOB, node BLOB, record BLOB, read TEXT, single INTEGER NOT NULL
);
CREATE INDEX results_key ON results (key, partition, used, read) WHERE key IS NOT NULL;
CREATE INDEX results_read ON results (key, read) WHERE key IS NOT NULL;
CREATE TABLE versions (
  partition BLOB, name BLOB, result INTEGER, object TEXT NOT NULL, is_current INTEGER NOT NULL,
  PRIMARY KEY (partition, name, result)
) WITHOUT ROWID;
CREATE INDEX versions_result ON versions (result);
CREATE INDEX versions_object ON versions (object);
CREATE TABLE objects (
  digest TEXT PRIMARY KEY, stream BLOB, type TEXT NOT NULL, n_bytes INTEGER NOT NULL,
  buffers TEXT NOT NULL, about BLOB
);
CREATE TABLE buffers (
  digest TEXT PRIMARY KEY, n_bytes INTEGER NOT NULL, probe TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX buffers_probe ON buffers (probe);
CREATE TABLE uses (object TEXT, buffer TEXT, PRIMARY KEY (object, buffer)) WITHOUT ROWID;
CREATE INDEX uses_buffer ON uses (buffer);
CREATE TABLE doomed (digest TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE runs (run INTEGER PRIMARY KEY AUTOINCREMENT, stored REAL NOT NULL);
CREATE TABLE entries (
  run INTEGER, place INTEGER, text BLOB NOT NULL, PRIMARY KEY (run, place)
) WITHOUT ROWID;
CREATE TABLE mentions (run INTEGER, object TEXT, PRIMARY KEY (run, object)) WITHOUT ROWID;
CREATE INDEX mentions_object ON mentions (object);
"""

_VALUES_AT_ONCE: Final = 500  # SQLite takes 999 before 3.32

_OBJECT: Final = "o.digest, o.stream, o.type, o.n_bytes, o.buffers, o.about"

_CURRENT: Final = "versions v JOIN objects o ON o.digest = v.object AND v.is_current"


class Row(NamedTuple):
    """One object as the index has it.

    ``stream`` is the pickle, or None where it is so large that it is the last of ``buffers``.
    ``about`` is what the reuse of results keeps beside the object.
    """

    digest: str
    stream: bytes | None
    type: str
    n_bytes: int
    buffers: tuple[tuple[str, int], ...]
    about: str | None = None


class Released:
    """The objects and buffers that a change to the index set free.

    Attributes:
        n_buffers: the number of buffers that nothing uses any more; they are in `doomed`.
        n_bytes: the size of these buffers and of the pickles that were deleted.
    """

    def __init__(self, n_buffers: int = 0, n_bytes: int = 0) -> None:
        self.n_buffers = n_buffers
        self.n_bytes = n_bytes


# --- queries ----------------------------------------------------------------------------


def find(connection: sqlite3.Connection, partition: str, name: str) -> Row | None:
    """The object of that name. One statement, so that it is of one moment."""
    found = connection.execute(
        f"SELECT {_OBJECT} FROM {_CURRENT} WHERE v.partition = ? AND v.name = ?",
        (encoded(partition), encoded(name)),
    ).fetchone()
    return row_of(found) if found else None


def find_all(
    connection: sqlite3.Connection, partition: str, names: Iterable[str]
) -> dict[str, Row]:
    """The objects of these names, for those that have one."""
    found: dict[str, Row] = {}
    for some in batches(names):
        query = (
            f"SELECT v.name, {_OBJECT} FROM {_CURRENT}"
            f" WHERE v.partition = ? AND v.name IN ({marks(some)})"
        )
        for name, *row in connection.execute(query, (encoded(partition), *map(encoded, some))):
            found[decoded(name)] = row_of(row)
    return found


def find_object(connection: sqlite3.Connection, digest: str) -> Row | None:
    """The object of that digest."""
    found = connection.execute(
        f"SELECT {_OBJECT} FROM objects o WHERE o.digest = ?", (digest,)
    ).fetchone()
    return row_of(found) if found else None


def find_objects(connection: sqlite3.Connection, digests: Iterable[str]) -> dict[str, Row]:
    """The objects of these digests, for those that there are."""
    found: dict[str, Row] = {}
    for some in batches(digests):
        query = f"SELECT {_OBJECT} FROM objects o WHERE o.digest IN ({marks(some)})"
        for row in connection.execute(query, some):
            found[row[0]] = row_of(row)
    return found


def names_of(connection: sqlite3.Connection, digest: str) -> list[str]:
    """The names whose object that is now; for no digest, those whose object was damaged."""
    found = connection.execute(
        "SELECT DISTINCT name FROM versions WHERE object = ? AND is_current", (digest,)
    )
    return [decoded(name) for (name,) in found]


def object_digests(connection: sqlite3.Connection) -> list[str]:
    """The digest of every object, named or not."""
    return [digest for (digest,) in connection.execute("SELECT digest FROM objects")]


def names(connection: sqlite3.Connection, partition: str) -> list[str]:
    """Every name that has an object, in order."""
    found = connection.execute(
        f"SELECT v.name FROM {_CURRENT} WHERE v.partition = ? ORDER BY v.name",
        (encoded(partition),),
    )
    return [decoded(name) for (name,) in found]


def digests(connection: sqlite3.Connection, partition: str) -> dict[str, str]:
    """Every name that has an object, in order, with the digest of that."""
    found = connection.execute(
        f"SELECT v.name, o.digest FROM {_CURRENT} WHERE v.partition = ? ORDER BY v.name",
        (encoded(partition),),
    )
    return {decoded(name): digest for name, digest in found}


def users(connection: sqlite3.Connection, buffers: Iterable[str]) -> set[str]:
    """The objects that use one of those buffers."""
    found: set[str] = set()
    for buffer in buffers:
        rows = connection.execute("SELECT object FROM uses WHERE buffer = ?", (buffer,))
        found.update(digest for (digest,) in rows)
    return found


def infos(connection: sqlite3.Connection, broken: Container[str]) -> list[ObjectInfo]:
    """An ObjectInfo for every named object, by partition and name; ``broken`` aren't whole."""
    rows = connection.execute(f"{_INFO} ORDER BY v.partition, v.name")
    return [_info(row, broken) for row in rows]


def info_of(connection: sqlite3.Connection, partition: str, name: str) -> ObjectInfo | None:
    """The ObjectInfo of one named object."""
    query = f"{_INFO} WHERE v.partition = ? AND v.name = ?"
    row = connection.execute(query, (encoded(partition), encoded(name))).fetchone()
    return None if row is None else _info(row, ())


_INFO: Final = (
    "SELECT v.name, v.partition, r.node, o.type, o.n_bytes, r.stored, r.used,"
    " (SELECT COUNT(*) FROM versions w WHERE w.partition = v.partition AND w.name = v.name"
    f" AND w.object != ''), o.digest FROM {_CURRENT} JOIN results r ON r.result = v.result"
)


def _info(row: Sequence[Any], broken: Container[str]) -> ObjectInfo:
    name, partition, node, kind, n_bytes, stored, used, n_versions, digest = row
    now = time.time()
    return ObjectInfo(
        name=decoded(name),
        partition=decoded(partition) or None,
        node=node if node is None else decoded(node),
        type=kind,
        n_bytes=n_bytes,
        age_seconds=max(0.0, now - stored),
        last_used_seconds=max(0.0, now - used),
        n_versions=n_versions,
        is_whole=digest not in broken,
    )


def known_buffers(connection: sqlite3.Connection) -> dict[str, int]:
    """The digest and size of every buffer that some object uses."""
    return dict(connection.execute("SELECT digest, n_bytes FROM buffers"))


def has_buffer(connection: sqlite3.Connection, digest: str) -> bool:
    """Return True if some object uses that buffer."""
    return exists(connection, "SELECT 1 FROM buffers WHERE digest = ?", digest)


def has_probe(connection: sqlite3.Connection, probe: str) -> bool:
    """Return True if there is a buffer that may be the same as one with that probe."""
    return exists(connection, "SELECT 1 FROM buffers WHERE probe = ?", probe)


def total_bytes(connection: sqlite3.Connection) -> int:
    """The bytes that the pickles and the buffers take, each counted once."""
    found = connection.execute(
        "SELECT (SELECT COALESCE(SUM(LENGTH(stream)), 0) FROM objects)"
        " + (SELECT COALESCE(SUM(n_bytes), 0) FROM buffers)"
    ).fetchone()
    return int(found[0])


def doomed(connection: sqlite3.Connection) -> list[str]:
    """The buffers whose files are to go."""
    return [digest for (digest,) in connection.execute("SELECT digest FROM doomed")]


def setting(connection: sqlite3.Connection, name: str, default: int) -> int:
    """A number that is kept with the shelf."""
    found = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return int(found[0]) if found else default


# --- changes, all inside a caller's transaction -----------------------------------------


def set_setting(connection: sqlite3.Connection, name: str, value: int) -> None:
    """Keep a number with the shelf."""
    connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))


def check_writable(connection: sqlite3.Connection) -> None:
    """Raise if the index can't be written: there BEGIN IMMEDIATE takes no lock, and is content.

    For changes of files under the lock that may have no row to change.

    Raises:
        sqlite3.OperationalError: it can't.
    """
    connection.execute("DELETE FROM settings WHERE 0")


def add_object(connection: sqlite3.Connection, row: Row, about: str | None) -> None:
    """Put in an object whose buffers are in their places, with the text to keep beside it."""
    text = None if about is None else encoded(about)
    connection.execute(
        "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)",
        (row.digest, row.stream, row.type, row.n_bytes, _joined(row.buffers), text),
    )
    for buffer, _ in row.buffers:
        connection.execute("INSERT OR IGNORE INTO uses VALUES (?, ?)", (row.digest, buffer))


def add_buffer(connection: sqlite3.Connection, digest: str, n_bytes: int, probe: str) -> None:
    """Put in a buffer whose file is in its place."""
    connection.execute("INSERT OR IGNORE INTO buffers VALUES (?, ?, ?)", (digest, n_bytes, probe))
    connection.execute("DELETE FROM doomed WHERE digest = ?", (digest,))


def release(connection: sqlite3.Connection, digests: Iterable[str], released: Released) -> None:
    """Delete those objects that nothing refers to, and the buffers that only they used.

    To be called when all names are set: one of them may have come to be another's object.
    """
    for digest in digests:
        row = find_object(connection, digest)
        if row is not None and not _is_referred_to(connection, row.digest):
            _delete_object(connection, row, released)


def _is_referred_to(connection: sqlite3.Connection, digest: str) -> bool:
    return exists(connection, "SELECT 1 FROM versions WHERE object = ?", digest) or exists(
        connection, "SELECT 1 FROM mentions WHERE object = ?", digest
    )


def delete_damaged(connection: sqlite3.Connection, row: Row, released: Released) -> None:
    """Delete an object whatever refers to it.

    Names that give it stay, without an object; older versions of it are of no use to anybody.
    """
    connection.execute("DELETE FROM versions WHERE object = ? AND NOT is_current", (row.digest,))
    connection.execute("UPDATE versions SET object = '' WHERE object = ?", (row.digest,))
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
        if not exists(connection, "SELECT 1 FROM uses WHERE buffer = ?", buffer):
            connection.execute("DELETE FROM buffers WHERE digest = ?", (buffer,))
            connection.execute("INSERT OR IGNORE INTO doomed VALUES (?)", (buffer,))
            released.n_buffers += 1
            released.n_bytes += n_bytes


def set_doomed(
    connection: sqlite3.Connection, digests: Sequence[str], *, instead_of: Sequence[str]
) -> None:
    """Note that the files of these buffers are to go, and those of the others are gone."""
    gone = {*instead_of} - {*digests}
    connection.executemany("DELETE FROM doomed WHERE digest = ?", [(each,) for each in gone])
    new = [(each,) for each in digests]
    connection.executemany("INSERT OR IGNORE INTO doomed VALUES (?)", new)


# --- spelling ---------------------------------------------------------------------------


def encoded(text: str) -> bytes:
    """Text as the index keeps it."""
    try:
        return text.encode()  # several times faster than with a way to handle errors
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def decoded(stored: bytes) -> str:
    """The text that was `encoded`."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored.decode("utf-8", "surrogatepass")


def batches(values: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """The values, as many at a time as one query takes."""
    rest = iter(values)
    while some := tuple(islice(rest, _VALUES_AT_ONCE)):
        yield some


def marks(values: Collection[object]) -> str:
    """A mark in a query for each of the values."""
    return ", ".join("?" * len(values))


def exists(connection: sqlite3.Connection, query: str, *values: Any) -> bool:
    """Return True if a query finds something."""
    return connection.execute(query, values).fetchone() is not None


def row_of(found: Sequence[Any]) -> Row:
    digest, stream, kind, n_bytes, buffers, about = found
    text = about if about is None else decoded(about)
    return Row(digest, stream, kind, n_bytes, split_buffers(buffers), text)


def split_buffers(stored: str) -> tuple[tuple[str, int], ...]:
    """The digest and size of each buffer of an object, as the index keeps them."""
    if not stored:
        return ()
    try:
        pairs = (pair.split(":") for pair in stored.split())
        return tuple((name, int(size)) for name, size in pairs)
    except ValueError:
        return ()  # damaged: the row isn't that of its digest any more, as all who read it see


def _joined(buffers: Iterable[tuple[str, int]]) -> str:
    return " ".join(f"{digest}:{n_bytes}" for digest, n_bytes in buffers)
