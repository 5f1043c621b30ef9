"""How often to kill: 50 times in the suite, 1,000 in `hatch run faults`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from linepipe_core.shelf import ObjectShelf


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=50, help="how many writers to kill -9")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How many writers to kill."""
    # The option is unknown when this folder isn't named on the command line.
    return int(request.config.getoption("--kills", default=50))


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
