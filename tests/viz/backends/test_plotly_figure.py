"""plot_pipeline_graph: the same picture as a plotly figure."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.io
import pytest
from hypothesis import given
from tests.trying import examples
from tests.viz import samples, strategies

from linepipe_core import MissingExtraError, Pipeline
from linepipe_viz import plot_pipeline, plot_pipeline_graph
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.scene.shapes import Rect
from linepipe_viz.theme import COLOURS


def shown(figure: Any) -> list[str]:
    """All texts of a figure."""
    texts = [
        text for trace in figure.data if getattr(trace, "mode", "") == "text" for text in trace.text
    ]
    return [figure.layout.title.text, *texts]


def hovers(figure: Any) -> list[str]:
    """All hover cards of a figure, each once."""
    return list(dict.fromkeys(figure.data[-1].hovertext))


def test_the_figure_shows_what_the_svg_shows() -> None:
    """Both are made of one display list."""
    scene = pipeline_scene(samples.training(), "T", None)
    figure = plot_pipeline_graph(samples.training(), title="T")
    texts = [text.text for text in scene.page]
    texts += [text.text for shape in (*scene.cards, *scene.pills) for text in shape.texts]
    assert sorted(shown(figure)) == sorted(texts)


def test_by_default_the_size_follows_the_graph() -> None:
    """One data unit is one px; hover cards have room at the right."""
    scene = pipeline_scene(samples.training(), None, None)
    layout = plot_pipeline_graph(samples.training()).layout
    assert (layout.width, layout.height) == (round(scene.width + 250), round(scene.height))
    assert layout.xaxis.range == pytest.approx((0, scene.width + 250))
    assert layout.yaxis.range == pytest.approx((scene.height, 0))


def test_figsize_scales_the_picture_to_fit() -> None:
    """Texts and lines too; the canvas has exactly the asked size."""
    figure = plot_pipeline_graph(samples.training(), figsize=(300, 2000))
    scene = pipeline_scene(samples.training(), None, None)
    scale = 300 / scene.width
    assert (figure.layout.width, figure.layout.height) == (300, 2000)
    assert figure.layout.yaxis.range == pytest.approx((2000 / scale, 0))
    name = next(t for t in figure.data if getattr(t, "mode", "") == "text" and "split" in t.text)
    assert name.textfont.size == pytest.approx(13 * scale)


@pytest.mark.parametrize("figsize", [(8, 6), [8, 6], np.array([8.0, 6.0]), (800, 600)])
def test_a_small_figsize_is_in_inches(figsize: Any) -> None:
    """matplotlib's users write (8, 6), its figures have 100 px an inch."""
    layout = plot_pipeline_graph(samples.features(), figsize=figsize).layout
    assert (layout.width, layout.height) == (800, 600)


@pytest.mark.parametrize("figsize", [(8, 6), (800, 600), (0.1, 0.1)])
def test_texts_too_small_to_be_drawn_are_left_out(figsize: tuple[float, float]) -> None:
    """300 nodes on a small canvas; plotly takes no font below 1 px."""
    figure = plot_pipeline_graph(samples.random_pipeline(300), figsize=figsize, title="Mine")
    figure.to_json()
    assert figure.layout.title.text == "Mine"
    assert len(figure.data[0].x) > 300


@pytest.mark.parametrize(
    "figsize",
    [
        (0, 600),
        (-8, 6),
        (math.nan, 6),
        (10**400, 3),
        (8, math.nan),
        (math.inf, 600),
        (0.05, 6),
        5,
        (8,),
        (1, 2, 3),
        ("a", "b"),
        "86",
        np.eye(2),
        np.array(5),
    ],
    ids=repr,
)
def test_a_figsize_that_is_none_is_refused(figsize: Any) -> None:
    """With what to give instead."""
    with pytest.raises(ValueError, match=r"figsize is a width and a height.*(.|\n)*\(8, 6\)"):
        plot_pipeline_graph(samples.features(), figsize=figsize)


def test_the_title_is_plotlys_own() -> None:
    """Where users and programs look for it, at the place and in the font of the picture."""
    figure = plot_pipeline_graph(samples.features(), title="Mine", theme="dark")
    title, layout = figure.layout.title, figure.layout
    assert title.text == "Mine"
    assert title.x * layout.width == pytest.approx(28, abs=0.5)
    assert (1 - title.y) * layout.height == pytest.approx(26, abs=0.5)
    assert (title.font.size, title.font.color) == (17, COLOURS["title"].dark)
    assert shown(figure).count("Mine") == 1


def test_300_nodes_take_few_traces() -> None:
    """One for each kind of shape, not one for each shape: that is what makes it fast."""
    assert len(plot_pipeline_graph(samples.random_pipeline(300)).data) <= 20


def corners(xs: Any, ys: Any) -> Iterator[float]:
    """How far each point of the lines lies beside the chord between its neighbours."""
    points = list(zip(xs, ys, strict=True))
    for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:], points[2:], strict=False):
        if None not in (ax, bx, cx):
            length = math.hypot(cx - ax, cy - ay)
            yield abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) / length


def test_a_figure_runs_from_left_to_right_on_request() -> None:
    """Wider than high, with the same texts."""
    down = plot_pipeline_graph(samples.training())
    right = plot_pipeline_graph(samples.training(), direction="LR")
    assert down.layout.width < down.layout.height
    assert right.layout.width > right.layout.height


