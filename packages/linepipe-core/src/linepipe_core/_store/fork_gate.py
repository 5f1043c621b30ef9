"""Lets a process fork only while none of its threads is inside SQLite, and none has it open.

A child that inherits an open connection inherits SQLite's books of who holds which lock, while
the kernel's locks stay with the parent: it would be refused for ever, lose commits, or delete
another process's log as it exits. So a fork waits for the calls and transactions that are open,
closes every connection, and everybody opens anew when needed.

No lock is taken here: a signal handler may come between any two lines, and fork or store
itself. Each thread counts its own calls, and Python's own lock orders what all threads see.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Final, Protocol

# How long a thread naps while another one forks: steady, for growing naps starve.
NAP_SECONDS: Final = 0.0005


class Forkable(Protocol):
    """The resources to be put away before a fork."""

    def before_fork(self) -> None:
        """Close what a child may not inherit; no call is open."""

    def after_fork_in_child(self, *, was_inside: bool) -> None:
        """Begin anew; ``was_inside`` if the forking thread was in a call of its own."""


class Calls:
    """How many calls into SQLite a thread is in, one inside the other."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.depth = 0


class _Own(threading.local):
    calls: Calls | None = None


class Gate:
    """The gate that each call into SQLite passes.

    Use::

        calls = GATE.calls()
        depth = calls.depth
        try:
            GATE.enter(calls)
            ...
        finally:
            calls.depth = depth  # also where an interrupt came inside `enter`
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._own = _Own()
        self._calls: list[Calls] = []
        self._forker: threading.Thread | None = None
        self._forks = threading.Lock()
        self._nested = 0
        self._things: weakref.WeakSet[Forkable] = weakref.WeakSet()

    def calls(self) -> Calls:
        """The current thread's."""
        own = self._own.calls
        if own is None:
            own = self._own.calls = Calls()
            if len(self._calls) > 64:
                for each in [*self._calls]:
                    if not each.thread.is_alive():
                        self._calls.remove(each)
            self._calls.append(own)
        return own

    def enter(self, calls: Calls) -> None:
        """Begin a call; waits while another thread forks. A call inside a call never waits."""
        calls.depth += 1
        while self._forker is not None and calls.depth == 1 and self._forker is not calls.thread:
            calls.depth = 0
            time.sleep(NAP_SECONDS)
            calls.depth = 1

    def guard(self, thing: Forkable) -> None:
        """Put it away before each fork from now on, as long as it lives."""
        self._things.add(thing)

    def before_fork(self) -> None:
        """Wait for the open calls, and close every connection."""
        me = threading.current_thread()
        if self._forker is me:  # a handler forks while this thread prepares to fork
            self._nested += 1
            return
        while not self._forks.acquire(blocking=False):  # another thread forks
            time.sleep(NAP_SECONDS)
        self._forker = me
        while any(each.depth and each.thread is not me for each in [*self._calls]):
            time.sleep(NAP_SECONDS)
        if not self.calls().depth:
            for thing in list(self._things):
                thing.before_fork()

    def after_fork(self) -> None:
        """In the parent: let the others go on."""
        if self._nested:
            self._nested -= 1
            return
        self._forker = None
        self._forks.release()

    def after_fork_in_child(self) -> None:
        """In the child, which has one thread: begin anew."""
        was_inside = self.calls().depth > 0
        things = list(self._things)
        self._begin()
        for thing in things:
            self.guard(thing)
            thing.after_fork_in_child(was_inside=was_inside)


GATE: Final = Gate()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=GATE.before_fork,
        after_in_parent=GATE.after_fork,
        after_in_child=GATE.after_fork_in_child,
    )
