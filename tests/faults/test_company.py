"""Processes and threads on one path: no torn value, no lock error, no deadlock."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.faults.blocks import Block, put
from tests.faults.moments import Statements

from linepipe_core._store.store import Store
from linepipe_core.errors import ShelfWriteError
from linepipe_core.shelf import ObjectShelf

SCRIPT = Path(__file__).with_name("sharing.py")
SECONDS = 120  # nobody waits this long unless somebody waits forever


def test_six_processes_of_eight_threads_use_the_same_names(
    path: str, buffers: Callable[[], list[Path]], crowd_seconds: float
) -> None:
    """No half value, no error, while others prune, clear and verify; nothing is left."""
    ObjectShelf(path).close()
    workers = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), path, str(seed), str(crowd_seconds), str(n_threads)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed, n_threads in enumerate([8] * 6 + [0])
    ]
    done = Counter[str]()
    for worker in workers:
        out, err = worker.communicate(timeout=SECONDS + crowd_seconds)
        assert worker.returncode == 0, err
        assert "counts as missing" not in err, err
        done.update(json.loads(out))
    assert done["stored"] > 0
    assert done["read"] > 0
    with ObjectShelf(path) as shelf, Store(path) as store:
        assert shelf.verify() == ()
        shelf.prune(versions=1)
        expected = {each.digest for each in store.current(list(shelf)).values()}
        assert len(buffers()) == len(expected)
    print(f"\n{dict(done)}")


def test_eight_threads_share_one_shelf(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """The same, on one handle."""
    problems: list[BaseException] = []
    caplog.set_level(logging.WARNING)
    with ObjectShelf(path) as shelf:

        def work(seed: int) -> None:
            try:
                for step in range(25):
                    generation = (seed * step) % 5
                    shelf[f"name{seed % 3}"] = Block(generation, 1_100_000)
                    found = shelf.get(f"name{step % 3}")
                    assert found is None or found.is_whole()
                    put(path, {}, key=f"record{step % 4}", record=str(generation))
            except BaseException as problem:
                problems.append(problem)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
            assert not thread.is_alive(), "a thread waits forever"
        assert not problems
        assert shelf.verify() == ()
        assert len(shelf) == 3
    assert not caplog.records


def test_many_processes_may_be_the_first(path: str) -> None:
    """They make one shelf between them, whoever is quickest."""
    workers = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), path, str(seed), "0.1", "1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(6)
    ]
    for worker in workers:
        _, err = worker.communicate(timeout=SECONDS)
        assert worker.returncode == 0, err


def test_a_reader_keeps_its_frame_while_a_writer_replaces_it(path: str) -> None:
    """The map holds what it opened, also what it hasn't touched yet."""
    with ObjectShelf(path) as shelf, ObjectShelf(path) as writer:
        shelf["array"] = np.arange(1_000_000)
        held = shelf["array"]
        for value in range(5):
            writer["array"] = np.full(1_000_000, value)
        writer.clear()
        assert (held == np.arange(1_000_000)).all()
        held[:] = 3


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    return Statements(monkeypatch)


# A writer has hashed its buffers then, and `verify` has read them; neither has the lock yet.
BEGIN = "BEGIN IMMEDIATE"


def test_a_writers_draft_is_safe_from_another_ones_sweep(
    path: str, statements: Statements, buffers: Callable[[], list[Path]]
) -> None:
    """Opening the shelf sweeps what dead writers left, and only that."""
    seen: list[str] = []

    def open_another() -> None:
        seen.extend(file.parent.parent.name for file in buffers())
        subprocess.run([sys.executable, "-c", OPEN, path], check=True, timeout=SECONDS)

    with ObjectShelf(path) as shelf:
        statements.before(BEGIN, open_another)
        shelf["block"] = Block(5, 2_000_000)
        assert seen == ["staging"]
        assert shelf["block"].is_whole()


OPEN = "import sys; from linepipe_core.shelf import ObjectShelf; ObjectShelf(sys.argv[1]).close()"


def test_a_buffer_removed_while_it_was_hashed_is_written_after_all(
    path: str, statements: Statements
) -> None:
    """It was known when the store began, and gone when it wanted to commit."""

    def remove_it() -> None:
        with ObjectShelf(path) as other:
            other.clear()

    with ObjectShelf(path) as shelf:
        shelf["old"] = Block(5, 2_000_000)
        statements.before(BEGIN, remove_it)
        shelf["new"] = Block(5, 2_000_000)
        assert list(shelf) == ["new"]
        assert shelf["new"].is_whole()
        assert shelf.verify() == ()


