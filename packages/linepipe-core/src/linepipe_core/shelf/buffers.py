"""Keeps large buffers as files named by the hash of their content.

Apart from the shelf because it knows bytes and no objects: hashing and writing on all
cores, placing a file by one rename, mapping it copy-on-write, telling a dead writer's
leftovers from a live one's drafts. Which files are wanted, the index says; nothing here
takes its lock.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from linepipe_core.shelf.maps import Buffer, map_file, read_file

if sys.platform != "win32":
    import fcntl

# Hashed and written in leaves of this size: big enough that Python's share is nothing,
# small enough to be still in the core's cache (1 to 2 MiB) when it is written after hashing.
LEAF_BYTES: Final = 1 << 20

# Below this, reading a file (0.1 ms) is as fast as mapping it and faulting its pages in.
MAPPED_BYTES: Final = 1 << 20

# Hashing is 1.8 GB/s a core (sha256 in hardware; blake2b 1.1, sha1 1.9 and unsafe), so
# two to four cores reach what disks take.
MAX_THREADS: Final = 4

DRAFT_PREFIX: Final = "draft-"


def digest_of(view: memoryview) -> str:
    """The name of these bytes: a hash of the hashes of their leaves, made on all cores."""
    job = Job(view)
    hash_and_write([job])
    return job.digest()


def probe_of(view: memoryview) -> str:
    """A hash of the size and of three samples: differs -> certainly another content.

    It lets new content be hashed and written in one go, and known content be only hashed.
    """
    sample = 1 << 14
    middle = max(0, view.nbytes // 2 - sample // 2)
    hasher = hashlib.sha256(view.nbytes.to_bytes(8, "little"))
    for start in (0, middle, max(0, view.nbytes - sample)):
        hasher.update(view[start : start + sample])
    return hasher.hexdigest()[:32]


@dataclass(slots=True)
class Job:
    """One buffer to hash, and to write where a path is given."""

    view: memoryview
    path: str | None = None
    _leaves: dict[int, bytes] = field(default_factory=dict)
    _fd: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def digest(self) -> str:
        """The digest, once every leaf is done."""
        hasher = hashlib.sha256(b"linepipe buffer\0" + self.view.nbytes.to_bytes(8, "little"))
        for start in sorted(self._leaves):
            hasher.update(self._leaves[start])
        return hasher.hexdigest()

    def do(self, start: int) -> None:
        """Hash and write the leaf at ``start``; whoever does the last one syncs the file."""
        leaf = self.view[start : start + LEAF_BYTES]
        hashed = hashlib.sha256(leaf).digest()
        if self.path is not None:
            self._write(leaf, start)
        with self._lock:
            self._leaves[start] = hashed
            is_last = len(self._leaves) == len(range(0, self.view.nbytes, LEAF_BYTES))
        if is_last and self._fd >= 0:
            os.fsync(self._fd)
            self.close()

    def close(self) -> None:
        """Close the file, whatever came of it."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _write(self, leaf: memoryview, start: int) -> None:
        assert self.path is not None
        with self._lock:
            if self._fd < 0:
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
                self._fd = os.open(self.path, flags, 0o600)
        self._write_all(leaf, start)
        if hasattr(os, "posix_fadvise"):
            # Not to forget the pages: on Linux this sets off their writing now, while the
            # next leaf is hashed, instead of all at once in the sync (1.5 times faster).
            os.posix_fadvise(self._fd, start, leaf.nbytes, os.POSIX_FADV_DONTNEED)

    def _write_all(self, leaf: memoryview, start: int) -> None:
        while leaf.nbytes:
            if hasattr(os, "pwrite"):
                n_written = os.pwrite(self._fd, leaf, start)
            else:  # Windows
                with self._lock:
                    os.lseek(self._fd, start, os.SEEK_SET)
                    n_written = os.write(self._fd, leaf)
            leaf, start = leaf[n_written:], start + n_written


def hash_and_write(jobs: Sequence[Job]) -> None:
    """Do all leaves of all jobs on several threads; the hash and the write leave the GIL.

    Raises:
        OSError: what a write met first; every file is closed then.
    """
    leaves = deque((job, at) for job in jobs for at in range(0, job.view.nbytes, LEAF_BYTES))
    if not leaves:
        return
    errors: list[BaseException] = []

    def work() -> None:
        while leaves and not errors:
            try:
                job, start = leaves.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                job.do(start)
            except BaseException as error:
                errors.append(error)

    n_threads = min(len(leaves), os.cpu_count() or 1, MAX_THREADS)
    helpers = [threading.Thread(target=work, daemon=True) for _ in range(n_threads - 1)]
    try:
        with suppress(RuntimeError):  # no more threads to be had: fewer will do
            for helper in helpers:
                helper.start()
        work()
    finally:
        leaves.clear()  # an interrupt in this thread ends the helpers too
        _join([helper for helper in helpers if helper.ident is not None])
        for job in jobs:
            job.close()
    if errors:
        raise errors[0]


def _join(threads: Iterable[threading.Thread]) -> None:
    """Wait for threads to end, interrupt or not: they write to descriptors that close next."""
    interrupt: KeyboardInterrupt | None = None
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt as error:
                interrupt = error
    if interrupt is not None:
        raise interrupt


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

    def verify(self, digest: str, n_bytes: int) -> bool:
        """Whether the file's content is what was written."""
        try:
            buffer = self.open(digest, n_bytes)
        except (OSError, ValueError):
            return False
        with memoryview(buffer) as view:
            return digest_of(view) == digest

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

    @contextmanager
    def drafts(self) -> Iterator[str]:
        """A folder for files in the making, locked as long as this process lives and works.

        Its lock is how a sweep tells it from what a killed writer left.
        """
        draft = _Draft("")
        try:
            draft = self._new_draft()
            yield draft.folder
        finally:
            draft.remove()

    def sweep_drafts(self) -> int:
        """Remove what dead writers left; live ones hold their locks. Returns how many."""
        with suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            folders = [entry.path for entry in entries if entry.name.startswith(DRAFT_PREFIX)]
            left = [draft for draft in map(_Draft, folders) if not draft.is_live()]
            for draft in left:
                draft.remove()
            return len(left)
        return 0

    def _new_draft(self) -> _Draft:
        for _ in range(100):
            draft = _Draft(os.path.join(self.folder, DRAFT_PREFIX + os.urandom(8).hex()))
            os.mkdir(draft.folder, 0o700)
            # A sweep may take it for a leftover before it is locked.
            if draft.lock() and os.path.isdir(draft.folder):
                return draft
        raise OSError(errno.EBUSY, "can't make a folder for drafts", self.folder)


class _Draft:
    """A folder for files in the making, and its lock, which ends with the process."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._fd = -1

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
        if self.folder:
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    __del__ = _close  # where an interrupt came between two lines


def write_gitignore(folder: str) -> None:
    """Keep version control out of a folder, if it can be written at all."""
    with suppress(OSError), open(os.path.join(folder, ".gitignore"), "w") as file:
        file.write("# made by linepipe: a cache\n*\n")


def _read(fd: int, n_bytes: int, _digest: str) -> Buffer:
    return read_file(fd, n_bytes)
