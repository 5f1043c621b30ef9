"""Opens the one folder that a shelf is, so that nobody can put another in its place.

Apart from the store because the order of its steps matters: each folder on the way is judged by
an open descriptor, nothing is touched before it is known to be ours, and everything but SQLite
goes by the descriptor that was checked.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import weakref
from contextlib import suppress
from typing import Final

from linepipe_core._errors import ShelfPathError
from linepipe_core._log import shelf_log
from linepipe_core._store.permissions import (
    distrust,
    is_trusted_owner,
    own_problem,
    writers_problem,
)

FORMAT: Final = 4
MARK: Final = f"linepipe shelf {FORMAT}\n"

INDEX: Final = "index.sqlite"
LOGS: Final = (f"{INDEX}-wal", f"{INDEX}-shm", f"{INDEX}-journal")
BUFFERS: Final = "buffers"
STAGING: Final = "staging"
RESERVE: Final = "reserve"
RESERVE_BYTES: Final = 256 * 1024

_NEW_MARK: Final = "shelf.new-"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_IS_UNIX: Final = os.open in os.supports_dir_fd
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_PLAIN: Final = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO opens at once
    | getattr(os, "O_BINARY", 0)
)

# One descriptor for each shelf that this process uses, however many runs and results use it.
_folders: weakref.WeakValueDictionary[tuple[int, int], ShelfFolder] = weakref.WeakValueDictionary()
opening = threading.RLock()  # reentrant: a signal handler may open a shelf, too
_said: set[str] = set()


class ShelfFolder:
    """The folder of a shelf, open and checked.

    Attributes:
        path: where it lies, links resolved.
        risks: the folders above it in which others could put another one in its place.
        trusts_owners: False on a filesystem that maps owners, where they mean nothing.
    """

    def __init__(self, fd: int, path: str, risks: tuple[str, ...]) -> None:
        self._fd = fd
        self.path = path
        self.risks = risks
        self.trusts_owners = True

    def __del__(self) -> None:
        with suppress(OSError, AttributeError):
            os.close(self._fd)

    def locate(self, name: str) -> str:
        """The full path of what lies in the folder, for SQLite and for messages."""
        return os.path.join(self.path, name)

    # Each takes a path inside the folder. Windows has no calls relative to a descriptor.

    def stat(self, name: str) -> os.stat_result:
        if _IS_UNIX:
            return os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        return os.lstat(self.locate(name))

    def exists(self, name: str) -> bool:
        try:
            self.stat(name)
        except FileNotFoundError:
            return False
        return True

    def open(self, name: str, flags: int = _PLAIN, mode: int = 0o600) -> int:
        if _IS_UNIX:
            return os.open(name, flags, mode, dir_fd=self._fd)
        return os.open(self.locate(name), flags, mode)

    def create(self, name: str) -> int:
        """Open a new file for writing.

        Raises:
            FileExistsError: there is one.
        """
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
        return self.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))

    def mkdir(self, name: str) -> None:
        if _IS_UNIX:
            os.mkdir(name, 0o700, dir_fd=self._fd)
        else:
            os.mkdir(self.locate(name))

    def rmdir(self, name: str) -> None:
        if _IS_UNIX:
            os.rmdir(name, dir_fd=self._fd)
        else:
            os.rmdir(self.locate(name))

    def unlink(self, name: str) -> None:
        if _IS_UNIX:
            os.unlink(name, dir_fd=self._fd)
        else:
            os.unlink(self.locate(name))

    def rename(self, name: str, to: str) -> None:
        """Rename a file, over another if there is one."""
        if _IS_UNIX:
            os.replace(name, to, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        else:
            os.replace(self.locate(name), self.locate(to))

    def link(self, name: str, to: str) -> None:
        """Give a file a second name.

        Raises:
            FileExistsError: there is one of that name.
        """
        if _IS_UNIX:
            os.link(name, to, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)
        else:
            os.link(self.locate(name), self.locate(to))

    def names(self, name: str = "") -> list[str]:
        """The names in the folder, or in a folder in it."""
        if not _IS_UNIX:
            return os.listdir(self.locate(name))
        fd = os.open(name or ".", _FOLDER, dir_fd=self._fd)  # of its own: it has a position
        try:
            return os.listdir(fd)
        finally:
            os.close(fd)

    def sync(self, name: str) -> None:
        """Make the names in a folder last, where a folder can be synced."""
        try:
            fd = self.open(name, _FOLDER)
        except PermissionError:  # Windows
            return
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EBADF):
                raise
        finally:
            os.close(fd)

    def write_new(self, name: str, content: bytes) -> None:
        """Write a small file and wait until it is on the disk.

        Raises:
            FileExistsError: there is one.
        """
        fd = self.create(name)
        try:
            view = memoryview(content)
            while view.nbytes:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)

    def check_file(self, name: str, *, is_folder: bool = False) -> None:
        """Raise if what lies there is no plain file, or not yours alone; missing is fine.

        Raises:
            ShelfTrustError: others own it or may write it.
            ShelfPathError: it is a link, a device, or another kind of thing.
        """
        try:
            found = self.stat(name)
        except FileNotFoundError:
            return
        is_right = stat.S_ISDIR if is_folder else stat.S_ISREG
        if not is_right(found.st_mode):
            kind = "folder" if is_folder else "plain file"
            raise ShelfPathError(
                f"{self.locate(name)} is no {kind}, as a shelf has it\n"
                "  remove it by hand, or choose another cache_storage_path",
                self.locate(name),
            )
        problem = own_problem(found, _OTHERS_WRITE) if self.trusts_owners else None
        if problem:
            mend = "if you know who made it: chown it to you and `chmod go-rwx` it, or remove it"
            raise distrust(self.locate(name), problem, mend)


def open_folder(path: str | os.PathLike[str]) -> ShelfFolder:
    """Open the folder of a shelf, made if it is missing.

    Args:
        path: the folder; ``~`` is expanded.

    Raises:
        ShelfPathError: it holds something else.
        ShelfTrustError: others own it, or may put another in its place.
        OSError: it can't be made or opened.
    """
    wanted = absolute(path)
    with opening:
        return _opened(wanted)


def absolute(path: str | os.PathLike[str]) -> str:
    """The path with ``~`` expanded, from the root on."""
    return os.path.abspath(os.path.expanduser(os.fspath(path)))


def _opened(wanted: str) -> ShelfFolder:
    refuse_older(wanted)
    fd, path, risks, parent = _walk(wanted) if _IS_UNIX else _found_by_path(wanted)
    folder = ShelfFolder(fd, path, risks)
    found = os.fstat(fd) if _IS_UNIX else os.stat(path)
    known = _folders.get((found.st_dev, found.st_ino)) if _IS_UNIX else None
    if known is not None and known.path == path:
        known.risks = risks
        folder = known
    _check_owner(folder)
    _check_parent(folder, parent)
    _check_kind(folder)
    _check_parts(folder)
    if _IS_UNIX:
        _folders[found.st_dev, found.st_ino] = folder
    return folder


def refuse_older(path: str) -> None:
    """Raise if an older linepipe's shelf, or a file, lies at the path.

    Raises:
        ShelfPathError: so it is.
    """
    for suffix in (".db", ".dat", ".pag"):  # linepipe 1.x, by the Python's dbm
        if os.path.lexists(path + suffix):
            raise _foreign(path + suffix, "an older linepipe's shelve, or another program's file")
    with suppress(FileNotFoundError, NotADirectoryError):
        found = os.lstat(path)
        if stat.S_ISLNK(found.st_mode):
            raise _foreign(path, "a link, and a shelf's own folder may be none")
        if not stat.S_ISDIR(found.st_mode):
            raise _foreign(path, "a file, perhaps an older linepipe's shelf, and no folder")


def _walk(wanted: str) -> tuple[int, str, tuple[str, ...], str | None]:
    """Open a folder from the root on; each on the way is judged by its open descriptor.

    Returns:
        The descriptor, the path with its links resolved, the risks, and why others may change
        what lies in the folder's own parent.
    """
    todo = [part for part in wanted.split("/") if part]
    done: list[str] = []
    n_links = 0
    risks: list[str] = []
    parent: str | None = None
    held = [os.open("/", _FOLDER)]  # the last one is where the walk is
    try:
        while todo:
            here = "/" + "/".join(done)
            found = os.fstat(held[-1])
            name = todo.pop(0)
            if name == "..":
                _step(held, os.open("..", _FOLDER, dir_fd=held[-1]))
                del done[-1:]
                continue
            at = _found_or_made(name, held[-1])
            parent = writers_problem(found)
            if parent:
                risks.append(f"{here}: {parent}")
            elif found.st_mode & stat.S_ISVTX and not is_trusted_owner(at.st_uid):
                risks.append(f"{here}: user {at.st_uid} owns {name} in it")
            if stat.S_ISLNK(at.st_mode):
                n_links += 1
                _check_link(os.path.join(here, name), at, n_links, is_last=not todo)
                to = os.readlink(name, dir_fd=held[-1])
                todo = [part for part in to.split("/") if part not in ("", ".")] + todo
                if to.startswith("/"):
                    _step(held, os.open("/", _FOLDER))
                    done = []
                continue
            _step(held, os.open(name, _FOLDER, dir_fd=held[-1]))
            done.append(name)
        return held.pop(), "/" + "/".join(done), tuple(risks), parent
    finally:
        while held:
            os.close(held.pop())


def _found_by_path(wanted: str) -> tuple[int, str, tuple[str, ...], None]:
    """The `_walk` of Windows, where there are no owners to judge."""
    os.makedirs(wanted, exist_ok=True)
    return -1, os.path.realpath(wanted), (), None


def _found_or_made(name: str, fd: int) -> os.stat_result:
    """Look at what lies in an open folder; if nothing does, make a folder for its owner alone."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=fd)
        return os.stat(name, dir_fd=fd, follow_symlinks=False)


