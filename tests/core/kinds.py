"""Values of many kinds, and a change that spoils each of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa


class Own:
    """An object of a user's class."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows


def table(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": np.arange(3.0) + n,
            "count": [n, n, n],
            "kind": pd.Categorical(["x", "y", "x"]),
            "day": pd.date_range("2024-01-01", periods=3),
            "text": ["a", "b", "c"],
            "cell": [[n], [n + 1], {}],
        },
        index=[5, 6, 7],
    )


KINDS: dict[str, Callable[[int], Any]] = {
    "int": lambda n: n,
    "list": lambda n: [n, n],
    "records": lambda n: [{"id": n, "tags": [n]}, {"id": n}],
    "rows": lambda n: [{"id": n, "a": 1}, {"id": n, "a": 2}],
    "columns": lambda n: {"id": [n, n], "a": [1, 2]},
    "parts": lambda n: {"x": np.arange(3.0) + n, "y": [n, n], "n": n},
    "split": lambda n: (np.arange(3.0) + n, np.arange(2.0), [[n], [{}]]),
    "dict": lambda n: {"n": n},
    "set": lambda n: {n},
    "bytes": lambda n: bytearray(b"abc"),
    "pair": lambda n: ([n], np.arange(3)),
    "own": lambda n: Own([n, [n]]),
    "array": lambda n: np.arange(4.0) + n,
    "matrix": lambda n: np.asfortranarray(np.ones((3, 2)) * n),
    "cells": lambda n: np.array([[n], {n}], dtype=object),
    "frame": table,
    "plain frame": lambda n: table(n).drop(columns="cell"),
    "numbers": lambda n: pd.DataFrame(np.ones((3, 2)) * n, columns=["p", "q"]),
    "series": lambda n: pd.Series([n, n, n], name="s"),
    "polars": lambda n: pl.DataFrame({"a": [n, n]}),
    "arrow": lambda n: pa.table({"a": [n, n]}),
}


def spoil(value: Any, n: int) -> None:
    """Change whatever can be changed in a value."""
    if isinstance(value, list):
        for part in value:
            spoil(part, n)
        value.append(n)
    elif isinstance(value, dict):
        for part in value.values():
            spoil(part, n)
        value[f"spoilt{n}"] = n
    elif isinstance(value, tuple):
        for part in value:
            spoil(part, n)
    elif isinstance(value, set):
        value.add(-n)
    elif isinstance(value, bytearray):
        value.append(n)
    elif isinstance(value, Own):
        spoil(value.rows, n)
    elif isinstance(value, np.ndarray):
        if value.dtype == object:
            spoil(value.tolist(), n)
        elif value.flags.writeable:
            value.flat[0] = n
    elif isinstance(value, pd.DataFrame):
        if "cell" in value:
            spoil(value["cell"].tolist(), n)
        if "kind" in value:
            value["kind"].array[0] = "y"
        if "number" in value:
            value.loc[5, "number"] = n
        elif "p" in value:
            value.iloc[0, 0] = n
        value["extra"] = n
        value.index.name = f"spoilt{n}"
        value.attrs["n"] = n
    elif isinstance(value, pd.Series):
        if value.dtype.kind in "if":
            value.iloc[0] = n
        value.attrs["n"] = n
    elif isinstance(value, pl.DataFrame):
        value[0, 0] = n


LOCK = threading.Lock()  # refuses to be copied, so what is beside it is copied by parts
