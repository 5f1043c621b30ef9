"""A cached pipeline that makes and widens a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from linepipe_core import Node, Pipeline

LARGE = 300_000


def make(n: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.arange(n) * 1.0, "s": ["a", "b"] * (n // 2)})


def widen(table: pd.DataFrame) -> pd.DataFrame:
    table["y"] = table["x"] * 2
    table.loc[0, "x"] = 99.0  # its own copy: nobody else sees it
    return table


def total(table: pd.DataFrame) -> dict[str, float]:
    return {"x": float(table["x"].sum())}


def pipeline(path: str, n: int = 30_000, **options: Any) -> Pipeline:
    nodes = [
        Node(make, ["n"], ["table"]),
        Node(widen, ["table"], ["wide"]),
        Node(total, ["table"], ["report"]),
    ]
    return Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path, n=n, **options)
