"""Samples from a thread: bounded, in order, and out of the way of a fork."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import threading
from contextlib import nullcontext

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linepipe_profile.reading import memory_mib
from linepipe_profile.record import make_record
from linepipe_profile.sampling import Sampler, Series

READINGS = st.lists(
    st.tuples(st.floats(0.001, 10.0), st.floats(0.0, 1000.0)), min_size=1, max_size=300
)


@given(READINGS, st.integers(4, 50))
def test_a_series_keeps_its_highest_value_and_stays_short(
    steps: list[tuple[float, float]], most: int
) -> None:
    """However long the node takes: in order of time, each value at the time it was read."""
    series, now, truth = Series(most), 0.0, {}
    for wait, mib in steps:
        now += wait
        truth[now] = mib
        series.add(now, mib)
    samples = series.samples()
    assert len(samples) <= most
    assert max(sample.mib for sample in samples) == max(truth.values())
    assert [one.seconds for one in samples] == sorted(one.seconds for one in samples)
    assert all(truth[seconds] == mib for seconds, mib in samples)


@given(READINGS)
def test_a_short_series_keeps_every_reading(steps: list[tuple[float, float]]) -> None:
    """Nothing is thinned before it must be."""
    series = Series(max_samples=301)
    for n, (_, mib) in enumerate(steps):
        series.add(float(n), mib)
    assert [mib for _, mib in series.samples()] == [mib for _, mib in steps]


def test_the_first_and_last_readings_are_the_callers() -> None:
    """So that a call of any speed has both."""
    readers = []

    def read() -> float:
        readers.append(threading.current_thread())
        return float(len(readers))

    sampler = Sampler(read, interval=60)
    sampler.start()
    samples = sampler.stop()
    assert [one.mib for one in samples] == [1.0, 2.0]
    assert set(readers) == {threading.main_thread()}


def test_samples_come_from_in_between() -> None:
    """A thread reads while the caller waits for it."""
    seen = threading.Semaphore(0)

    def read() -> float:
        seen.release()
        return 1.0

    sampler = Sampler(read, interval=0.0001)
    sampler.start()
    for _ in range(12):
        assert seen.acquire(timeout=120)
    assert len(sampler.stop()) >= 10


def test_a_peak_that_lasts_is_seen_from_a_thread() -> None:
    """With the readings of memory_profiler, which the other ways to measure hardly use."""
    seen = threading.Semaphore(0)

    def read() -> float:
        mib = memory_mib(os.getpid(), False)
        seen.release()
        return mib

    sampler = Sampler(read, interval=0.0001)
    sampler.start()
    # Pages of their own: an allocator may keep what is freed.
    with mmap.mmap(-1, 64 * 2**20) as block:
        block[::4096] = bytes(len(block) // 4096)
        while seen.acquire(blocking=False):
            pass
        for _ in range(2):  # the first may have begun before
            assert seen.acquire(timeout=120)
    record = make_record(sampler.stop(), "thread")
    assert record.peak_mib == pytest.approx(64, abs=5)
    assert record.delta_mib == pytest.approx(0, abs=5)


def test_a_reading_that_fails_is_left_out() -> None:
    """A process may deny a look at any moment; the next reading may work again."""
    failures = threading.Semaphore(0)

    def glance() -> float:
        failures.release()
        raise psutil.AccessDenied(1)

    sampler = Sampler(lambda: 5.0, 0.0001, lambda: nullcontext(glance))
    sampler.start()
    for _ in range(3):
        assert failures.acquire(timeout=120)
    assert [one.mib for one in sampler.stop()] == [5.0, 5.0]


def test_readings_that_cost_much_are_few() -> None:
    """The pause after one is what it cost, by the clock that is given, over the share."""
    now = 0.0
    seen = threading.Semaphore(0)
    others_seen = threading.Semaphore(0)

    def glance() -> float:
        nonlocal now
        now += 40.0  # so 200 seconds of pause
        seen.release()
        return 1.0

    def other_glance() -> float:
        others_seen.release()
        return 1.0

    slow = Sampler(lambda: 1.0, 0.0001, lambda: nullcontext(glance), lambda: now, 0.2)
    quick = Sampler(lambda: 1.0, 0.0001, lambda: nullcontext(other_glance), lambda: 0.0, 0.2)
    slow.start()
    assert seen.acquire(timeout=120)
    quick.start()
    for _ in range(100):
        assert others_seen.acquire(timeout=120)
    quick.stop()
    slow.stop()
    assert now == 40.0


def test_a_reading_that_waits_is_free_by_a_clock_of_work() -> None:
    """Then the next one comes after the interval, however long it took."""
    seen = threading.Semaphore(0)
    go_on = threading.Semaphore(0)

    def glance() -> float:
        seen.release()
        go_on.acquire(timeout=120)
        return 1.0

    sampler = Sampler(lambda: 1.0, 0.0001, lambda: nullcontext(glance), lambda: 0.0)
    sampler.start()
    for _ in range(3):
        assert seen.acquire(timeout=120)
        go_on.release()
    go_on.release()
    sampler.stop()


FORKING = """
import os, threading
from linepipe_profile.sampling import Sampler

samplers = [Sampler(lambda: 1.0, 0.0001) for _ in range(50)]
for sampler in samplers:
    sampler.start()
    child = os.fork()
    if child == 0:
        os._exit(0 if threading.active_count() == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0, "the child isn't alone"
    assert threading.active_count() == 1
for sampler in samplers:
    assert len(sampler.stop()) >= 2
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_a_fork_finds_no_thread() -> None:
    """Python 3.12 and newer warn about a fork with threads (but not under ``-W error``)."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", FORKING], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
