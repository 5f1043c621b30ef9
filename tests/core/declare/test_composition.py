"""``+`` joins pipelines: nodes in order, constants and options of both."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linepipe_core import (
    CompositionError,
    LinepipeError,
    Node,
    Pipeline,
    WiringError,
)


def double(x: int) -> int:
    return 2 * x


def test_keeps_the_order() -> None:
    """Left, then right, which reads what the left makes."""
    left = Pipeline([Node(double, ["x"], ["y"])], x=1)
    right = Pipeline([Node(double, ["y"], ["z"], name="again")])
    both = left + right
    assert both.node_order == ["double", "again"]
    assert both.run()["z"] == 4
    assert (len(left), len(right)) == (1, 1)


def test_sum_adds_many() -> None:
    """From its 0."""
    parts = [Pipeline([Node(double, [f"v{i}"], [f"v{i + 1}"])]) for i in range(5)]
    assert sum(parts, start=Pipeline([])).bind(v0=1).run()["v5"] == 32
    assert sum(parts).bind(v0=1).run()["v5"] == 32  # type: ignore[union-attr]  # 0 if empty


def test_repeated_outputs_are_refused() -> None:
    """Also as a ValueError, as ever."""
    left = Pipeline([Node(double, ["x"], ["y"])])
    with pytest.raises(ValueError, match="'y' is made twice, by node 1 'double' and by node 2"):
        left + Pipeline([Node(double, ["w"], ["y"])])


def test_the_wrong_order_is_refused() -> None:
    """A reader before the maker."""
    left = Pipeline([Node(double, ["x"], ["y"])])
    right = Pipeline([Node(double, ["y"], ["z"])])
    with pytest.raises(WiringError, match="reads 'y', which only the later"):
        right + left


def test_a_constant_with_the_others_output_is_refused() -> None:
    """One would shadow the other."""
    with pytest.raises(WiringError, match="the constant 'y' has the name of an output"):
        Pipeline([Node(double, ["x"], ["y"])]) + Pipeline([Node(double, ["y"], ["z"])], y=1)


def test_equal_constants_are_one() -> None:
    """Arrays too."""
    left = Pipeline([], a=1, array=np.arange(3))
    right = Pipeline([Node(len, ["array"], ["n"])], a=1, array=np.arange(3))
    assert (left + right).run()["n"] == 3


def test_different_constants_and_configs_are_refused_by_name() -> None:
    """All of them at once."""
    left = Pipeline([], {"w": 1, "deep": {"a": 1, "b": 2}}, c=1, array=np.arange(3), one=1)
    right = Pipeline([], {"w": 2, "deep": {"a": 3, "c": 4}}, c=2, array=np.arange(4), one=1.0)
    with pytest.raises(CompositionError) as caught:
        left + right
    named = [problem.split("'")[1] for problem in caught.value.problems]
    assert named == ["c", "array", "one", "config.w", "config.deep.a"]
    assert "4 problems" not in str(caught.value)
    assert "these pipelines can't be added: 5 problems" in str(caught.value)
    assert "settle it before adding: pipeline.bind(c=...)" in str(caught.value)


def test_a_conflict_shows_no_secret() -> None:
    """Of a config text only its length."""
    with pytest.raises(CompositionError) as caught:
        Pipeline([], {"password": "hunter2"}) + Pipeline([], {"password": "swordfish"})
    assert "'config.password' differs between them: str of 7 and str of 9" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_one_config_is_enough() -> None:
    """None is no config."""
    node = Node(double, ["config.a"], ["y"])
    assert (Pipeline([], {"a": 1}) + Pipeline([node])).run()["y"] == 2
    assert (Pipeline([node]) + Pipeline([], {"a": 1})).run()["y"] == 2


def test_history_and_cache_are_on_if_either_has_them(tmp_path: Path) -> None:
    """And the path is that of the one that keeps a cache."""
    tracked = Pipeline([], track_history=True)
    cached = Pipeline([], use_persistent_cache=True, cache_storage_path=tmp_path / "one")
    for both in (tracked + cached, cached + tracked):
        assert (both.track_history, both.use_persistent_cache) == (True, True)
        assert both.cache_storage_path == str(tmp_path / "one")


def test_two_cache_paths_are_refused(tmp_path: Path) -> None:
    """Both are named."""
    one = Pipeline([], use_persistent_cache=True, cache_storage_path=tmp_path / "one")
    two = Pipeline([], use_persistent_cache=True, cache_storage_path=tmp_path / "two")
    with pytest.raises(CompositionError, match=r"they keep two caches, '.*one' and '.*two'"):
        one + two


def test_one_cache_path_may_be_written_in_two_ways() -> None:
    """``a`` and ``./a`` are one file."""
    one = Pipeline([], use_persistent_cache=True, cache_storage_path="cache")
    two = Pipeline([], use_persistent_cache=True, cache_storage_path="./cache")
    assert (one + two).use_persistent_cache


def test_anything_else_is_pythons_own_type_error() -> None:
    """From both sides."""
    other: Any = 3
    with pytest.raises(TypeError, match="unsupported operand"):
        Pipeline([]) + other
    with pytest.raises(TypeError, match="unsupported operand"):
        other + Pipeline([])


def test_errors_pickle() -> None:
    """A worker process must be able to send them home."""
    errors: list[LinepipeError] = [WiringError(["a", "b"]), CompositionError(["c"])]
    for error in errors:
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


@given(st.integers(0, 6), st.integers(0, 6))
def test_adding_is_associative(i: int, j: int) -> None:
    """However a chain is split, the sum is the chain."""
    nodes = [Node(double, [f"v{k}"], [f"v{k + 1}"], name=f"f{k}") for k in range(6)]
    first, second = sorted((i, j))
    a, b, c = Pipeline(nodes[:first]), Pipeline(nodes[first:second]), Pipeline(nodes[second:])
    assert ((a + b) + c).nodes == (a + (b + c)).nodes == tuple(nodes)
    assert ((a + b) + c).bind(v0=1).run()["v6"] == 64


def test_what_is_no_node_in_a_list_of_nodes_says_how_to_mend_it() -> None:
    """A Pipeline, a list, a function."""
    inner: list[Any] = [Pipeline([]), [], len]
    for thing, mend in zip(
        inner, [r"a \+ b", r"\[\*nodes, ...\]", "wrap the function"], strict=True
    ):
        with pytest.raises(TypeError, match=mend):
            Pipeline([thing])
