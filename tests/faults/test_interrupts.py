"""Control-C at any moment: it comes out as itself, and whatever goes on afterwards can."""

from __future__ import annotations

import builtins
import gc
import io
import logging
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from rich.console import Console
from tests.faults.blocks import Block, put_in
from tests.faults.moments import interrupts

from linepipe_core import Hook, Node, Pipeline, Step
from linepipe_core._store.changes import AddEntry
from linepipe_core._store.opening import open_shelf
from linepipe_core._store.store import Store
from linepipe_core.shelf import ObjectShelf
from linepipe_profile import MemoryProfile
from linepipe_viz import Progress
from linepipe_viz.progress import live_area

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def quiet_destructors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An interrupt in a destructor is only printed. pytest would keep all its traceback holds."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _: None)
    yield
    gc.collect()


def test_at_every_moment_of_a_store(path: str, buffers: Callable[[], list[Path]]) -> None:
    """The shelf is whole, its lock is free, also for who cleans up; no draft stays."""
    with ObjectShelf(path) as shelf, Store(path) as opened:
        generation = 0

        def store() -> None:
            nonlocal generation
            generation += 1
            put_in(opened, {"a": Block(generation, 70_000), "b": generation})

        for _ in interrupts(store):
            assert ("a" in shelf) == ("b" in shelf)
            if "a" in shelf:
                assert shelf["a"].is_whole()
                assert shelf["a"].generation == shelf["b"]
        assert shelf["b"] == generation
    with ObjectShelf(path) as shelf:
        assert shelf.verify() == ()
        assert len(buffers()) == 1


def test_at_moments_of_opening_reading_and_removing(path: str) -> None:
    """Objects are whole or gone, and the next process gets the lock."""

    def use() -> None:
        with ObjectShelf(path) as shelf:
            shelf["gone"] = 1
            shelf["taken"] = 2
            assert shelf["kept"].is_whole()
            del shelf["gone"]
            assert shelf.pop("taken") == 2
            shelf.prune(keep_runs=1)

    with ObjectShelf(path) as shelf:
        shelf["kept"] = Block(3, 1_100_000)
        for _ in interrupts(use, every=7):
            shelf["lock"] = "free"
            assert shelf["kept"].is_whole()
        assert set(shelf) == {"kept", "lock"}


def test_real_signals_at_random_moments_of_a_store(
    path: str, buffers: Callable[[], list[Path]]
) -> None:
    """The same, in the helping threads' time too."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    older = signal.signal(signal.SIGALRM, interrupt)
    chance = random.Random(3)
    n_interrupted = 0
    try:
        with ObjectShelf(path) as shelf, Store(path) as opened:
            for generation in range(60):
                try:
                    signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.0001, 0.01))
                    put_in(opened, {"a": Block(generation, 3_000_000), "b": generation})
                    shelf["c"] = generation
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except KeyboardInterrupt:
                    n_interrupted += 1
                if "a" in shelf:
                    assert shelf["a"].is_whole()
                    assert shelf["a"].generation == shelf["b"]
            shelf["last"] = 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, older)
    assert n_interrupted > 5
    with ObjectShelf(path) as shelf:
        assert shelf.verify() == ()
        assert shelf["last"] == 1
        assert len(buffers()) == ("a" in shelf)


def test_a_rollback_that_is_interrupted_spoils_no_later_write(path: str) -> None:
    """A second Control-C comes while the first one undoes what it can."""
    with ObjectShelf(path) as shelf:
        _, _, index = open_shelf(path)

        class Interrupted:
            def apply(self, connection: sqlite3.Connection) -> None:
                connection.set_progress_handler(lambda: 1, 1)  # ends whatever is executed next
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            index.write(Interrupted())
        index.write(AddEntry(1, "", []))
        shelf["a"] = 1
        index.close()


def test_at_moments_of_a_run_with_cache_history_and_reuse(path: str) -> None:
    """The next run on the same path gets everything right."""
    pipeline = Pipeline(
        [Node(_repeated, ["n"], ["many"]), Node(len, ["many"], ["count"])],
        track_history=True,
        use_persistent_cache=True,
        cache_storage_path=path,
    )
    n = 0

    def run() -> None:
        pipeline.bind(n=n // 2).run(reuse=True)

    # Some 3,200 moments, of which this takes 250 (a prime, so that loops aren't hit in step).
    for _ in interrupts(run, every=13):
        n += 1
        again = pipeline.bind(n=n // 2).run(reuse=True)
        assert again["count"] == n // 2
        assert [entry["node"] for entry in again.history] == ["_repeated", "len"]


def test_at_every_moment_of_a_run_its_hooks_are_left() -> None:
    """A context manager that was entered is left, whichever moment it was."""
    n_open = 0

    @contextmanager
    def opened() -> Iterator[None]:
        nonlocal n_open
        n_open += 1
        try:
            yield
        finally:
            n_open -= 1

    class Opens(Hook):
        def around_node(self, step: Step) -> AbstractContextManager[object]:
            return opened()

    pipeline = Pipeline([Node(_repeated, ["n"], ["many"])], n=3)
    for _ in interrupts(lambda: pipeline.run(hooks=[Opens(), Opens()])):
        assert n_open == 0


def n_threads() -> int:
    """All of this process's, as the system counts them."""
    return int(psutil.Process().num_threads())


def test_at_every_moment_of_a_profiled_run_no_sampling_goes_on() -> None:
    """The threads that sample end with the run, and no interrupt is taken for a hook's failure."""
    pipeline = Pipeline([Node(_repeated, ["n"], ["many"])], n=3)
    n_before = n_threads()

    def run() -> None:
        assert pipeline.run(hooks=[MemoryProfile()]).failed_hooks == ()

    for _ in interrupts(run):
        pass
    deadline = time.monotonic() + 120
    while n_threads() > n_before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert n_threads() <= n_before


class Terminal(io.StringIO):
    """A terminal, as far as rich and Progress can tell."""

    def isatty(self) -> bool:
        return True


def test_at_moments_of_a_shown_run_all_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams, prompts and log handlers; the terminal is free, and no thread goes on drawing."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    handler = logging.StreamHandler(terminal)
    logger = logging.getLogger("tests.faults.shown")
    logger.addHandler(handler)
    pipeline = Pipeline([Node(_repeated, ["n"], ["many"]), Node(len, ["many"], ["count"])], n=3)
    console = Console(file=terminal, width=60, height=20, force_terminal=True)
    kept = Progress(console)  # one that lives on must not keep the terminal, either
    n_before = n_threads()

    def run() -> None:
        pipeline.run(hooks=[kept])

    def found() -> list[object]:
        return [sys.stdout, sys.stderr, handler.stream, builtins.input]

    as_it_was = found()
    try:
        # Some 1,800 moments, of which this takes each seventh.
        for _ in interrupts(run, every=7):
            deadline = time.monotonic() + 120
            while found() != as_it_was and time.monotonic() < deadline:
                time.sleep(0.001)
            assert found() == as_it_was
        assert not live_area.is_open()
        while n_threads() > n_before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert n_threads() <= n_before
        n_written = terminal.tell()
        assert pipeline.run(hooks=[kept]).failed_hooks == ()
        assert "2 nodes · 2 datasets" in terminal.getvalue()[n_written:]
    finally:
        logger.removeHandler(handler)


def _repeated(n: int) -> list[int]:
    return [n] * n
