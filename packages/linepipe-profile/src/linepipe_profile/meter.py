"""Measures one call: by samples, and by the kernel's high-water mark where there is one.

The hook decides where the samples come from: a process beside this one, or a thread.
"""

from __future__ import annotations

import functools
import os
import time
from contextlib import suppress
from typing import Literal, Protocol

from linepipe_profile import kernel
from linepipe_profile.process_tree import can_list_children, open_tree_reader
from linepipe_profile.reading import memory_mib
from linepipe_profile.record import MemoryRecord, Sample, make_record
from linepipe_profile.sampling import Sampler
from linepipe_profile.watcher import Watcher, WatcherError

__all__ = ["Meter", "ProcessSampler", "thread_sampler"]


class CallSampler(Protocol):
    """Samples the memory of one call."""

    def start(self) -> object:
        """Start; the first reading is taken last, right before the return."""

    def stop(self) -> tuple[Sample, ...]:
        """Stop and return the readings; the last one is taken first."""
        ...

    def end(self) -> None:
        """Stop all that runs, in any state, without a reading."""


class ProcessSampler:
    """Takes the samples of one call from the watching process.

    Args:
        watcher: that process; it may serve others at the same time.
        include_children: True if it counts child processes.
    """

    def __init__(self, watcher: Watcher, include_children: bool) -> None:
        self._watcher = watcher
        self._include_children = include_children
        self._number: int | None = None
        self._start = 0.0
        self._first_mib = 0.0

    def start(self) -> None:
        self._number, self._first_mib = self._watcher.begin()
        self._start = time.perf_counter()

    def stop(self) -> tuple[Sample, ...]:
        assert self._number is not None, "stop() follows start()"
        number, self._number = self._number, None
        try:
            return self._watcher.end(number)
        except WatcherError:  # it was killed meanwhile: the first reading and one now are left
            last_mib = memory_mib(os.getpid(), self._include_children)
            seconds = time.perf_counter() - self._start
            return (Sample(0.0, self._first_mib), Sample(seconds, last_mib))

    def end(self) -> None:
        if self._number is not None:
            with suppress(WatcherError):
                self.stop()


def thread_sampler(interval: float, include_children: bool) -> Sampler:
    """Return a sampler with a thread in this process, with the fastest readings it offers."""
    pid = os.getpid()
    read = functools.partial(memory_mib, pid, include_children)
    if include_children:
        tree_reader = functools.partial(open_tree_reader, pid)
        return Sampler(read, interval, tree_reader if can_list_children() else None)
    return Sampler(read, interval, kernel.open_size_reader if kernel.can_read_size() else None)


class Meter:
    """Measures one call: ``start``, then ``stop``, which returns the record, or ``end``.

    Args:
        sampler: takes the samples.
        sampled_by: the source of the samples.
        include_children: True if they count child processes; the kernel's mark doesn't.
    """

    def __init__(
        self,
        sampler: CallSampler,
        sampled_by: Literal["process", "thread"],
        include_children: bool,
    ) -> None:
        self._sampler = sampler
        self._sampled_by: Literal["process", "thread"] = sampled_by
        self._include_children = include_children
        self._mark = kernel.HighWaterMark() if kernel.has_high_water_mark() else None

    def start(self) -> None:
        """Start, as the last thing before the call."""
        self._sampler.start()
        if self._mark is not None:
            self._mark.start()

    def stop(self) -> MemoryRecord:
        """Stop, as the first thing after the call, and return the record."""
        mark_mib = None if self._mark is None else self._mark.stop()
        samples = self._sampler.stop()
        return make_record(
            samples, self._sampled_by, mark_mib, mark_covers_samples=not self._include_children
        )

    def end(self) -> None:
        """Stop all that runs, in any state, without a record."""
        if self._mark is not None:
            self._mark.stop()
        self._sampler.end()
