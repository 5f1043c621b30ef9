"""Arrays move to their last reader unless somebody else sees them; else they are copied."""

from __future__ import annotations

import textwrap
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.core.likeness import seen
from tests.core.values.processes import in_processes

from linepipe_core._values import out_of_band
from linepipe_core._values.isolate import copy_for_reader, isolate, move_to_last_reader, peek


def address(value: Any) -> int:
    return int(value.__array_interface__["data"][0])


def held_new_array() -> tuple[Any, int]:
    owner = [np.arange(5.0)]
    where = address(owner[0])
    return isolate(owner), where


def test_an_array_that_nobody_else_sees_moves_all_the_way() -> None:
    """No copy for a maker that keeps nothing, nor for the last reader."""
    held, where = held_new_array()
    assert address(peek(held)) == where
    owner = [held]
    del held
    assert address(move_to_last_reader(owner)) == where


def test_a_reader_that_is_not_the_last_gets_one_copy() -> None:
    """... and the last one still gets the array itself."""
    held, where = held_new_array()
    assert address(copy_for_reader(held)) != where
    assert address(move_to_last_reader([held])) == where


@pytest.mark.parametrize(
    "keep",
    [
        lambda array: array,
        lambda array: array[1:],
        lambda array: weakref.ref(array),
        lambda array: memoryview(array),
        lambda array: pa.array(array),
        lambda array: [array],
    ],
    ids=["itself", "view", "weak reference", "buffer", "arrow", "list"],
)
def test_an_array_that_somebody_sees_is_copied(keep: Callable[[Any], Any]) -> None:
    """By whatever way a function keeps sight of what it returns."""
    owner = [np.arange(5.0)]
    where = address(owner[0])
    kept = keep(owner[0])
    assert address(peek(isolate(owner))) != where
    assert kept is not None


@pytest.mark.parametrize(
    ("make", "inner"),
    [
        (lambda: {1, 2}, lambda value: value),
        (lambda: [{1, 2}, {3}], lambda value: value[0]),
        (lambda: {"a": {1, 2}, "b": np.arange(3)}, lambda value: value["a"]),
    ],
    ids=["itself", "in a row", "in a container"],
)
def test_a_set_that_is_referred_to_weakly_is_copied(
    make: Callable[[], Any], inner: Callable[[Any], Any]
) -> None:
    """A cache of weak references would see what the reader does to it."""
    owner = [make()]
    kept = weakref.ref(inner(owner[0]))
    held = isolate(owner)
    inner(move_to_last_reader([held])).add(99)
    assert kept() in (None, {1, 2})


def test_an_array_kept_by_a_node_without_isolation_is_copied_for_the_last_reader() -> None:
    """``isolate=False`` is a promise not to change, not one to forget."""
    held, where = held_new_array()
    kept = peek(held)
    assert address(move_to_last_reader([held])) != where
    assert kept[0] == 0


def test_a_moved_array_can_be_written_to() -> None:
    """A node may change its inputs freely, also an array that its maker made read-only."""
    owner = [np.arange(5.0)]
    owner[0].flags.writeable = False
    value = move_to_last_reader([isolate(owner)])
    value[0] = 7
    assert value[0] == 7


def test_layout_is_kept() -> None:
    """A copy of an array by columns is one by columns: code may depend on its speed."""
    columns = np.asfortranarray(np.ones((3, 4)))
    held = isolate([columns])
    assert peek(held).flags.f_contiguous
    assert copy_for_reader(held).flags.f_contiguous


def test_a_read_only_map_of_a_file_stays_a_map(tmp_path: Path) -> None:
    """It may be larger than the memory; a writable one is copied."""
    path = tmp_path / "numbers"
    np.arange(4.0).tofile(path)
    mapped = np.memmap(path, dtype=float, mode="r")
    assert copy_for_reader(isolate([mapped])) is mapped
    writable = np.memmap(path, dtype=float, mode="r+")
    held = isolate([writable])
    writable[0] = 99
    assert copy_for_reader(held)[0] == 0


@pytest.mark.parametrize(
    "wrap",
    [
        lambda array: {"x": array, "n": 1},
        lambda array: [array, "n"],
        lambda array: (array, [1, 2]),
        lambda array: {"train": (array, {"rows": [1]})},
    ],
    ids=["dict", "list", "tuple", "nested"],
)
def test_an_array_in_a_container_that_nobody_else_sees_moves(wrap: Callable[[Any], Any]) -> None:
    """A function may split an array into parts without a copy of them."""

    def array_in(value: Any) -> Any:
        while not isinstance(value, np.ndarray):
            value = value[0] if isinstance(value, list | tuple) else next(iter(value.values()))
        return value

    owner = [wrap(np.arange(5.0))]
    where = address(array_in(owner[0]))
    held = isolate(owner)
    assert address(array_in(peek(held))) == where
    assert address(array_in(copy_for_reader(held))) != where
    owner = [held]
    del held
    value = move_to_last_reader(owner)
    assert address(array_in(value)) == where
    assert seen(value) == seen(wrap(np.arange(5.0)))


@pytest.mark.parametrize("rows", [lambda: [{"a": 1}, {"a": 2}], lambda: {"a": [1, 2], "b": [3]}])
def test_rows_that_nobody_else_sees_move(rows: Callable[[], Any]) -> None:
    """A chain of nodes that pass records on copies none of them."""
    owner = [rows()]
    was = id(owner[0])
    held = isolate(owner)
    assert id(peek(held)) == was
    copied = copy_for_reader(held)
    assert copied == rows()
    assert id(copied) != was
    assert id(move_to_last_reader([held])) == was


@pytest.mark.slow
def test_a_distribution_draws_from_the_generator_that_everybody_draws_from() -> None:
    """As without a pipeline, ``numpy.random.set_state`` counts for the copies of readers."""
    import scipy.stats

    state = np.random.get_state()  # the older functions' generator is meant

    def drawn(distribution: Any) -> float:
        np.random.set_state(state)
        return float(distribution.rvs())

    made = scipy.stats.norm(0, 1)
    kept = isolate([made])
    stored = out_of_band.dump([made])
    (reread,) = out_of_band.load(stored.stream, stored.buffers)
    readers = [made, copy_for_reader(kept), move_to_last_reader([kept]), reread]
    assert len(set(map(drawn, readers))) == 1


def test_a_seeded_generator_is_copied() -> None:
    """What one reader draws, the next one draws again."""
    kept = isolate([np.random.RandomState(1)])
    first, second = copy_for_reader(kept), copy_for_reader(kept)
    assert first.random() == second.random()
    assert first is not second


@pytest.mark.slow
def test_copies_of_a_distribution_have_the_same_hash() -> None:
    """Of one that draws from numpy's global generator, in a process that never seeded that."""
    script = """
        import copy, pickle
        import scipy.stats
        from tests.core.values.zoo_python import digest

        for made in (scipy.stats.norm(0, 1), scipy.stats.multivariate_normal([0.0])):
            made.rvs()
            copies = [copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))]
            assert {digest(made)} == set(map(digest, copies))
            for each in copies[1:]:
                each.random_state = 1
                assert digest(each) != digest(made)
    """
    in_processes(textwrap.dedent(script))
