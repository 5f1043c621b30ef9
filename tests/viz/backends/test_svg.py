"""draw_svg_pipeline: one well-formed SVG, the same each time, that shows what there is."""

from __future__ import annotations

import difflib
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from tests.trying import examples
from tests.viz import samples, strategies

from linepipe_core import Node, Pipeline, RunResult
from linepipe_viz import (
    draw_ascii_pipeline,
    draw_html_pipeline,
    draw_mermaid_pipeline,
    draw_svg_pipeline,
    draw_svg_timeline,
    plot_pipeline_graph,
    print_pipeline,
)
from linepipe_viz.text import printable, shorten
from linepipe_viz.theme import COLOURS

PAGE = Path(__file__).parents[3] / "docs" / "pictures.md"
PICTURES = PAGE.with_suffix("")
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def tooltips(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}title")]


def pages_pipeline() -> Pipeline:
    """The one that the pictures' page defines, and shows."""
    page: dict[str, Any] = {"__name__": "page"}
    block = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[0]
    exec(block, page)
    pipeline: Pipeline = page["pipeline"]
    return pipeline


def golden_pictures() -> dict[str, str]:
    """The pictures that the docs show, by their file's name."""
    failed = samples.told(samples.failure(samples.training(), "predict"))
    return {
        "features.svg": draw_svg_pipeline(pages_pipeline(), "Features"),
        "training.svg": draw_svg_pipeline(samples.training(), "Train and predict"),
        "failed.svg": draw_svg_pipeline(
            samples.training(), "A run that failed", result=failed, theme="light"
        ),
        "twice.svg": draw_svg_pipeline(samples.twice(), "One function, two nodes", theme="dark"),
        "plan.svg": draw_svg_pipeline(
            samples.features(), "A plan", result=samples.planned(), theme="light"
        ),
        "plan-dark.svg": draw_svg_pipeline(
            samples.features(), "A plan", result=samples.planned(), theme="dark"
        ),
        "wide.svg": draw_svg_pipeline(samples.wide(), "Many outputs"),
        "timeline.svg": draw_svg_timeline(samples.timed(samples.training()), "Train and predict"),
        "../pages/walk.html": draw_html_pipeline(
            samples.training(), "Train and predict", result=samples.timed(samples.training())
        ),
        "sideways.svg": draw_svg_pipeline(samples.twice(), "Left to right", direction="LR"),
        "islands.svg": draw_svg_pipeline(samples.islands(), "Unconnected parts"),
    }


@pytest.mark.parametrize("name", golden_pictures())
def test_pictures_in_the_docs_are_what_is_drawn_today(name: str) -> None:
    """Any change shows as a diff. `python -m tests.viz.backends.test_svg` writes them anew."""
    drawn = golden_pictures()[name].splitlines()
    kept = (PICTURES / name).read_text(encoding="utf-8").splitlines()
    diff = "\n".join(difflib.unified_diff(kept, drawn, f"docs/pictures/{name}", "drawn", n=1))
    assert not diff, (
        f"python -m tests.viz.backends.test_svg draws them anew, if this is meant\n{diff}"
    )


@pytest.mark.parametrize("draw", [draw_svg_pipeline, draw_html_pipeline, draw_mermaid_pipeline])
def test_a_picture_runs_from_left_to_right_on_request(draw: Any) -> None:
    """And says which ways there are."""
    assert draw(samples.twice(), direction="LR") != draw(samples.twice())
    with pytest.raises(ValueError, match="no direction is called 'RL'"):
        draw(samples.twice(), direction="RL")


def test_every_name_is_shown() -> None:
    """Functions, objects, config values, title and subtitle."""
    shown = texts(draw_svg_pipeline(samples.features(), "Feature pipeline"))
    for words in (
        "Feature pipeline",
        "5 nodes · 4 datasets · 2 config keys",
        "load_data",
        "raw_data",
        "config.window",
        "write_features",
    ):
        assert words in shown


