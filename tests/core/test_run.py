"""Running: results, isolation, release, steps, failures and hooks."""

from __future__ import annotations

import gc
import logging
import pickle
import re
import sys
import threading
import traceback
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linepipe_core import (
    Hook,
    LinepipeError,
    MissingInputError,
    Node,
    NodeExecutionError,
    OutputMismatchError,
    Pipeline,
    RegistryClosedError,
    Run,
    RunResult,
    RunStateError,
    Step,
    UnknownNameError,
    register_snapshot,
)


class Thing:
    """An object that can be watched."""

    def __init__(self, value: Any = 0) -> None:
        self.value = value


def make() -> Thing:
    return Thing()


def add_one(x: int) -> int:
    return x + 1


def fail(x: Any) -> None:
    raise ValueError(f"bad {x!r}")


def interrupt(x: Any) -> None:
    raise KeyboardInterrupt


def chain(n: int, **options: Any) -> Pipeline:
    """x -> v1 -> ... -> vn, each one more."""
    nodes = [
        Node(add_one, ["x" if i == 0 else f"v{i}"], [f"v{i + 1}"], name=f"add{i + 1}")
        for i in range(n)
    ]
    return Pipeline(nodes, x=0, **options)


class TestResult:
    """RunResult."""

    def test_gives_what_nobody_read(self) -> None:
        """A read-only mapping."""
        result = chain(3).run()
        assert dict(result) == {"v3": 3}
        assert (len(result), list(result), "v3" in result, "v2" in result) == (
            1,
            ["v3"],
            True,
            False,
        )
        with pytest.raises(TypeError):
            result["v3"] = 1  # type: ignore[index]  # read-only
        with pytest.raises(KeyError):
            result["v2"]
        assert result.get("v2") is None

    def test_says_how_to_get_what_it_was_not_asked_for(self) -> None:
        """Looking for an intermediate object is everybody's first mistake."""
        result = chain(3).run()
        with pytest.raises(UnknownNameError) as caught:
            result["v2"]
        assert str(caught.value) == (
            "no output is called 'v2'\n"
            "  there are: v3\n"
            "  a node made it, others read it: ask for it with run(outputs=['v2'])"
        )
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        with pytest.raises(UnknownNameError, match=r"did you mean 'v3'\?"):
            result["v33"]

    def test_gives_the_outputs_asked_for(self) -> None:
        """Also those that somebody reads, in the order asked for."""
        assert dict(chain(3).run(outputs=["v2", "v1"])) == {"v2": 2, "v1": 1}
        assert dict(chain(3).run(outputs=[])) == {}

    def test_an_unknown_output_is_an_error_before_anything_runs(self) -> None:
        """With the choices and the near match."""
        ran: list[int] = []
        pipeline = Pipeline([Node(lambda: ran.append(1), [], ["done"])])
        with pytest.raises(UnknownNameError, match=r"no output is called 'dome'(.|\n)*'done'"):
            pipeline.run(outputs=["dome"])
        with pytest.raises(TypeError, match=re.escape("write outputs=['done']")):
            pipeline.run(outputs="done")
        assert ran == []

    def test_gives_the_same_object_each_time(self) -> None:
        """Looking twice is looking at one thing."""
        result = Pipeline([Node(make, [], ["thing"])]).run()
        assert result["thing"] is result["thing"]

    def test_has_a_step_for_each_node(self) -> None:
        """Node, place, status and seconds."""
        result = chain(2).run()
        assert [(s.node.name, s.index, s.status) for s in result.steps] == [
            ("add1", 0, "ran"),
            ("add2", 1, "ran"),
        ]
        for step in result.steps:
            assert step.seconds is not None
            assert 0 <= step.seconds <= result.seconds
            assert (step.memory, step.reasons) == (None, ())

    def test_prints_as_a_table(self) -> None:
        """A row for each node, and the outputs."""
        text = re.sub(r"\d\.\d{3}", "0.000", str(chain(2).run()))
        assert text == (
            "   node  status  seconds  reasons\n"
            "1  add1  ran     0.000\n"
            "2  add2  ran     0.000\n"
            "\n"
            "0.000 s in all; outputs:\n"
            "  v2"
        )
        assert repr(chain(2).run()).startswith("<RunResult: 2 ran in 0.")

    def test_of_an_empty_pipeline_is_empty(self) -> None:
        """Nothing to run is no error."""
        result = Pipeline([]).run()
        assert (dict(result), result.steps) == ({}, ())
        assert "(none)" in str(result)

    def test_threads_that_look_at_the_steps_see_the_same(self) -> None:
        """Also where nobody has looked before, and they are made only now."""
        n_nodes, pipeline = 2_000, chain(2_000)
        barrier = threading.Barrier(2)

        def look(result: RunResult) -> list[int]:
            barrier.wait(10)
            return [step.index for step in result.steps]

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(2) as pool:
                for _ in range(20):
                    looks = [pool.submit(look, result) for result in [pipeline.run()] * 2]
                    for each in looks:
                        assert each.result() == list(range(n_nodes))
        finally:
            sys.setswitchinterval(interval)


