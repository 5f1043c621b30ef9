"""Fixtures of the whole suite: one build of the wheels, and one venv of all of them."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from tests import wheelhouse

# No test fails for being slow: how long an example takes is the machine's business.
settings.register_profile("linepipe", deadline=None)
settings.load_profile("linepipe")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every member's sdist, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    wheelhouse.build_all(folder)
    return folder


@pytest.fixture(scope="session")
def installed(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> wheelhouse.Venv:
    """A venv with ``linepipe[plot,memory]`` from the wheels, not editable."""
    venv = wheelhouse.Venv(tmp_path_factory.mktemp("installed") / "venv")
    venv.install("--find-links", wheels, "linepipe[plot,memory]")
    return venv


@pytest.fixture
def trimmed_heap() -> None:
    """Gives back to the system what other tests have freed.

    An allocator that has pages left takes those: then even a new 40 MiB need no memory, and
    a test of how much a node takes sees nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
