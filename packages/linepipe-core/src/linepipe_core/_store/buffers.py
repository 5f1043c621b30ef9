"""Keeps large buffers as files named by the hash of their content.

Apart from the store because it knows files and no rows: where a buffer lies, whether it is
whole, how it is opened, and how a dead writer's drafts are told from a live one's. Which
files are wanted, the index says; nothing here takes its lock.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Final, Literal, TypeAlias

from linepipe_core._store.chunks import digest_of
from linepipe_core._store.mmap import Buffer, map_file, read_file

if sys.platform != "win32":
    import fcntl

# Below this, reading a file (0.1 ms) is as fast as mapping it and faulting its pages in.
MAPPED_BYTES: Final = 1 << 20

DRAFT_PREFIX: Final = "draft-"

# What is unreadable may be whole: too many open files, or a right that was taken away.
Verdict: TypeAlias = Literal["sound", "damaged", "unreadable", "gone"]


class BufferFiles:
    """The folder of buffer files."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def make_folder(self) -> None:
        """Make the folder, for its owner alone, out of version control's sight."""
        with suppress(FileExistsError):
            os.mkdir(self.folder, 0o700)
        ignore = os.path.join(self.folder, ".gitignore")
        if not os.path.exists(ignore):
            write_gitignore(self.folder)

    def path(self, digest: str) -> str:
        """Where the buffer of that digest lies."""
        return os.path.join(self.folder, digest)

    def is_whole(self, digest: str, n_bytes: int) -> bool:
        """Whether the file is there in its full size; its bits are `verify()`'s matter."""
        try:
            return os.stat(self.path(digest)).st_size == n_bytes
        except OSError:
            return False

    def open(self, digest: str, n_bytes: int) -> Buffer:
        """The buffer, writable and private: a copy-on-write map of the file, if it is large.

        Raises:
            FileNotFoundError: it is gone.
            ValueError: it isn't of its size.
            OSError: it can't be read.
        """
        return self._opened(digest, n_bytes, map_file if n_bytes >= MAPPED_BYTES else _read)

    def pin(self, digest: str, n_bytes: int) -> Buffer:
        """The buffer as it is now, whatever becomes of its file. Reads nothing.

        Raises:
            FileNotFoundError: it is gone.
            ValueError: it isn't of its size.
            OSError: it can't be read.
        """
        return self._opened(digest, n_bytes, map_file)

    def _opened(self, digest: str, n_bytes: int, how: Callable[[int, int, str], Buffer]) -> Buffer:
        fd = os.open(self.path(digest), os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            size = os.fstat(fd).st_size
            if size != n_bytes:
                raise ValueError(f"its buffer {digest[:12]} has {size} bytes of {n_bytes}")
            return how(fd, n_bytes, digest)
        finally:
            os.close(fd)

    def verdict(self, digest: str) -> Verdict:
        """Read the file, and say whether its content is what was written."""
        try:
            # Its own size, not what a row says: the name is the hash of content and size.
            buffer = self.open(digest, os.stat(self.path(digest)).st_size)
        except FileNotFoundError:
            return "gone"
        except (OSError, ValueError):
            return "unreadable"
        with memoryview(buffer) as view:
            return "sound" if digest_of(view) == digest else "damaged"

    def names(self) -> Iterator[str]:
        """The digests that have a file."""
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if not entry.name.startswith((DRAFT_PREFIX, ".")):
                    yield entry.name

    def remove(self, digests: Iterable[str]) -> None:
        """Remove files; one that can't be removed is a leftover, for a later sweep."""
        for digest in digests:
            with suppress(OSError):
                os.unlink(self.path(digest))

    def sync_folder(self) -> None:
        """Make the names of placed files last, where a folder can be synced."""
        with suppress(OSError):
            fd = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)

    def drafts(self) -> AbstractContextManager[str]:
        """A folder for files in the making, locked as long as this process lives and works.

        Its lock is how a sweep tells it from what a killed writer left.
        """
        return _Draft(_draft_path(self.folder))

    def sweep_drafts(self) -> int:
        """Remove what dead writers left; live ones hold their locks. Returns how many."""
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            folders = [entry.path for entry in entries if entry.name.startswith(DRAFT_PREFIX)]
            left = [draft for draft in map(_Draft, folders) if not draft.is_live()]
            for draft in left:
                draft.remove()
            return len(left)
        return 0


class _Draft:
    """A folder for files in the making, and its lock, which ends with the process."""

    _fd = -1  # of the class, for `__del__` where an interrupt came before `__init__`

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __enter__(self) -> str:
        try:
            self._make()
        except BaseException:
            self.remove()
            raise
        return self.folder

    def __exit__(self, *_: object) -> None:
        self.remove()

    def _make(self) -> None:
        for _ in range(100):
            os.mkdir(self.folder, 0o700)
            if self.lock() and os.path.isdir(self.folder):
                return
            # A sweep took it for a leftover before it was locked.
            self._close()
            self.folder = _draft_path(os.path.dirname(self.folder))
        raise OSError(errno.EBUSY, "can't make a folder for drafts", self.folder)

    def lock(self) -> bool:
        """Take the lock. Returns whether it could be had."""
        if sys.platform == "win32":
            return True
        try:
            self._fd = os.open(self.folder, os.O_RDONLY)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def is_live(self) -> bool:
        """Whether its writer lives; where there are no such locks, it may."""
        return sys.platform == "win32" or not self.lock()

    def remove(self) -> None:
        """Remove the folder with all that is in it, and let go of the lock."""
        with suppress(OSError):
            for name in os.listdir(self.folder):
                with suppress(OSError):
                    os.unlink(os.path.join(self.folder, name))
            os.rmdir(self.folder)
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    __del__ = _close  # where an interrupt came between two lines


def _draft_path(folder: str) -> str:
    return os.path.join(folder, DRAFT_PREFIX + os.urandom(8).hex())


def write_gitignore(folder: str) -> None:
    """Keep version control out of a folder, if it can be written at all."""
    with suppress(OSError), open(os.path.join(folder, ".gitignore"), "w") as file:
        file.write("# made by linepipe: a cache\n*\n")


def _read(fd: int, n_bytes: int, _digest: str) -> Buffer:
    return read_file(fd, n_bytes)
