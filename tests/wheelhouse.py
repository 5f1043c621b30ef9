"""Builds the four distributions and makes venvs of them, for tests of what users install.

Apart from the tests so that the wheels, the types and the release checks share one build and
one big venv a session (the fixtures are in conftest.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import linepipe_core

ROOT = Path(__file__).parents[1]
MEMBERS = ("linepipe-core", "linepipe-viz", "linepipe-profile", "linepipe")
VERSION = linepipe_core.__version__


def project_table(member: str) -> dict[str, Any]:
    """The ``[project]`` table of a member."""
    text = (ROOT / "packages" / member / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def run(*command: str | Path, cwd: Path | None = None, accepted: tuple[int, ...] = (0,)) -> str:
    """Run a command and give what it printed; what it complained about goes into the error.

    Any exit code but the accepted ones is an error.

    PYTHONPATH is left out: what is tested is what is installed.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in accepted:
        raise AssertionError(
            f"{' '.join(map(str, command))}\nexit {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def build(source: Path, target: str, into: Path) -> None:
    """Build the ``sdist`` or the ``wheel`` of the project in ``source``."""
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", into, cwd=source)


def build_all(into: Path) -> None:
    """Build every member's sdist, and its wheel from that sdist, as an index would get them."""
    for member in MEMBERS:
        build(ROOT / "packages" / member, "sdist", into)
    for sdist in sorted(into.glob("*.tar.gz")):
        unpacked = into / "unpacked"
        with tarfile.open(sdist) as archive:
            archive.extractall(unpacked, filter="data")
        build(unpacked / sdist.name.removesuffix(".tar.gz"), "wheel", into)


class Venv:
    """A virtual environment of its own, made with uv."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.python = path / "bin" / "python"
        run("uv", "venv", "--quiet", "--python", sys.executable, path)

    def install(self, *arguments: str | Path) -> None:
        """``uv pip install`` into it."""
        # uv would take an older build of the same version and path from its cache.
        refresh = [f"--refresh-package={member}" for member in MEMBERS]
        run("uv", "pip", "install", "--quiet", *refresh, "--python", self.python, *arguments)

    def execute(self, code: str) -> str:
        """The output of a script there, run in an empty folder."""
        elsewhere = self.path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return run(self.python, "-c", code, cwd=elsewhere)

    @property
    def packages(self) -> Path:
        """Its site-packages."""
        return next(self.path.glob("lib/python*/site-packages"))