class TestInputs:
    """What is checked before any node starts."""

    def test_missing_inputs_are_told_all_at_once(self) -> None:
        """Each with the node that needs it, what is there by then, and the near match."""
        ran: list[int] = []
        nodes = [
            Node(lambda: ran.append(1), [], ["features"]),
            Node(add_one, ["features"], ["y"]),
            Node(add_one, ["featurs"], ["z"], name="train"),
            Node(add_one, ["other"], ["w"]),
            Node(add_one, ["w"], ["othr"]),
        ]
        with pytest.raises(MissingInputError) as caught:
            Pipeline(nodes, {"a": 1}, raw=1).run()
        assert ran == []
        assert caught.value.names == ("featurs", "other")
        assert str(caught.value) == (
            "2 problems\n"
            "  - nothing makes 'featurs', which node 3 'train' needs\n"
            "      available there: config, features, raw, y\n"
            "      did you mean 'features'?\n"
            "  - nothing makes 'other', which node 4 'add_one' needs\n"
            "      available there: config, features, raw, y, z\n"
            "  give it as a constant: Pipeline(..., featurs=...) or pipeline.bind(featurs=...)"
        )

    def test_missing_config_paths_are_told_along_with_missing_inputs(self) -> None:
        """So that nobody mends the one to be told of the other."""
        nodes = [Node(add_one, ["x"], ["y"]), Node(add_one, ["config.wnd"], ["z"], name="train")]
        with pytest.raises(MissingInputError) as caught:
            Pipeline(nodes, {"wind": 1}).run()
        assert caught.value.names == ("x", "config.wnd")
        assert str(caught.value) == (
            "2 problems\n"
            "  - nothing makes 'x', which node 1 'add_one' needs\n"
            "      available there: config\n"
            "  - 'config' has no 'wnd', which node 2 'train' reads\n"
            "      available in 'config': wind\n"
            "      did you mean 'config.wind'?\n"
            "  give it as a constant: Pipeline(..., x=...) or pipeline.bind(x=...)"
        )

    def test_the_error_is_a_key_error_that_pickles(self) -> None:
        """And shows its message, not its repr."""
        with pytest.raises(KeyError) as caught:
            Pipeline([Node(add_one, ["x"], ["y"])]).run()
        assert str(caught.value).startswith("nothing makes 'x', which node 1 'add_one' needs\n")
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.names) == (str(caught.value), ("x",))


class TestIsolation:
    """Nobody spoils anybody's data. (Every kind of value: test_isolation.py.)"""

    def test_readers_get_copies_of_their_own(self) -> None:
        """Constants, made objects, and the next run's."""

        def spoil(items: list[int]) -> list[int]:
            items.append(0)
            return items

        nodes = [
            Node(spoil, ["items"], ["a"]),
            Node(spoil, ["items"], ["b"]),
            Node(spoil, ["a"], ["c"]),
            Node(spoil, ["a"], ["d"]),
        ]
        pipeline = Pipeline(nodes, items=[1])
        for _ in range(2):
            assert dict(pipeline.run()) == {"b": [1, 0], "c": [1, 0, 0], "d": [1, 0, 0]}

    def test_what_a_function_keeps_is_not_what_others_get(self) -> None:
        """A module global that it returns and changes later."""
        kept: list[int] = []

        def first() -> list[int]:
            kept.append(1)
            return kept

        def second() -> None:
            kept.append(2)

        result = Pipeline([Node(first, [], ["items"]), Node(second, [], [])]).run()
        assert result["items"] == [1]

    def test_an_object_named_twice_is_given_twice(self) -> None:
        """Two copies, also to its last reader."""

        def check(a: list[int], b: list[int]) -> bool:
            a.append(1)
            return b == [] and a is not b

        nodes = [Node(list, [], ["items"]), Node(check, ["items", "items"], ["apart"])]
        assert Pipeline(nodes).run()["apart"]

    def test_without_isolation_a_node_gets_the_object_itself(self) -> None:
        """On its promise not to change it."""
        seen: list[Any] = []
        nodes = [
            Node(lambda: [1], [], ["items"]),
            Node(seen.append, ["items"], [], name="one", isolate=False),
            Node(seen.append, ["items"], [], name="two", isolate=False),
        ]
        Pipeline(nodes).run()
        assert seen[0] is seen[1]


