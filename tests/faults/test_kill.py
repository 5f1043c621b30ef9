"""A writer killed at any moment leaves a whole shelf."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("killing.py")
VERSIONS = Path(__file__).with_name("killing_versions.py")


def test_writers_killed_at_random_moments_leave_a_whole_shelf(path: str, kills: int) -> None:
    """It opens; every object is whole, a node's outputs are together, leftovers are swept."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), path, str(kills), "4"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    assert counted["generations"] > kills / 10, "the writers were killed before they wrote"
    assert 10 * counted["interrupted"] >= kills, "no writer was killed in the middle of a write"
    print(f"\nwriters: {counted}")


def test_runs_killed_between_two_versions_leave_both_or_one(tmp_path: Path, kills: int) -> None:
    """Whole, as runs that go back do; what is there is reused, and nothing else stays."""
    done = subprocess.run(
        [sys.executable, str(VERSIONS), str(tmp_path), str(kills // 2)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    counted = json.loads(done.stdout)
    for n_killed, n_done in counted.values():
        assert 0 < n_done < n_killed, "no run was killed on either side of its write"
    print(f"\nkilled, and had left a version: {counted}")
