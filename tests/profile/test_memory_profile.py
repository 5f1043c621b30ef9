"""The hook in real runs: once, true to the node, and gone without a trace."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.core.terminal import Terminal
from tests.profile.processes import kill_watching_process, watching_processes

from linepipe_core import Hook, MissingExtraError, Node, NodeExecutionError, Pipeline
from linepipe_profile import MemoryProfile, MemoryRecord, kernel
from linepipe_profile.watcher import Watcher

LINE = re.compile(r"\[make\] ΔMem: -?\d+\.\d\d MiB \| Peak: \d+\.\d\d MiB")


@pytest.fixture(params=["kernel", "process", "thread"])
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each way to measure, by taking away what is better."""
    if request.param == "kernel" and not kernel.has_high_water_mark():
        pytest.skip("this kernel keeps no high-water mark, or won't set it back")
    if request.param != "kernel":
        monkeypatch.setattr(kernel, "has_high_water_mark", lambda: False)
    if request.param == "thread":
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
    return str(request.param)


def make() -> bytearray:
    return bytearray(10 * 2**20)


def make_large() -> bytearray:
    return bytearray(40 * 2**20)


def record_of(pipeline: Pipeline, *hooks: Hook) -> Any:
    return pipeline.run(hooks=hooks).steps[0].memory


def test_the_record_and_the_line(method: str, caplog: pytest.LogCaptureFixture) -> None:
    """The record is on the step, the line in the log, to the letter."""
    hook = MemoryProfile()
    with caplog.at_level(logging.INFO, "linepipe.profile"):
        record = record_of(Pipeline([Node(make_large, [], ["block"], name="make")]), hook)
    assert isinstance(record, MemoryRecord)
    assert record.method == method
    assert record.delta_mib == pytest.approx(40, abs=5)
    assert record.peak_mib >= record.delta_mib
    assert record.samples[0].seconds == 0.0
    assert len(record.samples) >= 2
    lines = [r.getMessage() for r in caplog.records if "ΔMem" in r.getMessage()]
    assert len(lines) == 1
    assert LINE.fullmatch(lines[0])
    assert lines[0] == f"[make] {record}"


def test_profile_true_profiles_that_node_alone() -> None:
    """And needs no hook."""
    nodes = [Node(make, [], ["a"], profile=True), Node(make, [], ["b"])]
    first, second = Pipeline(nodes).run().steps
    assert isinstance(first.memory, MemoryRecord)
    assert second.memory is None


def test_a_hook_profiles_all_nodes_and_none_twice(caplog: pytest.LogCaptureFixture) -> None:
    """Also those that ask for it themselves."""
    nodes = [Node(make, [], ["a"], profile=True), Node(make, [], ["b"])]
    with caplog.at_level(logging.INFO, "linepipe.profile"):
        result = Pipeline(nodes).run(hooks=[MemoryProfile()])
    assert all(isinstance(step.memory, MemoryRecord) for step in result.steps)
    assert len(caplog.records) == 2


def test_profile_survives_bind_slices_and_sums() -> None:
    """However the pipeline was put together."""
    plain = Pipeline([Node(make, [], ["a"])])
    asking = Pipeline([Node(make, [], ["b"], profile=True)])
    for pipeline in (plain + asking, asking + plain, (plain + asking).bind(x=1)):
        steps = {step.node.outputs: step.memory for step in pipeline.run().steps}
        assert isinstance(steps["b",], MemoryRecord)
        assert steps["a",] is None
    assert record_of((plain + asking).to_outputs("a")) is None


def test_without_the_extra_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes before any work and names the command that mends it."""
    monkeypatch.setitem(sys.modules, "linepipe_profile.hook", None)
    ran: list[int] = []
    nodes = [Node(lambda: ran.append(1), [], []), Node(make, [], ["a"], profile=True)]
    with pytest.raises(MissingExtraError, match=r'pip install "linepipe\[memory\]"'):
        Pipeline(nodes).run()
    assert ran == []
    Pipeline(nodes).only_nodes("<lambda>").run()
    assert ran == [1]


class Interrupting(BaseException):
    """Like Ctrl-C, but not pytest's own business."""


