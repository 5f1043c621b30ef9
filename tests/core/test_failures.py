"""Whatever fails in a run, in whatever phase: the registry is closed, the shelf is whole, and
the message is true."""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any, ClassVar

import pytest

from linepipe_core import (
    Hook,
    MissingInputError,
    Node,
    NodeExecutionError,
    ObjectRegistry,
    OutputMismatchError,
    Pipeline,
    RegistryClosedError,
    Run,
    RunResult,
    RunStateError,
    ShelfWriteError,
    Step,
)
from linepipe_core.describe import describe, describe_input
from linepipe_core.shelf import ObjectShelf
from linepipe_core.shelf_registry import ShelfRegistry

Kind = Callable[..., Pipeline]


def load() -> list[int]:
    return [3, 4]


def train(rows: list[int], rate: int) -> float:
    return sum(rows) / rate


def report(model: float) -> None:
    """Reads the model and keeps nothing."""


def job(train: Callable[..., Any], **options: Any) -> Pipeline:
    """Three nodes, of which the second is the one that fails."""
    nodes = [
        Node(load, [], ["rows"]),
        Node(train, ["rows", "config.rate"], ["model"], name="train"),
        Node(report, ["model"], []),
    ]
    return Pipeline(nodes, config={"rate": 2}, **options)


