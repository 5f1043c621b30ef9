"""The hook that profiles nodes: chooses how to measure, holds the measuring around the call.

Memory is read beside the node, never around it: a hook has no callable to run, so the
function runs exactly once, and its exception passes through untouched.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from numbers import Real
from typing import TYPE_CHECKING

from linepipe_core import Hook
from linepipe_profile import kernel
from linepipe_profile.meter import Meter, WatchedSampler, thread_sampler
from linepipe_profile.watcher import Watcher, WatcherError

if TYPE_CHECKING:
    from linepipe_core import Run, RunResult, Step

__all__ = ["MemoryProfile", "ProfileWhereAsked"]

_log = logging.getLogger("linepipe.profile")


class MemoryProfile(Hook):
    """Measures the memory of each node's call and puts it on ``step.memory``.

    Logs, at INFO on ``linepipe.profile``, a line like
    ``[node_name] ΔMem: 0.94 MiB | Peak: 0.94 MiB``. May be shared by runs in many threads;
    what they allocate at the same time is then in each other's figures, for memory belongs
    to the process.

    Args:
        interval: seconds between two samples.
        include_children: count what child processes hold for themselves, too. Those that
            live for less than about 0.05 s may be missed.

    Raises:
        TypeError: ``interval`` is no number.
        ValueError: ``interval`` isn't positive, or longer than anybody can wait.

    Example:
        >>> from linepipe_core import Node, Pipeline
        >>> def make(): return bytearray(50 * 2**20)
        >>> result = Pipeline([Node(make, [], ["block"])]).run(hooks=[MemoryProfile()])
        >>> round(result.steps[0].memory.delta_mib)
        50
    """

    def __init__(self, interval: float = 0.01, include_children: bool = False) -> None:
        self.interval: float = _checked(interval)
        self.include_children = include_children
        self._n_runs = 0
        self._watcher: Watcher | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return (
            f"MemoryProfile(interval={self.interval!r}, include_children={self.include_children!r})"
        )

    def before_run(self, run: Run) -> None:  # noqa: ARG002
        """Count the runs that use this hook, so that the last one may tidy up."""
        with self._lock:
            self._n_runs += 1

    def after_run(self, result: RunResult) -> None:  # noqa: ARG002
        """End the watching process, if there is one and no other run needs it."""
        self._leave()

    def around_node(self, step: Step) -> AbstractContextManager[object]:
        """Measure from the entry to the exit, whichever way the node ends."""
        return _Measured(step, self._meters, self._leave)

    def _meters(self) -> Iterator[Meter]:
        """What may measure a node, the best first; where that can't begin, the next."""
        # Beside a thread of ours a node shouldn't fork; and without the mark, a thread may
        # miss what happens while the node holds the interpreter lock.
        if self.include_children or not kernel.supported():
            try:
                watched = WatchedSampler(self._watching(), self.include_children)
            except WatcherError as error:
                _log.info("memory is sampled from a thread: %s", error)
            else:
                yield Meter(watched, "process", self.include_children)
        sampler = thread_sampler(self.interval, self.include_children)
        yield Meter(sampler, "thread", self.include_children)

    def _watching(self) -> Watcher:
        with self._lock:
            if self._watcher is None or not self._watcher.answers():
                self._watcher = Watcher(self.interval, self.include_children)
            return self._watcher

    def _leave(self) -> None:
        """A run needs this no more: it has ended, or puts this hook aside."""
        with self._lock:
            self._n_runs -= 1
            if self._n_runs <= 0 and self._watcher is not None:
                self._watcher.close()
                self._watcher = None


def _checked(interval: object) -> float:
    """The seconds between two samples, if there can be so many."""
    problem = (
        f"MemoryProfile(interval={interval!r}) can't sample: "
        "give the seconds between two samples, such as 0.01"
    )
    if not isinstance(interval, Real):
        raise TypeError(problem)
    seconds = float(interval)
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise ValueError(problem)
    return seconds


class ProfileWhereAsked(MemoryProfile):
    """What a run uses of its own accord: profiles the nodes made with ``profile=True``."""

    def around_node(self, step: Step) -> AbstractContextManager[object]:
        """Measure the nodes that ask for it, and leave the others alone."""
        return super().around_node(step) if step.node.profile else nullcontext()


class _Measured:
    """Held around one call. A class, not a generator: it stays out of the node's traceback."""

    _meter: Meter | None = None

    def __init__(
        self, step: Step, meters: Callable[[], Iterator[Meter]], leave: Callable[[], None]
    ) -> None:
        self._step = step
        self._meters = meters
        self._leave = leave

    def __enter__(self) -> None:
        try:
            for meter in self._meters():
                self._meter = meter
                try:
                    meter.start()
                except WatcherError as error:
                    _log.info("memory is sampled from a thread: %s", error)
                else:
                    return
        except BaseException as error:
            self._give_up(error)
            raise

    def __exit__(self, *raised: object) -> None:
        assert self._meter is not None, "it was entered"
        try:
            record = self._meter.stop()
        except BaseException as error:
            self._give_up(error)
            raise
        self._step.memory = record
        _log.info("[%s] %s", self._step.node.name, record)

    def _give_up(self, error: BaseException) -> None:
        """Leave nothing running: the run doesn't tell a hook that failed when it ends."""
        self._end()
        if isinstance(error, Exception):
            self._leave()

    def _end(self) -> None:
        if self._meter is not None:
            self._meter.end()

    __del__ = _end  # where an interrupt came as `__exit__` began: nothing goes on sampling
