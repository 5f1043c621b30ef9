"""One of several processes that use the same names, with threads of its own. Run as a script.

`python sharing.py <path> <seed> <seconds> <threads>` fails at the first value that isn't whole, and
prints how many values were stored and read. With no threads it tidies up: it prunes, clears and
verifies, while the others go on.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from collections import Counter

from linepipe_core._store.store import Store
from linepipe_core.shelf import ObjectShelf

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from blocks import Block, put_in  # type: ignore[import-not-found]  # beside this script

NAMES = ["a", "b", "c/d"]


def work(shelf: ObjectShelf, store: Store, seed: int, end: float) -> Counter[str]:
    """Write and read at random."""
    chance = random.Random(seed)
    done = Counter[str]()
    held = Block(7, 1_500_000)
    while time.monotonic() < end:
        name = chance.choice(NAMES)
        action = chance.random()
        if action < 0.4:
            # A few generations, so that equal buffers come and go under other writers.
            generation = chance.randrange(5)
            put_in(store, {name: (generation, Block(generation, 1_100_000))}, node="n", key=name)
            done["stored"] += 1
        elif action < 0.9:
            found = shelf.get(name)
            if found is not None:
                generation, held = found
                assert generation == held.generation
                done["read"] += 1
        elif action < 0.95:
            shelf.pop(name, None)
        else:
            with ObjectShelf(shelf.path) as other:  # sweeps, while others write
                other.get(name)
        assert held.is_whole(), "what was read changed or tore when it was replaced"
    return done


def tidy(shelf: ObjectShelf, seed: int, end: float) -> Counter[str]:
    """Prune, clear and verify in turn."""
    chance = random.Random(seed)
    done = Counter[str]()
    while time.monotonic() < end:
        what = chance.choice(["prune", "prune", "clear", "verify", "verify", "sync"])
        if what == "prune":
            shelf.prune(max_bytes=chance.choice([0, 1_200_000, 5_000_000]), versions=1)
        elif what == "clear":
            shelf.clear()
        elif what == "verify":
            assert shelf.verify() == ()
        else:
            shelf.sync()
        done[what] += 1
        time.sleep(chance.uniform(0, 0.02))
    return done


def main(path: str, seed: int, seconds: float, n_threads: int) -> Counter[str]:
    """Do it in so many threads, on one handle. Returns what was done."""
    end = time.monotonic() + seconds
    with ObjectShelf(path) as shelf, Store(path) as store:
        if not n_threads:
            return tidy(shelf, seed, end)
        done = Counter[str]()
        problems: list[BaseException] = []

        def work_on(seed: int) -> None:
            try:
                done.update(work(shelf, store, seed, end))
            except BaseException as problem:
                problems.append(problem)

        numbers = range(seed * n_threads, (seed + 1) * n_threads)
        threads = [threading.Thread(target=work_on, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise problems[0]
        return done


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))))
