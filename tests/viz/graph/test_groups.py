"""Groups: the parts of a pipeline, or nodes with a common prefix, as one card each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trying import examples
from tests.viz import samples, strategies

from linepipe_core import Pipeline
from linepipe_viz import draw_svg_pipeline, plot_pipeline_graph
from linepipe_viz.graph.cards import pipeline_graph
from linepipe_viz.graph.groups import grouped
from linepipe_viz.scene.arrangement import arrange
from linepipe_viz.scene.pipeline_scene import pipeline_scene

LOADING = Pipeline(
    [
        samples.node("connect", ["config.db"], ["engine"]),
        samples.node("load_matches", ["engine"], ["matches"]),
        samples.node("load_players", ["engine"], ["players"]),
    ],
    {"db": 1, "seed": 1},
)
TRAINING = Pipeline(
    [
        samples.node("join", ["matches", "players", "rules"], ["X"]),
        samples.node("train", ["X", "config.seed"], ["model"]),
        samples.node("report", ["model", "engine"], []),
    ],
    {"db": 1, "seed": 1},
)
WHOLE = LOADING + TRAINING


def shown(groups: Any, pipeline: Pipeline = WHOLE) -> list[tuple[str, tuple[str, ...]]]:
    graph = grouped(pipeline_graph(pipeline.nodes), groups)
    return [(card.name, card.makes) for card in graph.cards]


def test_the_parts_of_a_sum_are_a_card_each() -> None:
    """With what others read or nobody, and without what only their own nodes read."""
    graph = grouped(pipeline_graph(WHOLE.nodes), {"load": LOADING, "train": TRAINING})
    load, train = graph.cards
    assert (load.name, load.config, load.reads) == ("load", ("config.db",), ())
    assert load.makes == ("engine", "matches", "players")
    assert (train.name, train.makes) == ("train", ())
    assert train.reads == ("matches", "players", "rules", "engine")
    assert graph.free_inputs == ("rules",)
    assert load.members == (0, 1, 2)


def test_a_part_alone_leaves_the_other_nodes_as_they_are() -> None:
    """Each with its own card."""
    assert shown({"load": LOADING})[1:] == [("join", ("X",)), ("train", ("model",)), ("report", ())]


def test_nodes_with_a_common_first_word_are_a_group() -> None:
    """The others keep their own cards."""
    assert shown("prefix") == [
        ("connect", ("engine",)),
        ("load", ("matches", "players")),
        ("join", ("X",)),
        ("train", ("model",)),
        ("report", ()),
    ]


def test_a_prefix_that_would_make_a_circle_is_no_group() -> None:
    """What the first of them makes comes back to the second by way of another."""
    nodes = [
        samples.node("make_a", [], ["a"]),
        samples.node("turn", ["a"], ["b"]),
        samples.node("make_c", ["b"], ["c"]),
    ]
    assert len(shown("prefix", Pipeline(nodes))) == 3
    with pytest.raises(ValueError, match="both before and after other nodes: make"):
        shown({"make": Pipeline([nodes[0], nodes[2]])}, Pipeline(nodes))


def test_groups_that_are_none_are_refused() -> None:
    """With what there is to be done about it."""
    with pytest.raises(TypeError, match="give groups="):
        shown("suffix")
    with pytest.raises(
        ValueError, match="'other' has none of the pipeline's nodes\n  its nodes: x"
    ):
        shown({"other": Pipeline([samples.node("x", [], [])])})
    with pytest.raises(ValueError, match="node 'connect' is in two groups: 'a' and 'b'"):
        shown({"a": LOADING, "b": LOADING})


def test_a_group_shows_the_state_and_the_nodes_of_all_its_members() -> None:
    """The worst state, the sum of seconds, and the names in its tooltip."""
    pipeline = WHOLE.bind(rules=1)
    groups = {"load": LOADING, "train": TRAINING}
    result = samples.told(pipeline.run())
    scene = pipeline_scene(pipeline, None, result, groups=groups)
    lines = scene.cards[0].details.lines()
    assert lines[0] == "load"
    assert "3 nodes: connect, load_matches, load_players" in lines
    assert "outputs: engine, matches, players" in lines
    assert [text.text for text in scene.cards[0].texts][:2] == ["1–3", "load"]
    assert lines[-1] == "ran · 1.08 s · 120 MiB"
    assert scene.subtitle.startswith("6 nodes")
    assert draw_svg_pipeline(pipeline, groups=groups).count("<g data-node=") == 2
    assert plot_pipeline_graph(pipeline, groups=groups).layout.height < 400


@given(st.one_of(strategies.families(), strategies.large_pipelines()))
@examples(30)
def test_groups_by_prefix_never_make_a_circle(pipeline: Pipeline) -> None:
    """And lose no node."""
    graph = grouped(pipeline_graph(pipeline.nodes), "prefix")
    members = [member for card in graph.cards for member in card.members]
    assert sorted(members) == list(range(len(pipeline.nodes)))
    arrange(graph)  # which refuses a circle
