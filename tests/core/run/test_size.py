"""Many nodes, many pipelines, threads and processes."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
from tests.core.kinds import spoil, table
from tests.core.likeness import seen

from linepipe_core import Node, Pipeline


def add_one(x: int) -> int:
    return x + 1


def long_chain(n_nodes: int) -> list[Node]:
    return [Node(add_one, [f"x{i}"], [f"x{i + 1}"]) for i in range(n_nodes)]


def test_ten_thousand_nodes_run_pickle_and_slice() -> None:
    """No part of it recurses."""
    pipeline = Pipeline(long_chain(10_000), x0=0)
    assert pipeline.run()["x10000"] == 10_000
    assert pickle.loads(pickle.dumps(pipeline)).run()["x10000"] == 10_000
    assert len(pipeline.to_outputs("x5000")) == 5_000
    assert len(pipeline.run().steps) == 10_000


def test_many_pipelines_add_up() -> None:
    """``sum`` of two thousand."""
    parts = [Pipeline([node]) for node in long_chain(2_000)]
    assert sum(parts).bind(x0=0).run()["x2000"] == 2_000  # type: ignore[union-attr]


def spoil_and_total(frame: pd.DataFrame, rows: list[Any], array: Any) -> float:
    total = float(frame["number"].sum()) + len(rows) + float(array.sum())
    spoil([frame, rows, array], 50)
    return total


def busy() -> Pipeline:
    reads = ["frame", "rows", "made"]
    nodes = [
        Node(lambda a: a * 2, ["array"], ["made"], name="make"),
        *(Node(spoil_and_total, reads, [f"t{i}"], name=f"s{i}") for i in range(5)),
    ]
    return Pipeline(nodes, frame=table(1), rows=[[1], {"a": [2]}], array=np.ones(100))


def test_a_pipeline_runs_in_many_threads_at_once() -> None:
    """Each run has its own copies of the constants."""
    pipeline = busy()
    expected = dict(pipeline.run())
    results: list[Any] = []

    def work() -> None:
        for _ in range(20):
            results.append(dict(pipeline.run()))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 120


def test_a_pipeline_goes_to_other_processes() -> None:
    """With its constants; functions of a module by pickle, all others by cloudpickle."""
    pipeline = busy()
    expected = dict(pipeline.run())
    again = pickle.loads(cloudpickle.dumps(pipeline))
    assert dict(again.run()) == expected
    assert dict(again.run()) == expected
    plain = Pipeline(long_chain(3), config={"a": [1]}, x0=1, rows=[[1]], frame=table(1))
    again = pickle.loads(pickle.dumps(plain))
    assert again.run()["x3"] == 4
    assert seen(again.get_obj_registry().get("frame")) == seen(table(1))
