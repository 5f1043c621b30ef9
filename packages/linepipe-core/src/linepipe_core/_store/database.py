"""The shelf's index: a SQLite file that holds the names, the pickles and what they use.

Apart from `rows`, which says what is in it: this opens it. It owns the connections (one at a
time for each caller, none across a fork), the transactions, and the translation of SQLite's
errors.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sqlite3
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Concatenate, Final, ParamSpec, Protocol, TypeVar

from linepipe_core._errors import ShelfError, ShelfPathError, ShelfReadError, ShelfWriteError
from linepipe_core._store import folder as folders
from linepipe_core._store.connecting import Mode, connect, is_sound
from linepipe_core._store.folder import FORMAT, INDEX, LOGS, ShelfFolder
from linepipe_core._store.fork_gate import GATE, Calls
from linepipe_core._store.rows import SCHEMA
from linepipe_core._store.sqlite_errors import (
    has_no_room,
    is_busy,
    may_be_readonly,
    primary_code,
    says_damage,
)
from linepipe_core._store.writer import WRITER, Job

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")

# Written at byte 68 of the SQLite file: "LPsh". Foreign databases have another one.
APPLICATION_ID: Final = 0x4C507368

# A writer holds the lock for the time of a few links and inserts, so whoever waits this
# long waits for a process that was stopped.
LOCK_SECONDS: Final = 60.0

# Between two tries for the lock: steady, for growing naps starve beside busy writers. SQLite
# itself never waits: a fork would wait with it.
NAP_SECONDS: Final = 0.001

_indexes: weakref.WeakSet[Index] = weakref.WeakSet()


class Change(Protocol[T_co]):
    """A change of the index, decided before its transaction begins."""

    def apply(self, connection: sqlite3.Connection) -> T_co:
        """Make it; the transaction is the caller's."""


def create(path: str) -> None:
    """Make an empty index in the empty file at ``path``."""
    calls = GATE.calls()
    depth = calls.depth
    connection = None
    try:
        GATE.enter(calls)
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={FORMAT}")
        connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as error:
        raise OSError(errno.ENOSPC if primary_code(error) == sqlite3.SQLITE_FULL else errno.EIO,
                      f"SQLite: {error}", path) from error  # fmt: skip
    finally:
        if connection is not None:
            connection.close()
        calls.depth = depth


