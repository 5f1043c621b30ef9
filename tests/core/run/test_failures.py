"""Failures in each phase of a run, and how to go on."""

from __future__ import annotations

import errno
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.core.run.job import Kind, check_ended, fails, first_lines, job, report, train

from linepipe_core import (
    MapError,
    MissingInputError,
    Node,
    NodeExecutionError,
    ObjectRegistry,
    OutputMismatchError,
    Pipeline,
    RegistryClosedError,
    RunStateError,
    ShelfWriteError,
)
from linepipe_core._store.shelf_registry import ShelfRegistry
from linepipe_core._store.store import Store
from linepipe_core.shelf import ObjectShelf


def fail_if_short(n: int) -> int:
    return 1 // n


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
        keeper: type = ObjectRegistry
        name = "put"
        if isinstance(run.registry, ShelfRegistry):
            keeper, name = Store, "write"
        put = getattr(keeper, name)

        def full_at_train(self: Any, *what: Any) -> Any:
            makers = [getattr(each, "node", each) for each in what]  # a node, or a result's name
            if "train" in [getattr(maker, "name", maker) for maker in makers]:
                raise ShelfWriteError("the disk is full", "/shelf") from full
            return put(self, *what)

        monkeypatch.setattr(keeper, name, full_at_train)
        error = fails(run)
        assert first_lines(error) == "node 2 of 3 'train' failed while storing its outputs"
        assert "ShelfWriteError: the disk is full" in str(error)
        assert "\n    rows         (not at hand)\n" in str(
            error
        )  # given up by then, and not "none"
        check_ended(run, pipeline)

    def test_releasing(self, make: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
        """An object that nobody asked for can't be dropped."""

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


class TestHowToGoOn:
    """The end of the report, where there is a cache."""

    @staticmethod
    def failing(tmp_path: Path) -> Pipeline:
        def divide(rows: list[int], rate: int) -> float:
            return sum(rows) / (rate if (tmp_path / "mended").exists() else 0)

        return job(divide, use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")

    def test_nothing_is_kept_where_the_first_node_fails(self, tmp_path: Path) -> None:
        """Then the report doesn't say so."""
        shelf = tmp_path / "shelf"
        node = Node(lambda: 1 / 0, [], ["x"], name="first")
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([node], use_persistent_cache=True, cache_storage_path=shelf).run()
        said = str(caught.value)
        assert "what ran before is kept" not in said
        assert "only_nodes('first').run() repeats just this node" in said

    def test_the_advice_is_true(self, tmp_path: Path) -> None:
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

    def test_no_advice_is_given_without_a_cache(self) -> None:
        """Nothing is kept there."""
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(train, ["rows", "config.rate"], [])], {"rate": 0}, rows=[1]).run()
        assert "reuse" not in str(caught.value)

    def test_repeating_is_not_advised_when_an_input_lives_in_memory(self, tmp_path: Path) -> None:
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

    def test_says_how_a_case_of_a_map_goes_on(self, tmp_path: Path) -> None:
        """By the pipeline bound to the case, in its partition; and that works."""
        nodes = [Node(len, ["text"], ["n"]), Node(fail_if_short, ["n"], ["m"])]
        pipeline = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")
        with pytest.raises(MapError) as caught:
            pipeline.map({"a": {"text": ""}})
        case = "bind(...).replace(partition='a')"
        report = str(caught.value.failed["a"])
        assert f"{case}.run(reuse=True) goes on here" in report
        assert f"{case}.only_nodes('fail_if_short').run() repeats just this node" in report
        again = pipeline.bind(text="").replace(partition="a")
        with pytest.raises(NodeExecutionError):
            again.only_nodes("fail_if_short").run()

    def test_promises_nothing_where_the_shelf_itself_failed(self, tmp_path: Path) -> None:
        """What ran before went with it."""
        pipeline = Pipeline(
            [Node(len, ["text"], ["n"]), Node(abs, ["n"], ["m"])],
            use_persistent_cache=True,
            cache_storage_path=tmp_path / "shelf",
            text="four",
        )
        with pipeline.start() as run:
            next(run)
            shutil.rmtree(tmp_path / "shelf")
            with pytest.raises(NodeExecutionError) as caught:
                run.finish()
        assert "goes on here" not in str(caught.value)


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

    def test_are_refused_where_the_run_was_closed(self) -> None:
        """Nodes are left, and won't run any more."""
        run = job(train).start()
        next(run)
        run.close()
        with pytest.raises(RunStateError, match="has ended before 'train'"):
            run.next_inputs()
