"""Runs jobs through an executor of the user's, and loses only those that end their worker.

Apart from `cases`, which knows pipelines: here a job is a label and the arguments of a function.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from linepipe_core._errors import RunStateError

if TYPE_CHECKING:  # loads threads and queues, which a run here doesn't need
    from concurrent.futures import Executor, Future

__all__ = ["outcomes"]

T = TypeVar("T")
Outcome: TypeAlias = "tuple[str, T | Exception]"

_AHEAD: Final = 4  # jobs handed over for each worker, so that none waits for the next one


def outcomes(
    executor: Executor, work: Callable[..., T], jobs: Mapping[str, Sequence[Any]]
) -> Iterator[Outcome[T]]:
    """Run the jobs, and give each one's label with its result or error, as they finish.

    A process pool breaks as a whole when one of its workers dies. The jobs that it had then are
    tried again, each in a pool of its own, so that only those that end their worker fail, and the
    rest goes on in a new pool. Any error but an Exception (an interrupt) cancels what is left.

    Args:
        executor: any; it is left open.
        work: the function; its name must be importable in the workers.
        jobs: label -> the function's arguments.
    """
    waiting = deque(jobs)
    pool: Executor | None = executor
    own: Executor | None = None  # in place of the user's, once that is broken
    try:
        while waiting:
            if pool is None:
                yield waiting.popleft(), RunStateError("the executor broke before this case began")
                continue
            lost: list[str] = []
            yield from _until_broken(pool, work, jobs, waiting, lost)
            if not lost:
                continue
            for label in lost:
                yield label, _alone(executor, work, jobs[label], label)
            if own is not None:
                own.shutdown(wait=False)
            pool = own = _fresh(executor, None)
    finally:
        if own is not None:
            own.shutdown(wait=True)


def _until_broken(
    executor: Executor,
    work: Callable[..., T],
    jobs: Mapping[str, Sequence[Any]],
    waiting: deque[str],
    lost: list[str],
) -> Iterator[Outcome[T]]:
    """Run the waiting jobs; if the executor breaks, leave the rest and name those that it had."""
    from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, wait

    n_workers = getattr(executor, "_max_workers", None)
    window = n_workers * _AHEAD if isinstance(n_workers, int) else len(waiting)
    running: dict[Future[T], str] = {}
    try:
        while (waiting and not lost) or running:
            while waiting and not lost and len(running) < window:
                try:
                    running[executor.submit(work, *jobs[waiting[0]])] = waiting[0]
                except BrokenExecutor:
                    if not running:  # it was broken before it got any of these
                        lost.append(waiting[0])
                        waiting.popleft()
                    break
                waiting.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                label = running.pop(future)
                try:
                    yield label, future.result()
                except BrokenExecutor:
                    lost.append(label)
                except Exception as error:
                    yield label, error
    finally:
        for future in running:
            future.cancel()


def _alone(
    executor: Executor, work: Callable[..., T], arguments: Sequence[Any], label: str
) -> T | Exception:
    """The outcome of a job in a pool of its own."""
    from concurrent.futures import BrokenExecutor

    pool = _fresh(executor, 1)
    if pool is not None:
        with pool:
            try:
                return pool.submit(work, *arguments).result()
            except BrokenExecutor:
                pass
            except Exception as error:
                return error
    return RunStateError(
        f"the worker process of case {label!r} ended abruptly: it was killed, or crashed\n"
        "  out of memory? Give each worker less to do, or take fewer workers"
    )


def _fresh(executor: Executor, n_workers: int | None) -> Executor | None:
    """A process pool like a broken one, or None if it isn't known how to make one."""
    kind: Any = type(executor)
    known = vars(executor)
    options = {
        "max_workers": n_workers or known.get("_max_workers"),
        "initializer": known.get("_initializer"),
        "initargs": known.get("_initargs", ()),
    }
    for name, held in (("mp_context", "_mp_context"), ("context", "_context")):  # loky's is short
        if known.get(held) is not None:
            options[name] = known[held]
    try:
        fresh: Executor = kind(**options)
    except Exception:  # a class of somebody else's may take anything
        return None
    return fresh
