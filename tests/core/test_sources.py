"""Modules that a node imports inside its function: real ones on disk, in fresh processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

FLOW = """
import importlib
import sys
from pathlib import Path

from linepipe_core import Node, Pipeline

{node}


def run():
    nodes = [Node(node, [], ["made"])]
    pipeline = Pipeline(nodes, use_persistent_cache=True, cache_storage_path="cache")
    result = pipeline.run(reuse=True)
    print(result["made"], *result.steps[0].reasons, sep=", ")


def write(file, text):
    Path(file).write_text(text)
"""
IMPORTING = """
def node():
    import helper
    return helper.value()
"""


class Project:
    """A folder with a flow of one node, and packages installed for it."""

    def __init__(self, folder: Path, node: str) -> None:
        self._folder = folder
        self.write("flow.py", FLOW.replace("{node}", textwrap.dedent(node)))

    def write(self, file: str, text: str) -> None:
        (self._folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self._folder / file).write_text(text)

    def session(self, script: str) -> list[str]:
        """What a fresh process prints that runs the script, line by line."""
        paths = [str(self._folder), str(self._folder / "site-packages"), *filter(None, sys.path)]
        done = subprocess.run(
            [sys.executable, "-c", "from flow import *\n" + textwrap.dedent(script)],
            cwd=self._folder,
            env={"PYTHONPATH": ":".join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.mark.parametrize(
    "statement",
    [
        "from installed import inner",
        "import installed.inner",
        "import installed, installed.inner as inner",
        "from installed.inner import name",
    ],
)
def test_an_installed_package_counts_once_whatever_is_imported_from_it(
    tmp_path: Path, statement: str
) -> None:
    """Loaded by the node, a module inside it is no other package; it was one, alternately."""
    project = Project(tmp_path, f"def node():\n    {statement}\n    return 1")
    project.write("site-packages/installed/__init__.py", "")
    project.write("site-packages/installed/inner.py", "name = 1")
    metadata = "site-packages/installed-1.0.dist-info/METADATA"
    project.write(metadata, "Name: installed\nVersion: 1.0\n")
    assert project.session("run(); run()") == ["1, never ran", "1, nothing changed"]
    assert project.session("run(); run()") == ["1, nothing changed"] * 2
    project.write(metadata, "Name: installed\nVersion: 1.1\n")
    assert project.session("run()") == ["1, package installed changed: 1.0 -> 1.1"]
