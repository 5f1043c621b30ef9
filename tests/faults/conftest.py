"""How much to try: a sample in the suite, all of it in `hatch run faults`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linepipe_core.shelf import ObjectShelf

KILLS = 50
FAULT_EVERY = 131  # no divisor of the number of kinds, so each of them comes
CUT_EVERY = 101
CROWD_SECONDS = 4.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=KILLS, help="how many writers to kill -9")
    parser.addoption(
        "--fault-every", type=int, default=FAULT_EVERY, help="which of all faults to inject"
    )
    parser.addoption(
        "--cut-every", type=int, default=CUT_EVERY, help="which of all disks of a cut to try"
    )
    parser.addoption(
        "--crowd-seconds", type=float, default=CROWD_SECONDS, help="how long many share a shelf"
    )


# The options are unknown when this folder isn't named on the command line.


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How many writers to kill."""
    return int(request.config.getoption("--kills", default=KILLS))


@pytest.fixture
def fault_every(request: pytest.FixtureRequest) -> int:
    """Each fault of that many is injected; 1 for all."""
    return int(request.config.getoption("--fault-every", default=FAULT_EVERY))


@pytest.fixture
def cut_every(request: pytest.FixtureRequest) -> int:
    """Of so many disks that a power cut may leave, one is tried; 1 for all."""
    return int(request.config.getoption("--cut-every", default=CUT_EVERY))


@pytest.fixture
def crowd_seconds(request: pytest.FixtureRequest) -> float:
    """How long many processes and threads share a shelf."""
    return float(request.config.getoption("--crowd-seconds", default=CROWD_SECONDS))


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cache" / "data")


@pytest.fixture
def buffers(path: str) -> Callable[[], list[Path]]:
    """The buffer files of the shelf, and the drafts that lie there."""
    folder = Path(path)
    return lambda: sorted(
        file
        for part in ("buffers", "staging")
        for file in folder.joinpath(part).rglob("*")
        if file.is_file()
    )


@pytest.fixture
def filled(path: str) -> str:
    """The path of a shelf with a small object, a large one, and one of several buffers."""
    from tests.faults.blocks import Block

    with ObjectShelf(path) as shelf:
        shelf["small"] = {"a": 1}
        shelf["large"] = Block(1, 3_000_000)
        shelf["several"] = [Block(2, 2_000_000), Block(3, 100_000)]
    return path


@pytest.fixture(scope="session")
def interposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that fails calls of the C library."""
    return built("interposed", tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that writes down what is changed by calls of the C library."""
    return built("recorded", tmp_path_factory.mktemp("library"))


def built(name: str, folder: Path) -> Path:
    """A library to be preloaded."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("it takes Linux and a C compiler to stand between Python and its C library")
    source, library = Path(__file__).with_name(f"{name}.c"), folder / f"{name}.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory: what makes thousands of shelves needn't wait for a disk."""
    folder = tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    yield Path(folder)
    shutil.rmtree(folder)
