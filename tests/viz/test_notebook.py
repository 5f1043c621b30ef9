"""What a notebook shows of a pipeline, a result and a plan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.viz import samples

from linepipe_core import Hook, Pipeline, Step
from linepipe_viz import draw_mermaid_pipeline, draw_svg_pipeline
from linepipe_viz.notebook import plan_html


class Reasons(Hook):
    """Gives the steps reasons, as a run that reuses does."""

    def before_node(self, step: Step) -> None:
        step.reasons = ("config.<window> changed: 5 -> 7", "never ran")


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
    assert "Broken.after_node: ValueError(&#x27;&lt;broke&gt;&#x27;)" in html
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


@pytest.mark.parametrize("thing", [samples.features(), samples.twice().run()])
def test_without_viz_text_is_shown(thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Core depends on no picture: None makes a notebook show the text."""
    monkeypatch.setitem(sys.modules, "linepipe_viz", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert thing._repr_html_() is None
    if isinstance(thing, Pipeline):
        assert thing._repr_svg_() is None
