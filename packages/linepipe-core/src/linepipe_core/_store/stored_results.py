"""Finds what nodes left on a shelf: their results, by the keys of the nodes and by names.

Apart from the store, which changes them: here is nothing but queries, and no file is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from linepipe_core._store import result_rows
from linepipe_core._store.database import Index
from linepipe_core._store.result_rows import StoredResult

__all__ = ["StoredResults"]


class StoredResults:
    """The results on a shelf.

    Args:
        index: the shelf's.
    """

    def __init__(self, index: Index) -> None:
        self._index = index

    def of(
        self,
        keys: Collection[str],
        partition: str | None = None,
        limit: int = result_rows.MAX_VERSIONS,
    ) -> dict[str, list[StoredResult]]:
        """The results of nodes' keys, the last used first.

        Args:
            keys: the nodes'.
            partition: whose results; None for those of all partitions.
            limit: how many of each.
        """
        return self._index.read(result_rows.results, keys, partition, limit)

    def newest(
        self, keys: Collection[str], partition: str | None = None
    ) -> dict[str, StoredResult]:
        """The result of each node's key that was stored last, for the keys that have one."""
        return self._index.read(result_rows.newest, keys, partition)

    def newest_outside(self, key: str, partition: str) -> list[StoredResult]:
        """The result of a node's key in another partition that was stored last, if any."""
        return self._index.read(result_rows.newest_outside, key, partition)

    def outlines(self, keys: Collection[str], partition: str) -> dict[str, dict[int, str]]:
        """Of each node's key the number of each result -> the hash of what it was made from."""
        return self._index.read(result_rows.outlines, keys, partition)

    def numbered(self, numbers: Collection[int]) -> list[StoredResult]:
        """The results of these numbers that are there still. For fewer than a thousand."""
        return self._index.read(result_rows.numbered, numbers)

    def that_read(self, key: str, read: str, limit: int) -> list[StoredResult]:
        """The results of a node's key, of all partitions, that were made from the same.

        Args:
            key: the node's.
            read: the hash of what it read.
            limit: how many.
        """
        return self._index.read(result_rows.results_that_read, key, read, limit)

    def keys_with(self, text: str) -> list[str]:
        """The keys of results in which a text occurs. Reads all of them."""
        return self._index.read(result_rows.keys_with, text)

    def current(self, name: str, partition: str = "") -> StoredResult | None:
        """The result whose object a name gives."""
        return self._index.read(result_rows.current_result, partition, name)

    def put_by_hand(self, names: Iterable[str], partition: str = "") -> set[str]:
        """Those of the names that give an object that no node made."""
        return self._index.read(result_rows.put_by_hand, partition, names)

    def partitions(self) -> list[str]:
        """The partitions that have results, in order."""
        return self._index.read(result_rows.partitions)
