"""What one node made, kept or changes can't be seen to change by another: type by type."""

from __future__ import annotations

import array
import atexit
import copy
import datetime
import decimal
import enum
import functools
import logging
import pickle
import sqlite3
import sys
import threading
import types
import uuid
import weakref
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, PrivateAttr
from tests.core.likeness import seen
from tests.core.tables import NotedFrame

from linepipe_core.snapshot import (
    ATOMIC,
    hand_out,
    hand_over,
    hold,
    leaves,
    register_snapshot,
    reveal,
)

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


class Tensor:
    """Refuses as torch's non-leaf tensors do."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        raise RuntimeError("only leaf tensors support deepcopy")


class LoadsBadly:
    """Pickles well, but its pickle can't be loaded, as that of many exceptions."""

    def __init__(self, left: list[int], right: list[int]) -> None:
        self.left = left

    def __reduce__(self) -> tuple[Any, ...]:
        return LoadsBadly, (self.left,)


class Rows(list[Any]):
    """A list with an attribute of its own."""


@dataclass
class Point:
    at: list[int] = field(default_factory=lambda: [1, 2])


class Model(BaseModel):
    rows: list[int]


class Report(BaseModel):
    table: Any
    _seen: list[int] = PrivateAttr(default_factory=lambda: [1])


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


def locally_noted() -> Any:
    """A frame that doesn't pickle, for its class isn't found by its name."""

    class Local(NotedFrame):
        @property
        def _constructor(self) -> Any:
            return type(self)

    return noted(Local({"a": [[1], [2]]}), [1])


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


def looped() -> list[Any]:
    loop: list[Any] = [[1]]
    loop.append(loop)
    return loop


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

UNCHANGING: list[Any] = [
    None,
    True,
    1,
    2.5,
    1j,
    "text",
    b"bytes",
    range(3),
    ...,
    int,
    Own,
    Colour,
    Colour.RED,
    (1, ("a", "b")),
    frozenset([1, 2]),
    decimal.Decimal("1.5"),
    datetime.datetime(2024, 1, 1),
    datetime.timedelta(1),
    Path("here"),
    uuid.UUID(int=1),
    np.float64(1.5),
    np.datetime64("2024-01-01"),
    np.dtype(float),
    pd.Timestamp("2024-01-01"),
    pd.NA,
    pl.col("a"),
    pl.DataFrame({"a": [1]}).lazy(),
    pa.table({"a": [1, 2]}),
    pa.array([1]),
    pa.schema({"a": pa.int64()}),
    len,
    copy.deepcopy,
]

changeable = pytest.mark.parametrize(
    ("make", "spoil"), [(m, s) for _, m, s in CHANGEABLE], ids=[n for n, _, _ in CHANGEABLE]
)


@changeable
def test_what_the_maker_keeps_and_changes_is_not_seen(
    make: Callable[[], Any], spoil: Spoil
) -> None:
    """The function that made a value may hold on to it and change it later."""
    value = make()
    before = seen(value)
    held = hold([value])
    spoil(value)
    assert seen(value) != before  # the spoiling spoils
    assert seen(hand_out(held)) == before
    assert seen(hand_over([held])) == before


@changeable
def test_what_a_reader_changes_is_not_seen_by_the_others(
    make: Callable[[], Any], spoil: Spoil
) -> None:
    """Each reader gets a copy of its own, the maker keeps another."""
    value = make()
    before = seen(value)
    held = hold([value])
    first, second = hand_out(held), hand_out(held)
    spoil(first)
    assert seen(second) == before
    spoil(second)
    assert seen(hand_out(held)) == before
    last = hand_over([held])
    del held
    assert seen(last) == before
    spoil(last)
    assert seen(last) != before
    assert seen(value) == before


@changeable
def test_what_nobody_else_sees_is_the_same_after_moving(
    make: Callable[[], Any], spoil: Spoil
) -> None:
    """A chain of last readers passes values on; none of it changes what they are."""
    before = seen(make())
    value = hand_over([hold([make()])])
    again = hand_over([hold([value])])
    assert seen(again) == before
    spoil(again)
    assert seen(value) == before


