"""A small process beside this one that samples its memory, where a thread won't do.

It sees what happens while the node holds the interpreter lock, where no kernel's mark tells
it; and a node that starts processes may fork beside it, which it may not beside a thread.

memory_profiler's own outside sampler (``MemTimer``) is not used: it is forked from this
process, once a node, and after a fork each page that the node writes is copied first (a node
that rewrites 2 GB took 0.07 s alone and 1 to 5 s beside it); where processes are spawned
instead, it imports the user's main module again. This one is a fresh interpreter that
imports nothing of the user's, is started once, and serves every node.

It is asked by lines on its input (``begin 3``, ``end 3``, ``quit``) and answers each with a
line of JSON. It ends when it is told to, or when its input ends because this process has.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from functools import partial
from itertools import count
from typing import IO, Final

from linepipe_profile.family import family_size, shows_children
from linepipe_profile.reading import memory_mib
from linepipe_profile.record import Sample
from linepipe_profile.sampling import Sampler

__all__ = ["Watcher", "WatcherError", "watch"]

# How long an interpreter may take to start, or to end, before it is given up.
_PATIENCE_SECONDS: Final = 20.0

# Slow readings (many children) may take this part of one core. More than from a thread of the
# node's: what is read slowly is children, and the shorter they live the more there are to see.
_LARGEST_SHARE: Final = 0.2

_PROGRAM: Final = """
import json, sys
pid, interval, include_children, sys.path[:] = json.loads(sys.argv[1])
from linepipe_profile.watcher import watch
watch(pid, interval, include_children)
"""


class WatcherError(Exception):
    """The watching process can't be started, or doesn't answer."""


class Watcher:
    """This side of it: starts the process, asks it, ends it.

    Args:
        interval: seconds between two readings.
        include_children: count this process's children too (the watcher itself never).

    Raises:
        WatcherError: it can't be started.
    """

    def __init__(self, interval: float, include_children: bool) -> None:
        order = [os.getpid(), interval, include_children, [str(place) for place in sys.path]]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, json.dumps(order)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except (OSError, ValueError, TypeError) as error:
            raise WatcherError(f"{sys.executable!r} can't be started: {error}") from error
        self._owner_pid = os.getpid()
        self._one_at_a_time = threading.Lock()
        self._numbers = count()
        self._closing = weakref.finalize(self, _end, self._process, self._owner_pid)
        self._await_ready()

    def close(self) -> None:
        """End it and wait for its end. Calling it again does nothing."""
        self._closing()

    def answers(self) -> bool:
        """Whether it can be asked: it lives, and isn't that of the process we were forked from.

        One that has died is waited for.
        """
        if self._owner_pid != os.getpid():
            return False
        if self._process.poll() is not None:
            self.close()
        return self._closing.alive

    def begin(self) -> tuple[int, float]:
        """Take the first reading of a series.

        Returns:
            The series' number, for :meth:`end`, and the reading, in MiB.

        Raises:
            WatcherError: no answer.
        """
        number = next(self._numbers)
        (first,) = self._ask("begin", number)
        return number, first.mib

    def end(self, number: int) -> tuple[Sample, ...]:
        """Take the last reading of a series.

        Returns:
            The whole series, at least two readings.

        Raises:
            WatcherError: no answer, or no such series.
        """
        return self._ask("end", number)

    def _await_ready(self) -> None:
        impatience = threading.Timer(_PATIENCE_SECONDS, self._process.kill)
        impatience.start()
        try:
            self._ask("hello", next(self._numbers))
        except BaseException:
            self.close()
            raise
        finally:
            impatience.cancel()
            impatience.join()

    def _ask(self, what: str, number: int) -> tuple[Sample, ...]:
        with self._one_at_a_time:
            try:
                _write_line(self._process.stdin, f"{what} {number}")
                answered, samples = json.loads(_read_line(self._process.stdout))
                while answered != number:  # to one who was interrupted before reading it
                    answered, samples = json.loads(_read_line(self._process.stdout))
            except (OSError, ValueError) as error:
                self.close()  # whatever it was, it won't answer again
                raise WatcherError("the process that samples the memory has gone") from error
        return tuple(Sample(seconds, mib) for seconds, mib in samples)


def watch(pid: int, interval: float, include_children: bool) -> None:
    """The other side: answer what is asked, until there is nobody left to ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the node
    read = partial(memory_mib, pid, include_children)
    quick = partial(family_size, pid) if include_children and shows_children() else None
    samplers: dict[int, Sampler] = {}
    for line in sys.stdin:
        what, _, number = line.strip().partition(" ")
        if what == "quit":
            return
        samples: tuple[Sample, ...] = ()
        if what == "begin":
            sampler = Sampler(read, interval, quick, time.thread_time, _LARGEST_SHARE)
            samplers[int(number)] = sampler
            samples = (Sample(0.0, sampler.start()),)
        elif what == "end":
            samples = samplers.pop(int(number)).stop()
        _write_line(sys.stdout, json.dumps([int(number), samples]))


def _end(process: subprocess.Popen[str], owner_pid: int) -> None:
    if os.getpid() == owner_pid:
        _quit(process)
    else:
        process.returncode = 0  # in a forked child: not its own to end, or to wait for
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with suppress(OSError):
            pipe.close()


def _quit(process: subprocess.Popen[str]) -> None:
    with suppress(OSError, ValueError):  # it may have gone already
        _write_line(process.stdin, "quit")
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _write_line(pipe: IO[str] | None, line: str) -> None:
    assert pipe is not None
    pipe.write(line + "\n")
    pipe.flush()


def _read_line(pipe: IO[str] | None) -> str:
    assert pipe is not None
    return pipe.readline()
