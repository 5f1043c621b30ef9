"""How nodes fit together: what is refused, what is derived, and the laws of slices."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linepipe_core import AmbiguousNameError, Node, Pipeline, UnknownNameError, WiringError
from linepipe_core._declare.wiring import Wiring


def anything(*args: Any) -> Any:
    return args


def node(name: str, inputs: str, outputs: str) -> Node:
    return Node(anything, inputs.split(), outputs.split(), name=name)


DIAMOND = [
    node("load", "", "raw"),
    node("left", "raw", "a"),
    node("right", "raw config.w", "b spare"),
    node("join", "a b given", "joined"),
    node("write", "joined", ""),
]


def problems(nodes: list[Node], **constants: Any) -> tuple[str, ...]:
    with pytest.raises(WiringError) as caught:
        Pipeline(nodes, **constants)
    return caught.value.problems


def test_two_makers_of_one_name_are_refused() -> None:
    """Both are named."""
    assert problems([node("f", "", "x"), node("g", "", "x")]) == (
        "'x' is made twice, by node 1 'f' and by node 2 'g'; give one of them another name",
    )


def test_reading_what_only_a_later_node_makes_is_refused() -> None:
    """Both are named."""
    assert problems([node("f", "x", "y"), node("g", "", "x")]) == (
        "node 1 'f' reads 'x', which only the later node 2 'g' makes; move the maker before it",
    )


def test_reading_what_it_makes_itself_is_refused() -> None:
    """An object is made once; the changed one needs another name."""
    assert problems([node("f", "x", "x")]) == (
        "node 1 'f' reads 'x', which it makes itself; rename one of them",
    )


def test_a_constant_with_an_outputs_name_is_refused() -> None:
    """One would shadow the other."""
    assert problems([node("f", "", "x")], x=1) == (
        "the constant 'x' has the name of an output of node 1 'f'; rename one of them",
    )


def test_a_constant_that_means_the_config_is_refused() -> None:
    """``bind(config=...)`` would otherwise do nothing."""
    pipeline = Pipeline([node("f", "", "x")])
    with pytest.raises(WiringError, match="the constant 'config' has a name that means the conf"):
        pipeline.bind(config={})


def test_all_problems_are_reported_at_once() -> None:
    """So that one fix after another isn't needed."""
    nodes = [node("f", "y", "x"), node("g", "", "x y"), node("h", "z", "z")]
    with pytest.raises(WiringError) as caught:
        Pipeline(nodes, x=1)
    assert len(caught.value.problems) == 4
    assert "this pipeline can't be built: 4 problems\n  - 'x' is made twice" in str(caught.value)


def test_derived_facts() -> None:
    """Makers, free inputs, config references, outputs, last readers."""
    wiring = Wiring(DIAMOND)
    assert wiring.makers == {"raw": 0, "a": 1, "b": 2, "spare": 2, "joined": 3}
    assert wiring.free == {"given": 3}
    assert wiring.config_references == {"config.w": 2}
    assert wiring.outputs == ("spare", "joined")  # which only a writer reads
    assert wiring.unread == ("spare",)
    assert wiring.last_readers == {"raw": 2, "a": 3, "b": 3, "given": 3, "joined": 4}


def test_reads_mark_the_last_one() -> None:
    """Made objects only, and only the last time a node names one."""
    wiring = Wiring([*DIAMOND[:2], node("twice", "raw raw given", "c")])
    assert wiring.reads() == (
        (),
        (("raw", False),),
        (("raw", False), ("raw", True), ("given", False)),
    )
    assert wiring.reads(["raw"])[2] == (("raw", False), ("raw", False), ("given", False))


def names(pipeline: Pipeline) -> list[str]:
    return pipeline.node_order


def test_slices() -> None:
    """Kedro's words and meanings."""
    pipeline = Pipeline(DIAMOND, {"w": 1}, given=1)
    assert names(pipeline.from_nodes("right")) == ["right", "join", "write"]
    assert names(pipeline.from_nodes("left", "right")) == ["left", "right", "join", "write"]
    assert names(pipeline.to_nodes("left")) == ["load", "left"]
    assert names(pipeline.to_nodes("join")) == ["load", "left", "right", "join"]
    assert names(pipeline.only_nodes("join", "load")) == ["load", "join"]
    assert names(pipeline.to_outputs("a")) == ["load", "left"]
    assert names(pipeline.to_outputs("spare", "a")) == ["load", "left", "right"]
    assert names(pipeline.only_nodes()) == []


