"""The cost of isolation beside hand-written code: time, memory, start-up.

Measured by ``hatch run bench``; the plain test suite runs each case once, small, to keep it
working. The two ways are done in turn, and CPU time is compared, so that both meet the same
machine.
"""

from __future__ import annotations

import copy
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest
from tests.benchmarks import cases
from tests.benchmarks.conftest import Row

from linepipe_core import Node, Pipeline

Told = Callable[[Row], None]
US = 1e6


def spent() -> float:
    """CPU seconds of this process and of its ended children.

    Not the time on the wall: what else the machine does must not count for one way or the other.
    """
    if sys.platform == "win32":
        return process_time()
    from resource import RUSAGE_CHILDREN, getrusage

    children = getrusage(RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def medians(*works: cases.Work, rounds: int) -> list[float]:
    """CPU seconds that each work takes, the works done in turn."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for work, seconds in zip(works, taken, strict=True):
            started = spent()
            result = work()
            seconds.append(spent() - started)
            del result
    return [statistics.median(seconds[1:] or seconds) for seconds in taken]


def once(benchmark: Any, work: cases.Work, rounds: int) -> None:
    """Let pytest-benchmark have its own look, for its files and comparisons."""
    benchmark.pedantic(work, rounds=rounds, iterations=1)


def us(seconds: float) -> str:
    return f"{seconds * US:.2f} us"


def ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


@pytest.mark.parametrize("n_nodes", [1_000, 10_000])
def test_trivial_nodes(n_nodes: int, told: Told, is_measured: bool, benchmark: Any) -> None:
    """The loop itself."""
    ways = cases.trivial_chain(n_nodes)
    assert ways.by_hand() == n_nodes
    once(benchmark, ways.linepipe, 5)
    hand, ours = medians(*ways, rounds=15 if is_measured else 1)
    per_node = ours / n_nodes
    told(
        Row(
            f"chain of {n_nodes:,} trivial nodes, per node",
            us(hand / n_nodes),
            us(per_node),
            us(per_node),
            "<= 1.5 us",
            per_node <= 1.5e-6,
        )
    )


@pytest.mark.parametrize("n_nodes", [1_000, 10_000])
def test_building(n_nodes: int, told: Told, is_measured: bool, benchmark: Any) -> None:
    """Nodes are checked when they are made, pipelines when they are put together."""

    def build() -> Pipeline:
        return Pipeline(cases.chain_nodes(n_nodes), x0=0)

    once(benchmark, build, 3)
    (ours,) = medians(build, rounds=7 if is_measured else 1)
    per_node = ours / n_nodes
    told(
        Row(
            f"building {n_nodes:,} nodes, per node",
            "",
            us(per_node),
            us(per_node),
            "<= 5 us",
            per_node <= 5e-6,
        )
    )


def test_bind_and_run(told: Told, is_measured: bool, benchmark: Any) -> None:
    """The cost of each request of a service."""
    pipeline = Pipeline(cases.chain_nodes(5), x0=0)
    hand_written = cases.trivial_chain(5).by_hand
    n_runs = 2_000 if is_measured else 10

    def ours() -> None:
        for i in range(n_runs):
            pipeline.bind(x0=i).run()

    def by_hand() -> None:
        for _ in range(n_runs):
            hand_written()

    once(benchmark, ours, 2)
    hand, took = medians(by_hand, ours, rounds=9 if is_measured else 1)
    per_run = took / n_runs
    told(
        Row(
            "5 nodes, bind(x=i).run()",
            us(hand / n_runs),
            us(per_run),
            us(per_run),
            "<= 12 us",
            per_run <= 12e-6,
        )
    )


# name, what the table calls it, the most it may take: times hand-written, plus seconds a node,
# and times the memory that hand-written code adds.
LARGE = [
    ("frame_gaining_columns", "200 MB pandas frame, 10 nodes add a column", 1.1, 0.0, 1.1),
    ("frame_read", "200 MB pandas frame, 10 readers", 1.0, 20e-6, None),
    ("array_renewed", "200 MB array, 10 nodes make a new one", 1.1, 0.0, 1.1),
    ("polars_gaining_columns", "200 MB polars frame, 10 nodes add a column", 1.1, 20e-6, 1.1),
    ("polars_read", "200 MB polars frame, 10 readers", 1.1, 20e-6, None),
]


@pytest.mark.parametrize(("name", "title", "times", "a_node", "memory"), LARGE)
def test_large_objects(
    name: str,
    title: str,
    times: float,
    a_node: float,
    memory: float | None,
    told: Told,
    is_measured: bool,
    scale: float,
    benchmark: Any,
) -> None:
    """Frames and arrays, passed on and read."""
    ways = cases.LARGE[name](scale)
    once(benchmark, ways.linepipe, 1)
    hand, ours = medians(*ways, rounds=15 if is_measured else 1)
    most = hand * times + a_node * cases.N_NODES
    extra = f" + {a_node * US:.0f} us a node" if a_node else ""
    goal = f"<= {times:g}x{extra}"
    told(Row(title, ms(hand), ms(ours), f"{ours / hand:.2f}x", goal, ours <= most))
    if memory is not None and is_measured:
        hand, ours = (added_mib(name, way, scale) for way in cases.Ways._fields)
        told(
            Row(
                "  its added memory",
                f"{hand:.0f} MiB",
                f"{ours:.0f} MiB",
                f"{ours / hand:.2f}x",
                f"<= {memory:g}x",
                ours <= hand * memory,
            )
        )


def test_an_array_read_by_many(told: Told, is_measured: bool, scale: float, benchmark: Any) -> None:
    """One memcpy for each reader but the last."""
    ways = cases.array_read(scale)
    values = cases.array(scale)
    once(benchmark, ways.linepipe, 1)

    def copied_and_dropped() -> None:  # the pipeline drops its copies within its time, too
        values.copy()

    hand, ours, memcpy = medians(*ways, copied_and_dropped, rounds=9 if is_measured else 1)
    copies = (ours - hand) / memcpy
    told(
        Row(
            "200 MB array, 10 readers",
            ms(hand),
            ms(ours),
            f"{copies:.1f} memcpy of {ms(memcpy)}",
            f"{cases.N_NODES - 1} memcpy, give or take 15 %",  # that it is 9, a test counts
            copies <= (cases.N_NODES - 1) * 1.15,
        )
    )


def test_each_reader_but_the_last_costs_one_memcpy() -> None:
    """Counted, for a time can't tell nine from ten: the last one gets the maker's memory."""
    made: list[int] = []
    read: list[Any] = []

    def make() -> Any:
        array = cases.array(0.001)
        made.append(array.ctypes.data)
        return array

    nodes = [Node(make, [], ["array"])]
    nodes += [Node(read.append, ["array"], [], name=f"r{i}") for i in range(cases.N_NODES)]
    Pipeline(nodes).run(outputs=[])  # writers alone read it: it would be in the result
    *copies, last = (array.ctypes.data for array in read)
    assert last == made[0]
    assert len({*copies, last}) == cases.N_NODES


def test_records_read_by_many(told: Told, is_measured: bool, scale: float, benchmark: Any) -> None:
    """Against one deepcopy for each reader, which is what isolation by hand is."""
    ways = cases.records_read(scale)
    once(benchmark, ways.linepipe, 1)
    rows = cases.records(scale)
    one_copy, ours = medians(
        lambda: copy.deepcopy(rows), ways.linepipe, rounds=5 if is_measured else 1
    )
    by_hand = one_copy * cases.N_NODES
    told(
        Row(
            "200,000 four-key dicts, 10 readers (by hand: deepcopy)",
            ms(by_hand),
            ms(ours),
            f"{by_hand / ours:.1f} times faster",
            ">= 5 times",
            by_hand >= 5 * ours,
        )
    )


def test_adding_pipelines(told: Told, is_measured: bool, benchmark: Any) -> None:
    """A large pipeline is often put together from small ones."""
    n_parts = 200
    nodes = cases.chain_nodes(n_parts * 5)
    parts = [Pipeline(nodes[i * 5 : i * 5 + 5]) for i in range(n_parts)]
    once(benchmark, lambda: sum(parts), 2)
    (ours,) = medians(lambda: sum(parts), rounds=9 if is_measured else 1)
    told(Row("sum of 200 pipelines of 5 nodes", "", ms(ours), ms(ours), "<= 30 ms", ours <= 0.03))


def started(code: str) -> None:
    # As installed: compiled once, by the round that doesn't count.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


def test_importing(told: Told, is_measured: bool, benchmark: Any) -> None:
    """A command-line tool pays it at each start."""
    once(benchmark, lambda: started("import linepipe_core"), 1)
    bare, ours = medians(
        lambda: started("pass"),
        lambda: started("import linepipe_core"),
        rounds=30 if is_measured else 1,
    )
    told(
        Row(
            "start of Python with import linepipe_core",
            ms(bare),
            ms(ours),
            f"{ms(ours - bare)} over bare Python",
            "<= 30 ms over it",
            ours - bare <= 0.030,
        )
    )


@pytest.mark.skipif(sys.platform != "linux", reason="resets the kernel's mark in /proc")
def test_memory_is_measured_in_a_child(scale: float) -> None:
    """The figure that the memory rows are made of: a new array is what a process adds."""
    assert added_mib("array_renewed", "by_hand", 0.05) == pytest.approx(20, rel=0.4)


def added_mib(name: str, way: str, scale: float) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.cases", name, way, str(scale)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return float(done.stdout)


def test_both_ways_give_the_same() -> None:
    """Or the comparison would mean nothing."""
    for name, case in cases.LARGE.items():
        by_hand, linepipe = case(0.001)
        left, right = by_hand(), linepipe()
        assert type(left) is type(right), name
        assert str(left) == str(right), name
