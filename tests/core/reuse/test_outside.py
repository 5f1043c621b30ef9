"""The plan names what a node was seen to read outside: files that are no File, processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from linepipe_core import File, Node, Pipeline


def read(path: str) -> str:
    return Path(path).read_text()


def read_declared(path: File) -> str:
    return Path(path).read_text()


def list_folder(path: str) -> list[str]:
    return sorted(os.listdir(path))


def read_own(text: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.txt"
        path.write_text(text)
        return path.read_text()


def start(text: str) -> str:
    done = subprocess.run([sys.executable, "-c", f"print({text!r})"], capture_output=True)
    return done.stdout.decode().strip()


def seen(folder: Path, node: Node, **constants: Any) -> list[str]:
    """The notes of the node's plan once it has run, and again when it was reused."""
    flow = Pipeline(
        [node], use_persistent_cache=True, cache_storage_path=folder / "shelf", **constants
    )
    flow.run(reuse=True)
    notes = list(flow.plan()[0].untracked)
    assert flow.run(reuse=True).steps[0].status == "reused"
    assert list(flow.plan()[0].untracked) == notes
    return [note for note in notes if not note.startswith("what ")]


def test_a_file_that_is_opened_and_is_no_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path from the current folder; a declared File isn't."""
    monkeypatch.chdir(tmp_path)
    Path("rows.txt").write_text("a")
    found = seen(tmp_path, Node(read, ["path"], ["text"]), path="rows.txt")
    assert found == ["the content of rows.txt, which it opened"]
    other = tmp_path / "other"
    assert seen(other, Node(read_declared, ["path"], ["text"]), path=File("rows.txt")) == []


def test_a_folder_that_is_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its names are read, whatever lies in the files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "months").mkdir()
    (tmp_path / "months" / "a.txt").write_text("a")
    found = seen(tmp_path, Node(list_folder, ["path"], ["names"]), path="months")
    assert found == ["the content of months, which it opened"]


def test_a_file_that_the_node_has_made_is_not_named(tmp_path: Path) -> None:
    """Nor are the modules that it imports, nor the shelf."""
    assert seen(tmp_path, Node(read_own, ["text"], ["same"]), text="a") == []


def test_processes_that_a_node_starts_are_named(tmp_path: Path) -> None:
    """Their code isn't watched."""
    found = seen(tmp_path, Node(start, ["text"], ["same"]), text="a")
    assert found == ["the code of the processes that it started"]


def test_what_is_opened_between_runs_is_not_noted(tmp_path: Path) -> None:
    """The hook stays, and notes nothing while no node runs."""
    flow = Pipeline([Node(len, ["text"], ["n"])], text="abc")
    flow = flow.replace(use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")
    flow.run(reuse=True)
    (tmp_path / "rows.txt").write_text("a")
    flow.run(reuse=True)
    assert flow.plan()[0].untracked == ()
