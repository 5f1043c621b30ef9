"""No node spoils another's data: whole runs against an interpreter that copies everything.

Beside that law: what a run holds and when it lets go, what must work at size, in threads and
in other processes.
"""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.likeness import seen

from linepipe_core import Hook, Node, NodeExecutionError, Pipeline, Step, snapshot
from linepipe_core.snapshot import (
    containers,
    foreign,
    hand_out,
    hand_over,
    held,
    hold,
    leaves,
    trees,
)


class Own:
    """An object of a user's class."""

    def __init__(self, rows: list[Any]) -> None:
        self.rows = rows


def table(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "number": np.arange(3.0) + n,
            "count": [n, n, n],
            "kind": pd.Categorical(["x", "y", "x"]),
            "day": pd.date_range("2024-01-01", periods=3),
            "text": ["a", "b", "c"],
            "cell": [[n], [n + 1], {}],
        },
        index=[5, 6, 7],
    )


KINDS: dict[str, Callable[[int], Any]] = {
    "int": lambda n: n,
    "list": lambda n: [n, n],
    "records": lambda n: [{"id": n, "tags": [n]}, {"id": n}],
    "rows": lambda n: [{"id": n, "a": 1}, {"id": n, "a": 2}],
    "columns": lambda n: {"id": [n, n], "a": [1, 2]},
    "parts": lambda n: {"x": np.arange(3.0) + n, "y": [n, n], "n": n},
    "split": lambda n: (np.arange(3.0) + n, np.arange(2.0), [[n], [{}]]),
    "dict": lambda n: {"n": n},
    "set": lambda n: {n},
    "bytes": lambda n: bytearray(b"abc"),
    "pair": lambda n: ([n], np.arange(3)),
    "own": lambda n: Own([n, [n]]),
    "array": lambda n: np.arange(4.0) + n,
    "matrix": lambda n: np.asfortranarray(np.ones((3, 2)) * n),
    "cells": lambda n: np.array([[n], {n}], dtype=object),
    "frame": table,
    "plain frame": lambda n: table(n).drop(columns="cell"),
    "numbers": lambda n: pd.DataFrame(np.ones((3, 2)) * n, columns=["p", "q"]),
    "series": lambda n: pd.Series([n, n, n], name="s"),
    "polars": lambda n: pl.DataFrame({"a": [n, n]}),
    "arrow": lambda n: pa.table({"a": [n, n]}),
}


def spoil(value: Any, n: int) -> None:
    """Change whatever can be changed in a value."""
    if isinstance(value, list):
        for part in value:
            spoil(part, n)
        value.append(n)
    elif isinstance(value, dict):
        for part in value.values():
            spoil(part, n)
        value[f"spoilt{n}"] = n
    elif isinstance(value, tuple):
        for part in value:
            spoil(part, n)
    elif isinstance(value, set):
        value.add(-n)
    elif isinstance(value, bytearray):
        value.append(n)
    elif isinstance(value, Own):
        spoil(value.rows, n)
    elif isinstance(value, np.ndarray):
        if value.dtype == object:
            spoil(value.tolist(), n)
        elif value.flags.writeable:
            value.flat[0] = n
    elif isinstance(value, pd.DataFrame):
        if "cell" in value:
            spoil(value["cell"].tolist(), n)
        if "kind" in value:
            value["kind"].array[0] = "y"
        if "number" in value:
            value.loc[5, "number"] = n
        elif "p" in value:
            value.iloc[0, 0] = n
        value["extra"] = n
        value.index.name = f"spoilt{n}"
        value.attrs["n"] = n
    elif isinstance(value, pd.Series):
        if value.dtype.kind in "if":
            value.iloc[0] = n
        value.attrs["n"] = n
    elif isinstance(value, pl.DataFrame):
        value[0, 0] = n


def view(value: Any) -> Any:
    """Something that shares memory with a value."""
    if isinstance(value, np.ndarray):
        return value[1:]
    if isinstance(value, pd.DataFrame):
        if "p" in value:
            return value.to_numpy()
        return value["number"] if "number" in value else value.iloc[:2]
    if isinstance(value, pd.Series):
        return value.iloc[:2]
    if isinstance(value, pl.DataFrame):
        return value.head(1)
    if isinstance(value, dict):
        return [value, next(iter(value.values()))]
    if isinstance(value, list | tuple) and value:
        return value[0]
    if isinstance(value, Own):
        return value.rows
    return value


