"""A signal handler that uses the shelf that the main thread is storing on."""

from __future__ import annotations

import random
import signal
import threading
from pathlib import Path

import pytest
from tests.faults.blocks import Block

from linepipe_core.shelf import ObjectShelf

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="only Unix has such timers"
)

SIGNALS = 60


@pytest.mark.parametrize("handle", ["same", "another", "another shelf"])
def test_a_handler_stores_and_reads(path: str, handle: str) -> None:
    """At once, at whatever moment it comes, and what it stored is there."""
    chance = random.Random(1)
    n_handled = 0
    elsewhere = path + " of another" if handle == "another shelf" else path
    with ObjectShelf(path) as shelf, ObjectShelf(elsewhere) as other:
        theirs = shelf if handle == "same" else other

        def save(*_: object) -> None:
            nonlocal n_handled
            n_handled += 1
            theirs["saved"] = n_handled
            assert theirs["saved"] == n_handled
            if n_handled < SIGNALS:
                signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.001, 0.01))

        older = signal.signal(signal.SIGALRM, save)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            step = 0
            while n_handled < SIGNALS:
                step += 1
                shelf["x"] = (step, Block(step % 3, 70_000))
                assert shelf["x"][0] == step
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, older)
        assert theirs["saved"] == SIGNALS
        assert shelf.verify() == other.verify() == ()


def test_a_late_writer_in_another_thread_changes_nothing_that_is_stored(path: str) -> None:
    """What is hashed is what is written, whichever moment the array changes at."""
    with ObjectShelf(path) as shelf:
        for step in range(100):
            block = Block(1, 1_500_000)

            def change(data: bytearray = block.data, at: int = step * 15_000) -> None:
                for place in range(at, at + 1000):
                    data[place] = 2

            writer = threading.Thread(target=change)
            writer.start()
            shelf["block"] = block
            writer.join()
            if step % 25 == 0:
                assert shelf.verify() == ()
        assert shelf.verify() == ()
        assert Path(path).exists()
