"""Results, plans and failures that a worker process sends home, pickled."""

from __future__ import annotations

import copy
import pickle
import shutil
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
import numpy as np
import pytest

from linepipe_core import Hook, Node, NodeExecutionError, Pipeline, RunResult, RunStateError
from linepipe_core._declare.portable import StayedBehind
from linepipe_viz import draw_svg_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

DUMPS = pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])


def double(x: Any) -> Any:
    return x * 2


def fail(x: Any) -> Any:
    raise ValueError(f"bad {x!r}")


class PickyError(Exception):
    """Can be pickled, and not unpickled."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")

    def __reduce__(self) -> tuple[Any, ...]:
        # As by default, which tblib changes for all errors where distributed is imported.
        return PickyError, self.args


class Broken(Hook):
    """Raises, and holds what can't be pickled."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def before_node(self, step: Any) -> None:
        raise PickyError(7, "no bar")


def pipeline(path: Path, last: Callable[[Any], Any] = double, **options: Any) -> Pipeline:
    nodes = [
        Node(double, ["x"], ["y"], name="first"),
        Node(lambda y: y + 1, {"y": "y"}, ["z"], name="inner"),
        Node(last, ["z"], ["last"], name="last"),
        Node(double, ["last"], ["end"], name="never"),
    ]
    return Pipeline(nodes, cache_storage_path=str(path / "cache"), x=np.arange(3), **options)


def told(steps: Any) -> list[tuple[Any, ...]]:
    """The facts of each step, to compare."""
    return [
        (
            *(s.index, s.node.name, s.node.inputs, s.node.keywords, s.node.outputs),
            *(s.status, s.seconds, s.memory, s.reasons),
        )
        for s in steps
    ]


OPTIONS = pytest.mark.parametrize(
    "options",
    [
        {},
        {"track_history": True},
        {"use_persistent_cache": True},
        {"track_history": True, "use_persistent_cache": True},
    ],
    ids=["plain", "history", "cache", "both"],
)


@DUMPS
@OPTIONS
@pytest.mark.parametrize("is_looked_at", [False, True])
def test_a_result_is_whole_in_other_processes(
    dumps: Callable[[Any], bytes], options: dict[str, Any], is_looked_at: bool, tmp_path: Path
) -> None:
    """Outputs, steps and history: also where there is no such cache, and nobody looked before."""
    job = pipeline(tmp_path, **options)
    reuse = "use_persistent_cache" in options
    if reuse:
        job.run()
    result = job.run(outputs=["y", "end"], reuse=reuse)
    if is_looked_at:
        result["y"][0] = 7
        assert len(result.steps) == 4
    sent = dumps(result)
    shutil.rmtree(tmp_path)
    again: RunResult = pickle.loads(sent)
    assert list(again) == ["y", "end"]
    assert again["y"].tolist() == [7 if is_looked_at else 0, 2, 4]
    assert again["end"].tolist() == [4, 12, 20]
    assert again["end"] is again["end"]
    assert told(again.steps) == told(result.steps)
    assert again.steps[0].status == ("reused" if reuse else "ran")
    assert str(again) == str(result)
    assert [entry["outputs"].keys() for entry in again.history] == [
        entry["outputs"].keys() for entry in result.history
    ]
    for entry in again.history[:1]:
        assert entry["outputs"]["y"].tolist() == [0, 2, 4]


def test_pickling_a_result_changes_nothing_in_it(tmp_path: Path) -> None:
    """Objects read from the shelf for the pickle stay private to their next reader."""
    job = pipeline(tmp_path, use_persistent_cache=True)
    job.run()
    result = job.run(reuse=True)
    pickle.dumps(result)
    result["end"][0] = 7
    assert pickle.loads(pickle.dumps(result))["end"].tolist() == [7, 12, 20]
    assert job.run(reuse=True)["end"].tolist() == [4, 12, 20]


@DUMPS
@OPTIONS
def test_a_failure_reports_the_same_in_other_processes(
    dumps: Callable[[Any], bytes], options: dict[str, Any], tmp_path: Path
) -> None:
    """All steps, also those of functions that can't be pickled, and the same picture."""
    job = pipeline(tmp_path, fail, **options)
    with pytest.raises(NodeExecutionError) as caught:
        job.run(hooks=[Broken()])
    again = pickle.loads(dumps(caught.value))
    assert str(again) == str(caught.value)
    assert told(again.steps) == told(caught.value.steps)
    assert [s.status for s in again.steps] == ["ran", "ran", "failed", "pending"]
    assert again.step is again.steps[2]
    assert again.node is again.step.node
    assert (again.node.name, again.inputs) == ("last", {})
    assert draw_svg_pipeline(job, result=again) == draw_svg_pipeline(job, result=caught.value)
    assert [repr(failed) for failed in again.failed_hooks] == [
        "<FailedHook Broken.before_node: PickyError: 7: no bar>"
    ]