def raiser(error: BaseException) -> Callable[..., None]:
    def work(*_: object) -> None:
        raise error

    return work


@pytest.mark.parametrize("work", [lambda: None, lambda: sum(range(10**6))], ids=["fast", "slow"])
def test_a_function_runs_exactly_once(method: str, work: Callable[[], object]) -> None:
    """A writer writes once, however fast it is."""
    calls = []
    Pipeline([Node(lambda: calls.append(work()), [], [], name="write")]).run(
        hooks=[MemoryProfile()]
    )
    assert len(calls) == 1


@pytest.mark.parametrize(
    "error", [ValueError("bad"), StopIteration(), SystemExit(3), KeyboardInterrupt()]
)
def test_an_error_passes_untouched_and_harms_no_process(method: str, error: BaseException) -> None:
    """The child that somebody else started lives on; the function ran once."""
    bystander = subprocess.Popen(
        [sys.executable if method != "thread" else "cat"], stdin=subprocess.PIPE
    )
    calls = []

    def work() -> None:
        calls.append(1)
        raise error

    with pytest.raises(BaseException) as caught:  # noqa: PT011 (which one is checked below)
        Pipeline([Node(work, [], [])]).run(hooks=[MemoryProfile()])
    raised = caught.value
    if isinstance(raised, NodeExecutionError):
        assert raised.__cause__ is error
        assert isinstance(raised.step.memory, MemoryRecord)
    else:
        assert raised is error
    assert calls == [1]
    assert bystander.poll() is None
    bystander.communicate()


def traces() -> dict[str, set[object]]:
    gc.collect()
    return {
        "threads": set(threading.enumerate()),
        "processes": {child.pid for child in psutil.Process().children(recursive=True)},
        "files": set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set(),
    }


def assert_nothing_new(before: dict[str, set[object]]) -> None:
    """What other tests left may go meanwhile."""
    new = {kind: found - before[kind] for kind, found in traces().items()}
    assert not any(new.values()), new


def test_a_hundred_profiled_nodes_leave_no_trace(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread, process, pipe or file, also when some fail."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    nodes = [Node(make, [], [f"block {n}"]) for n in range(100)]
    before = traces()
    Pipeline(nodes).run(hooks=[MemoryProfile()])
    with pytest.raises(NodeExecutionError):
        Pipeline([Node(raiser(OSError()), [], [])]).run(hooks=[MemoryProfile()])
    assert_nothing_new(before)
    assert list(tmp_path.iterdir()) == []


def test_runs_in_many_threads_share_a_hook(method: str) -> None:
    """Each step gets its own record, and the last run tidies up."""
    hook = MemoryProfile(interval=0.001)
    pipeline = Pipeline([Node(make, [], ["a"]), Node(len, ["a"], ["n"])])
    before = traces()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: pipeline.run(hooks=[hook]), range(24)))
    records = [step.memory for result in results for step in result.steps]
    assert all(isinstance(record, MemoryRecord) for record in records)
    assert len({id(record) for record in records}) == 48
    assert_nothing_new(before)


def test_a_spike_is_not_lost_to_a_profile_that_starts_meanwhile() -> None:
    """Two runs at once in two threads: the quiet one must not reset the other's peak."""
    if not kernel.has_high_water_mark():
        pytest.skip("this kernel keeps no high-water mark, or won't set it back")
    spiked, looked = threading.Event(), threading.Event()

    def spike() -> None:
        len(b"x" * (100 * 2**20))
        spiked.set()
        assert looked.wait(120)

    def look() -> None:
        assert spiked.wait(120)

    def run(work: Callable[[], None]) -> Any:
        record = record_of(Pipeline([Node(work, [], [])]), MemoryProfile())
        looked.set()
        return record

    def run_after_the_spike() -> Any:
        assert spiked.wait(120)
        return run(look)

    with ThreadPoolExecutor(2) as pool:
        loud, quiet = pool.submit(run, spike), pool.submit(run_after_the_spike)
        assert loud.result().peak_mib == pytest.approx(100, abs=10)
        assert quiet.result().peak_mib < 10


