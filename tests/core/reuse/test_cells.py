"""Notebooks: cells that IPython runs are the source of ``__main__``, and nothing runs in vain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("IPython", reason="the notebook shell isn't among the test dependencies")

CELLS = [
    "import argparse, random, warnings\nfrom linepipe_core import Node, Pipeline",
    "OPTIONS = argparse.Namespace(top=1)\nRNG = random.Random(4)\nSEEN = {}",
    "%config InlineBackend.figure_format = 'png'",
    "class Row:\n    unit: str = 'm'\n    def __init__(self, n): self.n = n",
    "def load(n):\n    SEEN[n] = RNG.random()\n    return [Row(i) for i in range(n)]",
    "def total(rows): return sum(row.n for row in rows) + OPTIONS.top",
    "print('a plot, say')",
]
DRIVER = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.loads(sys.argv[1]):
    done = shell.run_cell(cell, store_history=True)
    assert done.error_in_exec is None, done.error_in_exec
shell.run_cell('''
flow = Pipeline([Node(load, ["n"], ["rows"]), Node(total, ["rows"], ["total"])], n=3,
                use_persistent_cache=True, cache_storage_path="cache/data")
result = flow.run(reuse=True)
told = [(s.node.name, s.status, list(s.reasons)) for s in result.steps], result["total"]
again = [s.status for s in flow.run(reuse=True).steps]
''')
print("@@" + json.dumps([*shell.user_ns["told"], shell.user_ns["again"]]))
"""


def notebook(folder: Path, cells: list[str], seed: str) -> Any:
    """The steps, the result, and the second run's statuses of a notebook's process."""
    paths = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-B", "-c", DRIVER, json.dumps(cells)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": paths,
            "PYTHONHASHSEED": seed,
            "IPYTHONDIR": str(folder / "ipython"),
        },
        capture_output=True,
        text=True,
    )
    assert "@@" in done.stdout, done.stdout + done.stderr
    return json.loads(done.stdout.rpartition("@@")[2])


def test_cells_count_like_a_module(tmp_path: Path) -> None:
    """The same cells run nothing again; an edited statement runs the node that it concerns."""
    first = notebook(tmp_path, CELLS, "1")
    assert [step[1] for step in first[0]] == ["ran", "ran"]
    assert first[2] == ["reused", "reused"]
    second = notebook(tmp_path, CELLS, "2")
    assert [step[1] for step in second[0]] == ["reused", "reused"], second[0]
    edited = [cell.replace("top=1", "top=5") for cell in CELLS]
    third = notebook(tmp_path, edited, "3")
    assert [step[1] for step in third[0]] == ["reused", "ran"], third[0]
    assert third[1] == 8
    more = [*edited, "print('another plot')", "1 + 1"]
    assert [step[1] for step in notebook(tmp_path, more, "4")[0]] == ["reused", "reused"]
