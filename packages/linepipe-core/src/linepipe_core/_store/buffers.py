"""Keeps large buffers as files named by the hash of their content.

Apart from the store because it knows files and no rows: whether a buffer is whole, how it is
opened, and how it is placed and removed. Which files are wanted, the index says; nothing here
takes its lock.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Final, Literal, TypeAlias

from linepipe_core._store.chunks import digest_of
from linepipe_core._store.folder import BUFFERS, ShelfFolder
from linepipe_core._store.mmap import Buffer, map_file
from linepipe_core._store.permissions import own_problem

# What is unreadable may be whole: too many open files, or a right that was taken away.
Verdict: TypeAlias = Literal["sound", "damaged", "unreadable", "gone"]

DIGEST_LENGTH: Final = 64


class BadBytesError(ValueError):
    """Something isn't what was written: it counts as missing."""


class BufferFiles:
    """The buffer files of a shelf."""

    def __init__(self, folder: ShelfFolder) -> None:
        self.folder = folder

    def path(self, digest: str) -> str:
        """Where the buffer of that digest lies, for messages."""
        return self.folder.locate(_inside(digest))

    def is_whole(self, digest: str, n_bytes: int) -> bool:
        """Return True if the file is there in its full size; its bits are `verify()`'s matter.

        Raises:
            OSError: it can't be looked at.
        """
        try:
            self._check(self.folder.stat(_inside(digest)), digest, n_bytes)
        except (BadBytesError, FileNotFoundError):
            return False
        return True

    def open(self, digest: str, n_bytes: int) -> Buffer:
        """The buffer, a writable and private copy-on-write map of the file. Reads nothing.

        Raises:
            BadBytesError: it is gone, isn't of its size, or is no plain file of yours.
            OSError: it can't be read.
        """
        return self._opened(digest, lambda fd, _: map_file(fd, n_bytes, digest), n_bytes)

    def _opened(
        self, digest: str, read: Callable[[int, int], Buffer], n_bytes: int | None
    ) -> Buffer:
        try:
            fd = self.folder.open(_inside(digest))
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
                raise BadBytesError(f"its buffer {digest[:12]} is gone, or no file") from error
            raise
        try:
            found = os.fstat(fd)
            self._check(found, digest, n_bytes)
            return read(fd, found.st_size)
        finally:
            os.close(fd)

    def _check(self, found: os.stat_result, digest: str, n_bytes: int | None) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise BadBytesError(f"its buffer {digest[:12]} is no plain file")
        others_write = stat.S_IWGRP | stat.S_IWOTH
        if self.folder.trusts_owners and (problem := own_problem(found, others_write)):
            raise BadBytesError(f"its buffer {digest[:12]} isn't trusted: {problem}")
        if n_bytes is not None and found.st_size != n_bytes:
            raise BadBytesError(f"its buffer {digest[:12]} has {found.st_size} bytes of {n_bytes}")

    def verdict(self, digest: str) -> Verdict:
        """Read the file, and say whether its content is what was written."""
        try:
            # Its own size, not what a row says: the name is the hash of content and size.
            buffer = self._opened(digest, lambda fd, size: map_file(fd, size, digest), None)
        except BadBytesError:
            return "damaged" if self.is_there(digest) else "gone"
        except OSError as error:
            return "damaged" if error.errno == errno.EINVAL else "unreadable"  # empty: no map
        with memoryview(buffer) as view:
            return "sound" if digest_of(view) == digest else "damaged"

    def is_there(self, digest: str) -> bool:
        """Return True if something lies where the buffer of that digest belongs."""
        return self.folder.exists(_inside(digest))

    def names(self) -> Iterator[str]:
        """The digests that have a file. Reads the whole folder."""
        with suppress(FileNotFoundError):
            yield from (name for name in self.folder.names(BUFFERS) if is_digest(name))

    def place(self, name: str, digest: str) -> None:
        """Give a file of the staging folder its name among the buffers, over another's.

        Raises:
            OSError: it can't be.
        """
        try:
            self.folder.link(name, _inside(digest))
        except FileExistsError:  # doomed, or of an interrupted write: this one is known
            self._replace(name, digest)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            self._replace(name, digest)  # a filesystem without links

    def _replace(self, name: str, digest: str) -> None:
        """Rename it, and leave an empty file in its stead, by which a sweep finds it."""
        self.folder.rename(name, _inside(digest))
        with suppress(OSError):
            os.close(self.folder.create(name))

    def remove(self, digests: Iterable[str]) -> list[str]:
        """Remove files. Returns those that can't be: on Windows, any that is mapped."""
        left = []
        for digest in digests:
            try:
                self.folder.unlink(_inside(digest))
            except FileNotFoundError:
                pass
            except OSError:
                left.append(digest)
        return left

    def sync(self) -> None:
        """Make the names of placed files last.

        Raises:
            OSError: the disk can't.
        """
        self.folder.sync(BUFFERS)


def is_digest(name: str) -> bool:
    """Return True if it looks like the name of a buffer file."""
    return len(name) == DIGEST_LENGTH and not set(name) - set("0123456789abcdef")


def _inside(digest: str) -> str:
    return f"{BUFFERS}/{digest}"
