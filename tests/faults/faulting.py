"""Fails the calls of a store, an opening and others one at a time. Run as a script.

`LD_PRELOAD=interposed.so python faulting.py <folder> <every> <operation>` prints, as JSON, how
many faults it tried and what wasn't as promised. Each fault is a forked child with a shelf of its
own, in which the n-th call that reaches for a file fails, or all from the n-th on.
"""

from __future__ import annotations

import ctypes
import errno
import json
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from linepipe_core.errors import ShelfReadError, ShelfWriteError
from linepipe_core.shelf import ObjectShelf

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from blocks import Block  # type: ignore[import-not-found]  # beside this script

SHORT_WRITE = -1
SECONDS = 120  # a child that takes longer waits forever

FAULTS = {
    "EIO": errno.EIO,
    "ENOSPC": errno.ENOSPC,
    "EMFILE": errno.EMFILE,
    "EINTR": errno.EINTR,
    "short write": SHORT_WRITE,
}
LASTING = ("EIO", "ENOSPC", "EMFILE", "short write")  # EINTR is tried again until it goes well

library = ctypes.CDLL(None)

# A lock that never can be had is an error after a minute: of this clock.
clock = time.monotonic
time.monotonic = lambda: clock() * 200


class Fault(NamedTuple):
    """Fail the call of that number; all later ones too if it lasts."""

    name: str
    number: int
    lasts: bool


class Outcome(NamedTuple):
    """An operation that was done: the calls it took, the one that failed, and its error."""

    n_calls: int
    failed: str
    error: Exception | None


class Operation(NamedTuple):
    """Something to be done under faults, and what may be there then.

    Attributes:
        begin: opens what the work needs, before anything fails.
        work: does it.
        done: the generations that may be there if it went well; None for nothing.
        failed: the same if it raised.
    """

    begin: Callable[[str], Any]
    work: Callable[[Any], Any]
    done: tuple[int | None, ...] = (1,)
    failed: tuple[int | None, ...] = (1,)


def store(shelf: ObjectShelf) -> None:
    shelf["block"] = Block(2, 300_000)


def read(shelf: ObjectShelf) -> None:
    assert shelf["block"].is_whole()
    assert shelf["small"] == "a"
    assert sorted(shelf) == ["block", "small"]


def make(path: str) -> ObjectShelf:
    """Make a shelf where there is none."""
    return ObjectShelf(path + " another")


OPERATIONS = {
    "store": Operation(ObjectShelf, store, (2,)),
    "open": Operation(str, ObjectShelf),
    "open after a kill": Operation(lambda path: killed(path), ObjectShelf),
    "make": Operation(str, make),
    "read": Operation(ObjectShelf, read),
    "pop": Operation(ObjectShelf, lambda shelf: shelf.pop("block"), (None,), (1,)),
    "clear": Operation(ObjectShelf, ObjectShelf.clear, (None,), (1, None)),
}


def killed(path: str) -> str:
    """A shelf whose last writer was killed: a log, a draft, and a buffer without a row."""
    pid = os.fork()
    if pid == 0:
        shelf = ObjectShelf(path)
        shelf["small"] = "a"
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    folder = next(Path(path, "staging").iterdir(), Path(path, "staging", "1-dead"))
    folder.mkdir(exist_ok=True)
    orphan = Path(path, "buffers", "f" * 64)
    orphan.write_bytes(b"placed")
    os.link(orphan, folder / f"{orphan.name}.0123")
    assert Path(path, "index.sqlite-wal").stat().st_size
    return path


def prepared(path: str) -> None:
    """Make the shelf that every fault begins with."""
    with ObjectShelf(path) as shelf:
        shelf["block"] = Block(1, 300_000)
        shelf["small"] = "a"


