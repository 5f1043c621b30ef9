"""``run(reuse=True)`` and ``plan()``: what runs, what doesn't, and what is said about it."""

from __future__ import annotations

import logging
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linepipe_core import (
    Hook,
    Node,
    NodeExecutionError,
    Pipeline,
    RunResult,
    RunStateError,
    Step,
    UnknownNameError,
    create_named_partial_function,
)
from linepipe_core.shelf import ObjectShelf

CALLS: list[str] = []


@pytest.fixture(autouse=True)
def _forget() -> None:
    CALLS.clear()
    SWITCH.clear()


SWITCH: dict[str, Any] = {}  # what nodes read and tests turn; made by a function, so no global


def called(name: str) -> None:
    """Note a call where no fingerprint sees it: through a module looked up by name."""
    sys.modules[__name__].CALLS.append(name)


def switch(name: str, default: Any = None) -> Any:
    return sys.modules[__name__].SWITCH.get(name, default)


def load(n: int) -> list[int]:
    called("load")
    return list(range(n))


def clean(raw: list[int], limit: int) -> list[int]:
    called("clean")
    return [x for x in raw if x < limit]


def total(cleaned: list[int]) -> int:
    called("total")
    return sum(cleaned)


def write(total: int) -> None:
    called("write")


class Connection:
    """Can't be pickled."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.lock = threading.Lock()


def connect(url: str) -> Connection:
    called("connect")
    return Connection(url)


def fetch(connection: Connection) -> str:
    called("fetch")
    return connection.url.upper()


CHAIN = [
    Node(load, ["n"], ["raw"]),
    Node(clean, ["raw", "config.limit"], ["cleaned"]),
    Node(total, ["cleaned"], ["total"]),
    Node(write, ["total"], []),
]


def pipeline(path: Path, nodes: Any = None, limit: Any = 5, n: Any = 10, **more: Any) -> Pipeline:
    config = {"limit": limit, "url": "sqlite://a", "other": 1}
    return Pipeline(
        CHAIN if nodes is None else nodes,
        config=config,
        use_persistent_cache=True,
        cache_storage_path=path / "cache",
        n=n,
        **more,
    )


def ran(result: RunResult) -> list[str]:
    return [step.node.name for step in result.steps if step.status == "ran"]


def reasons(result: RunResult, name: str) -> tuple[str, ...]:
    return next(step.reasons for step in result.steps if step.node.name == name)


def test_a_second_run_runs_nothing(tmp_path: Path) -> None:
    """Writers included; and the result is the same."""
    first = pipeline(tmp_path).run(reuse=True)
    assert ran(first) == ["load", "clean", "total", "write"] == CALLS
    assert {step.reasons for step in first.steps} == {("never ran",)}
    second = pipeline(tmp_path).run(reuse=True, outputs=["total"])
    assert ran(second) == []
    assert {step.status for step in second.steps} == {"reused"}
    assert {step.reasons for step in second.steps} == {("nothing changed",)}
    assert all(step.seconds is None for step in second.steps)
    assert second["total"] == 10


def test_a_plain_run_with_the_cache_leaves_records(tmp_path: Path) -> None:
    """So that the next one may reuse what it made; it gives no reasons."""
    assert {step.reasons for step in pipeline(tmp_path).run().steps} == {()}
    assert ran(pipeline(tmp_path).run(reuse=True)) == []
    assert ran(pipeline(tmp_path).run()) == ["load", "clean", "total", "write"]


def test_keyword_inputs_in_another_order_change_nothing(tmp_path: Path) -> None:
    """But which parameter gets what does."""
    for ways, expected in (
        ({"raw": "p", "limit": "q"}, ["clean"]),
        ({"limit": "q", "raw": "p"}, []),
        ({"limit": "p", "raw": "q"}, ["clean"]),
    ):
        nodes = [Node(clean, ways, ["cleaned"])]
        given = {"p": [1, 2] if ways["raw"] == "p" else 5, "q": 5 if ways["raw"] == "p" else [1, 2]}
        assert ran(pipeline(tmp_path, nodes, **given).run(reuse=True)) == expected


def test_an_unchanged_result_leaves_its_readers_fresh(tmp_path: Path) -> None:
    """Early cutoff: clean runs for another limit and makes the same."""
    pipeline(tmp_path, limit=20).run()
    result = pipeline(tmp_path, limit=30).run(reuse=True)
    assert ran(result) == ["clean"]
    assert reasons(result, "clean") == ("config.limit changed: 20 -> 30",)


def test_all_reasons_are_told(tmp_path: Path) -> None:
    """Not only the first one found."""
    pipeline(tmp_path).run()
    nodes = [CHAIN[0], Node(total, ["raw"], ["cleaned"], name="clean"), *CHAIN[2:]]
    result = pipeline(tmp_path, nodes, n=11)
    plan = result.plan(rerun=["clean"])
    assert plan[1].reasons == (
        "asked for by rerun",
        "inputs changed: raw, config.limit -> raw",
        "its code changed",
    )


def test_values_of_other_types_differ(tmp_path: Path) -> None:
    """5, 5.0, "5" and True are four values."""
    for limit in (5, 5.0, True):
        assert "clean" in ran(pipeline(tmp_path, limit=limit).run(reuse=True)), limit


def test_a_config_text_is_not_told(tmp_path: Path) -> None:
    """It may be a password."""
    nodes = [Node(len, ["config.url"], ["length"])]
    pipeline(tmp_path, nodes).run()
    other = Pipeline(
        nodes, {"url": "secret"}, use_persistent_cache=True, cache_storage_path=tmp_path / "cache"
    )
    assert other.plan()[0].reasons == ("config.url changed",)


def test_a_changed_leaf_of_a_whole_config_value_is_named(tmp_path: Path) -> None:
    """Of a model or a mapping, old value and new; but no text, nor what holds texts."""

    class Training(pydantic.BaseModel):
        rate: float = 0.1
        deep: dict[str, Any] = {"depth": 3, "words": ["a"]}

    def flow_of(training: Training) -> Pipeline:
        return Pipeline(
            [Node(lambda training: 1, ["config.training"], ["made"], name="train")],
            {"training": training},
            use_persistent_cache=True,
            cache_storage_path=tmp_path / "cache",
        )

    flow_of(Training()).run(reuse=True)
    assert ran(flow_of(Training()).run(reuse=True)) == []
    assert flow_of(Training(rate=0.2)).plan()[0].reasons == (
        "config.training.rate changed: 0.1 -> 0.2",
    )
    other = Training(deep={"depth": 4, "words": ["b"], "more": 1})
    assert flow_of(other).plan()[0].reasons == (
        "config.training.deep.depth changed: 3 -> 4",
        "config.training.deep.words changed",
        "config.training.deep.more is new",
    )


def test_a_config_leaf_that_nobody_reads_changes_nothing(tmp_path: Path) -> None:
    """Only what is read counts."""
    nodes = [Node(clean, ["raw", "config.limit"], ["cleaned"])]
    for other in (1, 2):
        config = {"limit": 3, "other": other}
        made = Pipeline(
            nodes, config, use_persistent_cache=True, cache_storage_path=tmp_path / "c", raw=[1]
        ).run(reuse=True)
    assert ran(made) == []


def test_rerun_and_always_run(tmp_path: Path) -> None:
    """Whatever is fresh; what is downstream runs only for another result."""
    pipeline(tmp_path).run()
    again = pipeline(tmp_path).run(reuse=True, rerun=["load", "write"])
    assert ran(again) == ["load", "write"]
    assert reasons(again, "load") == ("asked for by rerun",)
    nodes = [Node(load, ["n"], ["raw"], always_run=True), *CHAIN[1:]]
    always = pipeline(tmp_path, nodes).run(reuse=True)
    assert ran(always) == ["load"]
    assert reasons(always, "load") == ("always_run",)


def test_an_unknown_rerun_is_refused(tmp_path: Path) -> None:
    """Before anything runs; a bare string too."""
    with pytest.raises(UnknownNameError, match="did you mean 'load'"):
        pipeline(tmp_path).run(reuse=True, rerun=["laod"])
    with pytest.raises(TypeError, match=r"write rerun=\['load'\]"):
        pipeline(tmp_path).plan(rerun="load")
    assert CALLS == []


def test_reuse_needs_the_persistent_cache() -> None:
    """And the error says how to mend it."""
    memory = Pipeline(CHAIN, {"limit": 1}, n=1)
    for ask in (lambda: memory.run(reuse=True), memory.plan):
        with pytest.raises(RunStateError, match="use_persistent_cache=True"):
            ask()


def test_a_failed_run_goes_on_where_it_failed(tmp_path: Path) -> None:
    """What ran before stays; the failed node and what follows run."""

    def brittle(cleaned: list[int]) -> int:
        if switch("broken", True):
            raise ValueError("broken")
        return len(cleaned)

    nodes = [*CHAIN[:2], Node(brittle, ["cleaned"], ["total"]), CHAIN[3]]
    with pytest.raises(NodeExecutionError):
        pipeline(tmp_path, nodes).run()
    SWITCH["broken"] = False
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == ["brittle", "write"]


def test_what_failed_before_it_was_stored_is_not_fresh(tmp_path: Path) -> None:
    """A node that ran and failed leaves its older record and output as they were."""
    pipeline(tmp_path).run()
    broken = [*CHAIN[:2], Node(lambda cleaned: 1 / 0, ["cleaned"], ["total"]), CHAIN[3]]
    with pytest.raises(NodeExecutionError):
        pipeline(tmp_path, broken).run(reuse=True)
    assert ran(pipeline(tmp_path).run(reuse=True)) == []


CONNECTED = [
    Node(connect, ["config.url"], ["connection"]),
    Node(fetch, ["connection"], ["text"]),
    Node(len, ["text"], ["length"], name="measure"),
]


def test_an_unpicklable_product_that_nobody_needs_is_not_made(tmp_path: Path) -> None:
    """Nor is it when only a later node runs."""
    pipeline(tmp_path, CONNECTED).run()
    assert ran(pipeline(tmp_path, CONNECTED).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, CONNECTED).run(reuse=True, rerun=["measure"])) == ["measure"]


def test_an_unpicklable_product_is_made_for_who_needs_it(tmp_path: Path) -> None:
    """And the reason says for whom."""
    pipeline(tmp_path, CONNECTED).run()
    again = pipeline(tmp_path, CONNECTED).run(reuse=True, rerun=["fetch"])
    assert ran(again) == ["connect", "fetch"]
    assert reasons(again, "connect") == ("connection can't be kept, and fetch needs it",)


def test_an_unpicklable_product_is_put_off_until_it_is_known_who_needs_it(
    tmp_path: Path,
) -> None:
    """The readers may turn out fresh; then neither it nor what it is made of is made."""

    def session(connection: Connection, n: int) -> Connection:
        called("session")
        return connection

    def fetch_many(session: Connection, cleaned: list[int]) -> list[str]:
        called("fetch_many")
        return [session.url for _ in cleaned]

    nodes = [
        CHAIN[0],
        Node(connect, ["config.url"], ["connection"]),
        Node(session, ["connection", "n"], ["session"]),
        CHAIN[1],
        Node(fetch_many, ["session", "cleaned"], ["texts"]),
    ]
    pipeline(tmp_path, nodes, limit=20).run()
    unneeded = pipeline(tmp_path, nodes, limit=30)
    assert [e.action for e in unneeded.plan()] == ["reuse", "maybe", "maybe", "run", "maybe"]
    result = unneeded.run(reuse=True)
    assert ran(result) == ["clean"]
    assert reasons(result, "connect") == ("nothing changed", "put off until somebody needs it")
    CALLS.clear()
    needed = pipeline(tmp_path, nodes, limit=3).run(reuse=True)
    assert ran(needed) == ["connect", "session", "clean", "fetch_many"]
    assert CALLS == ["clean", "connect", "session", "fetch_many"]
    assert reasons(needed, "session") == ("session can't be kept, and fetch_many needs it",)
    assert needed["texts"] == ["sqlite://a"] * 3


def test_a_failure_of_what_was_put_off_is_its_own(tmp_path: Path) -> None:
    """The report names the node that failed, and the reader has had no turn."""

    def connect_badly(url: str) -> Connection:
        if switch("broken"):
            raise OSError("refused")
        return Connection(url)

    def fetch_many(connection: Connection, cleaned: list[int]) -> int:
        return len(cleaned)

    nodes = [
        Node(connect_badly, ["config.url"], ["connection"]),
        *CHAIN[:2],
        Node(fetch_many, ["connection", "cleaned"], ["n_texts"]),
    ]
    pipeline(tmp_path, nodes).run()
    SWITCH["broken"] = True
    with pytest.raises(NodeExecutionError, match="node 1 of 4 'connect_badly'") as caught:
        pipeline(tmp_path, nodes, limit=3).run(reuse=True)
    assert [s.status for s in caught.value.steps] == ["failed", "reused", "ran", "pending"]


def test_an_unpicklable_product_counts_by_how_it_was_made(tmp_path: Path) -> None:
    """Another url is another connection."""
    pipeline(tmp_path, CONNECTED).run()
    other = Pipeline(
        CONNECTED,
        {"url": "sqlite://b"},
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    assert [entry.action for entry in other.plan()] == ["run", "maybe", "maybe"]
    result = other.run(reuse=True)
    assert ran(result) == ["connect", "fetch", "measure"]
    assert reasons(result, "fetch") == ("input connection changed",)


@pytest.mark.parametrize("how", ["always_run", "rerun"])
def test_what_cannot_be_kept_counts_as_new_when_told_to_run(tmp_path: Path, how: str) -> None:
    """Nobody can see what is in a generator; its readers run, and the plan says so."""

    def rows() -> Any:
        return (row for row in [switch("row")])

    def largest(rows: Any) -> int:
        return int(max(rows))

    nodes = [
        Node(rows, [], ["rows"], always_run=how == "always_run"),
        Node(largest, ["rows"], ["largest"]),
        Node(abs, ["largest"], ["size"], name="measure"),
    ]
    again = ["rows"] if how == "rerun" else []
    for row in (1, 2, 2, -2):
        SWITCH["row"] = row
        if row != 1:
            plan = pipeline(tmp_path, nodes).plan(rerun=again)
            assert [entry.action for entry in plan] == ["run", "run", "maybe"]
        result = pipeline(tmp_path, nodes).run(reuse=True, rerun=again, outputs=["largest"])
        assert result["largest"] == row
    if how == "rerun":
        assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []


def test_an_unpicklable_result_is_made_each_time(tmp_path: Path) -> None:
    """Somebody asked for it."""
    nodes = CONNECTED[:1]
    pipeline(tmp_path, nodes).run(reuse=True)
    again = pipeline(tmp_path, nodes).run(reuse=True)
    assert reasons(again, "connect") == ("connection can't be kept, and is a result",)
    assert again["connection"].url == "sqlite://a"


def test_a_result_that_is_reused_is_read_only_when_looked_at(tmp_path: Path) -> None:
    """Unpickling it would call this class."""
    nodes = [Node(Loud, [], ["loud"])]
    pipeline(tmp_path, nodes).run(reuse=True)
    CALLS.clear()
    result = pipeline(tmp_path, nodes).run(reuse=True)
    assert ran(result) == []
    assert CALLS == []
    assert isinstance(result["loud"], Loud)
    assert CALLS == ["unpickled"]


class Loud:
    def __setstate__(self, state: object) -> None:
        called("unpickled")

    def __getstate__(self) -> str:
        return "state"


def test_a_removed_object_is_made_again(tmp_path: Path) -> None:
    """And the reason names it."""
    pipeline(tmp_path).run()
    with ObjectShelf(tmp_path / "cache") as shelf:
        del shelf["cleaned"]
    result = pipeline(tmp_path).run(reuse=True)
    assert ran(result) == ["clean"]
    assert reasons(result, "clean") == ("cleaned is gone from the shelf",)


def test_a_replaced_object_is_made_again(tmp_path: Path) -> None:
    """Somebody wrote another one: the record doesn't speak of it."""
    pipeline(tmp_path).run()
    with ObjectShelf(tmp_path / "cache") as shelf:
        shelf["cleaned"] = [99]
    result = pipeline(tmp_path).run(reuse=True)
    assert reasons(result, "clean") == ("cleaned was replaced on the shelf",)
    assert ran(result) == ["clean"]


