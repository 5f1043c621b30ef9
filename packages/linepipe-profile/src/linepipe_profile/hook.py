"""The hook that profiles nodes: chooses how to measure, and measures each call.

Memory is read beside the node's function, which the hook never calls: the function runs
exactly once, and its exception passes through unchanged.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from numbers import Real

from linepipe_core import Hook, Run, RunResult, Step
from linepipe_profile import kernel
from linepipe_profile.meter import Meter, ProcessSampler, thread_sampler
from linepipe_profile.watcher import Watcher, WatcherError

__all__ = ["MemoryProfile", "ProfileWhereAsked"]

_log = logging.getLogger("linepipe.profile")


class MemoryProfile(Hook):
    """Measures the memory of each node's call and puts it on ``step.memory``.

    Logs, at INFO on ``linepipe.profile``, a line like
    ``[node_name] ΔMem: 0.94 MiB | Peak: 0.94 MiB``. Runs in many threads may share one; memory
    that they allocate at the same time is then in each other's figures, for memory belongs to
    the process.

    Args:
        interval: seconds between two samples.
        include_children: True to count the private memory of child processes, too. Those that
            live for less than about 0.05 s may be missed.

    Raises:
        TypeError: ``interval`` is no number.
        ValueError: ``interval`` isn't positive, or is longer than ``threading.TIMEOUT_MAX``.

    Example:
        >>> from linepipe_core import Node, Pipeline
        >>> def make(): return bytearray(50 * 2**20)
        >>> result = Pipeline([Node(make, [], ["block"])]).run(hooks=[MemoryProfile()])
        >>> round(result.steps[0].memory.delta_mib)
        50
    """

    def __init__(self, interval: float = 0.01, include_children: bool = False) -> None:
        self.interval: float = _checked_interval(interval)
        self.include_children = include_children
        self._runs: weakref.WeakSet[Run] = weakref.WeakSet()
        self._n_measured = 0  # calls that are measured at this moment
        self._watcher: Watcher | None = None
        # Reentrant: a dropped run may be collected, and release the watcher, while it is held.
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return (
            f"MemoryProfile(interval={self.interval!r}, include_children={self.include_children!r})"
        )

    def before_run(self, run: Run) -> None:
        """Note that a run uses this hook, so that the last one ends the watching process."""
        with self._lock:
            self._runs.add(run)
        weakref.finalize(run, self._release).atexit = False

    def after_run(self, result: RunResult) -> None:  # noqa: ARG002
        """End the watching process, if there is one and no other run needs it."""
        self._release()

    def around_node(self, step: Step) -> AbstractContextManager[object]:
        """Measure from entry to exit, also if the node fails."""
        return _Measurement(step, self)

    def _meters(self) -> Iterator[Meter]:
        """Yield the meters that may measure a node, the best first."""
        # A node shouldn't fork beside a thread of ours; and without the high-water mark, a
        # thread may miss peaks while the node holds the interpreter lock.
        if self.include_children or not kernel.has_high_water_mark():
            try:
                sampler = ProcessSampler(self._running_watcher(), self.include_children)
            except WatcherError as error:
                _log.info("memory is sampled from a thread: %s", error)
            else:
                yield Meter(sampler, "process", self.include_children)
        thread = thread_sampler(self.interval, self.include_children)
        yield Meter(thread, "thread", self.include_children)

    def _running_watcher(self) -> Watcher:
        with self._lock:
            if self._watcher is None or not self._watcher.is_alive():
                self._watcher = Watcher(self.interval, self.include_children)
            return self._watcher

    def _begin_measurement(self) -> None:
        with self._lock:
            self._n_measured += 1

    def _end_measurement(self, *, is_put_aside: bool = False) -> None:
        with self._lock:
            self._n_measured -= 1
            # The run no longer calls a hook that it has put aside, not even at its end. Other
            # runs may start another watching process at their next node.
            if is_put_aside and self._n_measured == 0:
                self._close_watcher()

    def _release(self) -> None:
        """End the watching process unless a run may still measure a node."""
        with self._lock:
            if not any(run.next_node is not None for run in self._runs):
                self._close_watcher()

    def _close_watcher(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.close()


def _checked_interval(interval: object) -> float:
    """Return the interval in seconds, or raise an error that says what to give instead."""
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
    """Profiles the nodes made with ``profile=True``; a run uses it by itself."""

    def around_node(self, step: Step) -> AbstractContextManager[object]:
        """Measure a node made with ``profile=True``; do nothing for the others."""
        return super().around_node(step) if step.node.profile else nullcontext()


class _Measurement:
    """The context manager around one call; a class, so that it adds no frame to tracebacks."""

    _meter: Meter | None = None
    _has_begun = False

    def __init__(self, step: Step, hook: MemoryProfile) -> None:
        self._step = step
        self._hook = hook

    def __enter__(self) -> None:
        self._hook._begin_measurement()
        self._has_begun = True
        try:
            for meter in self._hook._meters():
                self._meter = meter
                try:
                    meter.start()
                except WatcherError as error:
                    _log.info("memory is sampled from a thread: %s", error)
                else:
                    return
        except BaseException as error:
            self._abort(error)
            raise

    def __exit__(self, *raised: object) -> None:
        assert self._meter is not None, "it was entered"
        try:
            record = self._meter.stop()
        except BaseException as error:
            self._abort(error)
            raise
        self._end()
        self._step.memory = record
        _log.info("[%s] %s", self._step.node.name, record)

    def _abort(self, error: BaseException) -> None:
        """Stop all that runs: after an Exception the run puts the hook aside."""
        self._end(is_put_aside=isinstance(error, Exception))

    def _end(self, *, is_put_aside: bool = False) -> None:
        if self._meter is not None:
            self._meter.end()
        if self._has_begun:
            self._has_begun = False
            self._hook._end_measurement(is_put_aside=is_put_aside)

    __del__ = _end  # an interrupt may come as `__exit__` begins: stop sampling even then
