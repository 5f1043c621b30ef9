"""The kernel's own books on this process's memory: the exact peak, and quick samples.

Linux keeps the highest resident size of a process (``VmHWM``) and lets the process set it
back to the present one (a ``5`` written to ``/proc/self/clear_refs``). So the peak of a call
is known to the page, also when it lasts a millisecond or lives inside one C call that holds
the interpreter lock, where sampling sees little or nothing.

The mark is the whole process's, and so is setting it back: who opens a mark while another is
open first credits the others with what was reached until then. Other readers of the mark
(``getrusage``'s ``ru_maxrss``) see the highest value since the newest profiled call.

The present size is the number that memory_profiler reports too. It is read here as well
because a reading of memory_profiler's gives up the interpreter lock some forty times, and
each time a busy node may keep it for 5 ms: 5 samples a second. One read of an open file
gives it up once.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["PAGE_MIB", "HighWaterMark", "resident_size", "shows_size", "supported"]

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20 if hasattr(os, "sysconf") else 0.0


class HighWaterMark:
    """The highest resident size of this process between its start and its stop."""

    def __init__(self) -> None:
        self._highest_mib = 0.0

    def start(self) -> None:
        """Begin anew from the present size."""
        with _open_marks_lock:
            _credit_open_marks()
            _set_back()
            _open_marks.add(self)

    def stop(self) -> float:
        """End it; harmless if it never started.

        Returns:
            The highest size in MiB.
        """
        with _open_marks_lock:
            if self in _open_marks:
                _credit_open_marks()
                _open_marks.discard(self)
        return self._highest_mib

    def _credit(self, reached_mib: float) -> None:
        self._highest_mib = max(self._highest_mib, reached_mib)


@contextmanager
def resident_size() -> Iterator[Callable[[], float]]:
    """Gives a function that tells the present resident size of this process, in MiB."""
    file = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        yield lambda: int(os.pread(file, 200, 0).split(None, 2)[1]) * PAGE_MIB
    finally:
        os.close(file)


@functools.cache
def shows_size() -> bool:
    """Whether ``resident_size`` works on this system."""
    return os.path.exists("/proc/self/statm")


@functools.cache
def supported() -> bool:
    """Whether this system keeps a high-water mark and lets it be set back.

    Asked by doing it: sandboxes and hardened kernels refuse either half.
    """
    try:
        with _open_marks_lock:
            _credit_open_marks()
            _set_back()
            _read_mib()
    except (OSError, ValueError):
        return False
    return True


def _credit_open_marks() -> None:
    if _open_marks:
        reached_mib = _read_mib()
        for mark in _open_marks:
            mark._credit(reached_mib)


def _set_back() -> None:
    with open("/proc/self/clear_refs", "wb", buffering=0) as file:
        file.write(b"5")


def _read_mib() -> float:
    with open("/proc/self/status", "rb", buffering=0) as file:
        status = file.read()
    kib = status[status.index(b"VmHWM:") :].split(None, 2)[1]
    return int(kib) / 1024


def _forget_in_child() -> None:
    """A forked child has a mark of its own, and whoever held the lock isn't in it."""
    global _open_marks_lock
    _open_marks_lock = threading.Lock()
    _open_marks.clear()


_open_marks: set[HighWaterMark] = set()
_open_marks_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
