"""The release dry run: metadata that an index takes, and what an installed linepipe reports."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tests.wheelhouse import MEMBERS, ROOT, VERSION, Venv, project_table, run


def test_an_index_would_take_what_is_built(wheels: Path) -> None:
    """``twine check --strict``: every sdist and wheel, its README rendered."""
    built = [*wheels.glob("*.whl"), *wheels.glob("*.tar.gz")]
    assert len(built) == 2 * len(MEMBERS)
    printed = run(sys.executable, "-m", "twine", "check", "--strict", *built)
    assert printed.count("PASSED") == len(built)


@pytest.mark.parametrize("member", MEMBERS)
def test_a_distribution_describes_itself(member: str) -> None:
    """A page on an index without these looks abandoned."""
    table = project_table(member)
    assert {"description", "readme", "license", "authors", "keywords"} <= table.keys()
    assert {"Homepage", "Documentation", "Repository", "Issues", "Changelog"} <= set(table["urls"])
    assert "Typing :: Typed" in table["classifiers"]
    for version in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {version}" in table["classifiers"]
    readme = (ROOT / "packages" / member / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {member}\n")
    assert len(readme.split()) > 30


def test_the_installed_packages_report_their_versions(installed: Venv) -> None:
    """``python -m linepipe``, from the wheels with both extras."""
    printed = run(installed.python, "-m", "linepipe", cwd=installed.path)
    for member in MEMBERS:
        assert re.search(rf"^{member} +{re.escape(VERSION)}$", printed, re.MULTILINE)
    assert "not installed" not in printed