class Index:
    """An open index.

    Attributes:
        n_commits: the number of changes that this process has made, of all indexes.
        is_closed: True after `close`.
        identity: the index file's device and inode.
    """

    n_commits: ClassVar[int] = 0

    folder: ShelfFolder
    path: str
    is_closed: bool
    identity: tuple[int, int]

    def __init__(self, folder: ShelfFolder) -> None:
        self.folder = folder
        self.path = folder.path
        self.is_closed = False
        self._mode: Mode = "rw"
        self._is_lost = False
        self._begin()
        self.identity = self._identity()
        _indexes.add(self)
        GATE.guard(self)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._idle: list[sqlite3.Connection] = []
        self._connections: set[sqlite3.Connection] = set()

    @property
    def is_readonly(self) -> bool:
        """True if it could be opened for reading only."""
        return self._mode in ("ro", "immutable")

    def check(self) -> None:
        """Read something, so that SQLite opens its log too.

        Raises:
            ShelfError: the index is damaged, of another format, or can't be read.
        """
        ((version,),) = self.read(_all, "PRAGMA user_version")
        if version != FORMAT:
            raise ShelfPathError(
                f"the index of the shelf at {self.path} has format {version}, and this linepipe "
                f"reads {FORMAT}\n  it stays as it is: choose another cache_storage_path",
                self.path,
            )

    def read(
        self,
        query: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Give what a query of `rows` gives; it holds no lock, and `write` never waits for it.

        Raises:
            ShelfReadError: the shelf can't be read.
            ShelfError: the index is damaged.
        """
        calls = GATE.calls()
        depth = calls.depth
        end = time.monotonic() + LOCK_SECONDS
        while True:
            connection = None
            try:
                GATE.enter(calls)
                connection = self._take()
                return query(connection, *args, **kwargs)
            except sqlite3.Error as error:
                if not is_busy(error) or time.monotonic() > end:
                    raise self._read_error(error) from error
            finally:
                if connection is not None:
                    self._give_back(connection)
                calls.depth = depth  # also where an interrupt came inside `enter`
            time.sleep(NAP_SECONDS)

    def write(self, change: Change[T]) -> T:
        """Apply a change in a transaction that ends whole or not at all.

        It holds the write lock from its start.

        Raises:
            ShelfWriteError: the shelf can't be written.
            ShelfError: the index is damaged.
        """
        self._check_there()
        if WRITER.is_needed():
            done: T = WRITER.run(partial(self._transaction, change))
            return done
        return self._transaction(change)

    def _transaction(self, change: Change[T], job: Job[T] | None = None) -> T:
        calls = GATE.calls()
        depth = calls.depth
        connection = None
        try:
            connection = self._locked(calls, job)
            changed = change.apply(connection)
            connection.execute("COMMIT")
            Index.n_commits += 1
            return changed
        except sqlite3.Error as error:
            raise self._write_error(error) from error
        finally:
            if connection is not None:
                if connection.in_transaction:
                    with suppress(sqlite3.Error):  # then it is closed, which rolls back too
                        connection.execute("ROLLBACK")
                self._give_back(connection)
            calls.depth = depth

    def _locked(self, calls: Calls, job: Job[Any] | None) -> sqlite3.Connection:
        """A connection with the write lock; while it waits for that, the gate is open."""
        end = time.monotonic() + LOCK_SECONDS
        while True:
            GATE.enter(calls)
            connection = self._take()
            try:
                connection.execute("BEGIN IMMEDIATE")
                return connection
            except sqlite3.Error as error:
                self._give_back(connection)
                is_given_up = job is not None and job.is_given_up
                if is_given_up or not is_busy(error) or time.monotonic() > end:
                    raise
            calls.depth -= 1
            time.sleep(NAP_SECONDS)

    def close(self) -> None:
        """Close every connection; one that a thread still uses closes when it is done."""
        self.is_closed = True
        if self._pid != os.getpid():
            self._leave_inherited()
            return
        calls = GATE.calls()
        depth = calls.depth
        try:
            GATE.enter(calls)
            while self._idle:
                with suppress(IndexError):
                    self._drop(self._idle.pop())
        finally:
            calls.depth = depth

    def __del__(self) -> None:
        # Nobody uses any of them now. What isn't idle, an interrupt took from its user.
        if not hasattr(self, "_connections"):
            return
        if self._pid != os.getpid():
            self._leave_inherited()
            return
        for connection in self._connections:
            connection.close()

    def shrink(self, n_pages: int) -> None:
        """Give the space of what was deleted back to the disk, so many pages at a time."""
        ((left,),) = self.read(_all, "PRAGMA freelist_count")
        while left:
            self.read(_all, f"PRAGMA incremental_vacuum({n_pages})")
            self.checkpoint()
            before = left
            ((left,),) = self.read(_all, "PRAGMA freelist_count")
            if left >= before:  # others write, too
                break
        self.checkpoint()

    def checkpoint(self) -> None:
        """Bring the log into the index, and cut it short, if nobody reads it and there is room."""
        with suppress(ShelfReadError):
            self.read(_all, "PRAGMA wal_checkpoint(TRUNCATE)")

    def sync(self) -> None:
        """Bring what is committed onto the disk, so that it survives a power cut."""
        self.read(_all, "PRAGMA wal_checkpoint(FULL)")

    def sync_log(self) -> None:
        """Wait until the log is on the disk: the commits before this survive a power cut.

        The log's own inode bears none of SQLite's locks, so opening and closing it is harmless.
        """
        with suppress(FileNotFoundError):  # all of it is in the index, and was synced
            fd = self.folder.open(LOGS[0], os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
            try:
                getattr(os, "fdatasync", os.fsync)(fd)
            finally:
                os.close(fd)

    # --- forks --------------------------------------------------------------------------

    def before_fork(self) -> None:
        """Close every connection: no call is open."""
        if self._pid == os.getpid():
            self._idle.clear()
            while self._connections:
                self._drop(self._connections.pop())

    def after_fork_in_child(self, *, was_inside: bool) -> None:
        """Begin anew, unless a signal handler forked in the middle of a call of this thread."""
        if was_inside and self._connections:
            self._is_lost = True
            self._leave_inherited()
        self._begin()

    def _leave_inherited(self) -> None:
        """Let the parent's connections live for ever: closing one would end the parent's locks."""
        for connection in self._connections:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))

    # --- connections --------------------------------------------------------------------

    def _take(self) -> sqlite3.Connection:
        if self.is_closed:
            raise ValueError(f"the shelf at {self.path} is closed: open it again")
        if self._pid != os.getpid():  # forked by C code, which calls no hooks
            self._leave_inherited()
            self._begin()
        if self._is_lost:
            raise ShelfReadError(
                f"the shelf at {self.path} can't be used in this process: a signal handler "
                "forked it in the middle of a call\n  start a fresh process for that",
                self.path,
            )
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._connect()
        except OSError as error:
            if isinstance(error, ShelfError):
                raise
            raise ShelfReadError(
                f"the shelf at {self.path} can't be opened just now: {error}", self.path
            ) from error

    def _connect(self) -> sqlite3.Connection:
        """Open a connection as usual, or as far as the disk and the folder allow."""
        if self._mode == "exclusive" and self._connections:
            raise _Taken
        if self._mode == "exclusive":
            self._mode = "rw"  # there may be room again
        try:
            return self._connect_as(self._mode)
        except sqlite3.Error as error:
            if self._mode == "rw" and has_no_room(error):
                connection = self._connect_as("exclusive")
            elif self._mode == "rw" and may_be_readonly(error) and not self._is_writable():
                connection = self._connect_readonly()
            else:
                raise
        return connection

    def _connect_readonly(self) -> sqlite3.Connection:
        try:
            return self._connect_as("ro")
        except sqlite3.Error as error:
            if not may_be_readonly(error):
                raise
            with suppress(FileNotFoundError):
                if self.folder.stat(LOGS[0]).st_size:
                    raise ShelfReadError(
                        f"the shelf at {self.path} can't be written, and its newest commits lie "
                        "in a log that can't be read without writing\n  open it once where it "
                        "can be written: what it was before them is never read",
                        self.path,
                    ) from error
            return self._connect_as("immutable")

    def _connect_as(self, mode: Mode) -> sqlite3.Connection:
        with folders.opening:
            is_first = not any(
                each._connections and each.identity == self.identity for each in list(_indexes)
            )
            connection = connect(self.folder, mode, is_first=is_first)
            self._connections.add(connection)
        self._mode = mode
        return connection

    def _is_writable(self) -> bool:
        try:
            self.folder.stat(INDEX)
        except OSError:
            return True  # it is gone, which is another trouble
        return os.access(self.path, os.W_OK) and os.access(self.folder.locate(INDEX), os.W_OK)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self.is_closed or connection.in_transaction or self._mode == "exclusive":
            self._drop(connection)
        else:
            self._idle.append(connection)

    def _drop(self, connection: sqlite3.Connection) -> None:
        self._connections.discard(connection)
        with suppress(sqlite3.Error):
            connection.close()

    def _identity(self) -> tuple[int, int]:
        found = self.folder.stat(INDEX)
        return found.st_dev, found.st_ino

    def _check_there(self) -> None:
        try:
            found = os.stat(self.folder.locate(INDEX))
            is_there = (found.st_dev, found.st_ino) == self.identity
        except OSError:
            is_there = False
        if not is_there:
            raise ShelfWriteError(
                f"the shelf at {self.path} is gone, or another file took its place\n"
                "  nothing can be stored on it any more: open it again",
                self.path,
            )

    # --- errors -------------------------------------------------------------------------

    def _read_error(self, error: sqlite3.Error) -> ShelfError:
        return self._damage(error) or ShelfReadError(
            _locked(self.path)
            if is_busy(error)
            else f"the shelf at {self.path} can't be read ({error})\n"
            "  what is there stays; see to open files, memory, the disk and the permissions",
            self.path,
        )

    def _write_error(self, error: sqlite3.Error) -> ShelfError:
        return self._damage(error) or ShelfWriteError(
            _locked(self.path)
            if is_busy(error)
            else f"the shelf at {self.path} can't be written ({error})\n"
            "  what was there stays; see to the disk's space and the file's permissions",
            self.path,
        )

    def _damage(self, error: sqlite3.Error) -> ShelfError | None:
        is_damage = "no such table" in str(error) or (
            says_damage(error) and not is_sound(self.folder, self._mode)
        )
        if is_damage:
            return ShelfError(
                f"the index of the shelf at {self.path} is damaged ({error})\n"
                f"  remove the folder {self.path} to start anew",
                self.path,
            )
        return None


class _Taken(sqlite3.OperationalError):
    """The only connection that a full disk allows is in use."""

    sqlite_errorcode = sqlite3.SQLITE_BUSY


def _all(connection: sqlite3.Connection, statement: str) -> list[Any]:
    return connection.execute(statement).fetchall()


def _locked(path: str) -> str:
    return (
        f"the shelf at {path} has been locked for {LOCK_SECONDS:.0f} seconds\n"
        "  another process holds it: end that one, or let it go on"
    )