class Warnings(logging.Handler):
    """Collects what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


def tried(path: str, operation: Operation, fault: Fault | None) -> Outcome:
    """Do the operation under a fault."""
    begun = operation.begin(path)
    made: Any = None
    error: Exception | None = None
    code = 0 if fault is None else FAULTS[fault.name]
    number, lasts = (-1, False) if fault is None else fault[1:]
    library.fault_arm(number, code, lasts)
    try:
        made = operation.work(begun)
    except Exception as raised:
        error = raised
    n_calls = library.fault_calls()
    library.fault_failed.restype = ctypes.c_char_p
    failed = library.fault_failed().decode()
    library.fault_arm(-1, 0, False)
    for each in (made, begun):
        if isinstance(each, ObjectShelf):
            if error is not None:
                check(each, operation.failed)  # it goes on with what it has open
            each.close()
    return Outcome(n_calls, failed, error)


def check(shelf: ObjectShelf, allowed: tuple[int | None, ...]) -> None:
    """Raise if a shelf isn't whole, or has something else than what may be there."""
    block = shelf.get("block")
    generation = None if block is None else block.generation
    assert generation in allowed, f"generation {generation} of {allowed}"
    assert block is None or block.is_whole()
    assert shelf.get("small") == "a" or None in allowed
    assert shelf.verify() == ()


def check_left(path: str, allowed: tuple[int | None, ...]) -> None:
    """Raise if the next process doesn't find all in order, or can't go on."""
    with ObjectShelf(path) as shelf:
        check(shelf, allowed)
        n_used = "block" in shelf
        left = os.listdir(path + "/buffers")
        assert len(left) == n_used, f"{len(left)} buffers of {n_used}"
        left = os.listdir(path + "/staging")
        assert not left, f"left in staging: {left}"
        shelf["block"] = Block(3, 200_000)
        assert shelf["block"].is_whole()


def problems(path: str, operation: Operation, fault: Fault | None) -> Iterator[str]:
    """Do an operation under a fault; tells what isn't as promised, and at last the calls."""
    handler = Warnings()
    logging.getLogger("linepipe").addHandler(handler)
    outcome = Outcome(0, "", None)
    try:
        outcome = tried(path, operation, fault)
        allowed = operation.done if outcome.error is None else operation.failed
        check_left(path, allowed)
    except BaseException as error:
        yield f"then {type(error).__name__}: {error}"
    expected = (type(None), ShelfReadError, ShelfWriteError)
    if not isinstance(outcome.error, type(None) if fault is None else expected):
        yield f"{type(outcome.error).__name__}: {outcome.error}"
    yield from (text for text in handler.texts if "missing" in text)
    yield f"{outcome.n_calls} {outcome.failed}"


def in_a_child(path: str, operation: Operation, fault: Fault | None) -> list[str]:
    """The `problems`, found in a forked child."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(SECONDS)
        try:
            os.write(writing, json.dumps([*problems(path, operation, fault)]).encode()[:60_000])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    found: list[str] = json.loads(said) if said else [f"ended with {status}", "0 ?"]
    return found


def faults(n_calls: int, every: int) -> Iterator[Fault]:
    """Each fault at each call, or some of them."""
    kinds = [(name, False) for name in FAULTS] + [(name, True) for name in LASTING]
    for place in range(0, n_calls * len(kinds), every):
        number, kind = divmod(place, len(kinds))
        name, lasts = kinds[kind]
        yield Fault(name, number, lasts)


def main(folder: str, every: int, name: str) -> None:
    """Try an operation under each fault."""
    operation = OPERATIONS[name]
    template = os.path.join(folder, "template")
    prepared(template)
    warm = os.path.join(folder, "warm")
    shutil.copytree(template, warm)
    with ObjectShelf(warm) as shelf:  # imports all that is imported late
        store(shelf)
        read(shelf)
        shelf.clear()

    def attempt(fault: Fault | None) -> list[str]:
        path = os.path.join(folder, "tried", "shelf")
        shutil.copytree(template, path)
        try:
            return in_a_child(path, operation, fault)
        finally:
            shutil.rmtree(os.path.dirname(path))

    *found, calls = attempt(None)
    wrong = [f"no fault: {problem}" for problem in found]
    n_calls = int(calls.split()[0])
    n_faults = 0
    for fault in faults(n_calls, every):
        *found, calls = attempt(fault)
        n_faults += 1
        kept = " from then on" if fault.lasts else ""
        where = f"call {fault.number}, {calls.split()[-1]}"
        wrong += [f"{fault.name}{kept} at {where}: {problem}" for problem in found]
    print(json.dumps({"n_calls": n_calls, "n_faults": n_faults, "wrong": wrong}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