LOCK = threading.Lock()  # refuses to be copied, so what is beside it is copied by parts


class World:
    """What the functions of a pipeline keep: module globals, caches, closures."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.cache: dict[str, Any] = {}

    def function(self, does: str, kind: str, n: int) -> Callable[..., Any]:
        return {
            "make": lambda *a: KINDS[kind](n),
            "make and keep": lambda *a: self.keep(KINDS[kind](n)),
            "cached": lambda *a: self.cache.setdefault(kind, KINDS[kind](n)),
            "global": lambda *a: self.kept,
            "look": lambda *a: str([seen(x) for x in a]),
            "spoil": lambda *a: (self.spoiled(a, n), str([seen(x) for x in a]))[1],
            "spoil and return": lambda *a: self.spoiled(a, n)[0],
            "return": lambda *a: a[0],
            "view": lambda *a: view(a[0]),
            "keep": lambda *a: self.keep(a[0]),
            "keep a view": lambda *a: (self.keep(view(a[0])), a[0])[1],
            "spoil what was kept": lambda *a: self.spoiled((self.kept,), n) and len(self.kept),
            "spoil what was cached": lambda *a: self.spoiled((self.cache,), n) and len(self.cache),
            "wrap": lambda *a: {"all": list(a), "first": a[0], "view": view(a[0])},
            "twice": lambda *a: (a[0], a[0]),
            "itself and a view": lambda *a: [a[0], view(a[0])],
        }[does]

    def keep(self, value: Any) -> Any:
        self.kept.append(value)
        return value

    def spoiled(self, values: tuple[Any, ...], n: int) -> tuple[Any, ...]:
        for value in values:
            spoil(value, n)
        return values


DEEDS = [
    "make",
    "make and keep",
    "cached",
    "global",
    "look",
    "spoil",
    "spoil and return",
    "return",
    "view",
    "keep",
    "keep a view",
    "spoil what was kept",
    "spoil what was cached",
    "wrap",
    "twice",
    "itself and a view",
]
HARMLESS = {"look", "return", "view", "twice"}  # may promise not to change what they get


@st.composite
def plans(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The nodes of a pipeline, as data: both interpreters build their own functions of it."""
    names = ["c0", "c1", "config", "config.part"]
    plan = []
    for i in range(draw(st.integers(1, 7))):
        does = draw(st.sampled_from(DEEDS))
        outputs = [f"x{i}", f"y{i}"] if does in ("twice", "itself and a view") else [f"x{i}"]
        reads = draw(st.lists(st.sampled_from(names[-6:] + names[:4]), min_size=1, max_size=3))
        plan.append(
            {
                "does": does,
                "kind": draw(st.sampled_from(sorted(KINDS))),
                "reads": reads,
                "outputs": outputs,
                "isolate": does not in HARMLESS or draw(st.booleans()),
                "n": i + 1,
            }
        )
        names += outputs
    return plan


def naive(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """A copy that shares nothing, made without a thought for its cost."""
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    made: Any
    if type(value) is list:
        made = memo[id(value)] = []
        made.extend(naive(part, memo) for part in value)
    elif type(value) is dict:
        made = {key: naive(part, memo) for key, part in value.items()}
    elif type(value) is tuple:
        made = tuple([naive(part, memo) for part in value])
    elif type(value) is Own:
        made = Own(naive(value.rows, memo))
    elif type(value) is np.ndarray and value.dtype != object:
        made = value.copy(order="K")
    elif type(value).__module__.partition(".")[0] in ("pandas", "polars"):
        made = pickle.loads(pickle.dumps(value))  # pandas' own deep copy shares the lists in it
    else:
        made = copy.deepcopy(value)
    memo[id(value)] = made
    return made


def naive_run(plan: list[dict[str, Any]], given: dict[str, Any], world: World) -> tuple[Any, Any]:
    """What a run must give, and its history."""
    store = {name: naive(value) for name, value in given.items()}
    history = []
    for node in plan:
        reads = node["reads"]
        recorded = {name: seen(store[name]) for name in reads}
        function = world.function(node["does"], node["kind"], node["n"])
        returned = function(*[naive(store[name]) for name in reads])
        made = returned if len(node["outputs"]) > 1 else [returned]
        for name, value in zip(node["outputs"], [naive(value) for value in made], strict=True):
            store[name] = value
        history.append((recorded, {name: seen(store[name]) for name in node["outputs"]}))
    read = {name for node in plan for name in node["reads"]}
    made_names = [name for node in plan for name in node["outputs"]]
    return {name: seen(store[name]) for name in made_names if name not in read}, history


def constants() -> dict[str, Any]:
    return {"c0": [1, np.arange(3.0)], "c1": table(9)}


def settled() -> dict[str, Any]:
    return {"part": {"rows": [1, [2]]}, "whole": np.ones(2)}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.booleans())
