"""Files that aren't ours are refused, and stay as they are."""

from __future__ import annotations

import os
import shelve
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.blocks import in_a_process

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


@pytest.mark.parametrize("made", ["folder", "fifo", "dangling link"])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, made: str) -> None:
    """Without waiting for anybody to write into it."""
    path = tmp_path / "data"
    if made == "folder":
        path.mkdir()
    elif made == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(tmp_path / "no folder" / "nowhere")
        assert not path.exists()
        with ObjectShelf(path) as shelf:  # a link leads where it leads
            shelf["a"] = 1
        assert (tmp_path / "no folder" / "nowhere").is_file()
        return
    with pytest.raises(ShelfPathError, match="isn't a file"):
        ObjectShelf(path)


@pytest.mark.parametrize("part", ["", ".buffers"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_a_shelf_that_others_may_write_is_refused(filled: str, part: str, mode: int) -> None:
    """Reading it runs code that lies in it."""
    os.chmod(filled + part, os.stat(filled + part).st_mode | mode)
    with pytest.raises(ShelfTrustError, match="others may write it") as caught:
        ObjectShelf(filled)
    assert isinstance(caught.value, PermissionError)
    assert caught.value.path == filled + part
    os.chmod(filled + part, os.stat(filled + part).st_mode & ~mode)
    with ObjectShelf(filled) as shelf:
        assert shelf["small"] == {"a": 1}


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("part", ["", ".buffers"])
def test_a_shelf_of_another_user_is_refused(filled: str, part: str) -> None:
    """Even by root, for whom it would run that user's code."""
    os.chown(filled + part, 12_345, -1)
    with pytest.raises(ShelfTrustError, match="user 12345 owns it and you are user 0"):
        ObjectShelf(filled)


@pytest.mark.skipif(not IS_ROOT, reason="only root can give a file to somebody else")
def test_a_log_that_another_user_laid_beside_the_shelf_is_refused(filled: str) -> None:
    """SQLite would play it back into the index. (As root it takes such a log for its own.)"""
    folder = Path(filled).parent
    for made in (folder, Path(filled), *folder.rglob("*")):
        os.chown(made, 65_534, -1)
    for parent in list(folder.parents)[:-1]:  # pytest's own are for their owner alone
        parent.chmod(parent.stat().st_mode | 0o055)
    Path(filled + "-wal").write_bytes(b"")
    os.chmod(filled + "-wal", 0o666)
    said = in_a_process(
        """
        os.setuid(65534)
        try:
            ObjectShelf(path)
        except ShelfTrustError as error:
            print(error)
        """,
        filled,
    )
    assert "data-wal isn't trusted: user 0 owns it and you are user 65534" in said


def test_a_folder_that_everybody_may_write_is_refused(filled: str) -> None:
    """Unless it is sticky, like /tmp, where nobody can replace another's files."""
    folder = os.path.dirname(filled)
    os.chmod(folder, 0o777)
    with pytest.raises(ShelfTrustError, match="everybody may write that folder"):
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
    assert os.path.dirname(filled) in said[0].getMessage()
