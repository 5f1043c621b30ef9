"""Laws of every picture: nothing overlaps, nothing is crossed out, nothing leaves the page."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trying import examples
from tests.viz import samples, strategies

from linepipe_core import Pipeline
from linepipe_viz import draw_html_pipeline, draw_svg_pipeline, plot_pipeline_graph
from linepipe_viz.graph.cards import Graph, pipeline_graph
from linepipe_viz.graph.lists import listed
from linepipe_viz.graph.stacks import stacked
from linepipe_viz.layout.boxes import Edge, lay_out
from linepipe_viz.scene.arrangement import (
    Arrangement,
    PlacedCard,
    PlacedPill,
    PlacedWire,
    arrange,
)
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.scene.shapes import Curve
from linepipe_viz.scene.sideways import arrange_sideways

Frame = tuple[float, float, float, float]  # left, top, right, bottom
HAIR = 0.01  # px: rounding


def card_frame(card: PlacedCard) -> Frame:
    half = card.size.width / 2
    return card.x - half, card.top, card.x + half, card.top + card.size.height


def pill_frame(pill: PlacedPill) -> Frame:
    half = pill.label.width / 2
    return pill.x - half, pill.top, pill.x + half, pill.top + 24


def overlap(one: Frame, other: Frame) -> bool:
    return (
        one[0] < other[2] - HAIR
        and other[0] < one[2] - HAIR
        and one[1] < other[3] - HAIR
        and other[1] < one[3] - HAIR
    )


def inside(point: tuple[float, float], frame: Frame) -> bool:
    x, y = point
    return frame[0] + HAIR < x < frame[2] - HAIR and frame[1] + HAIR < y < frame[3] - HAIR


def reaches(extent: Frame, frame: Frame) -> bool:
    """Whether a wire of that extent could touch the frame at all."""
    return (
        extent[0] <= frame[2]
        and frame[0] <= extent[2]
        and extent[1] <= frame[3]
        and frame[1] <= extent[3]
    )


def points(wire: PlacedWire) -> Iterator[tuple[float, float]]:
    """Points along a wire, close enough to each other that none jumps over a pill."""
    x, y = wire.x, wire.y
    for segment in wire.segments:
        for step in range(1, 25):
            t = step / 24
            u = 1 - t
            if isinstance(segment, Curve):
                (x1, y1), (x2, y2) = segment.controls(x, y)
                first, second, third, last = u**3, 3 * u * u * t, 3 * u * t * t, t**3
                yield (
                    x * first + x1 * second + x2 * third + segment.x * last,
                    y * first + y1 * second + y2 * third + segment.y * last,
                )
            else:
                yield x * u + segment.x * t, y * u + segment.y * t
        x, y = segment.x, segment.y
    yield wire.tip


def arrangement(pipeline: Pipeline, *, with_states: bool = False) -> Arrangement:
    return arrange(pipeline_graph(pipeline.nodes), with_states=with_states)


def check_laws(pipeline: Pipeline, *, with_states: bool = False) -> None:
    """All of them at once: the layout is what costs."""
    graph = pipeline_graph(pipeline.nodes)
    check_graph(graph, arrange(graph, with_states=with_states))
    check_graph(graph, arrange_sideways(graph, with_states=with_states))


def check_graph(graph: Graph, places: Arrangement) -> None:
    """The laws of an arrangement of a graph."""
    cards = [card_frame(card) for card in places.cards]
    pills = [pill_frame(pill) for pill in places.pills]
    for one, other in combinations(cards, 2):
        assert not overlap(one, other)
    for one, other in combinations(pills, 2):
        assert not overlap(one, other)
    for pill, frame in zip(places.pills, pills, strict=True):
        for index, card in enumerate(cards):
            assert pill.maker == index or not overlap(frame, card)
    for edge, wire in zip(graph.edges, places.wires, strict=True):
        way = list(points(wire))
        xs, ys = [wire.x, *(x for x, _ in way)], [wire.y, *(y for _, y in way)]
        extent = min(xs), min(ys), max(xs), max(ys)
        foreign = [card for index, card in enumerate(cards) if index != edge.maker]
        foreign += [
            frame
            for pill, frame in zip(places.pills, pills, strict=True)
            if (pill.maker, pill.label.name) != (edge.maker, edge.name)
        ]
        for frame in foreign:
            if reaches(extent, frame):
                assert not any(inside(point, frame) for point in way)
        assert extent[0] >= -HAIR
        assert extent[1] >= -HAIR
        assert extent[2] <= places.width + HAIR
        assert extent[3] <= places.height + HAIR
    for left, top, right, bottom in (*cards, *pills):
        assert left >= -HAIR
        assert top >= -HAIR
        assert right <= places.width + HAIR
        assert bottom <= places.height + HAIR


@given(strategies.small_pipelines(), st.booleans())
@examples(60)
def test_laws_hold_for_small_pipelines_with_any_names(
    pipeline: Pipeline, with_states: bool
) -> None:
    """No overlap, no edge through a foreign card or pill, all inside the page."""
    check_laws(pipeline, with_states=with_states)


@given(strategies.large_pipelines(), st.booleans())
@examples(12)
def test_laws_hold_for_pipelines_of_up_to_80_nodes(pipeline: Pipeline, with_states: bool) -> None:
    """The same for sparse and dense ones, with many inputs and rows of outputs."""
    check_laws(pipeline, with_states=with_states)


@pytest.mark.parametrize("name", samples.PIPELINES)
def test_laws_hold_for_the_samples(name: str) -> None:
    """Those whose pictures are in the docs."""
    check_laws(samples.PIPELINES[name]())


def test_from_left_to_right_wires_start_right_of_their_pill_and_end_left_of_their_reader() -> None:
    """And each maker is left of its readers."""
    graph = pipeline_graph(samples.training().nodes)
    places = arrange_sideways(graph)
    for edge, wire in zip(graph.edges, places.wires, strict=True):
        pill = next(p for p in places.pills if (p.maker, p.label.name) == (edge.maker, edge.name))
        left, top, right, bottom = pill_frame(pill)
        assert top < wire.y < bottom
        assert wire.x == pytest.approx(right)
        left, top, right, bottom = card_frame(places.cards[edge.reader])
        assert top < wire.tip[1] < bottom
        assert wire.tip[0] == pytest.approx(left - 1)
        assert wire.x < left


def test_plan_run_and_failure_lie_on_top_of_each_other_from_left_to_right_too() -> None:
    """One layout for all overlays."""
    pipeline = samples.features()
    scenes = [
        pipeline_scene(pipeline, None, overlay, "LR")
        for overlay in (samples.planned(), samples.told(pipeline.run()))
    ]
    frames = [[shape.frame for shape in (*s.cards, *s.pills)] for s in scenes]
    places = [[(f.x, f.y, f.width, f.height) for f in each] for each in frames]
    assert places[0] == places[1]


def test_wires_start_under_their_pill_and_end_over_their_reader() -> None:
    """An arrow that points at the wrong card would pass every other law."""
    pipeline = samples.training()
    graph = pipeline_graph(pipeline.nodes)
    places = arrangement(pipeline)
    for edge, wire in zip(graph.edges, places.wires, strict=True):
        pill = next(p for p in places.pills if (p.maker, p.label.name) == (edge.maker, edge.name))
        left, _, right, bottom = pill_frame(pill)
        assert left < wire.x < right
        assert wire.y == pytest.approx(bottom)
        left, top, right, _ = card_frame(places.cards[edge.reader])
        assert left < wire.tip[0] < right
        assert wire.tip[1] == pytest.approx(top - 1)


def test_what_nobody_reads_stands_above_what_is_read() -> None:
    """So no line passes between a card's own pills where none needs to."""
    names = [f"output_{n}" for n in range(9)]
    nodes = [samples.node("make", [], names)]
    nodes += [samples.node(f"read_{name}", [name], []) for name in names[:3]]
    places = arrangement(Pipeline(nodes))
    lowest = max(pill.top for pill in places.pills)
    assert {p.label.name for p in places.pills if p.top == lowest} >= set(names[:3])
    bottom = places.cards[0].top + places.cards[0].size.height
    assert all(wire.y > bottom for wire in places.wires)


