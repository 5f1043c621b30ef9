"""One version: it stands in few places, tells the same in each, and one command sets them all."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from scripts.bump import BumpError, bump, versions
from tests.wheelhouse import MEMBERS, ROOT

import linepipe_core

VERSION = linepipe_core.__version__
NEXT = "9.8.7rc1"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the files that git has, with a change to be released."""
    root = tmp_path / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    changelog = root / "CHANGELOG.md"
    changes = changelog.read_text(encoding="utf-8")
    if "## [Unreleased]\n" not in changes:
        changes = changes.replace("\n## [", "\n## [Unreleased]\n\n- Something.\n\n## [", 1)
        changelog.write_text(changes, encoding="utf-8")
    return root


def newest_release(root: Path) -> tuple[str, str]:
    """The version and the date of the changelog's newest release."""
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"^## \[(\d.*?)\] - (.+)$", changes, re.MULTILINE)
    assert found is not None
    return found[1], found[2]


def date_released(root: Path) -> str:
    """The date in the citation."""
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    found = re.search(r"^date-released: (.+)$", citation, re.MULTILINE)
    assert found is not None
    return found[1]


def test_one_version_stands_everywhere() -> None:
    """In each distribution, their pins, the citation and the changelog's newest release."""
    differing = {place: version for place, version in versions() if version != VERSION}
    assert differing == {}
    assert newest_release(ROOT) == (VERSION, date_released(ROOT))


@pytest.mark.parametrize("member", MEMBERS)
def test_each_package_has_the_version(member: str) -> None:
    """``linepipe_core.__version__``: a service has nothing but the core."""
    assert import_module(member.replace("-", "_")).__version__ == VERSION


def test_the_site_has_the_version() -> None:
    """In its title, too."""
    settings = runpy.run_path(str(ROOT / "docs" / "conf.py"))
    assert settings["release"] == VERSION
    assert settings["html_title"] == f"linepipe {'.'.join(VERSION.split('.')[:2])}"


def test_a_bump_leaves_no_older_version(copy: Path) -> None:
    """Neither where the version is looked for nor anywhere else among the packages' files."""
    before = list(versions(copy))
    script = [sys.executable, str(copy / "scripts" / "bump.py"), NEXT, "--date", "2031-02-03"]
    printed = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    after = list(versions(copy))
    assert [place for place, _ in after] == [place for place, _ in before]
    assert {version for _, version in after} == {NEXT}
    assert newest_release(copy) == (NEXT, "2031-02-03")
    assert date_released(copy) == "2031-02-03"
    assert set(printed.splitlines()) >= {place.partition(":")[0] for place, _ in after}
    for path in [*copy.glob("packages/**/*.py"), *copy.glob("packages/*/pyproject.toml")]:
        assert VERSION not in path.read_text(encoding="utf-8"), path


def test_a_bump_changes_the_version_and_no_more(copy: Path) -> None:
    """Bumped back, all but the changelog is as it was."""
    bump(NEXT, "2031-02-03", copy)
    changelog = copy / "CHANGELOG.md"
    changelog.write_text("## [Unreleased]\n", encoding="utf-8")
    for path in bump(VERSION, date_released(ROOT), copy):
        if path != changelog:
            assert path.read_bytes() == (ROOT / path.relative_to(copy)).read_bytes()


def test_a_bump_without_changes_is_refused(copy: Path) -> None:
    """A release that says nothing about itself; no file is written."""
    (copy / "CHANGELOG.md").write_text("# Changelog\n\n## [1.0.0] - 2025-01-01\n", encoding="utf-8")
    before = list(versions(copy))
    with pytest.raises(BumpError, match=r"no heading '## \[Unreleased\]': write below it"):
        bump(NEXT, "2031-02-03", copy)
    assert list(versions(copy)) == before


@pytest.mark.parametrize("wrong", ["2.1", "v2.1.0", "2.1.0.dev1", ""])
def test_a_bump_to_no_version_is_refused(wrong: str, copy: Path) -> None:
    """Before anything is written."""
    with pytest.raises(BumpError, match=r"is no version: give three numbers, such as 2\.1\.0"):
        bump(wrong, "2031-02-03", copy)
    assert VERSION in {version for _, version in versions(copy)}
