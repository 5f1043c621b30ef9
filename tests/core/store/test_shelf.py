"""``ObjectShelf`` as a mapping: names, closing, paths, threads of use."""

from __future__ import annotations

import gc
import logging
import os
import shelve
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.core.store.files import LARGE, files_of, frame, put, record_of

from linepipe_core.errors import ShelfPathError
from linepipe_core.shelf import ObjectShelf


def test_it_is_a_shelve_shelf(shelf: ObjectShelf) -> None:
    """Each method of the standard library's mapping works on this one."""
    shelf["a"] = 1
    shelf.update({"b": [2], "c": None})
    assert isinstance(shelf, shelve.Shelf)
    assert dict(shelf) == {"a": 1, "b": [2], "c": None}
    assert sorted(shelf) == ["a", "b", "c"]
    assert len(shelf) == 3
    assert "a" in shelf
    assert "z" not in shelf
    assert 7 not in shelf  # type: ignore[comparison-overlap]  # asked all the same
    assert shelf.get("z", "nothing") == "nothing"
    assert shelf.pop("a") == 1
    with pytest.raises(KeyError):
        shelf["a"]
    with pytest.raises(KeyError):
        del shelf["a"]


def test_stored_objects_are_there_when_it_is_opened_again(path: str) -> None:
    """Small and large objects outlive the process's handle."""
    with ObjectShelf(path) as shelf:
        shelf["small"] = {"a": [1, 2]}
        shelf["large"] = np.arange(LARGE)
        shelf.sync()
    with ObjectShelf(path) as shelf:
        assert shelf["small"] == {"a": [1, 2]}
        assert (shelf["large"] == np.arange(LARGE)).all()


def test_a_closed_shelf_says_so(path: str) -> None:
    """Closing twice is fine, using it afterwards is not."""
    shelf = ObjectShelf(path)
    array = shelf["a"] = np.ones(LARGE)
    read = shelf["a"]
    shelf.close()
    shelf.close()
    with pytest.raises(ValueError, match=r"is closed: open it again"):
        shelf["a"]
    with pytest.raises(ValueError, match=r"is closed"):
        shelf["b"] = 1
    assert (read == array).all(), "what was read stays good"


TEXTS = [
    "a/b/../c", "..", ".", "'; DROP TABLE names; --", '"', "n" * 10_000, "имя 名前 🦊", "a\0b",
    " ", "\ud800", "con", "-wal",
]  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_is_a_name(shelf: ObjectShelf, name: str) -> None:
    """Names are data: nothing in them means anything to the shelf."""
    shelf[name] = np.arange(LARGE)
    shelf[name + "x"] = "another"
    assert (shelf[name] == np.arange(LARGE)).all()
    assert sorted(shelf) == sorted([name, name + "x"])
    del shelf[name]
    assert list(shelf) == [name + "x"]


@pytest.mark.parametrize("node", TEXTS)
def test_any_text_is_a_nodes_name_and_a_records_key(
    shelf: ObjectShelf, path: str, node: str
) -> None:
    """A node's name, and the records under it, are data too."""
    put(path, {"a": 1}, node=node, key=f"node:{node}", record=node)
    assert [info.node for info in shelf.info()] == [node]
    assert record_of(path, f"node:{node}") == node


def test_an_empty_name_or_another_type_is_refused(shelf: ObjectShelf) -> None:
    """Both are mistakes of the caller's."""
    with pytest.raises(ValueError, match="can't be empty"):
        shelf[""] = 1
    with pytest.raises(TypeError, match="is a str, not int: 3"):
        shelf[3] = 1  # type: ignore[index]  # the mistake that is tested
    assert list(shelf) == []


def test_a_value_changed_after_it_was_stored_does_not_change_on_the_shelf(
    shelf: ObjectShelf,
) -> None:
    """Neither does one that was read."""
    values: dict[str, Any] = {"list": [1], "array": np.zeros(LARGE), "frame": frame()}
    for name, value in values.items():
        shelf[name] = value
    values["list"].append(2)
    values["array"][:] = 5
    values["frame"].loc[0, "a"] = 99.0
    for _ in range(2):
        assert shelf["list"] == [1]
        assert not shelf["array"].any()
        pd.testing.assert_frame_equal(shelf["frame"], frame())
        read = shelf["array"]
        read[:] = 7  # writable, and private
        table = shelf["frame"]
        table.loc[0, "a"] = 77.0


def test_files_are_for_their_owner_alone(path: str) -> None:
    """Files 0600 and folders 0700, whatever the umask, and out of version control."""
    older = os.umask(0)
    try:
        with ObjectShelf(path) as shelf:
            shelf["a"] = np.arange(LARGE)
            for file in (Path(path).parent, *Path(path).parent.rglob("*")):
                assert file.stat().st_mode & 0o077 == 0, file
    finally:
        os.umask(older)
    assert Path(path, ".gitignore").read_text().endswith("*\n")


