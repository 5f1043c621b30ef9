"""How much a process and its children hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from linepipe_profile.reading import memory_mib

# Python starts the program in a child that has the parent's memory until the program begins;
# here it can't begin before somebody writes to the fifo.
STARTING = """
import os, sys
block = bytearray(100 * 2**20)
opens = (os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)
child = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], os.environ, file_actions=[opens])
os.waitpid(child, 0)
"""


def test_a_process_counts_by_its_resident_size() -> None:
    """In MiB."""
    told = psutil.Process().memory_info().rss / 2**20
    assert memory_mib(os.getpid(), False) == pytest.approx(told, abs=2)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what vfork shares is Linux's")
def test_a_child_that_still_has_its_parents_memory_counts_nothing(tmp_path: Path) -> None:
    """Between the start of a child and the first instruction of its program."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    starting = subprocess.Popen([sys.executable, "-c", STARTING, str(fifo)])
    try:
        process = psutil.Process(starting.pid)
        while not process.children():
            assert starting.poll() is None
        (child,) = process.children()
        assert child.memory_info().rss > 100 * 2**20
        alone = memory_mib(starting.pid, include_children=False)
        assert memory_mib(starting.pid, include_children=True) == pytest.approx(alone, abs=2)
    finally:
        with open(fifo, "wb"):
            pass
        starting.wait()


def test_a_process_that_is_gone_is_an_error() -> None:
    """The caller knows what to do without it."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    with pytest.raises(psutil.NoSuchProcess):
        memory_mib(done.pid, include_children=False)
