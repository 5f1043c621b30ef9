"""What IPython and a notebook show of an error: the cell's lines and the report, and no others."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHELL = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
for cell in {cells!r}:
    shell.run_cell(cell, store_history=True)
"""
DECLARED = """
from linepipe_core import Node, Pipeline
def invert(x):
    return 1 / x
pipeline = Pipeline([Node(invert, ["x"], ["y"])], x=0)
"""


def shown(*cells: str) -> str:
    program = SHELL.format(cells=[DECLARED, *cells])
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Unexpected exception formatting" not in ran.stdout
    return ran.stdout


@pytest.mark.parametrize(
    ("cell", "end"),
    [
        ("pipeline.run()", "ZeroDivisionError: division by zero"),
        ("pipeline.run(outputs=['z'])", "did you mean"),
        ("pipeline.map({'a': {'x': 0}})", "print(error.failed['a'])"),
        ("Pipeline([Node(invert, ['z'], ['y'])]).run()", "pipeline.bind(z=...)"),
        ("Node(invert, [], ['y'])", "given 0 by position: (none)"),
    ],
)
def test_a_traceback_has_none_of_linepipes_frames(cell: str, end: str) -> None:
    """Those between the cell and the error say nothing to its reader."""
    said = shown(cell)
    assert "linepipe_core/" not in said
    assert "-> 1 " + cell in said
    assert end.replace("did you mean", "there are: y") in said


def test_a_report_names_the_cell_of_the_function() -> None:
    """In place of the file that IPython makes up for it."""
    assert "function: invert, cell 1, line 2" in shown("pipeline.run()")


def test_a_function_that_a_cell_defined_again_is_named_with_that_cell() -> None:
    """So that one sees which."""
    to_stdout = "import logging, sys; logging.basicConfig(stream=sys.stdout)"
    said = shown("def invert(x): return 2", to_stdout, "pipeline.run()")
    assert "cell 2 has defined it again" in said