class TestRelease:
    """An intermediate object goes right after its last reader."""

    def test_after_its_last_reader(self) -> None:
        """Before the next node runs."""
        made: list[weakref.ref[Thing]] = []
        alive: list[bool] = []

        def read(thing: Thing) -> int:
            made.append(weakref.ref(thing))
            return 1

        def look(_: int) -> None:
            alive.append(made[0]() is not None)

        nodes = [Node(make, [], ["thing"]), Node(read, ["thing"], ["n"]), Node(look, ["n"], [])]
        Pipeline(nodes).run()
        assert alive == [False]

    def test_an_unwanted_output_goes_at_once(self) -> None:
        """When ``outputs=`` doesn't name it."""
        with chain(2).start(outputs=["v1"]) as run:
            for _ in run:
                pass
            assert run.registry.keys() == ["x", "v1"]

    def test_what_is_asked_for_is_kept(self) -> None:
        """Though somebody read it last."""
        with chain(3).start(outputs=["v1"]) as run:
            next(run)
            next(run)
            assert run.registry.keys() == ["x", "v1", "v2"]


class TestSteps:
    """start(): a run in one's own hands."""

    def test_each_turn_runs_one_node(self) -> None:
        """With its objects at hand in between."""
        with chain(2).start() as run:
            seen = []
            for step in run:
                seen.append((step.node.name, step.status, run.registry.get(f"v{step.index + 1}")))
        assert seen == [("add1", "ran", 1), ("add2", "ran", 2)]

    def test_next_node_tells_whose_turn_it_is(self) -> None:
        """None when all had theirs."""
        pipeline = chain(2)
        with pipeline.start() as run:
            order = []
            while node := run.next_node:
                order.append(node)
                assert next(run).node is node
            assert order == [pipeline["add1"], pipeline["add2"]]
            with pytest.raises(StopIteration):
                next(run)

    def test_finish_runs_the_rest(self) -> None:
        """And gives the result, as often as it is asked."""
        with chain(3).start() as run:
            next(run)
            result = run.finish()
            assert dict(result) == {"v3": 3}
            assert run.finish() is result

    def test_objects_can_be_replaced_between_steps(self) -> None:
        """The nodes to come read the new ones."""
        with chain(2).start() as run:
            next(run)
            run.registry.set("v1", 10)
            assert run.finish()["v2"] == 11

    @pytest.mark.parametrize("options", [{}, {"track_history": True}])
    def test_what_was_released_too_early_is_told(self, options: dict[str, Any]) -> None:
        """And how to mend it, in place of a bare KeyError."""
        said = "'v1', which 'add2' needs, was released\n  release it after its last reader"
        with chain(2, **options).start() as run:
            next(run)
            run.registry.release("v1")
            with pytest.raises(MissingInputError, match=said):
                run.next_inputs()
            with pytest.raises(NodeExecutionError, match=said) as caught:
                run.finish()
        assert isinstance(caught.value.__cause__, MissingInputError)
        assert caught.value.__cause__.names == ("v1",)

    @pytest.mark.parametrize("is_cached", [False, True])
    @pytest.mark.parametrize("track_history", [False, True])
    def test_a_registry_that_was_closed_half_way_is_told(
        self, is_cached: bool, track_history: bool, tmp_path: Path
    ) -> None:
        """Whoever closed it sees where that hit."""
        options = {"use_persistent_cache": is_cached, "cache_storage_path": str(tmp_path / "c")}
        with chain(2, track_history=track_history, **options).start() as run:
            next(run)
            run.registry.close()
            with pytest.raises(RegistryClosedError, match="before 'add2' could take its inputs"):
                run.next_inputs()
            with pytest.raises(NodeExecutionError, match="registry was closed before 'add2'"):
                run.finish()

    @pytest.mark.parametrize("options", [{}, {"track_history": True}])
    @pytest.mark.parametrize("n_readers", [1, 2])
    @pytest.mark.parametrize("args", [("x",), (), ([1],)])
    def test_a_key_error_of_a_copy_is_left_as_it_is(
        self, args: tuple[Any, ...], n_readers: int, options: dict[str, Any]
    ) -> None:
        """It's the object's own, not a missing name: also where it is the name's own string."""

        class Odd:
            pass

        def copied(odd: Odd) -> Odd:
            copies.append(odd)
            if len(copies) > 1:
                raise KeyError(*args)
            return odd

        copies: list[Odd] = []
        register_snapshot(Odd, copied)
        nodes = [Node(Odd, [], ["x"]), *([Node(id, ["x"], [])] * n_readers)]
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline(nodes, **options).run()
        assert type(caught.value.__cause__) is KeyError
        assert caught.value.__cause__.args == args

    def test_leaving_ends_it(self) -> None:
        """The registry is closed, and the rest can't be run any more."""
        with chain(2).start() as run:
            next(run)
        with pytest.raises(RegistryClosedError, match="its run has ended"):
            run.registry.get("x")
        assert run.next_node is None
        with pytest.raises(RunStateError, match="this run has ended before 'add2'"):
            run.finish()

    def test_an_abandoned_run_closes_its_registry(self) -> None:
        """Also without ``with``."""
        run = chain(2).start()
        next(run)
        registry = run.registry
        del run
        gc.collect()
        with pytest.raises(RegistryClosedError):
            registry.keys()

    def test_history_is_the_newest_finished_runs(self) -> None:
        """What each node got and made."""
        pipeline = chain(2, track_history=True)
        pipeline.run()
        entries = pipeline.history
        assert [(e["node"], e["status"]) for e in entries] == [("add1", "ran"), ("add2", "ran")]
        assert dict(entries[1]["inputs"]) == {"v1": 1}
        assert dict(entries[1].outputs) == {"v2": 2}
        assert entries[0]["seconds"] >= 0
        assert list(entries[0]) == ["node", "inputs", "outputs", "seconds", "status"]
        entries.clear()
        pipeline.run().history.clear()
        pipeline.history.clear()
        assert len(pipeline.history) == 2
        entries = pipeline.history
        with pytest.raises(KeyError):
            entries[0]["other"]

    def test_history_is_not_spoiled_by_later_changes(self) -> None:
        """Of nodes, of callers, or of those who look."""

        def spoil(items: list[int]) -> list[int]:
            items.append(0)
            return items

        nodes = [Node(spoil, ["items"], ["a"]), Node(spoil, ["a"], ["b"])]
        pipeline = Pipeline(nodes, track_history=True, items=[])
        pipeline.run()["b"].append(9)
        pipeline.history[0]["inputs"]["items"].append(9)
        recorded = [(dict(e["inputs"]), dict(e["outputs"])) for e in pipeline.history]
        assert recorded == [({"items": []}, {"a": [0]}), ({"a": [0]}, {"b": [0, 0]})]


