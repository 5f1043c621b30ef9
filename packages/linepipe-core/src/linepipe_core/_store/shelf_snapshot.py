"""Holds an object that lies on the shelf, of the same shape as what is held in memory.

Apart from the registry, for results and the history hold such objects when that is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from linepipe_core._errors import MissingInputError, ShelfError
from linepipe_core._log import registry_log
from linepipe_core._store.packing import ShelfObject
from linepipe_core._values.snapshot import Snapshot

__all__ = ["ShelfSnapshot"]


class ShelfSnapshot(Snapshot):
    """An object on the shelf. Whoever asks gets a private copy, read when it is asked for.

    Attributes:
        name: its name.
    """

    is_stored = True  # what a result holds of it is read when somebody looks

    __slots__ = ("_locate", "_located", "_shared", "_unshared", "name")

    name: str

    def __init__(self, name: str, locate: Callable[[], ShelfObject | None]) -> None:
        self.name = name
        self._locate = locate
        self._located: ShelfObject | None = None
        self._unshared: list[Any] = []  # a copy that was read and not given away yet
        self._shared: list[Any] = []  # one that everyone may look at

    def pin(self) -> ShelfObject:
        """The object as it is from now on, whatever becomes of the shelf.

        Raises:
            MissingInputError: it isn't there any more, or its bytes are bad.
        """
        if self._located is None:
            self._located = self._locate()
        if self._located is None:
            raise self._missing(None)
        return self._located

    def unread(self) -> ShelfSnapshot:
        """The same object, if it was pinned, without the copy that was read of it."""
        located = self._located
        return ShelfSnapshot(self.name, self._locate if located is None else lambda: located)

    @property
    def value(self) -> Any:
        """The object itself, for somebody who promises not to change it."""
        if not self._shared:
            self._shared.append(self.copy())
        return self._shared[0]

    def copy(self) -> Any:
        """A private copy."""
        try:
            return self._unshared.pop()  # never to two threads that look at one history
        except IndexError:
            return self._loaded()

    move = copy

    def read(self) -> None:
        """Read a copy for the first reader.

        Raises:
            MissingInputError: the object isn't there any more, or its bytes are bad.
        """
        if not self._unshared:
            self._unshared.append(self._loaded())

    def _loaded(self) -> Any:
        located = self.pin()
        try:
            return located.load()
        except ShelfError:  # it can't be read just now, and stays
            raise
        except Exception as error:  # unpickling may raise anything
            registry_log().warning(
                "object %r on the shelf can't be read and counts as missing: %s: %s",
                self.name, type(error).__name__, error,
            )  # fmt: skip
            raise self._missing(error) from error

    def _missing(self, error: Exception | None) -> MissingInputError:
        gone = "it was removed, could never be pickled, or may hold a secret"
        why = gone if error is None else f"{type(error).__name__}: {error}"
        return MissingInputError(
            f"object {self.name!r} can't be read from the shelf: {why}\n"
            "  run the node that makes it again",
            [self.name],
        )
