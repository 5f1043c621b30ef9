"""A disk that is full, read-only or gone: a clear error with the path; what was there stays."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.faults.blocks import Block, in_a_process, put

from linepipe_core.errors import ShelfPathError, ShelfReadError, ShelfWriteError
from linepipe_core.shelf import ObjectShelf

IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


def test_a_file_size_limit_stops_large_payloads(
    filled: str, buffers: Callable[[], list[Path]]
) -> None:
    """The write of a buffer fails; nothing of it stays."""
    before = buffers()
    said = in_a_process(
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
        with ObjectShelf(path) as shelf:
            try:
                put(path, {"small": 2, "large": [Block(8, 3_500_000), Block(9, 8_000_000)]})
            except ShelfWriteError as error:
                print(error)
                print(error.path == path)
            assert shelf["small"] == {"a": 1}
            assert shelf["large"].generation == 1
            shelf["small"] = 3  # what fits still goes
        """,
        filled,
    )
    assert "File too large" in said
    assert "what was there stays" in said
    assert said.endswith("True\n")
    assert buffers() == before
    with ObjectShelf(filled) as shelf:
        assert shelf["small"] == 3
        assert shelf["large"].is_whole()
        assert shelf.verify() == ()


def test_a_file_size_limit_stops_the_index(filled: str) -> None:
    """SQLite's own write fails; the transaction never was."""
    said = in_a_process(
        """
        with ObjectShelf(path) as shelf:
            size = os.path.getsize(path + "/index.sqlite") + 200_000
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            for i in range(100):
                try:
                    put(path, {f"a{i}": "x" * 50_000, f"b{i}": i})
                except ShelfWriteError as error:
                    print(i, error)
                    break
        """,
        filled,
    )
    n_stored = int(said.split()[0])
    assert f"the shelf at {filled} can't be written" in said
    with ObjectShelf(filled) as shelf:
        made = {f"{kind}{i}" for kind in "ab" for i in range(n_stored)}
        assert set(shelf) == made | {"small", "large", "several"}
        assert shelf.verify() == ()


@pytest.fixture(params=["8m"])
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of 8 MB, or of another size."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = IS_ROOT and shutil.which("mount")
    if (
        not mounted
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={request.param},mode=0700", "none", str(folder)],
            capture_output=True,
        ).returncode
    ):
        pytest.skip("a tmpfs can't be mounted here: it takes root, and a kernel that lets it")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    """Large or small, what doesn't fit leaves no trace; after `prune` there is room again."""
    path = str(small_disk / "data")
    with ObjectShelf(path) as shelf:
        shelf["kept"] = Block(1, 5_000_000)
        with pytest.raises(ShelfWriteError, match="No space left") as caught:
            put(path, {"kept": 0, "too large": [Block(2, 1_000_000), Block(3, 9_000_000)]})
        assert caught.value.path == path
        assert list(shelf) == ["kept"]
        assert shelf["kept"].is_whole()
        with pytest.raises(ShelfWriteError, match="full"):
            shelf.update((f"small{i}", f"{i}" * 10_000) for i in range(10_000))
        assert shelf["kept"].is_whole()
        assert shelf.verify() == ()
        shelf.prune(max_bytes=0)
        shelf["again"] = Block(4, 2_000_000)
    with ObjectShelf(path) as shelf:
        assert shelf["again"].is_whole()


def fill(file: Path) -> None:
    """Take what is left of the disk, to the last byte."""
    with file.open("wb", buffering=0) as writing:
        for size in (4096, 1):
            try:
                while True:
                    writing.write(b"x" * size)
            except OSError:
                pass


@pytest.mark.parametrize("small_disk", ["3m"], indirect=True)
def test_a_disk_that_is_full_to_the_last_byte(small_disk: Path) -> None:
    """It opens and reads; `prune` and `clear` make room, by what was set aside for them."""
    path = str(small_disk / "data")
    shelf = ObjectShelf(path)
    with pytest.raises(ShelfWriteError, match="full"):
        shelf.update((f"small{i}", f"{i}" * 8_000) for i in range(10_000))
    fill(small_disk / "others")
    shelf.close()
    with ObjectShelf(path) as shelf:
        n_before = len(shelf)
        assert n_before > 20
        assert shelf["small3"] == "3" * 8_000
        with pytest.raises(ShelfWriteError):
            shelf["more"] = "x" * 30_000
        gone = shelf.prune(max_bytes=800_000)
        assert 0 < len(shelf) == n_before - len(gone)
        assert Path(path, "reserve").exists(), "set aside again"
        fill(small_disk / "others too")
    with ObjectShelf(path) as shelf:
        shelf.clear()
        assert len(shelf) == 0
        shelf["again"] = 1
        assert shelf["again"] == 1
        assert shelf.verify() == ()


