"""The persistent cache: a mapping of names to objects that survives crashes and company.

A `shelve.Shelf` for its users' sake; the store below it is our own, because dbm files are
torn by a killed process, block or spoil under a second one, and copy every byte twice.
SQLite at the shelf's path is the index and holds the pickles (`index`, `rows`); large buffers
leave the pickle (`pickling`), lie once each in files beside it (`buffers`), and are mapped back
(`maps`). `store` changes both together. This module is what users see of it.
"""

from __future__ import annotations

import os
import shelve
import sqlite3
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, ValuesView
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from linepipe_core._errors import ShelfPickleError
from linepipe_core._log import SHELF_LOG
from linepipe_core._store import rows
from linepipe_core._store.mmap import Buffer
from linepipe_core._store.packing import (
    ShelfObject,
    check_name,
    pickled,
    unpacked,
)
from linepipe_core._store.rows import ObjectInfo, Released, Row
from linepipe_core._store.store import Store
from linepipe_core._store.verify import verified
from linepipe_core._values.out_of_band import Pickled, Unpicklable

T = TypeVar("T")

__all__ = ["ObjectInfo", "ObjectShelf", "ShelfObject", "Stored", "Unpicklable"]


# The history on disk keeps this many of the newest runs; `prune(keep_runs=)` keeps fewer.
KEPT_RUNS: Final = 20

