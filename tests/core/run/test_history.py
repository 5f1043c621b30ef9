"""The history of runs on the shelf."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tests.core.store.tables import pipeline

from linepipe_core import Node, Pipeline
from linepipe_core._store.store import Store
from linepipe_core.errors import (
    MissingInputError,
    NodeExecutionError,
)
from linepipe_core.shelf import ObjectShelf


def _raise(why: str) -> None:
    raise ValueError(why)


@pytest.mark.slow
def test_history_is_read_by_a_later_process(path: str) -> None:
    """Each node's inputs and outputs, constants and config too, read when they are looked at."""
    code = f"""
        import sys; sys.path[:0] = {sys.path!r}
        from tests.core.store.tables import pipeline
        pipeline({path!r}, 10, track_history=True).run()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    flow = pipeline(path, 10, track_history=True)
    assert [entry["node"] for entry in flow.history] == ["make", "widen", "total"]
    first, second, _ = flow.history
    assert first["inputs"]["n"] == 10
    assert first["status"] == "ran"
    assert first["seconds"] > 0
    assert "y" not in second["inputs"]["table"]
    assert second["outputs"]["wide"].loc[0, "x"] == 99.0
    assert list(first) == ["node", "inputs", "outputs", "seconds", "status"]
    assert pipeline(path, 10).history == []


@pytest.mark.slow
def test_history_keeps_objects_that_later_runs_replace(path: str) -> None:
    """Until its run is pruned; then the bytes leave the disk."""
    for n in (30_000, 40_000, 50_000):
        pipeline(path, n, track_history=True).run()
    with ObjectShelf(path) as shelf, Store(path) as store:
        assert len(store.runs()) == 3
        n_files = len(list(Path(path, "buffers").iterdir()))
        texts = [*store.entries(store.runs()[0])]
        assert '"make"' in texts[0]
        shelf.prune(keep_runs=1, versions=1)
        assert len(store.runs()) == 1
        assert len(list(Path(path, "buffers").iterdir())) < n_files
        assert shelf.verify() == ()
    entry = pipeline(path, 10, track_history=True).history[0]
    unread = pipeline(path, 10, track_history=True).history[0]
    assert len(entry["outputs"]["table"]) == 50_000
    with ObjectShelf(path) as shelf:
        shelf.clear()
    assert len(entry["outputs"]["table"]) == 50_000
    entry = unread
    with pytest.raises(MissingInputError, match="'table' can't be read from the shelf"):
        entry["outputs"]["table"]


def test_history_keeps_twenty_runs(path: str) -> None:
    """The oldest leave by themselves."""
    flow = Pipeline(
        [Node(abs, ["n"], ["m"])],
        track_history=True,
        use_persistent_cache=True,
        cache_storage_path=path,
    )
    for n in range(23):
        flow.bind(n=n).run()
    with Store(path) as store:
        assert len(store.runs()) == 20
    assert flow.history[0]["inputs"]["n"] == 22


def test_history_has_a_failure_too(path: str) -> None:
    """With what the node got."""
    flow = Pipeline(
        [Node(_raise, ["why"], ["never"])],
        track_history=True,
        use_persistent_cache=True,
        cache_storage_path=path,
        why="because",
    )
    with pytest.raises(NodeExecutionError):
        flow.run()
    (entry,) = Pipeline(
        [], track_history=True, use_persistent_cache=True, cache_storage_path=path
    ).history
    assert (entry["status"], entry["inputs"]["why"]) == ("failed", "because")
    assert dict(entry["outputs"]) == {}
