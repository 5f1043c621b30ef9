"""The release dry run: metadata that an index takes, and one version told everywhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from tests.wheelhouse import MEMBERS, ROOT, Venv, project_table, run


def test_an_index_would_take_what_is_built(wheels: Path) -> None:
    """``twine check --strict``: every sdist and wheel, its README rendered."""
    built = [*wheels.glob("*.whl"), *wheels.glob("*.tar.gz")]
    assert len(built) == 2 * len(MEMBERS)
    printed = run(sys.executable, "-m", "twine", "check", "--strict", *built)
    assert printed.count("PASSED") == len(built)


def test_one_version_is_told_everywhere() -> None:
    """By each distribution, the citation, the site and the changelog's newest entry."""
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    site = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    told = {project_table(member)["version"] for member in MEMBERS}
    told |= set(re.findall(r"^version: (.+)$", citation, re.MULTILINE))
    told |= set(re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)[:1])
    told |= set(re.findall(r'^release = "(.+)"$', site, re.MULTILINE))
    assert len(told) == 1
    dates = re.findall(r"^date-released: (.+)$", citation, re.MULTILINE)
    assert dates == re.findall(r"^## \[.+?\] - (.+)$", changelog, re.MULTILINE)[:1]


@pytest.mark.parametrize("member", MEMBERS)
def test_a_distribution_describes_itself(member: str) -> None:
    """A page on an index without these looks abandoned."""
    table = project_table(member)
    assert {"description", "readme", "license", "authors", "keywords"} <= table.keys()
    assert "Typing :: Typed" in table["classifiers"]
    for version in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {version}" in table["classifiers"]
    readme = (ROOT / "packages" / member / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(f"# {member}\n")
    assert len(readme.split()) > 30


def test_what_is_installed_tells_its_versions(installed: Venv) -> None:
    """``python -m linepipe``, from the wheels with both extras."""
    printed = run(installed.python, "-m", "linepipe", cwd=installed.path)
    for member in MEMBERS:
        assert re.search(rf"^{member} +2\.0\.0$", printed, re.MULTILINE)
    assert "not installed" not in printed
