"""Frames, series and indexes share their data until one of them is written to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.core.likeness import seen
from tests.core.tables import NotedFrame
from tests.core.values.changeable import ShortCopyFrame, UnfinishedFrame, noted

from linepipe_core._values.isolate import copy_for_reader, isolate, move_to_last_reader, peek


def locally_noted() -> Any:
    """A frame that doesn't pickle, for its class isn't found by its name."""

    class Local(NotedFrame):
        @property
        def _constructor(self) -> Any:
            return type(self)

    return noted(Local({"a": [[1], [2]]}), [1])


def address(value: Any) -> int:
    return int(value.__array_interface__["data"][0])


# pandas shares columns.
def test_frames_share_their_columns_until_one_is_written_to() -> None:
    """Copy-on-write: ten readers of a frame cost no memory."""
    held = isolate([pd.DataFrame({"a": np.arange(1000.0)})])
    first, second = copy_for_reader(held), copy_for_reader(held)
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
    held = isolate([table])
    kept[:] = 99
    assert seen(copy_for_reader(held)) == before


def test_a_view_of_a_frame_does_not_follow_later_changes() -> None:
    """An Arrow table made of a reader's frame shares its memory; the last reader's doesn't."""
    held = isolate([pd.DataFrame({"a": np.arange(3.0)})])
    table = pa.Table.from_pandas(copy_for_reader(held), preserve_index=False)
    last = move_to_last_reader([held])
    del held
    last.iloc[0, 0] = 99
    assert table["a"].to_pylist() == [0.0, 1.0, 2.0]


def test_a_frame_that_only_frames_share_is_not_copied() -> None:
    """A node that adds a column to its input gives a frame over the input's memory."""
    source = pd.DataFrame({"a": np.arange(1000.0), "b": np.arange(1000.0)})
    wider = source.assign(c=1)
    column = source["a"]
    held = isolate([wider])
    assert np.shares_memory(peek(held)["a"].to_numpy(), column.to_numpy())
    source.loc[0, "a"] = 99
    column.iloc[1] = 99
    assert copy_for_reader(held)["a"].tolist()[:2] == [0.0, 1.0]


@pytest.mark.parametrize("made_of", ["datetime64[us]", "datetime64[ns, UTC]", "timedelta64[s]"])
def test_dates_are_isolated_also_when_written_to_through_their_array(made_of: Any) -> None:
    """pandas calls plain dates no extension, but they come in an array of its own."""
    kept = pd.DataFrame({"day": [1, 2, 3], "n": 1})
    kept = kept.astype({"day": made_of})
    before = seen(kept)
    held = isolate([kept])
    for reader in (copy_for_reader(held), copy_for_reader(held), kept):
        reader["day"].array[0] = reader["day"].array[2]
        reader.loc[1, "n"] = 99
    assert seen(copy_for_reader(held)) == before
    assert seen(move_to_last_reader([held])) == before


def test_a_local_class_of_frames_is_isolated() -> None:
    """Its cells and its note, though no pickle holds it."""
    value = locally_noted()
    held = isolate([value])
    first = copy_for_reader(held)
    first["a"][0].append(3)
    first.note.append(2)
    for table in (value, copy_for_reader(held)):
        assert (table["a"].tolist(), table.note) == ([[1], [2]], [1])
        assert type(table) is type(value)


def test_a_class_of_frames_is_known_at_its_first_value() -> None:
    """Also when that lies behind something that refuses to be pickled."""
    for wrap in (lambda x: [threading.Lock(), x], lambda x: (x, threading.Lock())):
        value = locally_noted()
        held = isolate([wrap(value)])
        value["a"][0].append(3)
        value.note.append(2)
        (got,) = (part for part in copy_for_reader(held) if isinstance(part, NotedFrame))
        assert (got["a"].tolist(), got.note) == ([[1], [2]], [1])


