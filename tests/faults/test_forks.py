"""A process that forks: nobody hangs, and nothing that others committed is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.faults.blocks import Block, in_a_process

from linepipe_core import Node, Pipeline
from linepipe_core.shelf import ObjectShelf

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="only Unix forks")

SECONDS = 120  # a child that takes longer waits forever


class Row:
    def __init__(self) -> None:
        self.values = [1, 2]


def first(row: Row) -> int:
    return row.values[0]


def in_a_child(work: Callable[[], object]) -> int:
    """Do the work in a forked child. Returns its exit code; below 0 if it hung."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(SECONDS)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextmanager
def busy_threads(work: Callable[[int], object]) -> Iterator[None]:
    """Three threads that do something again and again."""
    stop = threading.Event()
    errors: list[BaseException] = []

    def serve(number: int) -> None:
        try:
            while not stop.is_set():
                work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "a thread waits forever"
    assert not errors


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_children_of_a_busy_service_run_its_pipeline() -> None:
    """Its threads take the locks of the snapshots' rules all the time."""
    pipeline = Pipeline([Node(Row, [], ["row"]), Node(first, ["row"], ["one"])])
    pipeline.run()  # as a service does: Python's import locks can't be helped
    with busy_threads(lambda _: pipeline.run()):
        assert [in_a_child(pipeline.run) for _ in range(10)] == [0] * 10


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_children_of_a_process_that_stores_use_the_shelf(path: str) -> None:
    """Each finds what was there, and stores; its parent's threads go on."""
    with ObjectShelf(path) as shelf:
        shelf["block"] = Block(1, 200_000)

        def use(number: int) -> None:
            shelf[f"child{number}"] = number
            assert shelf[f"child{number}"] == number
            assert shelf["block"].is_whole()

        with busy_threads(lambda number: shelf.update({f"thread{number}": number})):
            codes = [in_a_child(lambda number=number: use(number)) for number in range(15)]  # type: ignore[misc]
        assert codes == [0] * 15
        assert {f"child{number}" for number in range(15)} < set(shelf)
        assert shelf.verify() == ()


def test_a_child_runs_the_cached_pipeline_that_its_parent_runs(path: str) -> None:
    """With reuse and a history, again and again; each finds what the others made."""
    nodes = [Node(Row, [], ["row"]), Node(first, ["row"], ["one"])]
    pipeline = Pipeline(
        nodes, use_persistent_cache=True, cache_storage_path=path, track_history=True
    )
    pipeline.run()

    def run() -> None:
        steps = pipeline.run(reuse=True).steps
        assert [step.status for step in steps] == ["reused", "reused"]

    for _ in range(5):
        assert in_a_child(run) == 0
        run()
    with ObjectShelf(path) as shelf:
        assert shelf.verify() == ()


def stored_by_another(path: str, code: str) -> None:
    preamble = "import os\nfrom linepipe_core.shelf import ObjectShelf\n"
    script = f"{preamble}s = ObjectShelf({path!r})\n{code}"
    subprocess.run([sys.executable, "-c", script], check=code.endswith("close()"))


@pytest.mark.parametrize("child_stores", [True, False])
def test_a_child_takes_nothing_from_a_third_process(path: str, child_stores: bool) -> None:
    """Neither one that stores on the shelf that its parent had open, nor one that only exits."""
    shelf = ObjectShelf(path)
    shelf["a"] = 1
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.read(reading, 1)  # until a third process has stored
        if child_stores:
            shelf["child"] = "a night's work"
        sys.stdout.flush()
        del shelf
        os._exit(0)
    shelf.close()
    end = "s.close()" if child_stores else "os.kill(os.getpid(), 9)"
    stored_by_another(path, f"s['third'] = 3; {end}")
    os.write(writing, b"x")
    assert os.waitpid(pid, 0)[1] == 0
    with ObjectShelf(path) as again:
        assert set(again) == {"a", "third"} | ({"child"} if child_stores else set())


def test_a_child_that_exits_by_itself_closes_nothing_of_its_parents(path: str) -> None:
    """As Python ends, connections are closed: none of the parent's may be among them."""
    said = in_a_process(
        """
        shelf = ObjectShelf(path)
        shelf["a"] = 1
        pid = os.fork()
        if pid == 0:
            sys.exit(0)
        os.waitpid(pid, 0)
        shelf["b"] = 2
        print(sorted(ObjectShelf(path)))
        """,
        path,
    )
    assert said == "['a', 'b']\n"


def test_a_handler_that_forks_in_the_middle_of_a_store(path: str) -> None:
    """The parent's store ends as it would; the child doesn't hang."""
    said = in_a_process(
        """
        import signal, time
        shelf = ObjectShelf(path)
        codes = []
        def fork(*_):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            codes.append(os.waitpid(pid, 0)[1])
            signal.setitimer(signal.ITIMER_REAL, 0.005)
        signal.signal(signal.SIGALRM, fork)
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        i = 0
        while len(codes) < 30:
            i += 1
            shelf["x"] = i
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(set(codes), shelf["x"] == i)
        """,
        path,
    )
    assert said == "{0} True\n"
