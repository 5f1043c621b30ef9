"""The types as users get them: from the installed wheels, by mypy and pyright, both strict.

The files beside this one are checked there, not run. `wrong.py` holds mistakes that both must
find. Apart from the checks of our own sources, which see those instead of the wheels.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.wheelhouse import Venv, run

HERE = Path(__file__).parent
PACKAGES = ("linepipe", "linepipe_core", "linepipe_viz", "linepipe_profile")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checked files, far from the sources and from our settings."""
    folder = tmp_path_factory.mktemp("typing")
    for path in HERE.glob("*.py"):
        if not path.name.startswith("test_"):
            shutil.copy(path, folder)
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    assert len(list(folder.glob("*.py"))) >= 3
    return folder


@pytest.mark.slow
def test_mypy_strict_agrees(installed: Venv, elsewhere: Path) -> None:
    """Every type is as asserted, and every mistake is found."""
    printed = run(
        *(sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores"),
        *("--python-executable", installed.python, "--cache-dir", elsewhere / "cache"),
        *sorted(elsewhere.glob("*.py")),
        cwd=elsewhere,
    )
    assert printed.startswith("Success")


@pytest.mark.slow
def test_pyright_strict_agrees(installed: Venv, elsewhere: Path) -> None:
    """Every type is as asserted, and every mistake is found."""
    printed = run(
        *(sys.executable, "-m", "pyright", "--pythonpath", installed.python), cwd=elsewhere
    )
    assert "0 errors, 0 warnings" in printed


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_a_whole_type(package: str, installed: Venv, tmp_path: Path) -> None:
    """pyright knows 100% of the package: nothing is unknown or guessed."""
    report = completeness(package, installed, tmp_path)
    vague = [
        f"{symbol['name']}: {problem['message']}"
        for symbol in report["symbols"]
        for problem in symbol["diagnostics"]
        if "docstring" not in problem["message"]  # told too, but not counted
    ]
    assert not vague, "\n".join(vague)
    assert report["completenessScore"] == 1
    assert report["exportedSymbolCounts"]["withKnownType"] > 0


def completeness(package: str, installed: Venv, folder: Path) -> dict[str, Any]:
    """The report of ``pyright --verifytypes``; it looks where the PATH's Python looks."""
    path = os.pathsep.join([str(installed.python.parent), os.environ["PATH"]])
    printed = run(
        *("env", f"PATH={path}", sys.executable, "-m", "pyright", "--verifytypes", package),
        *("--ignoreexternal", "--outputjson"),
        cwd=folder,
        accepted=(0, 1),  # 1: not complete; the report says why
    )
    report: dict[str, Any] = json.loads(printed)["typeCompleteness"]
    return report
