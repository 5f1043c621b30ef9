"""The page in Chromium by playwright, and its script under ESLint.

Both need the npm packages in ``walk``: `npm ci` there puts them in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.viz import samples
from tests.viz.browser import chromium

import linepipe_viz.page
from linepipe_core import Pipeline
from linepipe_viz import draw_html_pipeline

WALK = Path(__file__).parent / "walk"
ROOT = Path(__file__).parents[3]
SCRIPT = Path(linepipe_viz.page.__path__[0]) / "page.js"


def needs_node_modules() -> None:
    if shutil.which("node") is None or not (WALK / "node_modules").is_dir():
        if os.environ.get("CI"):
            pytest.fail("no node or no node_modules: .ci/run must install them")
        pytest.skip(f"needs node, and `npm ci` in {WALK.relative_to(ROOT)}")


def layered(count: int) -> Pipeline:
    """A pipeline of that many nodes, with all that it reads."""
    nodes = samples.random_pipeline(count, reach=12).nodes
    made = {name for node in nodes for name in node.outputs}
    names = {name for node in nodes for name in node.inputs} - made
    config = {name.removeprefix("config."): 1 for name in names if name.startswith("config.")}
    free = {name: 1 for name in names if not name.startswith("config.")}
    return Pipeline(nodes, config).bind(**free)


def write_pages(folder: Path) -> None:
    """The pages that the script walks."""
    features, training = samples.features(), samples.training()
    pages = {
        "run": draw_html_pipeline(features, result=samples.timed(features)),
        "training": draw_html_pipeline(training),
        "plan": draw_html_pipeline(features, result=samples.planned()),
        "three-hundred": draw_html_pipeline(layered(300), result=layered(300).run()),
        "four-hundred": draw_html_pipeline(layered(400)),
    }
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")


def test_the_page_is_walked_in_chromium(tmp_path: Path) -> None:
    """By mouse, by fingers, and by the keyboard alone; `walk/page.test.mjs` says how."""
    needs_node_modules()
    program = chromium()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: .ci/run must install it")
        pytest.skip("needs Chromium: apt-get install chromium")
    write_pages(tmp_path)
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", "page.test.mjs"],
        cwd=WALK,
        env={**os.environ, "PAGES": str(tmp_path), "CHROMIUM": program},
        capture_output=True,
        text=True,
        timeout=300,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_the_scripts_pass_the_linter() -> None:
    """The page's own, and those that test it."""
    needs_node_modules()
    scripts = [SCRIPT, *WALK.glob("*.mjs"), *(ROOT / "tests/viz/backends/mermaid").glob("*.mjs")]
    eslint = [WALK / "node_modules/eslint/bin/eslint.js", "--config", WALK / "eslint.config.mjs"]
    done = subprocess.run(
        ["node", *map(str, [*eslint, "--max-warnings", "0", *scripts])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
