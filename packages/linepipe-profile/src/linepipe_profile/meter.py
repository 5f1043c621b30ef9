"""The ways to measure one call: with the kernel's mark and a thread, or from a process.

Each meter is used once: started, then stopped, which gives the record; or ended, from
whatever state it is in, when something went wrong in between.
"""

from __future__ import annotations

import functools
import os
from contextlib import suppress
from typing import Protocol

from linepipe_profile import kernel
from linepipe_profile.reading import memory_mib
from linepipe_profile.record import MemoryRecord, record_of
from linepipe_profile.sampling import Sampler
from linepipe_profile.watcher import Watcher, WatcherError

__all__ = ["Meter", "ThreadMeter", "WatcherMeter"]


class Meter(Protocol):
    """What measures one call."""

    def start(self) -> None:
        """Begin; the first reading is about the last thing that happens here."""

    def stop(self) -> MemoryRecord:
        """End it; the last reading is about the first thing that happens here."""

    def end(self) -> None:
        """Leave nothing running, whatever state this is in."""


class ThreadMeter:
    """Samples from a thread here; the peak by the kernel's mark where there is one.

    Args:
        interval: seconds between two readings.
        include_children: count child processes too; the kernel's mark doesn't know them.
    """

    def __init__(self, interval: float, include_children: bool) -> None:
        self._include_children = include_children
        self._mark = kernel.HighWaterMark() if kernel.supported() else None
        self._size = None if self._mark is None or include_children else kernel.ResidentSize()
        self._sampler = Sampler(
            read=functools.partial(memory_mib, os.getpid(), include_children),
            interval=interval,
            glance=None if self._size is None else self._size.read_mib,
        )

    def start(self) -> None:
        self._sampler.start()
        if self._mark is not None:
            self._mark.start()

    def stop(self) -> MemoryRecord:
        mark_mib = None if self._mark is None else self._mark.stop()
        samples = self._sampler.stop()
        self.end()
        return record_of(samples, "thread", mark_mib, mark_is_whole=not self._include_children)

    def end(self) -> None:
        if self._mark is not None:
            self._mark.stop()
        self._sampler.end()
        if self._size is not None:
            self._size.close()


class WatcherMeter:
    """Samples from the watching process.

    Args:
        watcher: that process; it may serve others at the same time.
    """

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._number: int | None = None

    def start(self) -> None:
        self._number = self._watcher.begin()

    def stop(self) -> MemoryRecord:
        assert self._number is not None, "stop() follows start()"
        number, self._number = self._number, None
        return record_of(self._watcher.end(number), "process")

    def end(self) -> None:
        if self._number is not None:
            with suppress(WatcherError):
                self._watcher.end(self._number)