@pytest.fixture(params=["plain", "history", "cache", "cache and history"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """Makes the pipeline in each of its kinds."""
    options: dict[str, Any] = {}
    if "cache" in request.param:
        options |= {"use_persistent_cache": True, "cache_storage_path": tmp_path / "shelf"}
    if "history" in request.param:
        options |= {"track_history": True}
    return partial(job, **options)


def fails(run: Run, error: type[BaseException] = NodeExecutionError) -> Any:
    """Let a run finish, which it must not; without a `with`, which would close it."""
    with pytest.raises(error) as caught:
        run.finish()
    return caught.value


def check_ended(run: Run, pipeline: Pipeline, n_ran: int = 1) -> None:
    """The registry is closed, the run over, and what ran before is whole on the shelf."""
    with pytest.raises(RegistryClosedError):
        run.registry.keys()
    with pytest.raises(RunStateError):
        run.finish()
    assert run.next_node is None
    if pipeline.use_persistent_cache:
        with ObjectShelf(pipeline.cache_storage_path) as shelf:
            assert list(shelf.verify()) == []
            assert dict(shelf) == ({"rows": [3, 4]} if n_ran else {})
    if pipeline.track_history:
        assert [entry["status"] for entry in pipeline.history][:n_ran] == ["ran"] * n_ran


def first_lines(error: BaseException) -> str:
    return str(error).splitlines()[0]


class TestPhases:
    """An ordinary exception, in each phase of a turn."""

    def test_calling(self, make: Kind) -> None:
        """The node's own error."""

        def divide(rows: list[int], rate: int) -> float:
            return sum(rows) / 0

        pipeline = make(divide)
        run = pipeline.start()
        error = fails(run)
        assert first_lines(error) == "node 2 of 3 'train' failed while calling its function"
        assert "\n    rows         list of 2\n    config.rate  int 2\n" in str(error)
        assert "\n  ZeroDivisionError: division by zero" in str(error)
        assert error.inputs == {"rows": [3, 4], "config.rate": 2}
        assert [step.status for step in error.steps] == ["ran", "failed", "pending"]
        check_ended(run, pipeline)

    def test_resolving(self, make: Kind) -> None:
        """An input that is gone when its turn comes."""
        pipeline = make(train)
        run = pipeline.start()
        next(run)
        if isinstance(run.registry, ShelfRegistry):
            with ObjectShelf(pipeline.cache_storage_path) as shelf:
                del shelf["rows"]
            run.registry.held.pop("rows", None)
        else:
            run.registry.release("rows")
        error = fails(run)
        assert first_lines(error) == "node 2 of 3 'train' failed while taking its inputs"
        assert "\n    rows         (not at hand)\n" in str(error)
        check_ended(run, pipeline, n_ran=0 if pipeline.use_persistent_cache else 1)

    def test_unpacking(self, make: Kind) -> None:
        """A return value that doesn't fit."""
        pipeline = make(train)
        nodes = list(pipeline.nodes)
        nodes[1] = Node(train, ["rows", "config.rate"], ["model", "score"], name="train")
        pipeline = Pipeline(
            nodes,
            {"rate": 2},
            pipeline.track_history,
            pipeline.use_persistent_cache,
            pipeline.cache_storage_path,
        )
        run = pipeline.start()
        error = fails(run)
        assert first_lines(error) == "node 2 of 3 'train' failed while taking its outputs"
        assert isinstance(error.__cause__, OutputMismatchError)
        assert "its function returned one float" in str(error)
        check_ended(run, pipeline)

    def test_storing(self, make: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
        """A disk that is full just then, or a registry that breaks."""
        full = OSError(errno.ENOSPC, "No space left on device")
        pipeline = make(lambda rows, rate: [train(rows, rate)])
        run = pipeline.start()
        put = type(run.registry).put

        def full_at_train(self: Any, node: Node, *rest: Any) -> None:
            if node.name == "train":
                raise ShelfWriteError("the disk is full", "/shelf") from full
            put(self, node, *rest)

        monkeypatch.setattr(type(run.registry), "put", full_at_train)
        error = fails(run)
        assert first_lines(error) == "node 2 of 3 'train' failed while storing its outputs"
        assert "ShelfWriteError: the disk is full" in str(error)
        assert "\n    rows         (not at hand)\n" in str(
            error
        )  # given up by then, and not "none"
        check_ended(run, pipeline)

    def test_releasing(self, make: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
        """What nobody asked for can't be dropped."""

        def stuck(self: Any, names: Any) -> None:
            if "model" in names:
                raise OSError("stuck")

        monkeypatch.setattr(ObjectRegistry, "drop", stuck)
        pipeline = make(train).to_nodes("train")
        nodes = [*pipeline.nodes, Node(report, ["rows"], [], name="last")]
        pipeline = Pipeline(
            nodes,
            {"rate": 2},
            pipeline.track_history,
            pipeline.use_persistent_cache,
            pipeline.cache_storage_path,
        )
        run = pipeline.start(outputs=["rows"])
        error = fails(run)
        assert first_lines(error) == "node 2 of 3 'train' failed while being recorded"
        assert "OSError: stuck" in str(error)
        with pytest.raises(RegistryClosedError):
            run.registry.keys()

    def test_a_failure_is_not_hidden_by_the_end_of_the_run(
        self, make: Kind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """When what was made until then can't be taken out, the log says so."""

        def broken(self: Any, names: Any) -> Any:
            raise MissingInputError("gone", ["rows"])

        def divide(rows: list[int], rate: int) -> float:
            return sum(rows) / 0

        pipeline = make(divide)
        run = pipeline.start()
        monkeypatch.setattr(type(run.registry), "take_out", broken)
        with caplog.at_level(logging.WARNING, "linepipe.run"):
            error = fails(run)
        assert isinstance(error.__cause__, ZeroDivisionError)
        assert "can't be given" in caplog.text
        check_ended(run, pipeline)

    def test_outputs_that_cannot_be_taken_out_are_an_error(
        self, make: Kind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of a run that went well, and the registry is closed all the same."""

        def broken(self: Any, names: Any) -> Any:
            raise MissingInputError("gone", ["rows"])

        run = make(train).start()
        monkeypatch.setattr(type(run.registry), "take_out", broken)
        fails(run, MissingInputError)
        with pytest.raises(RegistryClosedError):
            run.registry.keys()


class Interrupted(Hook):
    """Is interrupted in one of its methods."""

    def __init__(self, where: str) -> None:
        self.where = where

    def _at(self, where: str) -> None:
        if where == self.where:
            raise KeyboardInterrupt

    def before_run(self, run: Run) -> None:
        self._at("before_run")

    def before_node(self, step: Step) -> None:
        self._at(f"before_node {step.node.name}")

    def after_node(self, step: Step) -> None:
        self._at(f"after_node {step.node.name}")

    def on_node_error(self, step: Step, error: BaseException) -> None:
        self._at("on_node_error")

    def after_run(self, result: RunResult) -> None:
        self._at("after_run")

    def around_node(self, step: Step) -> AbstractContextManager[object]:
        self._at(f"around_node {step.node.name}")
        return self._around(step)

    @contextmanager
    def _around(self, step: Step) -> Iterator[None]:
        self._at(f"enter {step.node.name}")
        try:
            yield
        finally:
            self._at(f"exit {step.node.name}")


class Interrupts:
    """An object that Ctrl-C hits while it is copied or pickled."""

    shared: ClassVar[list[Interrupts]] = []  # somebody else has it too, so it must be copied

    @classmethod
    def made(cls) -> Interrupts:
        cls.shared[:] = [cls()]
        return cls.shared[0]

    def __reduce__(self) -> Any:
        raise KeyboardInterrupt

    def __deepcopy__(self, memo: Any) -> Any:
        raise KeyboardInterrupt


class TestInterrupts:
    """Ctrl-C passes as itself, and leaves the same order behind."""

    def test_in_a_node(self, make: Kind) -> None:
        """While its function runs."""

        def interrupted(rows: list[int], rate: int) -> None:
            raise KeyboardInterrupt

        pipeline = make(interrupted)
        run = pipeline.start()
        fails(run, KeyboardInterrupt)
        assert [step.status for step in run.steps] == ["ran", "failed"]
        check_ended(run, pipeline)

    def test_in_a_write(self, make: Kind) -> None:
        """While its output is pickled, or copied."""

        def interrupted(rows: list[int], rate: int) -> Interrupts:
            return Interrupts.made()

        Interrupts.shared.clear()
        pipeline = make(interrupted)
        run = pipeline.start()
        fails(run, KeyboardInterrupt)
        check_ended(run, pipeline)

    @pytest.mark.parametrize(
        ("where", "n_ran"),
        [
            ("before_run", 0),
            ("before_node train", 1),
            ("around_node train", 1),
            ("enter train", 1),
            ("exit train", 1),
            ("after_node load", 1),
            ("after_run", 3),
        ],
    )
    def test_in_a_hook(self, make: Kind, where: str, n_ran: int) -> None:
        """In each of its methods."""
        pipeline = make(train)
        run = pipeline.start(hooks=[Interrupted(where)])
        fails(run, KeyboardInterrupt)
        assert sum(step.status == "ran" for step in run.steps) == n_ran
        if n_ran < 3:
            check_ended(run, pipeline, n_ran)
        else:
            with pytest.raises(RegistryClosedError):
                run.registry.keys()

    def test_in_a_hook_that_is_told_of_an_error(self, make: Kind) -> None:
        """The interrupt is the newer, and wins; the run ends."""

        def divide(rows: list[int], rate: int) -> float:
            return sum(rows) / 0

        pipeline = make(divide)
        run = pipeline.start(hooks=[Interrupted("on_node_error")])
        interrupt = fails(run, KeyboardInterrupt)
        assert isinstance(interrupt.__context__, ZeroDivisionError)
        check_ended(run, pipeline)

    def test_a_run_goes_on_where_it_was_interrupted(self, tmp_path: Path) -> None:
        """With the cache, from what ran before."""
        calls: list[str] = []

        def interrupted(rows: list[int], rate: int) -> float:
            if not (tmp_path / "go on").exists():
                raise KeyboardInterrupt
            return train(rows, rate)

        pipeline = job(
            interrupted, use_persistent_cache=True, cache_storage_path=tmp_path / "shelf"
        )
        with pytest.raises(KeyboardInterrupt):
            pipeline.run()
        (tmp_path / "go on").touch()
        result = pipeline.run(reuse=True)
        assert [step.status for step in result.steps] == ["reused", "ran", "ran"]
        assert calls == []


class TestHowToGoOn:
    """The end of the report, where there is a cache."""

    @staticmethod
    def failing(tmp_path: Path) -> Pipeline:
        def divide(rows: list[int], rate: int) -> float:
            return sum(rows) / (rate if (tmp_path / "mended").exists() else 0)

        return job(divide, use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")

    def test_is_told_and_true(self, tmp_path: Path) -> None:
        """Both calls do what the report says."""
        pipeline = self.failing(tmp_path)
        with pytest.raises(NodeExecutionError) as caught:
            pipeline.run()
        assert str(caught.value).splitlines()[-2:] == [
            "  what ran before is kept: run(reuse=True) goes on here",
            "  only_nodes('train').run() repeats just this node",
        ]
        with pytest.raises(NodeExecutionError) as again:
            pipeline.only_nodes("train").run()
        assert again.value.inputs == caught.value.inputs
        (tmp_path / "mended").touch()
        assert pipeline.only_nodes("train").run()["model"] == 3.5
        statuses = [step.status for step in pipeline.run(reuse=True).steps]
        assert statuses[0] == "reused"

    def test_is_not_told_without_a_cache(self) -> None:
        """Nothing is kept there."""
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(train, ["rows", "config.rate"], [])], {"rate": 0}, rows=[1]).run()
        assert "reuse" not in str(caught.value)

    def test_repeating_is_not_told_when_an_input_lives_in_memory(self, tmp_path: Path) -> None:
        """It would be gone."""

        def load_live() -> Any:
            return lambda: 1

        def use(live: Any) -> None:
            raise ValueError("bad")

        pipeline = Pipeline(
            [Node(load_live, [], ["live"]), Node(use, ["live"], [])],
            use_persistent_cache=True,
            cache_storage_path=tmp_path / "shelf",
        )
        with pytest.raises(NodeExecutionError) as caught:
            pipeline.run()
        assert "run(reuse=True) goes on here" in str(caught.value)
        assert "only_nodes" not in str(caught.value)


def passed_on(func: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(func)
    def passing(*args: Any) -> Any:
        return func(*args)

    return passing


class TestReport:
    """What a failure shows, and what it never does."""

    def test_the_traceback_begins_in_the_users_code(self) -> None:
        """Then come the call of run() and a few frames of linepipe's."""

        @passed_on
        def divide(x: int) -> float:
            return x / 0

        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(divide, ["x"], ["y"])], x=1).run(hooks=[Hook()])
        cause = caught.value.__cause__
        assert cause is not None
        inner = traceback.extract_tb(cause.__traceback__)
        assert [frame.name for frame in inner] == ["passing", "divide"]
        outer = traceback.extract_tb(caught.value.__traceback__)
        assert all("linepipe_core" in frame.filename for frame in outer[1:])
        assert len(outer) <= 4

    def test_an_error_of_the_call_itself_keeps_its_traceback(self) -> None:
        """No frame of the user's has begun."""
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(len, ["x"], ["n"])], x=1).run()
        assert isinstance(caught.value.__cause__, TypeError)
        assert caught.value.__cause__.__traceback__ is not None
        assert "function: len, not written in Python" in str(caught.value)

    def test_tells_the_place_of_the_users_function(self) -> None:
        """Not of the decorator around it, nor of a partial."""

        def divide(x: int, y: int) -> float:
            return x / y

        line = divide.__code__.co_firstlineno
        for func in (passed_on(divide), partial(divide, 1), partial(passed_on(divide), 1)):
            inputs = ["y"] if isinstance(func, partial) else ["x", "y"]
            with pytest.raises(NodeExecutionError) as caught:
                Pipeline([Node(func, inputs, [], name="n")], x=1, y=0).run()
            assert f"divide, {__file__}:{line}" in str(caught.value)

    def test_an_error_whose_message_fails_is_told_all_the_same(self) -> None:
        """A broken __str__ must not take the report's place."""

        class MuteError(Exception):
            def __str__(self) -> str:
                raise ValueError("no message")

        def fail() -> None:
            raise MuteError

        run = Pipeline([Node(fail, [], [])]).start()
        assert "MuteError: (its message can't be shown)" in str(fails(run))

    def test_no_text_is_ever_shown(self) -> None:
        """Any of them may be a password: constants, config, in memory or in containers."""

        def fail(*values: Any) -> None:
            raise ValueError("bad")

        secrets: dict[str, Any] = {
            "key": "hunter2",
            "raw": b"hunter2",
            "list": ["hunter2"],
            "map": {"hunter2": 1},
        }
        names = [*secrets, "config", "config.password", "config.nested"]
        config = {"password": "hunter2", "nested": {"password": "hunter2"}}
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(fail, names, [])], config, **secrets).run()
        told = str(caught.value)
        assert "hunter2" not in told
        assert "key              str of 7" in told
        assert "map              dict of 1" in told
        assert "config.nested    dict\n" in told

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            (3, "int 3"),
            (2.5, "float 2.5"),
            (True, "bool True"),
            (None, "None"),
            (10**1000, "int"),
            ("text", "str of 4"),
            ([1], "list of 1"),
            (object(), "object"),
        ],
    )
    def test_values_are_told_by_type_and_size(self, value: Any, told: str) -> None:
        """Short numbers in full."""
        assert describe(value) == told
        assert describe_input("name", value) == told

    def test_a_value_that_fails_to_tell_is_told_by_its_type(self) -> None:
        """Whatever its methods raise."""

        class Broken(int):
            def __repr__(self) -> str:
                raise ValueError

            @property
            def shape(self) -> Any:
                raise ValueError

            def __len__(self) -> int:
                raise ValueError

        assert describe(Broken(1)) == "Broken (no repr)"