@pytest.mark.parametrize("value", UNCHANGING, ids=repr)
def test_what_never_changes_is_handed_on_itself(value: Any) -> None:
    """No copy where none is needed."""
    held = hold([value])
    assert hand_out(held) is value
    assert reveal(held) is value
    assert hand_over([held]) is value


def test_types_that_never_change_are_learnt() -> None:
    """The second value of such a type is kept bare, as the run loop does with ints."""
    hold([decimal.Decimal(1)])
    assert decimal.Decimal in ATOMIC
    second = decimal.Decimal(2)
    assert hold([second]) is second
    hold([Colour.RED])
    assert Colour not in ATOMIC  # a user's class is not kept alive


# Arrays move.


def address(value: Any) -> int:
    return int(value.__array_interface__["data"][0])


def held_new_array() -> tuple[Any, int]:
    owner = [np.arange(5.0)]
    where = address(owner[0])
    return hold(owner), where


def test_an_array_that_nobody_else_sees_moves_all_the_way() -> None:
    """No copy for a maker that keeps nothing, nor for the last reader."""
    held, where = held_new_array()
    assert address(reveal(held)) == where
    owner = [held]
    del held
    assert address(hand_over(owner)) == where


def test_a_reader_that_is_not_the_last_gets_one_copy() -> None:
    """... and the last one still gets the array itself."""
    held, where = held_new_array()
    assert address(hand_out(held)) != where
    assert address(hand_over([held])) == where


@pytest.mark.parametrize(
    "keep",
    [
        lambda array: array,
        lambda array: array[1:],
        lambda array: weakref.ref(array),
        lambda array: memoryview(array),
        lambda array: pa.array(array),
        lambda array: [array],
    ],
    ids=["itself", "view", "weak reference", "buffer", "arrow", "list"],
)
def test_an_array_that_somebody_sees_is_copied(keep: Callable[[Any], Any]) -> None:
    """By whatever way a function keeps sight of what it returns."""
    owner = [np.arange(5.0)]
    where = address(owner[0])
    kept = keep(owner[0])
    assert address(reveal(hold(owner))) != where
    assert kept is not None


@pytest.mark.parametrize(
    ("make", "inner"),
    [
        (lambda: {1, 2}, lambda value: value),
        (lambda: [{1, 2}, {3}], lambda value: value[0]),
        (lambda: {"a": {1, 2}, "b": np.arange(3)}, lambda value: value["a"]),
    ],
    ids=["itself", "in a row", "in a container"],
)
def test_a_set_that_is_referred_to_weakly_is_copied(
    make: Callable[[], Any], inner: Callable[[Any], Any]
) -> None:
    """A cache of weak references would see what the reader does to it."""
    owner = [make()]
    kept = weakref.ref(inner(owner[0]))
    held = hold(owner)
    inner(hand_over([held])).add(99)
    assert kept() in (None, {1, 2})


def test_an_array_kept_by_a_node_without_isolation_is_copied_for_the_last_reader() -> None:
    """``isolate=False`` is a promise not to change, not one to forget."""
    held, where = held_new_array()
    kept = reveal(held)
    assert address(hand_over([held])) != where
    assert kept[0] == 0


def test_a_moved_array_can_be_written_to() -> None:
    """What a node receives it may change freely, also when its maker closed it."""
    owner = [np.arange(5.0)]
    owner[0].flags.writeable = False
    value = hand_over([hold(owner)])
    value[0] = 7
    assert value[0] == 7


def test_layout_is_kept() -> None:
    """A copy of an array by columns is one by columns: code may depend on its speed."""
    columns = np.asfortranarray(np.ones((3, 4)))
    held = hold([columns])
    assert reveal(held).flags.f_contiguous
    assert hand_out(held).flags.f_contiguous


