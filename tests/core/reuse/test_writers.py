"""Writers of one object keep a record each, and never go back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from tests.core.reuse.chain import CHAIN, called, pipeline, ran

from linepipe_core import Node, create_named_partial_function


def save(total: int, path: str) -> None:
    called(f"save {path}")


def saving(path: str) -> Node:
    func = create_named_partial_function(save, f"save_{path}", path=path)
    return Node(func, ["total"], [])


def test_two_writers_of_one_object_do_not_displace_each_other(tmp_path: Path) -> None:
    """In one pipeline, in two on one path, and in a slice of one of them."""
    a, b = saving("a"), saving("b")
    both = pipeline(tmp_path, [*CHAIN[:3], a, b])
    both.run()
    assert ran(both.run(reuse=True)) == []
    assert ran(both.only_nodes("save_b").run(reuse=True)) == []
    for writer in (a, b, a):
        assert ran(pipeline(tmp_path, [*CHAIN[:3], writer]).run(reuse=True)) == []
    swapped = pipeline(tmp_path, [*CHAIN[:3], b, a])
    assert ran(swapped.run(reuse=True)) == []


def test_other_functions_that_write_the_same_object_keep_a_record_each(tmp_path: Path) -> None:
    """Plain functions, partials and methods."""

    class Table:
        def __init__(self, name: str) -> None:
            self.name = name

        def write(self, total: int) -> None:
            called(self.name)

    def other(total: int) -> None:
        called("other")

    writers: list[Any] = [other, partial(save, path="p"), Table("x").write, Table("y").write]
    for write in writers:
        node = Node(write, ["total"], [], name="same")
        assert "same" in ran(pipeline(tmp_path, [*CHAIN[:3], node]).run(reuse=True))
    for write in writers:
        node = Node(write, ["total"], [], name="same")
        assert ran(pipeline(tmp_path, [*CHAIN[:3], node]).run(reuse=True)) == []


def test_a_writer_never_goes_back(tmp_path: Path) -> None:
    """What it wrote is what the newest run wrote."""
    for n in (10, 11, 10):
        assert "write" in ran(pipeline(tmp_path, CHAIN, n=n, limit=20).run(reuse=True))
    assert ran(pipeline(tmp_path, CHAIN, n=10, limit=20).run(reuse=True)) == []