POOL = """
import multiprocessing, threading, sys
from linepipe_core import Node, Pipeline
from linepipe_profile import MemoryProfile, kernel
if sys.argv[1] == "process":
    kernel.has_high_water_mark = lambda: False

def work():
    helper = threading.Thread(target=print)
    helper.start()
    helper.join()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.map(abs, [-1, -2])

if __name__ == "__main__":
    hooks = [MemoryProfile(include_children=True)]
    result = Pipeline([Node(work, [], ["sizes"])]).run(hooks=hooks)
    assert result["sizes"] == [1, 2], result
    assert result.steps[0].memory.peak_mib > 0
    assert not result.failed_hooks, result.failed_hooks
"""


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system can't fork"
)
@pytest.mark.parametrize("method", ["kernel", "process"])
def test_a_node_may_start_threads_and_forked_processes(method: str, tmp_path: Any) -> None:
    """Without a warning that it wouldn't get without a profile."""
    program = tmp_path / "program.py"
    program.write_text(POOL)
    done = subprocess.run(
        [sys.executable, "-W", "always", str(program), method], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


CTRL_C = """
import logging, sys
from linepipe_core import Node, Pipeline
from linepipe_core.shelf import ObjectShelf
from linepipe_profile import MemoryProfile
import psutil

def load():
    return [1, 2]

def work(rows):
    print("working", flush=True)
    while True:
        pass

logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
nodes = [Node(load, [], ["rows"]), Node(work, ["rows"], ["n"])]
pipeline = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=sys.argv[1])
try:
    pipeline.run(hooks=[MemoryProfile(include_children=True)])
except KeyboardInterrupt:
    print("interrupted")
print("children:", psutil.Process().children())
with ObjectShelf(sys.argv[1]) as shelf:
    print("kept:", dict(shelf), "bad:", list(shelf.verify()))
"""


def test_ctrl_c_ends_a_profiled_run_in_order(tmp_path: Path) -> None:
    """The watching process gets the signal, too, and must still answer; then nothing is left."""
    with Terminal("-c", CTRL_C, str(tmp_path / "shelf")) as terminal:
        terminal.read_to("working")
        terminal.interrupt()
        assert terminal.end() == 0
        assert "[work] ΔMem" in terminal.shown
        assert "interrupted" in terminal.shown
        assert "children: []" in terminal.shown
        assert "kept: {'rows': [1, 2]} bad: []" in terminal.shown
        assert "Traceback" not in terminal.shown


def test_a_measuring_that_fails_is_put_aside(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No node fails for its profile's sake, and nothing keeps running."""

    def no_reading(*args: object) -> float:
        raise psutil.AccessDenied(os.getpid())

    monkeypatch.setattr("linepipe_profile.meter.memory_mib", no_reading)
    before = traces()
    result = Pipeline([Node(make, [], ["a"])]).run(hooks=[MemoryProfile()])
    assert len(result["a"]) == 10 * 2**20
    assert [failed.event for failed in result.failed_hooks] == ["around_node"]
    assert_nothing_new(before)


def kill_the_watcher() -> None:
    for child in psutil.Process().children():
        if "linepipe_profile" in " ".join(child.cmdline()):
            child.kill()


def test_a_watching_process_that_is_killed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a node or for want of memory: each node has its record, and no zombie stays."""
    monkeypatch.setattr(kernel, "has_high_water_mark", lambda: False)
    hook = MemoryProfile(include_children=True)
    before = traces()
    nodes = [
        Node(make_large, [], ["a"]),
        Node(kill_the_watcher, [], []),
        Node(make_large, [], ["b"]),
    ]
    for _ in range(2):
        result = Pipeline(nodes).run(hooks=[hook])
        assert result.failed_hooks == ()
        records = [step.memory for step in result.steps if step.memory]
        assert [record.method for record in records] == ["process"] * 3
        assert [len(record.samples) == 2 for record in records][1]
        assert records[2].delta_mib == pytest.approx(40, abs=5)
        del result
        assert_nothing_new(before)


def test_a_watching_process_that_does_not_begin_is_stood_in_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By a thread, for that node; the next has a new process."""
    monkeypatch.setattr(kernel, "has_high_water_mark", lambda: False)
    begin, begun = Watcher.begin, []

    def begins_not_at_first(watcher: Watcher) -> tuple[int, float]:
        begun.append(watcher)
        if len(begun) == 1:
            kill_watching_process()
        return begin(watcher)

    monkeypatch.setattr(Watcher, "begin", begins_not_at_first)
    with caplog.at_level(logging.INFO, "linepipe.profile"):
        result = Pipeline([Node(make, [], ["a"]), Node(make, [], ["b"])]).run(
            hooks=[MemoryProfile(include_children=True)]
        )
    assert [step.memory.method for step in result.steps if step.memory] == ["thread", "process"]
    assert "memory is sampled from a thread: the process" in caplog.text
    assert begun[0] is not begun[1]


def test_a_hook_that_is_put_aside_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run won't tell it that it ended; and later runs end theirs."""
    hook = MemoryProfile(include_children=True)
    pipeline = Pipeline([Node(make, [], ["a"])])
    before = traces()
    for place in ("start", "stop"):
        with monkeypatch.context() as patched:
            patched.setattr(f"linepipe_profile.hook.Meter.{place}", raiser(OSError()))
            assert len(pipeline.run(hooks=[hook]).failed_hooks) == 1
        assert_nothing_new(before)
        assert pipeline.run(hooks=[hook]).failed_hooks == ()
        assert_nothing_new(before)


def test_a_dropped_run_ends_its_process() -> None:
    """Half-way, in a notebook or by a loop that was left; the hook itself lives on."""
    hook = MemoryProfile(include_children=True)
    pipeline = Pipeline([Node(make, [], ["a"]), Node(make, [], ["b"])])
    run = pipeline.start(hooks=[hook])
    next(run)
    assert len(watching_processes()) == 1
    del run
    gc.collect()
    assert watching_processes() == []
    assert pipeline.run(hooks=[hook]).failed_hooks == ()
    assert watching_processes() == []


def test_a_dropped_run_leaves_the_process_to_others() -> None:
    """Their series goes on, and the last one ends it."""
    hook = MemoryProfile(include_children=True)
    pipeline = Pipeline([Node(make, [], ["a"]), Node(make, [], ["b"])])
    dropped, other = pipeline.start(hooks=[hook]), pipeline.start(hooks=[hook])
    next(dropped)
    (process,) = watching_processes()
    next(other)
    del dropped
    gc.collect()
    assert watching_processes() == [process]
    steps = other.finish().steps
    assert all(isinstance(step.memory, MemoryRecord) for step in steps)
    assert watching_processes() == []


def test_a_failed_run_ends_its_process_while_somebody_keeps_it() -> None:
    """A debugger may look at the run for hours."""
    hook = MemoryProfile(include_children=True)
    nodes = [Node(make, [], ["a"]), Node(raiser(OSError()), [], []), Node(make, [], ["b"])]
    pipeline = Pipeline(nodes)
    run = pipeline.start(hooks=[hook])
    with pytest.raises(NodeExecutionError):
        run.finish()
    assert watching_processes() == []
    assert run.next_node is None


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf"), "x", None, 1j])
def test_an_interval_that_cannot_be_is_refused(interval: Any) -> None:
    """At once, with what to give instead."""
    with pytest.raises((TypeError, ValueError), match="seconds between two samples"):
        MemoryProfile(interval=interval)


def test_a_hook_shows_how_it_was_made() -> None:
    """In logs and lists of failed hooks."""
    assert repr(MemoryProfile(0.5, True)) == "MemoryProfile(interval=0.5, include_children=True)"


@pytest.fixture(autouse=True)
def no_watcher_stays() -> Iterator[None]:
    """Whatever a test does, no watching process outlives it."""
    yield
    gc.collect()
    assert watching_processes() == []
