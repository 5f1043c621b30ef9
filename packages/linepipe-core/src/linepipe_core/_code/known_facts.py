"""Keeps what sources and code were found to say from one process to the next.

Parsing the modules of a large project takes a second, and they hardly ever change. A fact is
plain data, found by its kind, the file, and a stamp that says of which content of the file it is.
Nothing is kept of small projects: reading the shelf's file would take as long as parsing them.

Facts are shared by all runs of a process: they depend on the file alone. Which ones a shelf keeps
is no promise, and what can't be read there is found anew.
"""

from __future__ import annotations

import json
import os
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Protocol

__all__ = ["Keeper", "attach", "find", "keep", "note", "stamp_of"]

# What these say changes with them.
_FINDERS: Final = ("bytecode", "code_facts", "flow", "literal_reads", "parsing", "statements")
_ENOUGH: Final = 20_000  # characters of source: about 20 ms of parsing
_MOST_BYTES: Final = 16 << 20
_SHORTLY_NS: Final = 100_000_000
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
_lines: dict[_Key, bytes] = {}  # as they are kept
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
            for key, line in _parsed(keeper):
                _lines.setdefault(key, line)
    key = _Key(kind, file)
    found = _new.get(key)
    if found is None and key in _lines:
        _used.add(key)
        found = _decoded(_lines[key])
    return found.data if found is not None and found.stamp == stamp else None


def note(kind: str, file: str, stamp: str, data: Any, cost: int) -> None:
    """Note a fact that was found.

    Args:
        kind: the kind of fact.
        file: the path of the file that it is about.
        stamp: that of the content it is about.
        data: lists, dicts with texts for keys, texts, numbers, flags and None.
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
        _lines[key] = _encoded(key, fact)
        _used.add(key)
    lines = dict(_parsed(keeper))
    for key in _used & _lines.keys():
        lines.pop(key, None)  # to the end, where what was used last stands
        lines[key] = _lines[key]
    n_bytes, kept = 0, list[bytes]()
    for line in reversed(lines.values()):
        n_bytes += len(line)
        if n_bytes > _MOST_BYTES:
            break
        kept.append(line)
    keeper.save(b"".join([_head(), *reversed(kept)]))


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


def _parsed(keeper: Keeper) -> Iterator[tuple[_Key, bytes]]:
    """The lines that a keeper has, each with the key of its fact; broken ones are left out."""
    content = keeper.load()
    if content is None or not content.startswith(_head()):
        return
    for line in content.splitlines(keepends=True)[1:]:
        with suppress(ValueError):
            _, kind, file, _ = line.split(b"\t", 3)
            yield _Key(kind.decode(), json.loads(file)), line


@cache
def _head() -> bytes:
    """The first line of what is kept: of another Python, or another linepipe, nothing is taken."""
    held = blake2b(sys.version.encode(), digest_size=8)
    folder = os.path.dirname(__file__)
    for name in _FINDERS:
        with suppress(OSError), open(os.path.join(folder, f"{name}.py"), "rb") as file:
            held.update(file.read())
    return f"linepipe facts {held.hexdigest()}\n".encode()


def _encoded(key: _Key, fact: _Fact) -> bytes:
    data = dict(fact.data) if isinstance(fact.data, dict) else fact.data  # others may add to it
    body = f"{key.kind}\t{json.dumps(key.file)}\t{json.dumps([fact.stamp, data])}".encode()
    return b"%s\t%s\n" % (_checksum(body), body)


def _decoded(line: bytes) -> _Fact | None:
    checksum, _, body = line.rstrip(b"\n").partition(b"\t")
    if checksum != _checksum(body):
        return None
    return _Fact(*json.loads(body.split(b"\t", 2)[2]))


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=8).hexdigest().encode()
