"""Reads a process's memory again and again, from a thread, while something else runs.

The thread is out of the way when the process forks: a forked process that had threads may
hang, and Python 3.12 and newer warn about it, so a node that forks must find itself as alone
as without a profile. The thread ends before the fork, for good: 3.13.0 counts the threads
only after all has been taken up again, and warns of one that goes on as well.
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

# Enough for a picture of any width, and 64 KiB of memory however long the node takes.
_MOST_SAMPLES = 2048


class Series:
    """Readings in order of time, in bounded memory.

    When it is full, each two neighbours become one, which keeps the higher value and its
    time, and from then on each new reading joins the last one for twice as long. So no peak
    that was read is ever lost, only the spacing grows.
    """

    def __init__(self, most: int = _MOST_SAMPLES) -> None:
        self._most = most
        self._spacing = 0.0
        self._bucket_began = float("-inf")
        self._seconds = array("d")
        self._mib = array("d")

    def add(self, seconds: float, mib: float) -> None:
        """Take in one reading, not earlier than the one before."""
        if self._seconds and seconds - self._bucket_began < self._spacing:
            if mib > self._mib[-1]:
                self._seconds[-1], self._mib[-1] = seconds, mib
            return
        self._bucket_began = seconds
        self._seconds.append(seconds)
        self._mib.append(mib)
        if len(self._seconds) >= self._most:
            self._thin()

    def samples(self) -> tuple[Sample, ...]:
        """The readings that are left."""
        return tuple(map(Sample, self._seconds, self._mib))

    def _thin(self) -> None:
        samples = self.samples()
        kept = [max(samples[i : i + 2], key=lambda one: one.mib) for i in range(0, len(samples), 2)]
        self._seconds = array("d", (one.seconds for one in kept))
        self._mib = array("d", (one.mib for one in kept))
        self._spacing = 2 * (samples[-1].seconds - samples[0].seconds) / len(samples)


class Sampler:
    """Samples from its start to its stop, the first and the last by the caller itself.

    Args:
        read: gives the memory at this moment, in MiB.
        interval: seconds between two readings.
        glancing: opens a quicker way to read in between, if there is one.
        clock: tells what readings cost, in seconds. In the node's own process that is all
            their time, for each wait for the interpreter lock takes the lock from the node;
            in another it is their work alone, for to wait for a core costs nobody anything,
            and on a busy machine most readings do.
        largest_share: they mustn't cost more than this part of the time: the pause after a
            slow one is longer than ``interval``.
    """

    def __init__(
        self,
        read: Callable[[], float],
        interval: float,
        glancing: Callable[[], AbstractContextManager[Callable[[], float]]] | None = None,
        clock: Callable[[], float] = time.perf_counter,
        largest_share: float = 0.1,
    ) -> None:
        self._read = read
        self._glancing = glancing or (lambda: nullcontext(read))
        self._interval = interval
        self._clock = clock
        self._largest_share = largest_share
        self._series = Series()
        self._began: float | None = None
        self._first_mib = 0.0
        # No threading.Event and no threading.Thread, which has two: interrupted at the wrong
        # moment, they keep their locks, and the next would hang, or raise another error.
        self._started: SimpleQueue[int] = SimpleQueue()
        self._ends: SimpleQueue[None] = SimpleQueue()
        self._sampling = allocate_lock()  # held by the thread, to its very end
        self._native_id: int | None = None

    def start(self) -> float:
        """Begin sampling; the first reading is the last thing that happens here.

        Returns:
            That reading, in MiB.
        """
        with _forks_wait:
            _running.add(self)
            start_new_thread(self._live, ())
            self._native_id = self._started.get()
        # Read after the thread has started, so that its stack isn't counted as the node's.
        self._first_mib = self._read()
        self._began = time.perf_counter()
        return self._first_mib

    def stop(self) -> tuple[Sample, ...]:
        """End sampling; the last reading is the first thing that happens here.

        Returns:
            All readings, in order of time: at least two.
        """
        assert self._began is not None, "stop() follows start()"
        last = Sample(time.perf_counter() - self._began, self._read())
        self.end()
        between = (one for one in self._series.samples() if one.seconds < last.seconds)
        return (Sample(0.0, self._first_mib), *between, last)

    def end(self) -> None:
        """Let the thread go, whatever state this is in; no reading is taken."""
        self._ends.put(None)
        with _forks_wait:
            if self in _running:
                _running.discard(self)
                with self._sampling:
                    pass
                _wait_until_gone(self._native_id)

    def _live(self) -> None:
        with self._sampling:
            self._started.put(threading.get_native_id())
            self._sample()

    def _sample(self) -> None:
        pause = self._interval
        with self._glancing() as glance:
            while not self._has_ended(pause):
                if self._began is None:
                    continue
                asked, before = time.perf_counter(), self._clock()
                try:
                    mib = glance()
                except (psutil.Error, OSError):
                    continue  # one reading less
                self._series.add(asked - self._began, mib)
                pause = max(self._interval, (self._clock() - before) / self._largest_share)

    def _has_ended(self, within_seconds: float) -> bool:
        try:
            self._ends.get(timeout=within_seconds)
        except Empty:
            return False
        return True


def _wait_until_gone(native_id: int | None) -> None:
    """Wait for the thread's end in the kernel's books too, some microseconds after its own.

    Linux's books are what Python reads before it warns of a fork with threads.
    """
    task = f"/proc/self/task/{native_id}"
    for _ in range(1000):
        if not os.path.exists(task):
            return
        time.sleep(0.0001)


def _end_all() -> None:
    _forks_wait.acquire()
    for sampler in tuple(_running):
        sampler.end()


# Held from before a fork until after it, so that no thread starts or ends in between.
_forks_wait = threading.RLock()
_running: set[Sampler] = set()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_end_all, after_in_parent=_forks_wait.release, after_in_child=_forks_wait.release
    )
