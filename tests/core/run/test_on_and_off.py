"""A node gets the same with the persistent cache on and off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.core.run import map_nodes

from linepipe_core import Node, Pipeline

LARGE = 100_000


def read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


def mapped() -> Any:
    path = Path("mapped.bin")
    np.arange(LARGE, dtype="f8").tofile(path)
    return np.memmap(path, dtype="f8", mode="r")


class BadRowError(Exception):
    """Pickles, and won't unpickle."""

    def __init__(self, row: int, why: str) -> None:
        super().__init__(f"{row}: {why}")
        self.row = row


class Half:
    """Comes out of its pickle with half of its state."""

    def __init__(self) -> None:
        self.kept, self.lost = [1], [2]

    def __getstate__(self) -> dict[str, Any]:
        return {"kept": self.kept}


ARRAYS: dict[str, Callable[[], Any]] = {
    "small": lambda: read_only(np.arange(3.0)),
    "large": lambda: read_only(np.arange(LARGE, dtype="f8")),
    "over bytes": lambda: np.frombuffer(bytes(LARGE), "u1"),
    "strided": lambda: read_only(np.arange(2 * LARGE))[::2],
    "broadcast": lambda: np.broadcast_to(np.arange(LARGE), (2, LARGE)),
    "fortran": lambda: read_only(np.asfortranarray(np.zeros((3, LARGE)))),
    "permuted": lambda: read_only(np.zeros((3, 4, LARGE)).transpose(2, 0, 1)),
    "dates": lambda: read_only(np.arange(LARGE).astype("M8[s]")),
    "few dates": lambda: read_only(np.arange(3).astype("M8[s]")),
    "records": lambda: read_only(np.zeros(LARGE, dtype=[("a", "i4"), ("b", "f8")])),
    "big-endian": lambda: read_only(np.zeros(LARGE, ">f4")),
    "text": lambda: read_only(np.array(["a", "b"])),
    "no dimension": lambda: read_only(np.array(3.5)),
    "empty": lambda: read_only(np.zeros((0, 3))),
    "objects": lambda: read_only(np.array([1, [2]], dtype=object)),
    "masked": lambda: np.ma.masked_array(read_only(np.arange(3.0)), mask=[False, True, False]),
    "in a dict": lambda: {"array": read_only(np.arange(LARGE))},
    "in a tuple": lambda: (read_only(np.arange(LARGE)), 1),
    "twice": lambda: [read_only(np.arange(LARGE))] * 2,
    "a column's": lambda: pd.Series(np.arange(LARGE), copy=False).to_numpy(),
    "mapped to be read": mapped,
}


def facts(value: Any) -> list[Any]:
    """The type of the value, and of each array in it the flags, and whether a write works."""
    arrays = [*value.values()] if isinstance(value, dict) else value
    if isinstance(value, np.ndarray):
        arrays = [value]
    found: list[Any] = [type(value).__name__]
    for array in arrays:
        if isinstance(array, np.ndarray):
            flags = array.flags
            strides = array.strides if array.size else ()
            found.append((type(array).__name__, flags.writeable, flags.c_contiguous, strides))
            try:
                array[...] = array.copy()
            except ValueError as error:
                found.append(str(error))
    return found


def run_both(make: Callable[[], Any], look: Callable[[Any], Any], path: Path) -> tuple[Any, Any]:
    """The results of two readers without the cache, and of all runs with it."""
    nodes = [
        Node(make, [], ["made"], name="make"),
        *(Node(look, ["made"], [f"seen{i}"], name=f"look{i}") for i in (1, 2)),
    ]
    plain = Pipeline(nodes)
    cached = plain.replace(use_persistent_cache=True, cache_storage_path=path / "shelf")
    outputs = ["seen1", "seen2", "made"]
    found = []
    for pipeline, reuse in ((plain, False), (cached, False), (cached, True)):
        result = dict(pipeline.run(outputs=outputs, reuse=reuse))
        found.append([look(result.pop("made")), result])
    return found[0], found[1:]


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_has_the_same_flags(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And may be written to: a read-only array becomes a private writable one in both."""
    monkeypatch.chdir(tmp_path)
    plain, cached = run_both(ARRAYS[kind], facts, tmp_path)
    assert cached == [plain, plain]
    if kind != "mapped to be read":  # that may be larger than the memory, and is never copied
        assert not any(isinstance(fact, str) and "read-only" in fact for fact in plain[0])


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: BadRowError(3, "negative"), ("BadRowError", {"row": 3})),
        (lambda: map_nodes.unreadable(1), ("Unreadable", {})),
        (Half, ("Half", {"kept": [1]})),
    ],
    ids=["an exception", "own reduction", "half"],
)
def test_what_does_not_come_out_of_its_pickle_whole_is_the_same(
    make: Callable[[], Any], expected: tuple[str, Any], tmp_path: Path
) -> None:
    """In nodes and results."""

    def look(value: Any) -> tuple[str, Any]:
        return type(value).__name__, vars(value)

    plain, cached = run_both(make, look, tmp_path)
    assert plain == [expected, {"seen1": expected, "seen2": expected}]
    assert cached == [plain, plain]
