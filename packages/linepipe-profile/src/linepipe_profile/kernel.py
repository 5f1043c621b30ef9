"""The kernel's counts of this process's memory: the exact peak, and fast readings.

Linux keeps the highest resident size of a process (``VmHWM``) and lets the process reset it to
the present size (a ``5`` written to ``/proc/self/clear_refs``). So the peak of a call is known
to the page, also if it lasts a millisecond or lies inside one C call that holds the interpreter
lock, where sampling sees little or nothing.

The mark and its reset belong to the whole process: a mark that starts while others are open
first updates those with the value reached so far. Other readers of the mark (``ru_maxrss`` of
``getrusage``) see the highest value since the last profiled call began.

The present size is the number that memory_profiler reports. It is read here as well because a
reading by memory_profiler releases the interpreter lock about forty times, and a busy node may
keep it for 5 ms each time: 5 samples a second. One read of an open file releases it once.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = [
    "PAGE_MIB",
    "HighWaterMark",
    "can_read_size",
    "has_high_water_mark",
    "open_size_reader",
]

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20 if hasattr(os, "sysconf") else 0.0


class HighWaterMark:
    """The highest resident size of this process between its start and its stop."""

    def __init__(self) -> None:
        self._highest_mib = 0.0

    def start(self) -> None:
        """Start from the present size."""
        with _open_marks_lock:
            _update_open_marks()
            _reset()
            _open_marks.add(self)

    def stop(self) -> float:
        """Stop; does nothing if it never started.

        Returns:
            The highest size in MiB.
        """
        with _open_marks_lock:
            if self in _open_marks:
                _update_open_marks()
                _open_marks.discard(self)
        return self._highest_mib

    def _update(self, reached_mib: float) -> None:
        self._highest_mib = max(self._highest_mib, reached_mib)


@contextmanager
def open_size_reader() -> Iterator[Callable[[], float]]:
    """Yield a function that returns the present resident size of this process, in MiB."""
    file = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        yield lambda: int(os.pread(file, 200, 0).split(None, 2)[1]) * PAGE_MIB
    finally:
        os.close(file)


@functools.cache
def can_read_size() -> bool:
    """Return True if ``open_size_reader`` works on this system."""
    return os.path.exists("/proc/self/statm")


@functools.cache
def has_high_water_mark() -> bool:
    """Return True if this system keeps a high-water mark and allows its reset.

    Both are tried: sandboxes and hardened kernels refuse either.
    """
    try:
        with _open_marks_lock:
            _update_open_marks()
            _reset()
            _read_mib()
    except (OSError, ValueError):
        return False
    return True


def _update_open_marks() -> None:
    if _open_marks:
        reached_mib = _read_mib()
        for mark in _open_marks:
            mark._update(reached_mib)


def _reset() -> None:
    with open("/proc/self/clear_refs", "wb", buffering=0) as file:
        file.write(b"5")


def _read_mib() -> float:
    with open("/proc/self/status", "rb", buffering=0) as file:
        status = file.read()
    kib = status[status.index(b"VmHWM:") :].split(None, 2)[1]
    return int(kib) / 1024


def _clear_after_fork() -> None:
    """Drop the parent's marks and its lock, which may be held: a forked child has its own mark."""
    global _open_marks_lock
    _open_marks_lock = threading.Lock()
    _open_marks.clear()


_open_marks: set[HighWaterMark] = set()
_open_marks_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clear_after_fork)
