"""Nodes that are reused in a row ask the shelf for many things at once, and for what is there."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.store.queries import Queries

from linepipe_core import Node, Pipeline
from linepipe_core._store.buffers import BufferFiles
from linepipe_core.shelf import ObjectShelf


def increment(x: int) -> int:
    return x + 1


def row(tmp_path: Path, n_nodes: int) -> Pipeline:
    names = ["start", *(f"x{i}" for i in range(n_nodes))]
    nodes = [Node(increment, [names[i]], [names[i + 1]]) for i in range(n_nodes)]
    path = tmp_path / f"cache of {n_nodes}"
    return Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path, start=1)


def statuses(result: Any) -> list[str]:
    return [step.status for step in result.steps]


def let_an_hour_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3600)


def n_statements(flow: Pipeline, monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patched:
        queries = Queries(patched)
        assert set(statuses(flow.run(reuse=True))) == {"reused"}
    return len(queries.statements)


def test_queries_are_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred and eighty nodes more cost a few statements, not one each."""
    for n_nodes in (20, 200):
        row(tmp_path, n_nodes).run(reuse=True)
    few, many = (n_statements(row(tmp_path, n), monkeypatch) for n in (20, 200))
    assert many < few + 20


def test_their_use_is_noted_in_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour later each of them counts as used now."""
    flow = row(tmp_path, 50)
    flow.run(reuse=True)
    let_an_hour_pass(monkeypatch)
    with monkeypatch.context() as patched:
        queries = Queries(patched)
        assert set(statuses(flow.run(reuse=True))) == {"reused"}
    assert queries.statements.count("COMMIT") == 1
    with ObjectShelf(tmp_path / "cache of 50") as shelf:
        assert all(info.last_used_seconds < 600 < info.age_seconds for info in shelf.info())


def test_a_run_that_stops_early_replaces_nothing_of_what_it_did_not_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another process made of it meanwhile stays current."""
    flow = row(tmp_path, 4)
    flow.run(reuse=True)
    let_an_hour_pass(monkeypatch)
    with flow.start(reuse=True) as run:
        flow.bind(start=5).run(reuse=True)
        assert next(run).status == "reused"
    with ObjectShelf(tmp_path / "cache of 4") as shelf:
        assert [shelf[f"x{i}"] for i in range(4)] == [2, 7, 8, 9]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/maps is Linux's")
def test_a_run_that_ended_holds_no_maps(tmp_path: Path) -> None:
    """But of what its result gives: what is pruned while somebody holds it must leave the disk."""

    def n_maps() -> int:
        return Path("/proc/self/maps").read_text().count(str(tmp_path))

    nodes = [Node(lambda: np.zeros(100_000), [], ["a"], name="make")]
    nodes += [Node(lambda a: a + 1, ["a"], ["b"], name="add")]
    flow = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=tmp_path / "cache")
    flow.run(reuse=True)
    run = flow.start(reuse=True)
    result = run.finish()
    assert set(statuses(result)) == {"reused"}
    del result
    assert run.next_node is None
    assert n_maps() == 1  # of b


@pytest.mark.parametrize("how", ["removed", "replaced", "pruned"])
def test_what_goes_between_two_turns_is_made_again(tmp_path: Path, how: str) -> None:
    """It was looked at together with what came before, and is gone since."""
    flow = row(tmp_path, 40)
    flow.run(reuse=True)
    with flow.start(reuse=True) as run:
        for _ in range(5):
            assert next(run).status == "reused"
        with ObjectShelf(tmp_path / "cache of 40") as shelf:
            if how == "removed":
                del shelf["x6"]
            elif how == "replaced":
                del shelf["x6"]
                shelf["x6"] = "another"
            else:
                shelf.prune(max_bytes=0)
        result = run.finish()
    expected = ["reused"] * 40
    expected[6] = "ran"
    if how == "pruned":
        expected[5:] = ["ran"] * 35
    assert statuses(result)[:7] == expected[:7]
    assert result["x39"] == 41
    assert flow.run(reuse=True)["x39"] == 41


def test_a_buffer_that_many_hold_is_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until somebody looks at what they made; and then each gets a copy of its own."""
    nodes = [Node(lambda: np.zeros(100_000), [], ["a0"], name="make")]
    nodes += [Node(lambda a: a, [f"a{i}"], [f"a{i + 1}"], name=f"pass{i}") for i in range(9)]
    flow = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=tmp_path / "cache")
    flow.run(reuse=True)
    opened: list[str] = []
    open_file = BufferFiles.open

    def counted(self: BufferFiles, digest: str, n_bytes: int) -> Any:
        opened.append(digest)
        return open_file(self, digest, n_bytes)

    monkeypatch.setattr(BufferFiles, "open", counted)
    result = flow.run(reuse=True, outputs=["a3", "a9"])
    assert set(statuses(result)) == {"reused"}
    assert len(opened) == 1
    result["a3"][:] = 1
    assert not result["a9"].any()