class TestNextInputs:
    """`run.next_inputs()`."""

    def test_are_private_copies_by_name(self) -> None:
        """Looking and changing spoils nothing."""
        with job(train).start() as run:
            next(run)
            run.next_inputs()["rows"].append(1000)
            assert run.next_inputs() == {"rows": [3, 4], "config.rate": 2}
            next(run)
            assert run.next_inputs() == {"model": 3.5}

    def test_are_refused_at_the_end(self) -> None:
        """There is no next node."""
        with job(train).start() as run:
            list(run)
            with pytest.raises(RunStateError, match="no node is left"):
                run.next_inputs()


def test_profiled_results_show_their_memory() -> None:
    """In the table that a result prints as; others have no such columns."""
    pytest.importorskip("linepipe_profile")
    plain = Pipeline([Node(load, [], ["rows"])])
    profiled = Pipeline([Node(load, [], ["rows"], profile=True), Node(len, ["rows"], ["n"])])
    assert "peak MiB" not in str(plain.run())
    lines = str(profiled.run()).splitlines()
    assert lines[0].split() == [
        "node",
        "status",
        "seconds",
        "ΔMem",
        "MiB",
        "peak",
        "MiB",
        "reasons",
    ]
    assert len(lines[1].split()) == 6
    assert len(lines[2].split()) == 4


class Printer:
    """What IPython prints with."""

    def __init__(self) -> None:
        self.printed = ""

    def text(self, words: str) -> None:
        self.printed += words


def test_results_and_plans_print_as_tables_in_ipython(tmp_path: Path) -> None:
    """Also where nothing is installed that draws tables."""
    pipeline = job(train, use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")
    for thing in (pipeline.plan(), pipeline.run()):
        printer = Printer()
        thing._repr_pretty_(printer, False)
        assert printer.printed == str(thing)
        lines = printer.printed.splitlines()
        assert [line.split()[:2] for line in lines[1:4]] == [
            ["1", "load"],
            ["2", "train"],
            ["3", "report"],
        ]


def test_a_result_tells_of_hooks_that_were_put_aside() -> None:
    """With what they raised."""

    class Broken(Hook):
        def before_node(self, step: Step) -> None:
            raise RuntimeError("no such progress bar")

    result = job(train).run(hooks=[Broken()])
    assert str(result).endswith(
        "hooks put aside:\n  <FailedHook Broken.before_node: RuntimeError('no such progress bar')>"
    )
