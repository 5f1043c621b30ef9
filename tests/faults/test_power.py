"""A power cut: what was synced is never lost to a later overwrite that wasn't.

Simulated by putting together what the disk may hold: the index and its log as they were at any
moment since the last sync, with the folder as it was at any later moment.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.faults.blocks import Block

from linepipe_core._store.database import Index
from linepipe_core.shelf import ObjectShelf

LOGGED = ("index.sqlite", "index.sqlite-wal")


def copy_of(path: str, to: Path) -> Path:
    shutil.copytree(path, to, ignore=lambda _, names: [n for n in names if n.endswith("-shm")])
    return to


def after_the_cut(index: Path, folder: Path, to: Path) -> Path:
    """A disk that has the index of one moment, and the rest of a later one."""
    shutil.copytree(folder, to)
    for name in LOGGED:
        to.joinpath(name).unlink(missing_ok=True)
        if index.joinpath(name).exists():
            shutil.copy(index / name, to / name)
    return to


@pytest.fixture
def moments(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The shelf after a sync, and at each step of the store that replaces what is there."""
    made: list[Path] = []
    with ObjectShelf(path) as shelf:
        shelf["model"] = Block(1, 300_000)
        shelf.sync()
        made.append(copy_of(path, tmp_path / "synced"))

        def watched(name: str, work: Callable[..., object]) -> Callable[..., object]:
            def watch(self: Index, *args: object) -> object:
                made.append(copy_of(path, tmp_path / f"before {name} {len(made)}"))
                try:
                    return work(self, *args)
                finally:
                    made.append(copy_of(path, tmp_path / f"after {name} {len(made)}"))

            return watch

        for name in ("write", "sync_log"):
            monkeypatch.setattr(Index, name, watched(name, getattr(Index, name)))
        shelf["model"] = Block(2, 300_000)
        monkeypatch.undo()
        made.append(copy_of(path, tmp_path / "done"))
    return made


def test_any_disk_that_a_cut_may_leave_has_the_old_object_or_the_new(
    moments: list[Path], tmp_path: Path
) -> None:
    """The log may lack every commit since its last sync; unlinks may have come through."""
    names = [moment.name for moment in moments]
    durable = next(at for at, name in enumerate(names) if name.startswith("after sync_log"))
    n_tried = 0
    for later in range(len(moments)):
        # Before the log was synced, the index may be as of any earlier moment.
        for earlier in range(later + 1):
            if later > durable > earlier:
                continue
            disk = after_the_cut(
                moments[earlier], moments[later], tmp_path / f"disk {earlier} {later}"
            )
            with ObjectShelf(disk) as shelf:
                block = shelf["model"]
                assert block.is_whole(), (names[earlier], names[later])
                assert block.generation in (1, 2)
                assert shelf.verify() == ()
            n_tried += 1
    assert n_tried > 10


def test_a_dropper_that_died_before_its_sync_is_swept_by_the_next_opening(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is doomed stands in the index, and nowhere else."""
    with ObjectShelf(path) as shelf:
        shelf["model"] = Block(1, 300_000)
        with monkeypatch.context() as patch:
            patch.setattr(Index, "sync_log", lambda _: (_ for _ in ()).throw(OSError("cut")))
            shelf["model"] = Block(2, 300_000)
        assert len(list(Path(path, "buffers").iterdir())) == 2
    with ObjectShelf(path) as shelf:
        assert len(list(Path(path, "buffers").iterdir())) == 1
        assert shelf["model"].generation == 2
