"""draw_svg_timeline: what took how long, and what was in memory when."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.viz import samples
from tests.viz.renderers import drawn_by

from linepipe_core import Pipeline
from linepipe_viz import draw_svg_timeline
from linepipe_viz.backends.timeline import axis_ticks
from linepipe_viz.graph.spans import spans_of

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_spans_are_on_one_clock() -> None:
    """Starts and ends of nodes, gaps between them, and the lives of objects."""
    spans = spans_of(samples.timed(samples.features()))
    assert [span.start for span in spans.spans] == pytest.approx([0, 1.5, 4, 7.5, 12])
    assert [span.end for span in spans.spans] == pytest.approx([1, 3.5, 7, 11.5, 17])
    assert [start for start, _ in spans.gaps] == pytest.approx([1, 3.5, 7, 11.5, 17])
    assert [end for _, end in spans.gaps] == pytest.approx([1.5, 4, 7.5, 12, 18])
    lives = {life.name: (life.start, life.end) for life in spans.lives}
    assert lives["clean_data"] == pytest.approx((3.5, 11.5))
    assert lives["features"] == pytest.approx((11.5, 17))
    assert spans.alive_at(10) == ["clean_data", "rolling_features"]
    assert spans.in_functions == pytest.approx(15)


def test_the_heading_says_where_the_time_went() -> None:
    """In functions, and for the cache and the rest."""
    shown = texts(draw_svg_timeline(samples.timed(samples.features()), "Night"))
    assert "Night" in shown
    assert "18.00 s in all: 15.00 s in functions, 3.00 s for the cache and the rest" in shown


def test_each_node_has_a_bar_on_the_scale_of_its_seconds() -> None:
    """In its state's colour class, with its name and its figures."""
    root = ET.fromstring(draw_svg_timeline(samples.timed(samples.features())))
    groups = [group for group in root.iter(f"{SVG}g") if group.get("data-node")]
    assert [group.get("data-order") for group in groups] == ["1", "2", "3", "4", "5"]
    bars = [next(iter(group.iter(f"{SVG}rect"))) for group in groups]
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert [width / widths[0] for width in widths] == pytest.approx([1, 2, 3, 4, 5], abs=0.02)
    assert {bar.get("class") for bar in bars} == {"lp-ran"}


def test_the_peak_of_memory_says_what_was_in_memory() -> None:
    """By name."""
    assert any(
        text == "peak +50 MiB with features in memory"
        for text in texts(draw_svg_timeline(samples.timed(samples.features())))
    )


def test_a_failure_and_a_run_without_figures_have_timelines() -> None:
    """No memory where none was measured; the failed node in its own colour."""
    svg = draw_svg_timeline(samples.failure(samples.training(), "predict"))
    assert svg.count('data-state="failed"') == 1
    assert "lp-area" not in draw_svg_timeline(
        samples.failure(samples.training(), "predict"), theme="light"
    )
    ET.fromstring(draw_svg_timeline(samples.nasty().run()))


@pytest.mark.parametrize("junk", [None, 5, samples.planned()], ids=lambda junk: type(junk).__name__)
def test_what_is_no_run_is_refused(junk: Any) -> None:
    """A plan has no times."""
    with pytest.raises(TypeError):
        draw_svg_timeline(junk)


def test_the_same_run_gives_the_same_bytes() -> None:
    """And each theme has its colours."""
    assert draw_svg_timeline(samples.timed(samples.features())) == draw_svg_timeline(
        samples.timed(samples.features())
    )
    assert "<style>" not in draw_svg_timeline(samples.timed(samples.features()), theme="dark")


@pytest.mark.parametrize("program", ["cairosvg", "rsvg-convert", "svglib", "weasyprint"])
def test_other_programs_draw_it_too(program: str, tmp_path: Path) -> None:
    """The bars are where they should be."""
    svg = draw_svg_timeline(samples.timed(samples.features()), theme="light")
    path = tmp_path / "timeline.svg"
    path.write_text(svg, encoding="utf-8")
    root = ET.fromstring(svg)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    picture = drawn_by(program, path, round(width), round(height))
    colours = picture.getcolors(1 << 24)
    assert colours is not None
    assert sum(count for count, colour in colours if colour == (0, 0x72, 0xB2)) > 2000


@given(st.floats(1e-7, 1e6))
def test_ticks_are_few_and_round(seconds: float) -> None:
    """From 0, in steps of 1, 2 or 5."""
    ticks = axis_ticks(seconds)
    assert ticks[0] == 0
    assert 3 <= len(ticks) <= 10
    assert ticks[-1] <= seconds * (1 + 1e-9)


def test_objects_are_named_beside_their_lives_unless_there_are_too_many() -> None:
    """So that one can read off what was in memory when."""
    svg = draw_svg_timeline(samples.timed(samples.training()))
    for name in ("engine", "matches_clean", "X_train"):
        assert f">{name}</text>" in svg
    names = [f"object_{n}" for n in range(50)]
    many = Pipeline([samples.node("make", [], names), samples.node("read", names, [])])
    svg = draw_svg_timeline(samples.timed(many))
    assert svg.count("<g data-object=") == 50
    assert ">object_7</text>" not in svg