def _step(held: list[int], new: int) -> None:
    """Go on to a folder; at no moment is a descriptor in the list that is closed already."""
    held.append(new)
    os.close(held.pop(0))


def _check_link(path: str, found: os.stat_result, n_links: int, *, is_last: bool) -> None:
    if is_last:
        raise _foreign(path, "a link, and a shelf's own folder may be none")
    if not is_trusted_owner(found.st_uid):
        problem = f"it is a link that user {found.st_uid} made"
        raise distrust(path, problem, "remove it, or choose another cache_storage_path")
    if n_links > 40:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _check_parent(folder: ShelfFolder, problem: str | None) -> None:
    """Raise if the folder that the shelf lies in is one that others may write."""
    if problem is None or not folder.trusts_owners:
        return
    parent = os.path.dirname(folder.path)
    if os.geteuid() == 0 and problem.endswith("owns it"):
        # As in a container over a folder of the user's: what was opened is compared.
        if parent not in _said:
            _said.add(parent)
            shelf_log().warning("the shelf %s is root's, and lies in a folder of which %s",
                              folder.path, problem)  # fmt: skip
    elif _maps_owners(folder):
        folder.trusts_owners = False
    else:
        mend = "`chmod go-w` it, or give the cache a folder of its own in cache_storage_path"
        raise distrust(parent, f"others may change what lies in it ({problem})", mend)


