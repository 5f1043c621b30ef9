"""Values that cannot be copied are passed by reference, and the log says so once."""

from __future__ import annotations

import atexit
import logging
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.likeness import seen
from tests.core.values.changeable import Own, frame

from linepipe_core import Node, Pipeline, register_snapshot
from linepipe_core._values.isolate import copy_for_reader, isolate, move_to_last_reader


class Tensor:
    """Refuses as torch's non-leaf tensors do."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        raise RuntimeError("only leaf tensors support deepcopy")


class LoadsBadly:
    """Pickles well, but its pickle can't be loaded, as that of many exceptions."""

    def __init__(self, left: list[int], right: list[int]) -> None:
        self.left = left

    def __reduce__(self) -> tuple[Any, ...]:
        return LoadsBadly, (self.left,)


CONNECTION = sqlite3.connect(":memory:")

atexit.register(CONNECTION.close)


def anonymous() -> Callable[[], int]:
    return lambda: 1


def generator() -> Iterator[int]:
    yield 1


REFUSING: list[tuple[str, Callable[[], Any]]] = [
    ("_thread.lock", threading.Lock),
    ("generator", generator),
    ("module sys", lambda: sys),
    ("function anonymous.<locals>.<lambda>", anonymous),
    ("Tensor", Tensor),
    ("Own", lambda: Own([threading.Lock()])),
    ("LoadsBadly", lambda: LoadsBadly([1], [2])),
    ("_io.TextIOWrapper", lambda: sys.__stdout__),
    ("sqlite3.Connection", lambda: CONNECTION),
]

refusing = pytest.mark.parametrize(("name", "make"), REFUSING, ids=[name for name, _ in REFUSING])


@refusing
def test_a_value_that_cannot_be_copied_is_passed_by_reference_with_one_warning(
    name: str, make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """One warning that names the object, its node and what refused; none for each reader."""
    value = make()
    with caplog.at_level(logging.DEBUG, "linepipe.registry"):
        held = isolate([value], "link", "connect")
        assert copy_for_reader(held) is value
        assert copy_for_reader(held) is value
        assert move_to_last_reader([held]) is value
    (record,) = caplog.records
    assert "'link', made by node 'connect'" in record.message
    assert name in record.message


@refusing
def test_a_container_is_copied_around_a_part_that_cannot_be_copied(
    name: str, make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Only the part that refuses is shared."""
    value = make()
    around = {"rows": [1], "link": value, "frame": frame(), "again": [value]}
    with caplog.at_level(logging.DEBUG, "linepipe.registry"):
        held = isolate([around], "all")
        around["rows"].append(2)
        got = copy_for_reader(held)
        got["rows"].append(3)
        got["frame"]["float"] = 0
        again = move_to_last_reader([held])
    assert again["rows"] == [1]
    assert seen(again["frame"]) == seen(frame())
    assert got["link"] is got["again"][0] is again["link"] is value
    (record,) = caplog.records
    assert f"{name} in it" in record.message


def test_an_object_with_a_part_that_cannot_be_copied_is_shared_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Half a copy, with a lock shared by both halves, would be worse than none."""
    pool = Own([threading.Lock(), [1]])
    assert copy_for_reader(isolate([[pool]]))[0] is pool


def test_nesting_deeper_than_python_goes_is_passed_by_reference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """deepcopy would fail too."""
    caplog.set_level(logging.DEBUG, "linepipe.registry")
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert copy_for_reader(isolate([deep])) is deep
    assert "list" in caplog.text
    while deep:  # taken apart by hand: freeing it at once recurses
        deep = deep.pop()


@pytest.mark.parametrize("levels", [300, 500, 5_000, 20_000])
@pytest.mark.parametrize("around", [lambda x: [x], lambda x: {"a": x}, lambda x: (x, [1])])
def test_deep_nesting_that_nobody_else_sees_is_kept(
    levels: int, around: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Copied while that works; as it is, with one warning, where it doesn't."""
    caplog.set_level(logging.DEBUG, "linepipe.registry")
    owner: list[Any] = [[]]
    for _ in range(levels):
        owner[0] = around(owner[0])
    held = isolate(owner, "deep", "nest")
    got = copy_for_reader(held), copy_for_reader(held)
    assert (got[0] is got[1]) == bool(caplog.records)
    assert len(caplog.records) <= 1
    for made in got:
        depth, inner = 0, made
        while inner:
            depth, inner = depth + 1, inner["a"] if isinstance(inner, dict) else inner[0]
        assert depth == levels


def test_a_value_that_can_be_read_only_once_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """A second reader of a generator would get nothing."""
    caplog.set_level(logging.DEBUG, "linepipe.registry")
    isolate([(i for i in range(3))], "rows", "load")
    (record,) = caplog.records
    assert "'rows', made by node 'load', can't be copied: it (generator) is passed by" in (
        record.message
    )
    assert (
        "can be read only once, so the first node that reads it leaves nothing to the others; "
        "make a list of it" in record.message
    )


def live(name: str) -> Any:
    """A new class of that name, whose objects can't be copied."""

    class Live:
        def __init__(self) -> None:
            self.lock = threading.Lock()

    Live.__qualname__ = name
    return Live


def test_live_objects_are_warned_of_once_a_process_and_type(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As constants, in the config and as outputs, with the cache on and off."""
    kind, other = live("FirstClient"), live("SecondClient")
    nodes = [
        Node(lambda con: kind(), ["con"], ["made"], name="make"),
        *(Node(lambda made: 1, ["made"], [f"n{i}"], name=f"read{i}") for i in (1, 2)),
    ]
    for _ in range(3):
        pipeline = Pipeline(nodes, {"client": kind()}, con=kind())
        pipeline.bind(con=kind()).run()
    (record,) = caplog.records
    assert "FirstClient" in record.message
    pipeline.bind(con=other())
    assert "SecondClient" in caplog.records[1].message
    cached = pipeline.replace(use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")
    for _ in range(3):
        cached.run()
    stays = [record.message for record in caplog.records[2:]]
    assert ["object 'made', made by node 'make', stays in memory" in text for text in stays] == [
        True
    ]


def test_a_registered_type_is_never_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An engine that all nodes share, alone or in a dict, with the cache on and off."""
    kind = live("Engine")
    register_snapshot(kind, lambda engine: engine)
    nodes = [
        Node(lambda con: {"engine": kind()}, ["con"], ["made"], name="make"),
        *(Node(lambda made: 1, ["made"], [f"n{i}"], name=f"read{i}") for i in (1, 2)),
    ]
    pipeline = Pipeline(nodes, {"client": kind()}, con=kind())
    pipeline.run()
    cached = pipeline.replace(use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")
    cached.run(reuse=True)
    assert caplog.records == []
    with caplog.at_level(logging.INFO, "linepipe.registry"):
        cached.rename({"made": "registered"}).run()
    assert "object 'registered', made by node 'make', stays in memory" in caplog.text
