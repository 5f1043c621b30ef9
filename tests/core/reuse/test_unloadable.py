"""Values that pickle and can't be unpickled: kept in memory, and counted by how they were made."""

from __future__ import annotations

import enum
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from linepipe_core import Node, Pipeline


class BadRowError(Exception):
    """Pickle calls it with its one argument, the text."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(f"{row}: {why}")
        self.row = row


class Span(tuple[int, int]):
    """A tuple that is made of two numbers; pickle gives it one tuple."""

    def __new__(cls, first: int, last: int) -> Span:
        return super().__new__(cls, (first, last))


class Named:
    """An object that can't be made without a name."""

    def __new__(cls, name: str) -> Named:
        made = super().__new__(cls)
        made.name = name
        return made

    name: str


class Point(NamedTuple):
    x: int


class Colour(enum.Enum):
    RED = 1


def flow(value: Any, path: Path) -> tuple[list[str], list[str]]:
    """The states and reasons of a run of its maker and its reader."""
    nodes = [
        Node(lambda: [value, 1], [], ["made"], name="make"),
        Node(lambda made: str(made[0]), ["made"], ["text"], name="read"),
    ]
    pipeline = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=str(path / "cache"))
    steps = pipeline.run(reuse=True).steps
    return [s.status for s in steps], [str(reason) for s in steps for reason in s.reasons]


@pytest.mark.parametrize(
    "value",
    [BadRowError(1, "negative"), Span(1, 2), Named("a")],
    ids=["exception", "tuple", "object"],
)
def test_what_cannot_be_loaded_stays_in_memory(
    value: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the part; nothing runs again, and nobody says that a class is gone."""
    with caplog.at_level("INFO", "linepipe.registry"):
        assert flow(value, tmp_path)[0] == ["ran", "ran"]
    assert f"made[0] ({__name__}.{type(value).__name__}) can't be pickled" in caplog.text
    assert "its pickle can't be loaded" in caplog.text
    assert flow(value, tmp_path)[0] == ["reused", "reused"]


@pytest.mark.slow
def test_it_is_the_same_where_tblib_is_in_use(tmp_path: Path) -> None:
    """Tblib, which that imports, pickles every exception in another way, with its traceback."""
    script = (
        "import sys, logging, pickle, pathlib\n"
        "import tests.core.reuse.test_unloadable as here\n"
        "if len(sys.argv) > 2:\n"
        "    import tblib.pickling_support\n"
        "    tblib.pickling_support.install()\n"
        "    assert pickle.loads(pickle.dumps(here.BadRowError(1, 'a'))).row == 1\n"
        "logging.basicConfig(format='%(message)s')\n"
        "try:\n"
        "    raise ValueError('caught')\n"
        "except ValueError as error:\n"
        "    print(here.flow([error, here.BadRowError(1, 'a')], pathlib.Path(sys.argv[1])))\n"
    )

    def said(*arguments: str) -> tuple[str, str]:
        command = [sys.executable, "-c", script, str(tmp_path), *arguments]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        return ran.stdout.strip(), ran.stderr

    ran, why = said()
    assert ran.startswith("(['ran', 'ran'], ")
    assert "made[0][1] (tests.core.reuse.test_unloadable.BadRowError) can't be pickled" in why
    assert said("with tblib")[0].startswith("(['reused', 'reused'], ")


@pytest.mark.parametrize("value", [ValueError("a", 1), Point(1), Colour.RED], ids=repr)
def test_what_can_be_loaded_is_stored(
    value: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Exceptions of Python's, named tuples and members of enumerations."""
    flow(value, tmp_path)
    assert "can't be pickled" not in caplog.text
    assert flow(value, tmp_path)[0] == ["reused", "reused"]
