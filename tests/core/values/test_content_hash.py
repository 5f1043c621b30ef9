"""Equal content has an equal hash, however it was made, and other content another one."""

# the tables of edits hold a module's source in a line

from __future__ import annotations

import functools
import itertools
import sqlite3
import textwrap
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.code.written import module
from tests.core.values.processes import in_processes

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.fingerprint import code_fingerprint


def test_layout_is_no_content() -> None:
    """Equal arrays, indexes and columns hash alike, however they lie in memory."""
    sliced = pd.MultiIndex.from_tuples([(0, 0), (1, 2), (3, 4)])[1:]
    masked = pd.array([1, 7], dtype="Int64")
    masked[1] = pd.NA
    array = np.arange(6.0).reshape(2, 3)
    pairs = [
        (array, np.asfortranarray(array)),
        (pd.MultiIndex.from_tuples([(1, 2), (3, 4)]), sliced),
        (pd.array([1, None], dtype="Int64"), masked),
    ]
    for one, other in pairs:
        assert Reader().value(one).digest == Reader().value(other).digest
    assert Reader().value(array.T).digest != Reader().value(array).digest
    assert Reader().value(sliced).digest != Reader().value(sliced.set_names(["a", "b"])).digest


def test_padding_of_array_fields_is_no_content() -> None:
    """A fitted forest's trees lie in such arrays, and copies differ in what pads them."""

    def padded(filler: int, values: list[Any]) -> Any:
        kind = np.dtype([("a", "u1"), ("b", "f8")], align=True)
        array = np.frombuffer(bytearray([filler]) * (2 * kind.itemsize), dtype=kind)
        array["a"], array["b"] = zip(*values, strict=True)
        return array

    one, other = padded(0, [(1, 2.0), (3, 4.0)]), padded(255, [(1, 2.0), (3, 4.0)])
    assert one.tobytes() != other.tobytes()
    assert digest(one) == digest(other)
    assert digest(one) != digest(padded(0, [(1, 2.0), (3, 5.0)]))
    assert digest(one) != digest(one.astype([("a", "u1"), ("c", "f8")]))


def test_dtypes_and_flags_count() -> None:
    """Columns of the same values, and frames, that nodes can tell apart; memory by its bytes."""
    texts = pd.Series(["x", None], dtype=object)
    values: list[Any] = [
        texts,
        texts.astype(pd.StringDtype("python")),
        texts.astype(pd.StringDtype("python", na_value=np.nan)),
        pd.Series([1], dtype="Int64"),
        pd.Series([0], dtype="Int64"),
        pd.Series([None], dtype="Int64"),
        pd.Series([1], dtype="Int32"),
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
        memoryview(b"a"),
        memoryview(b"b"),
    ]
    assert len({Reader().value(value).digest for value in values}) == len(values)
    assert not any(Reader().value(value).untracked for value in values)


def test_a_value_that_its_library_refuses_to_write_counts_by_its_type() -> None:
    """Memory that was released can't be read."""
    released = memoryview(b"a")
    released.release()
    assert Reader().value(released).untracked == ("memoryview",)


def test_a_polars_frame_of_python_objects_counts_by_them() -> None:
    """polars refuses to write it."""

    def frame(*values: object) -> pl.DataFrame:
        return pl.DataFrame({"a": values, "b": [1]}, schema={"a": pl.Object, "b": pl.Int64})

    assert digest(frame({1})) == digest(frame({1}))
    assert digest(frame({1})) != digest(frame({2}))
    assert Reader().value(frame({1})).untracked == ()


def test_a_value_that_cannot_be_hashed_is_named() -> None:
    """A connection in a global is new in every process, and the plan can say so."""
    flow = module("def node(x): return CON")
    vars(flow)["CON"] = sqlite3.connect(":memory:")
    named = ("global CON (sqlite3.Connection)",)
    assert code_fingerprint(Reader(), flow.node).untracked == named


def digest(value: object) -> str:
    return Reader().value(value).digest


