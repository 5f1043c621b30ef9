"""What a user of the shelf sees: the mapping, a node's outputs together, and keeping house."""

from __future__ import annotations

import gc
import logging
import os
import shelve
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from linepipe_core.errors import ShelfPathError, ShelfPickleError
from linepipe_core.shelf import ObjectShelf

LARGE = 300_000  # float64s: 2.4 MB, mapped when read


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cache" / "data_storage")


@pytest.fixture
def shelf(path: str) -> Iterator[ObjectShelf]:
    with ObjectShelf(path) as opened:
        yield opened


def files_of(path: str) -> list[str]:
    """The buffer files and drafts that lie beside a shelf."""
    return sorted(name for name in os.listdir(path + ".buffers") if name != ".gitignore")


def bytes_of(path: str) -> int:
    """What the shelf's files take."""
    folder = path + ".buffers"
    inside = sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))
    return inside + os.path.getsize(path)


# --- the mapping --------------------------------------------------------------------------


def test_it_is_a_shelve_shelf(shelf: ObjectShelf) -> None:
    """What works on the standard library's mapping works on this one."""
    shelf["a"] = 1
    shelf.update({"b": [2], "c": None})
    assert isinstance(shelf, shelve.Shelf)
    assert dict(shelf) == {"a": 1, "b": [2], "c": None}
    assert sorted(shelf) == ["a", "b", "c"]
    assert len(shelf) == 3
    assert "a" in shelf
    assert "z" not in shelf
    assert 7 not in shelf  # type: ignore[comparison-overlap]  # asked all the same
    assert shelf.get("z", "nothing") == "nothing"
    assert shelf.pop("a") == 1
    with pytest.raises(KeyError):
        shelf["a"]
    with pytest.raises(KeyError):
        del shelf["a"]


def test_what_was_stored_is_there_when_it_is_opened_again(path: str) -> None:
    """Small and large objects outlive the process's handle."""
    with ObjectShelf(path) as shelf:
        shelf["small"] = {"a": [1, 2]}
        shelf["large"] = np.arange(LARGE)
        shelf.sync()
    with ObjectShelf(path) as shelf:
        assert shelf["small"] == {"a": [1, 2]}
        assert (shelf["large"] == np.arange(LARGE)).all()


def test_a_closed_shelf_says_so(path: str) -> None:
    """Closing twice is fine, using it afterwards is not."""
    shelf = ObjectShelf(path)
    array = shelf["a"] = np.ones(LARGE)
    read = shelf["a"]
    shelf.close()
    shelf.close()
    with pytest.raises(ValueError, match=r"is closed: open it again"):
        shelf["a"]
    with pytest.raises(ValueError, match=r"is closed"):
        shelf["b"] = 1
    assert (read == array).all(), "what was read stays good"


TEXTS = [
    "a/b/../c", "..", ".", "'; DROP TABLE names; --", '"', "n" * 10_000, "имя 名前 🦊", "a\0b",
    " ", "\ud800", "con", "-wal",
]  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_is_a_name(shelf: ObjectShelf, name: str) -> None:
    """Names are data: nothing in them means anything to the shelf."""
    shelf[name] = np.arange(LARGE)
    shelf[name + "x"] = "another"
    assert (shelf[name] == np.arange(LARGE)).all()
    assert sorted(shelf) == sorted([name, name + "x"])
    del shelf[name]
    assert list(shelf) == [name + "x"]


@pytest.mark.parametrize("node", TEXTS)
def test_any_text_is_a_nodes_name_and_a_records_key(shelf: ObjectShelf, node: str) -> None:
    """A node's name, and the records under it, are data too."""
    shelf.store({"a": 1}, node=node, records={f"node:{node}": node})
    assert [info.node for info in shelf.info()] == [node]
    assert shelf.records("node:") == {f"node:{node}": node}


def test_an_empty_name_or_another_type_is_refused(shelf: ObjectShelf) -> None:
    """Both are mistakes of the caller's."""
    with pytest.raises(ValueError, match="can't be empty"):
        shelf[""] = 1
    with pytest.raises(TypeError, match="is a str, not int: 3"):
        shelf[3] = 1  # type: ignore[index]  # the mistake that is tested
    assert list(shelf) == []


