"""`File`: a path that counts with its content, read only when it may have changed."""

from __future__ import annotations

import copy
import os
import pickle
import time
from pathlib import Path
from typing import Any

import pydantic
import pytest

from linepipe_core import File
from linepipe_core._values.file_content import FileContent, content_of_path


def later(path: Path) -> None:
    """Make a file look as if nobody had touched it for long."""
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))


def test_a_file_is_its_path_as_written(tmp_path: Path) -> None:
    """It opens, compares, shows, pickles and copies as that path."""
    (tmp_path / "a.txt").write_text("a")
    file = File(tmp_path / "a.txt")
    assert Path(file).read_text() == "a"
    assert os.fspath(file) == str(file) == str(tmp_path / "a.txt")
    assert repr(File("a.txt")) == "File('a.txt')"
    assert file == File(os.fspath(file)) != File("a.txt")
    assert len({file, File(os.fspath(file))}) == 1
    assert file != os.fspath(file)
    assert pickle.loads(pickle.dumps(file)) == copy.deepcopy(file) == copy.copy(file) == file


def test_a_file_cannot_be_changed() -> None:
    """Every reader may get the same one."""
    file: Any = File("a.txt")
    with pytest.raises(AttributeError, match="a File can't be changed: 'path'; make another one"):
        file.path = "b.txt"
    with pytest.raises(AttributeError, match="can't be changed"):
        del file._path


def test_a_path_of_bytes_is_refused() -> None:
    """Paths are texts; what isn't a path at all is refused as well."""
    path: Any = b"a.txt"
    with pytest.raises(TypeError, match=r"as a text, not b'a.txt': os.fsdecode\(\) makes one"):
        File(path)
    path = 3
    with pytest.raises(TypeError):
        File(path)


def test_a_model_takes_a_path_for_a_file() -> None:
    """A field typed `File` takes a text, a path or a File, and gives a text to JSON."""

    class Config(pydantic.BaseModel):
        rows: File

    config = Config.model_validate({"rows": "rows.csv"})
    assert config.rows == File("rows.csv") == Config(rows=File("rows.csv")).rows
    assert config.model_dump_json() == '{"rows":"rows.csv"}'


def test_only_content_counts_of_a_file(tmp_path: Path) -> None:
    """Its times don't; each byte does."""
    path = tmp_path / "a.txt"
    path.write_text("a")
    before = content_of_path(path).digest
    later(path)
    assert content_of_path(path).digest == before
    path.write_text("b")
    assert content_of_path(path).digest != before


def test_a_file_that_looks_unchanged_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size, times and inode spare the reading, once they are old enough to be relied on."""
    path = tmp_path / "a.txt"
    path.write_text("a")
    known: dict[tuple[str, str], FileContent] = {}
    assert content_of_path(path, known).stamp == ""  # just written: the next write may not show
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 10**10)
    found = content_of_path(path, known)
    ((key, _),) = known.items()
    known[key] = FileContent(found.stamp, "what was read")
    assert content_of_path(path, known).digest == "what was read"
    later(path)
    assert content_of_path(path, known).digest != "what was read"


def test_a_folder_counts_by_all_that_lies_in_it(tmp_path: Path) -> None:
    """Names, contents, empty folders and where links lead; a link in a circle is no trap."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("a")
    seen = {content_of_path(folder).digest}
    (folder / "sub" / "b.txt").write_text("")
    seen.add(content_of_path(folder).digest)
    (folder / "sub" / "b.txt").rename(folder / "b.txt")
    seen.add(content_of_path(folder).digest)
    (folder / "empty").mkdir()
    seen.add(content_of_path(folder).digest)
    (folder / "sub" / "up").symlink_to(folder)
    seen.add(content_of_path(folder).digest)
    os.mkfifo(folder / "pipe")
    seen.add(content_of_path(folder).digest)
    assert len(seen) == 6
    assert content_of_path(folder).digest in seen


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Whoever asks says what that means."""
    with pytest.raises(FileNotFoundError, match="gone"):
        content_of_path(tmp_path / "gone")
