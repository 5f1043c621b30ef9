"""Runs jobs through an executor of the user's, and loses only those that end their worker.

Apart from `cases`, which knows pipelines: here a job is a label and the arguments of a function.
Short jobs go several at a time, for handing one over costs as much as a millisecond of work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from linepipe_core._errors import RunStateError

if TYPE_CHECKING:  # loads threads and queues, which a run here doesn't need
    from concurrent.futures import Executor, Future
    from queue import SimpleQueue

__all__ = ["is_local", "outcomes"]

T = TypeVar("T")
Outcome: TypeAlias = "tuple[str, T | Exception]"
Job: TypeAlias = Sequence[Any]

_AHEAD: Final = 2  # parcels handed over for each worker, so that none waits for the next one
_PARCEL_SECONDS: Final = 0.1  # of work: handing one over costs about a hundredth of that
_MOST_JOBS: Final = 64  # in one parcel
_SHARES: Final = 4  # each worker gets the last jobs in so many parcels, to end with the others

_BROKEN: Final = (
    "the executor broke before this case began\n"
    "  run the cases that are left again, on a new executor: error.failed names them"
)


def outcomes(
    executor: Executor, work: Callable[..., T], shared: Job, jobs: Mapping[str, Job]
) -> Iterator[Outcome[T]]:
    """Run the jobs, and give each one's label with its result or error, as they finish.

    A process pool breaks as a whole when one of its workers dies. The jobs that it had then are
    tried again, each in a worker of its own, so that only those that end their worker fail, and
    the rest goes on in a new pool. Any error but an Exception (an interrupt) cancels what is left.

    Args:
        executor: any; it is left open.
        work: the function; its name must be importable in the workers.
        shared: the arguments that go first, the same for every job.
        jobs: label -> the function's other arguments.
    """
    waiting = deque(jobs)
    pool: Executor | None = executor
    own: Executor | None = None  # in place of the user's, once that is broken
    try:
        while waiting:
            if pool is None:
                yield waiting.popleft(), RunStateError(_BROKEN)
                continue
            lost: list[str] = []
            yield from _Pool(pool, work, shared, jobs).until_broken(waiting, lost)
            if not lost:
                continue
            yield from _each_alone(executor, work, shared, jobs, lost)
            if own is not None:
                own.shutdown(wait=False)
            pool = own = _fresh(executor, None)
    finally:
        if own is not None:
            own.shutdown(wait=True)


def is_local(executor: Executor) -> bool:
    """Return True if the executor's workers are processes of this machine."""
    from concurrent.futures import ProcessPoolExecutor

    return isinstance(executor, ProcessPoolExecutor) or _is_of_loky(executor)


def _is_of_loky(executor: Executor) -> bool:
    return any(kind.__module__.partition(".")[0] == "loky" for kind in type(executor).__mro__)


def _run_parcel(
    work: Callable[..., T], shared: Job, parcel: Sequence[Job]
) -> tuple[list[T | Exception], float]:
    """In the worker: the outcome of each job, and how long they took together."""
    started = perf_counter()
    outcomes: list[T | Exception] = []
    for job in parcel:
        try:
            outcomes.append(work(*shared, *job))
        except Exception as error:  # each fails for itself
            outcomes.append(error)
    return outcomes, perf_counter() - started


