"""Own code inside inputs and globals counts, and what changes by itself does not."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.core.reuse.chain import SWITCH, pipeline, ran, reasons, switch

from linepipe_core import (
    Node,
    Pipeline,
)
from linepipe_core._store.store import Store


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


def written_module(source: str, folder: Path | None = None) -> Any:
    """A module that can be found by name, as pickle wants it; with a folder, one with a file."""
    module = ModuleType("module_written_by_a_test")
    file, text = "<string>", textwrap.dedent(source)
    if folder is not None:
        file = module.__file__ = str(folder / f"{module.__name__}.py")
        Path(file).write_text(text)
    exec(compile(text, file, "exec", dont_inherit=True), module.__dict__)
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
    with Store(tmp_path / "cache") as store:
        assert store.current(["frame"])["frame"].about is None


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
    """Changes that the node makes to it don't count, and the plan names it."""
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
        """,
        tmp_path,
    )
    nodes = [Node(flow.node, ["n"], ["made"])]
    pipeline(tmp_path, nodes).run(reuse=True)
    plan = pipeline(tmp_path, nodes).plan()
    assert plan[0].action == "reuse"
    by_statements = "counts as it began: the node changes it while it runs"
    assert plan[0].untracked[:2] == (
        f"global calls {by_statements}",
        f"global memo {by_statements}",
    )
    assert f"node: global memo {by_statements}" in str(plan)
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []
    flow.memo.clear()
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []
    flow.T = 4
    assert reasons(pipeline(tmp_path, nodes).run(reuse=True), "node") == (
        "global T changed: 3 -> 4",
    )


def test_a_global_that_another_node_changes_is_no_change(tmp_path: Path) -> None:
    """As long as it is what that node left, or the statements are the same that made it."""
    flow = written_module(
        """
        shared = []
        def first(n): shared.append(n); return n
        def second(n): return len(shared)
        """
    )
    nodes = [Node(flow.first, ["n"], ["a"]), Node(flow.second, ["n"], ["b"])]
    pipeline(tmp_path, nodes).run(reuse=True)
    assert [entry.action for entry in pipeline(tmp_path, nodes).plan()] == ["reuse", "reuse"]
    flow.shared.append(1)
    plan = pipeline(tmp_path, nodes).plan()
    assert plan[1].reasons == ("global shared changed: [] -> [10, 1]",)


@pytest.mark.parametrize(("n_values", "actions"), [(3, ["reuse"]), (200_000, ["run"])])
def test_an_array_that_a_node_changes_is_looked_at_again_if_it_is_small(
    tmp_path: Path, n_values: int, actions: list[str]
) -> None:
    """Up to 1 MB; what is larger counts as it was when a run started."""
    flow = written_module(
        f"""
        import numpy
        counts = numpy.zeros({n_values})
        def count(n): counts[0] += 1; return n
        """
    )
    nodes = [Node(flow.count, ["n"], ["a"])]
    pipeline(tmp_path, nodes).run(reuse=True)
    assert [entry.action for entry in pipeline(tmp_path, nodes).plan()] == actions
    flow.counts[0] += 1
    assert [entry.action for entry in pipeline(tmp_path, nodes).plan()] == ["run"]


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
