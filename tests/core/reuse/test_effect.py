"""Readers of an effect run whenever it happened, whatever came of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from tests.core.reuse.chain import SWITCH, called, pipeline, ran, reasons, switch

from linepipe_core import Node, NodeExecutionError


def write(rows: int) -> str:
    """Writes a table; the token says nothing of its rows."""
    SWITCH["table"] = rows
    called("write")
    return "table"


def count(table: str, factor: int) -> int:
    if os.environ.get("BROKEN_TABLE"):  # no global, which would count
        raise OSError("no such table")
    return int(switch("table")) * factor


def flow(**options: Any) -> list[Node]:
    return [
        Node(write, ["n"], ["table"], effect=True, **options),
        Node(count, ["table", "config.limit"], ["count"]),
        Node(abs, ["count"], ["size"], name="measure"),
    ]


def test_readers_of_an_effect_run_whenever_it_ran(tmp_path: Path) -> None:
    """Though it returned the same; what follows them is cut off early again."""
    assert pipeline(tmp_path, flow(), n=10).run(reuse=True)["size"] == 50
    assert ran(pipeline(tmp_path, flow(), n=10).run(reuse=True)) == []
    changed = pipeline(tmp_path, flow(), n=-10)
    plan = changed.plan()
    assert [entry.action for entry in plan] == ["run", "run", "maybe"]
    result = changed.run(reuse=True)
    assert ran(result) == ["write", "count", "measure"]
    assert (result["size"], ran(changed.run(reuse=True))) == (50, [])
    assert reasons(result, "count") == plan[1].reasons
    (reason,) = plan[1].reasons
    assert reason == "input table stands for an effect of write, which ran"
    assert (reason.kind, reason.name) == ("effect", "table")


def test_an_effect_never_goes_back(tmp_path: Path) -> None:
    """What lies outside has one state: that of the newest run."""
    for n, total in ((10, 50), (11, 55), (10, 50), (11, 55)):
        result = pipeline(tmp_path, flow(), n=n).run(reuse=True)
        assert ran(result)[:2] == ["write", "count"]
        assert result["size"] == total


@pytest.mark.parametrize("how", ["always_run", "rerun", "failed", "alone", "no reuse"])
def test_readers_see_an_effect_that_ran_in_an_earlier_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Also if that run failed, was a slice, or reused nothing."""
    nodes = flow(always_run=how == "always_run")
    whole = pipeline(tmp_path, nodes)
    whole.run()
    monkeypatch.setenv("BROKEN_TABLE", "yes" if how == "failed" else "")
    if how == "rerun":
        assert ran(whole.run(reuse=True, rerun=["write"])) == ["write", "count"]
    elif how == "failed":
        with pytest.raises(NodeExecutionError, match="no such table"):
            whole.run(reuse=True, rerun=["write"])
    elif how == "no reuse":
        whole.to_nodes("write").run()
    else:
        whole.only_nodes("write").run(reuse=True, rerun=["write"])
    monkeypatch.delenv("BROKEN_TABLE")
    later = whole.run(reuse=True)
    expected = {"always_run": ["write", "count"], "rerun": []}.get(how, ["count"])
    assert ran(later) == expected
    slice_ = whole.only_nodes("count")
    assert ran(slice_.run(reuse=True)) == []
    if how != "always_run":
        whole.only_nodes("write").run()
        assert ran(slice_.run(reuse=True)) == ["count"]


def test_an_effect_that_cannot_be_kept_counts_like_one_that_can(tmp_path: Path) -> None:
    """It is made for a reader that runs, and then all its readers run."""

    def write_lazily(rows: int) -> Any:
        SWITCH["table"] = rows
        return (row for row in [rows])

    def count_lazily(table: Any, factor: int) -> int:
        return int(sum(table)) * factor

    nodes = [
        Node(write_lazily, ["n"], ["table"], effect=True),
        Node(count_lazily, ["table", "config.limit"], ["count"]),
    ]
    pipeline(tmp_path, nodes).run()
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, nodes, limit=6).run(reuse=True)) == [
        "write_lazily",
        "count_lazily",
    ]
    assert ran(pipeline(tmp_path, nodes, limit=6).run(reuse=True)) == []


def test_a_writer_with_an_effect_is_a_writer(tmp_path: Path) -> None:
    """Without outputs the option says nothing more."""
    nodes = [Node(lambda n: called("w"), ["n"], [], effect=True, name="writer")]
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == ["writer"]
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, nodes, n=11).run(reuse=True)) == ["writer"]
