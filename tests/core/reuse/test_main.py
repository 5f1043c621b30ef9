"""Functions of ``__main__``: under profilers and debuggers, and in the workers of a pool.

There ``sys.modules["__main__"]`` is the profiler or the pool's own, the script is called
``__mp_main__``, or its functions were sent by value and have no module.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import statistics
import sys

from linepipe_core import Node, Pipeline

SPREAD = statistics.NormalDist(0, 1)


class Scale:
    factor = 2
    steps = [1, 5]


def helper(x):
    return x * Scale.factor + len(Scale.steps)


def scaled(x):
    return helper(x) + int(SPREAD.cdf(1) * 1000)


def run():
    nodes = [Node(scaled, ["x"], ["y"])]
    flow = Pipeline(nodes, use_persistent_cache=True, cache_storage_path="shelf", x=1)
    result = flow.run(reuse=True)
    return result.steps[0].status, result["y"], list(result.steps[0].reasons)


def in_worker(how):
    if how == "spawn":
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            return pool.submit(run).result()
    if how == "loky":
        import loky

        return loky.get_reusable_executor(1).submit(run).result()
    from distributed import Client

    with Client(n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        return client.submit(run, pure=False).result()


if __name__ == "__main__":
    status, y, reasons = in_worker(sys.argv[1]) if sys.argv[1:] else run()
    print("@@", status, y, *reasons, sep="|", flush=True)
"""
# An edit of a helper, of a class that it reads, and of what the module makes.
EDITS = (
    {"len(Scale.steps)": "max(Scale.steps)", "[1, 5]": "[1, 9]"},
    {"(0, 1)": "(0, 2)"},
)
TOOLS = {
    "profile": ("-m", "cProfile", "-o", "profile.out", "script.py"),
    "trace": ("-m", "trace", "--count", "--coverdir=counted", "script.py"),
    "debugger": ("-m", "pdb", "-c", "continue", "script.py"),
}
WORKERS = ("spawn", "loky", "dask")
PLAIN = ("script.py",)


class Script:
    """The script in a folder, run in fresh processes with other hash seeds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._n_runs = 0
        self.text = SCRIPT

    def edit(self, edits: dict[str, str]) -> None:
        for old, new in edits.items():
            assert old in self.text
            self.text = self.text.replace(old, new)

    def run(self, *arguments: str) -> tuple[str, int]:
        """What became of its node, and the result."""
        (self._folder / "script.py").write_text(self.text)
        self._n_runs += 1
        done = subprocess.run(
            [sys.executable, "-B", *arguments],
            cwd=self._folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "PYTHONHASHSEED": str(self._n_runs),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        told = [line for line in done.stdout.splitlines() if "@@|" in line]
        assert told, done.stderr
        _, status, result, *_ = told[0].split("|")
        return status, int(result)


@pytest.mark.parametrize("arguments", TOOLS.values(), ids=TOOLS)
def test_a_script_under_a_tool_is_the_script(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Reused by either of the other, and run again for the same edits."""
    script = Script(tmp_path)
    _, before = script.run(*arguments)
    assert script.run(*PLAIN) == ("reused", before)
    for edits in EDITS:
        script.edit(edits)
        status, after = script.run(*arguments)
        assert (status, after != before) == ("ran", True), edits
        before = after
    assert script.run(*PLAIN) == ("reused", before)


@pytest.mark.parametrize("worker", WORKERS)
def test_a_worker_reuses_and_sees_edits(tmp_path: Path, worker: str) -> None:
    """Whether it imports the script or gets its functions by value."""
    script = Script(tmp_path)
    status, before = script.run(*PLAIN, worker)
    assert status == "ran"
    assert script.run(*PLAIN, worker) == ("reused", before)
    for edits in EDITS:
        script.edit(edits)
        status, after = script.run(*PLAIN, worker)
        assert (status, after != before) == ("ran", True), edits
        before = after
