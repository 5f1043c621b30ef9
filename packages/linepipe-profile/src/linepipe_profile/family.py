"""A process and its children, told quickly again and again: Linux only, for the samples.

What a child holds for itself, the kernel finds out by a walk over all its pages: 1 to 2 ms
for each 100 MiB, so a walk at each reading would make readings rare, and children that live
shortly would be missed. But the kernel counts a process's anonymous memory as it changes.
So a child is walked when it is first seen and now and then, which tells how much of its
anonymous memory isn't its own; in between it is told by the count less that part.

Growth is so seen at once, and writing to what was shared with the parent by the next walk.
Exact readings, and those of other systems, are ``reading``'s.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

from linepipe_profile.kernel import PAGE_MIB
from linepipe_profile.reading import private_mib

__all__ = ["Family", "family_size", "shows_children"]


class Family:
    """Reads what a process holds, together with what its children hold for themselves.

    Args:
        pid: the process.
        walking_share: all walks together take no more than this part of one core, those of
            new children aside.
    """

    def __init__(self, pid: int, *, walking_share: float = 0.1) -> None:
        self._pid = pid
        self._walking_share = walking_share
        # Child -> how much of its anonymous memory isn't its own, the longest not walked first.
        self._shared_mib: dict[int, float] = {}
        self._walk_after = 0.0

    def mib(self) -> float:
        """The sum at this moment, in MiB, the calling process left out.

        Raises:
            OSError: the process is gone.
            psutil.AccessDenied: a child mustn't be looked at.
        """
        children = set(_descendants(self._pid)) - {os.getpid()}
        for gone in self._shared_mib.keys() - children:
            del self._shared_mib[gone]
        for new in children - self._shared_mib.keys():
            self._walk(new)
        if self._shared_mib and time.perf_counter() >= self._walk_after:
            self._walk(next(iter(self._shared_mib)))
        resident_mib, _ = _sizes_mib(self._pid)
        return resident_mib + sum(map(self._told, children))

    def _walk(self, child: int) -> None:
        began = time.thread_time()
        private_part = private_mib(child)
        # Counted after the walk: what the child makes meanwhile is told late, by the next walk,
        # but never twice. (To walk again at once made readings rarer, and the error larger.)
        shared_mib = _anonymous_mib(child) - private_part
        seconds = time.thread_time() - began
        self._walk_after = time.perf_counter() + seconds / self._walking_share
        self._shared_mib.pop(child, None)  # so that it comes last
        self._shared_mib[child] = shared_mib

    def _told(self, child: int) -> float:
        anonymous_mib = _anonymous_mib(child)
        # It never shares more than it has: a program that begins has left its parent's memory.
        self._shared_mib[child] = min(self._shared_mib[child], anonymous_mib)
        return anonymous_mib - self._shared_mib[child]


@contextmanager
def family_size(pid: int) -> Iterator[Callable[[], float]]:
    """Gives a function that tells what a process and its children hold, in MiB."""
    yield Family(pid).mib


@functools.cache
def shows_children() -> bool:
    """Whether this system lists a process's children, without a look at all processes."""
    return os.path.exists(f"/proc/self/task/{threading.get_native_id()}/children")


def _descendants(pid: int) -> Iterator[int]:
    """The children and theirs, those that somebody may list."""
    found = [pid]
    for parent in found:  # it grows meanwhile
        found += chain.from_iterable(map(_children_of_thread, _threads(parent)))
    return iter(found[1:])


def _threads(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/task/{thread}" for thread in os.listdir(f"/proc/{pid}/task")]
    except OSError:  # it ended
        return []


def _children_of_thread(thread: str) -> list[int]:
    try:
        with open(f"{thread}/children", "rb", buffering=0) as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def _anonymous_mib(pid: int) -> float:
    try:
        return _sizes_mib(pid)[1]
    except OSError:  # it ended
        return 0.0


def _sizes_mib(pid: int) -> tuple[float, float]:
    """A process's resident memory, and the anonymous part of it (no file's), in MiB."""
    with open(f"/proc/{pid}/statm", "rb", buffering=0) as file:
        _, resident, of_files, *_ = map(int, file.read().split())
    return resident * PAGE_MIB, (resident - of_files) * PAGE_MIB
