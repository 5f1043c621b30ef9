"""Exact readings of a process's memory at one moment, by memory_profiler.

memory_profiler is given a process's number, never a function: with a function, its
``memory_usage`` calls a fast one up to six times and kills other child processes if it raises.
Its own sum over children adds up their resident memory, which counts the pages that a forked
child shares with its parent once more for each child (four workers forked from a 1 GiB process
would show as 5 GiB); so children count here by their private memory.
"""

from __future__ import annotations

import os

import psutil
from memory_profiler import memory_usage

__all__ = ["memory_mib", "private_mib"]


def memory_mib(pid: int, include_children: bool) -> float:
    """Return the resident memory of a process, in MiB.

    Args:
        pid: the process.
        include_children: True to add the private memory of its child processes (and theirs),
            without the calling process.

    Raises:
        psutil.Error: the process has ended, or can't be read.
    """
    resident_mib = _read_mib(pid, "psutil")
    if resident_mib is None:
        raise psutil.AccessDenied(pid)
    return resident_mib + (_children_mib(pid) if include_children else 0.0)


def private_mib(pid: int) -> float:
    """Return the memory that a process shares with no other, in MiB; 0.0 if it has ended."""
    try:
        if _still_has_parent_memory(psutil.Process(pid)):
            return 0.0
        private = _read_mib(pid, "psutil_uss")
        if private is None:  # macOS shows the private part to root alone
            private = _read_mib(pid, "psutil")
    except psutil.NoSuchProcess:
        return 0.0
    return private or 0.0


def _children_mib(pid: int) -> float:
    children = psutil.Process(pid).children(recursive=True)
    return sum(private_mib(child.pid) for child in children if child.pid != os.getpid())


def _still_has_parent_memory(child: psutil.Process) -> bool:
    """Return True if the child's memory is exactly that of its parent, to the page.

    It is from the moment when a program is started (by vfork) until that program's first
    instruction; counting it then would double the parent.
    """
    parent = child.parent()
    return parent is not None and bool(child.memory_info() == parent.memory_info())


def _read_mib(pid: int, backend: str) -> float | None:
    reading: float | None = memory_usage(pid, interval=0, backend=backend)[0]
    return reading
