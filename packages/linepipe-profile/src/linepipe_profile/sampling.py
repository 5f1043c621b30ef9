"""Samples a process's memory from a thread while something else runs.

The thread ends before the process forks: a child forked from a process with threads may hang,
and Python 3.12 and newer warn about it, so a node that forks must have no more threads than
without a profile. It isn't started again after the fork: 3.13.0 counts the threads only after
the handlers that would start it, and would warn all the same.
"""

from __future__ import annotations

import os
import threading
import time
from _thread import allocate_lock, start_new_thread
from array import array
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from queue import Empty, SimpleQueue

import psutil

from linepipe_profile.record import Sample

__all__ = ["Sampler", "Series"]

# Enough for a picture of any width, and at most 64 KiB of memory for a node of any length.
_MAX_SAMPLES = 2048


class Series:
    """Readings in order of time, in bounded memory.

    When it is full, each two neighbours are merged into one, which keeps the higher value and
    its time, and from then on new readings are merged over a period twice as long. So the
    spacing grows, but no peak that was read is lost.

    Args:
        max_samples: the number of readings at which neighbours are merged.
    """

    def __init__(self, max_samples: int = _MAX_SAMPLES) -> None:
        self._max_samples = max_samples
        self._spacing = 0.0
        self._period_start = float("-inf")
        self._seconds = array("d")
        self._mib = array("d")

    def add(self, seconds: float, mib: float) -> None:
        """Add one reading, not earlier than the one before."""
        if self._seconds and seconds - self._period_start < self._spacing:
            if mib > self._mib[-1]:
                self._seconds[-1], self._mib[-1] = seconds, mib
            return
        self._period_start = seconds
        self._seconds.append(seconds)
        self._mib.append(mib)
        if len(self._seconds) >= self._max_samples:
            self._thin()

    def samples(self) -> tuple[Sample, ...]:
        """Return the readings, merged ones once."""
        return tuple(map(Sample, self._seconds, self._mib))

    def _thin(self) -> None:
        samples = self.samples()
        pairs = (samples[i : i + 2] for i in range(0, len(samples), 2))
        higher = [max(pair, key=lambda sample: sample.mib) for pair in pairs]
        self._seconds = array("d", (sample.seconds for sample in higher))
        self._mib = array("d", (sample.mib for sample in higher))
        self._spacing = 2 * (samples[-1].seconds - samples[0].seconds) / len(samples)


class Sampler:
    """Samples from start to stop; the first and last readings are taken by the caller's thread.

    Args:
        read: returns the memory at this moment, in MiB.
        interval: seconds between two readings.
        open_fast_reader: opens a faster function for the readings in between, if there is one.
        clock: measures the cost of readings, in seconds. In the node's own process the cost is
            elapsed time, because each wait for the interpreter lock takes the lock from the
            node. In another process it is processor time: waiting for a core costs the node
            nothing, and on a busy machine most readings wait.
        max_share: the largest part of the time that readings may cost, from 0 to 1: the pause
            after a slow one is longer than ``interval``.
    """

    def __init__(
        self,
        read: Callable[[], float],
        interval: float,
        open_fast_reader: Callable[[], AbstractContextManager[Callable[[], float]]] | None = None,
        clock: Callable[[], float] = time.perf_counter,
        max_share: float = 0.1,
    ) -> None:
        self._read = read
        self._open_fast_reader = open_fast_reader or (lambda: nullcontext(read))
        self._interval = interval
        self._clock = clock
        self._max_share = max_share
        self._series = Series()
        self._start: float | None = None
        self._first_mib = 0.0
        # No threading.Event and no threading.Thread, which has two: an interrupt at the wrong
        # moment leaves their locks held, and the next use would hang or raise another error.
        self._started: SimpleQueue[int] = SimpleQueue()
        self._ends: SimpleQueue[None] = SimpleQueue()
        self._thread_lock = allocate_lock()  # held by the thread until it ends
        self._native_id: int | None = None

    def start(self) -> float:
        """Start sampling; the first reading is taken last, right before the return.

        Returns:
            That reading, in MiB.
        """
        with _fork_lock:
            _running.add(self)
            start_new_thread(self._run_thread, ())
            self._native_id = self._started.get()
        # Read after the thread has started: its stack must not count as the node's memory.
        self._first_mib = self._read()
        self._start = time.perf_counter()
        return self._first_mib

    def stop(self) -> tuple[Sample, ...]:
        """Stop sampling; the last reading is taken first.

        Returns:
            All readings, in order of time: at least two.
        """
        assert self._start is not None, "stop() follows start()"
        last = Sample(time.perf_counter() - self._start, self._read())
        self.end()
        between = (sample for sample in self._series.samples() if sample.seconds < last.seconds)
        return (Sample(0.0, self._first_mib), *between, last)

    def end(self) -> None:
        """End the thread, in any state; no reading is taken."""
        self._ends.put(None)
        with _fork_lock:
            if self in _running:
                _running.discard(self)
                with self._thread_lock:
                    pass
                _wait_for_kernel(self._native_id)

    def _run_thread(self) -> None:
        with self._thread_lock:
            self._started.put(threading.get_native_id())
            self._sample()

    def _sample(self) -> None:
        pause = self._interval
        with self._open_fast_reader() as read_fast:
            while not self._ends_within(pause):
                if self._start is None:
                    continue
                now, cost_before = time.perf_counter(), self._clock()
                try:
                    mib = read_fast()
                except (psutil.Error, OSError):
                    continue  # this reading is left out
                self._series.add(now - self._start, mib)
                pause = max(self._interval, (self._clock() - cost_before) / self._max_share)

    def _ends_within(self, seconds: float) -> bool:
        try:
            self._ends.get(timeout=seconds)
        except Empty:
            return False
        return True


def _wait_for_kernel(native_id: int | None) -> None:
    """Wait until the kernel no longer lists the thread, some microseconds after its end.

    Python reads Linux's list before it warns of a fork with threads.
    """
    task = f"/proc/self/task/{native_id}"
    for _ in range(1000):
        if not os.path.exists(task):
            return
        time.sleep(0.0001)


def _end_all() -> None:
    _fork_lock.acquire()
    for sampler in tuple(_running):
        sampler.end()


# Held from before a fork until after it, so that no thread starts or ends in between.
_fork_lock = threading.RLock()
_running: set[Sampler] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_end_all, after_in_parent=_fork_lock.release, after_in_child=_fork_lock.release
    )
