"""Run as a program: nodes whose memory is known, profiled one after another.

A process of its own, because an allocation that finds room in what others freed adds
nothing. Prints, for each node, what was measured and what is true. Argument: the method
that must be used.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import time
import zlib
from typing import Any

import numpy as np

from linepipe_core import Node, Pipeline
from linepipe_profile import MemoryProfile, kernel

MIB = 2**20
PYTHON = sys.executable
# How long a peak lasts, in turns of some work: the kernel misses none, and on a busy machine the
# watching process may have to wait for its turn.
TURNS = 2 if sys.argv[1] == "kernel" else 40


def keeps_50() -> bytearray:
    return bytearray(50 * MIB)


def spikes_to_200_and_holds_the_lock() -> int:
    # One C call fills the list, another compares all of it; neither gives up the lock.
    return ([0.5] * (200 * MIB // 8)).count(1.5)


def frees_before_the_end() -> bytearray:
    blocks = [bytearray(20 * MIB) for _ in range(6)]
    for block in blocks * (TURNS // 4):
        zlib.crc32(block)  # a while of work that gives up the lock
    return blocks[0]


def keeps_many_small_objects() -> list[float]:
    objects = [0.0] * 1_000_000  # at its size at once: growing would leave holes behind
    for n in range(len(objects)):
        objects[n] = float(n)
    return objects


def makes_a_numpy_temporary(table: np.ndarray[Any, Any]) -> float:
    temporary = table * 2
    return sum(float(temporary.sum()) for _ in range(TURNS))


CHILD = """
import psutil
block = bytearray(80 * 2**20)
for _ in range(40):
    block.count(1)
print(psutil.Process().memory_full_info().uss / 2**20)
"""


def starts_a_child() -> float:
    done = subprocess.run([PYTHON, "-c", CHILD], capture_output=True, text=True, check=True)
    return float(done.stdout)


def _read_all(table: np.ndarray[Any, Any]) -> float:
    return sum(float(table.sum()) for _ in range(20))


def forks_a_child_that_shares(table: np.ndarray[Any, Any]) -> None:
    child = multiprocessing.get_context("fork").Process(target=_read_all, args=(table,))
    child.start()
    child.join()


def _hold_60(both_hold: Any) -> None:
    block = bytearray(60 * MIB)
    both_hold.wait()
    time.sleep(0.15)
    del block


def forks_children_that_live_shortly() -> None:
    context = multiprocessing.get_context("fork")
    for _ in range(4):  # on a busy machine the watching process may miss one time
        both_hold = context.Barrier(2)
        children = [context.Process(target=_hold_60, args=(both_hold,)) for _ in range(2)]
        for child in children:
            child.start()
        for child in children:
            child.join()


def main(method: str) -> None:
    if method != "kernel":
        kernel.has_high_water_mark = lambda: False  # type: ignore[assignment]
    if method == "thread":
        sys.executable = "/nowhere/python"  # so that no process can be started beside this one
    table = np.ones(100 * MIB // 8)
    small = 1_000_000 * (32 + 8) / MIB  # a float's 24 bytes take 32, and 8 are the list's
    alone = [
        (Node(keeps_many_small_objects, [], ["small"]), small, small),
        (Node(keeps_50, [], ["kept"]), 50, 50),
        (Node(spikes_to_200_and_holds_the_lock, [], ["spike"]), 0, 200),
        (Node(frees_before_the_end, [], ["first"]), 20, 120),
        (Node(makes_a_numpy_temporary, ["table"], ["sum"], isolate=False), 0, 100),
    ]
    if method == "thread":  # it misses peaks while a node holds the interpreter's lock
        alone = alone[:2]
    measured = _profiled(MemoryProfile(), alone, table)
    family = [
        (Node(starts_a_child, [], ["child_mib"]), 0, None),
        (Node(forks_a_child_that_shares, ["table"], [], isolate=False), 0, 0),
        (Node(forks_children_that_live_shortly, [], []), 0, 120),
    ]
    if method != "thread":
        measured += _profiled(MemoryProfile(include_children=True), family, table)
    print(json.dumps(measured))


def _profiled(profile: MemoryProfile, cases: Any, table: Any) -> list[Any]:
    pipeline = Pipeline([node for node, _, _ in cases], table=table)
    result = pipeline.run(hooks=[profile])
    measured = []
    for step, (node, delta, peak) in zip(result.steps, cases, strict=True):
        memory = step.memory
        assert memory is not None
        if peak is None:
            peak = result["child_mib"]
        figures = (memory.delta_mib, delta), (memory.peak_mib, peak)
        measured.append((node.name, memory.method, *figures))
    return measured


if __name__ == "__main__":
    main(sys.argv[1])
