"""Values of every kind that can be changed, each with a change that a copy must not show."""

from __future__ import annotations

import array
import copy
import enum
import functools
import types
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from pydantic import BaseModel
from tests.core.tables import NotedFrame

Spoil = Callable[[Any], None]


class Own:
    """An object of a user's class."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows


class Slotted:
    __slots__ = ("rows",)

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows


class WithDeepcopy(Own):
    """Says itself how it is copied."""

    def __deepcopy__(self, memo: dict[int, Any]) -> WithDeepcopy:
        return WithDeepcopy(copy.deepcopy(self.rows, memo))


class Rows(list[Any]):
    """A list with an attribute of its own."""


@dataclass
class Point:
    at: list[int] = field(default_factory=lambda: [1, 2])


class Model(BaseModel):
    rows: list[int]


class Colour(enum.Enum):
    RED = 1


Pair = namedtuple("Pair", "left right")


class NotedSeries(pd.Series):
    _metadata = ["note"]  # noqa: RUF012
    note: Any

    @property
    def _constructor(self) -> type[NotedSeries]:
        return NotedSeries


class BareFrame(pd.DataFrame):
    """A subclass whose copies are, by pandas' own way, plain frames."""


class ShortCopyFrame(pd.DataFrame):
    """A subclass whose ``copy`` isn't called as pandas' is."""

    @property
    def _constructor(self) -> type[ShortCopyFrame]:
        return ShortCopyFrame

    def copy(self) -> ShortCopyFrame:  # type: ignore[misc,override]  # that is the point
        return ShortCopyFrame(pd.DataFrame(self).copy())


class UnfinishedFrame(pd.DataFrame):
    """A subclass that fails whenever pandas makes a copy of it."""

    @property
    def _constructor(self) -> type[UnfinishedFrame]:
        return UnfinishedFrame

    def __finalize__(self, other: Any, method: Any = None, **kwargs: Any) -> Any:
        raise ValueError("no copies")


def noted(table: Any, note: Any) -> Any:
    table.note = note
    return table


def noted_frame() -> Any:
    return noted(NotedFrame(frame()), [1])


def noted_series() -> Any:
    return noted(NotedSeries([1.0, 2.0]), [1])


def noted_lists() -> Any:
    return noted(NotedFrame({"a": [[1], [2]]}), [1])


def frame() -> pd.DataFrame:
    """A frame with a column of each kind that pandas stores differently."""
    return pd.DataFrame(
        {
            "float": [1.0, 2.0, 3.0],
            "other": [4.0, 5.0, 6.0],
            "int": [1, 2, 3],
            "text": ["a", "b", "c"],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "category": pd.Categorical(["x", "y", "x"]),
            "when": pd.date_range("2024-01-01", periods=3, tz="UTC"),
            "day": pd.date_range("2024-01-01", periods=3),
            "took": pd.timedelta_range("1h", periods=3),
            "month": pd.period_range("2024-01", periods=3, freq="M"),
            "span": pd.interval_range(0, 3),
            "gaps": pd.arrays.SparseArray([0, 0, 1]),
            "arrow": pd.array([1, 2, 3], dtype="int64[pyarrow]"),
        },
        index=pd.Index([10, 20, 30]),
    )


def masked() -> Any:
    return np.ma.MaskedArray([1.0, 2.0], mask=[False, True])


def records() -> Any:
    return np.array([(1, 2.0)], dtype=[("a", int), ("b", float)])


def cells() -> Any:
    values = np.empty(2, dtype=object)
    values[:] = [[1], [2]]
    return values


def by_item(index: Any, value: Any) -> Spoil:
    def spoil(target: Any) -> None:
        target[index] = value

    return spoil


def by(change: Callable[[Any], object]) -> Spoil:
    def spoil(target: Any) -> None:
        change(target)

    return spoil


def spoil_categories(table: Any) -> None:
    table["category"].array[0] = "y"


def spoil_nullable(table: Any) -> None:
    table["nullable"].array[0] = 99


def spoil_text(table: Any) -> None:
    table["text"].array[0] = "spoilt"


def spoil_times(table: Any) -> None:
    for name in ("when", "day", "took", "month"):
        table.loc[10, name] = table[name].iloc[2]


def spoil_arrow(table: Any) -> None:
    table["arrow"].array[0] = 99


def spoil_spans(table: Any) -> None:
    table["span"].array[0] = table["span"].iloc[2]


