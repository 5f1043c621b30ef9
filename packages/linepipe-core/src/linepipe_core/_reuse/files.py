"""The Files of one run: their content today, and those that change.

Apart from the session, which knows which node reads and makes which File.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from linepipe_core._log import run_log
from linepipe_core._values.file_content import FileContent, content_of_path

__all__ = ["FileContents", "gone"]

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
            run_log().warning(
                "the file %r changed after %s had %s it, so %s is never fresh; where a node "
                "changes a file of another, such as a database, give plain paths and say "
                "effect=True of the node that changes it",
                path, node, did, node,
            )  # fmt: skip


def gone(files: Mapping[str, str]) -> Iterator[str]:
    """The paths of which there was nothing."""
    return (path for path, digest in files.items() if not digest)
