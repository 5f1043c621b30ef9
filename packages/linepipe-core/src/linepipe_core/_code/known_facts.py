"""Keeps what sources and code were found to say from one process to the next.

Parsing the modules of a large project takes a second, and they hardly ever change. A fact is
plain data, found by its kind, the file, and a stamp that says of which content of the file it is.
Nothing is kept of small projects: reading the shelf's file would take as long as parsing them.
They are kept as marshal writes them, as Python keeps what it compiles: JSON takes three times as
long to read.

Facts are shared by all runs of a process: they depend on the file alone. Which ones a shelf keeps
is no promise, and what can't be read there is found anew.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
import weakref
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Protocol

__all__ = ["Keeper", "attach", "find", "keep", "note", "stamp_of"]

# What these say changes with them.
_FINDERS: Final = (
    *("bytecode", "code_facts", "flow", "literal_reads", "parsing", "statements", "texts"),
)
_ENOUGH: Final = 20_000  # characters of source: about 20 ms of parsing
_MOST_BYTES: Final = 16 << 20
_SHORTLY_NS: Final = 100_000_000
_CHECKSUM: Final = 16  # bytes
_COARSE_NS: Final = 2_000_000_000  # on file systems that keep whole seconds


class Keeper(Protocol):
    """Keeps some bytes, of which nobody else takes notice."""

    @property
    def path(self) -> str:
        """A text that tells it from other keepers."""

    def load(self) -> bytes | None:
        """The bytes that were saved last; None if there are none, or they can't be read."""

    def save(self, content: bytes) -> None:
        """Save bytes in place of those before, if that can be done."""


class _Key(NamedTuple):
    kind: str
    file: str


class _Fact(NamedTuple):
    stamp: str
    data: Any
    cost: int = 0


# By path: they are read when a fact is asked for. A shelf may be closed before that.
_waiting: dict[str, weakref.ref[Keeper]] = {}
_read: set[str] = set()
_kept: dict[_Key, bytes] = {}  # as they are kept
_used: set[_Key] = set()
_new: dict[_Key, _Fact] = {}  # those that no keeper has


def attach(keeper: Keeper) -> None:
    """Look for facts in a keeper too."""
    if keeper.path not in _read:
        _waiting[keeper.path] = weakref.ref(keeper)


def find(kind: str, file: str, stamp: str) -> Any:
    """A fact; None if it isn't known.

    Args:
        kind: the kind of fact.
        file: the path of the file that it is about.
        stamp: that of the content it must be about.
    """
    while _waiting:
        path, reference = _waiting.popitem()
        keeper = reference()
        if keeper is not None:
            _read.add(path)
            for key, written in _loaded(keeper).items():
                _kept.setdefault(key, written)
    key = _Key(kind, file)
    found = _new.get(key)
    if found is None and key in _kept:
        _used.add(key)
        found = _Fact._make((*marshal.loads(_kept[key]), 0))
    return found.data if found is not None and found.stamp == stamp else None


def note(kind: str, file: str, stamp: str, data: Any, cost: int) -> None:
    """Note a fact that was found.

    Args:
        kind: the kind of fact.
        file: the path of the file that it is about.
        stamp: that of the content it is about.
        data: tuples, lists, dicts, frozensets, texts, bytes, numbers, flags and None.
        cost: the characters of source that had to be parsed.
    """
    key = _Key(kind, file)
    before = _new.get(key)
    _new[key] = _Fact(stamp, data, cost + (before.cost if before is not None else 0))


def keep(keeper: Keeper) -> None:
    """Save the facts that are new, if finding them anew would take long."""
    if not _new or sum(fact.cost for fact in _new.values()) < _ENOUGH:
        return
    while _new:
        key, fact = _new.popitem()
        data = dict(fact.data) if isinstance(fact.data, dict) else fact.data  # others may add to it
        _kept[key] = marshal.dumps((fact.stamp, data))
        _used.add(key)
    found = _loaded(keeper)
    for key in _used & _kept.keys():
        found.pop(key, None)  # to the end, where what was used last stands
        found[key] = _kept[key]
    n_bytes, written = 0, list[tuple[str, str, bytes]]()
    for key, each in reversed(found.items()):
        n_bytes += len(each)
        if n_bytes > _MOST_BYTES:
            break
        written.append((*key, each))
    content = marshal.dumps(written[::-1])
    keeper.save(b"".join((_head(), _checksum(content), content)))


def stamp_of(file: str) -> str:
    """A text that is another when the file's content is; ``""`` where that can't be told."""
    try:
        found = os.stat(file)
    except (OSError, ValueError):
        return ""
    newest = max(found.st_mtime_ns, found.st_ctime_ns)
    shortly = _SHORTLY_NS if newest % 1_000_000_000 else _COARSE_NS
    if newest > time.time_ns() - shortly:
        return ""  # a change right after wouldn't show
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"


def _loaded(keeper: Keeper) -> dict[_Key, bytes]:
    """The facts that a keeper has; none if it was written by others, or is damaged."""
    content = keeper.load()
    if content is None or not content.startswith(_head()):
        return {}
    begin = len(_head()) + _CHECKSUM
    held = memoryview(content)[begin:]
    if content[begin - _CHECKSUM : begin] != _checksum(held):
        return {}
    return {_Key(kind, file): each for kind, file, each in marshal.loads(held)}


@cache
def _head() -> bytes:
    """The first line of what is kept: of another Python, or another linepipe, nothing is taken."""
    held = blake2b(sys.version.encode(), digest_size=8)
    folder = os.path.dirname(__file__)
    for name in _FINDERS:
        with suppress(OSError), open(os.path.join(folder, f"{name}.py"), "rb") as file:
            held.update(file.read())
    return f"linepipe facts {held.hexdigest()}\n".encode()


def _checksum(content: bytes | memoryview) -> bytes:
    return blake2b(content, digest_size=_CHECKSUM).digest()
