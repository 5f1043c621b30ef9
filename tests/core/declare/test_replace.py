"""Node.replace and Pipeline.replace: a copy with some things changed."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import pytest

from linepipe_core import CompositionError, Node, NodeDefinitionError, Pipeline, WiringError


def double(x: int) -> int:
    return 2 * x


def triple(x: int) -> int:
    return 3 * x


def facts(node: Node) -> dict[str, Any]:
    names = "func inputs keywords outputs profile name always_run isolate effect persist depends_on"
    return {name: getattr(node, name) for name in names.split()}


class TestNode:
    """`node.replace(**changes)`."""

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({}, {}),
            ({"func": triple}, {"func": triple}),
            ({"inputs": ["z"]}, {"inputs": ("z",), "keywords": None}),
            ({"inputs": {"x": "z"}}, {"inputs": ("z",)}),
            ({"outputs": ["o"]}, {"outputs": ("o",)}),
            ({"profile": False}, {"profile": False}),
            ({"name": "m"}, {"name": "m"}),
            ({"name": None}, {"name": "double"}),
            ({"always_run": False}, {"always_run": False}),
            ({"isolate": True}, {"isolate": True}),
            ({"effect": False}, {"effect": False}),
            ({"persist": True}, {"persist": True}),
            ({"depends_on": []}, {"depends_on": ()}),
        ],
    )
    def test_the_rest_stays_as_declared(
        self, changes: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        """Each argument alone."""
        options: dict[str, Any] = {
            "always_run": True,
            "isolate": False,
            "effect": True,
            "persist": False,
            "depends_on": [triple],
        }
        node = Node(double, {"x": "y"}, ["z"], True, name="n", **options)
        for changed in (
            node.replace(**changes),
            pickle.loads(pickle.dumps(node.replace(**changes))),
        ):
            assert facts(changed) == facts(node) | expected

    def test_a_name_that_was_not_given_follows_the_function(self) -> None:
        """As it would if the node were declared anew; also after a pickle."""
        node = pickle.loads(pickle.dumps(Node(double, ["x"], ["y"])))
        assert node.replace(func=triple).name == "triple"
        assert Node(double, ["x"], ["y"], name="n").replace(func=triple).name == "n"

    def test_a_change_that_cannot_be_is_refused(self) -> None:
        """As in a declaration."""
        with pytest.raises(NodeDefinitionError, match="too many positional"):
            Node(double, ["x"], ["y"]).replace(inputs=["x", "y"])
        with pytest.raises(TypeError, match="colour"):
            Node(double, ["x"], ["y"]).replace(colour=1)  # type: ignore[call-arg]  # the point


class TestPipeline:
    """`pipeline.replace(**options)`."""

    @staticmethod
    def pipeline() -> Pipeline:
        return Pipeline([Node(double, ["config.x"], ["y"])], {"x": 2}, unused=[1])

    def test_options_change_and_the_rest_stays(self, tmp_path: Any) -> None:
        """Nodes, config and constants."""
        changed = self.pipeline().replace(
            track_history=True, use_persistent_cache=True, cache_storage_path=tmp_path / "c"
        )
        assert (changed.track_history, changed.use_persistent_cache) == (True, True)
        assert changed.cache_storage_path == str(tmp_path / "c")
        assert (changed.config, changed.constants) == ({"x": 2}, {"unused": [1]})
        off = changed.replace(use_persistent_cache=False)
        assert (off.track_history, off.use_persistent_cache) == (True, False)
        assert off.run()["y"] == 4

    def test_config_and_nodes_can_be_replaced(self) -> None:
        """Also after a run."""
        pipeline = self.pipeline()
        assert pipeline.run()["y"] == 4
        assert pipeline.replace(config={"x": 5}).run()["y"] == 10
        tripled = [node.replace(func=triple) for node in pipeline]
        assert pipeline.replace(nodes=tripled).run()["y"] == 6
        assert pipeline.run()["y"] == 4

    def test_a_new_config_is_a_private_copy(self) -> None:
        """As at construction."""
        config = {"x": 5}
        changed = self.pipeline().replace(config=config)
        config["x"] = 6
        assert changed.run()["y"] == 10

    def test_what_cannot_be_is_refused(self) -> None:
        """Nodes that don't fit, a partition that is no name, an unknown option."""
        pipeline = self.pipeline()
        with pytest.raises(WiringError, match="the constant 'unused' has the name of an output"):
            pipeline.replace(nodes=[Node(double, ["config.x"], ["unused"])])
        for partition in ("", 3):
            with pytest.raises(TypeError, match="a partition is a non-empty text or None"):
                pipeline.replace(partition=partition)  # type: ignore[arg-type]  # the point
        with pytest.raises(TypeError, match="colour"):
            pipeline.replace(colour=1)  # type: ignore[call-arg]  # the point

    def test_two_partitions_are_not_added(self) -> None:
        """They are refused by name."""
        left, right = (self.pipeline().replace(partition=name) for name in ("may", "june"))
        with pytest.raises(CompositionError, match="two partitions, 'may' and 'june'"):
            left + Pipeline([]).replace(partition="june")
        assert left + Pipeline([])
        assert right.replace(partition=None) + Pipeline([]).replace(partition="june")

    def test_config_and_constants_are_private_copies(self) -> None:
        """Nobody changes a declaration through them."""
        pipeline = Pipeline([Node(len, ["x"], ["n"])], {"a": [1]}, x=[1])
        pipeline.config["a"].append(2)
        pipeline.constants["x"].append(2)
        pipeline.constants["y"] = 3
        assert (pipeline.config, pipeline.constants) == ({"a": [1]}, {"x": [1]})
        assert Pipeline([]).config is None


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace is new in 3.13")
def test_copy_replace_works() -> None:
    """The standard library's way to say it."""
    replace: Any = getattr(copy, "replace")  # noqa: B009  # not in the types of 3.11
    assert replace(Node(double, ["x"], ["y"]), name="m").name == "m"
    assert replace(TestPipeline.pipeline(), config={"x": 3}).run()["y"] == 6


class TestShared:
    """A Node object that both operands of `+` have."""

    def test_counts_once(self) -> None:
        """Slices that share a loader are put together again."""
        load = Node(double, ["config.x"], ["rows"], name="load")
        left = Pipeline([load, Node(double, ["rows"], ["a"], name="a")], {"x": 1})
        right = Pipeline([load, Node(triple, ["rows"], ["b"], name="b")], {"x": 1})
        joined = left + right
        assert joined.node_order == ["load", "a", "b"]
        assert dict(joined.run()) == {"a": 4, "b": 6}
        assert (left + left).node_order == ["load", "a"]

    def test_an_equal_one_does_not(self) -> None:
        """Two declarations of one output are a mistake."""
        make = [Node(double, ["config.x"], ["rows"]) for _ in range(2)]
        with pytest.raises(WiringError, match="'rows' is made twice"):
            Pipeline(make[:1]) + Pipeline(make[1:])


def test_a_slice_keeps_only_the_constants_that_it_reads() -> None:
    """A worker gets what it needs."""
    nodes = [Node(double, ["big"], ["y"], name="a"), Node(double, ["small"], ["z"], name="b")]
    pipeline = Pipeline(nodes, big=1, small=2, unread=3)
    assert pipeline.only_nodes("b").constants == {"small": 2}
    assert pipeline.to_outputs("y").constants == {"big": 1}
    joined = pipeline.only_nodes("a") + pipeline.only_nodes("b")
    assert joined.constants == {"big": 1, "small": 2}