def _check_kind(folder: ShelfFolder) -> None:
    """Raise if the folder isn't a shelf of this format; an empty one is taken over."""
    mark = _read_mark(folder)
    if mark == MARK:
        return
    if mark is not None and mark.startswith("linepipe shelf"):
        theirs, ours = mark.strip(), MARK.strip()
        raise _foreign(folder.path, f"a shelf of another format ({theirs!r}; ours: {ours!r})")
    if mark is not None:
        raise _foreign(folder.path, "a folder with a file 'shelf' that linepipe didn't write")
    others = [name for name in folder.names() if not name.startswith(_NEW_MARK)]
    # Another process may have made it a shelf since the mark was looked for.
    if others and _read_mark(folder) != MARK:
        listed = ", ".join(sorted(others)[:3])
        what = f"no shelf but a folder with other files ({listed}); a subfolder of it will do"
        raise _foreign(folder.path, what)
    if not others:
        _narrow(folder)
        new = _NEW_MARK + os.urandom(6).hex()
        folder.write_new(new, MARK.encode())
        with suppress(FileNotFoundError):  # another process cleared it away with its own
            folder.rename(new, "shelf")


def _check_owner(folder: ShelfFolder) -> None:
    """Raise if others own the folder or may write it."""
    found = folder.stat(".")
    is_shelf = folder.exists("shelf")
    problem = own_problem(found, _OTHERS_WRITE if is_shelf else 0)
    if problem and _maps_owners(folder):
        folder.trusts_owners = False
    elif problem:
        mend = "if it is yours: chown it to you and `chmod 700` it"
        raise distrust(folder.path, problem, f"{mend}; else choose another cache_storage_path")
    elif is_shelf and found.st_mode & _OTHERS:
        _narrow(folder)  # copied under a common umask: others could read it, and not write


def _narrow(folder: ShelfFolder) -> None:
    if _IS_UNIX and folder.trusts_owners:
        fd = folder.open(".", _FOLDER)
        try:
            os.fchmod(fd, 0o700)
        finally:
            os.close(fd)


def _read_mark(folder: ShelfFolder) -> str | None:
    try:
        fd = folder.open("shelf")
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return ""
        raise
    try:
        return os.read(fd, 100).decode(errors="replace") if _is_plain(fd) else ""
    finally:
        os.close(fd)


def _is_plain(fd: int) -> bool:
    return stat.S_ISREG(os.fstat(fd).st_mode)


def _check_parts(folder: ShelfFolder) -> None:
    """Make the folders in it that are missing, and check all that SQLite will open."""
    for name in (BUFFERS, STAGING):
        if not folder.exists(name):
            with suppress(FileExistsError):
                folder.mkdir(name)
        folder.check_file(name, is_folder=True)
    for name in (INDEX, *LOGS):
        folder.check_file(name)


def _maps_owners(folder: ShelfFolder) -> bool:
    """Return True if this filesystem shows what we just made as another's; said once."""
    probe = f".linepipe-{os.urandom(8).hex()}"
    try:
        fd = folder.create(probe)
    except OSError:
        return False
    try:
        is_mapped = own_problem(os.fstat(fd), _OTHERS) is not None
    finally:
        os.close(fd)
        with suppress(OSError):
            folder.unlink(probe)
    if is_mapped and folder.path not in _said:
        _said.add(folder.path)
        shelf_log().warning(
            "the filesystem of %s maps owners or modes: a file just made there looks like "
            "another's, so linepipe can't check who wrote the shelf; see to it that only "
            "you can",
            folder.path,
        )
    return is_mapped


def _foreign(path: str, what: str) -> ShelfPathError:
    return ShelfPathError(
        f"{path} is {what}\n"
        "  it stays as it is: choose another cache_storage_path, or move it away",
        path,
    )


def _forget_opening() -> None:
    """In a forked child: the lock may be held by a thread that only the parent has."""
    global opening
    opening = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_opening)