def test_a_damaged_buffer_is_made_again(tmp_path: Path) -> None:
    """An object whose bytes are cut short counts as missing."""
    nodes = [Node(np.arange, ["n"], ["array"]), Node(len, ["array"], ["length"], name="measure")]
    pipeline(tmp_path, nodes, n=500_000).run()
    for file in (tmp_path / "cache.buffers").rglob("*"):
        if file.is_file() and file.stat().st_size > 100_000:
            file.chmod(0o600)
            file.write_bytes(b"short")
    result = pipeline(tmp_path, nodes, n=500_000).run(reuse=True, rerun=["measure"])
    assert ran(result) == ["arange", "measure"]
    assert result["length"] == 500_000


def test_two_pipelines_on_one_path_keep_out_of_each_others_way(tmp_path: Path) -> None:
    """Same object, made in two ways: each in turn finds the other's, and says so."""

    def halve(raw: list[int]) -> list[int]:
        return raw[::2]

    one = pipeline(tmp_path)
    other = pipeline(tmp_path, [CHAIN[0], Node(halve, ["raw"], ["cleaned"])])
    one.run(reuse=True)
    assert ran(other.run(reuse=True)) == ["halve"]
    again = one.run(reuse=True)
    assert ran(again) == ["clean"]  # what it makes is what total has read
    assert "its code changed" in reasons(again, "clean")
    full = Pipeline(CHAIN, {"limit": 5}, n=10).run(outputs=["total"])
    assert one.run(reuse=True, outputs=["total"])["total"] == full["total"]


