"""No node spoils another's data: whole runs against an interpreter that copies everything."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from tests.core.kinds import KINDS, Own, spoil, table
from tests.core.likeness import seen
from tests.trying import examples

from linepipe_core import Node, Pipeline


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


class World:
    """The objects that a pipeline's functions keep: module globals, caches, closures."""

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
    """The expected result of a run, and its history."""
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


@examples(50)
@given(plans(), st.booleans())
def test_a_run_gives_the_same_as_copying_everything(
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
