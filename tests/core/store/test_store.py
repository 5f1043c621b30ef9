"""A node's outputs are stored together, or not at all."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from tests.core.store.files import LARGE, files_of, put
from tests.faults.moments import Statements

from linepipe_core._store.store import Result, Store
from linepipe_core.errors import ShelfPickleError
from linepipe_core.shelf import ObjectShelf


def test_store_does_it_all_in_one_go(shelf: ObjectShelf, path: str) -> None:
    """Objects and a record."""
    result = Result(key="made", record='{"x": "é"}', node="make")
    with Store(path) as store, store.draft({"a": [1], "b": np.arange(LARGE)}) as draft:
        stored = store.write(draft, result)
        assert draft.digests == {name: each.digest for name, each in stored.objects.items()}
        assert {name: each.digest for name, each in store.current("abc").items()} == draft.digests
        assert not draft.refused
        newest = store.results.newest(["made", "nope"])["made"]
        assert newest is not None
        assert (newest.record, newest.node, newest.number) == (result.record, "make", stored.number)
        assert "nope" not in store.results.newest(["made", "nope"])
    assert sorted(shelf) == ["a", "b"]


class Model:
    def __init__(self) -> None:
        self.weights = [1.0]
        self.lock = threading.Lock()


def test_an_unpicklable_value_is_refused_by_name_and_part(shelf: ObjectShelf, path: str) -> None:
    """The rest is stored, and the refused name's older value is gone."""
    put(path, {"model": "older", "report": "older"})
    (refused,) = put(path, {"report": {"n": 1}, "model": {"best": [0, Model()]}}).values()
    assert refused.part == "model['best'][1].lock"
    assert refused.type == "_thread.lock"
    assert "cannot pickle" in refused.reason
    assert str(refused).startswith(
        "'model': its part model['best'][1].lock (_thread.lock) can't be pickled: cannot pickle"
    )
    assert dict(shelf) == {"report": {"n": 1}}


def test_setting_an_unpicklable_item_raises_and_keeps_the_older(shelf: ObjectShelf) -> None:
    """A mapping either takes a value or stays as it is."""
    shelf["a"] = 1
    with pytest.raises(
        ShelfPickleError, match=r"'a': it \(.*function\) can't be pickled: .*lambda"
    ):
        shelf["a"] = lambda: 0
    assert shelf["a"] == 1


def test_the_search_for_an_unpicklable_part_always_ends(path: str) -> None:
    """The search for the part that won't pickle always ends, and says something true."""
    loop: list[Any] = [1]
    loop.append({"again": loop, "bad": (i for i in range(3))})
    refused = put(path, {"loop": loop})["loop"]
    assert refused.part == "loop[1]['bad']"
    assert refused.type == "builtins.generator"
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert "recursion" in put(path, {"deep": deep})["deep"].reason


def test_a_failed_store_leaves_everything_as_it_was(
    shelf: ObjectShelf, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the middle of the transaction, after the files were placed."""
    shelf["a"] = np.zeros(LARGE)
    before = files_of(path)

    def fail() -> None:
        raise KeyboardInterrupt

    Statements(monkeypatch).before("COMMIT", fail)
    with pytest.raises(KeyboardInterrupt):
        put(path, {"a": np.ones(LARGE), "b": np.full(LARGE, 2)})
    monkeypatch.undo()
    assert files_of(path) == before
    assert list(shelf) == ["a"]
    assert not shelf["a"].any()


def test_what_was_put_by_hand_leaves_when_its_name_gets_what_cannot_be_kept(path: str) -> None:
    """Nothing could ever find it again; the results of nodes stay."""
    put(path, {"a": np.arange(LARGE)}, key="made", record="r")
    put(path, {"a": np.ones(LARGE)})
    assert len(files_of(path)) == 2
    put(path, {"a": threading.Lock()})
    assert len(files_of(path)) == 1
    with Store(path) as store:
        assert store.names() == []
        assert "a" in store.results.newest(["made"])["made"].objects