def test_a_read_only_map_of_a_file_stays_a_map(tmp_path: Path) -> None:
    """It may be larger than the memory; a writable one is copied."""
    path = tmp_path / "numbers"
    np.arange(4.0).tofile(path)
    mapped = np.memmap(path, dtype=float, mode="r")
    assert hand_out(hold([mapped])) is mapped
    writable = np.memmap(path, dtype=float, mode="r+")
    held = hold([writable])
    writable[0] = 99
    assert hand_out(held)[0] == 0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda array: {"x": array, "n": 1},
        lambda array: [array, "n"],
        lambda array: (array, [1, 2]),
        lambda array: {"train": (array, {"rows": [1]})},
    ],
    ids=["dict", "list", "tuple", "nested"],
)
def test_an_array_in_a_container_that_nobody_else_sees_moves(wrap: Callable[[Any], Any]) -> None:
    """What a function splits into parts needn't be copied either."""

    def array_in(value: Any) -> Any:
        while not isinstance(value, np.ndarray):
            value = value[0] if isinstance(value, list | tuple) else next(iter(value.values()))
        return value

    owner = [wrap(np.arange(5.0))]
    where = address(array_in(owner[0]))
    held = hold(owner)
    assert address(array_in(reveal(held))) == where
    assert address(array_in(hand_out(held))) != where
    owner = [held]
    del held
    value = hand_over(owner)
    assert address(array_in(value)) == where
    assert seen(value) == seen(wrap(np.arange(5.0)))


@pytest.mark.parametrize("rows", [lambda: [{"a": 1}, {"a": 2}], lambda: {"a": [1, 2], "b": [3]}])
def test_rows_that_nobody_else_sees_move(rows: Callable[[], Any]) -> None:
    """A chain of nodes that pass records on copies none of them."""
    owner = [rows()]
    was = id(owner[0])
    held = hold(owner)
    assert id(reveal(held)) == was
    copied = hand_out(held)
    assert copied == rows()
    assert id(copied) != was
    assert id(hand_over([held])) == was


# pandas shares columns.


def test_frames_share_their_columns_until_one_is_written_to() -> None:
    """Copy-on-write: ten readers of a frame cost no memory."""
    held = hold([pd.DataFrame({"a": np.arange(1000.0)})])
    first, second = hand_out(held), hand_out(held)
    assert np.shares_memory(first["a"].to_numpy(), second["a"].to_numpy())
    first.loc[0, "a"] = 99
    assert not np.shares_memory(first["a"].to_numpy(), second["a"].to_numpy())
    assert second["a"][0] == 0


@pytest.mark.parametrize(
    "build",
    [
        lambda array: pd.DataFrame(array, copy=False),
        lambda array: pd.DataFrame({"a": array[:, 0]}, copy=False),
        lambda array: pd.Series(array[:, 0], copy=False).to_frame(),
        lambda array: pd.DataFrame({"a": array.view("M8[ns]")[:, 0]}, copy=False),
        lambda array: pd.DataFrame({"a": [1, 2, 3]}, index=array[:, 0]),
        lambda array: pd.DataFrame({"a": [1, 2, 3]}, index=array.view("M8[ns]")[:, 0]),
        lambda array: pd.DataFrame(np.ones((3, 3)), columns=pd.Index(array[:, 0], copy=False)),
    ],
    ids=["frame", "dict", "series", "times", "index", "index of times", "columns"],
)
def test_a_frame_over_an_array_that_its_maker_keeps_is_copied(
    build: Callable[[Any], pd.DataFrame],
) -> None:
    """pandas' copy-on-write knows frames only, not the array that a frame was made of."""
    kept = np.arange(6).reshape(3, 2)
    table = build(kept)
    before = seen(table)
    held = hold([table])
    kept[:] = 99
    assert seen(hand_out(held)) == before


def test_a_view_of_a_frame_does_not_follow_later_changes() -> None:
    """An Arrow table made of a reader's frame shares its memory; the last reader's doesn't."""
    held = hold([pd.DataFrame({"a": np.arange(3.0)})])
    table = pa.Table.from_pandas(hand_out(held), preserve_index=False)
    last = hand_over([held])
    del held
    last.iloc[0, 0] = 99
    assert table["a"].to_pylist() == [0.0, 1.0, 2.0]


