"""Files that aren't there although a node reads them: an error before any node runs.

Apart from `files`, which hashes: every run asks for what is missing, also one without records.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from linepipe_core._errors import MissingInputError
from linepipe_core._values.file import files_in

__all__ = ["check_files", "missing_files"]


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