def test_the_folder_that_it_lies_in_stays_as_it_is(tmp_path: Path) -> None:
    """A shelf is one folder; the one around it is the user's."""
    tmp_path.chmod(0o755)
    with ObjectShelf(tmp_path / "data") as shelf:
        shelf["a"] = np.arange(LARGE)
    assert [file.name for file in tmp_path.iterdir()] == ["data"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert sorted(os.listdir(tmp_path / "data")) == [
        ".gitignore", "buffers", "index.sqlite", "reserve", "shelf", "staging",
    ]  # fmt: skip
    assert (tmp_path / "data" / "shelf").read_text() == "linepipe shelf 4\n"
    assert (tmp_path / "data" / "reserve").stat().st_blocks * 512 >= 256 * 1024
    assert os.listdir(tmp_path / "data" / "staging") == []


def test_an_empty_folder_is_taken_over(tmp_path: Path) -> None:
    """And narrowed to its owner; it is the most natural argument of all."""
    tmp_path.chmod(0o755)
    with ObjectShelf(tmp_path) as shelf:
        shelf["a"] = 1
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    with ObjectShelf(tmp_path) as shelf:
        assert shelf["a"] == 1


def test_a_shelf_can_be_moved_and_copied(tmp_path: Path) -> None:
    """The folder is all of it, also where a copy came out readable for others."""
    with ObjectShelf(tmp_path / "one") as shelf:
        shelf["a"] = np.arange(LARGE)
    (tmp_path / "one").rename(tmp_path / "moved")
    shutil.copytree(tmp_path / "moved", tmp_path / "copied")
    (tmp_path / "copied").chmod(0o755)
    for name in ("moved", "copied"):
        with ObjectShelf(tmp_path / name) as shelf:
            assert shelf["a"].sum() == LARGE * (LARGE - 1) // 2
            assert (tmp_path / name).stat().st_mode & 0o777 == 0o700


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell would have it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with ObjectShelf("~/cache") as shelf:
        assert shelf.path == str(tmp_path / "cache")


@pytest.mark.parametrize("spelling", ["cache?x=1&mode=memory", "a#b", "100%41", "with space", "é"])
def test_any_path_will_do(tmp_path: Path, spelling: str) -> None:
    """SQLite's file URIs give a meaning to some characters; a path has none."""
    path = tmp_path / spelling / spelling
    with ObjectShelf(path) as shelf:
        shelf["a"] = 1
    assert path.exists()
    with ObjectShelf(str(path)) as shelf:
        assert shelf["a"] == 1


def test_a_relative_path_is_fixed_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that changes the working folder doesn't lose the shelf."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with ObjectShelf("cache/data") as shelf:
        monkeypatch.chdir(tmp_path / "elsewhere")
        shelf["a"] = np.arange(LARGE)
        assert (shelf["a"] == np.arange(LARGE)).all()


def test_a_dropped_shelf_closes_itself(path: str) -> None:
    """No warning, no lock left behind."""
    shelf = ObjectShelf(path)
    shelf["a"] = 1
    del shelf
    gc.collect()
    assert not os.path.exists(path + "/index.sqlite-wal")


def test_core_does_not_load_the_shelf() -> None:
    """A pipeline without a cache pays nothing for it."""
    code = (
        "import sys, linepipe_core\n"
        "heavy = {'sqlite3', 'shelve', 'mmap', 'linepipe_core.shelf'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_forked_child_uses_the_shelf_too(shelf: ObjectShelf, path: str) -> None:
    """With connections of its own, and without hurting its parent's."""
    shelf["a"] = np.arange(LARGE)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            shelf["b"] = shelf["a"] + 1
            shelf.close()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    shelf["c"] = 3
    assert sorted(shelf) == ["a", "b", "c"]
    assert shelf["b"][0] == 1


def test_two_handles_in_one_process_see_each_other(path: str) -> None:
    """And closing one doesn't take the other's locks away (POSIX drops them by process)."""
    with ObjectShelf(path) as one:
        with ObjectShelf(path) as other:
            other["a"] = 1
        one["b"] = 2
        assert os.path.exists(path + "/index.sqlite-wal")
        code = (
            "import sys; from linepipe_core.shelf import ObjectShelf\n"
            "with ObjectShelf(sys.argv[1]) as shelf: shelf['c'] = 3"
        )
        subprocess.run([sys.executable, "-c", code, path], check=True)
        assert os.path.exists(path + "/index.sqlite-wal"), "the other process thought itself alone"
        assert dict(one) == {"a": 1, "b": 2, "c": 3}


def test_log_names_the_loggers_of_the_contract(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """A swept leftover is worth a line at INFO, nothing else is."""
    caplog.set_level(logging.INFO)
    with ObjectShelf(path) as shelf:
        shelf["a"] = np.arange(LARGE)
    assert caplog.records == []
    Path(path, "buffers", "f" * 64).write_bytes(b"left")
    Path(path, "staging", "1-dead").mkdir()
    Path(path, "staging", "1-dead", "f" * 64 + ".0").write_bytes(b"left")
    with ObjectShelf(path):
        pass
    (record,) = caplog.records
    assert record.name == "linepipe.shelf"
    assert "swept" in record.getMessage()
    assert len(files_of(path)) == 1


def test_a_foreign_path_is_an_os_error_with_its_path(tmp_path: Path) -> None:
    """The culprit is an attribute."""
    (tmp_path / "thesis.txt").write_text("my work")
    said = r"no shelf but a folder with other files \(thesis.txt\)"
    with pytest.raises(OSError, match=said) as caught:
        ObjectShelf(tmp_path)
    assert isinstance(caught.value, ShelfPathError)
    assert caught.value.path == str(tmp_path)
