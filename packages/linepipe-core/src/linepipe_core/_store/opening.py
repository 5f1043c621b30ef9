"""Opens a shelf: its folder, the index in it, and what else belongs there, made if it is missing.

Apart from the store because each of its steps has an order that matters: nothing is touched
before it is known to be ours, and nothing read before it is known to be only ours.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from linepipe_core._errors import ShelfError, ShelfPathError, ShelfReadError, ShelfWriteError
from linepipe_core._store import folder as folders
from linepipe_core._store.database import Index, create
from linepipe_core._store.folder import INDEX, RESERVE, RESERVE_BYTES, ShelfFolder, open_folder
from linepipe_core._store.staging import Staging

_PASSING = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EINTR)


def open_shelf(path: str | os.PathLike[str]) -> tuple[ShelfFolder, Staging, Index]:
    """The parts of the shelf at ``path``, made if they are missing, checked and trusted.

    Raises:
        ShelfPathError: the path holds something else, or can't hold a shelf.
        ShelfTrustError: others own it, or may put another in its place.
        ShelfReadError: it can't be read just now.
        ShelfWriteError: it can't be made.
        ShelfError: its index is damaged.
    """
    with folders.opening:
        try:
            folder = open_folder(path)
            staging = Staging(folder)
            if not folder.exists(INDEX):
                _make(folder, staging)
            index = Index(folder)
        except ShelfError:
            raise
        except OSError as error:
            raise _translated(folders.absolute(path), error) from error
        try:
            index.check()
        except BaseException:
            index.close()
            raise
        return folder, staging, index


def _translated(path: str, error: OSError) -> ShelfError:
    if error.errno in _PASSING:
        return ShelfReadError(f"the shelf at {path} can't be opened just now: {error}", path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return ShelfWriteError(
            f"a shelf can't be made at {path}: {error}\n"
            "  make room there, or choose another cache_storage_path",
            path,
        )
    return ShelfPathError(
        f"there can be no shelf at {path}: {error}\n  choose another cache_storage_path", path
    )


def _make(folder: ShelfFolder, staging: Staging) -> None:
    """Make an empty index; if another process is quicker, its one it is."""
    with suppress(FileExistsError):
        folder.write_new(".gitignore", b"# made by linepipe: a cache\n*\n")
    write_reserve(folder, staging)
    draft = staging.new_name()
    try:
        os.close(folder.create(draft))
        create(folder.locate(draft))
        try:
            folder.link(draft, INDEX)  # unlike a rename it never replaces another's
        except FileExistsError:
            pass
        except OSError:  # a filesystem without links
            if not folder.exists(INDEX):
                folder.rename(draft, INDEX)
        folder.sync(".")
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                folder.unlink(draft + suffix)


def write_reserve(folder: ShelfFolder, staging: Staging) -> None:
    """Set space aside for a full disk, if there is that much.

    Raises:
        OSError: there can be no staging folder.
    """
    if folder.exists(RESERVE):
        return
    draft = staging.new_name()
    try:
        # Real bytes: a hole reserves nothing.
        folder.write_new(draft, os.urandom(4096) * (RESERVE_BYTES // 4096))
        folder.rename(draft, RESERVE)
    except OSError:  # it helps to remove, and isn't needed to store
        with suppress(OSError):
            folder.unlink(draft)
