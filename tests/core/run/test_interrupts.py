"""Interrupts end a run wherever they arrive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.core.run.job import Kind, check_ended, fails, job, train

from linepipe_core import (
    Hook,
    RegistryClosedError,
    Run,
    RunResult,
    Step,
)


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

    def test_in_on_node_error(self, make: Kind) -> None:
        """The interrupt is the newer, and wins; the run ends."""

        def divide(rows: list[int], rate: int) -> float:
            return sum(rows) / 0

        pipeline = make(divide)
        run = pipeline.start(hooks=[Interrupted("on_node_error")])
        interrupt = fails(run, KeyboardInterrupt)
        assert isinstance(interrupt.__context__, ZeroDivisionError)
        check_ended(run, pipeline)

    def test_while_the_beginning_is_logged(
        self, make: Kind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No turn has begun yet."""

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        pipeline = make(train)
        caplog.set_level("INFO", "linepipe.run")
        run = pipeline.start()
        monkeypatch.setattr(caplog.handler, "handle", interrupted)
        fails(run, KeyboardInterrupt)
        check_ended(run, pipeline, n_ran=0)

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
