"""How much memory a process holds at this moment, as memory_profiler tells it.

memory_profiler is asked about a process by its number, never handed a function: given one,
its ``memory_usage`` calls a fast one up to six times and kills other child processes when
it raises. Asked for children, it adds up their resident memory, which counts the pages that
a forked child shares with its parent once more per child (four workers forked from a 1 GiB
process would show as 5 GiB); so children count here by what is theirs alone.
"""

from __future__ import annotations

import os

import psutil
from memory_profiler import memory_usage

__all__ = ["memory_mib", "private_mib"]


def memory_mib(pid: int, include_children: bool) -> float:
    """The resident memory of a process, in MiB.

    Args:
        pid: the process.
        include_children: add what its child processes (and theirs) hold for themselves,
            the calling process left out.

    Returns:
        MiB.

    Raises:
        psutil.Error: the process is gone, or can't be looked at.
    """
    own = _asked(pid, "psutil")
    if own is None:
        raise psutil.AccessDenied(pid)
    return own + (_children_mib(pid) if include_children else 0.0)


def private_mib(pid: int) -> float:
    """What a process holds that no other shares, in MiB; nothing if it has ended."""
    try:
        if _has_its_parents_memory(psutil.Process(pid)):
            return 0.0
        private = _asked(pid, "psutil_uss")
        if private is None:  # macOS shows the private part to root alone
            private = _asked(pid, "psutil")
    except psutil.NoSuchProcess:
        return 0.0
    return private or 0.0


def _children_mib(pid: int) -> float:
    children = psutil.Process(pid).children(recursive=True)
    return sum(private_mib(child.pid) for child in children if child.pid != os.getpid())


def _has_its_parents_memory(child: psutil.Process) -> bool:
    """Whether it is still the very memory of its parent, to the page.

    So it is from the moment when a program is started (by vfork) until that program's first
    instruction; counting it then would double the parent.
    """
    parent = child.parent()
    return parent is not None and bool(child.memory_info() == parent.memory_info())


def _asked(pid: int, backend: str) -> float | None:
    reading: float | None = memory_usage(pid, interval=0, backend=backend)[0]
    return reading