def test_a_frame_that_only_frames_share_is_not_copied() -> None:
    """A node that adds a column to its input gives a frame over the input's memory."""
    source = pd.DataFrame({"a": np.arange(1000.0), "b": np.arange(1000.0)})
    wider = source.assign(c=1)
    column = source["a"]
    held = hold([wider])
    assert np.shares_memory(reveal(held)["a"].to_numpy(), column.to_numpy())
    source.loc[0, "a"] = 99
    column.iloc[1] = 99
    assert hand_out(held)["a"].tolist()[:2] == [0.0, 1.0]


@pytest.mark.parametrize("made_of", ["datetime64[us]", "datetime64[ns, UTC]", "timedelta64[s]"])
def test_dates_are_isolated_also_when_written_to_through_their_array(made_of: Any) -> None:
    """pandas calls plain dates no extension, but they come in an array of its own."""
    kept = pd.DataFrame({"day": [1, 2, 3], "n": 1})
    kept = kept.astype({"day": made_of})
    before = seen(kept)
    held = hold([kept])
    for reader in (hand_out(held), hand_out(held), kept):
        reader["day"].array[0] = reader["day"].array[2]
        reader.loc[1, "n"] = 99
    assert seen(hand_out(held)) == before
    assert seen(hand_over([held])) == before


def test_a_local_class_of_frames_is_isolated() -> None:
    """Its cells and its note, though no pickle holds it."""
    value = locally_noted()
    held = hold([value])
    first = hand_out(held)
    first["a"][0].append(3)
    first.note.append(2)
    for table in (value, hand_out(held)):
        assert (table["a"].tolist(), table.note) == ([[1], [2]], [1])
        assert type(table) is type(value)


def test_a_class_of_frames_is_known_at_its_first_value() -> None:
    """Also when that lies behind something that refuses to be pickled."""
    for wrap in (lambda x: [threading.Lock(), x], lambda x: (x, threading.Lock())):
        value = locally_noted()
        held = hold([wrap(value)])
        value["a"][0].append(3)
        value.note.append(2)
        (got,) = (part for part in hand_out(held) if isinstance(part, NotedFrame))
        assert (got["a"].tolist(), got.note) == ([[1], [2]], [1])


@pytest.mark.parametrize("kind", [ShortCopyFrame, UnfinishedFrame])
def test_frames_that_pandas_cannot_copy_go_by_their_pickle(kind: Any) -> None:
    """A class of frames may have a ``copy`` of its own kind."""
    value = kind({"a": [1, 2]})
    held = hold([value])
    first, second = hand_out(held), hand_out(held)
    first._mgr.blocks[0].values[0, 0] = 99
    value._mgr.blocks[0].values[0, 1] = 99
    assert type(second) is kind
    assert second.values.tolist() == [[1], [2]]


