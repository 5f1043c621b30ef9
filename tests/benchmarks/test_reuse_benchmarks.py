"""The cost of reuse when nothing changed, and of its records when everything runs.

    pytest tests/benchmarks/test_reuse_benchmarks.py --benchmark-enable

Where benchmarks are disabled, as in the test suite, each case runs once on small data.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.benchmarks.flows import N_NODES, frames_flow, global_flow, trivial_flow
from tests.benchmarks.test_shelf_benchmarks import seconds_of_writing

from linepipe_core import Node, Pipeline
from linepipe_core.shelf import ObjectShelf


@pytest.fixture
def n_rows(benchmark: Any) -> int:
    """Of ten columns of floats: 50 MB, if it is measured."""
    return 625_000 if benchmark.enabled else 1_000


@pytest.fixture
def n_trivial(benchmark: Any) -> int:
    return 1_000 if benchmark.enabled else 20


def statuses(result: Any) -> set[str]:
    return {step.status for step in result.steps}


def test_frames_nothing_changed(benchmark: Any, tmp_path: Path, n_rows: int) -> None:
    """Goal: 20 ms or less."""
    flow = frames_flow(tmp_path / "cache", n_rows)
    flow.run(reuse=True)
    result = benchmark(flow.run, reuse=True)
    assert statuses(result) == {"reused"}


def test_frames_nothing_changed_in_a_fresh_process(
    benchmark: Any, tmp_path: Path, n_rows: int
) -> None:
    """Goal: 100 ms or less; pandas is imported before the clock starts, linepipe after."""
    frames_flow(tmp_path / "cache", n_rows).run(reuse=True)
    times = [
        _fresh_seconds(tmp_path / "cache", n_rows) for _ in range(9 if benchmark.enabled else 1)
    ]
    benchmark.extra_info["median of fresh processes, ms"] = 1e3 * statistics.median(times)
    benchmark.pedantic(time.sleep, (statistics.median(times),), rounds=1)


FRESH = """
import sys, time
import numpy, pandas
sys.path[:0] = {path!r}
started = time.perf_counter()
from tests.benchmarks.flows import frames_flow
result = frames_flow({cache!r}, {n_rows}).run(reuse=True)
print(time.perf_counter() - started)
assert {{step.status for step in result.steps}} == {{"reused"}}
"""


def _fresh_seconds(cache: Path, n_rows: int) -> float:
    script = FRESH.format(path=sys.path, cache=str(cache), n_rows=n_rows)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def store_by_hand(path: Path, n_rows: int) -> None:
    """The same nodes and objects, stored without a record."""
    plain = Pipeline(frames_flow(path, n_rows).nodes, n_rows=n_rows)
    with ObjectShelf(path) as shelf, plain.start() as run:
        for step in run:
            for name in step.node.outputs:
                if name in run.registry:  # the last frame, too
                    shelf[name] = run.registry.get(name)


def test_frames_first_run_with_records(benchmark: Any, tmp_path: Path, n_rows: int) -> None:
    """Goal: 10% over storing the same objects by hand; measured in turns."""
    with_records: list[float] = []
    without: list[float] = []
    for turn in range(5 if benchmark.enabled else 1):
        path = tmp_path / f"cache{turn}"
        started = time.perf_counter()
        frames_flow(path, n_rows).run(reuse=True)
        with_records.append(time.perf_counter() - started)
        by_hand = tmp_path / f"by_hand{turn}"
        started = time.perf_counter()
        store_by_hand(by_hand, n_rows)
        without.append(time.perf_counter() - started)
        for shelf in (path, by_hand):
            with ObjectShelf(shelf) as filled:
                assert len(filled) == N_NODES + 1
                filled.clear()  # so that five turns don't fill the disk
    ratio = statistics.median(with_records) / statistics.median(without)
    benchmark.extra_info["ratio to storing by hand"] = ratio
    benchmark.pedantic(time.sleep, (statistics.median(with_records),), rounds=1)


def test_trivial_nodes_nothing_changed(benchmark: Any, tmp_path: Path, n_trivial: int) -> None:
    """Goal: 100 us a node or less."""
    flow = trivial_flow(tmp_path / "cache", n_trivial)
    flow.run(reuse=True)
    result = benchmark(flow.run, reuse=True)
    assert statuses(result) == {"reused"}
    assert result[f"x{n_trivial - 1}"] == n_trivial + 1


def test_plan_of_trivial_nodes(benchmark: Any, tmp_path: Path, n_trivial: int) -> None:
    """Goal: 100 us a node or less."""
    flow = trivial_flow(tmp_path / "cache", n_trivial)
    flow.run(reuse=True)
    plan = benchmark(flow.plan)
    assert {entry.action for entry in plan} == {"reuse"}


def test_plan_that_goes_back_to_the_oldest_of_five_versions(
    benchmark: Any, tmp_path: Path, n_trivial: int
) -> None:
    """Goal: 1.5 times a plan with one version each; the minima of plans in turns."""
    one, five = (trivial_flow(tmp_path / name, n_trivial) for name in ("one", "five"))
    one.bind(start=0).run(reuse=True)
    for start in range(5):
        five.bind(start=start).run(reuse=True)
    taken: dict[str, list[float]] = {"one": [], "five": []}
    for _ in range(25 if benchmark.enabled else 1):
        for name, flow in {"one": one.bind(start=0), "five": five.bind(start=0)}.items():
            started = time.thread_time()
            plan = flow.plan()
            taken[name].append(time.thread_time() - started)
            assert {entry.action for entry in plan} == {"reuse"}
    fewest, most = (min(times) for times in taken.values())
    benchmark.extra_info["times a plan with one version each"] = most / fewest
    benchmark.pedantic(time.sleep, (most,), rounds=1)


def test_eleven_nodes_over_one_global(benchmark: Any, tmp_path: Path) -> None:
    """Goal: 2.5 times the limit of the disk for what they make; the global is hashed once."""
    n_rows = 125_000_000 if benchmark.enabled else 10_000  # 1 GB
    ratios: list[float] = []
    seconds: list[float] = []
    for turn in range(3 if benchmark.enabled else 1):
        flow = global_flow(tmp_path / f"cache{turn}", n_rows)
        made = memoryview(bytes(11 * (n_rows // 2 // 10) * 8))
        limit = seconds_of_writing(made, tmp_path)
        started = time.perf_counter()
        result = flow.run(reuse=True)
        seconds.append(time.perf_counter() - started)
        ratios.append(seconds[-1] / limit)
        assert statuses(result) == {"ran"}
        del result
        with ObjectShelf(tmp_path / f"cache{turn}") as filled:
            filled.clear()
    benchmark.extra_info["times the limit of the disk"] = statistics.median(ratios)
    benchmark.pedantic(time.sleep, (statistics.median(seconds),), rounds=1)


def test_a_run_on_a_large_shelf(benchmark: Any, tmp_path: Path) -> None:
    """Goal: a run costs the same on a shelf of 100,000 names as on an empty one."""
    n_names = 100_000 if benchmark.enabled else 100
    empty, large = trivial_flow(tmp_path / "empty", 5), trivial_flow(tmp_path / "large", 5)
    names = [f"name{i}" for i in range(n_names)]
    filling = Node(tuple, ["rows"], names, name="fill")
    Pipeline([filling], rows=[*range(n_names)]).replace(
        use_persistent_cache=True, cache_storage_path=tmp_path / "large"
    ).run(outputs=[])
    taken: dict[str, list[float]] = {"empty": [], "large": []}
    for turn in range(31 if benchmark.enabled else 1):
        for name, flow in {"empty": empty, "large": large}.items():
            started = time.perf_counter()
            flow.bind(start=turn // 2).run(reuse=True)  # all run, then all are reused
            taken[name].append(time.perf_counter() - started)
    on_empty, on_large = (statistics.median(times) for times in taken.values())
    benchmark.extra_info["times one on an empty shelf"] = on_large / on_empty
    benchmark.pedantic(time.sleep, (on_large,), rounds=1)
