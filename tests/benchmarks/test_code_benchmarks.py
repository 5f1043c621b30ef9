"""The cost of reading what nodes depend on: a large project, and the watch on what runs.

    pytest tests/benchmarks/test_code_benchmarks.py --benchmark-enable

Where benchmarks are disabled, as in the test suite, each case runs once on small data.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.benchmarks.conftest import Row

from linepipe_core._code.executed import IS_WATCHED, Watch

MODULE = """
import re
{imports}
LIMITS_{n} = {{"a": {n}, "b": [1, 2, 3]}}
WORD = re.compile("x")
class Row{n}:
    kind = "k{n}"
    def __init__(self, x): self.x = x
    def run(self): return f{n}_0(self.x)
"""
FUNCTION = """
def f{n}_{k}(x):
    total = LIMITS_{n}["a"] + len(WORD.findall("x")) + Row{n}(x).x
{steps}
    return total{call}
"""
PLAN = """
import ast, glob, importlib, sys, time
for n in range({n_modules}): importlib.import_module(f"project.m{{n}}")
import json, pickle, sqlite3, tokenize
from linepipe_core import Node, Pipeline
from linepipe_core._reuse import session
from linepipe_core._store import shelf_registry
last = importlib.import_module("project.m{last}")
flow = Pipeline([Node(last.f{last}_1, ["x"], ["y"])], x=1, use_persistent_cache=True,
                cache_storage_path="cache")
if sys.argv[1:]:
    flow.run()
    sys.exit()
began = time.process_time()
plan = flow.plan()
planned = time.process_time() - began
assert plan[0].action == "reuse", plan
texts = [open(file).read() for file in glob.glob("project/*.py")]
began = time.process_time()
for text in texts: ast.parse(text)
print(planned, time.process_time() - began, "importlib.metadata" in sys.modules)
"""


def write_project(folder: Path, n_modules: int, n_functions: int = 8, n_steps: int = 6) -> None:
    """A project whose modules call each other, of about 180 lines a module by default."""
    (folder / "project").mkdir()
    (folder / "project" / "__init__.py").touch()
    steps = "\n".join(f"    if x > {j}:\n        total += x * {j}" for j in range(n_steps))
    for n in range(n_modules):
        imports = f"from project import m{n - 1}" if n else ""
        text = MODULE.format(n=n, imports=imports)
        for k in range(n_functions):
            call = f" + m{n - 1}.f{n - 1}_{(k * 7) % n_functions}(x - 1)" if n else ""
            text += FUNCTION.format(n=n, k=k, steps=steps, call=call)
        (folder / "project" / f"m{n}.py").write_text(text + "# end\n" * 30)


def test_the_plan_of_a_large_project(
    tmp_path: Path, is_measured: bool, told: Callable[[Row], None]
) -> None:
    """The CPU time in a fresh process, against that of parsing the modules: 0.2 s when quiet.

    Goals: 0.5 s, and 0.05 s if the shelf knows the sources; never importlib.metadata.
    """
    n_modules, n_runs = (200, 5) if is_measured else (5, 1)
    write_project(tmp_path, n_modules)
    script = PLAN.format(n_modules=n_modules, last=n_modules - 1)

    def session(*args: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", script, *args],
            cwd=tmp_path,
            env={"PYTHONPATH": ":".join([str(tmp_path), *filter(None, sys.path)])},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    session("run")
    for kind, most in (("sources unknown", 2.5), ("sources known", 0.25)):
        planned, parsed = [], []
        for _ in range(n_runs):
            if kind == "sources unknown":
                for file in (tmp_path / "cache").glob("facts-*"):
                    file.unlink()
            seconds, to_parse, loads_metadata = session()
            assert loads_metadata == "False"
            planned.append(float(seconds))
            parsed.append(float(to_parse))
        ratio = min(planned) / min(parsed)
        if is_measured:
            figures = f"{min(planned):.2f} s", f"parsing {min(parsed):.2f} s"
            name = f"plan, 200 modules, {kind}"
            told(Row(name, *figures, f"{ratio:.2f} times", f"{most} times", ratio <= most))


def step(i: int) -> int:
    return i


def loop(n: int) -> int:
    total = 0
    for i in range(n):
        total += step(i)
    return total


def frames(n: int) -> Any:
    import pandas as pd

    frame = pd.DataFrame({"a": [i % 7 for i in range(n)], "b": range(n)})
    sums = frame.groupby("a").agg({"b": "sum"}).reset_index()
    return sums.merge(frame.drop_duplicates("a"), on="a").sort_values("a").describe()


def fit(n: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit([[i % 5, i] for i in range(n)], [i % 2 for i in range(n)])


@pytest.mark.skipif(not IS_WATCHED, reason="what runs is watched from Python 3.12 on")
@pytest.mark.parametrize(
    ("work", "n", "most"), [(loop, 10_000_000, 1.1), (frames, 1_000, 1.5), (fit, 500, 1.5)]
)
def test_work_that_is_watched(
    work: Callable[[int], Any],
    n: int,
    most: float,
    is_measured: bool,
    told: Callable[[Row], None],
) -> None:
    """The best of some runs on, against off: each code object is reported once."""
    n, n_runs = (n, 5) if is_measured else (10, 1)
    work(10)

    def seconds(is_on: bool) -> float:
        began = time.process_time()
        watch = Watch() if is_on else None
        work(n)
        if watch is not None:
            ran = watch.end()
            assert work.__code__ in ran.codes
        return time.process_time() - began

    pairs = [(seconds(False), seconds(True)) for _ in range(n_runs)]
    off, on = (min(times) for times in zip(*pairs, strict=True))
    if is_measured:
        figures = f"{1e3 * off:.2f} ms", f"{1e3 * on:.2f} ms"
        figure, goal = f"{on / off:.2f} times", f"{most:.1f} times"
        told(Row(f"watched {work.__name__}", *figures, figure, goal, on <= most * off))
