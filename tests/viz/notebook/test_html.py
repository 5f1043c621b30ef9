"""What a notebook shows of a pipeline, a result and a plan."""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64decode
from html.parser import HTMLParser
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.viz import samples

import linepipe_viz.notebook
from linepipe_core import Hook, Pipeline, Reason, Step
from linepipe_viz import draw_mermaid_pipeline, draw_svg_pipeline
from linepipe_viz.notebook import map_html, plan_html


class Reasons(Hook):
    """Gives the steps reasons, as a run that reuses does."""

    def before_node(self, step: Step) -> None:
        step.reasons = (
            Reason("config.<window> changed: 5 -> 7", "config", "config.<window>", "5", "7"),
            Reason("never ran", "never_ran"),
        )


def html_of(thing: Any) -> str:
    html: str = thing._repr_html_()
    return html


def picture_in(html: str) -> str:
    """The SVG inside an image's address."""
    (data,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', html)
    return b64decode(data).decode()


def test_a_pipeline_shows_its_picture() -> None:
    """As an image, which a notebook that isn't trusted leaves in; and no second time."""
    pipeline = samples.features()
    html = html_of(pipeline)
    assert picture_in(html) == draw_svg_pipeline(pipeline)
    assert "<svg" not in html
    assert not hasattr(pipeline, "_repr_svg_")


def test_a_picture_has_its_words_as_its_alternative_text() -> None:
    """For readers who can't see it, and where images aren't shown."""
    (words,) = re.findall(r'alt="([^"]+)"', html_of(samples.nasty()))
    assert "1. &lt;lambda&gt; reads free &lt;lambda&gt;, config.&lt;lambda&gt;" in words
    assert len(words.splitlines()) == 2 + len(samples.NASTY)


class Sanitizer(HTMLParser):
    """Keeps what JupyterLab's sanitizer keeps: no ``svg``, no scripts, images of any address."""

    KEPT = frozenset(
        ["area", "br", "code", "div", "li", "map", "p", "table", "td", "th", "tr", "ul"]
    )

    def __init__(self) -> None:
        super().__init__()
        self.images: list[str] = []
        self.dropped: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs).get("src") or "")
        elif tag not in self.KEPT:
            self.dropped.append(tag)


def test_all_representations_survive_a_notebook_that_is_not_trusted() -> None:
    """They use only elements that a sanitizer leaves alone."""
    result = samples.told(samples.nasty().run())
    drawn = [samples.nasty(), samples.features()]
    things = [*drawn, result, samples.planned(), samples.tracked().run().history]
    for thing in things:
        reader = Sanitizer()
        reader.feed(html_of(thing))
        assert reader.dropped == []
    assert len(reader.images) == 0


def test_a_history_shows_a_table() -> None:
    """Names of objects, never what they are; of a result and of the pipeline."""
    pipeline = samples.tracked()
    result = pipeline.run()
    for history in (result.history, pipeline.history, result.history.copy()):
        html = html_of(history)
        assert html.count("<tr>") == 4
        assert "home, mean, scale" in html
        assert "home_standard" in html
        assert "Table object" not in html


def test_a_registry_shows_a_table() -> None:
    """Each object with its placement; nothing once it is closed."""
    with samples.twice().get_obj_registry() as registry:
        html = html_of(registry)
        assert html.count("<tr>") == 1 + len(registry.placement)
        assert "constant" in html
    assert registry._repr_html_() is None


class Cases(dict[str, Any]):
    """Stands for what ``pipeline.map`` returns."""

    failed: ClassVar[dict[str, Exception]] = {"1789": ValueError("<no> such season")}


def test_the_results_of_several_cases_show_a_table() -> None:
    """A row a case; failures with their errors."""
    cases = Cases({str(n): samples.told(samples.twice().run()) for n in (2023, 2024)})
    html = map_html(cases)
    assert html.count("<tr>") == 4
    assert html.count("3 ran") == 2
    assert "failed: ValueError: &lt;no&gt; such season" in html


