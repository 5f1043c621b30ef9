"""Hashes large buffers, and writes them, leaf by leaf on all cores.

Each leaf is copied first, and its copy hashed and written: what is hashed is what is written,
whatever another thread does to the array meanwhile.

Apart from the files because it knows bytes and a name, and nothing of where buffers belong.
One buffer of a frame may be all of it, so it is the buffer that is shared between the cores.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from linepipe_core._store.folder import ShelfFolder

# Hashed and written in leaves of this size: big enough that Python's share is nothing,
# small enough to be still in the core's cache (1 to 2 MiB) when it is written after hashing.
LEAF_BYTES: Final = 1 << 20

# Hashing is 1.8 GB/s a core (sha256 in hardware; blake2b 1.1, sha1 1.9 and unsafe), so
# two to four cores reach what disks take.
MAX_THREADS: Final = 4


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


class Job:
    """One buffer to hash, and to write into a new file where a name is given."""

    def __init__(self, view: memoryview, folder: ShelfFolder | None = None, name: str = "") -> None:
        self.view = view
        self.folder = folder
        self.name = name
        self._leaves: dict[int, bytes] = {}
        self._fd = -1
        self._lock = threading.Lock()

    def digest(self) -> str:
        """The digest, once every leaf is done."""
        hasher = hashlib.sha256(b"linepipe buffer\0" + self.view.nbytes.to_bytes(8, "little"))
        for start in sorted(self._leaves):
            hasher.update(self._leaves[start])
        return hasher.hexdigest()

    def do(self, start: int, copy: memoryview) -> None:
        """Hash and write the leaf at ``start``; the one who does the last leaf syncs the file.

        Args:
            start: where it begins, in bytes.
            copy: a leaf's room, for a private copy.
        """
        leaf = self.view[start : start + LEAF_BYTES]
        if not isinstance(self.view.obj, bytes):
            copy[: leaf.nbytes] = leaf
            leaf = copy[: leaf.nbytes]
        hashed = hashlib.sha256(leaf).digest()
        if self.folder is not None:
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
        assert self.folder is not None
        with self._lock:
            if self._fd < 0:
                self._fd = self.folder.create(self.name)
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

    largest = min(LEAF_BYTES, max(job.view.nbytes for job in jobs))

    def work() -> None:
        copy = memoryview(bytearray(largest))
        while leaves and not errors:
            try:
                job, start = leaves.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                job.do(start, copy)
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
        raise errors.pop(0)


def _join(threads: Iterable[threading.Thread]) -> None:
    """Wait for threads to end, interrupt or not: they write to descriptors that close next."""
    interrupts: list[KeyboardInterrupt] = []
    for thread in threads:
        while thread.is_alive():
            try:
                thread.join()
            except KeyboardInterrupt as error:
                interrupts.append(error)
    if interrupts:
        # Popped: a frame of its own traceback that holds it would keep all of them alive.
        raise interrupts.pop()
