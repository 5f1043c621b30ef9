"""Finds objects by their digests, one after the other, with few queries for many.

Apart from the registry, which holds them: a run that reuses a hundred nodes in a row asks for a
hundred objects, and each query costs more than what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from time import monotonic
from typing import Final

from linepipe_core._store.database import Index
from linepipe_core._store.mmap import Buffer
from linepipe_core._store.packing import ShelfObject
from linepipe_core._store.rows import Row
from linepipe_core._store.store import Store

__all__ = ["ObjectsAhead"]

_MOST: Final = 128  # objects in one query

# Other processes may change the shelf at any time, and no code of this one runs between the
# turns of nodes that are reused in a row, but for hooks.
_SECONDS: Final = 0.05


class ObjectsAhead:
    """Reads the index's entries of the objects that are likely to be asked for next along.

    They are forgotten once this process has changed a shelf, or when they are a moment old: what
    is found is on the shelf.

    Args:
        store: the shelf's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[str, Row] = {}
        self._maps: dict[tuple[str, int], Buffer] = {}
        self._n_ahead = 1
        self._n_commits = Index.n_commits
        self._until = 0.0

    def find(self, digest: str, following: Callable[[], Iterable[str]]) -> ShelfObject | None:
        """The object of that digest; None where there is none or it is bad.

        Args:
            digest: the object's.
            following: gives the digests that will be asked for next, in order.

        Raises:
            ShelfReadError: it can't be read just now.
        """
        if Index.n_commits != self._n_commits or monotonic() > self._until:
            self._rows, self._n_ahead = {}, 1
        row = self._rows.get(digest)
        if row is None:
            row = self._read(digest, following)
        return None if row is None else self._store.pinned(row, self._maps)

    def clear(self) -> None:
        """Forget all of them, and what was mapped of them."""
        self._rows, self._maps = {}, {}

    def _read(self, digest: str, following: Callable[[], Iterable[str]]) -> Row | None:
        self._n_commits, self._until = Index.n_commits, monotonic() + _SECONDS
        others = islice(following(), self._n_ahead - 1)
        self._n_ahead = min(2 * self._n_ahead, _MOST)
        self._rows = self._store.rows_of([digest, *others])
        return self._rows.get(digest)
