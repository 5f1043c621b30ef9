"""`pipeline.map(cases)` is a loop over the cases, here or through any executor."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import loky
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.run import map_nodes
from tests.trying import examples

from linepipe_core import (
    Breakpoint,
    Hook,
    MapError,
    MapResult,
    MissingInputError,
    Node,
    NodeExecutionError,
    Pipeline,
    RunResult,
    RunStateError,
    UnknownNameError,
)
from linepipe_core.shelf import ObjectShelf

EXECUTORS = ["here", "threads", "fork", "spawn", "forkserver", "loky"]
Cases = Mapping[str, Mapping[str, Any]]


@contextmanager
def executor(how: str) -> Iterator[Executor | None]:
    if how == "here":
        yield None
    elif how == "threads":
        with ThreadPoolExecutor(4) as threads:
            yield threads
    elif how == "reusable":
        yield loky.get_reusable_executor(2)
        loky.get_reusable_executor(1).shutdown(wait=True)
    elif how == "loky":
        with loky.ProcessPoolExecutor(2) as workers:
            yield workers
    else:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(how)) as pool:
            yield pool


@pytest.fixture(scope="module", params=EXECUTORS)
def pool(request: pytest.FixtureRequest) -> Iterator[Executor | None]:
    """Each way to run cases; one pool for all tests of it."""
    with executor(request.param) as made:
        yield made


def facts(outcome: RunResult | Exception) -> Any:
    """All that can be seen of a case, but for times."""
    if isinstance(outcome, NodeExecutionError):
        steps: Any = [(step.node, step.index, step.status) for step in outcome.steps]
        original = type(outcome.original), outcome.original.args
        return str(outcome), outcome.node, steps, original, type(outcome.__cause__)
    if isinstance(outcome, Exception):
        return type(outcome), str(outcome)
    history = [(e.node, dict(e.inputs), dict(e.outputs), e.status) for e in outcome.history]
    steps = [(step.node, step.index, step.status, step.reasons) for step in outcome.steps]
    assert all((s.seconds is None) == (s.started is None) for s in outcome.steps)
    from_shelf = [(i.name, i.node, i.type, i.stale) for i in outcome.from_shelf]
    return dict(outcome), list(outcome), steps, history, outcome.failed_hooks, from_shelf


def looped(pipeline: Pipeline, cases: Cases, **options: Any) -> dict[str, Any]:
    """What a loop over the cases gives."""
    outcomes = {}
    for label, constants in cases.items():
        try:
            run = pipeline.bind(**constants).replace(partition=label).run(**options)
        except Exception as error:
            outcomes[label] = facts(error)
        else:
            outcomes[label] = facts(run)
    return outcomes


def mapped(pipeline: Pipeline, cases: Cases, **options: Any) -> dict[str, Any]:
    """What `map` gives."""
    caught: MapError | None = None
    try:
        result = pipeline.map(cases, **options)
    except MapError as error:
        caught, result = error, error.result
    if caught is not None:
        assert list(caught.failed) == [label for label in cases if label not in result]
        assert caught.__cause__ is next(iter(caught.failed.values()))
    assert list(result) == [label for label in cases if label in result]
    both: dict[str, Any] = {**result, **result.failed}
    return {label: facts(both[label]) for label in cases}


CASES = st.dictionaries(
    st.text("abc", min_size=1, max_size=3),
    st.fixed_dictionaries({"factor": st.integers(-1, 3)}),
    max_size=5,
)


@examples(15)
@given(
    cases=CASES,
    outputs=st.sampled_from([None, [], ["scaled"], ["total", "rows"]]),
    track_history=st.booleans(),
)
def test_it_equals_a_loop(
    pool: Executor | None,
    cases: Cases,
    outputs: Any,
    track_history: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """In values, steps, history and errors, whatever runs the cases."""
    log = tmp_path_factory.mktemp("map") / "log"
    pipeline = map_nodes.pipeline(log, track_history=track_history)
    expected = looped(pipeline, cases, outputs=outputs)
    assert mapped(pipeline, cases, outputs=outputs, executor=pool) == expected


@examples(8)
@given(
    cases=CASES,
    outputs=st.sampled_from([None, [], ["scaled"], ["total", "rows"]]),
    track_history=st.booleans(),
    is_slice=st.booleans(),
)
def test_it_equals_a_loop_with_the_cache_on(
    pool: Executor | None,
    cases: Cases,
    outputs: Any,
    track_history: bool,
    is_slice: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """And again, with reuse; and what each case left on the shelf."""
    found = []
    for go_over in (looped, partial(mapped, executor=pool)):
        path = tmp_path_factory.mktemp("map")
        options = {"use_persistent_cache": True, "cache_storage_path": path / "shelf"}
        pipeline = map_nodes.pipeline(Path("log"), track_history=track_history, **options)
        pipeline = pipeline.bind(path=os.devnull)
        if is_slice:  # it reads what an earlier run left
            pipeline.bind(factor=1).run(outputs=["rows"])
            pipeline = pipeline.from_nodes("scale")
            if outputs is not None:
                outputs = [name for name in outputs if name != "rows"]
        runs = [go_over(pipeline, cases, outputs=outputs, reuse=reuse) for reuse in (False, True)]
        with ObjectShelf(path / "shelf") as shelf:
            left = sorted((i.name, i.partition or "", i.node, i.n_versions) for i in shelf.info())
        found.append((runs, left))
    assert without_path(found[1]) == without_path(found[0])


def without_path(facts: Any) -> str:
    """The facts as text, without the folder of the shelf, which stands in reports."""
    return re.sub(r"pytest-of-\w+/pytest-\d+/map\d+", "", repr(facts))


def test_objects_on_a_shelf_come_home_when_somebody_looks(
    pool: Executor | None, tmp_path: Path
) -> None:
    """This process reads none before that, unless it made them."""
    log = tmp_path / "log"
    pipeline = Pipeline(
        [Node(map_nodes.loud, ["path"], ["object"]), Node(map_nodes.sizes, ["rows", "x"], ["n"])],
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "shelf",
        track_history=True,
        path=str(log),
        rows=[0] * 1_000,
    )
    results = pipeline.map({"a": {"x": 1}, "b": {"x": 2}}, executor=pool, reuse=True)
    assert [result["n"] for result in results.values()] == [1_001, 1_002]
    log.write_text("")
    (first,) = results["a"]["object"]
    assert first.path == str(log)
    assert results["a"]["object"][0] is first
    made = results["b"].history[0].outputs["object"]
    assert made[0].path == str(log)
    if pool is not None and not isinstance(pool, ThreadPoolExecutor):
        assert log.read_text() == f"{os.getpid()}\n" * 2


def test_a_large_pipeline_is_sent_once_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not with each case: a constant of 2 MB through 100 cases; and no file stays behind."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pipeline = Pipeline([Node(map_nodes.sizes, ["rows", "x"], ["n"])], rows=[0] * 1_000_000)
    with executor("spawn") as pool:
        results = pipeline.map({f"c{i}": {"x": i} for i in range(100)}, executor=pool)
    assert [result["n"] for result in results.values()] == [1_000_000 + i for i in range(100)]
    assert not list(tmp_path.glob("linepipe-*"))


def test_short_cases_go_several_at_a_time_and_end_one_by_one() -> None:
    """Each has its own result, and its own failure."""
    pipeline = Pipeline([Node(map_nodes.odd, ["x"], ["y"])])
    hook = Following()
    with executor("fork") as pool, pytest.raises(MapError) as caught:
        pipeline.map({f"c{i}": {"x": i} for i in range(500)}, executor=pool, hooks=[hook])
    assert list(caught.value.failed) == [f"c{i}" for i in range(0, 500, 2)]
    assert list(caught.value.result) == [f"c{i}" for i in range(1, 500, 2)]
    ended = [seen[0] for seen in hook.seen if isinstance(seen, tuple) and len(seen) == 2]
    assert sorted(ended) == sorted(f"c{i}" for i in range(500))


def test_what_no_case_changes_runs_once(pool: Executor | None, tmp_path: Path) -> None:
    """With reuse on a shelf, also where the cases run at once."""
    options = {"use_persistent_cache": True, "cache_storage_path": tmp_path / "shelf"}
    pipeline = map_nodes.pipeline(tmp_path / "log", **options)
    cases = {f"c{i}": {"factor": i} for i in range(1, 9)}
    results = pipeline.map(cases, executor=pool, reuse=True)
    assert {label: result["total"] for label, result in results.items()} == {
        f"c{i}": i * (6 + i) + 10 for i in range(1, 9)
    }
    assert (tmp_path / "log").read_text() == "loaded\n"


def test_a_case_is_a_partition_and_displaces_nothing(tmp_path: Path) -> None:
    """What each case made stays current in its own, and going over them again reuses it."""
    path = tmp_path / "shelf"
    pipeline = map_nodes.pipeline(
        tmp_path / "log", use_persistent_cache=True, cache_storage_path=path
    )
    cases = {f"c{i}": {"factor": i} for i in range(1, 9)}
    with ThreadPoolExecutor(8) as threads:
        made = pipeline.map(cases, executor=threads, reuse=True)
        again = pipeline.map(cases, executor=threads, reuse=True)
    for label, result in again.items():
        assert result["total"] == made[label]["total"]
        assert [step.status for step in result.steps] == ["reused", "reused", "reused"]
        case = pipeline.bind(**cases[label]).replace(partition=label)
        with case.get_obj_registry() as registry:
            assert registry.get("total") == made[label]["total"]
        assert [entry.action for entry in case.plan()] == ["reuse", "reuse", "reuse"]
    with ObjectShelf(path) as shelf:
        assert shelf.partitions() == tuple(cases)


def test_cases_run_in_other_processes() -> None:
    """And a pool is left open for what comes next."""
    pipeline = Pipeline([Node(map_nodes.process, ["x"], ["pid"])])
    with executor("fork") as pool:
        assert pool is not None
        results = pipeline.map({f"c{i}": {"x": i} for i in range(20)}, executor=pool)
        assert os.getpid() not in {result["pid"] for result in results.values()}
        assert pool.submit(os.getpid).result() != os.getpid()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fork", "loky", "reusable"])
def test_a_killed_worker_costs_its_case_alone(how: str) -> None:
    """By name; all the others are finished, also those that went to that worker with it."""
    pipeline = Pipeline([Node(map_nodes.end_worker, ["x"], ["y"])])
    with executor(how) as pool, pytest.raises(MapError) as caught:
        pipeline.map({f"c{i}": {"x": i} for i in range(60)}, executor=pool)
    assert list(caught.value.failed) == ["c40"]
    assert "the worker process of case 'c40' ended abruptly" in str(caught.value.failed["c40"])
    assert {label: result["y"] for label, result in caught.value.result.items()} == {
        f"c{i}": i for i in range(60) if i != 40
    }


@pytest.mark.slow
def test_a_worker_killed_between_two_cases_costs_none() -> None:
    """The case that it would have had next goes to another one."""

    class Waiting(Hook):
        """Waits until the worker of the second case is gone."""

        def after_run(self, result: RunResult) -> None:
            while result.get("case") == 1 and any(
                child.pid == result["pid"] for child in active_children()
            ):
                time.sleep(0.01)

    pipeline = Pipeline([Node(map_nodes.end_idle_worker, ["x"], ["case", "pid"])])
    cases = {f"c{i}": {"x": i} for i in range(4)}
    with (
        executor("fork") as pool,
        pytest.raises(MapError) as caught,
    ):
        pipeline.map(cases, executor=pool, hooks=[Waiting()])
    assert list(caught.value.failed) == ["c0"]
    assert set(caught.value.result) == {"c1", "c2", "c3"}


def test_lambdas_go_where_cloudpickle_is_in_use() -> None:
    """Elsewhere the error says so, before anything runs."""
    factor = 3
    pipeline = Pipeline([Node(lambda x: x * factor, ["x"], ["y"], name="triple")])
    cases = {"a": {"x": 1}, "b": {"x": 2}}
    with executor("loky") as pool:
        results = pipeline.map(cases, executor=pool)
        assert [result["y"] for result in results.values()] == [3, 6]
    with (
        executor("fork") as pool,
        pytest.raises(RunStateError, match=r"because of node 'triple'(?s:.)*loky.*Dask"),
    ):
        pipeline.map(cases, executor=pool)


def test_an_output_that_cannot_come_home_is_its_cases_failure() -> None:
    """With a way out."""
    pipeline = Pipeline([Node(map_nodes.hold, ["x"], ["live"]), Node(id, ["x"], ["n"])])
    with executor("fork") as pool:
        with pytest.raises(MapError, match=r"an output can't be pickled to come home"):
            pipeline.map({"a": {"x": 1}}, executor=pool)
        assert list(pipeline.map({"a": {"x": 1}}, executor=pool, outputs=["n"])["a"]) == ["n"]


def test_an_output_that_cannot_be_unpickled_here_is_its_cases_failure() -> None:
    """And ends no other."""
    nodes = [Node(map_nodes.unreadable, ["x"], ["broken"]), Node(abs, ["x"], ["n"])]
    cases = {"a": {"x": 1}, "b": {"x": -2}}
    with executor("fork") as pool:
        with pytest.raises(MapError, match=r"can't be unpickled here: ValueError: on reading"):
            Pipeline(nodes).map(cases, executor=pool)
        results = Pipeline(nodes).map(cases, executor=pool, outputs=["n"])
    assert [result["n"] for result in results.values()] == [1, 2]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of distributed, on newer Pythons
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # distributed leaves its sockets to the end
def test_it_equals_a_loop_on_a_cluster(tmp_path: Path) -> None:
    """Of several Dask processes; with lambdas, too."""
    distributed = pytest.importorskip("distributed")
    pipeline = map_nodes.pipeline(tmp_path / "log")
    cases = {f"c{i}": {"factor": i} for i in range(-1, 4)}
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, cluster.get_client() as client:
        workers = client.get_executor()
        assert mapped(pipeline, cases, executor=workers) == looped(pipeline, cases)
        inline = Pipeline([Node(lambda x: -x, ["x"], ["y"])])
        assert inline.map({"a": {"x": 1}}, executor=workers)["a"]["y"] == -1
        log = tmp_path / "cached"
        cached = map_nodes.pipeline(log, use_persistent_cache=True).replace(
            cache_storage_path=tmp_path / "shelf"
        )
        results = cached.map(
            {f"c{i}": {"factor": i} for i in range(4)}, executor=workers, reuse=True
        )
        totals = [result["total"] for result in results.values()]
        assert totals == [i * (6 + i) + 10 for i in range(4)]
        assert log.read_text() == "loaded\n"


class TestChecks:
    """All that is wrong with the cases is said before one runs."""

    @pytest.mark.parametrize(
        ("cases", "options", "error", "text"),
        [
            ({"a": {"fctor": 1}}, {}, UnknownNameError, "no free input is called 'fctor'"),
            ({"a": {"total": 1}}, {}, UnknownNameError, "no free input is called 'total'"),
            ({"a": {"factor": 1}, "b": {}}, {}, MissingInputError, "the case 'b' lacks 'factor'"),
            ([("a", {})], {}, TypeError, "a mapping from labels to constants"),
            ({"": {"factor": 1}}, {}, TypeError, "a case's label is a non-empty text"),
            ({1: {"factor": 1}}, {}, TypeError, "a case's label is a non-empty text, got 1"),
            ({"a": 1}, {}, TypeError, "the case 'a' is an int; write {name: value}"),
            ({"a": {"factor": 1}}, {"outputs": ["totl"]}, UnknownNameError, "'totl'"),
            ({"a": {"factor": 1}}, {"reuse": True}, RunStateError, "needs the persistent cache"),
            ({"a": {"factor": 1}}, {"hooks": [print]}, TypeError, "it is no Hook"),
            ({"a": {"factor": 1}}, {"executor": 4}, TypeError, "an executor .* not an int"),
            (
                {"a": {"factor": 1}},
                {"executor": ThreadPoolExecutor},
                TypeError,
                r"give ThreadPoolExecutor\(",
            ),
        ],
    )
    def test_are_made_first(
        self, cases: Any, options: Any, error: type[Exception], text: str, tmp_path: Path
    ) -> None:
        """Nothing has run by then."""
        with pytest.raises(error, match=text):
            map_nodes.pipeline(tmp_path / "log").map(cases, **options)
        assert not (tmp_path / "log").exists()

    def test_no_cases_are_no_error(self, tmp_path: Path) -> None:
        """A sweep of nothing gives nothing."""
        result = map_nodes.pipeline(tmp_path / "log").map({})
        assert dict(result) == {}
        assert result


class TestResult:
    """MapResult and MapError."""

    @staticmethod
    def error(tmp_path: Path) -> MapError:
        cases = {"one": {"factor": 1}, "b\nad": {"factor": -1}, "two": {"factor": 2}}
        with pytest.raises(MapError) as caught:
            map_nodes.pipeline(tmp_path / "log").map(cases)
        return caught.value

    def test_the_error_names_every_failure(self, tmp_path: Path) -> None:
        """With its node and the original error."""
        error = self.error(tmp_path)
        assert str(error).splitlines()[:2] == [
            "1 of 3 cases failed; the others are in .result",
            "  'b\\nad': node 'scale': ValueError: negative: -1",
        ]
        assert list(error.failed) == ["b\nad"]
        assert isinstance(error.failed["b\nad"], NodeExecutionError)

    def test_the_result_prints_as_a_table(self, tmp_path: Path) -> None:
        """A row for each case, the failed ones last."""
        result = self.error(tmp_path).result
        rows = [line.split() for line in str(result).splitlines()[:4]]
        assert rows[0] == ["case", "seconds", "nodes", "outputs"]
        assert (rows[1][0], rows[1][2:]) == ("one", ["3", "ran", "total"])
        assert rows[3][:2] == ["b\\nad", "failed"]
        assert repr(result).startswith("<MapResult: 2 cases ran, 1 failed in ")

    def test_a_failed_case_says_so_when_it_is_looked_up(self, tmp_path: Path) -> None:
        """Not that there is no such case."""
        with pytest.raises(UnknownNameError, match=r"that case failed: NodeExecutionError"):
            self.error(tmp_path).result["b\nad"]

    def test_both_pickle(self, tmp_path: Path) -> None:
        """A scheduler's task may run a map."""
        error = pickle.loads(pickle.dumps(self.error(tmp_path)))
        assert str(error) == str(self.error(tmp_path))
        assert {label: result["total"] for label, result in error.result.items()} == {
            "one": 17,
            "two": 26,
        }


