"""What killed writers leave, and filesystems on which nobody can tell."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from tests.faults.blocks import Block

from linepipe_core.shelf import ObjectShelf


def leave(path: str) -> tuple[Path, Path]:
    """A placed buffer without a row, and the staging folder that tells of it."""
    orphan = Path(path, "buffers", "f" * 64)
    orphan.write_bytes(b"placed, and its writer was killed")
    folder = Path(path, "staging", "1-dead")
    folder.mkdir()
    (folder / f"{orphan.name}.0123").write_bytes(b"")
    return orphan, folder


def test_what_a_dead_writer_left_is_swept(filled: str) -> None:
    """By the next opening, which looks at nothing else."""
    orphan, folder = leave(filled)
    kept = sorted(Path(filled, "buffers").iterdir())
    with ObjectShelf(filled) as shelf:
        assert not folder.exists()
        assert sorted(Path(filled, "buffers").iterdir()) == [f for f in kept if f != orphan]
        assert shelf.verify() == ()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is swept on Windows, without flock")
@pytest.mark.parametrize("function", ["os.mkdir", "fcntl.flock"])
def test_a_folder_that_is_swept_before_it_is_locked_is_made_again(
    filled: str, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    """A sweep can't tell a writer's new folder from a dead one's until the writer locks it."""
    module, _, name = function.rpartition(".")
    real = getattr(sys.modules[module], name)
    swept: list[str] = []

    def sweep_around(*args: object, **options: object) -> None:
        monkeypatch.undo()
        if name == "mkdir":
            real(*args, **options)
        before = sorted(os.listdir(Path(filled, "staging")))
        ObjectShelf(filled).close()
        swept.extend(set(before) - set(os.listdir(Path(filled, "staging"))))
        if name == "flock":
            real(*args, **options)

    with ObjectShelf(filled) as shelf:
        monkeypatch.setattr(function, sweep_around)
        shelf["large"] = Block(5, 2_000_000)
        assert len(swept) == 1
        assert shelf["large"].is_whole()
    assert os.listdir(Path(filled, "staging")) == []


def test_a_buffer_that_no_row_names_is_removed_by_verify_if_it_is_whole(filled: str) -> None:
    """A power cut can leave one without a word; what linepipe didn't write stays."""
    kept = {file.name for file in Path(filled, "buffers").iterdir()}
    with ObjectShelf(filled + " of another") as another:
        another["large"] = Block(77, 90_000)
        (unknown,) = Path(another.path, "buffers").iterdir()
    unknown.rename(Path(filled, "buffers", unknown.name))
    foreign = Path(filled, "buffers", "f" * 64)
    foreign.write_bytes(b"my thesis")
    with ObjectShelf(filled) as shelf:
        assert Path(filled, "buffers", unknown.name).exists(), "an opening reads no folder"
        assert shelf.verify() == ()
        left = {file.name for file in Path(filled, "buffers").iterdir()}
        assert left == kept | {foreign.name}
        shelf["large"] = Block(77, 90_000)
        assert shelf["large"].is_whole()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_filesystem_without_flock_is_named_and_nothing_is_swept(
    filled: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    """Nobody can tell a dead writer's files from a live one's there."""

    def refuse(*_: object) -> None:
        raise OSError(code, "no locks here")

    orphan, folder = leave(filled)
    monkeypatch.setattr("fcntl.flock", refuse)
    for _ in range(2):
        with ObjectShelf(filled) as shelf:
            shelf["new"] = Block(5, 200_000)
            assert shelf["new"].is_whole()
    assert orphan.exists()
    assert folder.exists()
    (said,) = [each.getMessage() for each in caplog.records]
    assert filled in said
    assert "has no flock" in said
