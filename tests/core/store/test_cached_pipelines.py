"""Pipelines with the persistent cache: what they read, keep and leave on the shelf."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.core.store.queries import Queries
from tests.core.store.tables import LARGE, make, pipeline

from linepipe_core import Hook, Node, ObjPlacement, Pipeline
from linepipe_core.errors import (
    CompositionError,
    ConstantError,
    MissingInputError,
    NodeExecutionError,
    RegistryClosedError,
    ShelfPathError,
    UnknownNameError,
)
from linepipe_core.shelf import ObjectShelf


def test_a_cached_run_gives_the_same_as_a_plain_one(path: str) -> None:
    """And leaves every object on the shelf, as each node made it."""
    result = pipeline(path, 10).run(outputs=["table", "wide", "report"])
    assert result["table"]["x"].tolist() == list(range(10))
    assert result["wide"].loc[0, "x"] == 99.0
    assert result["report"] == {"x": 45.0}
    with ObjectShelf(path) as shelf:
        assert sorted(shelf) == ["report", "table", "wide"]
        pd.testing.assert_frame_equal(shelf["table"], make(10))
        assert shelf.info()[0].node == "total"


def test_readers_get_private_copies(path: str) -> None:
    """Each reader may spoil what it got: no other, no result and no later run sees it."""

    def spoil(rows: list[int], array: np.ndarray[Any, Any]) -> int:
        seen = len(rows) + int(array.sum())
        rows.clear()
        array[:] = 7
        return seen

    nodes = [
        Node(lambda: ([1, 2], np.zeros(LARGE)), [], ["rows", "array"], name="make"),
        *(Node(spoil, ["rows", "array"], [f"seen{i}"]) for i in range(3)),
    ]
    flow = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path)
    for _ in range(2):
        result = flow.run(outputs=["rows", "seen0", "seen1", "seen2"])
        assert dict(result) == {"rows": [1, 2], "seen0": 2, "seen1": 2, "seen2": 2}
        result["rows"].append(3)
    with ObjectShelf(path) as shelf:
        assert shelf["rows"] == [1, 2]
        assert not shelf["array"].any()


def test_a_node_reads_what_the_shelf_would_give_a_later_run(path: str) -> None:
    """An object that comes back different from its pickle is different in the first run too."""
    nodes = [Node(Forgetful, [], ["it"]), Node(vars, ["it"], ["state"])]
    flow = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path)
    assert flow.run()["state"] == {"kept": 1}
    assert flow.only_nodes("vars").run()["state"] == {"kept": 1}


class Forgetful:
    def __init__(self) -> None:
        self.kept, self.cached = 1, 2

    def __getstate__(self) -> dict[str, int]:
        return {"kept": self.kept}


@pytest.mark.slow
def test_a_slice_reads_what_an_earlier_run_made_in_another_process(path: str) -> None:
    """The one node that is worked on runs, on yesterday's objects."""
    code = f"""
        import sys; sys.path[:0] = {sys.path!r}
        from tests.core.store.tables import pipeline
        pipeline({path!r}, 10).run()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    flow = pipeline(path, 10)
    later = Pipeline(
        [Node(len, ["table"], ["n_rows"])],
        use_persistent_cache=True,
        cache_storage_path=path,
    )
    assert later.run()["n_rows"] == 10
    assert flow.only_nodes("total").run()["report"] == {"x": 45.0}
    with pytest.raises(MissingInputError, match="nothing makes 'table'"):
        Pipeline(later.nodes).run()


def test_a_missing_input_names_the_cache(path: str) -> None:
    """A run on the same path may make the missing object."""
    with pytest.raises(MissingInputError, match="or run what makes it first, with the same cache"):
        pipeline(path).only_nodes("widen").run()


def test_a_result_keeps_its_values_when_a_later_run_replaces_them(path: str) -> None:
    """Although it reads nothing before somebody looks."""
    first = pipeline(path, 30_000).run(outputs=["table", "report"])
    second = pipeline(path, 10).run(outputs=["table", "report"])
    with ObjectShelf(path) as shelf:
        shelf.clear()
    assert len(first["table"]) == 30_000
    assert len(second["table"]) == 10
    assert first["report"] != second["report"]


def test_objects_made_before_a_failure_stay_in_the_cache(path: str) -> None:
    """And the registry is closed, the shelf free."""

    def fail(table: pd.DataFrame) -> None:
        raise RuntimeError("no")

    flow = Pipeline(
        [Node(make, ["n"], ["table"]), Node(fail, ["table"], ["never"])],
        use_persistent_cache=True,
        cache_storage_path=path,
        n=10,
    )
    run = flow.start()
    with pytest.raises(NodeExecutionError, match="'fail' failed"):
        run.finish()
    with pytest.raises(RegistryClosedError):
        run.registry.get("table")
    with ObjectShelf(path) as shelf:
        assert list(shelf) == ["table"]


def test_a_constant_with_a_shelved_objects_name_is_refused_before_anything_runs(path: str) -> None:
    """A stale object must never hide a constant, or the other way round."""
    with ObjectShelf(path) as shelf:
        shelf["n"] = 5
    with pytest.raises(ConstantError, match="objects with the names of constants: 'n'") as caught:
        pipeline(path).run()
    assert caught.value.names == ("n",)
    # The way out that loses nothing comes before the one that deletes.
    keeps, deletes = "pipeline.replace(use_persistent_cache=False)", "del ObjectShelf("
    assert 0 < str(caught.value).index(keeps) < str(caught.value).index(deletes)
    with pytest.raises(ConstantError):
        pipeline(path).get_obj_registry()
    with ObjectShelf(path) as shelf:
        assert dict(shelf) == {"n": 5}


def test_a_damaged_free_input_counts_as_missing(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Before anything runs, with a warning that names it."""
    pipeline(path).run()
    for file in Path(path, "buffers").iterdir():
        file.write_bytes(b"cut")
    with pytest.raises(MissingInputError, match="nothing makes 'table'"):
        pipeline(path).only_nodes("total").run()
    assert "'table'" in caplog.text
    assert "counts as missing" in caplog.text
    assert pipeline(path).run()["report"] == {"x": 449_985_000.0}


