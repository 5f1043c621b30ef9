"""A job of three nodes, with and without history and cache, and checks of how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from linepipe_core import (
    Node,
    NodeExecutionError,
    Pipeline,
    RegistryClosedError,
    Run,
    RunStateError,
)
from linepipe_core.shelf import ObjectShelf

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
