"""The pipelines that the reuse benchmarks run; apart, for fresh processes to import them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd

from linepipe_core import Node, Pipeline, create_named_partial_function

N_NODES = 20


def make_frame(n_rows: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({f"c{i}": random.random(n_rows) for i in range(10)})


def add_column(frame: pd.DataFrame, i: int) -> pd.DataFrame:
    return frame.assign(**{f"n{i}": frame["c0"] * i})


def frames_flow(path: str | os.PathLike[str], n_rows: int) -> Pipeline:
    """A frame, and twenty nodes that each add a column."""
    nodes = [Node(make_frame, ["n_rows"], ["frame0"])]
    for i in range(1, N_NODES + 1):
        step = create_named_partial_function(add_column, f"add{i}", i=i)
        nodes.append(Node(step, [f"frame{i - 1}"], [f"frame{i}"]))
    return Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path, n_rows=n_rows)


def increment(x: int) -> int:
    return x + 1


def trivial_flow(path: str | os.PathLike[str], n_nodes: int) -> Pipeline:
    """A chain of additions."""
    names = ["start", *(f"x{i}" for i in range(n_nodes))]
    nodes = [Node(increment, [names[i]], [names[i + 1]]) for i in range(n_nodes)]
    return Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path, start=1)


TABLE: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {}


def scaled_table(factor: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return TABLE["first"][: len(TABLE["first"]) // 10] * factor


def global_flow(path: str | os.PathLike[str], n_rows: int) -> Pipeline:
    """Eleven nodes that all read one global dict of arrays, and make a tenth of its size each."""
    TABLE["first"] = np.random.default_rng(0).random(n_rows // 2)
    TABLE["second"] = np.random.default_rng(1).random(n_rows // 2)
    nodes = [
        Node(create_named_partial_function(scaled_table, f"scale{i}", factor=i), [], [f"t{i}"])
        for i in range(1, 12)
    ]
    return Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path)
