"""A small process that samples the memory of this one, where a thread can't.

It takes readings while the node holds the interpreter lock, for systems without a high-water
mark; and a node may fork beside a process, which is unsafe beside a thread.

memory_profiler's own sampling process (``MemTimer``) is not used: it is forked from this
process, once a node, and after a fork each page that the node writes is copied first (a node
that rewrites 2 GB took 0.07 s alone and 1 to 5 s beside it); where processes are spawned
instead, it imports the user's main module again. This one is a fresh interpreter that imports
nothing of the user's, is started once, and serves every node.

It reads requests as lines on its input (``begin 3``, ``end 3``, ``quit``) and answers each with
a line of JSON. It ends at ``quit``, or when its input ends because this process has ended.
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

from linepipe_profile.process_tree import can_list_children, open_tree_reader
from linepipe_profile.reading import memory_mib
from linepipe_profile.record import Sample
from linepipe_profile.sampling import Sampler

__all__ = ["Watcher", "WatcherError", "serve"]

# An interpreter that takes longer to start or to end is killed.
_TIMEOUT_SECONDS: Final = 20.0

# Slow readings may take this part of one core. More than from a thread of the node's process:
# readings are slow if there are many children, and then there is more to see.
_MAX_SHARE: Final = 0.2

_PROGRAM: Final = """
import json, sys
pid, interval, include_children, sys.path[:] = json.loads(sys.argv[1])
from linepipe_profile.watcher import serve
serve(pid, interval, include_children)
"""


class WatcherError(Exception):
    """The sampling process can't be started, or doesn't answer."""


class Watcher:
    """Starts the sampling process, sends it requests, and ends it.

    Args:
        interval: seconds between two readings.
        include_children: True to count this process's children, without the sampling process.

    Raises:
        WatcherError: it can't be started.
    """

    def __init__(self, interval: float, include_children: bool) -> None:
        arguments = [os.getpid(), interval, include_children, [str(path) for path in sys.path]]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, json.dumps(arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        except (OSError, ValueError, TypeError) as error:
            raise WatcherError(f"{sys.executable!r} can't be started: {error}") from error
        self._owner_pid = os.getpid()
        self._request_lock = threading.Lock()
        self._numbers = count()
        self._finalizer = weakref.finalize(self, _end, self._process, self._owner_pid)
        self._wait_until_ready()

    def close(self) -> None:
        """End it and wait for its end. Calling it again does nothing."""
        self._finalizer()

    def is_alive(self) -> bool:
        """Return True if the process runs and was started by this one, not by our parent.

        One that has died is waited for, so that it doesn't stay as a zombie.
        """
        if self._owner_pid != os.getpid():
            return False
        if self._process.poll() is not None:
            self.close()
        return self._finalizer.alive

    def begin(self) -> tuple[int, float]:
        """Start a series of readings.

        Returns:
            The series' number, for :meth:`end`, and the first reading, in MiB.

        Raises:
            WatcherError: the process doesn't answer.
        """
        number = next(self._numbers)
        (first,) = self._request("begin", number)
        return number, first.mib

    def end(self, number: int) -> tuple[Sample, ...]:
        """Take the last reading of a series.

        Returns:
            The whole series, at least two readings.

        Raises:
            WatcherError: the process doesn't answer, or has no such series.
        """
        return self._request("end", number)

    def _wait_until_ready(self) -> None:
        timer = threading.Timer(_TIMEOUT_SECONDS, self._process.kill)
        timer.start()
        try:
            self._request("hello", next(self._numbers))
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            timer.join()

    def _request(self, verb: str, number: int) -> tuple[Sample, ...]:
        with self._request_lock:
            try:
                _write_line(self._process.stdin, f"{verb} {number}")
                answered, samples = json.loads(_read_line(self._process.stdout))
                while answered != number:  # its request was interrupted before it read this
                    answered, samples = json.loads(_read_line(self._process.stdout))
            except (OSError, ValueError) as error:
                self.close()  # after any of these errors it won't answer again
                raise WatcherError("the process that samples the memory has ended") from error
        return tuple(Sample(seconds, mib) for seconds, mib in samples)


def serve(pid: int, interval: float, include_children: bool) -> None:
    """Answer the requests on standard input until it ends: the program of that process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the node
    read = partial(memory_mib, pid, include_children)
    is_tree = include_children and can_list_children()
    open_fast_reader = partial(open_tree_reader, pid) if is_tree else None
    samplers: dict[int, Sampler] = {}
    for line in sys.stdin:
        verb, _, number = line.strip().partition(" ")
        if verb == "quit":
            return
        samples: tuple[Sample, ...] = ()
        if verb == "begin":
            sampler = Sampler(read, interval, open_fast_reader, time.thread_time, _MAX_SHARE)
            samplers[int(number)] = sampler
            samples = (Sample(0.0, sampler.start()),)
        elif verb == "end":
            samples = samplers.pop(int(number)).stop()
        _write_line(sys.stdout, json.dumps([int(number), samples]))


def _end(process: subprocess.Popen[str], owner_pid: int) -> None:
    if os.getpid() == owner_pid:
        _quit(process)
    else:
        process.returncode = 0  # in a forked child: the process is the parent's to end
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with suppress(OSError):
            pipe.close()


def _quit(process: subprocess.Popen[str]) -> None:
    with suppress(OSError, ValueError):  # it may have ended already
        _write_line(process.stdin, "quit")
    try:
        process.wait(_TIMEOUT_SECONDS)
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
