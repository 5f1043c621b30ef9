"""The way from run() to a user's function, and from there to the disk, is short and goes down."""

from __future__ import annotations

import gc
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import linepipe_core
from linepipe_core import Node, Pipeline

CORE = Path(linepipe_core.__file__).parent
WINGS = ["_run", "_reuse", "_store", "_code", "_declare", "_values"]


def our_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Frames of the core from the given one outwards."""
    while frame is not None:
        if CORE in Path(frame.f_code.co_filename).parents:
            yield frame
        frame = frame.f_back


def test_at_most_four_frames_lead_to_a_users_function() -> None:
    """A stranger reads the way in a debugger's `where`."""
    counts = []

    def look() -> None:
        counts.append(len(list(our_frames(sys._getframe()))))

    Pipeline([Node(look, [], ["x"])]).run()
    assert counts[0] <= 4


def test_at_most_eight_frames_lead_from_a_nodes_return_to_the_disk(tmp_path: Path) -> None:
    """All of them go down: no wing is entered again from one below it."""
    ways: list[list[FrameType]] = []
    gc.collect()  # a run that another test left would close its shelf in the middle of this one

    def watch(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and isinstance(getattr(called, "__self__", None), sqlite3.Connection):
            ways.append(list(our_frames(frame))[::-1])

    def begin_watching() -> list[int]:
        sys.setprofile(watch)
        return [1, 2]

    pipeline = Pipeline(
        [Node(begin_watching, [], ["x"])],
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    # Not in the main thread, whose transactions are made in one of their own.
    worker = threading.Thread(target=lambda: next(pipeline.start()))
    worker.start()
    worker.join()
    assert ways
    for way in ways:
        names = [frame.f_code.co_name for frame in way]
        after = way[names.index("_play") + 1 :]
        assert len(after) <= 8, names
        wings = [Path(frame.f_code.co_filename).relative_to(CORE).parts[0] for frame in after]
        places = [WINGS.index(wing) for wing in wings]
        assert places == sorted(places), names
