"""State, in real modules that are edited, each run in a fresh process: what it begins as counts."""

# ruff: noqa: E501  # modules and reasons in one line each

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from linepipe_core import Node, Pipeline

# What a node changes itself, with EDITED in what the node depends on, and the reason to run.
EDITED = {
    "statement": (
        """
        import sqlalchemy as sa
        QUERY = sa.text("select EDITED")
        def node(n):
            with sa.create_engine("sqlite://").connect() as connection:
                return connection.execute(QUERY).scalar()
        """,
        "global QUERY changed",
    ),
    "built statement": (
        """
        import sqlalchemy as sa
        T = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer))
        QUERY = sa.select(T.alias()).where(T.c.a == EDITED)
        def node(n): return str(QUERY.compile(compile_kwargs={"literal_binds": True}))
        """,
        "global QUERY changed",
    ),
    "table": (
        """
        import sqlalchemy as sa
        T = sa.Table("tEDITED", sa.MetaData(), sa.Column("a", sa.Integer))
        def node(n): return str(sa.select(T))
        """,
        "global T changed",
    ),
    "slots": (
        """
        class Scaler:
            __slots__ = ("k", "made")
            def __init__(self, k): self.k = k
        scaler = Scaler(EDITED)
        def node(n):
            scaler.made = scaler.k * n
            return scaler.made
        """,
        "global scaler changed",
    ),
    "model with a cached property": (
        """
        import functools, pydantic
        class Settings(pydantic.BaseModel):
            k: int
            @functools.cached_property
            def double(self): return 2 * self.k
        settings = Settings(k=EDITED)
        def node(n): return settings.double
        """,
        "global settings changed",
    ),
    "dict that gains an attribute": (
        """
        class Words(dict): pass
        words = Words(k=EDITED)
        def node(n):
            words.seen = True
            return words["k"]
        """,
        "global words changed: {'k': 1} -> {'k': 2}",
    ),
    "cache in a dict": (
        """
        RATES = {"model": {"k": EDITED}, "cache": {}}
        def node(n):
            RATES["cache"][n] = True
            return RATES["model"]["k"]
        """,
        "global RATES changed: {'model': {'k': 1}, 'cache': {}} -> {'model': {'k': 2}, 'cache': {}}",
    ),
    "object in a list": (
        """
        class Counter:
            def __init__(self, k): self.k, self.hits = k, 0
        COUNTERS = [Counter(EDITED)]
        def node(n):
            COUNTERS[0].hits += 1
            return COUNTERS[0].k
        """,
        "global COUNTERS changed",
    ),
    "assigned global": (
        """
        start = [EDITED]
        def node(n):
            global start
            start = start * 10
            return start
        """,
        "global start changed: [1] -> [2]",
    ),
    "class attribute": (
        """
        class Counter: n = [EDITED]
        def node(n):
            Counter.n = Counter.n * 2
            return Counter.n
        """,
        "attribute Counter.n changed: [1] -> [2]",
    ),
    "default": (
        """
        def node(n, held=[EDITED]):
            held.append(0)
            return held[0]
        """,
        "default held of node changed: [1] -> [2]",
    ),
    "closure": (
        """
        def made(held):
            def node(n):
                nonlocal held
                held = {**held, n: n}
                return held[0]
            return node
        node = made({0: EDITED})
        """,
        "closure value held of made.node changed: {0: 1} -> {0: 2}",
    ),
}
# What a node changes itself, and what happens in a second process and after the edit.
CHANGED = {
    "numpy generator": (
        "import numpy as np\nRNG = np.random.default_rng()\ndef node(n): return RNG.random()",
        "ran ran",
    ),
    "seeded generator": (
        "import numpy as np\nRNG = np.random.default_rng(EDITED)\ndef node(n): return RNG.random()",
        "reused ran",
    ),
    "numpy's older one": (
        "import numpy as np\nRNG = np.random.RandomState(EDITED)\ndef node(n): return RNG.rand()",
        "reused ran",
    ),
    "generator in a dict": (
        "import random\nIN = {'rng': random.Random()}\ndef node(n): return IN['rng'].random()",
        "ran ran",
    ),
    "own generator": (
        "import random\nclass R(random.Random): pass\nrng = R()\ndef node(n): return rng.random()",
        "ran ran",
    ),
    "assigned": (
        "import random\nr = random.Random(EDITED)\ndef node(n):\n  global r\n  r = r or 1\n  r = random.Random()\n  return r.random()",
        "reused ran",
    ),
    "count": (
        "calls = EDITED\ndef node(n):\n  global calls\n  calls += 1\n  return n",
        "reused ran",
    ),
    "time of the last call": (
        "import time\nclass Limit:\n  def __init__(self): self.last = time.time()\nLIMIT = Limit()\ndef node(n): LIMIT.last = time.time(); return n",
        "reused reused",
    ),
    "lock": (
        "import threading\nIN = [threading.Lock(), EDITED]\ndef node(n): IN.append(1); return n",
        "reused ran",
    ),
}
DRIVER = """
import importlib, json, sys
from linepipe_core import Node, Pipeline
told = {}
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    flow = Pipeline(
        [Node(module.node, ["n"], ["made"])],
        n=3, use_persistent_cache=True, cache_storage_path=f"caches/{name}",
    )
    plan = flow.plan()[0]
    step = flow.run(reuse=True).steps[0]
    again = flow.run(reuse=True).steps[0]
    assert (plan.action, plan.reasons) == (step.status.replace("ran", "run").replace(
        "reused", "reuse"), step.reasons), (name, plan, step)
    told[name] = [step.status, step.reasons, again.status, flow.plan()[0].untracked]
print(json.dumps(told))
"""


