"""A step for tests of the context manager alone, without a run."""

from __future__ import annotations

from typing import Any, cast

from linepipe_core import Hook, Node
from linepipe_core.run import Step


def do_nothing() -> None:
    """The function of nodes that are never called."""


def step_of(name: str = "node") -> Step:
    """A step whose node has that name."""
    return Step(Node(do_nothing, [], [], name=name), 0)


def measured(hook: Hook, work: Any) -> Any:
    """The record of one call of ``work``."""
    step = step_of()
    with hook.around_node(step):
        work()
    return cast("Any", step.memory)
