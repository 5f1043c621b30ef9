"""Opens connections to the index's file, each as far as what it opened was checked.

Apart from the index, which owns the connections: here is what SQLite must be asked for, and
what it says wrongly.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import suppress
from typing import Final, Literal, TypeAlias

from linepipe_core._errors import ShelfError
from linepipe_core._store.folder import INDEX, LOGS, ShelfFolder
from linepipe_core._store.permissions import distrust
from linepipe_core._store.sqlite_errors import says_damage

# How the file is opened: as usual; without a log in shared memory, for which a full disk has no
# room; for reading; and for reading a folder that can't be written, if there is no log.
Mode: TypeAlias = Literal["rw", "exclusive", "ro", "immutable"]

_ASKED: Final = {
    "rw": "mode=rw",
    "exclusive": "mode=rw",
    "ro": "mode=ro",
    "immutable": "mode=ro&immutable=1",
}

# NORMAL: no sync for each commit. A killed process loses nothing, a power cut the newest commits
# and never half of one. FAST: what is deleted is overwritten where that costs no page more; a
# full disk has no room for more.
_PRAGMAS: Final = ("synchronous=NORMAL", "secure_delete=FAST", "temp_store=MEMORY")

# The log is brought into the index when it has so many pages of 4 KiB, which takes two syncs.
_LOG_PAGES: Final = 1_000
_LOG_PAGES_OF_A_SMALL_DISK: Final = 250
_SMALL_DISK_BYTES: Final = 256 * 1024 * 1024


def connect(folder: ShelfFolder, mode: Mode, *, is_first: bool) -> sqlite3.Connection:
    """Open a connection.

    Args:
        folder: the shelf's.
        mode: how to open the file.
        is_first: True if this process has no other connection to it: a later one reuses its
            descriptors, and can't be compared.

    Raises:
        ShelfTrustError: another file was opened than the one that was checked.
        sqlite3.Error: it can't be opened so.
    """
    before = _descriptors() if folder.risks and is_first else None
    connection = sqlite3.connect(
        f"file:{_quoted(folder.locate(INDEX))}?{_ASKED[mode]}",
        uri=True,
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    try:
        if mode == "exclusive":
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("SELECT 1 FROM settings LIMIT 1").fetchone()
        if before is not None:
            _compare(folder, before, mode)
        for pragma in (*_PRAGMAS, f"wal_autocheckpoint={_log_pages(folder.path)}"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _log_pages(path: str) -> int:
    """The pages that the log may have; fewer where they could be the disk's last."""
    try:
        found = os.statvfs(path)
    except (AttributeError, OSError):  # Windows has none
        return _LOG_PAGES_OF_A_SMALL_DISK
    is_small = found.f_bavail * found.f_frsize < _SMALL_DISK_BYTES
    return _LOG_PAGES_OF_A_SMALL_DISK if is_small else _LOG_PAGES


def _compare(folder: ShelfFolder, before: dict[int, tuple[int, int]], mode: Mode) -> None:
    """Raise if SQLite has opened another file than the one that was checked."""
    opened = {found for fd, found in _descriptors().items() if before.get(fd) != found}
    for name in (INDEX, *LOGS[:2]) if mode == "rw" else (INDEX,):
        found = folder.stat(name)
        if (found.st_dev, found.st_ino) not in opened:
            raise distrust(
                folder.locate(name),
                "another file was opened than the one that was checked, as somebody moved "
                f"folders ({'; '.join(folder.risks)})",
                "choose a cache_storage_path that only you can change",
            )


def is_sound(folder: ShelfFolder, mode: Mode) -> bool:
    """Return True if an index that SQLite calls damaged isn't, or can't be read just now.

    SQLite says so of a read that fails with EIO, too (SQLITE_IOERR_CORRUPTFS).
    """
    try:
        connection = connect(folder, mode, is_first=False)
        try:
            found: list[object] = connection.execute("PRAGMA quick_check(1)").fetchall()
            return found == [("ok",)]
        finally:
            connection.close()
    except sqlite3.Error as error:
        return not says_damage(error) or not _is_readable(folder)
    except (OSError, ShelfError):
        return True


def _is_readable(folder: ShelfFolder) -> bool:
    """Return True if every byte of the index and its log can be read, whatever it says.

    By SQLite's own descriptors: closing one of ours would end this process's locks.
    """
    names = []
    try:
        for name in (INDEX, LOGS[0]):
            with suppress(FileNotFoundError):
                found = folder.stat(name)
                names.append((found.st_dev, found.st_ino))
        for fd in [fd for fd, found in _descriptors().items() if found in names]:
            at = 0
            while read := os.pread(fd, 1 << 20, at):
                at += len(read)
    except OSError:
        return False
    return True


def _descriptors() -> dict[int, tuple[int, int]]:
    """The files that this process has open; `stat` through /proc opens nothing."""
    found = {}
    if sys.platform == "linux":
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                one = os.stat(f"/proc/self/fd/{name}")
                found[int(name)] = one.st_dev, one.st_ino
    return found


def _quoted(path: str) -> str:
    """A path in a URI: SQLite gives a meaning to these three only."""
    return path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
