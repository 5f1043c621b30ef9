"""Each buffer lies on the disk once, and leaves it with its last object."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
from tests.core.store.files import LARGE, bytes_of, digest_of, files_of, frame, put

from linepipe_core.shelf import ObjectShelf


def test_equal_content_costs_the_disk_once(shelf: ObjectShelf, path: str) -> None:
    """Under any name, in one store or several."""
    put(path, {"a": np.arange(LARGE), "b": np.arange(LARGE), "c": [np.arange(LARGE)]})
    shelf["d"] = np.arange(LARGE).copy()
    assert len(files_of(path)) == 1
    assert digest_of(path, "a") == digest_of(path, "d")
    assert digest_of(path, "a") != digest_of(path, "c")
    for name in "abd":
        del shelf[name]
    assert (shelf["c"][0] == np.arange(LARGE)).all()
    del shelf["c"]
    assert files_of(path) == []


def test_two_equal_arrays_in_one_object_are_two_when_read(shelf: ObjectShelf) -> None:
    """One file, but each has private memory."""
    shelf["pair"] = [np.arange(LARGE), np.arange(LARGE)]
    first, second = shelf["pair"]
    first[:] = 0
    assert second[-1] == LARGE - 1


def test_a_frame_that_gains_a_column_costs_that_column(shelf: ObjectShelf, path: str) -> None:
    """Twenty steps that each add a column take little more than the last frame."""
    table = pd.DataFrame({f"base{i}": np.random.default_rng(i).random(LARGE) for i in range(5)})
    for step in range(20):
        table = table.copy(deep=False)
        table[f"column{step}"] = np.random.default_rng(100 + step).random(LARGE)
        shelf[f"step {step}"] = table
    distinct = 25 * LARGE * 8
    assert bytes_of(path) < 1.3 * distinct
    pd.testing.assert_frame_equal(shelf["step 19"], table)


def test_overwritten_objects_leave_the_disk(shelf: ObjectShelf, path: str) -> None:
    """Only what is still there takes space."""
    for value in range(5):
        shelf["a"] = np.full(LARGE, value)
        assert len(files_of(path)) == 1
    assert (shelf["a"] == 4).all()


def test_a_digest_changes_with_the_content(path: str) -> None:
    """The same in another process, and another for another content, dtype or type."""
    values = [np.arange(LARGE), np.arange(LARGE) + 1, np.arange(LARGE) * 1.0, frame(), 1, 1.0, "1"]
    with ObjectShelf(path) as shelf:
        digests = []
        for value in values:
            shelf["a"] = value
            digests.append(digest_of(path, "a"))
        assert len(set(digests)) == len(values)
        assert digest_of(path, "missing") is None
    code = (
        "import sys, numpy as np; from linepipe_core._store.store import Store\n"
        "with Store(sys.argv[1]) as store, "
        f"store.draft({{'b': np.arange({LARGE})}}) as draft: print(draft.digests['b'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == digests[0]
