"""Small nodes and chains of them, which runs are tested with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from linepipe_core import (
    Hook,
    Node,
    Pipeline,
    Run,
    RunResult,
    Step,
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
