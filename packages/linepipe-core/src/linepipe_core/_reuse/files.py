"""The Files of one run: their content today, those that are missing, those that change.

Apart from the session, which knows which node reads and makes which File.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from linepipe_core._errors import MissingInputError
from linepipe_core._log import RUN_LOG
from linepipe_core._values.file import FileContent, content_of_path, files_in

__all__ = ["FileContents", "check_files", "gone", "missing_files"]

_GONE = FileContent("", "")


class FileContents:
    """The content of each File that a run deals with, as it was when somebody last looked.

    Attributes:
        today: path -> the hash of its content; empty if it isn't there.
    """

    def __init__(self) -> None:
        self.today: dict[str, str] = {}
        self._warned: set[str] = set()

    def look(self, path: str) -> FileContent:
        """The content of a file or folder now."""
        try:
            found = content_of_path(path)
        except OSError:  # it isn't there, or can't be read
            found = _GONE
        self.today[path] = found.digest
        return found

    def look_again(self, paths: Iterable[str]) -> list[str]:
        """Look at these, and return those that have changed since the last time."""
        before = {path: self.today.get(path) for path in paths}
        return [path for path, digest in before.items() if self.look(path).digest != digest]

    def warn(self, path: str, node: str, did: str) -> None:
        """Say once that a file changed under the node that read or made it."""
        if path not in self._warned:
            self._warned.add(path)
            RUN_LOG.warning(
                "the file %r changed after %s had %s it, so %s is never fresh; where a node "
                "changes a file of another, such as a database, give plain paths and say "
                "effect=True of the node that changes it",
                path, node, did, node,
            )  # fmt: skip


def check_files(values: Iterable[tuple[str, object, str]]) -> None:
    """Refuse Files that aren't there, before any node runs.

    Args:
        values: what nodes read: its name, the value, and the place of the reader.

    Raises:
        MissingInputError: files are missing; all of them are told.
    """
    missing = [
        (os.fspath(file), name, reader)
        for name, value, reader in values
        for file in files_in(value)
        if not os.path.exists(file)
    ]
    if missing:
        raise missing_files(missing)


def missing_files(missing: Sequence[tuple[str, str, str]]) -> MissingInputError:
    """The error for Files that aren't there: path, name and reader of each."""
    lines = [f"there is no file {p!r}, which {r} reads as {name!r}" for p, name, r in missing]
    return MissingInputError(
        "\n".join([*lines, "  to write there, give a plain path: a str or a Path"]),
        [name for _, name, _ in missing],
    )


def gone(files: Mapping[str, str]) -> Iterator[str]:
    """The paths of which there was nothing."""
    return (path for path, digest in files.items() if not digest)
