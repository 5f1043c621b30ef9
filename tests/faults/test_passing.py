"""Passing troubles: nothing counts as missing for them, and nothing is lost."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from tests.faults.blocks import in_a_process

from linepipe_core.errors import ShelfReadError
from linepipe_core.shelf import ObjectShelf

READ = """
    def ask(what):
        try:
            return what()
        except ShelfReadError as error:
            return "ShelfReadError"
"""


def test_too_many_open_files(filled: str) -> None:
    """A program that finds no state begins anew, and writes over the one that it had."""
    said = in_a_process(
        READ
        + """
    shelf = ObjectShelf(path)
    large = lambda: shelf.get("large", "gone")
    ask(large)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    print(ask(large), ask(lambda: shelf["large"]), ask(lambda: shelf.pop("large")))
    print(ask(lambda: ObjectShelf(path)))
    for fd in held:
        os.close(fd)
    print(ask(large).is_whole())
    """,
        filled,
    )
    expected = "ShelfReadError ShelfReadError ShelfReadError\nShelfReadError\nTrue\n"
    assert said == expected


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="only Linux limits memory so")
def test_too_little_memory(path: str) -> None:
    """The only copy of a queue's entry stays on the shelf, say."""
    with ObjectShelf(path) as shelf:
        shelf["job"] = list(range(3_000_000))
    said = in_a_process(
        READ
        + """
    shelf = ObjectShelf(path)
    now = int(open("/proc/self/statm").read().split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (now + 30_000_000, -1))
    print(ask(lambda: shelf.get("job", "gone")), ask(lambda: shelf.pop("job")))
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    print("job" in shelf, len(shelf.pop("job")), list(shelf))
    """,
        path,
    )
    assert said == "ShelfReadError ShelfReadError\nTrue 3000000 []\n"


def test_a_deep_stack(filled: str) -> None:
    """Near the recursion limit there is an answer or an error, never a wrong answer."""

    def ask(depth: int) -> object:
        return ask(depth - 1) if depth else shelf.get("small", "gone")

    with ObjectShelf(filled) as shelf:
        for depth in range(600, 1_000, 3):
            with suppress(RecursionError, ShelfReadError):
                assert ask(depth) == {"a": 1}
        assert shelf["small"] == {"a": 1}


def test_a_run_drops_nothing_that_it_cannot_read_just_now(path: str) -> None:
    """It fails, and the next one reuses what is there."""
    said = in_a_process(
        """
    from linepipe_core import Node, Pipeline
    from linepipe_core.errors import LinepipeError

    def make():
        return Block(1, 300_000)

    def look(block):
        return block.is_whole()

    flow = Pipeline([Node(make, [], ["block"]), Node(look, ["block"], ["whole"])],
                    use_persistent_cache=True, cache_storage_path=path)
    flow.run(reuse=True)
    flow.only_nodes("look").run()
    n_failed = 0
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
    for spare in range(12):
        held = []
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        for fd in held[:spare]:  # so that it fails a little later each time
            os.close(fd)
        try:
            assert flow.only_nodes("look").run()["whole"]
        except LinepipeError as error:
            assert "ShelfReadError" in (type(error).__name__, type(error.__cause__).__name__), error
            n_failed += 1
        for fd in held[spare:]:
            os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    print(0 < n_failed < 12, [step.status for step in flow.run(reuse=True).steps])
    """,
        path,
    )
    assert said == "True ['reused', 'reused']\n"