def test_a_run_gives_what_copying_everything_would(
    plan: list[dict[str, Any]], track_history: bool
) -> None:
    """Results, history, constants, config and what functions kept: on every run the same."""
    theirs, ours = World(), World()
    own_constants, own_config = constants(), settled()
    nodes = [
        Node(
            ours.function(node["does"], node["kind"], node["n"]),
            node["reads"],
            node["outputs"],
            isolate=node["isolate"],
        )
        for node in plan
    ]
    pipeline = Pipeline(nodes, own_config, track_history, **own_constants)
    spoil(own_constants, 99)  # copied when the pipeline was built
    spoil(own_config, 99)
    given = {**constants(), "config": settled(), "config.part": settled()["part"]}
    for _ in range(2):
        expected, expected_history = naive_run(plan, given, theirs)
        result = pipeline.run()
        assert {name: seen(value) for name, value in result.items()} == expected
        assert seen(ours.kept) == seen(theirs.kept)
        assert seen(ours.cache) == seen(theirs.cache)
        spoil(list(result.values()), 7)
        if track_history:
            for entry in result.history:
                spoil([*entry.inputs.values(), *entry.outputs.values()], 8)
            assert [
                (
                    {name: seen(value) for name, value in entry.inputs.items()},
                    {name: seen(value) for name, value in entry.outputs.items()},
                )
                for entry in result.history
            ] == expected_history


# Each fast path, broken on purpose. What notices is the same check that holds without.


def leak(make: Callable[[], Any], change: Callable[[Any], object] = lambda v: spoil(v, 77)) -> bool:
    """Whether a change by the maker, or by a reader, is seen by anybody else."""
    value = make()
    before = seen(value)
    kept = hold([value])
    first = hand_out(kept)
    change(value)
    leaked = seen(hand_out(kept)) != before or seen(first) != before
    change(first)
    leaked = leaked or seen(hand_out(kept)) != before
    owner = [make()]
    if isinstance(owner[0], pd.DataFrame):
        owner[0].attrs["kept"] = attribute = [1]
        before = seen(owner[0])
    else:
        attribute = []
    kept = hold(owner)
    attribute.append(2)
    return bool(leaked or seen(hand_over([kept])) != before)


def weakly_kept() -> bool:
    import weakref

    owner = [np.arange(3.0)]
    reference = weakref.ref(owner[0])
    kept = hold(owner)
    if (array := reference()) is not None:
        array[0] = 77
    return bool(hand_out(kept)[0] == 77)


def kept_without_isolation() -> bool:
    kinds: list[Callable[[], Any]] = [
        lambda: np.arange(3.0),
        lambda: [np.arange(3.0), [1]],
        lambda: Own([1]),
    ]
    for make in kinds:
        kept = hold([make()])
        looked_at = snapshot.reveal(kept)
        before = seen(looked_at)
        spoil(hand_over([kept]), 77)
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
            kept = hold(owner)
            spoil(part, 77)
            if seen(hand_out(kept)) != before:
                return True
    return False


def shared_with_arrow() -> bool:
    kept = hold([pd.DataFrame({"a": np.arange(3.0)})])
    arrow = pa.Table.from_pandas(hand_out(kept), preserve_index=False)
    last = hand_over([kept])
    del kept
    last.iloc[0, 0] = 77
    return bool(arrow["a"][0].as_py() == 77)


def zero_copy() -> bool:
    array = np.ones((3, 2))
    kept = hold([pd.DataFrame(array, copy=False)])
    array[:] = 77
    return bool(hand_out(kept).iloc[0, 0] == 77)


def index_over_array() -> bool:
    array = np.arange(3)
    kept = hold([pd.Series([1, 2, 3], index=array)])
    array[:] = 77
    return bool(hand_out(kept).index[0] == 77)


CHECKS = [
    weakly_kept,
    part_kept,
    kept_without_isolation,
    shared_with_arrow,
    zero_copy,
    index_over_array,
]


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


def as_it_is(value: Any, _alone: bool) -> held.Held:
    return held.Held(value, itself)