def failing(**options: Any) -> Pipeline:
    nodes = [
        Node(add_one, ["x"], ["y"]),
        Node(
            fail,
            [
                "y",
            ],
            ["z"],
            name="train",
        ),
        Node(add_one, ["z"], ["w"]),
    ]
    return Pipeline(nodes, x=1, **options)


class TestFailure:
    """NodeExecutionError."""

    def test_names_the_node_its_place_and_its_inputs(self) -> None:
        """And quotes and chains the original."""
        with pytest.raises(NodeExecutionError) as caught:
            failing().run()
        error = caught.value
        lines = str(error).splitlines()
        assert lines[0] == "node 2 of 3 'train' failed while calling its function"
        assert re.fullmatch(r"  function: fail, .*test_run\.py:\d+", lines[1])
        assert lines[2:] == ["  inputs:", "    y  int 2", "  ValueError: bad 2"]
        assert isinstance(error.__cause__, ValueError)
        assert isinstance(error, RuntimeError)
        assert isinstance(error, LinepipeError)

    def test_carries_node_step_and_inputs(self) -> None:
        """The inputs by the names that the node asked for."""
        pipeline = failing()
        with pytest.raises(NodeExecutionError) as caught:
            pipeline.run()
        assert caught.value.node is pipeline["train"]
        assert (caught.value.step.status, caught.value.step.index) == ("failed", 1)
        assert caught.value.step.seconds is not None
        assert caught.value.inputs == {"y": 2}

    def test_survives_a_pickle(self) -> None:
        """A worker process must be able to send it home."""
        with pytest.raises(NodeExecutionError) as caught:
            failing().run()
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value)
        assert (again.node.name, again.step.status, again.inputs) == ("train", "failed", {})

    def test_tells_secrets_and_tables_by_type_only(self) -> None:
        """Config texts by their length, long values by their size."""
        node = Node(lambda *v: fail(0), ["config.password", "config.n", "text", "items"], [])
        config = {"password": "hunter2", "n": 3}
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([node], config, text="t" * 1000, items=list(range(50))).run()
        text = str(caught.value)
        assert "    config.password  str of 7\n    config.n         int 3\n" in text
        assert "    text             str of 1000\n    items            list of 50\n" in text
        assert "hunter2" not in text

    def test_of_a_wrong_return_value(self) -> None:
        """Is told as such."""
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(add_one, ["x"], ["a", "b"])], x=1).run()
        assert "failed while taking its outputs" in str(caught.value)
        assert isinstance(caught.value.__cause__, OutputMismatchError)
        assert caught.value.inputs == {"x": 1}

    def test_ends_the_run(self) -> None:
        """The registry is closed, and later nodes stay pending."""
        with failing().start() as run:
            with pytest.raises(NodeExecutionError):
                run.finish()
            with pytest.raises(RegistryClosedError):
                run.registry.keys()
            with pytest.raises(RunStateError):
                run.finish()

    def test_history_tells_of_the_failed_node(self) -> None:
        """With what it got."""
        pipeline = failing(track_history=True)
        with pytest.raises(NodeExecutionError):
            pipeline.run()
        assert [(e["node"], e["status"]) for e in pipeline.history] == [
            ("add_one", "ran"),
            ("train", "failed"),
        ]
        assert dict(pipeline.history[1]["inputs"]) == {"y": 2}

    def test_an_interrupt_passes_as_itself(self) -> None:
        """With the registry closed."""
        run = Pipeline([Node(interrupt, ["x"], [])], x=1).start()
        with pytest.raises(KeyboardInterrupt), run:
            run.finish()
        with pytest.raises(RegistryClosedError):
            run.registry.keys()

    def test_few_frames_are_linepipes_own(self) -> None:
        """Between the call of run() and the user's function."""
        with pytest.raises(NodeExecutionError) as caught:
            failing().run()
        frames = traceback.extract_tb(caught.value.__cause__.__traceback__)  # type: ignore[union-attr]
        assert [frame.name for frame in frames] == ["fail"]


