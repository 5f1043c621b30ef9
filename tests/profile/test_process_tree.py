"""Fast readings of a process and its children, compared with known memory, without a clock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from linepipe_profile.process_tree import ProcessTree, can_list_children, open_tree_reader
from linepipe_profile.reading import memory_mib

pytestmark = pytest.mark.skipif(not can_list_children(), reason="this system lists no children")

# Obeys commands on its input and answers "done": forks a child that allocates or writes.
PARENT = """
import os, sys
shared = bytearray(b"1") * (60 * 2**20)
kept = []

def answer():
    print("done", flush=True)

def child():
    for line in sys.stdin:
        match line.strip():
            case "make": kept.append(bytearray(b"1") * (40 * 2**20))
            case "drop": kept.clear()
            case "write": shared[::4096] = bytes(len(shared) // 4096)
            case "become": os.execv(sys.executable, [sys.executable, "-c", OTHER])
            case "quit": os._exit(0)
        answer()

OTHER = "import sys; print('done', flush=True); sys.stdin.readline()"
answer()
sys.stdin.readline()
if os.fork() == 0:
    answer()
    child()
os.wait()
answer()
sys.stdin.readline()
"""


class Parent:
    """The parent of a child; both obey commands."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", PARENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.pid = self.process.pid
        self._wait()

    def does(self, what: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(what + "\n")
        self._wait()

    def _wait(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "done\n"


def walked_once(pid: int) -> ProcessTree:
    """A reader that walks a child when it first sees it, and never again."""
    return ProcessTree(pid, walking_share=1e-9)


@pytest.fixture
def parent() -> Iterator[Parent]:
    """A parent, killed at the end with the children that it still has."""
    parent = Parent()
    yield parent
    children = psutil.Process(parent.pid).children()
    for process in (*children, parent.process):
        process.kill()
    parent.process.communicate()


def test_without_children_it_is_the_resident_size(parent: Parent) -> None:
    """The same that memory_profiler tells."""
    with open_tree_reader(parent.pid) as size:
        assert size() == pytest.approx(memory_mib(parent.pid, False), abs=1)


def test_a_child_counts_by_what_is_its_own_alone(parent: Parent) -> None:
    """Memory that it shares with its parent is counted once."""
    reader = walked_once(parent.pid)
    before = reader.mib()
    parent.does("fork")
    assert reader.mib() == pytest.approx(before, abs=5)
    assert reader.mib() == pytest.approx(memory_mib(parent.pid, True), abs=1)


def test_allocations_of_a_child_are_seen_without_a_walk(parent: Parent) -> None:
    """At once, so that children that live shortly are seen."""
    parent.does("fork")
    reader = walked_once(parent.pid)
    before = reader.mib()
    parent.does("make")
    assert reader.mib() - before == pytest.approx(40, abs=2)
    parent.does("make")
    assert reader.mib() - before == pytest.approx(80, abs=2)
    parent.does("drop")
    assert reader.mib() - before == pytest.approx(0, abs=2)


def test_a_child_that_is_seen_late_counts_whole(parent: Parent) -> None:
    """The first look is a walk."""
    before = memory_mib(parent.pid, True)
    parent.does("fork")
    parent.does("make")
    assert walked_once(parent.pid).mib() - before == pytest.approx(40, abs=5)


def test_writing_to_shared_memory_is_seen_by_a_walk(parent: Parent) -> None:
    """No count of the kernel's shows it: the child's page takes the place of the shared one."""
    parent.does("fork")
    without_walks = walked_once(parent.pid)
    before = without_walks.mib()
    with_walks = ProcessTree(parent.pid, walking_share=1e9)
    with_walks.mib()
    parent.does("write")
    assert without_walks.mib() - before == pytest.approx(0, abs=2)
    assert with_walks.mib() - before == pytest.approx(60, abs=5)


def test_a_child_that_becomes_another_program_starts_anew(parent: Parent) -> None:
    """It shares nothing any more, and never counts as less than nothing."""
    alone = walked_once(parent.pid).mib()
    parent.does("fork")
    reader = walked_once(parent.pid)
    reader.mib()
    parent.does("become")
    assert alone - 2 < reader.mib() < memory_mib(parent.pid, True) + 2


def test_a_child_that_ends_counts_nothing(parent: Parent) -> None:
    """And the reading goes on."""
    parent.does("fork")
    reader = walked_once(parent.pid)
    before = reader.mib()
    parent.does("make")
    reader.mib()
    parent.does("quit")
    assert reader.mib() == pytest.approx(before, abs=5)


def test_the_reading_process_is_left_out() -> None:
    """As the watching process is a child of the node's."""
    code = (
        "import os; from linepipe_profile.process_tree import ProcessTree\n"
        "block = b'1' * (60 * 2**20)\n"
        "print(ProcessTree(os.getppid()).mib())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert float(done.stdout) == pytest.approx(memory_mib(os.getpid(), True), abs=5)


def test_a_process_that_is_gone_is_an_error() -> None:
    """Which leaves that one reading out."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    with pytest.raises(OSError, match=str(done.pid)):
        ProcessTree(done.pid).mib()
