"""Cards with a run, a failure or a plan on them: one layout, and each state at its place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.viz import samples

from linepipe_core import Node, Pipeline
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.scene.shapes import Rect, Scene, Shape
from linepipe_viz.theme import RECTS


def card(scene: Scene, name: str) -> Shape:
    return next(shape for shape in scene.cards if ("node", name) in shape.data)


def texts(shape: Shape) -> dict[str, str]:
    """The texts of a shape by their kind, less the state."""
    return {text.kind.partition("-")[0]: text.text for text in shape.texts}


def frames(scene: Scene) -> list[tuple[float, float, float, float]]:
    """Where all cards and pills are."""
    shapes = (*scene.cards, *scene.pills)
    return [(s.frame.x, s.frame.y, s.frame.width, s.frame.height) for s in shapes]


def test_plan_run_and_failure_lie_on_top_of_each_other() -> None:
    """Cards, pills, wires and the page itself, whatever there is to say about them."""
    pipeline = samples.features()
    overlays: list[Any] = [
        samples.planned(),
        samples.told(pipeline.run()),
        samples.told(samples.failure(pipeline, "merge")),
        pipeline.to_nodes("clean_data").run(),
    ]
    scenes = [pipeline_scene(pipeline, None, overlay) for overlay in overlays]
    assert len({tuple(frames(scene)) for scene in scenes}) == 1
    assert len({tuple(sorted(wire.tip for wire in scene.wires)) for scene in scenes}) == 1
    assert len({scene.height for scene in scenes}) == 1


def test_each_card_has_its_number_in_the_order_of_the_run() -> None:
    """At its upper left corner."""
    scene = pipeline_scene(samples.training(), None, None)
    assert [texts(shape)["order"] for shape in scene.cards] == [str(n) for n in range(1, 11)]


def test_a_failed_card_says_its_error() -> None:
    """In the card, its tooltip and the line below the title."""
    scene = pipeline_scene(samples.training(), None, samples.failure(samples.training(), "predict"))
    failed = card(scene, "predict")
    assert failed.frame.kind == "failed"
    assert [sign.kind for sign in failed.signs] == ["failed"]
    captions = [text.text for text in failed.texts if text.kind == "caption-failed"]
    assert captions[0].startswith("failed")
    assert captions[1].startswith("ValueError: no such")
    assert "ValueError: no such season: 1789" in failed.details.lines()
    assert scene.outcome == "predict failed: ValueError: no such season: 1789"
    assert card(scene, "evaluate").frame.kind == "not-run"


def test_a_changed_config_value_stands_on_its_chip() -> None:
    """In amber, in the chip's own room; the card doesn't say it again."""
    scene = pipeline_scene(samples.features(), None, samples.planned())
    shape = card(scene, "rolling_goals")
    chips = [text.text for text in shape.texts if text.kind.startswith("chip")]
    assert chips == ["window 5 → 7", "config.min_periods"]
    assert [rect.kind for rect in shape.rects[1:]] == ["config-changed", "config"]
    assert [text.text for text in shape.texts if text.kind == "caption-will-run"] == [
        "will run · about 1.30 s"
    ]
    assert any(rect.kind == "config-changed" for rect in scene.legend)


def test_what_follows_from_a_change_is_lit() -> None:
    """Wires from nodes that will or may run, and no others."""
    scene = pipeline_scene(samples.features(), None, samples.planned())
    lit = {dict(wire.data)["object"] for wire in scene.wires if wire.kind == "edge-changed"}
    assert lit == {"clean_data", "rolling_features", "features"}
    quiet = [wire for wire in scene.wires if wire.kind == "edge"]
    assert [dict(wire.data) for wire in quiet] == [
        {"object": "raw_data", "from": "load_data", "to": "clean_data", "order": "1-2"}
    ]


@pytest.mark.parametrize("text", ["x" * 300, "数" * 100, "W" * 100])
def test_errors_and_reasons_are_cut_to_their_card(text: str) -> None:
    """However long they are; the tooltip has more of them."""

    def fail() -> None:
        raise ValueError(text)

    pipeline = Pipeline([Node(fail, [], ["x"])])
    with pytest.raises(Exception) as caught:  # noqa: PT011 # whichever it is, it is shown
        pipeline.run()
    scene = pipeline_scene(pipeline, None, caught.value)  # type: ignore[arg-type] # a failure
    shown = [t.text for t in scene.cards[0].texts if t.kind == "caption-failed"][1]
    assert shown.endswith("…")
    assert len(shown) < 40
    assert scene.width < 1000


def test_outputs_stand_in_the_order_in_which_the_node_declares_them() -> None:
    """Wherever their readers are."""
    nodes = [
        samples.node("split", [], ["first", "second", "third"]),
        samples.node("last", ["third"], ["c"]),
        samples.node("one", ["first"], ["a"]),
        samples.node("two", ["second", "c", "a"], []),
    ]
    scene = pipeline_scene(Pipeline(nodes), None, None)
    pills = [shape for shape in scene.pills if ("from", "split") in shape.data]
    pills.sort(key=lambda shape: shape.frame.x)
    assert [dict(shape.data)["object"] for shape in pills] == ["first", "second", "third"]


def test_an_output_that_nobody_reads_has_its_fact_below() -> None:
    """And in its tooltip."""
    pipeline = Pipeline([Node(lambda: [1, 2], [], ["numbers"], name="count")])
    (pill,) = pipeline_scene(pipeline, None, pipeline.run()).pills
    assert texts(pill) == {"label": "numbers", "fact": "list of 2"}
    assert "list of 2" in pill.details.lines()


def test_facts_stand_below_every_pill_and_lines_begin_below_them() -> None:
    """Of an object that is gone the declared type; the shape alone where there is no more room."""

    def load() -> list[int]:
        return [1] * 1234

    def split(rows: list[int]) -> tuple[list[int], dict[str, int]]:
        return rows, {}

    nodes = [
        Node(load, [], ["rows"]),
        Node(split, ["rows"], ["x", "index"]),
        samples.node("read", ["x"], []),
    ]
    pipeline = Pipeline(nodes)
    scene = pipeline_scene(pipeline, None, pipeline.run(outputs=["x", "index"]))
    facts = {texts(pill)["label"]: texts(pill)["fact"] for pill in scene.pills}
    assert facts == {"rows": "list[int]", "x": "list of 1,234", "index": "dict of 0"}
    bottoms = {texts(pill)["label"]: pill.frame.y + pill.frame.height for pill in scene.pills}
    for wire in scene.wires:
        assert wire.y == bottoms[dict(wire.data)["object"]] + 14


def test_an_input_from_the_shelf_tells_its_origin(tmp_path: Path) -> None:
    """In its tooltip; type and size stand below it."""
    pipeline = Pipeline(
        [Node(lambda: [1, 2], [], ["numbers"], name="count"), samples.node("add", ["numbers"], [])],
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    pipeline.run()
    part = pipeline.only_nodes("add")
    for overlay in (part.run(), part.plan()):
        (pill,) = pipeline_scene(part, None, overlay).pills
        assert texts(pill)["fact"].startswith("list · ")
        assert pill.details.lines()[-1].startswith("from the shelf: made by count ")


def test_a_plan_says_what_it_saves(tmp_path: Path) -> None:
    """On the cards and in the heading, from the seconds of the earlier run."""
    pipeline = Pipeline(
        [Node(lambda: [1, 2], [], ["numbers"], name="count"), samples.node("add", ["numbers"], [])],
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    assert "saves" not in pipeline_scene(pipeline, None, pipeline.plan()).outcome
    pipeline.run()
    scene = pipeline_scene(pipeline, None, pipeline.plan())
    assert re.fullmatch(r"2 will reuse · saves about \S+ (µs|ms)", scene.outcome)
    captions = [text.text for text in card(scene, "count").texts if "caption" in text.kind]
    assert re.match(r"will reuse · saves \S+ (µs|ms)", captions[0])


def test_long_names_keep_what_tells_them_apart() -> None:
    """In cards, pills and chips."""
    days = [7, 30, 90]
    names = [f"rolling_mean_of_goals_scored_in_a_window_of_{n}_days_per_team_at_home" for n in days]
    nodes = [samples.node(name, [f"config.{name}"], [f"{name}_out"]) for name in names]
    scene = pipeline_scene(Pipeline(nodes, config=dict.fromkeys(names, 1)), None, None)
    for kind in ("name", "chip"):
        shown = [text.text for shape in scene.cards for text in shape.texts if text.kind == kind]
        assert len(set(shown)) == 3
        for text, n in zip(shown, days, strict=True):
            assert f"_{n}_" in text
    assert len({shape.texts[0].text for shape in scene.pills}) == 3


def test_the_first_rectangle_of_a_card_is_its_frame() -> None:
    """Programs that read the picture rely on it."""
    scene = pipeline_scene(samples.training(), None, samples.told(samples.training().run()))
    for shape in scene.cards:
        frame: Rect = shape.rects[0]
        assert frame.kind in RECTS
        for rect in shape.rects[1:]:
            assert frame.x <= rect.x
            assert rect.x + rect.width <= frame.x + frame.width
