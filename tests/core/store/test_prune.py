"""``info``, ``clear`` and ``prune``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.store.files import LARGE, files_of, put, record_of

from linepipe_core._store.store import Store
from linepipe_core.shelf import ObjectShelf


def test_info_describes_objects_without_loading_them(shelf: ObjectShelf, path: str) -> None:
    """Name, size, age, node, type."""
    put(path, {"a": np.arange(LARGE)}, node="make")
    shelf["b"] = {"x": 1}
    a, b = shelf.info()
    assert (a.name, a.node, a.type) == ("a", "make", "numpy.ndarray")
    assert LARGE * 8 < (a.n_bytes or 0) < LARGE * 8 + 500
    assert 0 <= a.age_seconds < 600
    assert (b.name, b.node, b.type) == ("b", None, "dict")


def test_clear_leaves_nothing_on_the_disk(shelf: ObjectShelf, path: str) -> None:
    """Neither objects nor records, nor the bytes of either."""
    objects = {"a": np.arange(LARGE), "b": "the secret" * 500}
    put(path, objects, key="k", record="a record")
    shelf.clear()
    assert list(shelf) == []
    assert record_of(path, "k") is None
    assert files_of(path) == []
    for file in Path(path).rglob("*"):
        if file.is_file():
            assert b"the secret" not in file.read_bytes()
    shelf["a"] = 1
    assert shelf["a"] == 1


def test_prune_by_size_takes_the_oldest_first(shelf: ObjectShelf, path: str) -> None:
    """Until what is left is no more than asked for."""
    for i in range(5):
        shelf[f"a{i}"] = np.full(LARGE, i)
    assert shelf.prune(max_bytes=10**9) == ()
    assert shelf.prune(max_bytes=2 * LARGE * 8 + 5_000) == ("a0", "a1", "a2")
    assert sorted(shelf) == ["a3", "a4"]
    assert len(files_of(path)) == 2
    assert shelf.prune(max_bytes=0) == ("a3", "a4")


def test_prune_by_size_counts_shared_buffers_once(shelf: ObjectShelf) -> None:
    """Removing one of two that share frees nothing, so both must go before the third."""
    shelf["a"], shelf["b"] = np.zeros(LARGE), np.zeros(LARGE)
    shelf["c"] = np.ones(LARGE)
    assert shelf.prune(max_bytes=2 * LARGE * 8 + 5_000) == ()
    assert shelf.prune(max_bytes=LARGE * 8 + 5_000) == ("a", "b")


@pytest.mark.parametrize("limit", ["max_bytes", "older_than", "keep_runs"])
@pytest.mark.parametrize("wrong", [-1, -5.5, float("nan"), float("-inf"), True, False])
def test_prune_refuses_limits_that_mean_nothing(
    shelf: ObjectShelf, path: str, limit: str, wrong: Any
) -> None:
    """They would delete everything, silently; nothing is deleted before they are looked at."""
    shelf["a"] = 1
    with Store(path) as store:
        kept = store.begin_run()
    limits = {"max_bytes": 0, "older_than": 0, "keep_runs": 0, limit: wrong}
    with pytest.raises(ValueError, match=rf"{limit} is .*, not {wrong}") as caught:
        shelf.prune(**limits)
    assert "0 or more" in str(caught.value)
    assert shelf["a"] == 1
    with Store(path) as store:
        assert store.runs() == [kept]


def test_prune_refuses_a_negative_span_of_time(shelf: ObjectShelf) -> None:
    """As it does a negative number of seconds."""
    shelf["a"] = 1
    with pytest.raises(ValueError, match=r"older_than is .* 0 or more"):
        shelf.prune(older_than=timedelta(days=-1))
    assert shelf["a"] == 1


def test_prune_by_age(shelf: ObjectShelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds or as a timedelta."""
    import time

    now = time.time()
    for days, name in [(30, "old"), (3, "newer"), (0, "now")]:
        monkeypatch.setattr("time.time", lambda days=days: now - days * 86_400)
        shelf[name] = name
    assert shelf.prune(older_than=timedelta(days=10)) == ("old",)
    assert shelf.prune(older_than=86_400) == ("newer",)
    assert shelf.prune(older_than=86_400.0) == ()
    assert list(shelf) == ["now"]


def test_a_clock_that_jumps_back_is_no_age(
    shelf: ObjectShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An object from the future is as young as can be."""
    import time

    now = time.time()
    shelf["a"] = 1
    monkeypatch.setattr("time.time", lambda: now - 10_000)
    assert shelf.info()[0].age_seconds == 0
    assert shelf.prune(older_than=5) == ()