def test_a_foreign_file_at_the_path_is_refused_before_anything_runs(path: str) -> None:
    """And it stays as it was."""
    Path(path).parent.mkdir()
    Path(path).write_text("somebody's notes")
    with pytest.raises(ShelfPathError, match="stays as it is"):
        pipeline(path).run()
    assert Path(path).read_text() == "somebody's notes"


def test_objects_can_be_replaced_between_steps(path: str) -> None:
    """On the shelf too, so that a later run of a slice reads the new one."""
    with pipeline(path, 10).start() as run:
        next(run)
        table = run.registry.get("table")
        run.registry.set("table", table.head(3))
        assert run.registry.placement["table"] is ObjPlacement.STORAGE
        with pytest.raises(ConstantError):
            run.registry.set("n", 3)
        assert run.finish()["report"] == {"x": 3.0}
    assert pipeline(path, 10).only_nodes("total").run()["report"] == {"x": 3.0}


def test_released_objects_stay_on_the_shelf(path: str) -> None:
    """Memory forgets what was read last; the cache doesn't."""
    with pipeline(path, 10).start() as run:
        for step in run:
            if step.node.name == "total":
                assert run.registry.has("table")
                assert len(run.registry.get("table")) == 10
        run.registry.release("table")
        assert len(run.registry.get("table")) == 10
        with pytest.raises(UnknownNameError):
            run.registry.release("nope")


def test_a_released_number_is_still_on_the_shelf(path: str) -> None:
    """As any other object is, though memory keeps it bare."""
    flow = Pipeline(
        [Node(abs, ["x"], ["y"]), Node(abs, ["y"], ["z"], name="last")],
        x=-2,
        use_persistent_cache=True,
        cache_storage_path=path,
    )
    with flow.start() as run:
        next(run)
        run.registry.release("y")
        assert run.registry.get("y") == 2
        assert run.finish()["z"] == 2