@pytest.mark.parametrize("kind", [ShortCopyFrame, UnfinishedFrame])
def test_frames_that_nothing_copies_are_shared_and_told(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Beside what refuses to be pickled; the rest of the list is isolated all the same."""
    value = kind({"a": [1]})
    held = hold([[threading.Lock(), value, [1]]], "tables")
    first = hand_out(held)
    first[2].append(2)
    assert first[1] is value
    assert hand_out(held)[2] == [1]
    assert len(caplog.records) == 1
    assert f"{kind.__name__} in it is passed by reference" in caplog.text


@pytest.mark.parametrize("beside", [[], [threading.Lock()]])
@pytest.mark.parametrize("cells", [[1], [[1]]])
def test_a_frame_that_its_own_note_holds_is_copied_once(
    cells: list[Any], beside: list[Any]
) -> None:
    """Each copy's note holds that copy."""
    value = noted(NotedFrame({"a": cells}), [])
    value.note.append(value)
    held = hold([[*beside, value] if beside else value])
    for _ in range(2):
        got = hand_out(held)
        got = got[-1] if beside else got
        assert got is not value
        assert got.note[0] is got


def test_frames_of_a_subclass_share_their_columns() -> None:
    """As plain ones do: what they carry along costs no copy of the data."""
    value = noted(NotedFrame({"a": np.arange(1000.0)}), {"rows": [1]})
    held = hold([value])
    first, second = hand_out(held), hand_out(held)
    assert address(first["a"].to_numpy()) == address(second["a"].to_numpy())
    first.loc[0, "a"] = 99.0
    assert second.loc[0, "a"] == 0.0


def test_a_note_that_refuses_is_shared_and_told(caplog: pytest.LogCaptureFixture) -> None:
    """The rest of the frame is isolated all the same."""
    lock = threading.Lock()
    value = noted(NotedFrame({"a": [1]}), {"lock": lock, "rows": [1]})
    held = hold([value], "table")
    first = hand_out(held)
    first.note["rows"].append(2)
    first.loc[0, "a"] = 99
    second = hand_out(held)
    assert (second.note["rows"], second.loc[0, "a"]) == ([1], 1)
    assert second.note["lock"] is lock
    assert "'table' can't be copied: _thread.lock in it is passed by reference" in caplog.text


def test_attrs_are_copied() -> None:
    """A frame's ``attrs`` may hold anything."""
    table = pd.DataFrame({"a": [1]})
    table.attrs["seen"] = [1]
    held = hold([table])
    table.attrs["seen"].append(2)
    hand_out(held).attrs["seen"].append(3)
    assert hand_out(held).attrs == {"seen": [1]}


@pytest.mark.parametrize("make", [lambda: pd.Index([1, 2]), lambda: pd.RangeIndex(1, 3)])
@pytest.mark.parametrize("wrap", [lambda index: index, lambda index: pd.Series([0, 0], index)])
def test_nobody_writes_to_an_index_of_others(
    make: Callable[[], pd.Index], wrap: Callable[[pd.Index], Any]
) -> None:
    """pandas counts an index as immutable, but ``numpy.asarray(index)`` can be written to."""

    def numbers(value: Any) -> list[int]:
        return [int(n) for n in np.asarray(value if isinstance(value, pd.Index) else value.index)]

    def spoil(value: Any) -> None:
        target = np.asarray(value if isinstance(value, pd.Index) else value.index)
        if target.flags.writeable:
            target.fill(99)

    kept = wrap(make())
    spoil(kept)
    assert numbers(kept) == [99, 99]
    kept = wrap(make())
    held = hold([kept])
    spoil(kept)
    spoil(hand_out(held))
    assert numbers(hand_out(held)) == [1, 2]
    spoil(hand_out(held))
    assert numbers(hand_over([held])) == [1, 2]


@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2024", periods=3),
        pd.date_range("2024", periods=3, tz="UTC"),
        pd.MultiIndex.from_arrays([[1, 2, 3], [4, 5, 6]]),
        pd.CategoricalIndex(list("abc")),
        pd.period_range("2024", periods=3),
        pd.interval_range(0, 3),
        pd.Index(["a", "b", "c"]),
        pd.Index([1.5, None, 3], dtype="Float64"),
    ],
    ids=lambda index: str(index.dtype),
)
def test_every_kind_of_index_still_works_in_a_reader(index: pd.Index) -> None:
    """Closing an index to writing must not hinder pandas."""
    table = pd.DataFrame({"a": [1, 2, 3]}, index=index)
    got = hand_out(hold([table]))
    pd.testing.assert_frame_equal(got, table)
    pd.testing.assert_frame_equal(got.reindex(index[::-1]), table.iloc[::-1])
    other = table.rename(columns={"a": "b"})
    pd.testing.assert_frame_equal(got.join(other), table.join(other))
    loose = got.reset_index()
    loose.iloc[0, 0] = loose.iloc[1, 0]
    assert got.index.equals(index)


# One memo: what is the same object inside a value stays the same object.


def test_aliases_inside_a_value_stay_aliases() -> None:
    """Whichever way the value is copied."""
    row, block, table = [1], np.arange(3), frame()
    for extra in ([], [WithDeepcopy([1])], [threading.Lock()]):
        value = {"a": row, "b": [row], "c": block, "d": (block,), "e": table, "f": [table, *extra]}
        got = hand_out(hold([value]))
        assert got["a"] is got["b"][0] is not row
        assert got["c"] is got["d"][0] is not block
        assert got["e"] is got["f"][0] is not table


