"""The notebook: it runs from top to bottom, and what is stored in it is what it gives.

``python -m tests.examples.test_notebook`` stores it anew; that wants kaleido, and a Chromium
that it finds (or ``BROWSER_PATH``), for the plotly figure as a picture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from tests.wheelhouse import ROOT

NOTEBOOK = ROOT / "examples" / "basic_usage.ipynb"
FIGURE, PICTURE = "application/vnd.plotly.v1+json", "image/png"
MEASURED = re.compile(r"<?\d+(\.\d+)? ?(s|ms|µs|us|MiB)\b")


@pytest.fixture(scope="module")
def stored() -> Any:
    """The notebook as it is in the repository."""
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def executed(stored: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook, run in a kernel of its own in an empty folder."""
    return run(stored, str(tmp_path_factory.mktemp("notebook")))


def run(stored: Any, folder: str) -> Any:
    """A notebook like that, with what its cells give now."""
    notebook = nbformat.from_dict(stored)
    client = NotebookClient(
        notebook,
        timeout=300,
        startup_timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": folder}},
    )
    client.execute()
    notebook.metadata = stored.metadata  # without what the kernel tells of itself
    return notebook


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(cell: Any) -> Iterator[tuple[set[str], str]]:
    """The kinds and the text of each output of a cell.

    The kernel sends what is printed whenever its timer says so: in one part, or in several.
    """
    for name, group in groupby(cell.outputs, key=lambda output: output.get("name")):
        if name is not None:
            yield {name}, "".join(output.text for output in group)
        else:
            yield from ((set(out.data), out.data.get("text/plain", "")) for out in group)


def said(cell: Any) -> list[str]:
    """The text of a cell's outputs, without figures that are measured anew each time."""
    return [MEASURED.sub("...", text) for _, text in outputs(cell)]


def kinds(cell: Any) -> list[set[str]]:
    """The kinds of a cell's outputs."""
    return [kinds for kinds, _ in outputs(cell)]


@pytest.mark.slow
def test_it_says_what_is_stored_in_it(stored: Any, executed: Any) -> None:
    """Text for text, and pictures where there were pictures."""
    for before, after in zip(code_cells(stored), code_cells(executed), strict=True):
        assert said(after) == said(before), before.source
        assert kinds(after) == [kind - {PICTURE} for kind in kinds(before)], before.source


def test_its_outputs_are_stored_with_their_pictures(stored: Any) -> None:
    """A reader who runs nothing sees everything."""
    found = set().union(*(kind for cell in code_cells(stored) for kind in kinds(cell)))
    assert {"text/html", FIGURE, "stdout"} <= found
    assert "image/svg+xml" not in found  # which a notebook that isn't trusted would not show
    assert all(cell.execution_count for cell in code_cells(stored))


def test_its_figure_is_stored_as_a_picture_too(stored: Any) -> None:
    """A reader without plotly's JavaScript, such as a static page, would see an empty cell."""
    figures = [kind for cell in code_cells(stored) for kind in kinds(cell) if FIGURE in kind]
    assert figures == [{FIGURE, PICTURE}]


def test_it_holds_no_path_of_the_machine_that_ran_it(stored: Any) -> None:
    """Stored outputs are the same wherever they are made."""
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not [part for part in ("/home/", "/root/", "/tmp/", str(Path.home())) if part in text]


if __name__ == "__main__":
    os.environ["PLOTLY_RENDERER"] = "plotly_mimetype+png"
    with TemporaryDirectory() as folder:
        nbformat.write(run(nbformat.read(NOTEBOOK, as_version=4), folder), NOTEBOOK)
