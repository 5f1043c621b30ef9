"""`File`: a path that counts with the content of what lies there.

Plain paths count as names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

__all__ = ["File", "files_in", "was_any_file_made"]

_ever_made: set[bool] = set()
_DEPTH: Final = 4
_MOST_PARTS: Final = 1000  # of one container


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
    try:
        parts = _parts(value)
    except Exception:  # whatever a class raises that is asked for its attributes
        return
    if depth:
        for part in islice(parts, _MOST_PARTS):
            _collect(part, found, depth - 1)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, (list, tuple, set, frozenset)):
        return value
    if isinstance(value, dict):
        return value.values()
    if type(value).__module__ != "builtins" and not hasattr(type(value), "__array__"):
        return getattr(value, "__dict__", {}).values()
    return ()