def test_a_method_given_to_one_hook_alone_is_called() -> None:
    """As tests do who want to see one call."""
    hook, seen = Hook(), []
    hook.after_node = lambda step: seen.append(step.node.name)  # type: ignore[method-assign]
    hook.before_node = None  # type: ignore[method-assign, assignment]  # nothing to call
    assert chain(2).run(hooks=[hook]).failed_hooks == ()
    assert seen == ["add1", "add2"]


class Recorder(Hook):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def before_run(self, run: Run) -> None:
        self.told.append(f"before run of {run.next_node.name if run.next_node else None}")

    def before_node(self, step: Step) -> None:
        self.told.append(f"before {step.node.name} {step.status}")

    def after_node(self, step: Step) -> None:
        self.told.append(f"after {step.node.name} {step.status}")

    def on_node_error(self, step: Step, error: BaseException) -> None:
        self.told.append(f"error {step.node.name} {step.status} {error!r}")

    def after_run(self, result: RunResult) -> None:
        self.told.append(f"after run {[s.status for s in result.steps]}")

    def around_node(self, step: Step) -> AbstractContextManager[object]:
        return self._around(step)

    @contextmanager
    def _around(self, step: Step) -> Iterator[None]:
        self.told.append(f"enter {step.node.name}")
        try:
            yield
        finally:
            self.told.append(f"leave {step.node.name}")


