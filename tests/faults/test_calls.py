"""Every call that reaches for a file fails once: the shelf says so, and is as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.blocks import in_a_process

SCRIPT = Path(__file__).with_name("faulting.py")
OPERATIONS = ["store", "open", "open after a kill", "make", "read", "pop", "clear"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_call_fails_nothing_is_torn_lost_or_left(
    interposed: Path, memory: Path, fault_every: int, operation: str
) -> None:
    """EIO, ENOSPC, EMFILE, EINTR and short writes, once and from then on.

    A `ShelfReadError` or `ShelfWriteError` says so, and then the old value is there; or it went
    well, and the new one is. Nothing counts as missing, the next process finds no leftover.
    """
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(memory), str(fault_every), operation],
        env=os.environ | {"LD_PRELOAD": str(interposed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert found["n_faults"] > 0
    print(f"\n{operation}: {found['n_faults']} faults at {found['n_calls']} calls")


@pytest.mark.parametrize("code", ["ENOMEM", "ENODEV"])
def test_files_that_cant_be_mapped_are_read(interposed: Path, filled: str, code: str) -> None:
    """No more maps to be had, or a filesystem that has none."""
    said = in_a_process(
        f"""
        import ctypes, errno
        library = ctypes.CDLL(None)
        with ObjectShelf(path) as shelf:
            large = shelf["large"]
            library.fault_only(b"mmap")
            library.fault_arm(0, errno.{code}, 1)
            print(shelf["large"].is_whole(), library.fault_failed_calls() > 0)
            print(type(shelf["large"].data).__name__, type(large.data).__name__)
        """,
        filled,
        LD_PRELOAD=str(interposed),
    )
    assert said == "True True\nbytearray memoryview\n"