_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of one `ObjectShelf.store`.

    Attributes:
        objects: name -> the object as it was stored, also when another process has replaced
            it since.
        refused: name -> why, for each object that can't be pickled.
    """

    objects: Mapping[str, ShelfObject]
    refused: Mapping[str, Unpicklable]

    @property
    def digests(self) -> dict[str, str]:
        """Name -> digest of each object that was stored."""
        return {name: stored.digest for name, stored in self.objects.items()}


class ObjectShelf(shelve.Shelf[Any]):
    """A persistent mapping of names to objects.

    Args:
        path: the index file; it and the folder ``<path>.buffers`` are made if they are
            missing. Processes and threads may open the same path at the same time.

    Raises:
        ShelfPathError: the path holds something else, or can't hold a shelf.
        ShelfTrustError: somebody else owns what lies there, or may write it.
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
        self.path: str = os.path.realpath(os.fspath(path))
        self._store = Store(self.path)
        self._index = self._store.index
        self._files = self._store.files

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    # --- the mapping ----------------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        """A private copy of the object.

        Raises:
            KeyError: there is none, or its bytes are bad (then the log warns).
        """
        value = self.get(name, _NOTHING)
        if value is _NOTHING:
            raise KeyError(name)
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """A private copy of the object, or ``default`` where there is none or it is bad."""
        check_name(name)
        return self._readable(name, lambda: self._read(name, default), default)

    def open(self, name: str) -> ShelfObject | None:
        """An object as it is now, to be loaded later; None where there is none or it is bad."""
        check_name(name)
        return self._readable(
            name, lambda: self._store.locate(name, lambda row: ShelfObject(row, self._files))
        )

    def __setitem__(self, name: str, value: Any) -> None:
        """Store one object; what the shelf had of that name stays if this fails.

        Raises:
            ShelfPickleError: it can't be pickled; the message names the part that can't.
            ShelfWriteError: the shelf can't be written.
        """
        packs, refused = pickled({name: value})
        if refused:
            raise ShelfPickleError(f"{refused[name]}", self.path)
        self._store.write(packs, {name: type(value)}, partial(_put, None, (), {}))

    def __delitem__(self, name: str) -> None:
        """Remove one object, from the disk too.

        Raises:
            KeyError: there is none of that name.
        """

        def drop(connection: sqlite3.Connection) -> Released:
            digest = rows.drop_name(connection, name)
            if digest is None:
                raise KeyError(name)
            released = Released()
            rows.release(connection, [digest], released)
            return released

        self._store.remove_unused(self._index.write(drop).buffers)

    def pop(self, name: str, default: Any = _NOTHING) -> Any:
        """Take an object off the shelf; of several callers at a time, one gets it.

        Raises:
            KeyError: there is none or it is bad, and no ``default`` is given.
        """
        check_name(name)
        released = Released()

        def take(connection: sqlite3.Connection) -> ShelfObject | None:
            row = rows.find(connection, name)
            if row is None:
                return None
            rows.release(connection, [rows.drop_name(connection, name)], released)
            return self._readable(name, lambda: ShelfObject(row, self._files))

        found = self._index.write(take)
        self._store.remove_unused(released.buffers)
        value = _NOTHING if found is None else self._readable(name, found.load, _NOTHING)
        if value is not _NOTHING:
            return value
        if default is _NOTHING:
            raise KeyError(name)
        return default

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        with self._index.reading() as connection:
            row = rows.find(connection, name)
        return row is not None and all(self._files.is_whole(*buffer) for buffer in row.buffers)

    def __iter__(self) -> Iterator[str]:
        return iter(self.digests())

    def __len__(self) -> int:
        with self._index.reading() as connection:
            return rows.count_names(connection, self._broken(connection))

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
        """What `items` goes through."""
        with self._index.reading() as connection:
            names = rows.names(connection)
        for name in names:
            value = self.get(name, _NOTHING)
            if value is not _NOTHING:
                yield name, value

    def popitem(self) -> tuple[str, Any]:
        """Take some object that can be read off the shelf; of several callers, one gets it.

        Raises:
            KeyError: there is none.
        """
        for name, _ in self.readable():  # first: `pop` removes also what can't be read
            value = self.pop(name, _NOTHING)
            if value is not _NOTHING:
                return name, value
        raise KeyError(f"there is nothing on the shelf {self.path}")

    def sync(self) -> None:
        """Wait until what was stored would survive a power cut, too."""
        self._index.sync()

    def close(self) -> None:
        """Close the shelf; a second time does nothing. Values read from it stay good."""
        self._index.close()

    def __del__(self) -> None:
        if hasattr(self, "_index"):
            with suppress(Exception):  # the interpreter may be half gone
                self.close()

    # --- a node's outputs -------------------------------------------------------------------

    def store(
        self,
        objects: Mapping[str, Any],
        *,
        node: str | None = None,
        drop: Iterable[str] = (),
        records: Records | None = None,
        look: Callable[[Mapping[str, Pickled]], None] | None = None,
    ) -> Stored:
        """Store objects, remove names and write records, all in one transaction.

        What can't be pickled is refused and the rest is stored; the older value of a refused
        name is removed with it, so that it can't be read back as if it were new.

        Args:
            objects: name -> object.
            node: the name of the node that made them.
            drop: names to remove, if they are there; those in ``objects`` are kept.
            records: key -> text to keep beside the objects (see `record`); None removes one.
                Or a function that gives this, called with name -> digest of what is stored.
            look: called before that, and before the transaction, with name -> pickle.

        Returns:
            What was stored, and why the rest was refused.

        Raises:
            ShelfWriteError: the shelf can't be written; it is as it was before.
            ShelfError: its index is damaged.
        """
        packs, refused = pickled(objects)
        if look is not None:
            look(packs)
        types = {name: type(value) for name, value in objects.items()}
        put = partial(_put, node, {*drop, *refused}, records or {})
        return Stored(self._store.write(packs, types, put), refused)

    def digest(self, name: str) -> str | None:
        """The hash of an object's pickle and buffers, without loading it; None if it isn't there.

        Equal digests mean equal content. The reverse need not hold: a set may pickle in
        another order.
        """
        with self._index.reading() as connection:
            return rows.find_digest(connection, name) or None

    def digests(self) -> dict[str, str]:
        """The digest of every object whose buffers are all there, without loading any."""
        with self._index.reading() as connection:
            named = rows.digests(connection)
            broken = self._broken(connection)
        return {name: digest for name, digest in named.items() if digest not in broken}

    def record(self, key: str) -> str | None:
        """The text that `store` wrote under ``key``."""
        with self._index.reading() as connection:
            return rows.record(connection, key)

    def records(self, prefix: str = "") -> dict[str, str]:
        """Every record whose key starts with ``prefix``."""
        with self._index.reading() as connection:
            return rows.records(connection, prefix)

    # --- history ----------------------------------------------------------------------------

    def begin_run(self) -> int:
        """Begin a run of the history; the oldest beyond `KEPT_RUNS` leave.

        Returns:
            Its number, for `keep` and `add_entry`.
        """

        def begin(connection: sqlite3.Connection, released: Released) -> int:
            run = rows.add_run(connection)
            rows.prune(None, None, KEPT_RUNS, connection, released)
            return run

        return self._store.reduce(begin)

    def keep(self, objects: Mapping[str, Any], run: int) -> Stored:
        """Store objects without a name, for as long as the history keeps the run.

        Args:
            objects: what to call it in the answer -> object.
            run: the run that mentions them.

        Returns:
            What was stored, and why the rest was refused.

        Raises:
            ShelfWriteError: the shelf can't be written.
        """
        packs, refused = pickled(objects)
        types = {name: type(value) for name, value in objects.items()}
        return Stored(self._store.write(packs, types, partial(_keep, run)), refused)

    def add_entry(self, run: int, text: str, digests: Iterable[str]) -> None:
        """Add an entry to a run, and keep the objects that it mentions.

        Raises:
            ShelfWriteError: the shelf can't be written.
        """

        def add(connection: sqlite3.Connection) -> None:
            rows.add_entry(connection, run, text)
            rows.mention(connection, run, digests)

        self._index.write(add)

    def runs(self) -> list[int]:
        """The runs that the history keeps, the oldest first."""
        with self._index.reading() as connection:
            return rows.runs(connection)

    def entries(self, run: int) -> list[str]:
        """The entries of a run, in order, as they were added."""
        with self._index.reading() as connection:
            return rows.entries(connection, run)

    def open_digest(self, digest: str) -> ShelfObject | None:
        """The object of that digest, named or not; None where there is none or it is bad."""
        with self._index.reading() as connection:
            row = rows.find_object(connection, digest)
        if row is None:
            return None
        return self._readable(digest, lambda: ShelfObject(row, self._files))

    # --- keeping house ----------------------------------------------------------------------

    def info(self) -> tuple[ObjectInfo, ...]:
        """What is on the shelf, in the names' order, without loading any of it.

        Also what counts as missing as a buffer of it is gone or cut short, although iteration
        leaves that out: it has ``is_whole=False``, and the rest of it takes space until it is
        stored again or removed.
        """
        with self._index.reading() as connection:
            return tuple(rows.infos(connection, self._broken(connection)))

    def clear(self) -> None:
        """Remove everything: objects, records, history; the disk space too."""
        self._store.reduce(rows.clear)
        self._index.shrink()

    def prune(
        self,
        *,
        max_bytes: int | None = None,
        older_than: float | timedelta | None = None,
        keep_runs: int | None = None,
    ) -> tuple[str, ...]:
        """Remove the oldest objects, and the oldest runs of the history.

        Args:
            max_bytes: remove until what is left takes no more; what several objects share
                counts once.
            older_than: remove what was stored longer ago, in seconds or as a timedelta.
            keep_runs: keep the history of no more than this many of the newest runs.

        Returns:
            The names of the objects that were removed.

        Raises:
            ValueError: a limit is below 0, or no number; nothing is removed.
        """
        seconds = _seconds(older_than)
        _check_limit("max_bytes is the bytes that may stay", max_bytes)
        _check_limit("older_than is an age, in seconds or as a timedelta", seconds)
        _check_limit("keep_runs is the number of runs that stay", keep_runs)
        removed = self._store.reduce(partial(rows.prune, max_bytes, seconds, keep_runs))
        self._index.shrink()
        return tuple(removed)

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

    # --- inside -------------------------------------------------------------------------------

    def _read(self, name: str, default: Any) -> Any:
        found = self._store.locate(name, lambda row: (row, self._buffers(row)))
        return default if found is None else unpacked(*found)

    def _broken(self, connection: sqlite3.Connection) -> set[str]:
        """The objects of which a buffer isn't there in its full size."""
        buffers = rows.known_buffers(connection)
        bad = [d for d, n_bytes in buffers.items() if not self._files.is_whole(d, n_bytes)]
        return rows.users(connection, bad)

    def _buffers(self, row: Row) -> list[Buffer]:
        return [self._files.open(*buffer) for buffer in row.buffers]

    def _readable(self, name: str, read: Callable[[], T], default: T | None = None) -> T | None:
        """What ``read`` gives; where it raises, a warning that names the object, and ``default``.

        Raises:
            ValueError: the shelf is closed.
        """
        try:
            return read()
        except Exception as error:  # unpickling may raise anything
            if self._index.is_closed:
                raise
            SHELF_LOG.warning(
                "object %r on the shelf %s can't be read and counts as missing: %s: %s",
                name, self.path, type(error).__name__, error,
            )  # fmt: skip
            return default


Records: TypeAlias = (
    "Mapping[str, str | None] | Callable[[Mapping[str, str]], Mapping[str, str | None]]"
)


def _put(
    node: str | None,
    drop: Iterable[str],
    records: Records,
    connection: sqlite3.Connection,
    made: Mapping[str, Row],
) -> Released:
    """Name the objects of one store, drop other names, write its records."""
    older = [rows.set_name(connection, name, row.digest, node) for name, row in made.items()]
    older += [rows.drop_name(connection, name) for name in drop if name not in made]
    released = Released()
    rows.release(connection, older, released)
    if callable(records):
        records = records({name: row.digest for name, row in made.items()})
    rows.set_records(connection, records.items())
    return released


def _keep(run: int, connection: sqlite3.Connection, made: Mapping[str, Row]) -> Released:
    """Let a run of the history mention the objects of one store."""
    rows.mention(connection, run, [row.digest for row in made.values()])
    return Released()


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
