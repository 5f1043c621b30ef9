"""``python -m linepipe``: one page for a bug report."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata

import pytest

from linepipe.__main__ import report


def test_it_names_every_part_and_the_python() -> None:
    """The four distributions, what the extras need, Python and the platform."""
    printed = subprocess.run(
        [sys.executable, "-m", "linepipe"], capture_output=True, text=True, check=True
    ).stdout
    names = [line.split()[0] for line in printed.splitlines()]
    assert names == [
        *("linepipe", "linepipe-core", "linepipe-viz", "linepipe-profile"),
        *("rich", "plotly", "memory-profiler", "psutil", "Python", "platform"),
    ]
    assert metadata.version("rich") in printed
    assert platform.python_version() in printed


def test_missing_packages_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing extra is an answer, not an error."""

    def version(name: str) -> str:
        if name in ("plotly", "linepipe-profile"):
            raise metadata.PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr("linepipe.__main__.version", version)
    lines = report().splitlines()
    assert "linepipe-profile  not installed" in lines
    assert "plotly            not installed  [plot]" in lines
    assert "rich              1.2.3" in lines