def test_a_function_that_stayed_behind_says_so_when_it_is_called(tmp_path: Path) -> None:
    """And where to define it."""
    inner = pickle.loads(pickle.dumps(pipeline(tmp_path).run())).steps[1].node
    with pytest.raises(RunStateError, match=r"<lambda>.* can't be pickled and stayed behind"):
        inner.run({"y": 3})
    assert pickle.loads(pickle.dumps(inner)).name == "inner"


class OneWay:
    """A function whose pickle can't be read again."""

    def __call__(self, x: Any) -> Any:
        return x

    def __setstate__(self, state: Any) -> None:
        raise OSError("no such model")

    def __getstate__(self) -> Any:
        return {"model": "gone"}


def test_a_function_that_only_pickles_stays_behind(tmp_path: Path) -> None:
    """The rest gets home."""
    again = pickle.loads(pickle.dumps(pipeline(tmp_path, OneWay()).run()))
    assert again["end"].tolist() == [2, 6, 10]
    assert isinstance(again.steps[2].node.func, StayedBehind)


@DUMPS
def test_a_plan_goes_along(dumps: Callable[[Any], bytes], tmp_path: Path) -> None:
    """With all that it says; whole, a part of it, or an entry."""
    plan = pipeline(tmp_path, use_persistent_cache=True).plan()
    again = pickle.loads(dumps(plan))
    assert str(again) == str(plan)
    assert [entry.node.name for entry in again] == ["first", "inner", "last", "never"]
    assert [entry.node.name for entry in pickle.loads(dumps(plan[1:3]))] == ["inner", "last"]
    assert pickle.loads(dumps(plan[1])).reasons == plan[1].reasons


COPIES = pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])


@COPIES
@OPTIONS
def test_a_copy_of_a_result_leaves_nothing_behind(
    copied: Callable[[Any], Any], options: dict[str, Any], tmp_path: Path
) -> None:
    """It needn't be pickled, so its steps keep their functions."""
    result = pipeline(tmp_path, **options).run()
    again = copied(result)
    assert again["end"].tolist() == [4, 12, 20]
    assert str(again) == str(result)
    assert told(again.steps) == told(result.steps)
    assert [step.node for step in again.steps] == [step.node for step in result.steps]
    assert again.steps[1].node.run({"y": 3}) == {"z": 4}
    again.history.clear()
    assert bool(result.history) is ("track_history" in options)


def test_a_deep_copy_of_a_result_has_values_and_steps_of_its_own(tmp_path: Path) -> None:
    """Whatever is done to it, the result keeps."""
    result = pipeline(tmp_path).run()
    again = copy.deepcopy(result)
    again["end"][0] = 7
    again.steps[0].seconds = 5.0
    assert result["end"].tolist() == [4, 12, 20]
    assert result.steps[0].seconds != 5.0


@COPIES
def test_a_copy_of_a_plan_leaves_nothing_behind(
    copied: Callable[[Any], Any], tmp_path: Path
) -> None:
    """As with results."""
    plan = pipeline(tmp_path, use_persistent_cache=True).plan()
    again = copied(plan)
    assert str(again) == str(plan)
    assert again[1].node.run({"y": 3}) == {"z": 4}


def test_a_result_that_a_node_gives_on_keeps_its_functions(tmp_path: Path) -> None:
    """For pipelines inside of nodes."""
    inside = pipeline(tmp_path).run()
    outer = Pipeline(
        [Node(lambda: inside, [], ["result"]), Node(lambda r: r.steps[1].node, ["result"], ["a"])]
    )
    assert outer.run()["a"].run({"y": 3}) == {"z": 4}


@pytest.mark.slow
def test_results_come_home_from_a_process_pool() -> None:
    """Which is what all this is for."""
    job = Pipeline([Node(double, ["x"], ["y"])], x=3)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert dict(pool.submit(job.run).result()) == {"y": 6}
        failing = Pipeline([Node(fail, ["x"], ["y"])], x=3)
        with pytest.raises(NodeExecutionError, match="bad 3") as caught:
            pool.submit(failing.run).result()
    assert [step.status for step in caught.value.steps] == ["failed"]
