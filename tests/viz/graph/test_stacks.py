"""Stacks of alike siblings."""

from __future__ import annotations

from hypothesis import given
from tests.trying import examples
from tests.viz import samples, strategies

from linepipe_core import Pipeline
from linepipe_viz import draw_html_pipeline, draw_svg_pipeline
from linepipe_viz.graph.cards import pipeline_graph
from linepipe_viz.graph.records import Record
from linepipe_viz.graph.stacks import stack_record, stacked
from linepipe_viz.scene.arrangement import arrange
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
    assert [sheet.width for sheet in scene.sheets] == [stack.frame.width] * 2
    svg = draw_svg_pipeline(siblings(40))
    assert svg.count("<g data-node=") == 3


def test_the_page_shows_every_node_by_itself() -> None:
    """There one can search and zoom."""
    assert draw_html_pipeline(siblings(40)).count("<g data-node=") == 42


def families(count: int) -> Pipeline:
    """Tables of their own from files of their own, each cleaned, then joined; in turns."""
    nodes = []
    for n in range(count):
        nodes.append(samples.node(f"load_{n}", [f"path_{n}"], [f"raw_{n}"]))
        nodes.append(samples.node(f"clean_{n}", [f"raw_{n}", "rules"], [f"table_{n}", f"bad_{n}"]))
    nodes.append(samples.node("join", [f"table_{n}" for n in range(count)], ["all"]))
    return Pipeline(nodes)


def test_stacks_stand_below_stacks() -> None:
    """Each sibling has its own input; what they make is a pill each; inputs are folded too."""
    graph = stacked(pipeline_graph(families(9).nodes))
    assert [card.name for card in graph.cards] == [
        "load_0 … load_8 (9)",
        "clean_0 … clean_8 (9)",
        "join",
    ]
    assert graph.free_inputs == ("path_0 … path_8 (9)", "rules")
    assert graph.cards[1].makes == ("table_0 … table_8 (9)", "bad_0 … bad_8 (9)")
    assert [(edge.maker, edge.reader, edge.name) for edge in graph.edges] == [
        (None, 0, "path_0 … path_8 (9)"),
        (0, 1, "raw_0 … raw_8 (9)"),
        (None, 1, "rules"),
        (1, 2, "table_0 … table_8 (9)"),
    ]


def test_siblings_may_differ_in_all_but_their_first_word() -> None:
    """As features do that are named after what they are of."""
    names = [f"mean_{what}" for what in ("a", "b", "c", "d", "e", "f", "g", "of_h")]
    nodes = [samples.node("load", [], ["table"])]
    nodes += [samples.node(name, ["table"], [f"{name}_column"]) for name in names]
    nodes.append(samples.node("join", [f"{name}_column" for name in names], []))
    graph = stacked(pipeline_graph(nodes))
    assert [card.name for card in graph.cards] == ["load", "mean_a … mean_of_h (8)", "join"]


def test_a_chain_of_alike_nodes_is_no_stack() -> None:
    """They stand below each other."""
    nodes = [samples.node(f"step_{n}", [f"x_{n}"], [f"x_{n + 1}"]) for n in range(30)]
    graph = pipeline_graph(nodes)
    assert stacked(graph) is graph


@given(strategies.families())
@examples(60)
def test_stacks_keep_the_order_of_makers_and_readers(pipeline: Pipeline) -> None:
    """No cycle, no node lost, each edge still there, and no edge inside a stack."""
    graph = pipeline_graph(pipeline.nodes)
    shown = stacked(graph)
    members = [member for card in shown.cards for member in card.members]
    assert sorted(members) == list(range(len(pipeline.nodes)))
    card_of = {member: card.index for card in shown.cards for member in card.members}
    edges = {
        (None if e.maker is None else card_of[e.maker], card_of[e.reader]) for e in graph.edges
    }
    assert {(edge.maker, edge.reader) for edge in shown.edges} == edges
    arrange(shown)  # which refuses a cycle