def test_an_object_that_says_how_it_is_copied_shares_the_memo() -> None:
    """An alias between its inside and the container around it stays one."""
    rows = [1]
    got = hand_out(hold([[rows, WithDeepcopy(rows)]]))
    assert got[0] is got[1].rows is not rows


@pytest.mark.parametrize("extra", [[], [WithDeepcopy([1])]], ids=["pickled", "by parts"])
def test_cycles_stay_cycles(extra: list[Any]) -> None:
    """A list in itself, an object that knows itself, a tuple in its own list."""
    loop = looped()
    own = Own([1])
    own.rows.append(own)
    inner: list[Any] = []
    pair = (inner, 1)
    inner.append(pair)
    got = hand_out(hold([[loop, own, pair, *extra]]))
    assert got[0][1] is got[0] is not loop
    assert got[1].rows[1] is got[1] is not own
    assert got[2][0][0] is got[2] is not pair


def test_functions_classes_and_members_stay_themselves() -> None:
    """Pickling by name could bring another one back."""
    value = [Own, Colour.RED, copy.deepcopy, len, [1]]
    got = hand_out(hold([value]))
    assert got[:4] == value[:4]
    assert got is not value


def test_a_pydantic_model_is_copied_with_all_that_is_in_it() -> None:
    """Its own deepcopy would share what the cells of a frame hold."""
    report = Report(table=pd.DataFrame({"cell": [[1]]}))
    held = hold([report])
    for seen_by_others in (report, hand_out(held)):
        seen_by_others.table["cell"][0].append(2)
        seen_by_others._seen.append(2)
    got = hand_out(held)
    assert type(got) is Report
    assert got.table["cell"][0] == [1]
    assert got._seen == [1]
    assert got.model_fields_set == {"table"}


def test_local_classes_are_no_hindrance() -> None:
    """A class made inside a function can't be pickled by name, and needn't be."""

    class Local:
        def __init__(self) -> None:
            self.rows = [1]

    value = Local()
    got = hand_out(hold([[value]]))[0]
    assert type(got) is Local
    assert got.rows == [1]
    assert got.rows is not value.rows


# What refuses.


CONNECTION = sqlite3.connect(":memory:")
atexit.register(CONNECTION.close)


def anonymous() -> Callable[[], int]:
    return lambda: 1


def generator() -> Iterator[int]:
    yield 1


REFUSING: list[tuple[str, Callable[[], Any]]] = [
    ("_thread.lock", threading.Lock),
    ("generator", generator),
    ("module sys", lambda: sys),
    ("function anonymous.<locals>.<lambda>", anonymous),
    ("Tensor", Tensor),
    ("Own", lambda: Own([threading.Lock()])),
    ("LoadsBadly", lambda: LoadsBadly([1], [2])),
    ("_io.TextIOWrapper", lambda: sys.__stdout__),
    ("sqlite3.Connection", lambda: CONNECTION),
]
refusing = pytest.mark.parametrize(("name", "make"), REFUSING, ids=[name for name, _ in REFUSING])


