"""Every Python block of the README and of the docs runs, page by page, top to bottom.

A page is run as one module in an empty folder, so that blocks build on each other as a reader
would type them, and what they write is gone afterwards. Blocks with ``>>>`` also compare
what is printed. There is no way to skip a block: what can't run isn't marked ``python``.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE
from pathlib import Path
from types import ModuleType

import pytest
from sybil import Sybil
from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser

import linepipe_core
import linepipe_profile
import linepipe_viz

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "examples/*/README.md", "packages/*/README.md")
    for page in ROOT.glob(pattern)
    if "_build" not in page.parts
)
LANGUAGES = {"console", "ini", "json", "mermaid", "python", "text", "toml"}
SYBIL = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)],
    path=str(ROOT),
    patterns=["**/*.md"],
)


def page_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def module(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    """A module for a page: what its blocks define can be pickled, as in a file."""
    name = "page_" + re.sub(r"\W", "_", request.node.name)
    sys.modules[name] = module = ModuleType(name)
    yield module
    del sys.modules[name]


@pytest.mark.usefixtures("trimmed_heap")
@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_block_runs(
    page: Path, module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that a reader copies from this page works."""
    monkeypatch.chdir(tmp_path)
    document: Document = SYBIL.parse(page)
    module.__file__ = str(page)
    document.namespace = vars(module)
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_block_says_a_language_that_is_known_here(page: Path) -> None:
    """A block marked ``py`` or not at all would be passed over in silence."""
    fences = re.findall(r"^ *(?:```|~~~)(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    opening = fences[::2]
    assert {said for said in opening if not said.startswith("{")} <= LANGUAGES


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """Files move; what points to them must follow. (Sphinx checks the site's own roles.)"""
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if ":" not in link and not (page.parent / link).exists()]
    assert not lost


def test_every_public_name_is_in_the_reference() -> None:
    """The API page names each one, or takes the module that holds it whole."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    whole = [importlib.import_module(name) for name in re.findall(r"automodule:: (\S+)", text)]
    told = set(re.findall(r"auto(?:class|function|data):: \S+?(\w+)$", text, re.MULTILINE))
    told |= {name for module in whole for name in module.__all__}
    public = {*linepipe_core.__all__, *linepipe_viz.__all__, *linepipe_profile.__all__}
    assert public - told == set()


def test_the_readme_and_the_docs_are_among_the_pages() -> None:
    """The list of pages isn't empty by mistake."""
    names = {page_name(page) for page in PAGES}
    assert {"README.md", "docs/index.md", "docs/quickstart.md", "docs/tutorial.md"} <= names
