"""``plan()`` says what would run and why, and changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.core.reuse.chain import CALLS, CHAIN, CONNECTED, CONNECTION, SWITCH, pipeline, switch

from linepipe_core import (
    Node,
    Pipeline,
    UnknownNameError,
)

UNWATCHED = (
    "" if sys.version_info >= (3, 12) else "code that only running finds (from Python 3.12 on), "
)


def test_a_plan_prints_as_a_table(tmp_path: Path) -> None:
    """With all the reasons, and what is never tracked."""
    pipeline(tmp_path).run()
    assert str(pipeline(tmp_path, limit=7).plan()) == (
        "   node   action  reasons\n"
        "1  load   reuse   nothing changed\n"
        "2  clean  run     config.limit changed: 5 -> 7\n"
        "3  total  maybe   input cleaned may change\n"
        "4  write  maybe   input total may change\n"
        "\n"
        "not tracked:\n"
        "  load, clean, total, write: what sys.modules gives\n"
        f"  {UNWATCHED}calls by a computed name (getattr, eval), C code, files, databases, "
        "the network, the clock, docstrings and the type hints of functions"
    )
    plan = pipeline(tmp_path, limit=7).plan()
    assert repr(plan) == "<Plan of 4 nodes: 1 run, 1 reuse, 2 maybe>"
    assert [entry.node for entry in plan[1:3]] == CHAIN[1:3]
    assert len(plan) == 4


def test_a_plan_names_calls_that_it_cannot_follow(tmp_path: Path) -> None:
    """Of each node, files that it opens; a lock has nothing to compare."""

    def read(path: str) -> int:
        with CONNECTION, open(path) as file:
            return len(file.read())

    config = {"path": __file__}
    cached = Pipeline(
        [Node(read, ["config.path"], ["length"])],
        config,
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    assert cached.plan().untracked[:2] == (
        "read: global CONNECTION (sqlite3.Connection) can't be compared and is new in every "
        "process",
        "read: what open gives",
    )


def test_a_plan_has_the_seconds_of_the_earlier_run(tmp_path: Path) -> None:
    """From the shelf, so also in another process."""
    first = pipeline(tmp_path)
    assert {entry.seconds for entry in first.plan()} == {None}
    steps = first.run().steps
    assert [entry.seconds for entry in pipeline(tmp_path).plan()] == [s.seconds for s in steps]


def test_a_plan_runs_and_changes_nothing(tmp_path: Path) -> None:
    """Twice the same, and nothing was called."""
    pipeline(tmp_path).run()
    CALLS.clear()
    one, two = (str(pipeline(tmp_path, n=11).plan()) for _ in range(2))
    assert one == two
    assert CALLS == []


def test_a_plan_for_other_outputs_is_that_of_their_run(tmp_path: Path) -> None:
    """What can't be kept is made only where it is asked for."""
    pipeline(tmp_path, CONNECTED).run()
    assert [entry.action for entry in pipeline(tmp_path, CONNECTED).plan()] == ["reuse"] * 3
    plan = pipeline(tmp_path, CONNECTED).plan(outputs=["connection"])
    assert [entry.action for entry in plan] == ["run", "reuse", "reuse"]
    assert plan[0].reasons == ("connection can't be kept, and is a result",)
    result = pipeline(tmp_path, CONNECTED).run(reuse=True, outputs=["connection"])
    assert [step.reasons for step in result.steps] == [entry.reasons for entry in plan]
    with pytest.raises(UnknownNameError, match="conection"):
        pipeline(tmp_path, CONNECTED).plan(outputs=["conection"])


def test_a_plan_says_how_a_source_went_before(tmp_path: Path) -> None:
    """A source that always runs: maybe, and in how many runs it made the same."""
    nodes = [
        Node(lambda: switch("rows", 0), [], ["rows"], name="poll", always_run=True),
        Node(lambda rows: rows, ["rows"], ["copied"], name="copy"),
    ]

    def said() -> str:
        (reason,) = pipeline(tmp_path, nodes).plan()[1].reasons
        return reason

    pipeline(tmp_path, nodes).run(reuse=True)
    assert said() == "input rows may change"
    expected = [(0, "unchanged in the last run"), (0, "unchanged in the last 2 runs")]
    for rows, how in (*expected, (1, "changed in the last run"), (1, "unchanged in the last run")):
        SWITCH["rows"] = rows
        pipeline(tmp_path, nodes).run(reuse=True)
        assert said() == f"input rows may change ({how})"