def test_pipelines_grow_shrink_and_are_reordered(tmp_path: Path) -> None:
    """What they have in common stays fresh."""
    pipeline(tmp_path, CHAIN[:2]).run(reuse=True)
    side = Node(max, ["raw"], ["highest"])
    grown = [CHAIN[0], side, *CHAIN[1:]]
    assert ran(pipeline(tmp_path, grown).run(reuse=True)) == ["max", "total", "write"]
    moved = [CHAIN[0], *CHAIN[1:3], side, CHAIN[3]]
    assert ran(pipeline(tmp_path, moved).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, CHAIN[:1]).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, grown).run(reuse=True)) == []


def test_a_slice_reads_what_the_whole_made(tmp_path: Path) -> None:
    """And the other way round."""
    whole = pipeline(tmp_path)
    whole.run()
    assert ran(whole.from_nodes("total").run(reuse=True)) == []
    assert ran(whole.to_outputs("cleaned").run(reuse=True)) == []
    ObjectShelf(tmp_path / "cache").__setitem__("cleaned", [1, 2])
    assert ran(whole.from_nodes("total").run(reuse=True)) == ["total", "write"]


def test_writers_of_the_same_objects_are_told_apart(tmp_path: Path) -> None:
    """Two writers made of one function."""

    def save(total: int, table: str) -> None:
        called(table)

    def nodes(second: str) -> list[Node]:
        names = ("a", second)
        writers = [create_named_partial_function(save, f"save_{n}", table=n) for n in names]
        return [*CHAIN[:3], *(Node(writer, ["total"], []) for writer in writers)]

    pipeline(tmp_path, nodes("b")).run(reuse=True)
    assert ran(pipeline(tmp_path, nodes("b")).run(reuse=True)) == []
    changed = pipeline(tmp_path, nodes("c")).run(reuse=True)
    assert ran(changed) == ["save_c"]
    assert reasons(changed, "save_c") == ("bound argument table changed: 'b' -> 'c'",)


