"""The content of what lies at a path: the hash of a file, or of all that lies in a folder.

It is read only if its size, its times or its inode have changed since it was last read.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, MutableMapping
from hashlib import sha256
from typing import Final, NamedTuple

__all__ = ["FileContent", "content_of_path", "newest_below", "note_content"]

# Per path as written and folder of the process: lets a process read each file once.
_READ: dict[tuple[str, str], FileContent] = {}
_SHORTLY_NS: Final = 100_000_000
_COARSE_NS: Final = 2_000_000_000  # on file systems that keep whole seconds
_PIECE: Final = 1 << 20
_LARGE: Final = 16 << 20


class FileContent(NamedTuple):
    """The content of a file or folder when it was last read.

    Attributes:
        stamp: a hash of each file's size, mtime_ns, ctime_ns and inode; empty if one of them was
            changed so shortly before that a change right after wouldn't show.
        digest: the hash of the content.
    """

    stamp: str
    digest: str


def content_of_path(
    path: str | os.PathLike[str],
    known: MutableMapping[tuple[str, str], FileContent] | None = None,
) -> FileContent:
    """The content of a file, or of all that lies in a folder.

    Args:
        path: where it lies.
        known: what was read before; filled here. By default what this process has read.

    Returns:
        Its hash, from ``known`` if nothing shows that it has changed.

    Raises:
        OSError: it isn't there, or can't be read.
    """
    known = _READ if known is None else known
    written = os.fspath(path)
    key = _key(written)
    files = sorted(_files(written))
    stamp = _stamp(files)
    before = known.get(key)
    if before is not None and before.stamp == stamp:
        return before
    if sum(status.st_size for _, status in files) > _LARGE and _is_recent(files, time.time_ns()):
        time.sleep(_SHORTLY_NS / 1e9)  # then the stamp is sure, and spares reading it again
    now = time.time_ns()
    digest = _digest(written, files)
    is_sure = _stamp(sorted(_files(written))) == stamp and not _is_recent(files, now)
    known[key] = found = FileContent(stamp if is_sure else "", digest)
    return found


def note_content(path: str, content: FileContent) -> None:
    """Take over the content of a path that an earlier process has read."""
    if content.stamp:
        _READ.setdefault(_key(path), content)


def newest_below(path: str) -> str:
    """The file in a folder that was changed last, by its name there; empty if it is no folder."""
    try:
        files = [(s.st_mtime_ns, n) for n, s in _files(path) if not stat.S_ISDIR(s.st_mode)]
    except OSError:
        return ""
    return max(files, default=(0, ""))[1].removeprefix("/")


def _key(path: str) -> tuple[str, str]:
    return os.getcwd() if not os.path.isabs(path) else "", path


def _files(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """The files at a path, each by its name below it, with what the system says of it."""
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        yield "", status
        return
    waiting = [("", path)]
    while waiting:
        below, folder = waiting.pop()
        yield f"{below}/", os.stat(folder)
        with os.scandir(folder) as entries:
            for entry in entries:
                name = f"{below}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((name, entry.path))
                elif entry.is_symlink():  # it counts by where it leads: that may be a circle
                    yield name, entry.stat(follow_symlinks=False)
                else:
                    yield name, entry.stat()


def _stamp(files: list[tuple[str, os.stat_result]]) -> str:
    stamps = [(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for _, s in files]
    return sha256(repr(stamps).encode()).hexdigest()[:32]


def _is_recent(files: list[tuple[str, os.stat_result]], now: int) -> bool:
    newest = max(max(status.st_mtime_ns, status.st_ctime_ns) for _, status in files)
    return newest > now - (_SHORTLY_NS if newest % 1_000_000_000 else _COARSE_NS)


def _digest(path: str, files: list[tuple[str, os.stat_result]]) -> str:
    whole = sha256()
    for below, status in files:
        at = path + below
        if stat.S_ISDIR(status.st_mode):
            whole.update(b"folder " + _encoded(below))
        elif stat.S_ISLNK(status.st_mode):
            whole.update(b"link " + _encoded(below) + _encoded(os.readlink(at)))
        elif stat.S_ISREG(status.st_mode):
            whole.update(b"file " + _encoded(below) + _content(at))
        else:  # a socket, a device: opening a FIFO would wait for somebody who writes
            whole.update(b"other " + _encoded(below))
    return whole.hexdigest()[:32]


def _encoded(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogateescape")
    return b"%d:%s" % (len(encoded), encoded)


def _content(path: str) -> bytes:
    held = sha256()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            held.update(piece)
    return held.digest()