class TestHooks:
    """Hooks watch, and can do no harm. (More: test_debugging.py and test_failures.py.)"""

    def test_are_told_in_order(self) -> None:
        """The whole life of a run."""
        hook = Recorder()
        chain(1).run(hooks=[hook])
        assert hook.told == [
            "before run of add1",
            "before add1 running",
            "enter add1",
            "leave add1",
            "after add1 ran",
            "after run ['ran']",
        ]

    def test_are_told_of_a_run_without_nodes(self) -> None:
        """It has a beginning and an end."""
        hook = Recorder()
        Pipeline([]).run(hooks=[hook])
        assert hook.told == ["before run of None", "after run []"]

    def test_are_told_nothing_of_a_run_that_never_began(self) -> None:
        """Started, and left without a turn."""
        hook = Recorder()
        with chain(1).start(hooks=[hook]):
            pass
        assert hook.told == []

    def test_are_told_of_errors(self) -> None:
        """With what the function raised."""
        hook = Recorder()
        with pytest.raises(NodeExecutionError):
            failing().run(hooks=[hook])
        assert hook.told[-4:] == [
            "enter train",
            "leave train",
            "error train failed ValueError('bad 2')",
            "after run ['ran', 'failed', 'pending']",
        ]

    @pytest.mark.parametrize(
        "method",
        ["before_run", "before_node", "after_node", "after_run", "around_node", "enter", "exit"],
    )
    def test_that_raise_are_put_aside(self, method: str, caplog: pytest.LogCaptureFixture) -> None:
        """Logged with their traceback, listed in the result; the run goes on."""

        class Broken(Recorder):
            pass

        def broken(*_: Any) -> Any:
            raise ZeroDivisionError("broken hook")

        class BrokenManager:
            def __enter__(self) -> None:
                if method == "enter":
                    broken()

            def __exit__(self, *_: object) -> None:
                broken()

        hook, other = Broken(), Recorder()
        if method in ("enter", "exit"):
            Broken.around_node = lambda *_: BrokenManager()  # type: ignore[method-assign]
            method = "around_node"
        else:
            setattr(Broken, method, broken)
        with caplog.at_level(logging.WARNING, "linepipe.run"):
            result = chain(2).run(hooks=[hook, other])
        assert dict(result) == {"v2": 2}
        assert [(f.hook, f.method) for f in result.failed_hooks] == [(hook, method)]
        assert isinstance(result.failed_hooks[0].error, ZeroDivisionError)
        assert f"the hook Broken failed in {method} and is put aside" in caplog.text
        assert "ZeroDivisionError: broken hook" in caplog.text
        assert len(other.told) == 10

    def test_take_no_part_in_a_nodes_seconds(self) -> None:
        """They know them when they leave, and not before."""
        told: list[float | None] = []

        class Looking(Hook):
            @contextmanager
            def around_node(self, step: Step) -> Iterator[None]:
                told.append(step.seconds)
                yield
                told.append(step.seconds)

        step = chain(1).run(hooks=[Looking()]).steps[0]
        assert told == [None, step.seconds]
        assert step.seconds is not None

    def test_are_given_as_a_list(self) -> None:
        """One alone is told how."""
        hook: Any = Recorder()
        with pytest.raises(TypeError, match=r"write hooks=\[...\]"):
            chain(1).run(hooks=hook)

    def test_cannot_swallow_an_error(self) -> None:
        """A context manager that says True changes nothing."""

        class Swallow(Hook):
            def around_node(self, step: Step) -> AbstractContextManager[object]:
                import contextlib

                return contextlib.suppress(Exception)

        with pytest.raises(NodeExecutionError):
            failing().run(hooks=[Swallow()])

    @pytest.mark.parametrize(
        ("hook", "mended"),
        [(Recorder, r"give Recorder\(\)"), (print, "give an instance of a Hook")],
    )
    def test_must_be_hooks(self, hook: Any, mended: str) -> None:
        """A class given in place of its instance would watch nothing."""
        ran: list[int] = []
        with pytest.raises(TypeError, match=mended):
            Pipeline([Node(lambda: ran.append(1), [], [])]).run(hooks=[hook])
        assert ran == []

    def test_wait_for_names_not_for_letters(self) -> None:
        """A bare string would be taken for as many names."""

        class Train(Hook):
            waits_for = "train"

        said = r"waits_for of the hook Train is the string 'train'; write \['train'\]"
        with pytest.raises(TypeError, match=said):
            chain(1).run(hooks=[Train()])

    def test_an_interrupt_in_one_passes(self) -> None:
        """And the others' context managers are closed."""

        class Interrupting(Hook):
            def around_node(self, step: Step) -> AbstractContextManager[object]:
                raise KeyboardInterrupt

        first = Recorder()
        with pytest.raises(KeyboardInterrupt):
            chain(1).run(hooks=[first, Interrupting()])
        assert "leave add1" in first.told


