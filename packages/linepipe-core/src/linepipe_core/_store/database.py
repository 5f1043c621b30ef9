"""The shelf's index: a SQLite file that holds the names, the pickles and what they use.

Apart from `rows`, which says what is in it: this opens it. It owns the connections (one at a
time for each caller, safe across threads and forks), the transactions, and the translation of
SQLite's errors.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Protocol, TypeVar

from linepipe_core._errors import ShelfError, ShelfWriteError
from linepipe_core._store.permissions import APPLICATION_ID
from linepipe_core._store.rows import SCHEMA

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# A writer holds the lock for the time of a few renames and inserts, so whoever waits this
# long waits for a process that was stopped.
LOCK_SECONDS: Final = 60.0

# A forked child may neither use nor close its parent's connections: they are kept here.
_inherited: list[Any] = []


def create(path: str) -> None:
    """Make an empty index at ``path``, which must not exist."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def identity(path: str) -> tuple[int, int]:
    """What tells the file at ``path`` from any other, also one of the same path."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


class Change(Protocol[T_co]):
    """A change of the index, decided before its transaction begins."""

    def apply(self, connection: sqlite3.Connection) -> T_co:
        """Make it; the transaction is the caller's."""


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
        """A connection for queries; it holds no lock, and `write` never waits for it.

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

    def write(self, change: Change[T]) -> T:
        """Apply a change in a transaction that ends whole or not at all.

        It holds the write lock from its start. A call and not a context manager: an interrupt
        may come between a ``with`` and its ``__exit__``, and the lock would stay held for as
        long as the interrupt's traceback lives, so that whoever cleans up waits forever.

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
                    changed = change.apply(connection)
                    connection.execute("COMMIT")
                    return changed
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

    def __del__(self) -> None:
        # Nobody uses any of them now. What isn't idle, an interrupt took from who used it.
        if self._pid == os.getpid():
            for connection in self._connections:
                connection.close()
        else:
            _inherited.append(self._connections)

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
        if self.is_closed or connection.in_transaction:  # a second interrupt, in the rollback
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


def _quoted(path: str) -> str:
    """A path in a URI: SQLite gives a meaning to these three only."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _locked(path: str) -> str:
    return (
        f"the shelf at {path} has been locked for {LOCK_SECONDS:.0f} seconds\n"
        "  another process holds it: end that one, or let it go on"
    )
