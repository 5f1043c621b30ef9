"""Times of an earlier run, as estimates for the next."""

from __future__ import annotations

from collections.abc import Iterable

from linepipe_core import Node, PlanEntry, Step

__all__ = ["Estimates"]


class Estimates:
    """Seconds that each node took when it last ran.

    Args:
        known: the steps of an earlier run, or the entries of a plan, which has the times from the
            shelf. Those without a time, such as reused steps, count for nothing.
    """

    def __init__(self, known: Iterable[Step | PlanEntry]) -> None:
        self._seconds = {
            (each.node.name, each.node.outputs): each.seconds
            for each in known
            if each.seconds is not None
        }

    def of(self, node: Node) -> float | None:
        """The estimate for a node; None if there is none."""
        return self._seconds.get((node.name, node.outputs))

    def of_all(self, nodes: Iterable[Node]) -> float | None:
        """The sum for several nodes; None if one of them has no estimate."""
        times = [self.of(node) for node in nodes]
        known = [seconds for seconds in times if seconds is not None]
        return sum(known) if known and len(known) == len(times) else None
