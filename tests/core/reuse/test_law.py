"""The law of reuse: it gives what a full run gives, and a second run runs nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trying import examples

from linepipe_core import (
    Node,
    Pipeline,
)

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


@examples(30)
@given(histories())
def test_reuse_gives_the_same_as_a_full_run(
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
