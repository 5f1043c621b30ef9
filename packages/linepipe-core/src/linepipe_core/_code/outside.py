"""Watches what a node reads outside while it runs: files, folders, other processes.

By an audit hook, which can't be removed again: it is installed with the first run that leaves
records, and returns at once while no node runs. Only the thread that runs the node is watched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable
from threading import get_ident
from typing import Any, Final

from linepipe_core._code.ownership import file_owner

__all__ = ["OutsideWatch"]

_OPENS: Final = frozenset({"open", "os.listdir", "os.scandir", "sqlite3.connect"})
_STARTS: Final = frozenset(
    {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec"}
)
_CODE: Final = (".py", ".pyc", ".pyi", ".pyd", ".so", ".pth", ".dll", ".zip", ".egg", ".whl")
_SYSTEMS: Final = ("/dev/", "/proc/", "/sys/", "/etc/", "/usr/share/", "/usr/lib/")
_WRITES: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_MOST_SEEN: Final = 1000
_MOST_NAMED: Final = 5

_watches: Final[dict[int, list[OutsideWatch]]] = {}  # by thread
_is_installed: Final[list[bool]] = []


class OutsideWatch:
    """Notes what the current thread opens and starts until it ends."""

    def __init__(self) -> None:
        self._read: dict[str, None] = {}
        self._made: set[str] = set()
        self._has_started = False
        self._thread = get_ident()
        if not _is_installed:
            _is_installed.append(True)
            sys.addaudithook(_audit)
        _watches.setdefault(self._thread, []).append(self)

    def note(self, event: str, args: tuple[Any, ...]) -> None:
        """Note an audit event."""
        if event in _STARTS:
            self._has_started = True
            return
        path = args[0] if args else None
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if path is None and event != "open":
            path = "."
        if not isinstance(path, str) or len(self._read) >= _MOST_SEEN:
            return
        if event == "open" and _writes(args):
            self._made.add(path)
        elif path not in self._made:
            self._read[path] = None

    def end(self) -> None:
        """Stop."""
        watches = _watches.get(self._thread, [])
        if self in watches:
            watches.remove(self)
        if not watches:
            _watches.pop(self._thread, None)

    def notes(self, declared: Iterable[str], shelf: str) -> tuple[str, ...]:
        """The things that were seen and that no fingerprint tells, each a phrase.

        Args:
            declared: the paths of Files, which count.
            shelf: the folder of the shelf.
        """
        known = {os.path.abspath(path) for path in declared}
        inside = tuple(os.path.abspath(path) + os.sep for path in (*known, shelf))
        found = [p for p in self._read if _is_named(os.path.abspath(p), known, inside)]
        notes = [f"the content of {_shown(path)}, which it opened" for path in found[:_MOST_NAMED]]
        if len(found) > _MOST_NAMED:
            notes.append(f"the content of {len(found) - _MOST_NAMED} more files that it opened")
        if self._has_started:
            notes.append("the code of the processes that it started")
        return tuple(notes)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _watches:
        return
    if event in _OPENS or event in _STARTS:
        for watch in _watches.get(get_ident(), ()):
            watch.note(event, args)


def _writes(args: tuple[Any, ...]) -> bool:
    mode, flags = (*args, None, None)[1:3]
    if isinstance(mode, str):
        return not mode.startswith("r")
    return isinstance(flags, int) and bool(flags & _WRITES)


def _is_named(path: str, known: Collection[str], inside: tuple[str, ...]) -> bool:
    if path in known or path.startswith(inside) or path.lower().endswith(_CODE):
        return False
    if os.path.join(path, "").startswith(_SYSTEMS):
        return False
    if path in sys.path_importer_cache or path == inside[-1][:-1]:  # looked through by imports
        return False
    folder = os.path.dirname(path)
    # Caches and settings of libraries; what was sought in vain, or made and removed again.
    if f"{os.sep}." in folder or "__pycache__" in path or not os.path.exists(path):
        return False
    return file_owner(path) == "own" and file_owner(os.path.join(path, "")) == "own"


def _shown(path: str) -> str:
    """A path below the current folder as it is from there."""
    full, here = os.path.abspath(path), os.path.join(os.getcwd(), "")
    return full[len(here) :] if full.startswith(here) else full
