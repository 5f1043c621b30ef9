"""A folder for each process's files in the making, locked as long as the process lives.

Its lock is how a sweep tells a live writer's files from a dead one's. A file in it is named by
the digest under which it is about to appear among the buffers, so the sweep costs what dead
writers left, and not what lies on the shelf.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from linepipe_core._log import shelf_log
from linepipe_core._store.folder import STAGING, ShelfFolder
from linepipe_core._store.fork_gate import GATE

if sys.platform != "win32":
    import fcntl

_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_NO_LOCKS: Final = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)

_said: set[str] = set()


class Leftover(NamedTuple):
    """The staging folder of a writer that has died."""

    folder: ShelfFolder
    path: str
    names: Sequence[str]

    def digests(self) -> list[str]:
        """The buffers that it may have placed without a row."""
        found = dict.fromkeys(name.partition(".")[0] for name in self.names)
        return [digest for digest in found if digest]

    def remove(self) -> None:
        """Remove it, once those buffers are looked after.

        Raises:
            OSError: it can't be removed.
        """
        for name in self.names:
            with suppress(FileNotFoundError):
                self.folder.unlink(f"{self.path}/{name}")
        self.folder.rmdir(self.path)


class Staging:
    """This process's folder in a shelf's staging folder, made when it is needed."""

    def __init__(self, folder: ShelfFolder) -> None:
        self._folder = folder
        self._begin()
        GATE.guard(self)

    def _begin(self) -> None:
        self._lock = threading.RLock()  # reentrant: a signal handler may store, too
        self._name = ""
        self._fd = -1

    def new_name(self, digest: str = "") -> str:
        """A name for a new file, in the shelf's folder.

        Args:
            digest: if given, a name by which a sweep finds the buffer of that digest.

        Raises:
            OSError: there can be no staging folder.
        """
        return f"{self._own()}/{digest}.{os.urandom(8).hex()}"

    def _own(self) -> str:
        with self._lock:
            while not self._name:
                name = f"{STAGING}/{os.getpid()}-{os.urandom(6).hex()}"
                self._folder.mkdir(name)
                try:
                    fd = _lock_of(self._folder, name)
                    if fd is None:  # a sweep has it, and takes it for a leftover
                        continue
                    self._fd = fd
                    if self._folder.exists(name):
                        self._name = name
                except FileNotFoundError:  # a sweep removed it before it was locked
                    continue
                finally:
                    if not self._name:
                        self._drop(name)
            return self._name

    def _drop(self, name: str) -> None:
        fd, self._fd, self._name = self._fd, -1, ""
        with suppress(OSError):
            self._folder.rmdir(name)
        _close(fd)

    def dead(self) -> Iterator[Leftover]:
        """The folders that dead writers left, each locked until the next is asked for."""
        for name in self._folder.names(STAGING):
            path = f"{STAGING}/{name}"
            if path == self._name:
                continue
            try:
                fd = _lock_of(self._folder, path, is_sweep=True)
            except OSError:  # removed by its owner meanwhile
                continue
            if fd is None:
                continue
            try:
                yield Leftover(self._folder, path, self._folder.names(path))
            except FileNotFoundError:
                continue
            finally:
                _close(fd)

    def close(self) -> None:
        """Remove the folder, if nothing is in it, and let go of the lock."""
        with self._lock:
            if self._name:
                self._drop(self._name)

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()

    def before_fork(self) -> None:
        """Nothing: the parent goes on with its folder."""

    def after_fork_in_child(self, *, was_inside: bool) -> None:  # noqa: ARG002  # as `Forkable`
        """Begin anew; the parent keeps its folder, and its lock."""
        _close(self._fd)  # a copy: unlocking it would unlock the parent's
        self._begin()


def _lock_of(folder: ShelfFolder, name: str, *, is_sweep: bool = False) -> int | None:
    """Lock a folder. Returns its descriptor; None if another process has it.

    Where there are no such locks a sweep gets none, and a writer goes on without: -1.

    Raises:
        OSError: it can't be opened or locked.
    """
    if sys.platform == "win32":
        return None if is_sweep else -1
    fd = folder.open(name, _FOLDER)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _close(fd)
        return None
    except OSError as error:
        _close(fd)
        if error.errno not in _NO_LOCKS:
            raise
        _say_no_locks(folder, error)
        return None if is_sweep else -1
    return fd


def _say_no_locks(folder: ShelfFolder, error: OSError) -> None:
    if folder.path not in _said:
        _said.add(folder.path)
        shelf_log().warning(
            "the filesystem of the shelf %s has no flock (%s): what killed writers leave there "
            "isn't swept; mount it with locks, or remove the shelf's staging folder by hand "
            "while nobody uses it",
            folder.path, error,
        )  # fmt: skip


def _close(fd: int) -> None:
    if fd >= 0:
        with suppress(OSError):
            os.close(fd)