def without_rights(code: str, path: str) -> str:
    """Run code in a process that may write only what everybody may."""
    if not IS_ROOT:
        return in_a_process(code, path)
    return in_a_process("os.setuid(65534)\n" + textwrap.dedent(code), path)


def test_a_read_only_folder_can_hold_no_new_shelf(tmp_path: Path) -> None:
    """The error names the path."""
    folder = tmp_path / "readonly"
    folder.mkdir()
    folder.chmod(0o555)
    for parent in folder.parents:  # pytest's own are for their owner alone
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    said = without_rights(
        """
        try:
            ObjectShelf(path)
        except ShelfPathError as error:
            print(error)
        """,
        str(folder / "data"),
    )
    assert f"there can be no shelf at {folder / 'data'}" in said
    assert "Permission denied" in said
    assert list(folder.iterdir()) == []


@contextmanager
def read_only(folder: str) -> Iterator[None]:
    """The folder on a disk that is mounted read-only."""
    if not IS_ROOT:
        pytest.skip("only root may mount a folder read-only")
    if subprocess.run(["mount", "--bind", folder, folder], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_shelf_on_a_read_only_disk(filled: str) -> None:
    """It is read as it is, and nothing goes on it."""
    with read_only(str(Path(filled).parent)), ObjectShelf(filled) as shelf:
        assert shelf["small"] == {"a": 1}
        assert shelf["large"].is_whole()
        with pytest.raises(ShelfWriteError) as caught:
            shelf["small"] = 2
        assert shelf.verify() == ()
    assert filled in str(caught.value)
    with ObjectShelf(filled) as shelf:
        assert shelf["large"].is_whole()


def test_a_shelf_on_a_read_only_disk_whose_last_writer_was_killed(filled: str) -> None:
    """It is read as of the newest commit, or that is an error; never as of an older one."""
    writer = "shelf = ObjectShelf(path); shelf['small'] = 'newest'; os.kill(os.getpid(), 9)"
    in_a_process(f"if os.fork() == 0:\n    {writer}\nos.wait()", filled)
    logs = [Path(filled, f"index.sqlite-{log}") for log in ("wal", "shm")]
    assert all(log.stat().st_size for log in logs)
    with read_only(str(Path(filled).parent)), ObjectShelf(filled) as shelf:
        assert shelf["small"] == "newest"
        assert shelf["large"].is_whole()
        with pytest.raises(ShelfWriteError):
            shelf["small"] = 2
    logs[1].unlink()  # as in a copy that left it out
    with (
        read_only(str(Path(filled).parent)),
        pytest.raises(ShelfReadError, match="what it was before them is never read"),
    ):
        ObjectShelf(filled)
    with ObjectShelf(filled) as shelf:
        assert shelf["small"] == "newest"


def test_a_folder_that_vanishes(filled: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing can be stored on a shelf whose file is gone: the next process wouldn't find it."""
    with ObjectShelf(filled) as shelf:
        held = shelf["large"]
        shutil.rmtree(Path(filled).parent)
        for value in (1, Block(3, 2_000_000)):
            with pytest.raises(ShelfWriteError) as caught:
                shelf["new"] = value
            assert caught.value.path == filled
        assert shelf.get("several") is None
        assert "'several'" in caplog.text
        assert held.is_whole()
    with ObjectShelf(filled) as shelf:
        assert len(shelf) == 0


def test_a_shelf_replaced_by_another_file(filled: str) -> None:
    """A rename puts another file at the path than the one that is open."""
    with ObjectShelf(filled) as shelf:
        os.rename(filled, filled + ".aside")
        Path(filled).write_bytes(b"another")
        with pytest.raises(ShelfWriteError, match="another file took its place"):
            shelf["new"] = 1
    assert Path(filled).read_bytes() == b"another"


def test_a_parent_that_is_a_file(tmp_path: Path) -> None:
    """There can be no folder in it."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ShelfPathError, match="there can be no shelf at"):
        ObjectShelf(tmp_path / "file" / "cache" / "data")


def test_a_filesystem_without_links(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new shelf is renamed into its place there."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    with ObjectShelf(path) as shelf:
        shelf["a"] = Block(1, 2_000_000)
    with ObjectShelf(path) as shelf:
        assert shelf["a"].is_whole()
        assert shelf.verify() == ()