def test_a_slice_has_the_inputs_that_it_lost_as_free_inputs() -> None:
    """They must come from constants or the cache."""
    pipeline = Pipeline(DIAMOND, {"w": 1}, given=1)
    assert pipeline.from_nodes("join").free_inputs == ("a", "b", "given")


def test_an_unknown_name_lists_the_choices() -> None:
    """With the near match."""
    pipeline = Pipeline(DIAMOND, {"w": 1})
    with pytest.raises(UnknownNameError) as caught:
        pipeline.to_nodes("joim", "load", "nope")
    assert caught.value.names == ("joim", "nope")
    assert "no node is called 'joim', 'nope'" in str(caught.value)
    assert "there are: load, left, right, join, write" in str(caught.value)
    assert "did you mean 'join'?" in str(caught.value)
    with pytest.raises(UnknownNameError, match="no output is called 'joim'") as caught:
        pipeline.to_outputs("joim")
    assert caught.value.choices == ("raw", "a", "b", "spare", "joined")


def test_a_list_of_names_is_refused() -> None:
    """They are given one by one."""
    pipeline = Pipeline(DIAMOND, {"w": 1})
    names: Any = ["join"]
    for slicing in (pipeline.only_nodes, pipeline.to_outputs):
        with pytest.raises(TypeError, match=r"one by one, as strings: got \['join'\] \(list\)"):
            slicing(names)


def test_an_ambiguous_name_lists_the_choices() -> None:
    """Each with its place, inputs and outputs."""
    pipeline = Pipeline([node("f", "", "x"), node("f", "x", "y"), node("g", "", "z")])
    for ask in (pipeline.to_nodes, pipeline.__getitem__):
        with pytest.raises(AmbiguousNameError) as caught:
            ask("f")
        assert str(caught.value) == (
            "2 nodes are called 'f':\n"
            "  node 1 'f': <Node f: (no inputs) -> x>\n"
            "  node 2 'f': <Node f: x -> y>\n"
            "  give them names of their own: Node(..., name=...)"
        )


@st.composite
def node_lists(draw: st.DrawFn) -> list[Node]:
    """Nodes that fit together: each reads some of what is there and makes new names."""
    nodes: list[Node] = []
    there = ["c0", "c1"]
    for index in range(draw(st.integers(0, 12))):
        inputs = draw(st.lists(st.sampled_from(there), max_size=3))
        outputs = [f"n{index}_{k}" for k in range(draw(st.integers(0, 2)))]
        nodes.append(Node(anything, inputs, outputs, name=f"f{index}"))
        there += outputs
    return nodes


@given(node_lists(), st.integers(0, 12))
def test_extending_is_wiring_all_at_once(nodes: list[Node], at: int) -> None:
    """A wiring that grew is the wiring of all its nodes."""
    whole, grown = Wiring(nodes), Wiring(nodes[:at]).extended(nodes[at:])
    for part in ("nodes", "makers", "free", "config_references", "last_readers", "outputs"):
        assert getattr(grown, part) == getattr(whole, part)
    assert grown.reads() == whole.reads()


@given(node_lists(), st.data())
def test_slices_follow_the_paths(nodes: list[Node], data: st.DataObject) -> None:
    """Against a naive search along every edge."""
    if not nodes:
        return
    start = data.draw(st.integers(0, len(nodes) - 1))
    edges = {
        (i, j)
        for i, maker in enumerate(nodes)
        for j, reader in enumerate(nodes)
        if set(maker.outputs) & set(reader.inputs)
    }

    def closure(edges: set[tuple[int, int]]) -> list[int]:
        reached = {start}
        while more := {j for i, j in edges if i in reached} - reached:
            reached |= more
        return sorted(reached)

    wiring = Wiring(nodes)
    assert wiring.downstream([start]) == closure(edges)
    assert wiring.upstream([start]) == closure({(j, i) for i, j in edges})


@given(node_lists())
def test_every_object_is_released_once_by_its_last_reader(nodes: list[Node]) -> None:
    """And not before anyone else reads it."""
    wiring = Wiring(nodes)
    released: list[str] = []
    for reads in wiring.reads():
        for name, is_last in reads:
            assert name not in released
            if is_last:
                released.append(name)
    assert set(released) == set(wiring.makers) - set(wiring.outputs)
