"""Which maps are known to be what their file is: a wrong answer would store the wrong bytes."""

from __future__ import annotations

import gc
import hashlib
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from linepipe_core._store import chunks as leaves
from linepipe_core._store import draft
from linepipe_core._store.chunks import Job
from linepipe_core._store.mmap import known_digest, map_file
from linepipe_core.shelf import ObjectShelf

N_BYTES = 3_000_001


def mapped(tmp_path: Path, content: bytes = bytes(N_BYTES)) -> memoryview:
    file = tmp_path / hashlib.sha256(content).hexdigest()
    file.write_bytes(content)
    with file.open("rb") as opened:
        buffer = map_file(opened.fileno(), len(content), file.name)
    assert isinstance(buffer, memoryview)
    return buffer


def tells_writes() -> bool:
    """Return True if a new map is known here: the system has a page map to ask."""
    with tempfile.TemporaryDirectory() as folder:
        return known_digest(mapped(Path(folder))) is not None


works = pytest.mark.skipif(not tells_writes(), reason="this system has no page map to ask")


@works
def test_a_map_that_is_only_read_is_known(tmp_path: Path) -> None:
    """Before it is touched, half read, and read whole."""
    content = random.Random(1).randbytes(N_BYTES)
    view = mapped(tmp_path, content)
    name = hashlib.sha256(content).hexdigest()
    assert known_digest(view) == name
    assert view[1_000_000] == content[1_000_000]
    assert known_digest(view) == name
    assert bytes(view) == content
    assert known_digest(view) == name


@works
@pytest.mark.parametrize("at", [0, 1, 4095, 4096, 1_500_000, N_BYTES - 1])
def test_one_written_byte_makes_it_unknown(tmp_path: Path, at: int) -> None:
    """Wherever it is, and also when the same value is written."""
    view = mapped(tmp_path)
    view[at] = 0
    assert known_digest(view) is None


@works
def test_a_part_of_a_map_is_unknown(tmp_path: Path) -> None:
    """It isn't what the file is."""
    view = mapped(tmp_path)
    assert known_digest(view[1:]) is None
    assert known_digest(view[:-1]) is None
    assert known_digest(view) is not None


@pytest.mark.slow
def test_other_memory_is_unknown(tmp_path: Path) -> None:
    """Also where a map was before."""
    assert known_digest(memoryview(bytearray(N_BYTES))) is None
    assert known_digest(memoryview(bytes(N_BYTES))) is None
    for _ in range(20):
        view = mapped(tmp_path)
        del view
        gc.collect()
        assert known_digest(memoryview(bytearray(N_BYTES))) is None
    if os.path.exists("/proc/self/maps"):
        assert str(tmp_path) not in Path("/proc/self/maps").read_text()


@works
@pytest.mark.parametrize("lie", ["os.pread", "lambda fd, n, at: bytes(n)", "lambda *_: b''"])
def test_nothing_is_known_where_the_page_map_lies(tmp_path: Path, lie: str) -> None:
    """It may say that nothing is ever written, or nothing at all; the first one tells the truth."""
    file = tmp_path / "file"
    file.write_bytes(bytes(N_BYTES))
    script = f"""
import os
from linepipe_core._store.mmap import known_digest, map_file
os.pread = {lie}
with open({str(file)!r}, "rb") as opened:
    print(known_digest(map_file(opened.fileno(), {N_BYTES}, "digest")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ("digest" if lie == "os.pread" else "None")


def test_no_descriptors_are_kept(tmp_path: Path) -> None:
    """There are a thousand of them, and frames have many columns."""
    before = len(os.listdir("/proc/self/fd"))
    views = [mapped(tmp_path) for _ in range(50)]
    assert len(os.listdir("/proc/self/fd")) <= before  # others' may be closed meanwhile
    assert views


@works
def test_a_forked_childs_writes_are_its_own(tmp_path: Path) -> None:
    """Neither its memory nor its page map is its parent's."""
    view = mapped(tmp_path)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            known_before = known_digest(view) is not None
            view[5] = 1
            status = 0 if known_before and known_digest(view) is None else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert known_digest(view) is not None
    view[5] = 1
    assert known_digest(view) is None


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the buffers that were hashed."""
    sizes: list[int] = []

    def counted(jobs: Sequence[Job]) -> None:
        sizes.extend(job.view.nbytes for job in jobs)
        leaves.hash_and_write(jobs)

    monkeypatch.setattr(draft, "hash_and_write", counted)
    return sizes


@works
def test_a_frame_that_gains_a_column_is_hashed_for_that_column(
    tmp_path: Path, hashed: list[int]
) -> None:
    """The columns that it got from the shelf and didn't touch are there already."""
    with ObjectShelf(tmp_path / "data") as shelf:
        shelf["0"] = pd.DataFrame(np.random.default_rng(1).random((300_000, 5)))
        for step in range(3):
            table = shelf[str(step)]
            table[f"new{step}"] = np.random.default_rng(step).random(300_000)
            hashed.clear()
            shelf[str(step + 1)] = table
            assert [size for size in hashed if size > 100_000] == [2_400_000]
        table.loc[7, 0] = -1.0
        hashed.clear()
        shelf["changed"] = table
        assert [size for size in hashed if size > 100_000] == [12_000_000, 2_400_000]
        pd.testing.assert_frame_equal(shelf["changed"], table)
        assert shelf.verify() == ()


@works
def test_a_known_buffer_that_left_the_shelf_is_written_again(
    tmp_path: Path, hashed: list[int]
) -> None:
    """Knowing its digest is not having its file."""
    array = np.random.default_rng(1).random(300_000)
    with ObjectShelf(tmp_path / "data") as shelf, ObjectShelf(tmp_path / "other") as other:
        shelf["array"] = array
        read = shelf["array"]
        shelf.clear()
        other["array"] = shelf["again"] = read
        np.testing.assert_array_equal(shelf["again"], array)
        np.testing.assert_array_equal(other["array"], array)
        assert shelf.verify() == other.verify() == ()
