"""Nodes of the pipelines that are mapped, importable by every worker process."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from linepipe_core import Node, Pipeline


def load(path: str) -> list[int]:
    """Leaves a line in the file ``path`` each time it runs."""
    with Path(path).open("a") as file:
        file.write("loaded\n")
    return [1, 2, 3]


def scale(rows: list[int], factor: int) -> list[int]:
    rows.append(factor)  # its own copy
    if factor < 0:
        raise ValueError(f"negative: {factor}")
    return [row * factor for row in rows]


def total(scaled: list[int], offset: int) -> int:
    return sum(scaled) + offset


def pipeline(path: Path, **options: Any) -> Pipeline:
    """`load` is the same for every case; the rest depends on ``factor``."""
    nodes = [
        Node(load, ["path"], ["rows"]),
        Node(scale, ["rows", "factor"], ["scaled"]),
        Node(total, ["scaled", "config.offset"], ["total"]),
    ]
    return Pipeline(nodes, {"offset": 10}, path=str(path), **options)


def end_worker(x: int) -> int:
    """Kills its process for one case; the others take a moment."""
    if x == 40:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.002)
    return x


def end_idle_worker(x: int) -> tuple[int, int]:
    """Kills its process for the first case, and for the second when that has come home.

    Each takes longer than the one before it.
    """
    if x == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2 * x)  # the first case takes the common pool with it, the second is next
    if x == 1:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGKILL)).start()
    return x, os.getpid()


def odd(x: int) -> int:
    if x % 2 == 0:
        raise ValueError("even")
    return x


def process(x: int) -> int:
    return os.getpid()


def hold(x: int) -> Any:
    return threading.Lock()


class Unreadable:
    """Pickles, and won't unpickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return unreadable, ()


def unreadable(*args: int) -> Any:
    if args:
        return Unreadable()
    raise ValueError("on reading")


class Loud:
    """Leaves the id of each process that unpickles it in a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __setstate__(self, state: dict[str, str]) -> None:
        self.path = state["path"]
        with Path(self.path).open("a") as file:
            file.write(f"{os.getpid()}\n")


def loud(path: str) -> list[Loud]:
    return [Loud(path)]


def sizes(frame: list[int], x: int) -> int:
    return len(frame) + x
