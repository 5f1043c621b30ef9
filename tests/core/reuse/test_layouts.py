"""An output that has the same content in another layout is the same for its readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.core.reuse.chain import pipeline, ran, switch, turn

from linepipe_core import Node
from linepipe_core._code.dependencies import Reader

Make = Callable[[], Any]


def by_columns() -> pd.DataFrame:
    frame = pd.DataFrame({"a": np.arange(10.0)})
    for name in "bcd":
        frame[name] = frame["a"] * 2
    return frame


def in_one_go() -> pd.DataFrame:
    a = np.arange(10.0)
    return pd.DataFrame({"a": a, "b": a * 2, "c": a * 2, "d": a * 2})


def unused_levels() -> pd.Series:
    index = pd.MultiIndex.from_product([[1, 2, 3], ["x", "y"]])
    return pd.Series(np.arange(6), index=index).loc[[1, 2]]


def only_used_levels() -> pd.Series:
    return pd.Series(np.arange(4), index=pd.MultiIndex.from_product([[1, 2], ["x", "y"]]))


GRID = np.arange(200_000.0).reshape(400, 500)

LAYOUTS: dict[str, tuple[Make, Make]] = {
    "column by column": (in_one_go, by_columns),
    "C or F order": (GRID.copy, lambda: np.asfortranarray(GRID)),
    "a slice": (GRID[::2].copy, lambda: GRID[::2]),
    "Arrow chunks": (
        lambda: pa.table({"a": pa.chunked_array([[1, 2, 3]])}),
        lambda: pa.table({"a": pa.chunked_array([[1], [2, 3]])}),
    ),
    "polars chunks": (
        lambda: pl.DataFrame({"a": [1, 2, 3]}),
        lambda: pl.concat([pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2, 3]})], rechunk=False),
    ),
    "unused levels": (only_used_levels, unused_levels),
    "equal texts": (lambda: ["".join("ab")] * 2, lambda: ["".join("ab"), "".join("ab")]),
    "a set's order": (lambda: {8, 16, 0}, lambda: {0, 16, 8}),
}


def make() -> Any:
    return switch("make")()


def read(thing: Any) -> int:
    return len(thing)


NODES = [Node(make, [], ["thing"], always_run=True), Node(read, ["thing"], ["size"])]


@pytest.mark.parametrize("name", LAYOUTS)
def test_another_layout_cuts_off_early(tmp_path: Path, name: str) -> None:
    """In either direction, and again; a later process finds the reader's result."""
    first, second = LAYOUTS[name]
    turn("make", first)
    assert ran(pipeline(tmp_path, NODES).run(reuse=True)) == ["make", "read"]
    for layout in (second, second, first, second, first):
        turn("make", layout)
        assert ran(pipeline(tmp_path, NODES).run(reuse=True)) == ["make"]
    assert "unchanged in the last 5 runs" in pipeline(tmp_path, NODES).plan()[1].reasons[0]


@pytest.mark.parametrize("name", LAYOUTS)
def test_another_content_in_another_layout_is_another(tmp_path: Path, name: str) -> None:
    """And so is the first one after it, whose bytes are others than the last."""
    first, second = LAYOUTS[name]
    for layout in (first, lambda: [second(), 1]):
        turn("make", layout)
        assert ran(pipeline(tmp_path, NODES).run(reuse=True)) == ["make", "read"]


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_earlier_content_in_another_layout_is_found_again(tmp_path: Path, name: str) -> None:
    """Its readers go back to what they made of it then; also if others came between."""
    first, second = LAYOUTS[name]
    others: list[Make] = [lambda: [1], lambda: [2], lambda: [3]]
    for layout in (first, *others):
        turn("make", layout)
        assert ran(pipeline(tmp_path, NODES).run(reuse=True)) == ["make", "read"]
    for layout in (second, others[0], first, second):
        turn("make", layout)
        assert ran(pipeline(tmp_path, NODES).run(reuse=True)) == ["make"]


def test_content_is_hashed_only_where_bytes_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the first run nor where it made the same; of an older one, once."""
    hashed: list[int] = []
    value = Reader.value

    def counted(reader: Reader, held: Any) -> Any:
        if isinstance(held, np.ndarray) and held is not GRID:  # a global of what runs
            hashed.append(id(held))
        return value(reader, held)

    monkeypatch.setattr(Reader, "value", counted)
    layouts: list[tuple[Make, int]] = [
        (GRID.copy, 0),
        (GRID.copy, 0),
        (lambda: np.asfortranarray(GRID), 2),
        (lambda: np.asfortranarray(GRID), 0),
        (lambda: GRID + 1, 1),
    ]
    for layout, n_hashed in layouts:
        hashed.clear()
        turn("make", layout)
        pipeline(tmp_path, NODES).run(reuse=True)
        assert len(hashed) == n_hashed
