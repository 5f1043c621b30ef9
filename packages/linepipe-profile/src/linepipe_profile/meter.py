"""Measures one call: samples from somewhere, and the kernel's mark where there is one.

Where the samples come from is decided once, by what this system offers and by whether
children count.
"""

from __future__ import annotations

import functools
import os
import time
from contextlib import suppress
from typing import Literal, Protocol

from linepipe_profile import kernel
from linepipe_profile.family import family_size, shows_children
from linepipe_profile.reading import memory_mib
from linepipe_profile.record import MemoryRecord, Sample, record_of
from linepipe_profile.sampling import Sampler
from linepipe_profile.watcher import Watcher, WatcherError

__all__ = ["Meter", "WatchedSampler", "thread_sampler"]


class Sampling(Protocol):
    """What takes the samples of one call."""

    def start(self) -> object:
        """Begin; the first reading is the last thing that happens here."""

    def stop(self) -> tuple[Sample, ...]:
        """End it; the last reading is the first thing that happens here."""
        ...

    def end(self) -> None:
        """Leave nothing running, whatever state this is in."""


class WatchedSampler:
    """Samples from the watching process.

    Args:
        watcher: that process; it may serve others at the same time.
        include_children: whether it counts child processes.
    """

    def __init__(self, watcher: Watcher, include_children: bool) -> None:
        self._watcher = watcher
        self._include_children = include_children
        self._number: int | None = None
        self._began = 0.0
        self._first_mib = 0.0

    def start(self) -> None:
        self._number, self._first_mib = self._watcher.begin()
        self._began = time.perf_counter()

    def stop(self) -> tuple[Sample, ...]:
        assert self._number is not None, "stop() follows start()"
        number, self._number = self._number, None
        try:
            return self._watcher.end(number)
        except WatcherError:  # it was killed meanwhile: the first reading is left, and one now
            last_mib = memory_mib(os.getpid(), self._include_children)
            seconds = time.perf_counter() - self._began
            return (Sample(0.0, self._first_mib), Sample(seconds, last_mib))

    def end(self) -> None:
        if self._number is not None:
            with suppress(WatcherError):
                self.stop()


def thread_sampler(interval: float, include_children: bool) -> Sampler:
    """Samples from a thread here, by the quickest way to read that there is."""
    pid = os.getpid()
    read = functools.partial(memory_mib, pid, include_children)
    if include_children:
        family = functools.partial(family_size, pid)
        return Sampler(read, interval, family if shows_children() else None)
    return Sampler(read, interval, kernel.resident_size if kernel.shows_size() else None)


class Meter:
    """Measures one call: started, then stopped, which gives the record; or ended.

    Args:
        sampling: takes the samples.
        sampled_by: where they come from.
        include_children: whether they count child processes, which the kernel's mark doesn't.
    """

    def __init__(
        self,
        sampling: Sampling,
        sampled_by: Literal["process", "thread"],
        include_children: bool,
    ) -> None:
        self._sampling = sampling
        self._sampled_by: Literal["process", "thread"] = sampled_by
        self._include_children = include_children
        self._mark = kernel.HighWaterMark() if kernel.supported() else None

    def start(self) -> None:
        """Begin, as the last thing before the call."""
        self._sampling.start()
        if self._mark is not None:
            self._mark.start()

    def stop(self) -> MemoryRecord:
        """End, as the first thing after the call."""
        mark_mib = None if self._mark is None else self._mark.stop()
        samples = self._sampling.stop()
        return record_of(
            samples, self._sampled_by, mark_mib, mark_is_whole=not self._include_children
        )

    def end(self) -> None:
        """Leave nothing running, whatever state this is in."""
        if self._mark is not None:
            self._mark.stop()
        self._sampling.end()
