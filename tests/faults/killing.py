"""Kills writers at random moments, and looks at what they left. Run as a script.

A process of its own, without numpy and without threads, so that it can fork a writer in a
millisecond: `python killing.py <path> <kills> <seed>` prints what it counted, as JSON, and
fails at the first thing that isn't as promised.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time

from linepipe_core._store.store import Store
from linepipe_core.shelf import ObjectShelf

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from blocks import Block, put_in  # type: ignore[import-not-found]  # beside this script

NAMES = ["number", "text", "large", "larger"]


def outputs_of(generation: int) -> dict[str, object]:
    """The outputs of one node: small and large objects of one generation."""
    return {
        "number": generation,
        "text": str(generation) * 1000,
        "large": Block(generation, 200_000 + generation % 7 * 1000),
        "larger": [Block(generation, 2_500_000), Block(generation + 1, 70_000)],
    }


def write(path: str, generation: int, told: int) -> None:
    """Store one generation after another, and tell of each that is done, until killed."""
    with ObjectShelf(path) as shelf, Store(path) as store:
        shelf.max_versions = 1
        while True:
            generation += 1
            if generation % 13 == 0:
                shelf.prune(max_bytes=0)
            outputs, record = outputs_of(generation), str(generation)
            put_in(store, outputs, node="node", key="generation", record=record)
            os.write(told, generation.to_bytes(8, "little"))


def files_of(path: str) -> set[str]:
    """The buffer files, and all that writers have left in their staging folders."""
    places = [os.path.join(path, "buffers")]
    if os.path.isdir(os.path.join(path, "staging")):
        places += [entry.path for entry in os.scandir(os.path.join(path, "staging"))]
    return {
        os.path.join(os.path.basename(place), name)
        for place in places
        if os.path.isdir(place)
        for name in os.listdir(place)
    }


def check(path: str, told: int, seen: int) -> tuple[int, int]:
    """Open what a killed writer left. Returns the generation there, and what was swept."""
    before = files_of(path)
    with ObjectShelf(path) as shelf:
        after = files_of(path)
        with Store(path) as store:
            newest = store.results.newest(["generation"]).get("generation")
            record = newest.record if newest is not None else None
        generation = int(record or 0)
        names = sorted(shelf)
        assert names in ([], sorted(NAMES)), f"a node's outputs are torn apart: {names}"
        if not names and told % 13 in (11, 12):  # it was pruned, with its record
            generation = told
        assert generation >= told, f"generation {told} was stored and {generation} is there"
        if names:
            assert shelf["number"] == generation, "an output of another generation"
            assert shelf["text"] == str(generation) * 1000
            blocks = [shelf["large"], *shelf["larger"]]
            assert [block.generation for block in blocks] == [generation] * 2 + [generation + 1]
            assert all(block.is_whole() for block in blocks), "a torn buffer"
        assert shelf.verify() == ()
        used = {"large": 1, "larger": 2}
        assert len(after) == (sum(used.values()) if names else 0), f"leftovers: {sorted(after)}"
    return max(generation, seen), len(before - after)


def main(path: str, kills: int, seed: int) -> None:
    """Kill so many writers, and more until one in ten was in the middle of a write.

    On a busy machine most writers wait for their turn when they are killed.
    """
    chance = random.Random(seed)
    generation = n_swept = n_torn = n_killed = 0
    while n_killed < kills or (10 * n_torn < kills and n_killed < 20 * kills):
        n_killed += 1
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                write(path, generation, writing)
            finally:
                os._exit(1)
        os.close(writing)
        told = os.read(reading, 8) if chance.random() < 0.7 else b""
        time.sleep(chance.uniform(0, 0.03))  # the random moment
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "the writer failed before it was killed"
        with os.fdopen(reading, "rb") as pipe:
            told += pipe.read()
        last = int.from_bytes(told[-8:], "little")
        generation, swept = check(path, last, generation)
        n_swept += swept
        n_torn += swept > 0
    counted = {"killed": n_killed, "generations": generation}
    print(json.dumps({**counted, "swept": n_swept, "interrupted": n_torn}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
