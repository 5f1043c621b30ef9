"""`File`: a path that counts with the content of what lies there.

Apart from plain paths, which count as names. What lies at a path is read only if its size, its
times or its inode have changed since it was last read.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, MutableMapping
from hashlib import sha256
from itertools import islice
from typing import Any, Final, NamedTuple

__all__ = [
    "File",
    "FileContent",
    "content_of_path",
    "files_in",
    "note_content",
    "was_any_file_made",
]


class File(os.PathLike[str]):
    """A file or folder that an object stands for: its path as written and its content count.

    A node that reads it runs again once its content has changed, and so does the one that made
    it. A folder counts by all that lies in it. A plain ``str`` or ``Path`` counts as a name only.

    Args:
        path: where it lies. A relative path is taken from the folder in which the process runs.

    Raises:
        TypeError: the path is neither a text nor path-like, or it is one of bytes.

    >>> import os
    >>> file = File("data/rows.csv")
    >>> file, os.fspath(file)
    (File('data/rows.csv'), 'data/rows.csv')
    """

    __module__ = "linepipe_core"  # pickles name it there, and it never moves from there
    __slots__ = ("_path",)

    _path: str

    def __init__(self, path: str | os.PathLike[str]) -> None:
        written = os.fspath(path)
        if not isinstance(written, str):
            raise TypeError(f"File() takes a path as a text, not {path!r}: os.fsdecode() makes one")
        object.__setattr__(self, "_path", written)
        _ever_made.add(True)

    def __fspath__(self) -> str:
        return self._path

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path!r})"

    def __str__(self) -> str:
        return self._path

    def __eq__(self, other: object) -> bool:
        return self._path == other._path if isinstance(other, File) else NotImplemented

    def __hash__(self) -> int:
        return hash((File, self._path))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a File can't be changed: {name!r}; make another one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a File can't be changed: {name!r}")

    def __reduce__(self) -> tuple[type[File], tuple[str]]:
        return type(self), (self._path,)

    def __copy__(self) -> File:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> File:
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> Any:
        """A field typed `File` takes a path, and shows it as a text."""
        from pydantic_core import core_schema as schema

        return schema.no_info_plain_validator_function(
            lambda path: path if isinstance(path, cls) else cls(path),
            serialization=schema.plain_serializer_function_ser_schema(os.fspath),
        )


def was_any_file_made() -> bool:
    """Return True if there may be a File in some value of this process."""
    return bool(_ever_made)


def files_in(value: Any) -> list[File]:
    """The Files in a value, as far as they lie on top: in containers and plain objects."""
    found: list[File] = []
    if was_any_file_made():
        _collect(value, found, _DEPTH)
    return found


def _collect(value: Any, found: list[File], depth: int) -> None:
    if type(value) is File:
        found.append(value)
        return
    parts: Iterable[Any] = ()
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    elif type(value).__module__ != "builtins" and not hasattr(type(value), "__array__"):
        parts = getattr(value, "__dict__", {}).values()
    if depth:
        for part in islice(parts, _MOST_PARTS):
            _collect(part, found, depth - 1)


class FileContent(NamedTuple):
    """The content of a file or folder when it was last read.

    Attributes:
        stamp: a hash of each file's size, mtime_ns, ctime_ns and inode; empty if one of them was
            changed so shortly before that a change right after wouldn't show.
        digest: the hash of the content.
    """

    stamp: str
    digest: str


_ever_made: set[bool] = set()
_DEPTH: Final = 4
_MOST_PARTS: Final = 1000  # of one container

# Per path as written and folder of the process: lets a process read each file once.
_READ: dict[tuple[str, str], FileContent] = {}
_SHORTLY_NS: Final = 100_000_000
_COARSE_NS: Final = 2_000_000_000  # on file systems that keep whole seconds
_PIECE: Final = 1 << 20
_LARGE: Final = 16 << 20


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