def _module(case: str) -> str:
    return case.replace(" ", "_").replace("'", "_")


def in_a_fresh_process(folder: Path, script: str, *names: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *names],
        cwd=folder,
        env={"PYTHONPATH": ":".join([str(folder), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The results of all cases: at first, in a second process, in a third after the edit."""
    folder = tmp_path_factory.mktemp("state")
    sources = {name: source for name, (source, _) in (*EDITED.items(), *CHANGED.items())}
    answers = []
    for edited in "112":
        for name, source in sources.items():
            text = textwrap.dedent(source).replace("EDITED", edited)
            (folder / f"{_module(name)}.py").write_text(text)
        modules = [_module(name) for name in sources]
        answer = in_a_fresh_process(
            folder, "import sys; sys.dont_write_bytecode = True\n" + DRIVER, *modules
        )
        answers.append(json.loads(answer))
    return answers


# What a library computes of these while a node runs is no content of theirs.
NO_STATE = {"statement", "built statement", "table", "model with a cached property"}


@pytest.mark.parametrize("case", EDITED)
def test_an_edit_to_the_initial_state_counts(case: str, told: list[dict[str, Any]]) -> None:
    """And what the node makes of it doesn't, in its process and in the next; the plan says so."""
    first, second, third = (each[_module(case)] for each in told)
    reason = EDITED[case][1]
    assert [first[0], second[0], third[0]] == ["ran", "reused", "ran"]
    assert third[1] == [reason]
    assert {first[2], second[2], third[2]} == {"reused"}
    if case in NO_STATE or case in ("statement", "built statement", "table"):
        return
    name = reason.partition(" changed")[0]
    expected = f"{name} counts as it began: the node changes it while it runs"
    assert (
        expected.replace("closure value held of made", "closure held of made.<locals>") in third[3]
    )


@pytest.mark.parametrize("case", CHANGED)
def test_what_begins_the_same_is_reused(case: str, told: list[dict[str, Any]]) -> None:
    """By the statements that made it: without a seed it is new in every process."""
    first, second, third = (each[_module(case)] for each in told)
    assert f"{second[0]} {third[0]}" == CHANGED[case][1]
    assert first[0] == "ran"
    if case != "numpy generator":  # its pickle is all that counts, and that is another after a draw
        assert {first[2], third[2]} == {"reused"}  # as the run left it


FLOW = """
from linepipe_core import Node, Pipeline

memo = {}
words = {"k": 1}
lines = {"k": 1}
T = 1
class Connection:
    def __reduce__(self): raise TypeError("a connection")
def first(n):
    memo[n] = T
    return n
def second(n):
    memo["second"] = len(memo)
    return n
def counting(n):
    words["calls"] = words.get("calls", 0) + 1
    return words["k"]
def connect(n):
    lines["seen"] = True
    return Connection()
def fetch(connection, n): return n

def flow(*nodes):
    return Pipeline(
        [Node(each, ["n"], [each.__name__]) for each in nodes],
        n=3, use_persistent_cache=True, cache_storage_path="cache",
    )
def statuses(*nodes):
    plan = flow(*nodes).plan()
    steps = flow(*nodes).run(reuse=True).steps
    assert [e.action[:2] for e in plan] == [s.status.replace("ran", "run")[:2] for s in steps], plan
    return " ".join(step.status for step in steps)
"""


def project(folder: Path) -> Path:
    (folder / "project.py").write_text(FLOW)
    return folder


def run(folder: Path, script: str) -> list[str]:
    script = "import sys; sys.dont_write_bytecode = True\nfrom project import *\n" + script
    return in_a_fresh_process(folder, script).splitlines()


def test_nodes_may_share_state(tmp_path: Path) -> None:
    """Each of them knows what it began as, whichever ran in this process."""
    folder = project(tmp_path)
    both = "print(statuses(first, second))\n"
    assert run(folder, both) == ["ran ran"]
    assert run(folder, both) == ["reused reused"]
    again = "flow(first, second).run(reuse=True, rerun=['first'])\n"
    assert run(folder, again + both) == ["reused reused"]
    assert run(folder, both) == ["reused reused"]


def test_state_that_is_assigned_anew_counts(tmp_path: Path) -> None:
    """As when a notebook's cell is run again or a module is reloaded; in the next process too."""
    folder = project(tmp_path)
    script = "import project\nprint(statuses(counting))\nproject.words = {'k': K}\nprint(statuses(counting))"
    assert run(folder, script.replace("K", "1")) == ["ran", "reused"]
    assert run(folder, script.replace("K", "2")) == ["reused", "ran"]
    assert run(folder, script.replace("K", "2")) == ["reused", "reused"]  # a version for each


def test_state_that_was_changed_before_the_node_ran_differs_from_how_it_began(
    tmp_path: Path,
) -> None:
    """While the process goes on it is left out; the next one goes back to what was made first."""
    folder = project(tmp_path)
    assert run(folder, "print(statuses(counting))") == ["ran"]
    script = (
        "statuses(counting); words['k'] = 2\nflow(counting).run(reuse=True, rerun=['counting'])\n"
    )
    assert run(folder, script + "print(statuses(counting))") == ["reused"]
    look = "print(flow(counting).run(reuse=True)['counting'])"
    assert run(folder, "print(statuses(counting))") == ["reused"]
    assert run(folder, look) == run(folder, look.replace("reuse=True", ""))


def test_an_unpicklable_product_counts_by_how_its_state_began(tmp_path: Path) -> None:
    """A connection to somewhere else is another one to its readers."""
    folder = project(tmp_path)
    script = """
nodes = [Node(connect, ["n"], ["connection"]), Node(fetch, ["connection", "n"], ["rows"])]
flow = Pipeline(nodes, n=3, use_persistent_cache=True, cache_storage_path="cache")
print([step.status for step in flow.run(reuse=True, outputs=["rows"]).steps])
"""
    assert run(folder, script) == ["['ran', 'ran']"]
    assert run(folder, script) == ["['reused', 'reused']"]
    (folder / "project.py").write_text(FLOW.replace('lines = {"k": 1}', 'lines = {"k": 2}'))
    assert run(folder, script) == ["['ran', 'ran']"]


def test_no_dict_is_taken_for_another_that_had_its_place(tmp_path: Path) -> None:
    """A notebook's cell that is run twice leaves room for the next dict at the same address."""
    names: dict[str, Any] = {}
    exec("def node(n): CONFIG['calls'] += 1; return n * CONFIG['factor']", names)
    flow = Pipeline(
        [Node(names["node"], ["n"], ["made"])],
        n=10,
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    for factor in range(2, 12):
        names["CONFIG"] = {"factor": -1, "calls": 0}
        names["CONFIG"] = {"factor": factor, "calls": 0}
        assert flow.run(reuse=True)["made"] == 10 * factor


def test_runs_that_share_a_memo_leave_each_other_fresh(tmp_path: Path) -> None:
    """A change that another run is just making isn't taken for an edit."""
    memo: dict[int, int] = {}
    half_way: SimpleQueue[None] = SimpleQueue()
    may_end: SimpleQueue[None] = SimpleQueue()

    def node(n: int) -> int:
        memo[n] = n
        if n == 1:
            half_way.put(None)
            may_end.get(timeout=60)
        return n

    def flow(n: int) -> Pipeline:
        return Pipeline(
            [Node(node, ["n"], ["made"])],
            n=n,
            use_persistent_cache=True,
            cache_storage_path=tmp_path / str(n),
        )

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flow(1).run, reuse=True)
        half_way.get(timeout=60)
        flow(2).run(reuse=True)
        may_end.put(None)
        first.result()
    for n in (1, 2):
        assert flow(n).run(reuse=True).steps[0].reasons == ("nothing changed",)


@pytest.mark.parametrize(
    ("edit", "later"), [("", "reused reused"), ("MEMO['scale'] = 5", "ran reused")]
)
def test_changes_by_a_failed_node_are_state(tmp_path: Path, edit: str, later: str) -> None:
    """The next process begins without it; what somebody else changed is still seen."""
    source = f"""
        import sys
        from linepipe_core import Node, NodeExecutionError, Pipeline
        MEMO = {{}}
        def node(n):
            MEMO["tries"] = MEMO.get("tries", 0) + 1
            if MEMO["tries"] == 1 and sys.argv[1] == "fail":
                raise OSError
            return n * MEMO.get("scale", 1)
        flow = Pipeline([Node(node, ["n"], ["m"])], n=1, use_persistent_cache=True)
        if sys.argv[1] == "fail":
            try:
                flow.run(reuse=True)
            except NodeExecutionError:
                {edit or "pass"}
        print(flow.run(reuse=True).steps[0].status)
    """
    (tmp_path / "job.py").write_text(textwrap.dedent(source))
    statuses = []
    for how in ("fail", "again", "again"):
        done = subprocess.run(
            [sys.executable, "job.py", how],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        statuses += done.stdout.split()
    assert statuses == ["ran", *later.split()]
