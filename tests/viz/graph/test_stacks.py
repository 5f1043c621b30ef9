"""Stacks of alike siblings."""

from __future__ import annotations

from tests.viz import samples

from linepipe_core import Pipeline
from linepipe_viz import draw_html_pipeline, draw_svg_pipeline
from linepipe_viz.graph.cards import pipeline_graph
from linepipe_viz.graph.records import Record
from linepipe_viz.graph.stacks import stack_record, stacked
from linepipe_viz.scene.pipeline_scene import pipeline_scene


def siblings(count: int, name: str = "feature") -> Pipeline:
    """Nodes that read one table, and one that reads what all of them make."""
    names = [f"{name}_{n:02}" for n in range(count)]
    return Pipeline(
        [
            samples.node("load", [], ["table"]),
            *(samples.node(one, ["table", f"config.{one}"], [f"{one}_out"]) for one in names),
            samples.node("join", [f"{one}_out" for one in names], ["X"]),
        ],
        config=dict.fromkeys(names, 1),
    )


def test_eight_alike_siblings_are_one_card_and_seven_are_not() -> None:
    """With one object, and one edge in and one out."""
    graph = stacked(pipeline_graph(siblings(8).nodes))
    assert [card.name for card in graph.cards] == ["load", "feature_00 … feature_07 (8)", "join"]
    assert [card.order for card in graph.cards] == ["1", "2–9", "10"]
    made = "feature_00_out … feature_07_out (8)"
    assert [(edge.maker, edge.reader, edge.name) for edge in graph.edges] == [
        (0, 1, "table"),
        (1, 2, made),
    ]
    assert graph.cards[1].config == ("config.feature_00 … config.feature_07 (8)",)
    assert graph.cards[1].makes == graph.cards[2].reads == (made,)
    seven = pipeline_graph(siblings(7).nodes)
    assert stacked(seven) is seven


def test_what_differs_in_more_than_digits_or_in_its_readers_stays_apart() -> None:
    """A reader of one of them alone tells that one from the others."""
    pipeline = siblings(8)
    more = Pipeline(
        [*pipeline.nodes, samples.node("look", ["feature_03_out"], [])],
        config={f"feature_{n:02}": 1 for n in range(8)},
    )
    assert len(stacked(pipeline_graph(more.nodes)).cards) == 11
    named = Pipeline(
        [samples.node("load", [], ["table"])]
        + [samples.node(name, ["table"], [f"{name}_out"]) for name in "abcdefgh"]
        + [samples.node("join", [f"{name}_out" for name in "abcdefgh"], [])]
    )
    assert len(stacked(pipeline_graph(named.nodes)).cards) == 10


def test_a_stack_has_the_worst_state_and_all_the_time() -> None:
    """So no failure hides in it."""
    records = [Record("ran", 1.0, 5.0), Record("failed", 0.5, error="E"), Record("not run"), None]
    assert stack_record(records, range(4)) == Record("failed", 1.5, 5.0, error="E")
    assert stack_record(records, [3]) is None
    assert stack_record(records, [0]) is records[0]


def test_a_wide_pipeline_fits_a_page_by_its_stack() -> None:
    """The counts are those of all nodes; the tooltip and the description name each of them."""
    scene = pipeline_scene(siblings(40), None, siblings(40).run())
    assert scene.width < 1200
    assert scene.subtitle == "42 nodes · 42 datasets · 40 config keys"
    stack = scene.cards[1]
    assert stack.details.lines()[0] == "feature_00 … feature_39 (40)"
    assert any(line.startswith("40 nodes, of which") for line in stack.details.lines())
    assert scene.description.count("\n") == 41
    svg = draw_svg_pipeline(siblings(40))
    assert svg.count("<g data-node=") == 3


def test_the_page_shows_every_node_by_itself() -> None:
    """There one can search and zoom."""
    assert draw_html_pipeline(siblings(40)).count("<g data-node=") == 42