def broken(owner: Any, name: str, replacement: Any) -> Any:
    if isinstance(owner, dict):
        key = next(key for key in owner if getattr(key, "__name__", key) == name)
        return lambda patch: patch.setitem(owner, key, replacement)
    return lambda patch: patch.setattr(owner, name, replacement)


def value_of(kept: Any) -> Any:
    return kept.value


LEFT_OUT = trees._Pickler._left_out


def left_out_shared(pickler: Any, kept: held.Held) -> Any:
    return LEFT_OUT(pickler, as_it_is(kept.value, True))


FAST_PATHS: list[tuple[str, Any]] = [
    ("a value moves though its maker keeps it", broken(snapshot, "seen_once", lambda *a: True)),
    ("a copy is the value", broken(held.Held, "copy", value_of)),
    ("the last reader gets what another sees", broken(held.Held, "move", value_of)),
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
    ("parts move though they are kept", broken(containers, "seen_once", lambda *a: True)),
    ("copies of parts are the parts", broken(containers._HeldParts, "copy", value_of)),
    ("the last gets parts that another sees", broken(containers._HeldParts, "move", value_of)),
    ("rows are taken for flat", broken(containers, "_are_rows", lambda parts: True)),
    ("arrays are kept", broken(foreign, "_array", as_it_is)),
    ("arrays are handed out", broken(foreign, "_copied_array", itself)),
    ("objects in arrays are taken for flat", broken(foreign, "_is_flat", lambda array: True)),
    ("weak references aren't seen", broken(foreign, "getweakrefcount", lambda value: 0)),
    ("frames are kept", broken(foreign, "_table", as_it_is)),
    ("frames are handed out", broken(foreign, "_shared_table", itself)),
    ("attributes of frames move", broken(foreign, "_is_bare", lambda table: True)),
    ("only pandas is said to see", broken(foreign, "_only_pandas_sees", lambda block: True)),
    ("what others see isn't copied", broken(foreign, "_own", lambda block: None)),
    ("frames share what copy-on-write does not guard", broken(foreign, "_shared_table", shallow)),
    ("indexes are shared", broken(foreign, "_own_index", itself)),
    ("index names are shared", broken(foreign, "_fresh_index", itself)),
    ("polars frames are shared", broken(foreign, "_clone", itself)),
    ("objects in polars are shared", broken(foreign, "_objects_column", itself)),
]  # fmt: skip


@pytest.fixture
def fresh_rules() -> Iterator[None]:
    """Rules found while something is broken are forgotten."""
    leaves._rules.clear()
    yield
    leaves._rules.clear()


@pytest.mark.usefixtures("fresh_rules")
def test_nothing_leaks() -> None:
    """What the broken paths below are measured against."""
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


# What a run holds, and when it lets go.

MIB = 2**20


def block(*_inputs: Any) -> Any:
    return np.ones(MIB, dtype=np.uint8)


@pytest.fixture
def memory() -> Iterator[Callable[[], tuple[float, float]]]:
    """MiB held now, and at the peak, since the last question."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    def measured() -> tuple[float, float]:
        gc.collect()
        now, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        return (now - before) / MIB, (peak - before) / MIB

    yield measured
    tracemalloc.stop()


def chain(n_nodes: int, **options: Any) -> Pipeline:
    nodes = [Node(block, [f"x{i}"], [f"x{i + 1}"], name=f"n{i}") for i in range(n_nodes)]
    return Pipeline(nodes, x0=0, **options)


class Keeper(Hook):
    """Keeps every step that it is shown."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def after_node(self, step: Step) -> None:
        self.steps.append(step)


@pytest.mark.parametrize("hooks", [(), (Keeper(),)], ids=["alone", "watched"])
def test_an_object_is_dropped_right_after_its_last_reader(
    hooks: tuple[Hook, ...], memory: Callable[[], tuple[float, float]]
) -> None:
    """A chain of ten has two objects at a time, as by hand; also while a hook keeps steps."""
    pipeline = chain(10)
    result = pipeline.run(hooks=hooks)
    now, peak = memory()
    assert len(result.steps) == 10
    assert 2 <= peak < 2.5
    assert 1 <= now < 1.5


def test_a_pipeline_holds_nothing_of_a_result_that_was_dropped(
    memory: Callable[[], tuple[float, float]],
) -> None:
    """The outputs are the caller's."""
    pipeline = chain(2)
    result = pipeline.run()
    assert result["x2"].size == MIB
    del result
    now, _ = memory()
    assert now < 0.5


