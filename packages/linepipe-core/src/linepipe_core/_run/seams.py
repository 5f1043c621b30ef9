"""The two seams of a run: to the hooks that watch it, and to what it may reuse.

Apart from the run, which knows neither: hooks know of runs, and the session loads sqlite3, which
a run in memory doesn't need.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from linepipe_core._reuse.decide import Decision
from linepipe_core._run.result import FailedHook
from linepipe_core._run.step import Step
from linepipe_core._store.info import ObjectInfo

__all__ = ["Observers", "Session"]


class Observers(Protocol):
    """The hooks of one run.

    Attributes:
        failed: the hooks that raised and were put aside so far.
    """

    failed: list[FailedHook]

    def call(self, event: str, *args: Any) -> None:
        """Tell every hook of an event."""

    def around(self, step: Step, work: Callable[..., Any], *args: Any) -> Any:
        """Do the work inside the hooks' context managers, and return its value."""


class Session(Protocol):
    """One run's dealings with earlier runs; see `_reuse.session.ReuseSession`."""

    @property
    def from_shelf(self) -> tuple[ObjectInfo, ...]:
        """The objects that come from the shelf and that no node of the run makes."""

    def late_inputs(self) -> Collection[str]:
        """The objects to keep to the end, for nodes that may run out of turn."""

    def log_provenance(self) -> None:
        """Log what comes from the shelf."""

    def deferred(self, index: int) -> Sequence[int]:
        """The nodes that were put off and must run before this one, in order."""

    def decide(self, index: int) -> Decision:
        """Decide to run or to reuse the node whose turn it is."""

    def begin(self, index: int) -> None:
        """The node is about to run."""

    def record(self, index: int, made: list[Any], seconds: float | None) -> None:
        """Store a node's outputs, one value each, with their record; the list is emptied."""

    def failed(self, index: int) -> None:
        """The node has failed."""

    def end(self) -> None:
        """The run is over."""