def test_the_code_of_a_class_in_an_input_counts(tmp_path: Path) -> None:
    """A stored object's methods aren't in its pickle, but its readers call them."""
    flow = written_module(
        """
        class Model:
            def __init__(self, k): self.k = k
            def predict(self): return self.k
        def train(n): return [Model(n)]
        def predict(models): return models[0].predict()
        """
    )
    nodes = [Node(flow.train, ["n"], ["models"]), Node(flow.predict, ["models"], ["prediction"])]
    pipeline(tmp_path, nodes, n=3).run(reuse=True)
    assert ran(pipeline(tmp_path, nodes, n=3).run(reuse=True)) == []
    exec("def predict(self): return -self.k", flow.__dict__)
    flow.Model.predict = flow.predict_2 = flow.__dict__.pop("predict")
    flow.Model.predict.__qualname__ = "Model.predict"
    result = pipeline(tmp_path, nodes, n=3).run(reuse=True)
    assert "helper Model.predict() changed" in reasons(result, "predict")
    assert result["prediction"] == -3


def written_module(source: str) -> Any:
    """A module that can be found by name, as pickle wants it."""
    module = ModuleType("module_written_by_a_test")
    exec(textwrap.dedent(source), module.__dict__)
    sys.modules[module.__name__] = module
    return module