def test_a_value_changed_after_it_was_stored_does_not_change_on_the_shelf(
    shelf: ObjectShelf,
) -> None:
    """Neither does one that was read."""
    values: dict[str, Any] = {"list": [1], "array": np.zeros(LARGE), "frame": frame()}
    for name, value in values.items():
        shelf[name] = value
    values["list"].append(2)
    values["array"][:] = 5
    values["frame"].loc[0, "a"] = 99.0
    for _ in range(2):
        assert shelf["list"] == [1]
        assert not shelf["array"].any()
        pd.testing.assert_frame_equal(shelf["frame"], frame())
        read = shelf["array"]
        read[:] = 7  # writable, and private
        table = shelf["frame"]
        table.loc[0, "a"] = 77.0


# --- types ----------------------------------------------------------------------------------


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


ARRAYS = {
    "c order": np.arange(LARGE).reshape(3, -1),
    "fortran order": np.asfortranarray(np.arange(LARGE).reshape(3, -1)),
    "not contiguous": np.arange(2 * LARGE)[::2],
    "dates": np.arange(LARGE).astype("M8[s]"),
    "spans of dates": np.arange(2 * LARGE).astype("m8[ms]")[::2],
    "dates, two-dimensional": np.asfortranarray(np.arange(LARGE).astype("M8[ns]").reshape(3, -1)),
    "text": np.arange(LARGE).astype("U9"),
    "big-endian": np.arange(LARGE).astype(">i4"),
    "records": np.zeros(LARGE, dtype=[("a", "i4"), ("b", "M8[s]")]),
    "objects": np.array([None, "a", 3] * 10_000, dtype=object),
    "no dimension": np.array(3.5),
    "empty": np.zeros((0, 4)),
    "readonly": np.frombuffer(bytes(LARGE), dtype="u1"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_come_back_as_they_were(shelf: ObjectShelf, kind: str) -> None:
    """Values, dtype, shape, and whether they may be written."""
    array = ARRAYS[kind]
    shelf["array"] = array
    back = shelf["array"]
    np.testing.assert_array_equal(back, array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.flags.writeable == array.flags.writeable


@pytest.mark.parametrize("kind", ["c order", "not contiguous", "dates", "spans of dates", "text"])
def test_a_large_array_leaves_its_pickle(shelf: ObjectShelf, path: str, kind: str) -> None:
    """Otherwise it would be copied in memory, and read whole instead of mapped."""
    shelf["array"] = ARRAYS[kind]
    (name,) = files_of(path)
    assert os.path.getsize(f"{path}.buffers/{name}") == ARRAYS[kind].nbytes


def test_a_pandas_frame_of_every_dtype_comes_back(shelf: ObjectShelf, path: str) -> None:
    """Its columns lie in files; the pickle keeps next to nothing."""
    shelf["frame"] = frame()
    pd.testing.assert_frame_equal(shelf["frame"], frame())
    assert os.path.getsize(path) < 200_000
    assert len(files_of(path)) >= 5


POLARS = {
    "numbers": pl.Series(range(LARGE)),
    "text": pl.Series([None, "é" * 30] * 20_000),
    "dates": pl.Series(range(LARGE)).cast(pl.Datetime("us", "Europe/Paris")),
    "categories": pl.Series(["a", "b", None] * LARGE).cast(pl.Categorical),
    "enum": pl.Series(["a", "b", None] * LARGE).cast(pl.Enum(["b", "a"])),
    "lists": pl.Series([[1, 2], None, []] * LARGE),
    "structs": pl.Series([{"a": 1, "b": "x"}] * LARGE),
    "arrays": pl.Series([[1, 2]] * LARGE, dtype=pl.Array(pl.Int16, 2)),
    "decimals": pl.Series(range(LARGE)).cast(pl.Decimal(20, 2)),
    "128 bits": pl.Series(range(LARGE)).cast(pl.Int128),
    "nothing": pl.Series([None] * LARGE),
    "chunks": pl.concat([pl.Series([1.0] * LARGE), pl.Series([2.0] * LARGE)], rechunk=False),
}


@pytest.mark.parametrize("kind", POLARS)
def test_polars_comes_back_as_it_was(shelf: ObjectShelf, kind: str) -> None:
    """Through Arrow where Arrow has the type, as polars pickles it where not."""
    series = POLARS[kind].alias("column")
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
    assert max(info.n_bytes for info in shelf.info() if info.name == "head") < 10_000


def test_a_large_pickle_is_a_file_too(shelf: ObjectShelf, path: str) -> None:
    """Python's own objects stay in the pickle, and a big one would choke SQLite."""
    value = {"rows": [{"i": i, "name": str(i)} for i in range(20_000)], "blob": b"x" * 1_000_000}
    shelf["value"] = value
    assert shelf["value"] == value
    assert len(files_of(path)) == 1


# --- each buffer once -------------------------------------------------------------------------


def test_equal_content_costs_the_disk_once(shelf: ObjectShelf, path: str) -> None:
    """Whoever stores it, under whatever name, in one store or several."""
    shelf.store({"a": np.arange(LARGE), "b": np.arange(LARGE), "c": [np.arange(LARGE)]})
    shelf["d"] = np.arange(LARGE).copy()
    assert len(files_of(path)) == 1
    assert shelf.digest("a") == shelf.digest("d")
    assert shelf.digest("a") != shelf.digest("c")
    for name in "abd":
        del shelf[name]
    assert (shelf["c"][0] == np.arange(LARGE)).all()
    del shelf["c"]
    assert files_of(path) == []


def test_two_equal_arrays_in_one_object_are_two_when_read(shelf: ObjectShelf) -> None:
    """One file, but each has private memory."""
    shelf["pair"] = [np.arange(LARGE), np.arange(LARGE)]
    first, second = shelf["pair"]
    first[:] = 0
    assert second[-1] == LARGE - 1


def test_a_frame_that_gains_a_column_costs_that_column(shelf: ObjectShelf, path: str) -> None:
    """Twenty steps that each add a column take little more than the last frame."""
    table = pd.DataFrame({f"base{i}": np.random.default_rng(i).random(LARGE) for i in range(5)})
    for step in range(20):
        table = table.copy(deep=False)
        table[f"column{step}"] = np.random.default_rng(100 + step).random(LARGE)
        shelf[f"step {step}"] = table
    distinct = 25 * LARGE * 8
    assert bytes_of(path) < 1.3 * distinct
    pd.testing.assert_frame_equal(shelf["step 19"], table)


def test_what_is_overwritten_leaves_the_disk(shelf: ObjectShelf, path: str) -> None:
    """Only what is still there takes space."""
    for value in range(5):
        shelf["a"] = np.full(LARGE, value)
        assert len(files_of(path)) == 1
    assert (shelf["a"] == 4).all()


def test_a_digest_tells_whether_content_changed(path: str) -> None:
    """The same in another process, and another for another content, dtype or type."""
    values = [np.arange(LARGE), np.arange(LARGE) + 1, np.arange(LARGE) * 1.0, frame(), 1, 1.0, "1"]
    with ObjectShelf(path) as shelf:
        digests = []
        for value in values:
            shelf["a"] = value
            digests.append(shelf.digest("a"))
        assert len(set(digests)) == len(values)
        assert shelf.digest("missing") is None
    code = (
        "import sys, numpy as np; from linepipe_core.shelf import ObjectShelf\n"
        "with ObjectShelf(sys.argv[1]) as shelf:\n"
        f"    shelf['b'] = np.arange({LARGE}); print(shelf.digest('b'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digests[0]


# --- a node's outputs together ------------------------------------------------------------------


def test_store_does_it_all_in_one_go(shelf: ObjectShelf) -> None:
    """Objects, names to drop and records."""
    shelf["old"] = 1
    stored = shelf.store(
        {"a": [1], "b": np.arange(LARGE)},
        node="make",
        drop=["old", "never there"],
        records={"node:make": '{"x": 1}', "nodes:other": "é", "node:gone": None},
    )
    assert dict(stored.digests) == {"a": shelf.digest("a"), "b": shelf.digest("b")}
    assert not stored.refused
    assert sorted(shelf) == ["a", "b"]
    assert shelf.record("node:make") == '{"x": 1}'
    assert shelf.record("node:nope") is None
    assert shelf.records("node:") == {"node:make": '{"x": 1}'}
    assert len(shelf.records()) == 2
    shelf.store({}, records={"node:make": None})
    assert shelf.record("node:make") is None


class Model:
    def __init__(self) -> None:
        self.weights = [1.0]
        self.lock = threading.Lock()


def test_what_cant_be_pickled_is_refused_by_name_and_part(shelf: ObjectShelf) -> None:
    """The rest is stored, and the refused name's older value is gone."""
    shelf.store({"model": "older", "report": "older"})
    stored = shelf.store({"report": {"n": 1}, "model": {"best": [0, Model()]}}, node="train")
    assert list(stored.digests) == ["report"]
    refused = stored.refused["model"]
    assert refused.part == "model['best'][1].lock"
    assert refused.type == "_thread.lock"
    assert "cannot pickle" in refused.reason
    assert str(refused).startswith(
        "'model': its part model['best'][1].lock (_thread.lock) can't be pickled: cannot pickle"
    )
    assert dict(shelf) == {"report": {"n": 1}}


def test_setting_an_unpicklable_item_raises_and_keeps_the_older(shelf: ObjectShelf) -> None:
    """A mapping either takes a value or stays as it is."""
    shelf["a"] = 1
    with pytest.raises(
        ShelfPickleError, match=r"'a': it \(.*function\) can't be pickled: .*lambda"
    ):
        shelf["a"] = lambda: 0
    assert shelf["a"] == 1


def test_cycles_and_strange_parts_dont_trouble_the_search(shelf: ObjectShelf) -> None:
    """The search for the part that won't pickle always ends, and says something true."""
    loop: list[Any] = [1]
    loop.append({"again": loop, "bad": (i for i in range(3))})
    refused = shelf.store({"loop": loop}).refused["loop"]
    assert refused.part == "loop[1]['bad']"
    assert refused.type == "builtins.generator"
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert "recursion" in shelf.store({"deep": deep}).refused["deep"].reason


# --- keeping house ------------------------------------------------------------------------------


def test_info_tells_without_loading(shelf: ObjectShelf) -> None:
    """Name, size, age, node, type."""
    shelf.store({"a": np.arange(LARGE)}, node="make")
    shelf["b"] = {"x": 1}
    a, b = shelf.info()
    assert (a.name, a.node, a.type) == ("a", "make", "numpy.ndarray")
    assert LARGE * 8 < a.n_bytes < LARGE * 8 + 500
    assert 0 <= a.age_seconds < 60
    assert (b.name, b.node, b.type) == ("b", None, "dict")


def test_clear_leaves_nothing_on_the_disk(shelf: ObjectShelf, path: str) -> None:
    """Neither objects nor records, nor the bytes of either."""
    shelf.store({"a": np.arange(LARGE), "b": "the secret" * 500}, records={"k": "a record"})
    shelf.clear()
    assert list(shelf) == []
    assert shelf.records() == {}
    assert files_of(path) == []
    for file in Path(path).parent.glob("data_storage*"):
        if file.is_file():
            assert b"the secret" not in file.read_bytes()
    shelf["a"] = 1
    assert shelf["a"] == 1


def test_prune_by_size_takes_the_oldest_first(shelf: ObjectShelf, path: str) -> None:
    """Until what is left is no more than asked for."""
    for i in range(5):
        shelf[f"a{i}"] = np.full(LARGE, i)
    assert shelf.prune(max_bytes=10**9) == ()
    assert shelf.prune(max_bytes=2 * LARGE * 8 + 5_000) == ("a0", "a1", "a2")
    assert sorted(shelf) == ["a3", "a4"]
    assert len(files_of(path)) == 2
    assert shelf.prune(max_bytes=0) == ("a3", "a4")


def test_prune_by_size_counts_shared_buffers_once(shelf: ObjectShelf) -> None:
    """Removing one of two that share frees nothing, so both must go before the third."""
    shelf["a"], shelf["b"] = np.zeros(LARGE), np.zeros(LARGE)
    shelf["c"] = np.ones(LARGE)
    assert shelf.prune(max_bytes=2 * LARGE * 8 + 5_000) == ()
    assert shelf.prune(max_bytes=LARGE * 8 + 5_000) == ("a", "b")


@pytest.mark.parametrize("limit", ["max_bytes", "older_than", "keep_runs"])
@pytest.mark.parametrize("wrong", [-1, -5.5, float("nan"), float("-inf"), True, False])
def test_prune_refuses_limits_that_mean_nothing(shelf: ObjectShelf, limit: str, wrong: Any) -> None:
    """They would delete everything, silently; nothing is deleted before they are looked at."""
    shelf["a"] = 1
    kept = shelf.begin_run()
    limits = {"max_bytes": 0, "older_than": 0, "keep_runs": 0, limit: wrong}
    with pytest.raises(ValueError, match=rf"{limit} is .*, not {wrong}") as caught:
        shelf.prune(**limits)
    assert "0 or more" in str(caught.value)
    assert shelf["a"] == 1
    assert shelf.runs() == [kept]


def test_prune_refuses_a_negative_span_of_time(shelf: ObjectShelf) -> None:
    """As it does a negative number of seconds."""
    shelf["a"] = 1
    with pytest.raises(ValueError, match=r"older_than is .* 0 or more"):
        shelf.prune(older_than=timedelta(days=-1))
    assert shelf["a"] == 1


def test_prune_by_age(shelf: ObjectShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds or as a timedelta."""
    import time

    now = time.time()
    for days, name in [(30, "old"), (3, "newer"), (0, "now")]:
        monkeypatch.setattr("time.time", lambda days=days: now - days * 86_400)
        shelf[name] = name
    assert shelf.prune(older_than=timedelta(days=10)) == ("old",)
    assert shelf.prune(older_than=86_400) == ("newer",)
    assert shelf.prune(older_than=86_400.0) == ()
    assert list(shelf) == ["now"]


def test_a_clock_that_jumps_back_is_no_age(
    shelf: ObjectShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object from the future is as young as can be."""
    import time

    now = time.time()
    shelf["a"] = 1
    monkeypatch.setattr("time.time", lambda: now - 10_000)
    assert shelf.info()[0].age_seconds == 0
    assert shelf.prune(older_than=5) == ()


def test_what_is_ours_is_for_us_alone(path: str) -> None:
    """Files 0600 and folders 0700, whatever the umask, and out of version control."""
    older = os.umask(0)
    try:
        with ObjectShelf(path) as shelf:
            shelf["a"] = np.arange(LARGE)
            for file in Path(path).parent.rglob("*"):
                if file.name != ".gitignore":
                    assert file.stat().st_mode & 0o077 == 0, file
    finally:
        os.umask(older)
    assert (Path(path).parent / ".gitignore").read_text().endswith("*\n")


def test_a_folder_that_was_there_gets_no_gitignore(tmp_path: Path) -> None:
    """Only our own folder is ours to hide."""
    with ObjectShelf(tmp_path / "data"):
        pass
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data", "data.buffers"]


@pytest.mark.parametrize("spelling", ["cache?x=1&mode=memory", "a#b", "100%41", "with space", "é"])
def test_any_path_will_do(tmp_path: Path, spelling: str) -> None:
    """SQLite's file URIs give a meaning to some characters; a path has none."""
    path = tmp_path / spelling / spelling
    with ObjectShelf(path) as shelf:
        shelf["a"] = 1
    assert path.exists()
    with ObjectShelf(str(path)) as shelf:
        assert shelf["a"] == 1


def test_a_relative_path_is_fixed_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that changes the working folder doesn't lose the shelf."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with ObjectShelf("cache/data") as shelf:
        monkeypatch.chdir(tmp_path / "elsewhere")
        shelf["a"] = np.arange(LARGE)
        assert (shelf["a"] == np.arange(LARGE)).all()


def test_a_dropped_shelf_closes_itself(path: str) -> None:
    """No warning, no lock left behind."""
    shelf = ObjectShelf(path)
    shelf["a"] = 1
    del shelf
    gc.collect()
    assert not os.path.exists(path + "-wal")


def test_core_does_not_load_the_shelf() -> None:
    """Who uses no cache pays nothing for it."""
    code = (
        "import sys, linepipe_core\n"
        "heavy = {'sqlite3', 'shelve', 'mmap', 'pickle', 'linepipe_core.shelf'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- against a dict -----------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "d/e"])
VALUES = st.one_of(
    st.integers(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=5),
    st.integers(0, 3).map(lambda seed: np.full(LARGE, seed)),
    st.integers(0, 3).map(lambda seed: {"x": np.full(LARGE // 3, seed), "y": bytes(100_000)}),
)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, np.ndarray):
        return bool(np.array_equal(left, right))
    return bool(left == right)


class ShelfAgainstDict(RuleBasedStateMachine):
    """Whatever is done to it, the shelf holds what a dict would."""

    names = Bundle("names")

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "data")
        self.shelf = ObjectShelf(self.path)
        self.model: dict[str, Any] = {}
        self.texts: dict[str, str] = {}

    def teardown(self) -> None:
        if hasattr(self, "shelf"):
            assert self.shelf.verify() == ()
            self.shelf.close()
            self.folder.cleanup()

    @rule(name=NAMES, value=VALUES)
    def put(self, name: str, value: Any) -> None:
        self.shelf[name] = value
        self.model[name] = value

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        assert self.shelf.pop(name, "none") is not None
        self.model.pop(name, None)

    @rule(objects=st.dictionaries(NAMES, VALUES, max_size=3), drop=st.sets(NAMES), text=st.text())
    def store(self, objects: dict[str, Any], drop: set[str], text: str) -> None:
        self.shelf.store(objects, drop=drop, records={"text": text})
        for name in drop:
            self.model.pop(name, None)
        self.model |= objects
        self.texts["text"] = text

    @rule(name=NAMES)
    def refuse(self, name: str) -> None:
        assert list(self.shelf.store({name: threading.Lock()}).refused) == [name]
        self.model.pop(name, None)

    @rule()
    def reopen(self) -> None:
        self.shelf.close()
        self.shelf = ObjectShelf(self.path)

    @rule(name=NAMES, value=VALUES)
    def crash(self, name: str, value: Any) -> None:
        """A child process that dies, without a goodbye, before its transaction ends."""
        pid = os.fork()
        if pid == 0:
            try:
                from linepipe_core.shelf import rows

                rows.set_records = lambda *_: os._exit(1)
                self.shelf.store({name: value, "never": value})
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
        self.reopen()

    @rule()
    def clear(self) -> None:
        self.shelf.clear()
        self.model, self.texts = {}, {}

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "shelf"):
            return
        assert sorted(self.shelf) == sorted(self.model)
        assert len(self.shelf) == len(self.model)
        for name, value in self.model.items():
            assert same(self.shelf[name], value), name
        assert self.shelf.records() == self.texts
        used = {id(value) for value in self.model.values()}
        assert used or files_of(self.path) == []


TestShelfAgainstDict = ShelfAgainstDict.TestCase
TestShelfAgainstDict.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


def test_a_failed_store_leaves_everything_as_it_was(
    shelf: ObjectShelf, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the middle of the transaction, after the files were placed."""
    shelf["a"] = np.zeros(LARGE)
    before = files_of(path)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("linepipe_core.shelf.rows.set_records", fail)
    with pytest.raises(KeyboardInterrupt):
        shelf.store({"a": np.ones(LARGE), "b": np.full(LARGE, 2)})
    monkeypatch.undo()
    assert files_of(path) == before
    assert list(shelf) == ["a"]
    assert not shelf["a"].any()


def test_a_forked_child_uses_the_shelf_too(shelf: ObjectShelf, path: str) -> None:
    """With connections of its own, and without hurting its parent's."""
    shelf["a"] = np.arange(LARGE)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            shelf["b"] = shelf["a"] + 1
            shelf.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    shelf["c"] = 3
    assert sorted(shelf) == ["a", "b", "c"]
    assert shelf["b"][0] == 1


def test_two_handles_in_one_process_see_each_other(path: str) -> None:
    """And closing one doesn't take the other's locks away (POSIX drops them by process)."""
    with ObjectShelf(path) as one:
        with ObjectShelf(path) as other:
            other["a"] = 1
        one["b"] = 2
        assert os.path.exists(path + "-wal")
        code = (
            "import sys; from linepipe_core.shelf import ObjectShelf\n"
            "with ObjectShelf(sys.argv[1]) as shelf: shelf['c'] = 3"
        )
        subprocess.run([sys.executable, "-c", code, path], check=True)
        assert os.path.exists(path + "-wal"), "the other process thought itself alone"
        assert dict(one) == {"a": 1, "b": 2, "c": 3}


def test_log_names_the_loggers_of_the_contract(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """A swept leftover is worth a line at INFO, nothing else is."""
    caplog.set_level(logging.INFO)
    with ObjectShelf(path) as shelf:
        shelf["a"] = np.arange(LARGE)
    assert caplog.records == []
    Path(path + ".buffers", "f" * 64).write_bytes(b"left")
    with ObjectShelf(path):
        pass
    (record,) = caplog.records
    assert record.name == "linepipe.shelf"
    assert "swept" in record.getMessage()


def test_a_foreign_path_is_an_os_error_with_its_path(tmp_path: Path) -> None:
    """The culprit is an attribute."""
    with pytest.raises(OSError, match="isn't a file") as caught:
        ObjectShelf(tmp_path)
    assert isinstance(caught.value, ShelfPathError)
    assert caught.value.path == str(tmp_path)