def test_values_of_other_types_differ() -> None:
    """1, "1", 1.0 and True, and containers of other kinds."""
    values: list[object] = [
        1, "1", 1.0, True, b"1", None, "", (), [], {}, set(), frozenset(), (1,), [1], {1}, {1: 1},
        {"1": 1}, [[1]], [1, []], bytearray(b"1"), 1j, -0.0, 0.0, np.int64(1), np.array(1),
        np.array([1]), np.array([1.0]), np.array([[1]]), pd.Series([1]), pd.DataFrame({"a": [1]}),
        pl.DataFrame({"a": [1]}), pa.table({"a": [1]}), int, len, range(1), slice(1),
    ]  # fmt: skip
    digests = [digest(value) for value in values]
    for (a, x), (b, y) in itertools.combinations(zip(values, digests, strict=True), 2):
        assert x != y, (a, b)


FRAME = pd.DataFrame({"n": [1, 2, 3], "s": ["a", "b", None], "d": pd.to_datetime(["2020"] * 3)})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"x", "y", "z"}, {"z", "y", "x"}),
        ([("k", "v")] * 2, [("k", "v"), ("k", "".join("v"))]),
        (np.arange(9).reshape(3, 3), np.arange(9).reshape(3, 3).copy()),
        (np.arange(18)[::2], np.arange(0, 18, 2)),
        (FRAME, pd.concat([FRAME.iloc[:1], FRAME.iloc[1:]])),
        (FRAME, FRAME[["n"]].assign(s=FRAME["s"], d=FRAME["d"])),
        (pl.from_pandas(FRAME), pl.concat([pl.from_pandas(FRAME)[:1], pl.from_pandas(FRAME)[1:]])),
        (pa.table({"a": [1, 2]}), pa.concat_tables([pa.table({"a": [1]}), pa.table({"a": [2]})])),
        (functools.partial(len, [1]), functools.partial(len, [1])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_equal_content_is_equal_however_it_was_made(one: object, other: object) -> None:
    """A set's order, which equal texts and tuples are one object, chunks and blocks."""
    assert digest(one) == digest(other)


COLUMNS: dict[str, list[Any]] = {
    "numbers": [5, 1, None, 3, 4],
    "no nulls": [1.5, 2.5, 3.5, 4.5, 5.5],
    "truths": [True, None, False, True, True],
    "text": ["a", None, "b" * 40, "c", ""],
    "lists": [[1], None, [2, 3], [], [4]],
    "structs": [{"a": 1, "b": "x"}, None, {"a": 2, "b": "y"}, None, {"a": 3, "b": "z"}],
}


@pytest.mark.parametrize("column", COLUMNS)
def test_columns_of_polars_hash_by_what_is_in_them(column: str) -> None:
    """Not by chunks, slices, masks, what lies below nulls, or what polars knows of their order."""
    held = COLUMNS[column]
    one = pl.Series("n", held)
    padded = pl.concat([one.reverse(), one, one], rechunk=True)
    alike = [
        padded[5:10],
        pl.concat([one[:1], one[1:3], one[3:]], rechunk=False),
        padded.gather([5, 6, 7, 8, 9]),
        pl.concat([one, padded]).head(5),
    ]
    assert {digest(each) for each in alike} == {digest(one)}
    assert {digest(each.to_frame()) for each in alike} == {digest(one.to_frame())}
    others = [one.reverse(), one.alias("m"), one[:4], one.is_null(), pl.Series("n", [None] * 5)]
    assert digest(one) not in {digest(each) for each in (*others, one.to_frame(), held)}
    present = [each for each in held if each is not None]
    masked = one.filter(one.is_not_null())
    assert digest(masked) == digest(pl.Series("n", present, dtype=one.dtype))


def test_sortedness_and_masked_values_of_polars_are_no_content() -> None:
    """That it is sorted, and the number below a null."""
    frame = pl.DataFrame({"n": [1, 2, 3]})
    assert digest(frame) == digest(frame.with_columns(pl.col("n").set_sorted()))
    hidden = frame.with_columns(pl.when(pl.col("n") < 2).then(pl.col("n")).alias("n"))
    assert digest(hidden) == digest(pl.DataFrame({"n": [1, None, None]}))
    assert digest(hidden) != digest(pl.DataFrame({"n": [None, 1, None]}))


@pytest.mark.parametrize("column", COLUMNS)
def test_columns_of_arrow_hash_by_what_is_in_them(column: str) -> None:
    """An array, a chunked one, a batch and a table, each as itself."""
    one = pa.array(COLUMNS[column])
    padded = pa.concat_arrays([one, one.take(pa.array([4, 3, 2, 1, 0])), one])
    first, last = padded.slice(0, 5), padded.slice(10)
    assert digest(one) == digest(first) == digest(last)
    assert digest(one.slice(3)) == digest(last.slice(3)) == digest(first.slice(3))
    chunked = pa.chunked_array([one])
    assert digest(chunked) == digest(pa.chunked_array([first.slice(0, 2), last.slice(2)]))
    table = pa.table({"n": one})
    assert digest(table) == digest(pa.table({"n": last}))
    batch, other = (pa.RecordBatch.from_arrays([each], ["n"]) for each in (one, last))
    assert digest(batch) == digest(other)
    different = [
        one,
        one.slice(1),
        one.is_null(),
        chunked,
        table,
        batch,
        table.rename_columns(["m"]),
    ]
    different.append(table.replace_schema_metadata({"a": "b"}))
    assert len({digest(each) for each in different}) == len(different)


def test_values_below_nulls_of_arrow_are_no_content() -> None:
    """Whatever was computed there."""
    buffers = [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([1, 99]).tobytes())]
    hidden = pa.Array.from_buffers(pa.int64(), 2, buffers)
    assert digest(hidden) == digest(pa.array([1, None]))
    assert digest(pa.array(["a", None], pa.string_view())) != digest(pa.array(["a", None]))