def test_a_result_shows_a_table() -> None:
    """Status and time of each node, memory and reasons where there are any, the outputs."""
    html = html_of(samples.told(samples.twice().run(hooks=[Reasons()])))
    assert html.count("<tr>") == 4
    for words in (
        '<th style="text-align:left">memory</th>',
        "339 ms",
        "80 MiB",
        "config.&lt;window&gt; changed: 5 -&gt; 7<br>never ran",
        "outputs: <code>matches</code>",
    ):
        assert words in html


def test_a_result_without_figures_has_no_empty_columns() -> None:
    """Neither memory nor reasons."""
    html = html_of(samples.twice().run())
    assert "memory" not in html
    assert "reasons" not in html


def test_names_in_tables_are_escaped() -> None:
    """A node's name runs no script in a notebook."""
    html = html_of(samples.nasty().run())
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_a_plan_shows_a_table() -> None:
    """Action and reasons for each node."""
    html = plan_html(samples.planned())
    assert html.count("<tr>") == 6
    assert "config.window changed: 5 -&gt; 7" in html


def test_a_plan_lists_what_it_cannot_track() -> None:
    """Below the table, as its text does."""
    html = plan_html(samples.planned())
    assert "not tracked:" in html
    assert "<li>load_data, clean_data, rolling_goals, merge and 1 more: the clock</li>" in html
    assert html.count("<li>") == 2  # each thing once, and what no plan tracks


class Broken(Hook):
    """Raises."""

    def after_node(self, step: Step) -> None:
        raise ValueError("<broke>")


def test_a_result_tells_which_hooks_were_put_aside() -> None:
    """Below the table, as its text does; otherwise there is no list."""
    html = html_of(samples.twice().run(hooks=[Broken()]))
    assert "hooks put aside:" in html
    assert "Broken.after_node: ValueError: &lt;broke&gt;" in html
    assert "put aside" not in html_of(samples.twice().run())


def test_a_real_plan_shows_in_every_view(tmp_path: Path) -> None:
    """What `pipeline.plan()` gives: as HTML, on the cards, in Mermaid and on the terminal."""
    pipeline = Pipeline(
        samples.features().nodes,
        config={"window": 5, "min_periods": 2},
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "shelf",
    )
    plan = pipeline.plan()
    assert html_of(plan) == plan_html(plan)
    assert html_of(plan).count('<td style="text-align:left">run</td>') == 5
    assert "will run · never ran" in draw_svg_pipeline(pipeline, result=plan)
    assert "will run · never ran" in draw_mermaid_pipeline(pipeline, result=plan)
    pipeline.run()
    assert "will reuse" in draw_svg_pipeline(pipeline, result=pipeline.plan())


REPRESENTED = [samples.features(), samples.twice().run(), samples.planned()]


@pytest.mark.parametrize("thing", REPRESENTED, ids=lambda thing: type(thing).__name__)
def test_without_a_drawing_distribution_text_is_shown(
    thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The core depends on no picture: None makes a notebook show the text."""
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: ())
    assert thing._repr_html_() is None


def test_another_distribution_may_draw_what_viz_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points are asked in turn; one without a function of that name is passed over."""

    class Other:
        @staticmethod
        def pipeline_html(pipeline: Pipeline) -> str:
            return f"<b>{len(pipeline)}</b>"

    class Entry:
        def __init__(self, thing: object) -> None:
            self.load = lambda: thing

    asked = []

    def entry_points(*, group: str) -> list[Entry]:
        asked.append(group)
        return [Entry(object()), Entry(Other)]

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    assert html_of(samples.features()) == "<b>5</b>"
    assert samples.features().run()._repr_html_() is None
    assert asked == ["linepipe.drawing", "linepipe.drawing"]


def test_viz_is_found_by_its_entry_point_and_loaded_on_first_use() -> None:
    """The core names no module of viz, and loads none before a notebook displays something."""
    (entry,) = entry_points(group="linepipe.drawing")
    assert entry.load() is linepipe_viz.notebook
    code = (
        "import sys; from tests.viz import samples; pipeline = samples.features()\n"
        "before = 'linepipe_viz' in sys.modules\n"
        "print(before, pipeline._repr_html_()[:4], 'linepipe_viz' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False <div True\n"
