"""Makes the main thread's transactions in a thread of its own.

Signal handlers run in the main thread, between any two lines of it, so also inside a
transaction of its own: one that stores on the same shelf would wait for itself. No handler
ever interrupts this thread. The main thread waits, and so does its handler, each for its own.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from linepipe_core._store.fork_gate import GATE

T = TypeVar("T")

# How often one who waits looks whether a handler of its own has forked it off its writer.
LOOK_SECONDS: Final = 1.0


class Job(Generic[T]):
    """One piece of work, and what came of it.

    Attributes:
        is_given_up: True once an interrupt has come to the one who waits: work that waits for
            a lock ends then, and a transaction that has begun ends as it would.
    """

    def __init__(self, work: Callable[[Job[T]], T]) -> None:
        self._work = work
        self._done = threading.Lock()
        self._done.acquire()
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        self._pid = os.getpid()
        self.is_given_up = False

    def do(self) -> None:
        """Do the work; never raises."""
        try:
            self._results.append(self._work(self))
        except BaseException as error:
            self._errors.append(error)

    def finish(self) -> None:
        """Let the one who waits go on."""
        self._done.release()

    def result(self) -> T:
        """Wait for the work, interrupts or not: it uses what belongs to the one who waits.

        Raises:
            BaseException: what the work raised, or the interrupt that came meanwhile.
        """
        interrupts: list[BaseException] = []
        while not (self._results or self._errors):
            try:
                self._done.acquire(timeout=LOOK_SECONDS)
                if os.getpid() != self._pid:
                    raise RuntimeError(
                        "a signal handler forked this process in the middle of a store: the "
                        "store is its parent's"
                    )
            except BaseException as error:
                interrupts.append(error)
                self.is_given_up = True
                if os.getpid() != self._pid:
                    break
        # Popped: a frame of its own traceback that holds it would keep all of them alive.
        if interrupts:
            raise interrupts.pop(0)
        if self._errors:
            raise self._errors.pop()
        return self._results.pop()


class Writer:
    """The thread, which begins with its first job and ends before a fork."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._open: list[Job[Any]] = []

    def is_needed(self) -> bool:
        """Return True in the main thread."""
        return threading.current_thread() is threading.main_thread()

    def run(self, work: Callable[[Job[T]], T]) -> T:
        """Do the work in the writer's thread, if one can be had, and wait for it."""
        job = Job(work)
        try:
            # First: from here on a handler that forks leaves the thread alone.
            self._open.append(job)
            if self._is_there():
                self._jobs.put(job)
            else:
                job.do()
            return job.result()
        finally:
            if job in self._open:
                self._open.remove(job)

    def _is_there(self) -> bool:
        """Start the thread. Returns False where none can be had."""
        if sys.is_finalizing():
            return False
        thread = self._thread
        if thread is None or not thread.is_alive():
            try:
                thread = threading.Thread(
                    target=_work, args=(self._jobs,), daemon=True, name="linepipe shelf"
                )
                thread.start()
            except RuntimeError:  # no more threads, or the interpreter is going down
                return False
            self._thread = thread
        return True

    def before_fork(self) -> None:
        """End the thread: a process of one thread forks without a warning of Python's."""
        if self._open:  # a handler forks: the main thread below it waits for a job
            return
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join()

    def after_fork_in_child(self, *, was_inside: bool) -> None:  # noqa: ARG002  # as `Forkable`
        """Forget the parent's thread and its jobs."""
        self._begin()


def _work(jobs: queue.SimpleQueue[Job[Any] | None]) -> None:
    while (job := jobs.get()) is not None:
        calls = GATE.calls()
        depth = calls.depth
        try:
            job.do()
        finally:
            job.finish()
            calls.depth = depth
        del job


WRITER: Final = Writer()
GATE.guard(WRITER)
