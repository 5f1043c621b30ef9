"""The objects that a run holds, and when it lets them go."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from linepipe_core import Hook, Node, NodeExecutionError, Pipeline, Step

MIB = 2**20


def block(*_inputs: Any) -> Any:
    return np.ones(MIB, dtype=np.uint8)


@pytest.fixture
def memory() -> Iterator[Callable[[], tuple[float, float]]]:
    """MiB held now, and at the peak, since the last question."""
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]

    def measured() -> tuple[float, float]:
        gc.collect()
        now, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        return (now - before) / MIB, (peak - before) / MIB

    yield measured
    tracemalloc.stop()


def chain(n_nodes: int, **options: Any) -> Pipeline:
    nodes = [Node(block, [f"x{i}"], [f"x{i + 1}"], name=f"n{i}") for i in range(n_nodes)]
    return Pipeline(nodes, x0=0, **options)


class Keeper(Hook):
    """Keeps every step that it is shown."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def after_node(self, step: Step) -> None:
        self.steps.append(step)


@pytest.mark.parametrize("hooks", [(), (Keeper(),)], ids=["alone", "watched"])
def test_an_object_is_dropped_right_after_its_last_reader(
    hooks: tuple[Hook, ...], memory: Callable[[], tuple[float, float]]
) -> None:
    """A chain of ten has two objects at a time, as by hand; also while a hook keeps steps."""
    pipeline = chain(10)
    result = pipeline.run(hooks=hooks)
    now, peak = memory()
    assert len(result.steps) == 10
    assert 2 <= peak < 2.5
    assert 1 <= now < 1.5


def test_a_pipeline_holds_nothing_of_a_result_that_was_dropped(
    memory: Callable[[], tuple[float, float]],
) -> None:
    """The outputs are the caller's."""
    pipeline = chain(2)
    result = pipeline.run()
    assert result["x2"].size == MIB
    del result
    now, _ = memory()
    assert now < 0.5


def test_a_failure_holds_the_inputs_of_the_node_that_failed_and_no_more(
    memory: Callable[[], tuple[float, float]],
) -> None:
    """Also while the exception, with its traceback, lives on."""

    def fail(a: Any) -> None:
        raise ValueError

    makers = [Node(block, ["x"], [name], name=name) for name in "abcd"]
    readers = [Node(fail, ["a"], []), Node(lambda *all_: 0, list("abcd"), ["z"])]
    for options in ({}, {"hooks": [Keeper()]}):
        pipeline = Pipeline([*makers, *readers], x=0)
        with pytest.raises(NodeExecutionError) as caught:
            pipeline.run(**options)  # type: ignore[arg-type]
        now, _ = memory()
        assert list(caught.value.inputs) == ["a"]
        assert 1 <= now < 1.5
        del caught


def test_history_records_an_object_once(memory: Callable[[], tuple[float, float]]) -> None:
    """As its maker's output and its reader's input it is the same record."""
    pipeline = chain(5, track_history=True)
    result = pipeline.run()
    now, _ = memory()
    assert len(result.history) == 5
    assert 5 <= now < 5.5
    result.history[1].inputs["x1"][:] = 7
    assert result.history[0].outputs["x1"][0] == 1


def test_the_last_reader_of_an_object_holds_it_alone(
    memory: Callable[[], tuple[float, float]],
) -> None:
    """Its own function may drop an input before it makes something large."""

    def add_one(array: Any) -> Any:
        array += 1
        return array

    nodes = [Node(block, [], ["x0"])]
    nodes += [Node(add_one, [f"x{i}"], [f"x{i + 1}"], name=f"n{i}") for i in range(5)]
    result = Pipeline(nodes).run()
    _, peak = memory()
    assert result["x5"][0] == 6
    assert peak < 1.5  # changed in place all the way
