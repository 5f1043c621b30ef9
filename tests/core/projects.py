"""Small projects on disk, run in fresh processes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

__all__ = ["Project"]

FLOW = """
import importlib
import sys
from pathlib import Path

from linepipe_core import Node, Pipeline

{node}


def run(**options):
    nodes = [Node(node, [], ["made"])]
    pipeline = Pipeline(nodes, use_persistent_cache=True, cache_storage_path="cache")
    result = pipeline.run(reuse=True, **options)
    print(result["made"], *result.steps[0].reasons, sep=", ")


def write(file, text):
    Path(file).write_text(text)
"""


class Project:
    """A folder with a flow of one node, and packages installed for it."""

    def __init__(self, folder: Path, node: str) -> None:
        self._folder = folder
        self.write_node(node)

    def write_node(self, node: str) -> None:
        """The source of the function ``node``, and what it needs."""
        self.write("flow.py", FLOW.replace("{node}", textwrap.dedent(node)))

    def write(self, file: str, text: str) -> None:
        (self._folder / file).parent.mkdir(parents=True, exist_ok=True)
        (self._folder / file).write_text(text)

    def session(self, script: str) -> list[str]:
        """The lines that the script prints in a fresh process."""
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