def test_names_are_escaped_and_cut() -> None:
    """Whatever the name, the SVG stays well formed and says the name."""
    shown = texts(draw_svg_pipeline(samples.nasty(), "<b>&"))
    assert "<b>&" in shown
    for name in samples.NASTY:
        assert shorten(printable(name)) in shown


@given(strategies.small_pipelines())
@examples(40)
def test_any_names_make_well_formed_svg(pipeline: Pipeline) -> None:
    """Control signs, surrogates and noncharacters included."""
    svg = draw_svg_pipeline(pipeline, "\ud800\x00<&\uffff")
    ET.fromstring(svg)
    svg.encode()


def test_tooltips_tell_signature_docstring_and_types() -> None:
    """What the hover card of the plot tells, as plain lines."""
    told = tooltips(draw_svg_pipeline(samples.features()))
    card = next(tip for tip in told if tip.startswith("rolling_goals\n"))
    assert "window: int, min_periods: int = 1" in card
    assert "\nRolling mean of goals per team.\n" in card
    assert "inputs: clean_data: " in card
    assert "config.window: int" in card
    assert "outputs: rolling_features: " in card
    pill = next(tip for tip in told if tip.startswith("clean_data\n") and "made by" in tip)
    assert pill.endswith("Table\nmade by clean_data\nread by rolling_goals, merge")


def test_a_partials_own_docstring_is_not_shown() -> None:
    """`partial(func, *args, **keywords) - new function with ...` tells nothing."""
    from functools import partial

    node = Node(partial(samples.rolling_goals, window=3), ["clean"], ["rolled"], name="rolled")
    told = tooltips(draw_svg_pipeline(Pipeline([node])))
    assert "Rolling mean of goals per team." in told[0]


def test_functions_without_signature_or_docstring_are_drawn() -> None:
    """Builtins have none."""
    pipeline = Pipeline([Node(print, ["x"], []), Node(dict, [], ["d"]), Node(len, ["d"], ["n"])])
    assert {"print", "dict", "len"} <= set(texts(draw_svg_pipeline(pipeline)))


def test_a_result_shows_seconds_memory_and_total() -> None:
    """On the cards, in the subtitle and in the tooltips."""
    result = samples.told(samples.features().run())
    svg = draw_svg_pipeline(samples.features(), result=result)
    assert "624 ms · 120 MiB" in texts(svg)
    assert "5 nodes · 4 datasets · 2 config keys" in texts(svg)
    assert "5 ran · 3.38 s in functions" in texts(svg)
    assert any("ran · 624 ms · 120 MiB" in tip for tip in tooltips(svg))
    assert svg.count('class="lp-bar"') == 5


def test_a_failure_shows_what_ran_what_failed_and_what_did_not_run() -> None:
    """Each in words too, never by colour alone."""
    failed = samples.told(samples.failure(samples.training(), "predict"))
    shown = texts(draw_svg_pipeline(samples.training(), result=failed))
    assert "failed · 2.72 s · 320 MiB" in shown
    assert shown.count("not run") == 2 + 1  # two cards and the legend
    assert "2.22 s · 280 MiB" in shown


def test_a_part_of_the_pipeline_takes_its_part_of_the_result() -> None:
    """The result of the whole also shows on a slice."""
    whole = samples.features()
    svg = draw_svg_pipeline(whole.only_nodes("merge"), result=samples.told(whole.run()))
    assert "960 ms · 160 MiB" in texts(svg)


def test_a_result_of_another_pipeline_is_refused() -> None:
    """It would show a pipeline that never ran."""
    with pytest.raises(ValueError, match=r"another pipeline(.|\n)*it knows: load_data"):
        draw_svg_pipeline(samples.training(), result=samples.features().run())


def test_what_the_result_does_not_know_did_not_run() -> None:
    """The run of a part shows on the whole: without a fill, dotted, and in words."""
    whole = samples.features()
    part = samples.told(whole.to_nodes("clean_data").run())
    svg = draw_svg_pipeline(whole, result=part)
    assert texts(svg).count("not run") == 3 + 1  # three cards and the legend
    assert svg.count('class="lp-not-run"') == 3 + 1
    assert svg.count('class="lp-ran"') == 2 + 1
    assert "120 ms · 40 MiB" in texts(svg)


