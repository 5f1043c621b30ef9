"""Other names for some nodes and objects disturb no reuse of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trying import examples

from linepipe_core import Node, Pipeline


def add(x: int) -> int:
    return x + 1


def double(y: int) -> int:
    return y * 2


def less(z: int) -> int:
    return z - 1


def write(z: int) -> None:
    pass


def flow(path: Path) -> Pipeline:
    nodes = [
        Node(add, ["x"], ["y"]),
        Node(double, ["y"], ["z"]),
        Node(less, ["z"], ["less"]),
        Node(write, ["z"], []),
        Node(add, ["x"], ["beside"], name="beside"),
    ]
    return Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path / "shelf", x=1)


def ran(pipeline: Pipeline) -> list[str]:
    """The nodes that aren't reused."""
    return [step.node.name for step in pipeline.run(reuse=True).steps if step.status == "ran"]


def test_node_names_do_not_count(tmp_path: Path) -> None:
    """What a node is called is no part of what it makes."""
    pipeline = flow(tmp_path)
    pipeline.run()
    assert ran(pipeline.rename(nodes={"add": "increment", "write": "tell"})) == []
    assert ran(pipeline.rename({}, prefix="t_", keep=("x", "y", "z", "less", "beside"))) == []


def test_a_renamed_object_concerns_its_maker_and_readers_alone(tmp_path: Path) -> None:
    """What it makes is the same, so what follows is reused."""
    pipeline = flow(tmp_path)
    pipeline.run()
    renamed = pipeline.rename({"y": "why"})
    assert ran(renamed) == ["add", "double"]
    assert ran(renamed) == ran(pipeline) == []


def test_both_uses_of_one_declaration_are_reused(tmp_path: Path) -> None:
    """On one shelf, neither displaces the other."""
    pipeline = flow(tmp_path)
    both = pipeline.rename(prefix="train_", keep=("x",)) + pipeline.rename(prefix="test_")
    both = both.bind(test_x=5)
    both.run()
    assert ran(both) == []
    assert ran(both.bind(test_x=6)) == [
        f"test_{name}" for name in ("add", "double", "less", "write", "beside")
    ]
    assert ran(both) == ["test_write"]  # what a writer wrote isn't there any more


OBJECTS = ("x", "y", "z", "less", "beside")


@examples(25)
@given(chosen=st.sets(st.sampled_from(OBJECTS)), nodes=st.sets(st.sampled_from(["add", "write"])))
def test_any_renaming_leaves_the_rest_fresh(
    chosen: set[str], nodes: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Only nodes that read or make a renamed object run; and the values are the same."""
    pipeline = flow(tmp_path_factory.mktemp("rename"))
    whole: dict[str, Any] = dict(pipeline.run())
    new = {name: f"new_{name}" for name in chosen}
    renamed = pipeline.rename(new, nodes={name: f"new_{name}" for name in nodes})
    concerned = {
        node.name
        for node, old in zip(renamed, pipeline, strict=True)
        if chosen & {*old.inputs, *old.outputs}
    }
    assert set(ran(renamed)) <= concerned
    assert dict(renamed.run(reuse=True)) == {new.get(n, n): value for n, value in whole.items()}
    assert ran(pipeline) in ([], ["write"])
