"""Opens the files of a shelf: makes them if they are missing, checks them, trusts them or not.

Apart from the shelf because each of its steps has an order that matters: nothing is touched
before it is known to be ours, and nothing read before it is known to be only ours.
"""

from __future__ import annotations

import os
import threading
import weakref

from linepipe_core._errors import ShelfError, ShelfPathError
from linepipe_core._store import database as index
from linepipe_core._store import permissions as trust
from linepipe_core._store.buffers import BufferFiles, write_gitignore
from linepipe_core._store.database import Index

# What this process has open: while it has, the index file may not be opened and closed by
# other means (see `trust.refuse_foreign`).
_open: weakref.WeakSet[Index] = weakref.WeakSet()
_opening = threading.Lock()


def _forget_opening() -> None:
    """In a forked child: the lock may be held by a thread that only the parent has."""
    global _opening
    _opening = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_opening)


def open_index(path: str, files: BufferFiles) -> Index:
    """The index at ``path``, made if it is missing, checked and trusted."""
    with _opening:
        try:
            if not os.path.lexists(path):
                trust.refuse_older(path)
                _make(path, files)
            if not _is_open(path):
                trust.refuse_foreign(path)
            files.make_folder()
            trust.check_parent(os.path.dirname(path))
            trust.check_owner(path)
            trust.check_owner(files.folder)
            opened = _checked(Index(path))
        except OSError as error:
            if isinstance(error, ShelfError):
                raise
            raise ShelfPathError(f"there can be no shelf at {path}: {error}", path) from error
        _open.add(opened)
        return opened


def _checked(opened: Index) -> Index:
    """The index, with a log that nobody else laid beside it: SQLite would play that back."""
    try:
        opened.check()
        for suffix in ("-wal", "-shm", "-journal"):
            trust.check_owner(opened.path + suffix, missing_ok=True)
    except BaseException:
        opened.close()
        raise
    return opened


def _is_open(path: str) -> bool:
    return any(one.identity == index.identity(path) and not one.is_closed for one in _open)


def _make(path: str, files: BufferFiles) -> None:
    """Make an empty shelf; if another process is quicker, its one it is."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        os.makedirs(parent, mode=0o700, exist_ok=True)
        write_gitignore(parent)
    files.make_folder()
    with files.drafts() as folder:
        draft = os.path.join(folder, "index")
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        index.create(draft)
        try:
            os.link(draft, path)  # unlike a rename it never replaces another's
        except FileExistsError:
            pass
        except OSError:  # a filesystem without links
            if not os.path.lexists(path):
                os.replace(draft, path)
