"""Decides whether a path may hold a shelf, and whether what lies there may be believed.

Apart from the shelf because these are its only opinions about files that others made:
unpickling runs code, so a shelf that somebody else could have written is refused; a file
that isn't a shelf is refused too, and never touched.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Final

from linepipe_core._errors import ShelfPathError, ShelfTrustError
from linepipe_core._log import SHELF_LOG

# Written at byte 68 of a SQLite file: "LPsh". Foreign databases have another one.
APPLICATION_ID: Final = 0x4C507368

_SQLITE_MAGIC: Final = b"SQLite format 3\0"

# What linepipe 1.x left beside the path, by the Python's dbm: ndbm, dumb and old gdbm.
_OLDER_SUFFIXES: Final = (".db", ".dat", ".pag")

_stood_aside: set[str] = set()


def refuse_foreign(path: str) -> None:
    """Raise if the file at ``path`` isn't a shelf.

    Must not be called while this process has the shelf open: closing any descriptor of a
    file drops the process's locks on it, SQLite's among them.

    Raises:
        ShelfPathError: it is something else, or can't be read.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise _foreign(path, "something that isn't a file")
        with open(path, "rb") as file:
            header = file.read(100)
    except OSError as error:
        if isinstance(error, ShelfPathError):
            raise
        raise ShelfPathError(f"the shelf at {path} can't be read: {error}", path) from error
    if not header.startswith(_SQLITE_MAGIC):
        raise _foreign(path, "a file that linepipe didn't make, or an older linepipe's shelve")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise _foreign(path, "another program's SQLite database, or an older linepipe's shelve")


def refuse_older(path: str) -> None:
    """Raise if linepipe 1.x has a cache at ``path``: its files have the path and a suffix.

    Raises:
        ShelfPathError: such a file is there.
    """
    for suffix in _OLDER_SUFFIXES:
        if os.path.exists(path + suffix):
            raise _foreign(path + suffix, "an older linepipe's shelve, or another program's file")


def check_owner(path: str, *, missing_ok: bool = False) -> None:
    """Raise if somebody else owns a file or folder of the shelf, or may write it.

    Raises:
        ShelfTrustError: so it is.
    """
    if not hasattr(os, "geteuid"):  # Windows: owners are not in `stat`
        return
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if missing_ok:
            return
        raise
    problem = _distrust(found)
    if problem and not _maps_owners(os.path.dirname(path)):
        raise ShelfTrustError(
            f"{path} isn't trusted: {problem}, and reading a shelf runs code that lies in it\n"
            f"  if it is yours: chown it to you and `chmod go-w` it; otherwise choose another "
            "cache_storage_path",
            path,
        )


def check_parent(folder: str) -> None:
    """Raise if anybody may put files into ``folder`` or rename those in it.

    Raises:
        ShelfTrustError: so it is.
    """
    if not hasattr(os, "geteuid"):
        return
    mode = os.stat(folder).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX and not _maps_owners(folder):
        raise ShelfTrustError(
            f"a shelf in {folder} isn't trusted: everybody may write that folder\n"
            "  `chmod o-w` it, or give the cache a folder of its own in cache_storage_path",
            folder,
        )


def _distrust(found: os.stat_result) -> str | None:
    if found.st_uid != os.geteuid():
        return f"user {found.st_uid} owns it and you are user {os.geteuid()}"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write it (mode {stat.S_IMODE(found.st_mode):04o})"
    return None


def _maps_owners(folder: str) -> bool:
    """Whether this filesystem shows what we just made as another's; if so, says it once."""
    probe = os.path.join(folder, f".linepipe-{os.urandom(8).hex()}")
    try:
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:
        return False
    try:
        is_mapped = _distrust(os.stat(probe)) is not None
    finally:
        with suppress(OSError):
            os.unlink(probe)
    if is_mapped and folder not in _stood_aside:
        _stood_aside.add(folder)
        SHELF_LOG.warning(
            "the filesystem of %s maps owners or modes: a file just made there looks like "
            "another's, so linepipe can't check who wrote the shelf; see to it that only "
            "you can",
            folder,
        )
    return is_mapped


def _foreign(path: str, what: str) -> ShelfPathError:
    return ShelfPathError(
        f"{path} is {what}: it stays as it is\n"
        "  move it away, or choose another cache_storage_path",
        path,
    )
