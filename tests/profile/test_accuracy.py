"""Measured memory against known memory, for each way to measure."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from linepipe_profile import kernel

PROGRAM = Path(__file__).with_name("known_allocations.py")

ALONE = (
    "keeps_50",
    "spikes_to_200_and_holds_the_lock",
    "frees_before_the_end",
    "keeps_many_small_objects",
    "makes_a_numpy_temporary",
)
FAMILY = ("starts_a_child", "forks_a_child_that_shares", "forks_children_that_live_shortly")
CASES = [
    *(("kernel", name) for name in ALONE + FAMILY),
    *(("process", name) for name in ALONE + FAMILY),
    # A thread sees a peak only while the node gives up the interpreter lock, and doesn't
    # claim more; what is kept, it tells like the others.
    ("thread", "keeps_50"),
    ("thread", "keeps_many_small_objects"),
]


@functools.cache
def figures_of(method: str) -> dict[str, tuple[str, tuple[float, float], tuple[float, float]]]:
    """The figures that one run printed: node -> method, ΔMem and truth, Peak and truth."""
    done = subprocess.run(
        [sys.executable, "-W", "always", str(PROGRAM), method],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return {name: tuple(rest) for name, *rest in json.loads(done.stdout)}


def near(measured: float, true: float) -> bool:
    return abs(measured - true) <= max(5.0, 0.1 * abs(true))


@pytest.mark.parametrize(("method", "name"), CASES)
def test_memory_is_measured_within_5_mib_or_10_percent(method: str, name: str) -> None:
    """Kept, spiked, freed, small, temporary, in a child, shared with it, in short-lived ones."""
    if method == "kernel" and not kernel.has_high_water_mark():
        pytest.skip("this kernel keeps no high-water mark, or won't set it back")
    used, delta, peak = figures_of(method)[name]
    assert near(*delta)
    assert near(*peak)
    if name in ALONE:
        assert used == method
