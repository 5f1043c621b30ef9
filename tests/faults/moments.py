"""Interrupts some work at every moment at which Control-C can come, one moment a time.

Real signals, at random times, find a gap of some nanoseconds once in thousands of runs, on
somebody else's machine. The interpreter looks for signals when a Python function begins and
when a call of a C function returns: those are the events that a profile function is told of.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest

MOMENTS = frozenset(["call", "c_return"])


def interrupts(work: Callable[[], object], every: int = 1) -> Iterator[int]:
    """Do the work again and again, each time with an interrupt some moments later.

    Args:
        work: what to interrupt.
        every: how many moments later.

    Yields:
        The number of the moment, after each interrupted turn; the work that isn't interrupted
        any more is the last.

    Raises:
        AssertionError: the interrupt came out as another exception.
    """
    moment = 0
    came = True
    while came:
        moment += every
        came = _interrupted(work, moment)
        yield moment


def _interrupted(work: Callable[[], object], moment: int) -> bool:
    """True if the work came to that moment."""
    n_events = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal n_events
        n_events += event in MOMENTS
        if n_events == moment:
            sys.setprofile(None)
            raise KeyboardInterrupt

    older = sys.getprofile()
    try:
        sys.setprofile(count)
        work()
    except KeyboardInterrupt:
        pass
    except BaseException as error:
        raise AssertionError(f"moment {moment}: the interrupt came out as {error!r}") from error
    finally:
        sys.setprofile(older)
    return n_events >= moment


class Statements:
    """Does things before SQLite executes a statement, on all connections opened from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._waiting: dict[str, list[Callable[[], object]]] = {}
        connect, waiting = sqlite3.connect, self._waiting

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                while waiting.get(sql):
                    waiting[sql].pop()()
                return super().execute(sql, *values)

        def watched(*args: Any, **options: Any) -> sqlite3.Connection:
            return connect(*args, factory=Connection, **options)

        monkeypatch.setattr(sqlite3, "connect", watched)

    def before(self, sql: str, do: Callable[[], object]) -> None:
        """Do something once, before the next statement of that text."""
        self._waiting.setdefault(sql, []).append(do)