HELD = {
    "past many": "[*range(5000), K()]",
    "defaultdict": "collections.defaultdict(list, a=[K()])",
    "deque": "collections.deque([K()])",
    "OrderedDict": "collections.OrderedDict(a=K())",
    "namespace": "types.SimpleNamespace(k=K())",
    "array of objects": "np.array([K(), None])",
    "column of objects": "pd.DataFrame({'a': [K()]})",
    "own list": "L([K()])",
    "NamedTuple": "T(K())",
    "bound method": "K().value",
    "class": "[K]",
    "function": "{'f': function}",
}


@pytest.mark.parametrize("held", HELD.values(), ids=list(HELD))
def test_own_code_counts_wherever_it_is_in_an_object(tmp_path: Path, held: str) -> None:
    """Its readers may call it, and no byte of the object tells that it changed."""
    flow = written_module(
        f"""
        import collections, types
        import numpy as np, pandas as pd
        from typing import Any, NamedTuple
        class L(list): pass
        class T(NamedTuple):
            k: Any
        class K:
            def value(self): return 1
        def function(): return 1
        def make(): return {held}
        def read(made): return 1
        """
    )
    nodes = [Node(flow.make, [], ["made"]), Node(flow.read, ["made"], ["read"])]
    pipeline(tmp_path, nodes).run()
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []
    for each in (flow.K.value, flow.function):
        each.__code__ = (lambda *_: 2).__code__
    assert "read" in ran(pipeline(tmp_path, nodes).run(reuse=True))


def test_types_that_libraries_pickle_with_are_not_own_code(tmp_path: Path) -> None:
    """The next process may not have loaded them when it takes fingerprints."""
    import pandas as pd

    nodes = [Node(pd.DataFrame, ["columns"], ["frame"], name="make")]
    pipeline(tmp_path, nodes, columns={"a": [object, 1]}).run()
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert shelf.record("object frame") is None


SETS = {
    "own set": "S({})",
    "own list": "L([{}])",
    "OrderedDict": "collections.OrderedDict(a={})",
    "namespace": "types.SimpleNamespace(k=frozenset({}))",
    "column of objects": "pd.DataFrame({{'a': [{}]}})",
    "past many": "[*range(5000), {}]",
}


@pytest.mark.parametrize("held", SETS.values(), ids=list(SETS))
def test_a_set_made_again_is_no_change_wherever_it_is(tmp_path: Path, held: str) -> None:
    """In another process strings hash otherwise; here the set is filled the other way around."""
    flow = written_module(
        f"""
        import collections, types
        import pandas as pd
        class L(list): pass
        class S(set): pass
        def make(words): return {held.format("set(words)")}
        def read(made): return 1
        """
    )
    nodes = [Node(flow.make, ["words"], ["made"]), Node(flow.read, ["made"], ["read"])]
    words = [str(number) for number in range(100)]
    pipeline(tmp_path, nodes, words=words).run()
    result = pipeline(tmp_path, nodes, words=words[::-1]).run(reuse=True)
    assert ran(result) == ["make"]


def test_a_set_made_again_is_no_change(tmp_path: Path) -> None:
    """Its pickle depends on the order in which it was filled."""

    def words(n: int) -> dict[str, set[str]]:
        numbers = list(range(n))
        return {"words": {str(i) for i in (numbers if switch("up", True) else numbers[::-1])}}

    nodes = [Node(words, ["n"], ["words"]), Node(len, ["words"], ["length"], name="measure")]
    pipeline(tmp_path, nodes, n=1000).run(reuse=True)
    SWITCH["up"] = False
    assert ran(pipeline(tmp_path, nodes, n=1000).run(reuse=True, rerun=["words"])) == ["words"]


