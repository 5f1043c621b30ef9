"""Files that aren't ours are refused, and stay as they are."""

from __future__ import annotations

import os
import shelve
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from linepipe_core._store import permissions as trust
from linepipe_core.errors import ShelfPathError, ShelfTrustError
from linepipe_core.shelf import ObjectShelf

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def some_text(path: Path) -> None:
    path.write_text("notes")


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def another_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE names (a); INSERT INTO names VALUES (1)")
    connection.close()


def a_zip(path: Path) -> None:
    path.write_bytes(b"PK\3\4" + bytes(5000))


@pytest.mark.parametrize("made", [some_text, nothing, another_sqlite, a_zip])
def test_a_foreign_file_is_refused_by_name(tmp_path: Path, made: Callable[[Path], None]) -> None:
    """Untouched, with nothing made beside it."""
    made(tmp_path / "data")
    before = contents(tmp_path)
    with pytest.raises(ShelfPathError, match="stays as it is") as caught:
        ObjectShelf(tmp_path / "data")
    assert str(tmp_path / "data") in str(caught.value)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("kind", ["dbm.dumb", "dbm.ndbm", "dbm.gnu", "dbm"])
def test_an_older_linepipes_shelve_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    """Whichever of Python's dbm modules made it: each makes other files."""
    module = pytest.importorskip(kind, reason="this Python has no such dbm")
    older: shelve.Shelf[list[int]] = shelve.Shelf(module.open(str(tmp_path / "data"), "c"))
    older["table"] = [1, 2]  # as 1.x did
    older.close()
    before = contents(tmp_path)
    with pytest.raises(ShelfPathError, match="older linepipe"):
        ObjectShelf(tmp_path / "data")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("made", ["a folder", "a fifo", "a link", "a dangling link"])
def test_a_path_that_is_no_folder_of_ours_is_refused(tmp_path: Path, made: str) -> None:
    """Without waiting for anybody to write into it; a folder that holds something stays, too."""
    path, other = tmp_path / "data", tmp_path / "other"
    if made == "a folder":
        path.mkdir()
        (path / "thesis.docx").write_text("my work")
    elif made == "a fifo":
        os.mkfifo(path)
    else:
        if made == "a link":
            other.mkdir()
        path.symlink_to(other)
    with pytest.raises(ShelfPathError, match="stays as it is"):
        ObjectShelf(path)
    assert not other.exists() or list(other.iterdir()) == []
    assert made != "a folder" or contents(path) == {"thesis.docx": b"my work"}


PARTS = ["", "index.sqlite", "buffers", "staging"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_a_shelf_that_others_may_write_is_refused(filled: str, part: str, mode: int) -> None:
    """Reading it runs code that lies in it."""
    place = Path(filled, part)
    place.chmod(place.stat().st_mode | mode)
    with pytest.raises(ShelfTrustError, match="others may use it") as caught:
        ObjectShelf(filled)
    assert isinstance(caught.value, PermissionError)
    assert caught.value.path == str(place)
    place.chmod(place.stat().st_mode & ~mode)
    with ObjectShelf(filled) as shelf:
        assert shelf["small"] == {"a": 1}


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("part", PARTS)
def test_a_shelf_of_another_user_is_refused(filled: str, part: str) -> None:
    """Even by root, for whom it would run that user's code."""
    os.chown(Path(filled, part), 12_345, -1)
    with pytest.raises(ShelfTrustError, match="user 12345 owns it and you are user 0"):
        ObjectShelf(filled)


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
@pytest.mark.parametrize("part", ["index.sqlite", "index.sqlite-wal", "buffers"])
def test_a_part_of_another_kind_is_refused(filled: str, part: str, kind: str) -> None:
    """At once, and before SQLite opens anything."""
    place = Path(filled, part)
    if place.exists():
        place.rename(place.with_name("aside"))
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to(place.with_name("aside"))
    elif part == "buffers":
        place.write_text("no folder")
    else:
        place.mkdir()
    with pytest.raises(ShelfPathError, match="as a shelf has it"):
        ObjectShelf(filled)


def test_a_folder_that_everybody_may_write_is_refused(filled: str) -> None:
    """Unless it is sticky, like /tmp, where nobody can replace another's files."""
    folder = os.path.dirname(filled)
    os.chmod(folder, 0o777)
    with pytest.raises(ShelfTrustError, match="everybody may write it"):
        ObjectShelf(filled)
    os.chmod(folder, 0o1777)
    with ObjectShelf(filled) as shelf:
        assert shelf["small"] == {"a": 1}


def test_a_filesystem_that_maps_owners_is_said_once(
    filled: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that was just made there shows another owner, so owners say nothing there."""
    me = os.geteuid()
    monkeypatch.setattr(trust.os, "geteuid", lambda: me + 1)  # type: ignore[attr-defined]
    for _ in range(2):
        with ObjectShelf(filled) as shelf:
            assert shelf["small"] == {"a": 1}
    said = [record for record in caplog.records if "maps owners" in record.getMessage()]
    assert len(said) == 1
    assert filled in said[0].getMessage()
