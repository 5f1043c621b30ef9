"""The record that the readings of one call give, and its line in the log."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from linepipe_profile import MemoryRecord, Sample
from linepipe_profile.record import make_record

UP_AND_DOWN = (Sample(0.0, 100.0), Sample(0.1, 130.0), Sample(0.2, 110.5))


def test_delta_is_last_minus_first_and_peak_highest_minus_first() -> None:
    """As the contract defines them."""
    record = make_record(UP_AND_DOWN, "thread")
    assert (record.delta_mib, record.peak_mib) == (10.5, 30.0)
    assert record.samples == UP_AND_DOWN


@pytest.mark.parametrize(
    ("mark_mib", "mark_covers_samples", "peak_mib", "method"),
    [
        (None, True, 30.0, "thread"),
        (150.0, True, 50.0, "kernel"),
        (129.9, True, 30.0, "kernel"),  # the kernel counts by the page, and per core
        (150.0, False, 50.0, "kernel"),
        (120.0, False, 30.0, "thread"),  # children on top of what the mark knows
    ],
)
def test_the_method_is_the_one_that_found_the_peak(
    mark_mib: float | None, mark_covers_samples: bool, peak_mib: float, method: str
) -> None:
    """The kernel's mark where it covers everything or reaches higher, samples otherwise."""
    record = make_record(UP_AND_DOWN, "thread", mark_mib, mark_covers_samples=mark_covers_samples)
    assert (record.peak_mib, record.method) == (peak_mib, method)


def test_a_node_that_gives_memory_back_has_a_peak_of_zero() -> None:
    """Its highest value is its first."""
    record = make_record((Sample(0.0, 100.0), Sample(0.1, 60.0)), "thread", 100.0)
    assert str(record) == "ΔMem: -40.00 MiB | Peak: 0.00 MiB"


def test_a_tiny_loss_is_no_minus_zero() -> None:
    """-0.00 would look like an error."""
    assert str(MemoryRecord(-0.001, 0.0, (), "thread")) == "ΔMem: 0.00 MiB | Peak: 0.00 MiB"


def test_a_record_is_frozen_and_pickles() -> None:
    """It travels home from a worker process with its step."""
    record = make_record(UP_AND_DOWN, "process")
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.delta_mib = 0.0  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(record)) == record
