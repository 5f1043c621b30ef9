"""The cost of profiling: a trivial node, and a busy one.

    pytest tests/benchmarks/test_profile_benchmarks.py --benchmark-enable

Compare within a group: `plain` is the same work without a profile.
"""

from __future__ import annotations

from typing import Any

import pytest

from linepipe_core import Hook, Node, Pipeline
from linepipe_profile import MemoryProfile, kernel


@pytest.fixture(params=["plain", "profiled", "profiled with children", "profiled, no mark"])
def hooks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[Hook]:
    """Each way to measure; without the kernel's mark, samples come from a process."""
    if request.param == "profiled, no mark":
        monkeypatch.setattr(kernel, "has_high_water_mark", lambda: False)
    if request.param == "plain":
        return []
    return [MemoryProfile(include_children=request.param == "profiled with children")]


def nothing() -> None:
    """A trivial node's work."""


@pytest.mark.benchmark(group="20 trivial nodes, profiled")
def test_trivial_nodes(benchmark: Any, hooks: list[Hook]) -> None:
    """A run of twenty; a watching process, where there is one, starts once a run."""
    pipeline = Pipeline([Node(nothing, [], [f"n{index}"]) for index in range(20)])
    result = benchmark.pedantic(pipeline.run, kwargs={"hooks": hooks}, rounds=5, iterations=1)
    assert len(result.steps) == 20


@pytest.mark.benchmark(group="a busy node of 5 s, profiled")
def test_a_busy_node(benchmark: Any, hooks: list[Hook]) -> None:
    """Pure Python, which never gives up the interpreter lock by itself."""
    n_turns = 40_000_000 if benchmark.enabled else 400_000

    def work() -> int:
        total = 0
        for turn in range(n_turns):
            total += turn & 3
        return total

    pipeline = Pipeline([Node(work, [], ["total"])])
    result = benchmark.pedantic(pipeline.run, kwargs={"hooks": hooks}, rounds=3, iterations=1)
    assert result["total"] > 0
