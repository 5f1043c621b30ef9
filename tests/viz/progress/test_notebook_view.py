"""Progress in a notebook: one picture, updated in place, in a real kernel."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from tests.viz import samples

from linepipe_core import Pipeline
from linepipe_viz.progress import notebook_view
from linepipe_viz.progress.notebook_view import NotebookView

ROOT = Path(__file__).parents[3]
RUN = """
from linepipe_viz import Progress
from tests.viz import samples
pipeline = samples.features()
result = pipeline.run(hooks=[Progress(title="Night")])
"""
FAIL = """
samples.failing(samples.training(), "predict").run(hooks=[Progress()])
"""


def svg_of(output: Any) -> str:
    (data,) = re.findall(r"base64,([^\"]+)", output["data"]["text/html"])
    return base64.b64decode(data).decode()


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    """A run and a failure, each in its cell."""
    made: nbformat.NotebookNode = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(RUN), nbformat.v4.new_code_cell(FAIL)]
    NotebookClient(
        made,
        timeout=300,
        startup_timeout=300,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(ROOT)}},
    ).execute()
    return made


def test_a_run_leaves_one_picture_which_is_the_results(notebook: nbformat.NotebookNode) -> None:
    """Nothing else in the cell: no lines, no second picture."""
    (output,) = notebook.cells[0].outputs
    assert output.output_type == "display_data"
    assert set(output["data"]) == {"text/plain", "text/html"}
    assert output["data"]["text/plain"].startswith("Night: 5 ran · ")
    svg = svg_of(output)
    assert svg.count('data-state="ran"') == 5
    assert "running" not in svg


def test_a_failure_leaves_its_picture_above_the_traceback(
    notebook: nbformat.NotebookNode,
) -> None:
    """With the error on the card."""
    picture, error = notebook.cells[1].outputs
    assert error.output_type == "error"
    assert "predict failed: ValueError: no such season: 1789" in picture["data"]["text/plain"]
    svg = svg_of(picture)
    assert svg.count('data-state="failed"') == 1
    assert svg.count('data-state="not run"') == 2


class Display:
    """Stands for IPython's handle: the pictures that it was given."""

    def __init__(self) -> None:
        self.pictures: list[dict[str, str]] = []

    def __call__(self, bundle: dict[str, str], *, raw: bool, display_id: bool) -> Display:
        self.update(bundle, raw=raw)
        return self

    def update(self, bundle: dict[str, str], *, raw: bool) -> None:
        self.pictures.append(bundle)


def test_pictures_come_as_often_as_they_are_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first, then one a quarter of a second at most, and the last."""
    display = Display()
    monkeypatch.setattr("IPython.display.display", display)
    clock = iter(n * 0.01 for n in range(10_000))
    monkeypatch.setattr(notebook_view, "perf_counter", lambda: next(clock))
    pipeline = Pipeline([samples.node(f"n{n}", [], []) for n in range(60)])
    result = pipeline.run()
    view = NotebookView(pipeline.nodes, None, pipeline.start().registry.info)
    for step in result.steps:
        view.begin(step)
        view.end(step, None)
    n_drawn = len(display.pictures)
    assert 2 <= n_drawn <= 4  # 60 readings of the clock are 0.6 s
    view.finish(result)
    assert len(display.pictures) == n_drawn + 1
    assert display.pictures[0]["text/plain"].startswith("Pipeline: 1 running · 59 not run")
    assert display.pictures[-1]["text/plain"].startswith("Pipeline: 60 ran")