# A name, how to make a value, and a way to spoil it.
CHANGEABLE: list[tuple[str, Callable[[], Any], Spoil]] = [
    ("list", lambda: [1, 2], by(lambda x: x.append(3))),
    ("nested list", lambda: [[1], [2]], by(lambda x: x[0].append(3))),
    ("dict", lambda: {"a": 1}, by_item("a", 2)),
    ("nested dict", lambda: {"a": {"b": [1]}}, by(lambda x: x["a"]["b"].append(3))),
    ("set", lambda: {1, 2}, by(lambda x: x.add(3))),
    ("set of objects", lambda: {Slotted([1])}, by(lambda x: next(iter(x)).rows.append(3))),
    ("tuple with a list", lambda: ([1], 2), by(lambda x: x[0].append(3))),
    ("frozenset of objects", lambda: frozenset([Slotted([1])]), by(lambda x: min(x).rows.clear())),
    ("bytearray", lambda: bytearray(b"ab"), by_item(0, 99)),
    ("memoryview", lambda: memoryview(bytearray(b"ab")), by_item(0, 99)),
    ("deque", lambda: deque([[1]], maxlen=3), by(lambda x: x[0].append(3))),
    ("Counter", lambda: Counter("aab"), by_item("a", 9)),
    ("OrderedDict", lambda: OrderedDict(a=[1]), by(lambda x: x["a"].append(3))),
    ("defaultdict", lambda: defaultdict(list, a=[1]), by(lambda x: x["b"])),
    ("namedtuple", lambda: Pair([1], 2), by(lambda x: x.left.append(3))),
    ("list subclass", lambda: Rows([[1]]), by(lambda x: x[0].append(3))),
    ("array.array", lambda: array.array("d", [1.0]), by_item(0, 9.0)),
    ("mapping proxy", lambda: types.MappingProxyType({"a": [1]}), by(lambda x: x["a"].append(3))),
    ("own class", lambda: Own([1]), by(lambda x: x.rows.append(3))),
    ("slots", lambda: Slotted([1]), by(lambda x: x.rows.append(3))),
    ("dataclass", Point, by(lambda x: x.at.append(3))),
    ("pydantic model", lambda: Model(rows=[1]), by(lambda x: x.rows.append(3))),
    ("own __deepcopy__", lambda: WithDeepcopy([1]), by(lambda x: x.rows.append(3))),
    ("bound method", lambda: Own([1]).rows.append, by(lambda x: x(3))),
    ("partial", lambda: functools.partial(sorted, [2, 1]), by(lambda x: x.args[0].append(3))),
    ("array", lambda: np.arange(4.0), by_item(0, 99.0)),
    ("array of columns", lambda: np.asfortranarray(np.ones((2, 3))), by_item((0, 0), 99.0)),
    ("array view", lambda: np.arange(9)[2:5], by_item(0, 99)),
    ("array of no dimension", lambda: np.array(3.0), by_item((), 99.0)),
    ("array of times", lambda: np.array(["2024-01-01"], "M8[D]"), by_item(0, "2020-01-01")),
    ("array of texts", lambda: np.array(["a", "b"], object), by_item(0, "spoilt")),
    ("array of lists", cells, by(lambda x: x[0].append(3))),
    ("structured array", records, by(lambda x: x["a"].fill(9))),
    ("structured scalar", lambda: records()[0], by_item("a", 9)),
    ("masked array", masked, by_item(0, 99.0)),
    ("record array", lambda: records().view(np.recarray), by(lambda x: x.a.fill(9))),
    (
        "dict of arrays",
        lambda: {"x": np.arange(3), "y": [np.ones(2)]},
        by(lambda x: x["x"].fill(9)),
    ),
    ("sparse array", lambda: scipy.sparse.csr_array(np.eye(2)), by(lambda x: x.data.fill(9))),
    ("random generator", lambda: np.random.default_rng(1), by(lambda x: x.random())),
    ("frame", frame, by_item("float", 0)),
    ("frame, one cell", frame, by(lambda x: x.iloc.__setitem__((0, 0), 99.0))),
    ("frame, its index's name", frame, by(lambda x: setattr(x.index, "name", "spoilt"))),
    ("frame, its columns", frame, by(lambda x: x.columns.__class__ and x.pop("int"))),
    ("frame, its categories", frame, spoil_categories),
    ("frame, its nullables", frame, spoil_nullable),
    ("frame, its texts", frame, spoil_text),
    ("frame, its times", frame, spoil_times),
    ("frame, its Arrow column", frame, spoil_arrow),
    ("frame, its intervals", frame, spoil_spans),
    ("frame of lists", lambda: pd.DataFrame({"a": [[1], [2]]}), by(lambda x: x["a"][0].append(3))),
    ("noted frame", noted_frame, by_item("float", 0)),
    ("noted frame, one cell", noted_frame, by(lambda x: x.iloc.__setitem__((0, 0), 99.0))),
    ("noted frame, its note", noted_frame, by(lambda x: x.note.append(2))),
    ("noted frame, its categories", noted_frame, spoil_categories),
    ("noted frame of lists", noted_lists, by(lambda x: x["a"][0].append(3))),
    ("noted frame of lists, its note", noted_lists, by(lambda x: x.note.append(2))),
    ("noted series", noted_series, by(lambda x: x.iloc.__setitem__(0, 99.0))),
    ("noted series, its note", noted_series, by(lambda x: x.note.append(2))),
    ("bare frame", lambda: BareFrame({"a": [1]}), by_item("a", 2)),
    ("series", lambda: pd.Series([1.0, 2.0]), by(lambda x: x.iloc.__setitem__(0, 99.0))),
    ("series of lists", lambda: pd.Series([[1], [2]]), by(lambda x: x[0].append(3))),
    ("polars frame", lambda: pl.DataFrame({"a": [1, 2]}), by_item((0, "a"), 99)),
    ("polars series", lambda: pl.Series("a", [1, 2]), by_item(0, 99)),
    (
        "polars objects",
        lambda: pl.DataFrame({"a": pl.Series([[1], [2]], dtype=pl.Object)}),
        by(lambda x: x["a"][0].append(3)),
    ),
    (
        "polars series of objects",
        lambda: pl.Series("a", [[1], [2]], dtype=pl.Object),
        by(lambda x: x[0].append(3)),
    ),
]

changeable = pytest.mark.parametrize(
    ("make", "spoil"), [(m, s) for _, m, s in CHANGEABLE], ids=[n for n, _, _ in CHANGEABLE]
)