def test_a_run_that_has_only_begun_is_no_other_pipelines() -> None:
    """A Run shows like its result, also before its first node."""
    pipeline = samples.features()
    with pipeline.start() as run:
        assert texts(draw_svg_pipeline(pipeline, result=run)).count("not run") == 5 + 1
        next(run)
        assert texts(draw_svg_pipeline(pipeline, result=run)).count("not run") == 4 + 1
        rest = pipeline.only_nodes("merge")
        assert texts(draw_svg_pipeline(rest, result=run)).count("not run") == 1 + 1


@pytest.mark.parametrize(
    "result",
    [5, "ran", object(), {"a": 1}, [1], samples.features(), RunResult],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_result_is_refused(result: Any) -> None:
    """With what would be one."""
    with pytest.raises(TypeError, match=r"is neither a run nor a plan\n  give what pipeline.run"):
        draw_svg_pipeline(samples.features(), result=result)


@pytest.mark.parametrize(
    "junk", [None, 5, [], Pipeline, samples.load_data], ids=lambda value: type(value).__name__
)
def test_what_is_no_pipeline_is_refused(junk: Any) -> None:
    """By every view."""
    for draw in (
        draw_svg_pipeline,
        draw_ascii_pipeline,
        draw_mermaid_pipeline,
        plot_pipeline_graph,
        print_pipeline,
    ):
        with pytest.raises(TypeError, match="a picture needs a Pipeline, not"):
            draw(junk)


def test_themes_have_their_own_colours() -> None:
    """Light and dark hold no trace of the other, auto holds both, and an override each way."""
    light = draw_svg_pipeline(samples.features(), theme="light")
    dark = draw_svg_pipeline(samples.features(), theme="dark")
    auto = draw_svg_pipeline(samples.features())
    for colour in (COLOURS["function-fill"], COLOURS["background"]):
        assert colour.light in light
        assert colour.dark not in light
        assert colour.dark in dark
        assert colour.light not in dark
        assert colour.light in auto
        assert colour.dark in auto
    assert "prefers-color-scheme:dark" in auto
    assert '[data-jp-theme-light="false"] #' in auto


@pytest.mark.parametrize("theme", ["drak", None, [], 5])
def test_an_unknown_theme_is_refused_by_name(theme: Any) -> None:
    """With those there are."""
    with pytest.raises(ValueError, match=r"no theme is called .*\n  there are: 'auto'"):
        draw_svg_pipeline(samples.features(), theme=theme)


def test_pictures_in_one_page_keep_to_themselves() -> None:
    """Every rule stands under the picture's own id; different pictures have different ids."""
    one, other = draw_svg_pipeline(samples.features()), draw_svg_pipeline(samples.training())
    ids = [re.findall(r'^<svg [^>]*id="(\w+)"', svg)[0] for svg in (one, other)]
    assert ids[0] != ids[1]
    style = re.findall(r"<style>\n(.*)</style>", one, re.S)[0]
    rules = re.sub(r"@(media|supports) \(.*?\)+\{", "", style)
    selectors = [
        selector for rule in re.findall(r"([^{}]+)\{", rules) for selector in rule.split(",")
    ]
    assert len(selectors) > 20
    assert all(f"#{ids[0]}" in selector for selector in selectors)


def test_a_reader_who_cannot_see_it_hears_what_it_is() -> None:
    """An image with a label."""
    root = ET.fromstring(draw_svg_pipeline(samples.features(), 'The "one"'))
    assert root.get("role") == "img"
    assert root.get("aria-label") == 'The "one": 5 nodes · 4 datasets · 2 config keys'


if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES.parent / "pages").mkdir(exist_ok=True)
    for file_name, picture in golden_pictures().items():
        (PICTURES / file_name).write_text(picture, encoding="utf-8")
