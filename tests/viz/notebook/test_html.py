"""What a notebook shows of a pipeline, a result and a plan."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from tests.viz import samples

import linepipe_viz.notebook
from linepipe_core import Hook, Pipeline, Reason, Step
from linepipe_viz import draw_mermaid_pipeline, draw_svg_pipeline
from linepipe_viz.notebook.html import plan_html


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


def test_a_pipeline_shows_its_picture() -> None:
    """Inline, so that it sees the notebook's theme; and the bare SVG for documents."""
    pipeline = samples.features()
    svg = draw_svg_pipeline(pipeline)
    assert svg in html_of(pipeline)
    assert pipeline._repr_svg_() == svg


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
    assert "<li>merge: the clock</li>" in html
    assert html.count("<li>") == len(samples.planned().untracked)


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
    if isinstance(thing, Pipeline):
        assert thing._repr_svg_() is None


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
    assert samples.features()._repr_svg_() is None
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
