"""The files of a shelf, as the disk has them, and a frame of every dtype to store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from linepipe_core._store.store import Result, Store
from linepipe_core._values.out_of_band import Unpicklable

LARGE = 300_000  # float64s: 2.4 MB, mapped when read


def files_of(path: str) -> list[str]:
    """The buffer files of a shelf, and the drafts that lie there."""
    staging = Path(path, "staging")
    drafts = [str(file.relative_to(staging)) for file in staging.rglob("*") if file.is_file()]
    return sorted(os.listdir(Path(path, "buffers")) + drafts)


def put(
    path: str,
    objects: Mapping[str, Any],
    *,
    node: str | None = None,
    key: str | None = None,
    record: str | None = None,
) -> Mapping[str, Unpicklable]:
    """Store objects as one result of a node. Returns why some are refused."""
    with Store(path) as store, store.draft(objects) as draft:
        store.write(draft, Result(key=key, record=record, node=node))
        return draft.refused


def digest_of(path: str, name: str) -> str | None:
    """The digest of an object on a shelf."""
    with Store(path) as store:
        found = store.current([name])
    return found[name].digest if name in found else None


def record_of(path: str, key: str) -> str | None:
    """The record of the newest result of that key."""
    with Store(path) as store:
        newest = store.results.newest([key]).get(key)
        return None if newest is None else newest.record


def bytes_of(path: str) -> int:
    """The size of the shelf's files, in bytes."""
    folder = Path(path)
    files = [*folder.joinpath("buffers").iterdir(), folder / "index.sqlite"]
    return sum(file.stat().st_size for file in files)


def frame(n_rows: int = 30_000) -> pd.DataFrame:
    numbers = np.arange(n_rows)
    return pd.DataFrame(
        {
            "a": numbers * 1.0,
            "b": numbers,
            "s": pd.Series(numbers).astype(str),
            "d": pd.date_range("2020-01-01", periods=n_rows, freq="min"),
            "z": pd.date_range("2020-01-01", periods=n_rows, freq="min", tz="Europe/Paris"),
            "t": pd.to_timedelta(numbers, unit="s"),
            "c": pd.Categorical([f"kind {i % 3}" for i in numbers]),
            "n": pd.array(numbers, dtype="Int64"),
        }
    )
