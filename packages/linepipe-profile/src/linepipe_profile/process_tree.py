"""Fast, repeated readings of the memory of a process and its children; Linux only.

The memory that a child shares with no other process is found by a walk of the kernel over all
of its pages: 1 to 2 ms for each 100 MiB. A walk at each reading would make readings rare, and
children that live for a short time would be missed. But the kernel counts the anonymous memory
of a process as it changes. So a child is walked when it is first seen and now and then; the
walk gives the part of its anonymous memory that is shared. In between, its private memory is
the kernel's count less that part.

Growth is seen at once; writing to memory that was shared with the parent is seen at the next
walk. Exact readings, and those on other systems, are in ``reading``.
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

__all__ = ["ProcessTree", "can_list_children", "open_tree_reader"]


class ProcessTree:
    """Reads the memory of a process together with the private memory of its children.

    Args:
        pid: the process.
        walking_share: the largest part of one core that all walks together take, from 0 to 1.
            The first walk of each child isn't counted.
    """

    def __init__(self, pid: int, *, walking_share: float = 0.1) -> None:
        self._pid = pid
        # Child -> the part of its anonymous memory that it shares; the next to walk is first.
        self._shared_mib: dict[int, float] = {}
        self._walking_share = walking_share
        self._walk_after = 0.0

    def mib(self) -> float:
        """Return the sum at this moment, in MiB, without the calling process.

        Raises:
            OSError: the process has ended.
            psutil.AccessDenied: a child can't be read.
        """
        children = set(_descendants(self._pid)) - {os.getpid()}
        for ended in self._shared_mib.keys() - children:
            del self._shared_mib[ended]
        for new in children - self._shared_mib.keys():
            self._walk(new)
        if self._shared_mib and time.perf_counter() >= self._walk_after:
            self._walk(next(iter(self._shared_mib)))
        resident_mib, _ = _sizes_mib(self._pid)
        return resident_mib + sum(map(self._private_mib, children))

    def _walk(self, child: int) -> None:
        start = time.thread_time()
        walked_mib = private_mib(child)
        # Counted after the walk: memory that the child allocates meanwhile is reported late, by
        # the next walk, but never twice. (Walking again at once made readings rarer, and the
        # error larger.)
        shared_mib = _anonymous_mib(child) - walked_mib
        seconds = time.thread_time() - start
        self._walk_after = time.perf_counter() + seconds / self._walking_share
        self._shared_mib.pop(child, None)  # so that it is inserted last
        self._shared_mib[child] = shared_mib

    def _private_mib(self, child: int) -> float:
        anonymous_mib = _anonymous_mib(child)
        # It never shares more than it has: exec() replaces the memory shared with the parent.
        self._shared_mib[child] = min(self._shared_mib[child], anonymous_mib)
        return anonymous_mib - self._shared_mib[child]


@contextmanager
def open_tree_reader(pid: int) -> Iterator[Callable[[], float]]:
    """Yield a function that returns the memory of a process and its children, in MiB."""
    yield ProcessTree(pid).mib


@functools.cache
def can_list_children() -> bool:
    """Return True if this system lists a process's children without reading all processes."""
    return os.path.exists(f"/proc/self/task/{threading.get_native_id()}/children")


def _descendants(pid: int) -> Iterator[int]:
    """Yield the children and theirs, as far as they can be listed."""
    pids = [pid]
    for parent in pids:  # it grows meanwhile
        pids += chain.from_iterable(map(_children_of_thread, _threads(parent)))
    return iter(pids[1:])


def _threads(pid: int) -> list[str]:
    try:
        return [f"/proc/{pid}/task/{thread}" for thread in os.listdir(f"/proc/{pid}/task")]
    except OSError:  # it has ended
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
    except OSError:  # it has ended
        return 0.0


def _sizes_mib(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process, and the part that maps no file, in MiB."""
    with open(f"/proc/{pid}/statm", "rb", buffering=0) as file:
        _, resident, of_files, *_ = map(int, file.read().split())
    return resident * PAGE_MIB, (resident - of_files) * PAGE_MIB
