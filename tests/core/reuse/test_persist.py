"""Outputs with persist=False never reach the disk, and count by how they were made."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from tests.core.reuse.chain import CALLS, called, pipeline, ran, reasons

from linepipe_core import Node, ObjPlacement
from linepipe_core.shelf import ObjectShelf

SECRET = "Erika Mustermann, 12.08.1964"


def read(n: int) -> list[str]:
    called("read")
    return [SECRET] * n


def count(people: list[str], factor: int) -> int:
    called("count")
    return len(people) * factor


def flow(**options: Any) -> list[Node]:
    return [
        Node(read, ["n"], ["people"], persist=False, **options),
        Node(count, ["people", "config.limit"], ["count"]),
    ]


def on_disk(path: Path, text: str) -> bool:
    return any(text.encode() in p.read_bytes() for p in path.rglob("*") if p.is_file())


def test_what_is_not_to_persist_never_lies_on_the_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither on the shelf nor in the history there; nobody is warned."""
    caplog.set_level(logging.WARNING)
    tracked = pipeline(tmp_path, flow(), track_history=True)
    result = tracked.run(reuse=True, outputs=["people", "count"])
    assert result["people"] == [SECRET] * 10
    assert result.history[0].outputs["people"] == [SECRET] * 10
    assert not on_disk(tmp_path, SECRET)
    assert caplog.messages == []
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert list(shelf) == ["count"]
    again = pipeline(tmp_path, flow(), track_history=True)
    assert again.history[1].outputs["count"] == 50


def test_it_stays_in_memory_during_the_run(tmp_path: Path) -> None:
    """Each reader gets a copy of its own."""

    def spoil(people: list[str]) -> int:
        people.clear()
        return 0

    nodes = [*flow()[:1], Node(spoil, ["people"], ["spoilt"]), flow()[1]]
    with pipeline(tmp_path, nodes).start() as run:
        next(run)
        assert run.registry.placement["people"] is ObjPlacement.RUNTIME
        assert run.finish()["count"] == 50


def test_it_is_made_for_readers_that_run_and_only_for_them(tmp_path: Path) -> None:
    """It counts by how it was made."""
    pipeline(tmp_path, flow()).run()
    CALLS.clear()
    assert ran(pipeline(tmp_path, flow()).run(reuse=True)) == []
    again = pipeline(tmp_path, flow(), limit=6)
    plan = again.plan()
    assert [entry.action for entry in plan] == ["run", "run"]
    result = again.run(reuse=True)
    assert CALLS == ["read", "count"]
    assert reasons(result, "read") == plan[0].reasons
    assert plan[0].reasons == ("people isn't kept, and count needs it",)
    assert ran(pipeline(tmp_path, flow(), n=11, limit=6).run(reuse=True)) == ["read", "count"]


def test_a_result_that_is_not_to_persist_is_made_each_time(tmp_path: Path) -> None:
    """Somebody asked for it."""
    nodes = flow()[:1]
    pipeline(tmp_path, nodes).run()
    result = pipeline(tmp_path, nodes).run(reuse=True)
    assert reasons(result, "read") == ("people isn't kept, and is a result",)


@pytest.mark.parametrize("reuse", [True, False])
def test_what_was_kept_before_leaves_the_shelf(tmp_path: Path, reuse: bool) -> None:
    """The next run removes it, and the plan says why it runs."""
    kept = [Node(read, ["n"], ["people"]), flow()[1]]
    pipeline(tmp_path, kept).run()
    assert on_disk(tmp_path, SECRET)
    changed = pipeline(tmp_path, flow())
    assert changed.plan()[0].reasons == ("people is on the shelf in spite of persist=False",)
    changed.run(reuse=reuse)
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert list(shelf) == ["count"]
        assert all(info.name != "people" for info in shelf.info())
    assert ran(changed.run(reuse=True)) == []


def test_a_private_maker_that_is_rerun_makes_its_readers_run(tmp_path: Path) -> None:
    """Nobody compared what it made with what was made before."""
    pipeline(tmp_path, flow()).run()
    result = pipeline(tmp_path, flow()).run(reuse=True, rerun=["read"])
    assert ran(result) == ["read", "count"]
    assert ran(pipeline(tmp_path, flow()).run(reuse=True)) == []


def test_a_lazy_plan_stays_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It counts by how it was made; nothing collects it, and its data isn't written."""
    import polars

    def scan(n: int) -> Any:
        called("scan")
        return polars.DataFrame({"a": list(range(n))}).lazy()

    def add(frame: Any) -> Any:
        return frame.with_columns(b=polars.col("a") * 2)

    def collect(frame: Any, factor: int) -> int:
        return int(frame.collect()["b"].sum()) * factor

    nodes = [
        Node(scan, ["n"], ["lazy"]),
        Node(add, ["lazy"], ["wider"]),
        Node(collect, ["wider", "config.limit"], ["total"]),
    ]
    caplog.set_level(logging.WARNING)
    assert pipeline(tmp_path, nodes, n=1000).run(reuse=True)["total"] == 999000 * 5
    assert caplog.messages == []
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert list(shelf) == ["total"]
    assert ran(pipeline(tmp_path, nodes, n=1000).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, nodes, n=1001).run(reuse=True)) == ["scan", "add", "collect"]