def test_a_memo_that_a_node_fills_is_state(tmp_path: Path) -> None:
    """What the node makes of it doesn't count, and the plan names it."""
    flow = written_module(
        """
        memo = {}
        calls = 0
        T = 3
        def node(n):
            global calls
            calls += 1
            memo[n] = T
            return n
        """
    )
    nodes = [Node(flow.node, ["n"], ["made"])]
    pipeline(tmp_path, nodes).run(reuse=True)
    plan = pipeline(tmp_path, nodes).plan()
    assert plan[0].action == "reuse"
    assert plan[0].untracked == (
        "global calls is left out: the node changes it itself",
        "global memo is left out once a process has begun: the node changes it itself",
    )
    assert "node: global memo is left out once a process has begun" in str(plan)
    flow.memo.clear()
    flow.calls = 99
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []
    flow.T = 4
    assert reasons(pipeline(tmp_path, nodes).run(reuse=True), "node") == (
        "global T changed: 3 -> 4",
    )
    flow.T = 5
    flow.memo[10] = 5  # nothing to change for the node this time, and state all the same
    pipeline(tmp_path, nodes).run(reuse=True)
    flow.memo.clear()
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []


def test_a_global_that_another_node_changes_counts(tmp_path: Path) -> None:
    """State of one, a parameter of the other: as it was when the run started."""
    flow = written_module(
        """
        shared = []
        def first(n): shared.append(n); return n
        def second(n): return len(shared)
        """
    )
    nodes = [Node(flow.first, ["n"], ["a"]), Node(flow.second, ["n"], ["b"])]
    pipeline(tmp_path, nodes).run(reuse=True)
    plan = pipeline(tmp_path, nodes).plan()
    assert [entry.action for entry in plan] == ["reuse", "run"]
    assert plan[1].reasons == ("global shared changed: [] -> [10]",)


def test_a_counting_object_stays_fresh_and_its_parameters_count(tmp_path: Path) -> None:
    """Only the attribute that the node changes is left out."""
    flow = written_module(
        """
        class Scaler:
            def __init__(self, k): self.k, self.n_calls = k, 0
            def __call__(self, n):
                self.n_calls += 1
                return self.k * n
        """
    )

    def flow_of(k: int) -> Pipeline:
        return pipeline(tmp_path, [Node(flow.Scaler(k), ["n"], ["scaled"])])

    first = flow_of(2)
    first.run(reuse=True)
    assert ran(first.run(reuse=True)) == []
    assert ran(flow_of(2).run(reuse=True)) == []
    again = flow_of(3).run(reuse=True)
    assert reasons(again, "Scaler") == ("object Scaler.k changed: 2 -> 3",)
    assert again["scaled"] == 30


def test_the_code_of_a_function_in_an_input_counts(tmp_path: Path) -> None:
    """One node makes it, the next one calls it."""
    flow = written_module(
        """
        def helper(x): return x + 1
        def choose(n): return {"chosen": helper}
        def call(chosen): return chosen["chosen"](1)
        """
    )
    nodes = [Node(flow.choose, ["n"], ["chosen"]), Node(flow.call, ["chosen"], ["made"])]
    pipeline(tmp_path, nodes).run(reuse=True)
    flow.helper.__code__ = (lambda x: x + 2).__code__
    again = pipeline(tmp_path, nodes).run(reuse=True)
    assert again["made"] == 3
    assert "helper helper() changed" in reasons(again, "call")


@pytest.mark.parametrize("n_before", range(5))
def test_another_runs_objects_are_not_taken(tmp_path: Path, n_before: int) -> None:
    """Another run on the same path, with another config, at any moment of this one."""
    kept = ["raw", "cleaned", "total"]
    expected = dict(pipeline(tmp_path).run(outputs=kept))
    with pipeline(tmp_path).start(reuse=True, rerun=["total"], outputs=kept) as run:
        for _ in range(n_before):
            next(run)
        pipeline(tmp_path, n=3).run()
        assert dict(run.finish()) == expected
    assert dict(pipeline(tmp_path).run(reuse=True, outputs=kept)) == expected


def test_what_is_lost_before_its_turn_is_made_again(tmp_path: Path) -> None:
    """Judged fresh when the run starts, gone when its turn comes; its readers stay fresh."""
    pipeline(tmp_path).run()
    with pipeline(tmp_path).start(reuse=True, outputs=["cleaned"]) as run:
        with ObjectShelf(tmp_path / "cache") as shelf:
            del shelf["cleaned"]
        result = run.finish()
    assert ran(result) == ["clean"]
    assert reasons(result, "clean") == ("cleaned was just replaced on the shelf, or removed",)
    assert result["cleaned"] == [0, 1, 2, 3, 4]


def test_a_reader_that_must_run_after_all_gets_what_cannot_be_kept(tmp_path: Path) -> None:
    """The connection wasn't needed at its turn; then what was made of it is lost."""
    nodes = [
        Node(connect, ["config.url"], ["connection"]),
        Node(fetch, ["connection"], ["rows"]),
    ]
    pipeline(tmp_path, nodes).run(outputs=["rows"])
    with pipeline(tmp_path, nodes).start(reuse=True, outputs=["rows"]) as run:
        next(run)
        with ObjectShelf(tmp_path / "cache") as shelf:
            del shelf["rows"]
        result = run.finish()
    assert ran(result) == ["connect", "fetch"]
    assert result["rows"] == "SQLITE://A"