def test_long_edges_are_round() -> None:
    """However far they go sideways, no corner sticks out by a visible part of a px."""
    names = [f"object_{n}" for n in range(20)]
    readers = [samples.node(f"{chr(97 + n)}_reads", ["x"], [name]) for n, name in enumerate(names)]
    pipeline = Pipeline([*readers, samples.node("gather", names, [])], x=1)
    colour = COLOURS["edge"].light
    (edges,) = (
        t
        for t in plot_pipeline_graph(pipeline).data
        if t.type == "scatter" and t.line.color == colour
    )
    assert max(corners(edges.x, edges.y)) < 0.5


def test_hover_cards_tell_all_about_a_node() -> None:
    """Signature, first line of the docstring, inputs and outputs with types, the figures."""
    result = samples.told(samples.features().run())
    cards = hovers(plot_pipeline_graph(samples.features(), result=result))
    card = next(card for card in cards if card.startswith("<b>rolling_goals</b>"))
    plain = card.replace("<br>", " ")
    assert "window: int, min_periods: int = 1" in plain
    assert "<i>Rolling mean of goals per team.</i>" in card.replace("</i><br><i>", " ")
    assert "config.window: int" in plain
    assert "rolling_features: Table" in plain
    assert card.endswith("ran · 624 ms · 120 MiB")


def overlaps(pill: Rect, card: Rect) -> bool:
    return (
        pill.x < card.x + card.width
        and card.x < pill.x + pill.width
        and pill.y < card.y + card.height
        and card.y < pill.y + pill.height
    )


def test_every_card_and_pill_has_a_bar_that_shows_its_details() -> None:
    """The bar covers the frame whose details it shows, down to the card's pills."""
    bars = plot_pipeline_graph(samples.training()).data[-1]
    scene = pipeline_scene(samples.training(), None, None)
    shapes = (*scene.cards, *scene.pills)
    assert len(bars.x) == len(shapes)
    for shape, base, length, y, height, text in zip(
        shapes, bars.base, bars.x, bars.y, bars.width, bars.hovertext, strict=True
    ):
        frame = shape.frame
        assert (base, length) == pytest.approx((frame.x, frame.width), abs=0.11)
        assert y - height / 2 == pytest.approx(frame.y, abs=0.11)
        pills = [p.frame.y for p in scene.pills if overlaps(p.frame, frame)]
        bottom = min(pills) if "node" in dict(shape.data) and pills else frame.y + frame.height
        assert y + height / 2 == pytest.approx(bottom, abs=0.11)
        assert text.startswith(f"<b>{shape.details.heading}</b>")


def test_a_figure_can_be_moved_and_zoomed_and_keeps_its_shape() -> None:
    """Within the picture's own borders."""
    scene = pipeline_scene(samples.training(), None, None)
    layout = plot_pipeline_graph(samples.training()).layout
    assert layout.dragmode == "pan"
    assert (layout.yaxis.scaleanchor, layout.yaxis.scaleratio) == ("x", 1)
    assert (layout.xaxis.minallowed, layout.xaxis.maxallowed) == pytest.approx(
        (0, scene.width + 250)
    )
    assert (layout.yaxis.minallowed, layout.yaxis.maxallowed) == pytest.approx((0, scene.height))
    assert not layout.xaxis.fixedrange


@pytest.mark.parametrize("name", samples.NASTY)
def test_names_are_shown_as_they_are(name: str) -> None:
    """No tag, entity, template or formula comes of a name."""
    texts = shown(plot_pipeline_graph(Pipeline([samples.node(name, [], [name])])))
    for text in texts:
        assert "<" not in text
        assert "$" not in text


@given(strategies.small_pipelines())
@examples(15)
def test_any_pipeline_makes_a_figure_that_can_be_written(pipeline: Pipeline) -> None:
    """To JSON, which is what a page holds."""
    plot_pipeline_graph(pipeline).to_json()


def test_auto_follows_plotlys_default_template(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dark if that is dark."""
    dark, light = COLOURS["background"].dark, COLOURS["background"].light
    monkeypatch.setattr(plotly.io.templates, "default", "plotly_dark")
    assert plot_pipeline_graph(samples.features()).layout.paper_bgcolor == dark
    assert plot_pipeline_graph(samples.features(), theme="light").layout.paper_bgcolor == light
    monkeypatch.setattr(plotly.io.templates, "default", "plotly")
    assert plot_pipeline_graph(samples.features()).layout.paper_bgcolor == light


def test_plot_pipeline_is_the_same_function() -> None:
    """A shorter name."""
    assert plot_pipeline is plot_pipeline_graph


def test_without_plotly_the_error_names_the_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing else."""
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(MissingExtraError, match=r'pip install "linepipe\[plot\]"'):
        plot_pipeline_graph(samples.features())


def test_svg_needs_no_plotly_and_no_rich() -> None:
    """The standard library is enough for it, for Mermaid and for ASCII."""
    code = (
        "import sys; sys.modules['plotly'] = sys.modules['rich'] = None\n"
        "from linepipe_viz import draw_ascii_pipeline, draw_mermaid_pipeline, draw_svg_pipeline\n"
        "from linepipe_core import Pipeline\n"
        "for draw in (draw_ascii_pipeline, draw_mermaid_pipeline, draw_svg_pipeline):\n"
        "    draw(Pipeline([]))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