def flipped(buffers: Callable[[], list[Path]]) -> Path:
    """The one buffer file, with a bit changed."""
    (file,) = buffers()
    content = bytearray(file.read_bytes())
    content[1_000_000] ^= 4
    file.write_bytes(content)
    return file


def test_a_damaged_buffer_removed_while_a_writer_relied_on_it_is_written_after_all(
    path: str, buffers: Callable[[], list[Path]], statements: Statements
) -> None:
    """The writer hashed and wrote nothing, as the file was there; it looks again under the lock."""

    def verify() -> None:
        with ObjectShelf(path) as other:
            assert other.verify() == ("old",)

    with ObjectShelf(path) as shelf:
        shelf["old"] = Block(5, 2_000_000)
        flipped(buffers)
        statements.before(BEGIN, verify)
        shelf["new"] = Block(5, 2_000_000)
        assert shelf["new"].is_whole()
        assert shelf["old"].is_whole()
        assert shelf.verify() == ()


def test_a_writer_who_relied_on_a_damaged_buffer_while_it_was_read_is_named_too(
    path: str, buffers: Callable[[], list[Path]], statements: Statements
) -> None:
    """Its object came after the list of what is to be read."""
    with ObjectShelf(path) as shelf, ObjectShelf(path) as other:
        shelf["old"] = Block(5, 2_000_000)
        flipped(buffers)
        statements.before(BEGIN, lambda: other.update({"new": (1, Block(5, 2_000_000))}))
        assert shelf.verify() == ("new", "old")
        assert buffers() == []
        assert "new" not in shelf


def test_a_buffer_mended_while_it_was_read_stays(
    path: str, buffers: Callable[[], list[Path]], statements: Statements
) -> None:
    """The file that `verify` read is another one when it comes to remove it."""
    with ObjectShelf(path) as shelf, ObjectShelf(path) as other:
        shelf["a"] = Block(5, 2_000_000)
        flipped(buffers)

        def mend() -> None:
            del other["a"]
            other["a"] = Block(5, 2_000_000)

        statements.before(BEGIN, mend)
        assert shelf.verify() == ()
        assert shelf["a"].is_whole()


def test_a_buffer_that_changes_while_it_is_stored_is_never_stored_wrong(
    path: str, statements: Statements
) -> None:
    """Another thread writes to it between its hash and its writing: what is written is hashed."""
    block, equal = Block(5, 2_000_000), Block(5, 2_000_000)

    def change_it() -> None:
        with ObjectShelf(path) as other:
            other.clear()
        block.data[1_000_000] ^= 1

    with ObjectShelf(path) as shelf:
        shelf["old"] = Block(5, 2_000_000)
        statements.before(BEGIN, change_it)
        shelf["new"] = [equal, block]
        assert shelf["new"][0].is_whole(), "only the other one was written to"
        assert shelf["new"][1].data[1_000_000] == 5 ^ 1
        assert shelf.verify() == ()
    with ObjectShelf(path) as shelf:
        assert shelf["new"][1].data[1_000_000] == 5 ^ 1
        assert len(list(Path(path, "buffers").iterdir())) == 2


def test_objects_that_another_process_removes_meanwhile_are_left_out(path: str) -> None:
    """Iteration gives all objects that are still there."""
    with ObjectShelf(path) as shelf, ObjectShelf(path) as other:
        for each in (shelf.items, shelf.values):
            shelf.update({"a": 1, "b": 2, "c": 3})
            found = iter(each())
            next(found)
            del other["b"]
            assert len(list(found)) == 1
        shelf.update({"a": 1, "b": 2})
        taken = {shelf.popitem(), other.popitem(), shelf.popitem()}
        assert taken == {("a", 1), ("b", 2), ("c", 3)}


def test_a_lock_that_is_never_let_go_is_an_error_not_a_wait_forever(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped in the middle holds it; reading goes on."""
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() * 1_000)
    with ObjectShelf(path) as shelf:
        shelf["a"] = 1
        other = sqlite3.connect(path + "/index.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(ShelfWriteError, match="another process holds it"):
                shelf["a"] = 2
            assert shelf["a"] == 1
        finally:
            other.close()
        shelf["a"] = 3
        assert shelf["a"] == 3
