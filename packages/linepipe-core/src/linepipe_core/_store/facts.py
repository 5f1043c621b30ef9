"""The file on the shelf in which the reading of code keeps what it found in sources.

Apart from the index: it speaks of no object, it may be lost at any time, and it is read and
replaced as a whole, without a lock.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

from linepipe_core._store.folder import ShelfFolder
from linepipe_core._store.staging import Staging

__all__ = ["FactsFile"]

# Each Python has its own: what one finds in a source, another may not.
_NAME: Final = f"facts-{sys.version_info.major}.{sys.version_info.minor}"


class FactsFile:
    """Some bytes that are kept on the shelf, as far as that goes.

    Attributes:
        path: where they lie.
    """

    def __init__(self, folder: ShelfFolder, staging: Staging, is_readonly: bool) -> None:
        self.path = folder.locate(_NAME)
        self._folder = folder
        self._staging = staging
        self._is_readonly = is_readonly

    def load(self) -> bytes | None:
        """The bytes; None if there are none, or they can't be read."""
        try:
            with open(self._folder.open(_NAME), "rb") as file:
                return file.read()
        except OSError:
            return None

    def save(self, content: bytes) -> None:
        """Save the bytes in place of those before, if that can be done.

        They aren't waited for: a power cut may take them.
        """
        if self._is_readonly:
            return
        with suppress(OSError):
            draft = self._staging.new_name()
            try:
                with open(self._folder.create(draft), "wb") as file:
                    file.write(content)
                self._folder.rename(draft, _NAME)
            except OSError:
                with suppress(OSError):
                    self._folder.unlink(draft)