@refusing
def test_what_refuses_is_passed_by_reference_and_said_once(
    name: str, make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """One warning that names the object, its node and what refused; none for each reader."""
    value = make()
    with caplog.at_level(logging.WARNING, "linepipe.registry"):
        held = hold([value], "link", "connect")
        assert hand_out(held) is value
        assert hand_out(held) is value
        assert hand_over([held]) is value
    (record,) = caplog.records
    assert "'link', made by node 'connect'" in record.message
    assert name in record.message


@refusing
def test_a_container_is_copied_around_what_refuses(
    name: str, make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Only the part that refuses is shared."""
    value = make()
    around = {"rows": [1], "link": value, "frame": frame(), "again": [value]}
    with caplog.at_level(logging.WARNING, "linepipe.registry"):
        held = hold([around], "all")
        around["rows"].append(2)
        got = hand_out(held)
        got["rows"].append(3)
        got["frame"]["float"] = 0
        again = hand_over([held])
    assert again["rows"] == [1]
    assert seen(again["frame"]) == seen(frame())
    assert got["link"] is got["again"][0] is again["link"] is value
    (record,) = caplog.records
    assert f"{name} in it" in record.message


def test_an_object_that_holds_what_refuses_is_refused_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Half a copy, with a lock shared by both halves, would be worse than none."""
    pool = Own([threading.Lock(), [1]])
    assert hand_out(hold([[pool]]))[0] is pool


def test_nesting_deeper_than_python_goes_is_passed_by_reference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """deepcopy would fail too."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert hand_out(hold([deep])) is deep
    assert "list" in caplog.text
    while deep:  # taken apart by hand: freeing it at once recurses
        deep = deep.pop()


@pytest.mark.parametrize("levels", [300, 500, 5_000, 20_000])
@pytest.mark.parametrize("around", [lambda x: [x], lambda x: {"a": x}, lambda x: (x, [1])])
def test_nesting_that_nobody_else_sees_is_held_however_deep(
    levels: int, around: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Copied while that works; as it is, with one warning, where it doesn't."""
    owner: list[Any] = [[]]
    for _ in range(levels):
        owner[0] = around(owner[0])
    held = hold(owner, "deep", "nest")
    got = hand_out(held), hand_out(held)
    assert (got[0] is got[1]) == bool(caplog.records)
    assert len(caplog.records) <= 1
    for made in got:
        depth, inner = 0, made
        while inner:
            depth, inner = depth + 1, inner["a"] if isinstance(inner, dict) else inner[0]
        assert depth == levels


def test_what_can_be_read_only_once_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    """A second reader of a generator would get nothing."""
    hold([(i for i in range(3))], "rows", "load")
    (record,) = caplog.records
    assert "'rows', made by node 'load', can't be copied: it (generator) is passed by" in (
        record.message
    )
    assert (
        "can be read only once, so the first node that reads it leaves nothing to the others; "
        "make a list of it" in record.message
    )


# Teaching a type.


class Ledger:
    def __init__(self, rows: list[int]) -> None:
        self.rows = rows
        self.lock = threading.Lock()


class SpecialLedger(Ledger):
    pass


@pytest.fixture
def forget_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers doesn't stay."""
    monkeypatch.setattr(leaves, "_registered", {})
    yield
    leaves._rules.clear()


@pytest.mark.usefixtures("forget_registered")
def test_a_type_can_be_taught(caplog: pytest.LogCaptureFixture) -> None:
    """Alone, in a container, beside something that refuses; subclasses too."""
    register_snapshot(Ledger, lambda ledger: type(ledger)(list(ledger.rows)))
    for kind in (Ledger, SpecialLedger):
        for wrap in (lambda x: x, lambda x: [x], lambda x: [x, threading.Lock()]):
            value = kind([1])
            held = hold([wrap(value)])
            value.rows.append(2)
            got = hand_out(held)
            got = got if isinstance(got, Ledger) else got[0]
            assert type(got) is kind
            assert got.rows == [1]
    assert "Ledger" not in caplog.text


@pytest.mark.usefixtures("forget_registered")
def test_the_nearest_class_wins() -> None:
    """What is said of a subclass goes before what is said of its base."""
    register_snapshot(Ledger, lambda ledger: "base")
    assert hand_out(hold([SpecialLedger([1])])) == "base"
    register_snapshot(SpecialLedger, lambda ledger: "special")
    assert hand_out(hold([SpecialLedger([1])])) == "special"
    register_snapshot(object, lambda anything: "object")
    assert hand_out(hold([[1]])) == [1]


@pytest.mark.usefixtures("forget_registered")
def test_what_is_said_of_a_class_of_frames_goes_for_its_subclasses() -> None:
    """Before what linepipe knows of pandas' own class."""

    class Special(NotedFrame):
        """Not told of itself."""

    register_snapshot(NotedFrame, lambda table: "mine")
    assert hand_out(hold([Special({"a": [1]})])) == "mine"
    assert isinstance(hand_out(hold([pd.DataFrame({"a": [1]})])), pd.DataFrame)


@pytest.mark.usefixtures("forget_registered")
def test_a_rule_of_ones_own_goes_before_linepipes() -> None:
    """A user may know better what an array means here."""
    register_snapshot(np.ndarray, lambda array: "mine")
    assert hand_out(hold([np.arange(3)])) == "mine"


def test_teaching_nonsense_is_refused() -> None:
    """At once, not at the first value."""
    with pytest.raises(TypeError, match="takes a type first, not 'text'"):
        register_snapshot("text", copy.copy)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"register_snapshot\(Ledger, how\) takes a function"):
        register_snapshot(Ledger, 3)  # type: ignore[arg-type]


@pytest.mark.usefixtures("forget_registered")
def test_types_may_be_taught_while_other_threads_copy() -> None:
    """A run in another thread meets the rule or its absence, never a broken table."""
    failures: list[BaseException] = []
    stop = threading.Event()

    def copying() -> None:
        try:
            while not stop.is_set():
                assert hand_out(hold([[np.arange(3), {"a": [1]}]]))[1] == {"a": [1]}
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=copying) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(200):
        register_snapshot(type(f"Kind{i}", (), {}), lambda value: value)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures


