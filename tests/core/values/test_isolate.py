"""A value held by a snapshot is isolated from its maker and from its readers, type by type."""

from __future__ import annotations

import copy
import datetime
import decimal
import pickle
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.likeness import seen
from tests.core.values.changeable import Colour, Own, Spoil, WithDeepcopy, changeable

from linepipe_core import Node, Pipeline
from linepipe_core._values.isolate import (
    ATOMIC,
    copy_for_reader,
    isolate,
    move_to_last_reader,
    peek,
)

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


@changeable
def test_changes_by_the_maker_are_not_seen(make: Callable[[], Any], spoil: Spoil) -> None:
    """The function that made a value may hold on to it and change it later."""
    value = make()
    before = seen(value)
    held = isolate([value])
    spoil(value)
    assert seen(value) != before  # the spoiling spoils
    assert seen(copy_for_reader(held)) == before
    assert seen(move_to_last_reader([held])) == before


@changeable
def test_changes_by_a_reader_are_not_seen_by_the_others(
    make: Callable[[], Any], spoil: Spoil
) -> None:
    """Each reader gets a copy of its own, the maker keeps another."""
    value = make()
    before = seen(value)
    held = isolate([value])
    first, second = copy_for_reader(held), copy_for_reader(held)
    spoil(first)
    assert seen(second) == before
    spoil(second)
    assert seen(copy_for_reader(held)) == before
    last = move_to_last_reader([held])
    del held
    assert seen(last) == before
    spoil(last)
    assert seen(last) != before
    assert seen(value) == before


@changeable
def test_a_value_that_nobody_else_sees_is_the_same_after_moving(
    make: Callable[[], Any], spoil: Spoil
) -> None:
    """A chain of last readers passes values on; none of it changes what they are."""
    before = seen(make())
    value = move_to_last_reader([isolate([make()])])
    again = move_to_last_reader([isolate([value])])
    assert seen(again) == before
    spoil(again)
    assert seen(value) == before


@pytest.mark.parametrize("value", UNCHANGING, ids=lambda value: type(value).__name__)
def test_an_immutable_value_is_passed_on_itself(value: Any) -> None:
    """No copy where none is needed."""
    held = isolate([value])
    assert copy_for_reader(held) is value
    assert peek(held) is value
    assert move_to_last_reader([held]) is value


def test_immutable_types_are_remembered() -> None:
    """The second value of such a type is kept bare, as the run loop does with ints."""
    isolate([decimal.Decimal(1)])
    assert decimal.Decimal in ATOMIC
    second = decimal.Decimal(2)
    assert isolate([second]) is second
    isolate([Colour.RED])
    assert Colour not in ATOMIC  # a user's class is not kept alive


def test_no_library_is_imported_to_ask_whether_a_value_is_its_own() -> None:
    """A service with core alone pays for nothing that it doesn't use."""
    import subprocess

    code = (
        "import sys; from linepipe_core._values.isolate import isolate\n"
        "class DataFrame: pass\n"
        "DataFrame.__module__ = 'pandas.core.frame'\n"
        "isolate([[1, {'a': DataFrame()}]]); isolate([DataFrame()])\n"
        "print([m for m in ('numpy', 'pandas', 'polars', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@changeable
def test_a_snapshot_pickles(make: Callable[[], Any], spoil: Spoil) -> None:
    """A pipeline goes to a worker process with the constants that it holds."""
    pipeline = Pipeline([Node(same, ["x"], ["y"])], x=make())
    try:
        data = pickle.dumps(pipeline)
    except Exception:
        with pytest.raises(Exception):  # noqa: B017, PT011 - it is the value that refuses
            pickle.dumps(make())
        return
    assert seen(pickle.loads(data).run()["y"]) == seen(make())


def same(value: Any) -> Any:
    """A node that hands on its input."""
    return value


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
    held = isolate([value])
    copies = [copy_for_reader(held), copy_for_reader(held), move_to_last_reader([held])]
    originals = changeable_parts(value, {})
    for made in copies:
        assert seen(made) == seen(oracle)
        parts = changeable_parts(made, {})
        assert not parts.keys() & originals.keys()
        assert len(parts) == len(changeable_parts(oracle, {}))
        originals |= parts