def test_rows_of_pills_that_are_read_are_dealt_out_towards_their_readers() -> None:
    """Each row has some for the left and some for the right."""
    names = [f"output_number_{n}" for n in range(9)]
    nodes = [samples.node("make", [], names)]
    nodes += [samples.node(f"read_{n}", [name], []) for n, name in enumerate(names)]
    pills = arrangement(Pipeline(nodes)).pills
    rows = [[p for p in pills if p.top == top] for top in sorted({p.top for p in pills})]
    assert [len(row) for row in rows] == [3, 3, 3]
    for row in rows:
        thirds = [names.index(p.label.name) // 3 for p in sorted(row, key=lambda pill: pill.x)]
        assert thirds == [0, 1, 2]


def test_config_takes_the_width_that_pills_gave_a_card() -> None:
    """One row of chips over a wide row of pills."""
    config = [f"config.value_{n}" for n in range(3)]
    outputs = [f"output_number_{n}" for n in range(3)]
    wide, narrow = samples.node("wide", config, outputs), samples.node("narrow", config, [])
    cards = arrangement(Pipeline([wide, narrow])).cards
    assert [len(card.size.chips) for card in cards] == [1, 2]


def test_layers_stand_apart_where_one_edge_goes_far() -> None:
    """Though all others are short."""
    edges = [Edge(n, n + 20, f"{n}") for n in range(20)]
    edges += [Edge(n, n + 21, f"{n}") for n in range(19)]
    near = lay_out([(100.0, 50.0)] * 40, edges, row_width=math.inf)
    far = lay_out([(100.0, 50.0)] * 40, [*edges, Edge(0, 39, "0")], row_width=math.inf)
    assert far.top[20] - far.floor[0] > near.top[20] - near.floor[0] >= 40


def test_the_legend_is_no_part_of_a_graph_in_parts() -> None:
    """It keeps away from loose cards."""
    for pipeline, air in ((samples.islands(), 40), (samples.features(), 21)):
        scene = pipeline_scene(pipeline, None, None)
        lowest = max(shape.frame.y + shape.frame.height for shape in (*scene.cards, *scene.pills))
        assert min(rect.y for rect in scene.legend) - lowest == pytest.approx(air, abs=0.5)


def test_a_wide_picture_has_room_for_a_long_title() -> None:
    """It isn't cut before the page ends."""
    title = "What the lone nodes of a large pipeline are called, in the order they run, and why so"
    lone = Pipeline([samples.node(f"node_number_{n}", [], []) for n in range(40)])
    assert pipeline_scene(lone, title, None).title == title
    assert pipeline_scene(Pipeline([]), title, None).title != title


def test_an_edge_with_room_to_be_straight_is_straight() -> None:
    """A chain is one line, pill under pill."""
    chain = Pipeline([samples.node(f"n{n}", [f"x{n}"], [f"x{n + 1}"]) for n in range(6)])
    for wire in arrangement(chain).wires:
        assert {round(x, 3) for x, _ in points(wire)} == {round(wire.x, 3)}


def test_a_function_used_twice_is_two_cards() -> None:
    """Nodes are told apart by position."""
    assert [card.size.name for card in arrangement(samples.twice()).cards] == [
        "standardise",
        "standardise",
        "merge",
    ]


def test_unconnected_parts_wrap_into_rows() -> None:
    """Eighty lone nodes make a page, no ribbon."""
    lone = Pipeline([samples.node(f"node_number_{n}", [], []) for n in range(80)])
    places = arrangement(lone)
    assert places.width <= 1400
    assert len({card.top for card in places.cards}) > 4


def test_crossings_stay_few() -> None:
    """A 60-node pipeline in layers; networkx's multipartite layout has 303 on such a one."""
    assert arrangement(samples.random_pipeline(60, reach=8)).crossings < 80


def test_an_empty_pipeline_has_a_page() -> None:
    """Title, subtitle, nothing else."""
    scene = pipeline_scene(Pipeline([]), None, None)
    assert [text.text for text in scene.page] == ["Pipeline", "0 nodes · 0 datasets"]
    shown = (*scene.cards, *scene.pills, *scene.wires, *scene.legend)
    assert shown == ()
    assert scene.width > 100
    assert scene.height > 100


def test_a_cycle_is_refused() -> None:
    """Pipelines have none; the layout says so instead of hanging."""
    with pytest.raises(ValueError, match="cycle"):
        lay_out([(10, 10), (10, 10)], [Edge(0, 1, "x"), Edge(1, 0, "y")])


_DIGEST = """
import hashlib
from linepipe_viz import draw_html_pipeline, draw_svg_pipeline, plot_pipeline_graph
from tests.viz import samples, strategies
svg = draw_svg_pipeline(samples.random_pipeline(80)) + draw_svg_pipeline(samples.training())
print(hashlib.sha256(svg.encode()).hexdigest())
"""


def test_the_picture_is_the_same_whatever_the_hash_seed() -> None:
    """Or pictures kept in a repository would change from run to run."""
    svg = draw_svg_pipeline(samples.random_pipeline(80)) + draw_svg_pipeline(samples.training())
    here = hashlib.sha256(svg.encode()).hexdigest()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here


def test_the_picture_reads_from_left_to_right_as_the_pipeline_is_written() -> None:
    """Of two mirror images the one that is nearer to the nodes' order."""
    nodes = [samples.node("source", [], ["x"])]
    nodes += [samples.node(f"reader_{n}", ["x"], []) for n in range(5)]
    xs = [card.x for card in arrangement(Pipeline(nodes)).cards[1:]]
    assert xs == sorted(xs)
    first_row = [
        card for card in arrangement(samples.random_pipeline(60, reach=8)).cards if card.top == 0
    ]
    rises = sum(
        1 if one.card.index < other.card.index else -1
        for one, other in pairwise(sorted(first_row, key=lambda card: card.x))
    )
    assert rises >= 0


def test_an_object_that_many_read_keeps_to_one_lane() -> None:
    """However many read it, and no line is drawn twice."""
    nodes = [samples.node("connect", [], ["engine"])]
    nodes += [samples.node(f"n{n}", ["engine", f"x{n}"], [f"x{n + 1}"]) for n in range(12)]
    places = arrangement(Pipeline(nodes))
    assert places.width < 400
    segments = [
        (start, segment)
        for wire in pipeline_scene(Pipeline(nodes), None, None).wires
        for start, segment in zip(
            [(wire.x, wire.y), *((s.x, s.y) for s in wire.segments)], wire.segments, strict=False
        )
    ]
    assert len(segments) == len(set(segments))


def test_the_longest_chain_keeps_one_x() -> None:
    """Wherever its side branches are."""
    nodes = [samples.node("n0", [], ["x0"])]
    nodes += [samples.node(f"n{n}", [f"x{n - 1}"], [f"x{n}"]) for n in range(1, 8)]
    nodes += [samples.node(f"side_{n}", ["x2"], []) for n in range(4)]
    cards = arrangement(Pipeline(nodes)).cards[:8]
    xs = [card.x for card in cards]
    assert max(xs) - min(xs) < 3


def test_an_object_that_many_read_does_not_drag_them_sideways() -> None:
    """A connection beside a chain: the chain stays straight."""
    nodes = [samples.node("connect", ["config.db"], ["connection"]), samples.node("n0", [], ["x0"])]
    nodes += [samples.node(f"n{n}", [f"x{n - 1}", "connection"], [f"x{n}"]) for n in range(1, 12)]
    places = arrangement(Pipeline(nodes))
    xs = [card.x for card in places.cards[2:]]
    assert max(xs) - min(xs) < 3
    assert places.width < 420


@pytest.mark.slow
def test_a_dense_graph_is_drawn_within_5_mb() -> None:
    """200 nodes that each read all that came before: 19,900 edges; as SVG, page and figure.

    The page and the figure, which take as long again, are drawn of a quarter of the edges.
    """
    nodes = [samples.node(f"n{n}", [f"x{m}" for m in range(n)], [f"x{n}"]) for n in range(200)]
    svg = draw_svg_pipeline(Pipeline(nodes))
    assert svg.count('data-to="') == 19_900
    assert len(svg) < 5_000_000
    pipeline = Pipeline(nodes[:100])
    assert len(draw_html_pipeline(pipeline)) < 1_250_000
    assert len(plot_pipeline_graph(pipeline).to_json()) < 1_250_000


def test_a_layer_too_wide_for_a_page_wraps() -> None:
    """Into rows below each other, first things first; all laws hold."""
    words = "goals shots passes tackles fouls cards corners offsides saves crosses duels blocks"
    names = words.split()
    nodes = [samples.node("load", [], ["table"]), samples.node("connect", [], ["conn"])]
    nodes += [samples.node(f"{name}_per_match", ["table", "conn"], [name]) for name in names]
    nodes.append(samples.node("join", names, ["features"]))
    pipeline = Pipeline(nodes)
    check_laws(pipeline)
    rows: dict[float, list[PlacedCard]] = {}
    for card in arrangement(pipeline).cards[2:-1]:
        rows.setdefault(card.top, []).append(card)
    assert [len(row) for row in rows.values()] == [4, 4, 4]
    assert [card.card.index for row in rows.values() for card in row] == list(range(2, 14))
    for row in rows.values():
        edges = [edge for card in row for edge in (card_frame(card)[0], card_frame(card)[2])]
        assert max(edges) - min(edges) <= 1200


@given(strategies.families(), st.booleans())
@examples(30)
def test_laws_hold_for_stacks_lists_and_wraps(pipeline: Pipeline, with_states: bool) -> None:
    """Ranks of up to twelve siblings, folded and unfolded."""
    check_laws(pipeline, with_states=with_states)
    folded = listed(stacked(pipeline_graph(pipeline.nodes)))
    check_graph(folded, arrange(folded, with_states=with_states))
    check_graph(folded, arrange_sideways(folded, with_states=with_states))


@pytest.mark.parametrize("count", [7, 31, 200])
def test_more_than_six_outputs_are_a_list_with_one_pill(count: int) -> None:
    """The lines of all of them leave from there, and are named by what they carry."""
    names = [f"output_{n}" for n in range(count)]
    nodes = [samples.node("make", [], names), samples.node("one", names[:1], [])]
    nodes.append(samples.node("two", [names[1], names[3]], []))
    scene = pipeline_scene(Pipeline(nodes), None, None)
    (pill,) = scene.pills
    assert [text.text for text in pill.texts] == [f"{count} outputs"]
    assert names[-1] in " ".join(pill.details.lines())
    shown = [text.text for text in scene.cards[0].texts if text.kind == "listed"]
    assert shown == [*names[:30], *([f"and {count - 30} more"] if count > 30 else [])]
    assert [dict(wire.data)["object"] for wire in scene.wires] == [
        "output_0",
        "output_1, output_3",
    ]
    frame = scene.cards[0].frame
    for rect in scene.cards[0].rects:
        assert frame.x <= rect.x < rect.x + rect.width <= frame.x + frame.width