@pytest.mark.parametrize("kind", [ShortCopyFrame, UnfinishedFrame])
def test_frames_that_pandas_cannot_copy_go_by_their_pickle(kind: Any) -> None:
    """A class of frames may have a ``copy`` of its own kind."""
    value = kind({"a": [1, 2]})
    held = isolate([value])
    first, second = copy_for_reader(held), copy_for_reader(held)
    first._mgr.blocks[0].values[0, 0] = 99
    value._mgr.blocks[0].values[0, 1] = 99
    assert type(second) is kind
    assert second.values.tolist() == [[1], [2]]


@pytest.mark.parametrize("kind", [ShortCopyFrame, UnfinishedFrame])
def test_frames_that_nothing_copies_are_shared_with_a_warning(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Beside what refuses to be pickled; the rest of the list is isolated all the same."""
    caplog.set_level("DEBUG", "linepipe.registry")  # warned of once a process and type
    value = kind({"a": [1]})
    held = isolate([[threading.Lock(), value, [1]]], "tables")
    first = copy_for_reader(held)
    first[2].append(2)
    assert first[1] is value
    assert copy_for_reader(held)[2] == [1]
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
    held = isolate([[*beside, value] if beside else value])
    for _ in range(2):
        got = copy_for_reader(held)
        got = got[-1] if beside else got
        assert got is not value
        assert got.note[0] is got


def test_frames_of_a_subclass_share_their_columns() -> None:
    """As plain ones do: what they carry along costs no copy of the data."""
    value = noted(NotedFrame({"a": np.arange(1000.0)}), {"rows": [1]})
    held = isolate([value])
    first, second = copy_for_reader(held), copy_for_reader(held)
    assert address(first["a"].to_numpy()) == address(second["a"].to_numpy())
    first.loc[0, "a"] = 99.0
    assert second.loc[0, "a"] == 0.0


def test_a_note_that_cannot_be_copied_is_shared_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The rest of the frame is isolated all the same."""
    caplog.set_level("DEBUG", "linepipe.registry")  # warned of once a process and type
    lock = threading.Lock()
    value = noted(NotedFrame({"a": [1]}), {"lock": lock, "rows": [1]})
    held = isolate([value], "table")
    first = copy_for_reader(held)
    first.note["rows"].append(2)
    first.loc[0, "a"] = 99
    second = copy_for_reader(held)
    assert (second.note["rows"], second.loc[0, "a"]) == ([1], 1)
    assert second.note["lock"] is lock
    assert "'table' can't be copied: _thread.lock in it is passed by reference" in caplog.text


def test_attrs_are_copied() -> None:
    """A frame's ``attrs`` may hold anything."""
    table = pd.DataFrame({"a": [1]})
    table.attrs["seen"] = [1]
    held = isolate([table])
    table.attrs["seen"].append(2)
    copy_for_reader(held).attrs["seen"].append(3)
    assert copy_for_reader(held).attrs == {"seen": [1]}


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
    held = isolate([kept])
    spoil(kept)
    spoil(copy_for_reader(held))
    assert numbers(copy_for_reader(held)) == [1, 2]
    spoil(copy_for_reader(held))
    assert numbers(move_to_last_reader([held])) == [1, 2]


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
    got = copy_for_reader(isolate([table]))
    pd.testing.assert_frame_equal(got, table)
    pd.testing.assert_frame_equal(got.reindex(index[::-1]), table.iloc[::-1])
    other = table.rename(columns={"a": "b"})
    pd.testing.assert_frame_equal(got.join(other), table.join(other))
    loose = got.reset_index()
    loose.iloc[0, 0] = loose.iloc[1, 0]
    assert got.index.equals(index)


def test_nobody_can_write_to_shared_categories() -> None:
    """They are pandas' immutable labels; numpy's way around that is closed."""
    table = pd.DataFrame({"c": pd.Categorical([5, 6, 5])})
    held = isolate([table])
    for copy_of_it in (copy_for_reader(held), move_to_last_reader([held])):
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(copy_of_it["c"].cat.categories)[0] = 99
        copy_of_it["c"] = copy_of_it["c"].cat.rename_categories({5: 7})
        assert list(copy_of_it["c"]) == [7, 6, 7]
    assert list(table["c"]) == [5, 6, 5]
    np.asarray(table["c"].cat.categories)[0] = 99  # whoever made it may still do so
