"""The cost of `map`, `rename` and `check`, beside the loop and one process.

CPU time, not the time on the wall: what else the machine does must not count.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import process_time, thread_time
from typing import Any

from tests.benchmarks.conftest import Row
from tests.benchmarks.test_isolation_cost import medians, ms, spent, us

from linepipe_core import Node, Pipeline

Told = Callable[[Row], None]


def increment(x: int) -> int:
    return x + 1


def work_5_ms(x: int) -> int:
    started = thread_time()
    while thread_time() - started < 0.005:
        pass
    return x


def update(table: dict[str, int], step: int) -> dict[str, int]:
    return table


def cases(n: int) -> dict[str, dict[str, int]]:
    return {f"c{i}": {"x": i} for i in range(n)}


def test_map_of_trivial_cases(told: Told, is_measured: bool) -> None:
    """Beside the loop that it stands for."""
    n_cases = 1_000 if is_measured else 3
    pipeline = Pipeline([Node(increment, ["x"], ["y"])])
    chosen = cases(n_cases)

    def loop() -> Any:
        return [pipeline.bind(**c).replace(partition=n).run() for n, c in chosen.items()]

    looped, mapped = medians(loop, lambda: pipeline.map(chosen), rounds=7 if is_measured else 1)
    more = (mapped - looped) / n_cases
    name = f"map of {n_cases:,} trivial cases, per case"
    told(Row(name, us(looped / n_cases), us(mapped / n_cases), us(more), "20 us more", more < 2e-5))


def test_map_over_two_processes(told: Told, is_measured: bool) -> None:
    """How much of the CPU goes into the cases' work: 0.9 of it is 1.8 times one process."""
    n_cases = 2_000 if is_measured else 4
    pipeline = Pipeline([Node(work_5_ms, ["x"], ["y"])])
    started = process_time()
    pipeline.map(cases(n_cases))
    alone = process_time() - started
    started = spent()
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        pipeline.map(cases(n_cases), executor=pool)
    speed_up = 2 * alone / (spent() - started)
    name = f"map of {n_cases:,} cases of 5 ms, 2 processes"
    told(Row(name, ms(alone), ms(alone / speed_up), f"{speed_up:.2f}x", "1.8x", speed_up >= 1.8))


def test_rename_and_check_of_many_nodes(told: Told, is_measured: bool) -> None:
    """A declaration of 1,000 nodes with annotations."""
    n_nodes = 1_000 if is_measured else 10
    names = ["start", *(f"x{i}" for i in range(n_nodes))]
    nodes = [Node(update, [names[i], "step"], [names[i + 1]]) for i in range(n_nodes)]
    pipeline = Pipeline(nodes, start={}, step=1)
    assert pipeline.check() == []
    renamed, checked = medians(
        lambda: pipeline.rename(prefix="t_"), pipeline.check, rounds=9 if is_measured else 1
    )
    told(Row(f"rename of {n_nodes:,} nodes", "", ms(renamed), ms(renamed), "10 ms", renamed < 0.01))
    told(
        Row(f"check() of {n_nodes:,} nodes", "", ms(checked), ms(checked), "100 ms", checked < 0.1)
    )
