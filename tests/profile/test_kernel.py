"""The kernel's high-water mark, shared by all who measure in this process."""

from __future__ import annotations

import mmap
import os

import pytest

from linepipe_profile import kernel
from linepipe_profile.reading import memory_mib

pytestmark = pytest.mark.skipif(
    not kernel.has_high_water_mark(),
    reason="this kernel keeps no high-water mark, or won't set it back",
)


def spike(mib: int) -> None:
    # Pages of their own: an allocator would reuse what other tests have freed.
    with mmap.mmap(-1, mib * 2**20) as block:
        block[::4096] = bytes(len(block) // 4096)


def test_a_spike_inside_one_call_is_seen() -> None:
    """No sample could be taken while the bytes were filled."""
    mark = kernel.HighWaterMark()
    mark.start()
    with kernel.open_size_reader() as read_mib:
        first = read_mib()
        spike(64)
    assert mark.stop() - first == pytest.approx(64, abs=5)


def test_an_earlier_higher_peak_is_forgotten() -> None:
    """The mark begins anew."""
    spike(256)
    mark = kernel.HighWaterMark()
    mark.start()
    spike(64)
    lower = mark.stop()
    mark.start()
    spike(128)
    assert mark.stop() - lower == pytest.approx(64, abs=5)


def test_a_mark_opened_meanwhile_takes_nothing_from_an_open_one() -> None:
    """Setting the mark back is for the whole process, so what was reached is credited first."""
    outer, inner = kernel.HighWaterMark(), kernel.HighWaterMark()
    outer.start()
    spike(128)
    inner.start()
    spike(32)
    low = inner.stop()
    assert outer.stop() - low == pytest.approx(96, abs=5)


def test_a_mark_that_never_started_stops_in_peace() -> None:
    """Measuring may fail before it."""
    assert kernel.HighWaterMark().stop() == 0.0


def test_the_kernel_and_memory_profiler_agree_on_the_size() -> None:
    """One number, read in two ways."""
    with kernel.open_size_reader() as read_mib:
        assert read_mib() == pytest.approx(memory_mib(os.getpid(), False), abs=1)