def test_a_free_object_is_read_as_it_was_when_the_run_started(tmp_path: Path) -> None:
    """And that is what the record says of it."""
    nodes = [Node(total, ["cleaned"], ["total"])]
    with ObjectShelf(tmp_path / "cache") as shelf:
        shelf["cleaned"] = [1, 2]
    with pipeline(tmp_path, nodes).start(reuse=True) as run:
        with ObjectShelf(tmp_path / "cache") as shelf:
            shelf["cleaned"] = [1, 2, 3]
        assert run.finish()["total"] == 3
    again = pipeline(tmp_path, nodes).run(reuse=True)
    assert ran(again) == ["total"]
    assert again["total"] == 6


def test_inputs_are_fingerprinted_before_a_node_runs(tmp_path: Path) -> None:
    """A node that spoils its input leaves a record of what it got."""

    def spoil(raw: list[int]) -> int:
        raw.append(1)
        return len(raw)

    nodes = [CHAIN[0], Node(spoil, ["raw"], ["n_raw"]), Node(spoil, ["given"], ["n_given"])]
    pipeline(tmp_path, nodes, given=[1]).run(reuse=True)
    assert ran(pipeline(tmp_path, nodes, given=[1]).run(reuse=True)) == []


def test_an_object_put_in_by_hand_counts(tmp_path: Path) -> None:
    """Between two steps, and the nodes that read it run."""
    pipeline(tmp_path).run()
    with pipeline(tmp_path).start(reuse=True) as run:
        next(run)
        run.registry.set("raw", [1, 2])
        result = run.finish()
    assert ran(result) == ["clean", "total", "write"]
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert shelf["total"] == 3
    assert ran(pipeline(tmp_path).run(reuse=True)) == ["load", "clean", "total", "write"]


def test_a_plan_prints_as_a_table(tmp_path: Path) -> None:
    """With all the reasons, and what is never tracked."""
    pipeline(tmp_path).run()
    assert str(pipeline(tmp_path, limit=7).plan()) == (
        "   node   action  reasons\n"
        "1  load   reuse   nothing changed\n"
        "2  clean  run     config.limit changed: 5 -> 7\n"
        "3  total  maybe   input cleaned may change\n"
        "4  write  maybe   input total may change\n"
        "\n"
        "not tracked:\n"
        "  load: what sys.modules gives\n"
        "  clean: what sys.modules gives\n"
        "  total: what sys.modules gives\n"
        "  write: what sys.modules gives\n"
        "  calls by a computed name (getattr, eval), C code, files, databases, the network, "
        "the clock, docstrings and the type hints of functions"
    )
    plan = pipeline(tmp_path, limit=7).plan()
    assert repr(plan) == "<Plan of 4 nodes: 1 run, 1 reuse, 2 maybe>"
    assert [entry.node for entry in plan[1:3]] == CHAIN[1:3]
    assert len(plan) == 4


def test_a_plan_names_what_it_cannot_see(tmp_path: Path) -> None:
    """Of each node: files that it opens, what can't be hashed."""

    def read(path: str) -> int:
        with LOCK, open(path) as file:
            return len(file.read())

    config = {"path": __file__}
    cached = Pipeline(
        [Node(read, ["config.path"], ["length"])],
        config,
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    assert cached.plan().untracked[:2] == (
        "read: global LOCK (lock) can't be hashed and counts by its looks",
        "read: what open gives",
    )


LOCK = threading.Lock()


def test_a_plan_runs_and_changes_nothing(tmp_path: Path) -> None:
    """Twice the same, and nothing was called."""
    pipeline(tmp_path).run()
    CALLS.clear()
    one, two = (str(pipeline(tmp_path, n=11).plan()) for _ in range(2))
    assert one == two
    assert CALLS == []


def test_hooks_see_the_reasons_and_what_is_reused(tmp_path: Path) -> None:
    """Before a node's turn, and after it."""
    seen: list[tuple[str, str, tuple[str, ...]]] = []

    class Watch(Hook):
        def before_node(self, step: Step) -> None:
            seen.append((step.node.name, step.status, step.reasons))

        def after_node(self, step: Step) -> None:
            seen.append((step.node.name, step.status, step.reasons))

    pipeline(tmp_path, CHAIN[:1]).run()
    pipeline(tmp_path, CHAIN[:1]).run(reuse=True, hooks=[Watch()])
    why = ("nothing changed",)
    assert seen == [("load", "running", why), ("load", "reused", why)]


def test_history_tells_what_was_reused(tmp_path: Path) -> None:
    """With the objects it would have made."""
    nodes = [*CHAIN[:2], *CONNECTED]
    for _ in range(2):
        made = Pipeline(
            nodes,
            {"limit": 5, "url": "u"},
            track_history=True,
            use_persistent_cache=True,
            cache_storage_path=tmp_path / "cache",
            n=10,
        )
        made.run(reuse=True)
    assert [entry.status for entry in made.history] == ["reused"] * 5
    assert made.history[1].outputs["cleaned"] == [0, 1, 2, 3, 4]
    assert made.history[3].inputs.keys() == set()  # the connection wasn't made


def test_a_record_of_another_format_counts_as_none(tmp_path: Path) -> None:
    """Of a version to come, or spoilt."""
    pipeline(tmp_path).run()
    with ObjectShelf(tmp_path / "cache") as shelf:
        keys = [key for key in shelf.records() if key.startswith("made")]
        shelf.store({}, records=dict(zip(keys, ("nonsense", "[99]", "{}"), strict=True)))
    plan = pipeline(tmp_path).plan()
    assert [entry.reasons for entry in plan[:3]] == [("never ran",)] * 3


def test_reused_inputs_log_nothing_but_their_turn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each node, at INFO."""
    pipeline(tmp_path).run()
    with caplog.at_level(logging.INFO, "linepipe.run"):
        pipeline(tmp_path).run(reuse=True)
    assert "total reused" in caplog.messages


# --- the law: reuse gives what a full run gives, and a second one runs nothing ----------------

OPERATIONS = ("x + K", "x - K", "x * K", "min(x, K)", "bool(x)", "helper(x)", "-helper(x) % 7")


class Sealed:
    """An object that can't be pickled."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __reduce__(self) -> Any:
        raise TypeError("sealed")


def opened(value: Any) -> Any:
    return value.value if isinstance(value, Sealed) else value


specs: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "operation": st.sampled_from(OPERATIONS),
        "k": st.integers(0, 3),
        "helper_k": st.integers(0, 2),
        "reads": st.lists(st.integers(0, 9), max_size=3),
        "config": st.sampled_from(["a", "b", None]),
        "constant": st.sampled_from(["c", "d", None]),
        "sealed": st.sampled_from([False, False, False, True]),
        "always": st.sampled_from([False] * 6 + [True]),
        "label": st.sampled_from(["", "renamed"]),
    }
)
states: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "nodes": st.lists(specs, min_size=1, max_size=6),
        "config": st.fixed_dictionaries({"a": st.integers(0, 2), "b": st.integers(0, 2)}),
        "constants": st.fixed_dictionaries({"c": st.integers(0, 2), "d": st.integers(0, 2)}),
    }
)


