"""Times of an earlier run, as estimates for the next."""

from __future__ import annotations

from collections.abc import Iterable

from linepipe_core import Node, Step

__all__ = ["Estimates"]


class Estimates:
    """Seconds that each node took when it last ran.

    Args:
        steps: of the earlier run; steps without a time, such as reused ones, count for nothing.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        self._seconds = {
            (step.node.name, step.node.outputs): step.seconds
            for step in steps
            if step.seconds is not None
        }

    def of(self, node: Node) -> float | None:
        """The estimate for a node; None if there is none."""
        return self._seconds.get((node.name, node.outputs))

    def of_all(self, nodes: Iterable[Node]) -> float | None:
        """The sum for several nodes; None if one of them has no estimate."""
        times = [self.of(node) for node in nodes]
        known = [seconds for seconds in times if seconds is not None]
        return sum(known) if known and len(known) == len(times) else None
