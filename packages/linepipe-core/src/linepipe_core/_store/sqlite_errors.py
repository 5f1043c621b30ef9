"""Reads SQLite's error codes: busy, read-only, or no room.

Apart from the index, which translates them into linepipe's errors: these are the facts.
"""

from __future__ import annotations

import sqlite3

__all__ = ["has_no_room", "is_busy", "may_be_readonly", "primary_code", "says_damage"]


def primary_code(error: sqlite3.Error) -> int:
    """The error's code without its extension; 0 if SQLite gave none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Return True if another connection holds the lock."""
    return primary_code(error) in (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
    )


def has_no_room(error: BaseException | None) -> bool:
    """Return True if SQLite says that the disk is full."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_FULL or code in (
        sqlite3.SQLITE_IOERR_SHMSIZE,
        sqlite3.SQLITE_IOERR_SHMOPEN,
        sqlite3.SQLITE_IOERR_WRITE,
    )


def may_be_readonly(error: sqlite3.Error) -> bool:
    """Return True if the folder or the file may be one that can't be written."""
    return primary_code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


def says_damage(error: sqlite3.Error) -> bool:
    """Return True if SQLite finds that the file isn't what it should be."""
    return primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