def test_the_log_tells_of_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """And doesn't count the failed node as done."""
    with caplog.at_level(logging.INFO, "linepipe.run"), pytest.raises(NodeExecutionError):
        failing().run()
    lines = [re.sub(r"\d\.\d{3}", "0.000", record.getMessage()) for record in caplog.records]
    assert lines[-2:] == ["train failed: ValueError", "1 of 3 nodes in 0.000 s"]


def test_a_run_shows_where_it_is() -> None:
    """At a prompt."""
    run = chain(2).start()
    assert repr(run) == "<Run: 0 of 2 nodes, next is add1>"
    next(run)
    assert repr(run) == "<Run: 1 of 2 nodes, next is add2>"
    run.finish()
    assert repr(run) == "<Run: 2 of 2 nodes, ended>"


def test_the_log_has_a_line_for_each_node(caplog: pytest.LogCaptureFixture) -> None:
    """With its seconds, at INFO."""
    with caplog.at_level(logging.INFO, "linepipe.run"):
        chain(2).run()
    lines = [re.sub(r"\d\.\d{3}", "0.000", record.getMessage()) for record in caplog.records]
    assert lines == [
        "running 2 nodes",
        "add1 ran in 0.000 s",
        "add2 ran in 0.000 s",
        "2 of 2 nodes in 0.000 s",
    ]


def grow(*parts: Any) -> list[Any]:
    """Changes what it gets, and returns some of it."""
    for part in parts:
        part.append(len(parts))
    return [*parts[:1], 1]


def count(*parts: Any) -> tuple[int, list[Any]]:
    return len(parts), [part.copy() for part in parts]


def trip(*parts: Any) -> None:
    raise ValueError(f"tripped over {len(parts)}")


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[Pipeline, tuple[str, ...] | None]:
    """Nodes that read lists and make lists, one of which may fail; and what to ask for."""
    nodes: list[Node] = []
    there = ["c"]
    for index in range(draw(st.integers(0, 7))):
        inputs = draw(st.lists(st.sampled_from([*there, "config.items"]), max_size=3))
        func, outputs = draw(
            st.sampled_from(
                [(grow, [f"g{index}"]), (count, [f"n{index}", f"l{index}"]), (trip, [])][
                    : 3 if draw(st.booleans()) else 2
                ]
            )
        )
        isolate = draw(st.booleans()) if func is count else True
        nodes.append(Node(func, inputs, outputs, name=f"f{index}", isolate=isolate))
        there += [name for name in outputs if not name.startswith("n")]
    pipeline = Pipeline(nodes, {"items": [0]}, c=[])
    made = [name for node in nodes for name in node.outputs]
    kept = draw(st.none() | st.lists(st.sampled_from(made), unique=True)) if made else None
    return pipeline, None if kept is None else tuple(kept)


def told(run: Run, n_steps: int = 0) -> tuple[Any, ...]:
    """What a run gives, or how it fails, after so many single steps."""
    try:
        for _ in range(n_steps):
            next(run, None)
        result = run.finish()
    except NodeExecutionError as error:
        return str(error), error.inputs, [(s.node.name, s.status) for s in error.steps]
    return dict(result), [(s.node.name, s.status, s.seconds is None) for s in result.steps]


@given(pipelines(), st.integers(0, 7))
def test_however_it_is_run_it_is_the_same_run(
    made: tuple[Pipeline, tuple[str, ...] | None], n_steps: int
) -> None:
    """The loop for runs that nothing watches gives what the other one gives."""
    pipeline, outputs = made
    plain = told(pipeline.start(outputs=outputs))
    assert told(pipeline.start(outputs=outputs, hooks=[Recorder()])) == plain
    assert told(pipeline.start(outputs=outputs), n_steps) == plain
