"""Objects of the big libraries come back as they were, their data out of the pickle."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.core.store.files import LARGE, files_of, frame

from linepipe_core.shelf import ObjectShelf

# Made by the tests that take them: all of them at once take seconds.
ARRAYS: dict[str, Callable[[], Any]] = {
    "c order": lambda: np.arange(LARGE).reshape(3, -1),
    "fortran order": lambda: np.asfortranarray(np.arange(LARGE).reshape(3, -1)),
    "not contiguous": lambda: np.arange(2 * LARGE)[::2],
    "dates": lambda: np.arange(LARGE).astype("M8[s]"),
    "spans of dates": lambda: np.arange(2 * LARGE).astype("m8[ms]")[::2],
    "dates, two-dimensional": lambda: np.asfortranarray(
        np.arange(LARGE).astype("M8[ns]").reshape(3, -1)
    ),
    "text": lambda: np.arange(LARGE).astype("U9"),
    "big-endian": lambda: np.arange(LARGE).astype(">i4"),
    "records": lambda: np.zeros(LARGE, dtype=[("a", "i4"), ("b", "M8[s]")]),
    "objects": lambda: np.array([None, "a", 3] * 10_000, dtype=object),
    "no dimension": lambda: np.array(3.5),
    "empty": lambda: np.zeros((0, 4)),
    "permuted": lambda: np.arange(LARGE * 6).reshape(3, 2, LARGE).transpose(1, 2, 0),
    "readonly": lambda: np.frombuffer(bytes(LARGE), dtype="u1"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_come_back_as_they_were(shelf: ObjectShelf, kind: str) -> None:
    """Values, dtype and shape; whoever gets one may write to it."""
    array = ARRAYS[kind]()
    shelf["array"] = array
    back = shelf["array"]
    np.testing.assert_array_equal(back, array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.flags.writeable


@pytest.mark.parametrize("kind", ["c order", "not contiguous", "dates", "spans of dates", "text"])
def test_a_large_array_leaves_its_pickle(shelf: ObjectShelf, path: str, kind: str) -> None:
    """Otherwise it would be copied in memory, and read whole instead of mapped."""
    array = ARRAYS[kind]()
    shelf["array"] = array
    (name,) = files_of(path)
    assert os.path.getsize(f"{path}/buffers/{name}") == array.nbytes


def test_a_pandas_frame_of_every_dtype_comes_back(shelf: ObjectShelf, path: str) -> None:
    """Its columns lie in files; the pickle keeps next to nothing."""
    shelf["frame"] = frame()
    pd.testing.assert_frame_equal(shelf["frame"], frame())
    assert os.path.getsize(path) < 200_000
    assert len(files_of(path)) >= 5


POLARS: dict[str, Callable[[], Any]] = {
    "numbers": lambda: pl.Series(range(LARGE)),
    "text": lambda: pl.Series([None, "é" * 30] * 20_000),
    "dates": lambda: pl.Series(range(LARGE)).cast(pl.Datetime("us", "Europe/Paris")),
    "categories": lambda: pl.Series(["a", "b", None] * 30_000).cast(pl.Categorical),
    "enum": lambda: pl.Series(["a", "b", None] * 30_000).cast(pl.Enum(["b", "a"])),
    "lists": lambda: pl.Series([[1, 2], None, []] * 30_000),
    "structs": lambda: pl.Series([{"a": 1, "b": "x"}] * 30_000),
    "arrays": lambda: pl.Series([[1, 2]] * 30_000, dtype=pl.Array(pl.Int16, 2)),
    "decimals": lambda: pl.Series(range(LARGE)).cast(pl.Decimal(20, 2)),
    "128 bits": lambda: pl.Series(range(LARGE)).cast(pl.Int128),
    "nothing": lambda: pl.Series([None] * LARGE),
    "chunks": lambda: pl.concat(
        [pl.Series([1.0] * LARGE), pl.Series([2.0] * LARGE)], rechunk=False
    ),
}


@pytest.mark.parametrize("kind", POLARS)
def test_polars_comes_back_as_it_was(shelf: ObjectShelf, kind: str) -> None:
    """Through Arrow where Arrow has the type, as polars pickles it where not."""
    series = POLARS[kind]().alias("column")
    table = pl.DataFrame({"a": series})
    shelf["series"], shelf["frame"] = series, table
    back = shelf["series"]
    assert back.dtype == series.dtype
    assert back.name == "column"
    assert back.equals(series)
    assert shelf["frame"].schema == table.schema
    assert shelf["frame"].equals(table)


def test_a_polars_frame_leaves_its_pickle(shelf: ObjectShelf, path: str) -> None:
    """Numbers and text, through Arrow and without a copy."""
    n_rows = 50_000
    shelf["frame"] = pl.DataFrame(
        {"a": range(n_rows), "s": [f"number {i:09}" for i in range(n_rows)]}
    )
    assert len(files_of(path)) >= 3  # numbers; text views and their bytes
    assert os.path.getsize(path) < 200_000


def test_arrow_tables_come_back_and_slices_leave_the_rest_behind(
    shelf: ObjectShelf, path: str
) -> None:
    """Arrow's own pickle of ten rows takes along the whole table they were cut from."""
    table = pa.table({"a": range(LARGE), "s": [str(i) for i in range(LARGE)]})
    shelf["rows"] = table.slice(7, 10)
    shelf["column"] = table.column("s").slice(7, 10)
    assert shelf["rows"].equals(table.slice(7, 10))
    assert shelf["column"].equals(table.column("s").slice(7, 10))
    assert files_of(path) == []
    shelf["table"] = table
    assert shelf["table"].equals(table)
    shelf["head"] = frame().head(5)
    pd.testing.assert_frame_equal(shelf["head"], frame().head(5))
    assert max(info.n_bytes or 0 for info in shelf.info() if info.name == "head") < 10_000


def test_a_large_pickle_is_a_file_too(shelf: ObjectShelf, path: str) -> None:
    """Python's own objects stay in the pickle, and a big one would choke SQLite."""
    value = {"rows": [{"i": i, "name": str(i)} for i in range(20_000)], "blob": b"x" * 1_000_000}
    shelf["value"] = value
    assert shelf["value"] == value
    assert len(files_of(path)) == 1