def test_the_cache_is_on_if_either_has_it_on(path: str) -> None:
    """Two paths are refused, one spelled twice is one."""
    cached = pipeline(path)
    plain = Pipeline([Node(len, ["text"], ["n_letters"])], text="four")
    for added in (cached + plain, plain + cached):
        assert added.use_persistent_cache
        assert added.cache_storage_path == path
    other = Pipeline(plain.nodes, use_persistent_cache=True, cache_storage_path=path + "2")
    with pytest.raises(CompositionError, match="two caches"):
        cached + other
    (cached + plain).run()
    with ObjectShelf(path) as shelf:
        assert shelf["n_letters"] == 4


def test_many_threads_run_one_cached_pipeline(path: str) -> None:
    """Each run reads what it made itself, although all write the same names."""
    answers: dict[int, Any] = {}

    def work(n: int) -> None:
        flow = pipeline(path, n)
        for _ in range(3):
            answers[n] = flow.run(outputs=["report", "table"])

    threads = [threading.Thread(target=work, args=(10_000 * i,)) for i in range(2, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, result in answers.items():
        assert result["report"] == {"x": n * (n - 1) / 2}
        assert len(result["table"]) == n


# They hold a setting, what is to be removed next, and 20 runs, whatever else lies on the shelf.
SMALL = {"settings", "doomed", "runs"}


def test_a_run_lists_nothing_of_what_else_lies_on_the_shelf(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it costs the same with 100,000 names or 10,000 buffers there as on an empty one."""
    flow = pipeline(path, 10, track_history=True)
    queries = Queries(monkeypatch)
    flow.run()
    assert len(flow.plan()) == 3
    assert len(flow.run(reuse=True).steps) == 3
    assert len(pipeline(path, 20).run(reuse=True).steps) == 3
    assert queries.scanned(path) <= SMALL


def test_opening_and_a_get_and_a_store_list_nothing_either(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replacing and removing, too."""
    ObjectShelf(path).close()
    queries = Queries(monkeypatch)
    with ObjectShelf(path) as shelf:
        shelf["large"] = b"1" * 100_000
        shelf["large"] = b"2" * 100_000
        assert shelf["large"] == b"2" * 100_000
        assert "small" not in shelf
        assert shelf.get("small") is None
        shelf["small"] = 1
        del shelf["large"]
        assert shelf.pop("small") == 1
    assert queries.scanned(path) <= SMALL
    with ObjectShelf(path) as shelf:
        assert list(shelf) == []
    assert not queries.scanned(path) <= SMALL, "what lists all is seen"


def test_a_looked_at_pipeline_makes_no_cache(path: str) -> None:
    """Asking for the history of nothing leaves nothing behind."""
    assert pipeline(path, track_history=True).history == []
    assert not Path(path).exists()


def test_hooks_see_a_cached_run_like_any_other(path: str) -> None:
    """After each node its outputs are on the shelf."""
    seen = []

    class Look(Hook):
        def after_node(self, step: Any) -> None:
            with ObjectShelf(path) as shelf:
                seen.append(sorted(shelf))

    pipeline(path, 10).run(hooks=[Look()])
    assert seen == [["table"], ["table", "wide"], ["report", "table", "wide"]]


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.slow
@pytest.mark.usefixtures("restless")
def test_a_pipeline_can_be_bound_while_it_runs(path: str) -> None:
    """As a service does for each request, also while the first run takes its fingerprints."""
    keys = [f"k{i}" for i in range(400)]
    for turn in range(4):
        flow = Pipeline(
            [Node(lambda *parts: len(parts), [f"config.{key}" for key in keys], ["n"])],
            dict.fromkeys(keys, turn),
            use_persistent_cache=True,
            cache_storage_path=path,
        )
        is_done = threading.Event()
        with ThreadPoolExecutor(2) as pool:

            def bind(flow: Pipeline = flow, is_done: threading.Event = is_done) -> None:
                while not is_done.is_set():
                    flow.bind(x=1)

            binding = [pool.submit(bind) for _ in range(2)]
            try:
                assert flow.run(reuse=True)["n"] == len(keys)
            finally:
                is_done.set()
            for each in binding:
                each.result()