class Following(Hook):
    """Writes down runs and cases."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def before_node(self, step: Any) -> None:
        self.seen.append(step.node.name)

    def after_run(self, result: RunResult) -> None:
        self.seen.append([step.status for step in result.steps])

    def map_began(self, labels: tuple[str, ...]) -> None:
        self.seen.append(labels)

    def case_ended(self, label: str, outcome: RunResult | Exception) -> None:
        self.seen.append((label, isinstance(outcome, RunResult)))

    def map_ended(self, result: MapResult) -> None:
        self.seen.append(len(result))


@pytest.mark.parametrize("how", ["here", "threads", "fork"])
def test_hooks_follow_the_cases(how: str, tmp_path: Path) -> None:
    """Here all events; with an executor the end of each run and case."""
    hook = Following()
    cases = {"one": {"factor": 1}, "bad": {"factor": -1}}
    with executor(how) as pool, pytest.raises(MapError):
        map_nodes.pipeline(tmp_path / "log").map(cases, executor=pool, hooks=[hook])
    ran, failed = ["ran", "ran", "ran"], ["ran", "failed", "pending"]
    if how == "here":
        first, second = ["load", "scale", "total", ran], ["load", "scale", failed]
        assert hook.seen == [
            ("one", "bad"), *first, ("one", True), *second, ("bad", False), 1,
        ]  # fmt: skip
    else:
        assert hook.seen[0] == ("one", "bad")
        assert sorted(hook.seen[1:-1], key=repr) == sorted(
            [ran, failed, ("one", True), ("bad", False)], key=repr
        )
        assert hook.seen[-1] == 1


class Broken(Hook):
    """Raises at the end of each run."""

    def after_run(self, result: RunResult) -> None:
        raise RuntimeError("no bar")


@pytest.mark.parametrize("how", ["here", "threads", "fork"])
def test_a_hook_that_raises_is_listed_in_each_result(how: str, tmp_path: Path) -> None:
    """As in the loop."""
    hook = Broken()
    with executor(how) as pool:
        results = map_nodes.pipeline(tmp_path / "log").map(
            {"a": {"factor": 1}, "b": {"factor": 2}}, executor=pool, hooks=[hook]
        )
    for result in results.values():
        ((failed, event, error),) = result.failed_hooks
        assert (failed, event, str(error)) == (hook, "after_run", "no bar")


def test_a_constant_that_cannot_be_pickled_fails_its_case_alone(tmp_path: Path) -> None:
    """By name."""
    pipeline = Pipeline([Node(map_nodes.process, ["x"], ["pid"])])
    with executor("fork") as pool, pytest.raises(MapError) as caught:
        pipeline.map({"a": {"x": 1}, "b": {"x": threading.Lock()}}, executor=pool)
    assert list(caught.value.result) == ["a"]
    assert "'b': RunStateError: a constant of the case can't be pickled" in str(caught.value)


def test_the_log_says_of_which_case_it_tells(caplog: pytest.LogCaptureFixture) -> None:
    """At the head of each line of a run."""
    pipeline = Pipeline([Node(lambda x: 1 / x, ["x"], ["y"], name="invert")])
    with caplog.at_level("INFO", "linepipe.run"), pytest.raises(MapError):
        pipeline.map({"may": {"x": 1}, "june": {"x": 0}})
    lines = [re.sub(r"[\d.]+ s$", "... s", line) for line in caplog.messages]
    assert lines == [
        "may: running 1 node",
        "may: invert ran in ... s",
        "may: 1 of 1 nodes in ... s",
        "june: running 1 node",
        "june: invert failed: ZeroDivisionError: division by zero",
        "june: 0 of 1 nodes in ... s",
    ]
    caplog.clear()
    with caplog.at_level("INFO", "linepipe.run"):
        pipeline.bind(x=1).run()
    assert caplog.messages[0] == "running 1 node"


def test_a_debugger_says_that_it_cannot_open_in_a_worker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And how to get to that case."""
    with executor("threads") as pool:
        map_nodes.pipeline(tmp_path / "log").map(
            {"a": {"factor": 1}}, executor=pool, hooks=[Breakpoint("scale")]
        )
    assert "Breakpoint can't open a debugger in a worker: map without an executor" in caplog.text


def test_importing_it_loads_no_executors() -> None:
    """They are for those who use them."""
    import subprocess

    code = "import linepipe_core, sys; print('concurrent.futures' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