@pytest.mark.parametrize(
    "edit",
    [
        lambda f: f.assign(n=[1, 2, 4]),
        lambda f: f.rename(columns={"n": "m"}),
        lambda f: f[["s", "n", "d"]],
        lambda f: f.set_index("n"),
        lambda f: f.astype({"n": "int32"}),
        lambda f: f.assign(s=["a", "b", "c"]),
    ],
)
def test_another_frame_has_another_hash(edit: Any) -> None:
    """Values, names, order, index and types of columns."""
    assert digest(edit(FRAME)) != digest(FRAME)


def test_large_buffers_hash_by_all_their_bytes() -> None:
    """In parts on several threads, and the last byte counts."""
    one = np.zeros(20_000_001, dtype="u1")
    other = one.copy()
    assert digest(one) == digest(other)
    other[-1] = 1
    assert digest(one) != digest(other)


def test_cyclic_and_deep_values_come_to_an_end() -> None:
    """A list in itself; lists nested too deep for Python's stack, and the last one counts."""
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert digest(cycle) != digest([1, [1]])

    def deep(leaf: object) -> list[Any]:
        nested = [leaf]
        for _ in range(10_000):
            nested = [nested]
        return nested

    assert digest(deep(1)) == digest(deep(1)) != digest(deep(2))
    assert Reader().value(deep(1)).untracked == ()


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(trees, trees)
def test_values_hash_alike_exactly_when_they_are_alike(one: Any, other: Any) -> None:
    """Alike: their reprs are, with the types of what they hold."""

    def normal(value: Any) -> str:
        if isinstance(value, dict):
            return f"{{{[(k, normal(v)) for k, v in value.items()]}}}"
        if isinstance(value, (list, tuple)):
            return f"{type(value)}{[normal(item) for item in value]}"
        return f"{type(value)}{value!r}"

    assert (digest(one) == digest(other)) == (normal(one) == normal(other))


@pytest.mark.slow
def test_models_of_libraries_are_the_same_in_every_process() -> None:
    """Their classes hold bookkeeping, which isn't, and hints with functions in them."""
    script = textwrap.dedent(
        """
        from typing import Annotated, Optional
        import pydantic
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
        from linepipe_core._code.dependencies import Reader
        from linepipe_core._code.fingerprint import code_fingerprint
        from linepipe_core._code.parts import combined
        def check(value): return value
        class Order(pydantic.BaseModel):
            number: Annotated[int, pydantic.AfterValidator(check)] = 1
            earlier: Optional["Order"] = None
        class Base(DeclarativeBase): pass
        class Customer(Base):
            __tablename__ = "customers"
            id: Mapped[int] = mapped_column(primary_key=True)
        def node(x): return Order(), Customer()
        before = code_fingerprint(Reader(), node).parts
        assert {"code check", "attribute Customer.__tablename__"} <= set(map(str, before))
        node(0)
        assert code_fingerprint(Reader(), node).parts == before
        print(combined(before))
        """
    )
    assert len(in_processes(script)) == 1
