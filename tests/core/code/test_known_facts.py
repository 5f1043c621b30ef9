"""What sources say is kept on the shelf: an unchanged file is parsed once, by whichever process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.core.projects import Project

from linepipe_core._code import known_facts

NODE = """
import big
def node(): return big.first() + big.LIMIT
"""
PADDING = "\n".join(f"def f{i}(x):\n    return [x * {i}, x + {i}]" for i in range(600))
BIG = "import struct\nLIMIT = @@\nclass Row:\n    n = struct.Struct('<i')\n"
BIG += "def first(): return Row.n.size\n" + PADDING
PARSES = """
import ast
parse, parsed = ast.parse, []
def noted(text, *args, **kwargs):
    parsed.append(len(text))
    return parse(text, *args, **kwargs)
ast.parse = noted
run()
print("parsed", len([each for each in parsed if each > 20_000]))
"""


class Memory:
    """A keeper in memory."""

    def __init__(self, path: str, content: bytes | None = None) -> None:
        self.path = path
        self.content = content

    def load(self) -> bytes | None:
        return self.content

    def save(self, content: bytes) -> None:
        self.content = content


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path, NODE)
    project.write("big.py", BIG.replace("@@", "1"))
    old = 1_700_000_000  # what was changed just now isn't known by its times
    os.utime(tmp_path / "big.py", (old, old))
    return project


def facts_of(tmp_path: Path) -> Path:
    (found,) = (tmp_path / "cache").glob("facts-*")
    return found


def test_an_unchanged_file_is_not_parsed_again(project: Project, tmp_path: Path) -> None:
    """The times of its last change tell, so the test waits for the clock to pass them."""
    project.session("import time; time.sleep(0.2); run()")
    facts_of(tmp_path)
    assert project.session(PARSES) == ["5, nothing changed", "parsed 0"]
    project.write("big.py", BIG.replace("@@", "2"))
    assert project.session(PARSES) == ["6, global LIMIT changed: 1 -> 2", "parsed 1"]


@pytest.mark.parametrize("damage", ["cut", "spoilt", "other", "folder"])
def test_facts_that_are_damaged_are_found_anew(
    project: Project, tmp_path: Path, damage: str
) -> None:
    """The file is a cache of a cache: nothing relies on it."""
    project.session("import time; time.sleep(0.2); run()")
    facts = facts_of(tmp_path)
    content = facts.read_bytes()
    facts.unlink()
    match damage:
        case "cut":
            facts.write_bytes(content[: len(content) // 2])
        case "spoilt":
            facts.write_bytes(content.replace(b"Row", b"Rot"))
        case "other":
            facts.write_bytes(b"something else\n" + content)
        case _:
            facts.mkdir()
    assert project.session("run()") == ["5, nothing changed"]


def test_a_small_project_leaves_no_facts(tmp_path: Path) -> None:
    """Reading the file would take as long as parsing."""
    project = Project(tmp_path, "def node(): return 1")
    project.session("run()")
    assert not list((tmp_path / "cache").glob("facts-*"))


def test_facts_are_found_by_their_stamp() -> None:
    """Of another content of the file nothing is known."""
    keeper = Memory("by stamp")
    known_facts.note("test", "a.py", "1", ["x"], 50_000)
    assert known_facts.find("test", "a.py", "1") == ["x"]
    assert known_facts.find("test", "a.py", "2") is None
    known_facts.keep(keeper)
    assert keeper.content is not None
    assert known_facts.find("test", "a.py", "1") == ["x"]


def test_facts_of_other_processes_stay_and_the_oldest_leave(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A keeper holds so many bytes, of those that were used last."""
    keeper = Memory("crowded")
    monkeypatch.setattr(known_facts, "_MOST_BYTES", 3_000)
    for number in range(5):
        monkeypatch.setattr(known_facts, "_used", set())  # as in a process of its own
        known_facts.note("test", f"{number}.py", "1", ["x" * 1_000], 50_000)
        known_facts.keep(keeper)
    assert keeper.content is not None
    assert [f"{n}.py".encode() in keeper.content for n in range(5)] == [False] * 3 + [True] * 2
