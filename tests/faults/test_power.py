"""A power cut: the old object or the new one, and never a name without its bytes.

Simulated: each change that a store makes to a file or folder is written down, and every disk is
put together that a cut may leave, whatever order the changes reached it in.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.blocks import Block
from tests.faults.cutting import Recording

from linepipe_core._store.database import Index
from linepipe_core.shelf import ObjectShelf

SCRIPT = Path(__file__).with_name("cutting.py")


@pytest.mark.parametrize("scenario", ["replaced", "reopened", "checkpointed"])
def test_any_disk_that_a_cut_may_leave_has_the_old_object_or_the_new(
    recorded: Path, memory: Path, scenario: str, cut_every: int
) -> None:
    """Whole, and no older than the last sync; `verify` finds nothing, and nothing is left over."""
    subprocess.run(
        [sys.executable, str(SCRIPT), str(memory), scenario],
        env=os.environ | {"LD_PRELOAD": str(recorded)},
        check=True,
    )
    recording = Recording(memory)
    disk = memory / "disk"
    n_tried = 0
    for cut, kept in recording.cuts(cut_every):
        recording.disk(cut, kept).write(disk)
        where = f"cut at {cut} of {len(recording.changes)}, kept {sorted(kept)}"
        with ObjectShelf(disk) as shelf:
            block = shelf.get("model")
            assert block is not None, where
            assert block.is_whole(), where
            assert block.generation in recording.allowed(cut), where
            assert shelf.verify() == (), where
            assert len(os.listdir(disk / "buffers")) == 1, where
            shelf["model"] = Block(99, 80_000)
        assert os.listdir(disk / "staging") == [], where
        shutil.rmtree(disk)
        n_tried += 1
    assert n_tried > 5
    print(f"\n{scenario}: {n_tried} disks of {len(recording.changes)} changes")


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
