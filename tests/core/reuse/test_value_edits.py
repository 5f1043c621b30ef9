"""Edits to constants and configs: those that a node can see make it run, others don't."""

from __future__ import annotations

import collections
import configparser
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pydantic
import pytest
from omegaconf import OmegaConf

from linepipe_core import Node, Pipeline


class Leaf:
    def __init__(self, value: Any, following: Any) -> None:
        self.value, self.following = value, following


def chain(value: Any, depth: int = 200) -> Leaf:
    link = Leaf(value, None)
    for _ in range(depth):
        link = Leaf(0, link)
    return link


def nested(value: Any, depth: int = 5000) -> list[Any]:
    held = [value]
    for _ in range(depth):
        held = [held]
    return held


def nested_dicts(value: Any, depth: int = 900) -> dict[str, Any]:
    held = {"a": value}
    for _ in range(depth):
        held = {"a": held}
    return held


class Model(pydantic.BaseModel):
    depth: int = 3
    names: list[str] = pydantic.Field(default_factory=list)


class Inner(pydantic.BaseModel):
    model: Model = pydantic.Field(default_factory=Model)


def shared(part: Any) -> list[Any]:
    return [part, part]


def section(text: str) -> Any:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser["model"]


class Edit(NamedTuple):
    """A value before and after an edit; ``runs`` if a node that reads it must run again."""

    before: Callable[[], Any]
    after: Callable[[], Any]
    runs: bool = True


EDITS = {
    "sharing in lists": Edit(lambda: [[0] * 2] * 3, lambda: [[0] * 2 for _ in range(3)]),
    "sharing in a dict": Edit(lambda: dict(zip("ab", shared([0]), strict=True)),
                              lambda: {"a": [0], "b": [0]}),
    "sharing of arrays": Edit(lambda: shared(np.ones(2)), lambda: [np.ones(2), np.ones(2)]),
    "sharing of objects": Edit(lambda: shared(Leaf(1, 2)), lambda: [Leaf(1, 2), Leaf(1, 2)]),
    "sharing of tuples": Edit(lambda: shared((1, "a")), lambda: [(1, "a"), (1, "a")], runs=False),
    "order of a dict": Edit(lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}),
    "order of an inner dict": Edit(lambda: [{"a": 1, "b": [2]}], lambda: [{"b": [2], "a": 1}]),
    "order of a counter": Edit(lambda: collections.Counter("ab"),
                               lambda: collections.Counter("ba")),
    "order of columns": Edit(lambda: pd.DataFrame({"a": [1], "b": [2]}),
                             lambda: pd.DataFrame({"b": [2], "a": [1]})),
    "order of attributes": Edit(lambda: with_attributes(a=1, b=2),
                                lambda: with_attributes(b=2, a=1), runs=False),
    "200 objects deep": Edit(lambda: chain(1), lambda: chain(2)),
    "one object deeper": Edit(lambda: chain(1), lambda: chain(1, 201)),
    "5,000 lists deep": Edit(lambda: nested(1), lambda: nested(2)),
    "900 dicts deep": Edit(lambda: nested_dicts(1), lambda: nested_dicts(1.0)),
    "no content": Edit(
        lambda: sqlite3.connect(":memory:"), lambda: sqlite3.connect(":memory:")),
    "no content in a list": Edit(lambda: [sqlite3.connect(":memory:")],
                                 lambda: [sqlite3.connect(":memory:")]),
    "no content in an object": Edit(lambda: Leaf((i for i in range(1)), 1),
                                    lambda: Leaf((i for i in range(1)), 1)),
    "a generator": Edit(lambda: (i for i in range(3)), lambda: (i for i in range(3))),
    "a sibling of a section": Edit(lambda: OmegaConf.create({"m": {"d": 3}, "p": 1})["m"],
                                   lambda: OmegaConf.create({"m": {"d": 3}, "p": 2})["m"],
                                   runs=False),
    "a section's reference": Edit(lambda: OmegaConf.create({"m": {"d": "${p}"}, "p": 1})["m"],
                                  lambda: OmegaConf.create({"m": {"d": "${p}"}, "p": 2})["m"]),
    "a reference by its value": Edit(lambda: OmegaConf.create({"m": {"d": "${p}"}, "p": 1})["m"],
                                     lambda: OmegaConf.create({"m": {"d": 1}, "p": 2})["m"],
                                     runs=False),
    "a parser's other section": Edit(lambda: section("[model]\nd=3\n[plot]\nc=1"),
                                     lambda: section("[model]\nd=3\n[plot]\nc=2"), runs=False),
    "a parser's default": Edit(lambda: section("[DEFAULT]\nd=3\n[model]\n"),
                               lambda: section("[DEFAULT]\nd=4\n[model]\n")),
    "a default given": Edit(Model, lambda: Model(depth=3)),
    "an inner default given": Edit(Inner, lambda: Inner(model=Model(depth=3))),
    "a default list given": Edit(Model, lambda: Model(names=[])),
    "a default assigned": Edit(Model, lambda: assigned(Model())),
}  # fmt: skip


def with_attributes(**attributes: Any) -> Leaf:
    leaf = Leaf.__new__(Leaf)
    vars(leaf).update(attributes)
    return leaf


def assigned(model: Model) -> Model:
    model.depth = 3
    return model


@pytest.mark.parametrize("where", ["constant", "config"])
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_to_a_value_makes_its_readers_run(name: str, where: str, tmp_path: Path) -> None:
    """As a constant and in the config; without an edit nothing runs, unless it has no content."""
    before, after, runs = EDITS[name]

    def status(value: Any) -> str:
        path = str(tmp_path / "cache")
        is_constant = where == "constant"
        pipeline = Pipeline(
            [Node(lambda _: 1, ["x" if is_constant else "config.x"], ["y"], name="read")],
            None if is_constant else {"x": value},
            use_persistent_cache=True,
            cache_storage_path=path,
            **({"x": value} if is_constant else {}),
        )
        return pipeline.run(reuse=True).steps[0].status

    assert status(before()) == "ran"
    if "no content" not in name and name != "a generator":
        assert status(before()) == "reused"
    assert status(after()) == ("ran" if runs else "reused")
