"""The registry of a cached run: what cannot be kept lives in memory, and a look shows it all."""

from __future__ import annotations

import gc
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from tests.core.store.tables import pipeline

from linepipe_core import Node, ObjPlacement, Pipeline
from linepipe_core._store.shelf_registry import ShelfRegistry
from linepipe_core.errors import (
    RegistryClosedError,
)
from linepipe_core.shelf import ObjectShelf


class Connection:
    def __init__(self) -> None:
        self.lock = threading.Lock()


class Unreadable:
    """Pickles, and won't unpickle."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _raise, ("on reading",)


def _raise(why: str) -> None:
    raise ValueError(why)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Connection, "object 'it', made by node 'open_it', stays in memory: its part it.lock "
         "(_thread.lock) can't be pickled: cannot pickle '_thread.lock' object"),
        (Unreadable, "object 'it' on the shelf can't be read and counts as missing: "
         "ValueError: on reading"),
    ],
)  # fmt: skip
def test_an_unpicklable_value_lives_in_memory_and_its_older_value_is_gone(
    path: str, caplog: pytest.LogCaptureFixture, kind: type, said: str
) -> None:
    """The run goes on; the log says which object, made where, and which part of it."""
    with ObjectShelf(path) as shelf:
        shelf["it"] = "older"
    nodes = [
        Node(lambda: (kind(), 1), [], ["it", "one"], name="open_it"),
        Node(lambda it: type(it).__name__, ["it"], ["kind"], name="look"),
    ]
    flow = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path)
    caplog.set_level(logging.DEBUG, "linepipe.registry")
    with flow.start() as run:
        next(run)
        assert run.registry.placement["it"] is ObjPlacement.RUNTIME
        assert run.registry.placement["one"] is ObjPlacement.STORAGE
        assert run.finish()["kind"] == kind.__name__
    assert said in caplog.text
    with ObjectShelf(path) as shelf:
        assert dict(shelf) == {"one": 1, "kind": kind.__name__}


def test_a_look_at_the_objects_of_the_cache(path: str) -> None:
    """Constants and objects, each in its place."""
    flow = pipeline(path, 10)
    with flow.get_obj_registry() as registry:
        assert registry.placement == {"n": ObjPlacement.CONSTANT}
    flow.run()
    with flow.get_obj_registry() as registry:
        assert registry.placement == {
            "n": ObjPlacement.CONSTANT,
            "report": ObjPlacement.STORAGE,
            "table": ObjPlacement.STORAGE,
            "wide": ObjPlacement.STORAGE,
        }
        table = registry.get("table", pd.DataFrame)
        table.loc[0, "x"] = -1.0
        assert registry["table"].loc[0, "x"] == 0.0
        assert sorted(registry.keys()) == ["n", "report", "table", "wide"]
        registry.flush()
    with pytest.raises(RegistryClosedError):
        registry.get("table")


def test_a_registry_that_is_dropped_closes_its_shelf(path: str) -> None:
    """At once, not when the garbage is collected: it holds SQLite's files open."""
    flow = pipeline(path, 10)
    flow.run()
    registry = flow.get_obj_registry()
    assert len(registry["table"]) == 10
    assert isinstance(registry, ShelfRegistry)
    shelf = weakref.ref(registry.store)
    gc.disable()
    try:
        del registry
        assert shelf() is None
    finally:
        gc.enable()


def test_a_value_that_can_be_neither_stored_nor_copied_is_warned_of_in_one_line(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Both the one and the other."""
    flow = Pipeline(
        [Node(threading.Lock, [], ["lock"], name="make")],
        use_persistent_cache=True,
        cache_storage_path=path,
    )
    with caplog.at_level(logging.DEBUG, "linepipe.registry"):
        flow.run()
    (record,) = caplog.records
    assert "object 'lock', made by node 'make', stays in memory: it (_thread.lock) can't be" in (
        record.message
    )
    assert "it (_thread.lock) is passed by reference" in record.message


def deeply_nested(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


@pytest.mark.parametrize("levels", [500, 20_000])
def test_nesting_deeper_than_pickle_goes_stays_in_memory(
    path: str, caplog: pytest.LogCaptureFixture, levels: int
) -> None:
    """The log says so, and the run goes on."""
    flow = Pipeline(
        [Node(deeply_nested, ["levels"], ["deep"])],
        levels=levels,
        use_persistent_cache=True,
        cache_storage_path=path,
    )
    with flow.start() as run, caplog.at_level(logging.DEBUG, "linepipe.registry"):
        next(run)
        placed = run.registry.placement["deep"]
        assert len(run.finish()["deep"]) == 1
    if placed is ObjPlacement.STORAGE:  # newer Pythons pickle deeper
        assert levels == 500
    else:
        (record,) = caplog.records
        assert "object 'deep', made by node 'deeply_nested', stays in memory" in record.message