class _Pool(Generic[T]):
    """One executor, and what it has to do.

    Args:
        executor: the executor.
        work: the function.
        shared: its first arguments.
        jobs: label -> its other arguments.
    """

    def __init__(
        self, executor: Executor, work: Callable[..., T], shared: Job, jobs: Mapping[str, Job]
    ) -> None:
        from queue import SimpleQueue

        n_workers = getattr(executor, "_max_workers", None)
        self._n_workers = n_workers if isinstance(n_workers, int) else None
        self._executor = executor
        self._work, self._shared, self._jobs = work, shared, jobs
        self._running: dict[Future[Any], list[str]] = {}
        self._done: SimpleQueue[Future[Any]] = SimpleQueue()
        self._seconds: float | None = None  # of one job, as the last parcel had it

    def until_broken(self, waiting: deque[str], lost: list[str]) -> Iterator[Outcome[T]]:
        """Run the waiting jobs; if the executor breaks, leave the rest and name those it had."""
        from concurrent.futures import BrokenExecutor

        try:
            while (waiting and not lost) or self._running:
                while waiting and not lost and self._has_room():
                    labels = [waiting.popleft() for _ in range(self._parcel_size(len(waiting)))]
                    try:
                        self._submit(labels)
                    except BrokenExecutor:
                        if self._running:
                            waiting.extendleft(reversed(labels))
                        else:  # it was broken before it got any of these
                            lost += labels
                        break
                if not self._running:
                    break
                future = self._done.get()
                labels = self._running.pop(future)
                try:
                    outcomes, seconds = future.result()
                except BrokenExecutor:
                    lost += labels
                except Exception as error:  # the parcel as a whole couldn't be sent
                    yield from ((label, error) for label in labels)
                else:
                    self._seconds = seconds / len(labels)
                    yield from zip(labels, outcomes, strict=True)
        finally:
            for future in self._running:
                future.cancel()

    def _has_room(self) -> bool:
        return self._n_workers is None or len(self._running) < self._n_workers * _AHEAD

    def _parcel_size(self, n_waiting: int) -> int:
        if self._n_workers is None or self._seconds is None:
            return 1
        fair = n_waiting // (self._n_workers * _SHARES)
        wanted = int(_PARCEL_SECONDS / max(self._seconds, 1e-6))
        return max(1, min(fair, wanted, _MOST_JOBS))

    def _submit(self, labels: list[str]) -> None:
        parcel = [self._jobs[label] for label in labels]
        future = self._executor.submit(_run_parcel, self._work, self._shared, parcel)
        self._running[future] = labels
        future.add_done_callback(self._done.put)


def _each_alone(
    executor: Executor,
    work: Callable[..., T],
    shared: Job,
    jobs: Mapping[str, Job],
    lost: list[str],
) -> Iterator[Outcome[T]]:
    """The outcomes of jobs that lost their pool, each in a pool of one worker, some at once."""
    from concurrent.futures import BrokenExecutor
    from queue import SimpleQueue

    n_workers = getattr(executor, "_max_workers", 1)
    waiting = deque(lost)
    idle: list[Executor] = []
    running: dict[Future[Any], tuple[str, Executor]] = {}
    done: SimpleQueue[Future[Any]] = SimpleQueue()
    try:
        while waiting or running:
            while waiting and len(running) < n_workers:
                label = waiting.popleft()
                pool = idle.pop() if idle else _fresh(executor, 1)
                if pool is None:
                    yield label, _worker_ended(label)
                    continue
                try:
                    future = pool.submit(_run_parcel, work, shared, [jobs[label]])
                except BrokenExecutor:  # its worker was ended while it had nothing to do
                    pool.shutdown(wait=False)
                    waiting.appendleft(label)
                    continue
                running[future] = label, pool
                future.add_done_callback(done.put)
            if not running:
                break
            future = done.get()
            label, pool = running.pop(future)
            try:
                (outcome,), _ = future.result()
            except BrokenExecutor:
                pool.shutdown(wait=False)
                yield label, _worker_ended(label)
                continue
            except Exception as error:
                outcome = error
            idle.append(pool)
            yield label, outcome
    finally:
        for future in running:
            future.cancel()
        for pool in (*idle, *(each for _, each in running.values())):
            pool.shutdown(wait=True)


def _worker_ended(label: str) -> RunStateError:
    return RunStateError(
        f"the worker process of case {label!r} ended abruptly: it was killed, or crashed\n"
        "  out of memory? Give each worker less to do, or take fewer workers"
    )


def _fresh(executor: Executor, n_workers: int | None) -> Executor | None:
    """A process pool like a broken one, or None if it isn't known how to make one."""
    from concurrent.futures import Executor

    known = vars(executor)
    options = {
        "max_workers": n_workers or known.get("_max_workers"),
        "initializer": known.get("_initializer"),
        "initargs": known.get("_initargs", ()),
    }
    for name, held in (("mp_context", "_mp_context"), ("context", "_context")):  # loky's is short
        if known.get(held) is not None:
            options[name] = known[held]
    kinds: list[Any] = [kind for kind in type(executor).__mro__ if kind not in (Executor, object)]
    for kind in kinds:  # a derived one, such as loky's reusable pool, may take anything
        try:
            fresh: Executor = kind(**options)
        except Exception:
            continue
        return fresh
    return None
