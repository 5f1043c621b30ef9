"""The persistent cache as users see it: a mapping of names to objects.

A `shelve.Shelf` for its users' sake; the store below it is our own, because dbm files are
torn by a killed process, block or spoil under a second one, and copy every byte twice.
This module is the mapping, and leaves files and rows to `store`.
"""

from __future__ import annotations

import os
import shelve
from collections.abc import ItemsView, Iterator, ValuesView
from datetime import timedelta
from typing import Any, Final

from linepipe_core._errors import ShelfPickleError
from linepipe_core._store.info import ObjectInfo
from linepipe_core._store.prune_rows import Limits
from linepipe_core._store.store import Result, Store
from linepipe_core._store.verify import verified

__all__ = ["ObjectInfo", "ObjectShelf"]

_NOTHING: Final[Any] = object()


class ObjectShelf(shelve.Shelf[Any]):
    """A persistent mapping of names to objects.

    Args:
        path: the folder of the shelf, made if it is missing; ``~`` is expanded. Processes and
            threads may open the same path at the same time.

    Raises:
        ShelfPathError: the path holds something else, or can't hold a shelf.
        ShelfTrustError: others own it, or may put another in its place.
        ShelfReadError: it can't be read just now.
        ShelfWriteError: it can't be made.
        ShelfError: its index is damaged.

    Example:
        >>> import tempfile
        >>> with ObjectShelf(tempfile.mkdtemp() + "/cache") as shelf:
        ...     shelf["prices"] = [3, 4]
        ...     shelf["prices"].append(5)  # changes a private copy
        ...     shelf["prices"]
        [3, 4]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # `shelve.Shelf.__init__` is not called: it wraps a dbm-like dict, and there is none.
        self._store = Store(path)
        self.path: str = self._store.path

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    # --- the mapping ----------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        """A private copy of the object.

        Raises:
            KeyError: there is none, or its bytes are bad (then the log warns).
            ShelfReadError: it can't be read just now: too many open files, no memory.
        """
        value = self.get(name, _NOTHING)
        if value is _NOTHING:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """A private copy of the object, or ``default`` where there is none or it is bad.

        Raises:
            ShelfReadError: it can't be read just now: too many open files, no memory.
        """
        found = self._store.find(name)
        return default if found is None else self._store.load(name, found, default)

    def __setitem__(self, name: str, value: Any) -> None:
        """Store one object; what the shelf had of that name stays if this fails.

        Raises:
            ShelfPickleError: it can't be pickled; the message names the part that can't.
            ShelfWriteError: the shelf can't be written.
        """
        with self._store.draft({name: value}) as draft:
            if draft.refused:
                raise ShelfPickleError(f"{draft.refused[name]}", self.path)
            self._store.write(draft, Result())

    def __delitem__(self, name: str) -> None:
        """Remove one object, from the disk too.

        Raises:
            KeyError: there is none of that name.
        """
        if not self._store.take(name):
            raise KeyError(name)

    def pop(self, name: str, default: Any = _NOTHING) -> Any:
        """Take an object off the shelf; of several callers at a time, one gets it.

        Raises:
            KeyError: there is none or it is bad, and no ``default`` is given.
            ShelfReadError: it can't be read just now; it stays.
        """
        value = self._taken(name)
        if value is not _NOTHING:
            return value
        if default is _NOTHING:
            raise KeyError(name)
        return default

    def _taken(self, name: str) -> Any:
        while (found := self._store.find(name)) is not None:
            value = self._store.load(name, found, _NOTHING)
            # It may have been replaced meanwhile: only what is returned is removed.
            if value is _NOTHING or self._store.take(name, found.digest):
                return value
        return _NOTHING

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._store.has(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._store.names())

    def __len__(self) -> int:
        return len(self._store.names())

    def items(self) -> _ShelfItems:
        """The names with private copies of their objects; what can't be read is left out.

        Unlike ``dict(shelf)``, ``dict(shelf.items())`` never stumbles over an object that is
        bad, or that another process removes meanwhile; the log warns of the bad ones.
        """
        return _ShelfItems(self)

    def values(self) -> _ShelfValues:
        """Private copies of the objects, as `items` gives them."""
        return _ShelfValues(self)

    def readable(self) -> Iterator[tuple[str, Any]]:
        """The pairs of `items`."""
        for name in self._store.all_names():
            value = self.get(name, _NOTHING)
            if value is not _NOTHING:
                yield name, value

    def popitem(self) -> tuple[str, Any]:
        """Take some object that can be read off the shelf; of several callers, one gets it.

        Raises:
            KeyError: there is none.
        """
        for name in self._store.all_names():
            value = self._taken(name)
            if value is not _NOTHING:
                return name, value
        raise KeyError(f"there is nothing on the shelf {self.path}")

    def sync(self) -> None:
        """Wait until what was stored would survive a power cut, too."""
        self._store.sync()

    def close(self) -> None:
        """Close the shelf; a second time does nothing. Values read from it stay good."""
        self._store.close()

    def __del__(self) -> None:
        """The store closes itself: `shelve.Shelf` would close a dict that isn't there."""

    # --- keeping house ----------------------------------------------------------------------

    def info(self) -> tuple[ObjectInfo, ...]:
        """The objects on the shelf, in the names' order, without loading any of them.

        Also what counts as missing as a buffer of it is gone or cut short, although iteration
        leaves that out: it has ``is_whole=False``, and the rest of it takes space until it is
        stored again or removed.
        """
        return tuple(self._store.infos())

    def clear(self) -> None:
        """Remove everything: objects, records, history; the disk space too."""
        self._store.clear()

    def prune(
        self,
        *,
        max_bytes: int | None = None,
        older_than: float | timedelta | None = None,
        versions: int | None = None,
        keep_runs: int | None = None,
    ) -> tuple[str, ...]:
        """Remove the objects that were used least lately, and the oldest runs of the history.

        What one node made in one run leaves whole, with its record.

        Args:
            max_bytes: remove until what is left takes no more; what several objects share
                counts once.
            older_than: remove what was last stored or reused longer ago, in seconds or as a
                timedelta.
            versions: keep no more than this many results of each name and partition.
            keep_runs: keep the history of no more than this many of the newest runs.

        Returns:
            The names that have no object any more.

        Raises:
            ValueError: a limit is below 0, or no number; nothing is removed.
        """
        seconds = _seconds(older_than)
        _check_limit("max_bytes is the bytes that may stay", max_bytes)
        _check_limit("older_than is an age, in seconds or as a timedelta", seconds)
        _check_limit("versions is the number of results that stay", versions)
        _check_limit("keep_runs is the number of runs that stay", keep_runs)
        return tuple(self._store.prune(Limits(max_bytes, seconds, versions, keep_runs)))

    def partitions(self) -> tuple[str, ...]:
        """The partitions that runs have made, in order; the shelf's own isn't among them."""
        return tuple(self._store.results.partitions())

    @property
    def max_versions(self) -> int:
        """How many results of each name and partition are kept; the number stays with the shelf.

        Setting it removes nothing: what is too much leaves with the next result.
        """
        return self._store.max_versions

    @max_versions.setter
    def max_versions(self, n: int) -> None:
        if type(n) is not int or n < 1:
            raise ValueError(f"max_versions is a number of results, 1 or more, not {n!r}")
        self._store.max_versions = n

    def verify(self) -> tuple[str, ...]:
        """The names whose bytes are not what was written. Reads all of them.

        What is damaged leaves the disk: as long as it lay there, each store of the same
        content would take it for whole. So the objects that use it count as missing from then
        on, and the next store writes it anew: to mend, run again (``reuse=True`` runs no more
        than what is missing). What was read before stays as it was read.

        Returns:
            The names, also of objects that earlier calls found and nothing has mended yet.
            The log warns of each that this call found, and says what to do; on a shelf that
            can't be written nothing is removed, and the warning says that.

        Raises:
            ShelfError: the index is damaged.
        """
        return tuple(verified(self._store))


def _seconds(age: float | timedelta | None) -> float | None:
    return age if age is None or isinstance(age, int | float) else age.total_seconds()


def _check_limit(what: str, limit: float | None) -> None:
    """Refuse what would remove everything by mistake; True is 1, and False 0."""
    if limit is not None and (isinstance(limit, bool) or not limit >= 0):  # NaN isn't
        raise ValueError(f"{what}: 0 or more, or None for no limit, not {limit}")


class _ShelfItems(ItemsView[str, Any]):
    """The names with their objects."""

    _mapping: ObjectShelf

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._mapping.readable()


class _ShelfValues(ValuesView[Any]):
    """The objects."""

    _mapping: ObjectShelf

    def __contains__(self, value: object) -> bool:
        return any(one is value or one == value for one in self)

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in self._mapping.readable())
