"""The shelf's format: a number that stands in two places, and one module that pickles name."""

from __future__ import annotations

import datetime
import pickletools
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from linepipe_core.errors import ShelfPathError
from linepipe_core.shelf import ObjectShelf

DATES = np.arange("2026-01-01", "2026-12-01", dtype="datetime64[D]").repeat(1_000)


@pytest.mark.parametrize("step", [-1, 1])
@pytest.mark.parametrize("place", ["mark", "index"])
def test_another_format_is_refused_by_its_number(path: str, place: str, step: int) -> None:
    """Whichever place says so; nothing is touched."""
    with ObjectShelf(path) as shelf:
        shelf["a"] = 1
    number = int(Path(path, "shelf").read_text().split()[-1]) + step
    if place == "mark":
        Path(path, "shelf").write_text(f"linepipe shelf {number}\n")
    else:
        connection = sqlite3.connect(f"{path}/index.sqlite")
        connection.execute(f"PRAGMA user_version={number}")
        connection.close()
    files = {file: file.read_bytes() for file in Path(path).rglob("*") if file.is_file()}
    with pytest.raises(ShelfPathError, match=rf"format \D*{number}\b"):
        ObjectShelf(path)
    kept = {file: file.read_bytes() for file in files}
    assert kept == files


def linepipes_names(stream: bytes) -> set[str]:
    """The modules of ours that a pickle names."""
    texts = {text for _, text, _ in pickletools.genops(stream) if isinstance(text, str)}
    return {text for text in texts if text.startswith("linepipe")}


@pytest.mark.parametrize(
    "value",
    [
        pd.DataFrame({"day": DATES, "n": range(len(DATES))}),
        DATES,
        np.asfortranarray(np.ones((300, 300)))[::2],
        pl.DataFrame({"day": DATES, "text": ["word"] * len(DATES)}),
        pa.table({"n": list(range(30_000))}),
        {"when": datetime.date(2026, 1, 1), "small": [1, 2]},
    ],
    ids=["frame", "dates", "strided", "polars", "arrow", "plain"],
)
def test_pickles_name_one_module_of_ours(path: str, value: Any) -> None:
    """It never moves, so that a later linepipe can read them."""
    with ObjectShelf(path) as shelf:
        shelf["value"] = value
    connection = sqlite3.connect(f"{path}/index.sqlite")
    ((stream,),) = connection.execute("SELECT stream FROM objects")
    connection.close()
    assert linepipes_names(stream) <= {"linepipe_core._restore"}
