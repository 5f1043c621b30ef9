"""Each fast path of isolation, broken on purpose, is noticed by the check that holds without."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.core.kinds import KINDS, LOCK, Own, spoil
from tests.core.likeness import seen

from linepipe_core._values import containers, trees
from linepipe_core._values import isolate as core
from linepipe_core._values import numpy as numpy_adapter
from linepipe_core._values import pandas as pandas_adapter
from linepipe_core._values import polars as polars_adapter
from linepipe_core._values import rules as leaves
from linepipe_core._values import snapshot as held
from linepipe_core._values.isolate import copy_for_reader, isolate, move_to_last_reader, peek


def leak(make: Callable[[], Any], change: Callable[[Any], object] = lambda v: spoil(v, 77)) -> bool:
    """Return True if a change by the maker, or by a reader, is seen by anybody else."""
    value = make()
    before = seen(value)
    kept = isolate([value])
    first = copy_for_reader(kept)
    change(value)
    leaked = seen(copy_for_reader(kept)) != before or seen(first) != before
    change(first)
    leaked = leaked or seen(copy_for_reader(kept)) != before
    owner = [make()]
    if isinstance(owner[0], pd.DataFrame):
        owner[0].attrs["kept"] = attribute = [1]
        before = seen(owner[0])
    else:
        attribute = []
    kept = isolate(owner)
    attribute.append(2)
    return bool(leaked or seen(move_to_last_reader([kept])) != before)


def weakly_kept() -> bool:
    import weakref

    owner = [np.arange(3.0)]
    reference = weakref.ref(owner[0])
    kept = isolate(owner)
    if (array := reference()) is not None:
        array[0] = 77
    return bool(copy_for_reader(kept)[0] == 77)


def kept_without_isolation() -> bool:
    kinds: list[Callable[[], Any]] = [
        lambda: np.arange(3.0),
        lambda: [np.arange(3.0), [1]],
        lambda: Own([1]),
    ]
    for make in kinds:
        kept = isolate([make()])
        looked_at = peek(kept)
        before = seen(looked_at)
        spoil(move_to_last_reader([kept]), 77)
        if seen(looked_at) != before:
            return True
    return False


def part_kept() -> bool:
    parts: list[Any] = [{"a": 1}, [1], np.arange(3.0)]
    wraps: list[Callable[[Any], Any]] = [
        lambda part: [part, copy.copy(part)],
        lambda part: {"x": part, "y": copy.copy(part)},
        lambda part: (part, np.arange(2.0)),
    ]
    for wrap in wraps:
        for part in parts:
            owner = [wrap(part)]
            before = seen(owner[0])
            kept = isolate(owner)
            spoil(part, 77)
            if seen(copy_for_reader(kept)) != before:
                return True
    return False


def shared_with_arrow() -> bool:
    kept = isolate([pd.DataFrame({"a": np.arange(3.0)})])
    arrow = pa.Table.from_pandas(copy_for_reader(kept), preserve_index=False)
    last = move_to_last_reader([kept])
    del kept
    last.iloc[0, 0] = 77
    return bool(arrow["a"][0].as_py() == 77)


def zero_copy() -> bool:
    array = np.ones((3, 2))
    kept = isolate([pd.DataFrame(array, copy=False)])
    array[:] = 77
    return bool(copy_for_reader(kept).iloc[0, 0] == 77)


def index_over_array() -> bool:
    array = np.arange(3)
    kept = isolate([pd.Series([1, 2, 3], index=array)])
    array[:] = 77
    return bool(copy_for_reader(kept).index[0] == 77)


def objects() -> Any:
    return pl.DataFrame({"a": pl.Series([[1], [2]], dtype=pl.Object)})


def leaks() -> list[str]:
    found = [kind for kind, make in KINDS.items() if leak(lambda make=make: make(1))]  # type: ignore[misc]
    by_parts = {kind: (lambda m=m: [m(1), LOCK]) for kind, m in KINDS.items()}
    found += [f"{kind} by parts" for kind, make in by_parts.items() if leak(make)]
    if leak(objects, lambda v: v["a"][0].append(3)):
        found.append("polars objects")
    deep = [copy.deepcopy, LOCK]
    if leak(lambda: [pd.DataFrame({"cell": [[1], deep]})], lambda v: v[0]["cell"][0].append(3)):
        found.append("cells beside what refuses")
    checks = [
        weakly_kept,
        part_kept,
        kept_without_isolation,
        shared_with_arrow,
        zero_copy,
        index_over_array,
    ]
    return found + [check.__name__ for check in checks if check()]


def itself(value: Any, *_rest: Any) -> Any:
    return value


def shallow(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.copy(deep=False)


def as_it_is(value: Any, _alone: bool) -> held.Snapshot:
    return held.Snapshot(value, itself)


def broken(owner: Any, name: str, replacement: Any) -> Any:
    if isinstance(owner, dict):
        key = next(key for key in owner if getattr(key, "__name__", key) == name)
        return lambda patch: patch.setitem(owner, key, replacement)
    return lambda patch: patch.setattr(owner, name, replacement)


def value_of(kept: Any) -> Any:
    return kept.value


LEFT_OUT = trees._Pickler._left_out


def left_out_shared(pickler: Any, kept: held.Snapshot) -> Any:
    return LEFT_OUT(pickler, as_it_is(kept.value, True))


FAST_PATHS: list[tuple[str, Any]] = [
    ("a value moves though it is kept", broken(core, "is_sole_reference", lambda *a: True)),
    ("a copy is the value", broken(held.Snapshot, "copy", value_of)),
    ("the last reader gets what another sees", broken(held.Snapshot, "move", value_of)),
    ("a tree's copy is the tree", broken(trees._PickledTree, "copy", value_of)),
    ("a tree's last reader gets what another sees", broken(trees._PickledTree, "move", value_of)),
    ("arrays in trees are shared", broken(trees._Pickler, "_left_out", left_out_shared)),
    ("lists by parts are shared", broken(trees.CONTAINERS, "list", itself)),
    ("objects by parts are shared", broken(trees, "_part", itself)),
    ("everything counts as unchanging", broken(containers, "_is_unchanging", lambda parts: True)),
    ("lists are kept", broken(leaves.BUILTIN, "list", as_it_is)),
    ("dicts are kept", broken(leaves.BUILTIN, "dict", as_it_is)),
    ("sets are kept", broken(leaves.BUILTIN, "set", as_it_is)),
    ("byte arrays are kept", broken(leaves.BUILTIN, "bytearray", as_it_is)),
    ("rows move though they are kept", broken(containers, "_are_alone", lambda *a: True)),
    ("parts move though they are kept", broken(containers, "is_sole_reference", lambda *a: True)),
    ("copies of parts are the parts", broken(containers._PartsSnapshot, "copy", value_of)),
    ("the last gets parts that another sees", broken(containers._PartsSnapshot, "move", value_of)),
    ("rows are taken for flat", broken(containers, "_are_rows", lambda parts: True)),
    ("arrays are kept", broken(numpy_adapter, "_array", as_it_is)),
    ("arrays are handed out", broken(numpy_adapter, "_copied_array", itself)),
    ("objects in arrays are taken for flat", broken(numpy_adapter, "_is_flat", lambda array: True)),
    ("weak references aren't seen", broken(numpy_adapter, "getweakrefcount", lambda value: 0)),
    ("frames are kept", broken(pandas_adapter, "_table", as_it_is)),
    ("frames are handed out", broken(pandas_adapter, "_shared_table", itself)),
    ("attributes of frames move", broken(pandas_adapter, "_is_bare", lambda table: True)),
    ("only pandas is said to see", broken(pandas_adapter, "_only_pandas_sees", lambda b: True)),
    ("what others see isn't copied", broken(pandas_adapter, "_own", lambda block: None)),
    ("frames share what is not guarded", broken(pandas_adapter, "_shared_table", shallow)),
    ("indexes are shared", broken(pandas_adapter, "_own_index", itself)),
    ("index names are shared", broken(pandas_adapter, "_fresh_index", itself)),
    ("polars frames are shared", broken(polars_adapter, "_clone", itself)),
    ("objects in polars are shared", broken(polars_adapter, "_objects_column", itself)),
]  # fmt: skip


@pytest.fixture
def fresh_rules() -> Iterator[None]:
    """Rules found while something is broken are forgotten."""
    leaves._rules.clear()
    yield
    leaves._rules.clear()


@pytest.mark.usefixtures("fresh_rules")
def test_nothing_leaks() -> None:
    """The check that each broken path below must fail."""
    assert leaks() == []


@pytest.mark.usefixtures("fresh_rules")
@pytest.mark.parametrize("path", [p for _, p in FAST_PATHS], ids=[n for n, _ in FAST_PATHS])
def test_a_broken_fast_path_is_noticed(path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them, returning the object itself, makes the check above fail."""
    with monkeypatch.context() as patch:
        path(patch)
        try:
            found = leaks()
        except Exception as error:
            found = [f"it fails with {error!r}"]
        assert found