def built_function(spec: dict[str, Any]) -> Callable[..., Any]:
    """A function of the spec, in a module of its own."""
    space: dict[str, Any] = {"opened": opened, "Sealed": Sealed, "__name__": "drawn"}
    exec(
        f"K = {spec['k']}\nHK = {spec['helper_k']}\n"
        "def helper(x): return x * HK\n"
        "def func(*values):\n"
        "    x = sum(map(opened, values))\n"
        f"    x = {spec['operation']}\n"
        f"    return {'Sealed(x)' if spec['sealed'] else 'x'}\n",
        space,
    )
    func: Callable[..., Any] = space["func"]
    return func


def built(state: dict[str, Any], **options: Any) -> Pipeline:
    nodes = []
    for index, spec in enumerate(state["nodes"]):
        reads = [f"o{i % index}" for i in spec["reads"]] if index else []
        reads += [f"config.{spec['config']}"] if spec["config"] else []
        reads += [spec["constant"]] if spec["constant"] else []
        name = f"n{index}{spec['label']}"
        nodes.append(
            Node(built_function(spec), reads, [f"o{index}"], name=name, always_run=spec["always"])
        )
    return Pipeline(nodes, state["config"], **options, **state["constants"])


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A pipeline, and what becomes of it by small edits."""
    state = draw(states)
    history = [state]
    for _ in range(draw(st.integers(1, 4))):
        state = {**state, "nodes": list(state["nodes"])}
        what = draw(st.sampled_from(["node", "config", "constants", "grow", "shrink", "nothing"]))
        if what == "node":
            place = draw(st.integers(0, len(state["nodes"]) - 1))
            part = draw(st.sampled_from(sorted(state["nodes"][place])))
            other = draw(specs)
            state["nodes"][place] = {**state["nodes"][place], part: other[part]}
        elif what == "grow":
            state["nodes"].append(draw(specs))
        elif what == "shrink" and len(state["nodes"]) > 1:
            state["nodes"].pop()
        elif what in ("config", "constants"):
            state[what] = draw(states)[what]
        history.append(state)
    return history


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories())
def test_reuse_gives_what_a_full_run_gives(
    tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, Any]]
) -> None:
    """Whatever was edited; what ran is what the plan said; a second run runs nothing."""
    path = tmp_path_factory.mktemp("law") / "cache"
    for state in history:
        cached = built(state, use_persistent_cache=True, cache_storage_path=path)
        full = built(state).run()
        plan = {entry.node.name: entry for entry in cached.plan()}
        result = cached.run(reuse=True)
        assert {n: opened(result[n]) for n in result} == {n: opened(full[n]) for n in full}
        for step in result.steps:
            said = plan[step.node.name]
            assert said.action in ("maybe", "run" if step.status == "ran" else "reuse")
            if said.action != "maybe":
                assert said.reasons == step.reasons
        again = cached.run(reuse=True)
        allowed = ["always_run", "can't be kept"]
        for step, spec in zip(again.steps, state["nodes"], strict=True):
            if step.status == "ran":
                assert any(why in reason for reason in step.reasons for why in allowed)
                if spec["sealed"]:  # told to run, it makes what can't be told from something new
                    allowed += [f"input {name} changed" for name in step.node.outputs]
        assert {n: opened(again[n]) for n in again} == {n: opened(full[n]) for n in full}
