"""One of several processes that write and read the same names. Run as a script.

`python sharing.py <path> <seed> <rounds>` fails at the first value that isn't whole.
"""

from __future__ import annotations

import os
import random
import sys

from linepipe_core._store.store import Store
from linepipe_core.shelf import ObjectShelf

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from blocks import Block, put_in  # type: ignore[import-not-found]  # beside this script

NAMES = ["a", "b", "c/d"]


def work(path: str, seed: int, rounds: int) -> int:
    """Write and read at random. Returns how many values were read."""
    chance = random.Random(seed)
    n_read = 0
    with ObjectShelf(path) as shelf, Store(path) as store:
        held = Block(7, 1_500_000)
        for _ in range(rounds):
            name = chance.choice(NAMES)
            action = chance.random()
            if action < 0.4:
                # A few generations, so that equal buffers come and go under other writers.
                generation = chance.randrange(5)
                put_in(store, {name: (generation, Block(generation, 1_100_000))}, node="n")
            elif action < 0.9:
                found = shelf.get(name)
                if found is not None:
                    generation, held = found
                    assert generation == held.generation
                    n_read += 1
            elif action < 0.95:
                shelf.pop(name, None)
            else:
                with ObjectShelf(path) as other:  # sweeps, while others write
                    assert other.verify() == ()
            assert held.is_whole(), "what was read changed or tore when it was replaced"
    return n_read


if __name__ == "__main__":
    print(work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