# No library is imported for the question.


def test_no_library_is_imported_to_ask_whether_a_value_is_its_own() -> None:
    """A service with core alone pays for nothing that it doesn't use."""
    import subprocess

    code = (
        "import sys; from linepipe_core.snapshot import hold\n"
        "class DataFrame: pass\n"
        "DataFrame.__module__ = 'pandas.core.frame'\n"
        "hold([[1, {'a': DataFrame()}]]); hold([DataFrame()])\n"
        "print([m for m in ('numpy', 'pandas', 'polars', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Held values travel: a pipeline with its constants must pickle.


@changeable
def test_what_is_held_pickles(make: Callable[[], Any], spoil: Spoil) -> None:
    """A pipeline goes to a worker process with the constants that it holds."""
    held = hold([make()])
    try:
        data = pickle.dumps(held)
    except Exception:
        with pytest.raises(Exception):  # noqa: B017, PT011 - it is the value that refuses
            pickle.dumps(make())
        return
    assert seen(hand_out(pickle.loads(data))) == seen(make())


# Laws.

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.builds(Own, st.lists(inner, max_size=2))
        | st.builds(WithDeepcopy, st.lists(inner, max_size=2))
        | st.builds(lambda n: np.arange(n), st.integers(0, 3))
    ),
    max_leaves=12,
)


def changeable_parts(value: Any, found: dict[int, Any]) -> dict[int, Any]:
    """Every changeable object that can be reached, by its id."""
    if id(value) in found or isinstance(value, int | float | str | type(None)):
        return found
    if not isinstance(value, tuple):
        found[id(value)] = value
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.values()
    elif isinstance(value, list | tuple):
        parts = value
    elif isinstance(value, Own):
        parts = [value.rows]
    for part in parts:
        changeable_parts(part, found)
    return found


@given(plain, st.data())
def test_copies_look_alike_and_share_nothing(value: Any, data: st.DataObject) -> None:
    """The law of it all, with deepcopy as the oracle."""
    if isinstance(value, list) and value:
        value.append(data.draw(st.sampled_from(value)))  # an alias
    oracle = copy.deepcopy(value)
    held = hold([value])
    copies = [hand_out(held), hand_out(held), hand_over([held])]
    originals = changeable_parts(value, {})
    for made in copies:
        assert seen(made) == seen(oracle)
        parts = changeable_parts(made, {})
        assert not parts.keys() & originals.keys()
        assert len(parts) == len(changeable_parts(oracle, {}))
        originals |= parts


def test_nobody_can_write_to_shared_categories() -> None:
    """They are pandas' immutable labels; numpy's way around that is closed."""
    table = pd.DataFrame({"c": pd.Categorical([5, 6, 5])})
    held = hold([table])
    for copy_of_it in (hand_out(held), hand_over([held])):
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(copy_of_it["c"].cat.categories)[0] = 99
        copy_of_it["c"] = copy_of_it["c"].cat.rename_categories({5: 7})
        assert list(copy_of_it["c"]) == [7, 6, 7]
    assert list(table["c"]) == [5, 6, 5]
    np.asarray(table["c"].cat.categories)[0] = 99  # whoever made it may still do so