def test_a_failure_holds_the_inputs_of_the_node_that_failed_and_no_more(
    memory: Callable[[], tuple[float, float]],
) -> None:
    """Also while the exception, with its traceback, lives on."""

    def fail(a: Any) -> None:
        raise ValueError

    makers = [Node(block, ["x"], [name], name=name) for name in "abcd"]
    readers = [Node(fail, ["a"], []), Node(lambda *all_: 0, list("abcd"), ["z"])]
    for options in ({}, {"hooks": [Keeper()]}):
        pipeline = Pipeline([*makers, *readers], x=0)
        with pytest.raises(NodeExecutionError) as caught:
            pipeline.run(**options)  # type: ignore[arg-type]
        now, _ = memory()
        assert list(caught.value.inputs) == ["a"]
        assert 1 <= now < 1.5
        del caught


def test_history_records_an_object_once(memory: Callable[[], tuple[float, float]]) -> None:
    """As its maker's output and its reader's input it is the same record."""
    pipeline = chain(5, track_history=True)
    result = pipeline.run()
    now, _ = memory()
    assert len(result.history) == 5
    assert 5 <= now < 5.5
    result.history[1].inputs["x1"][:] = 7
    assert result.history[0].outputs["x1"][0] == 1


def test_what_a_node_gets_last_is_not_kept_beside_it(
    memory: Callable[[], tuple[float, float]],
) -> None:
    """Its own function may drop an input before it makes something large."""

    def add_one(array: Any) -> Any:
        array += 1
        return array

    nodes = [Node(block, [], ["x0"])]
    nodes += [Node(add_one, [f"x{i}"], [f"x{i + 1}"], name=f"n{i}") for i in range(5)]
    result = Pipeline(nodes).run()
    _, peak = memory()
    assert result["x5"][0] == 6
    assert peak < 1.5  # changed in place all the way


# Size, threads, processes.


def add_one(x: int) -> int:
    return x + 1


def long_chain(n_nodes: int) -> list[Node]:
    return [Node(add_one, [f"x{i}"], [f"x{i + 1}"]) for i in range(n_nodes)]


def test_ten_thousand_nodes_run_pickle_and_slice() -> None:
    """No part of it recurses."""
    pipeline = Pipeline(long_chain(10_000), x0=0)
    assert pipeline.run()["x10000"] == 10_000
    assert pickle.loads(pickle.dumps(pipeline)).run()["x10000"] == 10_000
    assert len(pipeline.to_outputs("x5000")) == 5_000
    assert len(pipeline.run().steps) == 10_000


def test_many_pipelines_add_up() -> None:
    """``sum`` of two thousand."""
    parts = [Pipeline([node]) for node in long_chain(2_000)]
    assert sum(parts).bind(x0=0).run()["x2000"] == 2_000  # type: ignore[union-attr]


def spoil_and_total(frame: pd.DataFrame, rows: list[Any], array: Any) -> float:
    total = float(frame["number"].sum()) + len(rows) + float(array.sum())
    spoil([frame, rows, array], 50)
    return total


def busy() -> Pipeline:
    reads = ["frame", "rows", "made"]
    nodes = [
        Node(lambda a: a * 2, ["array"], ["made"], name="make"),
        *(Node(spoil_and_total, reads, [f"t{i}"], name=f"s{i}") for i in range(5)),
    ]
    return Pipeline(nodes, frame=table(1), rows=[[1], {"a": [2]}], array=np.ones(100))


def test_a_pipeline_runs_in_many_threads_at_once() -> None:
    """Each run has its own copies of the constants."""
    pipeline = busy()
    expected = dict(pipeline.run())
    results: list[Any] = []

    def work() -> None:
        for _ in range(20):
            results.append(dict(pipeline.run()))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 120


def test_a_pipeline_goes_to_other_processes() -> None:
    """With its constants; functions of a module by pickle, all others by cloudpickle."""
    pipeline = busy()
    expected = dict(pipeline.run())
    again = pickle.loads(cloudpickle.dumps(pipeline))
    assert dict(again.run()) == expected
    assert dict(again.run()) == expected
    plain = Pipeline(long_chain(3), config={"a": [1]}, x0=1, rows=[[1]], frame=table(1))
    again = pickle.loads(pickle.dumps(plain))
    assert again.run()["x3"] == 4
    assert seen(again.get_obj_registry().get("frame")) == seen(table(1))
