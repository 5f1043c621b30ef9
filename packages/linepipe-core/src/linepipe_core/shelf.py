"""The persistent cache: a mapping of names to objects that survives crashes and company.

A `shelve.Shelf` for its users' sake; the store below it is our own, because dbm files are
torn by a killed process, block or spoil under a second one, and copy every byte twice.
SQLite at the shelf's path is the index and holds the pickles (`index`); large buffers leave
the pickle (`pickling`), lie once each in files beside it (`buffers`), and are mapped back.
This module joins the three, and keeps the promises that users see.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shelve
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from linepipe_core import index, pickling, trust
from linepipe_core.buffers import BufferFiles, digest_of, write_gitignore
from linepipe_core.errors import ShelfError, ShelfPathError, ShelfPickleError, ShelfWriteError
from linepipe_core.index import Index, ObjectInfo, Released, Row
from linepipe_core.pickling import LARGE_BYTES, Pickled, Unpicklable
from linepipe_core.staging import Staging

if TYPE_CHECKING:
    import sqlite3
    from datetime import timedelta

__all__ = ["ObjectInfo", "ObjectShelf", "Stored", "Unpicklable"]

_logger = logging.getLogger("linepipe.shelf")

_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of one `ObjectShelf.store`.

    Attributes:
        digests: name -> digest of each object that was stored.
        refused: name -> why, for each object that can't be pickled.
    """

    digests: Mapping[str, str]
    refused: Mapping[str, Unpicklable] = field(default_factory=dict)


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
        self._files = BufferFiles(self.path + ".buffers")
        self._index = _opened(self.path, self._files)
        self._sweep()

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
        _check_name(name)
        try:
            row, buffers = self._open(name)
            return default if row is None else _load(row, buffers)
        except ValueError as error:
            if self._index.is_closed:
                raise
            problem: Exception = error
        except Exception as error:
            problem = error
        _logger.warning(
            "object %r on the shelf %s can't be read and counts as missing: %s: %s",
            name, self.path, type(problem).__name__, problem,
        )  # fmt: skip
        return default

    def __setitem__(self, name: str, value: Any) -> None:
        """Store one object; what the shelf had of that name stays if this fails.

        Raises:
            ShelfPickleError: it can't be pickled; the message names the part that can't.
            ShelfWriteError: the shelf can't be written.
        """
        packs, refused = _pickled({name: value})
        if refused:
            raise ShelfPickleError(f"{refused[name]}", self.path)
        self._write(packs, {name: type(value)}, None, (), {})

    def __delitem__(self, name: str) -> None:
        """Remove one object, from the disk too.

        Raises:
            KeyError: there is none of that name.
        """
        released = Released()
        with self._index.writing() as connection:
            digest = index.drop_name(connection, name)
            if digest is None:
                raise KeyError(name)
            index.release(connection, [digest], released)
        self._remove_unused(released.buffers)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        with self._index.reading() as connection:
            row = index.find(connection, name)
        return row is not None and all(self._files.is_whole(*buffer) for buffer in row.buffers)

    def __iter__(self) -> Iterator[str]:
        with self._index.reading() as connection:
            return iter(index.names(connection))

    def __len__(self) -> int:
        with self._index.reading() as connection:
            return int(connection.execute("SELECT COUNT(*) FROM names").fetchone()[0])

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
        records: Mapping[str, str | None] | None = None,
    ) -> Stored:
        """Store objects, remove names and write records, all in one transaction.

        What can't be pickled is refused and the rest is stored; the older value of a refused
        name is removed with it, so that it can't be read back as if it were new.

        Args:
            objects: name -> object.
            node: the name of the node that made them.
            drop: names to remove, if they are there; those in ``objects`` are kept.
            records: key -> text to keep beside the objects (see `record`); None removes one.

        Returns:
            The digests of what was stored, and why the rest was refused.

        Raises:
            ShelfWriteError: the shelf can't be written; it is as it was before.
            ShelfError: its index is damaged.
        """
        packs, refused = _pickled(objects)
        types = {name: type(value) for name, value in objects.items()}
        digests = self._write(packs, types, node, {*drop, *refused}, records or {})
        return Stored(digests, refused)

    def digest(self, name: str) -> str | None:
        """The hash of an object's pickle and buffers, without loading it; None if it isn't there.

        Equal digests mean equal content. The reverse need not hold: a set may pickle in
        another order.
        """
        with self._index.reading() as connection:
            return index.find_digest(connection, name)

    def record(self, key: str) -> str | None:
        """The text that `store` wrote under ``key``."""
        with self._index.reading() as connection:
            return index.record(connection, key)

    def records(self, prefix: str = "") -> dict[str, str]:
        """Every record whose key starts with ``prefix``."""
        with self._index.reading() as connection:
            return index.records(connection, prefix)

    # --- keeping house ----------------------------------------------------------------------

    def info(self) -> tuple[ObjectInfo, ...]:
        """What is on the shelf, in the names' order, without loading any of it."""
        with self._index.reading() as connection:
            return tuple(index.infos(connection))

    def clear(self) -> None:
        """Remove everything: objects, records, history; the disk space too."""
        released = Released()
        with self._index.writing() as connection:
            index.clear(connection, released)
        self._remove_unused(released.buffers)
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
        """
        released = Released()
        seconds = _seconds(older_than)
        with self._index.writing() as connection:
            removed = index.prune(connection, max_bytes, seconds, keep_runs, released)
        self._remove_unused(released.buffers)
        self._index.shrink()
        return tuple(removed)

    def verify(self) -> tuple[str, ...]:
        """The names whose bytes are not what was written. Reads all of them."""
        verdicts: dict[str, bool] = {}
        return tuple(name for name in self if not self._is_sound(name, verdicts))

    # --- inside -------------------------------------------------------------------------------

    def _open(self, name: str) -> tuple[Row | None, list[Any]]:
        """An object's row and its open buffers."""
        with self._index.reading() as connection:
            row = index.find(connection, name)
        try:
            return row, self._buffers(row)
        except (OSError, ValueError):
            # A writer may have replaced the object since its row was read. Under the lock
            # nobody can, so what is bad then is bad.
            with self._index.writing() as connection:
                row = index.find(connection, name)
                return row, self._buffers(row)

    def _buffers(self, row: Row | None) -> list[Any]:
        return [self._files.open(*buffer) for buffer in row.buffers] if row and row.buffers else []

    def _write(
        self,
        packs: Mapping[str, Pickled],
        types: Mapping[str, type],
        node: str | None,
        drop: Iterable[str],
        records: Mapping[str, str | None],
    ) -> dict[str, str]:
        """Store what was pickled, in one transaction. Returns name -> digest."""
        views = [view for pack in packs.values() for view in _large(pack)]
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(self._files.drafts()) if views else ""
                staging = Staging(views, self._files, folder)
                staging.prepare(self._index)
                rows = _rows(packs, types, iter(staging.digests))
                released = self._commit(staging, rows, node, drop, records)
            except OSError as error:
                if isinstance(error, ShelfError):
                    raise
                raise ShelfWriteError(
                    f"the shelf at {self.path} can't be written: {error}\n"
                    "  what was there stays; see to the disk's space and the folder's permissions",
                    self.path,
                ) from error
        self._remove_unused(released.buffers)
        return {name: row.digest for name, row in rows.items()}

    def _commit(
        self,
        staging: Staging,
        rows: Mapping[str, Row],
        node: str | None,
        drop: Iterable[str],
        records: Mapping[str, str | None],
    ) -> Released:
        """The transaction of a store."""
        while True:
            try:
                with self._index.writing() as connection:
                    missing = staging.missing(connection)
                    if not missing:
                        staging.place(connection)
                        return _put(connection, rows, node, drop, records)
            except BaseException:
                self._remove_unused(staging.placed)
                raise
            staging.write(missing)  # removed since they were hashed; now they are drafted

    def _remove_unused(self, digests: Sequence[str]) -> None:
        """Remove the files of buffers that nothing uses; what fails is left for a later sweep."""
        if not digests:
            return
        with suppress(ShelfError), self._index.writing() as connection:
            self._files.remove(d for d in digests if not index.has_buffer(connection, d))

    def _sweep(self) -> None:
        """Remove what killed writers left."""
        n_drafts = self._files.sweep_drafts()
        with self._index.reading() as connection:
            known = index.known_buffers(connection)
        orphans = [digest for digest in self._files.names() if digest not in known]
        self._remove_unused(orphans)
        if n_drafts or orphans:
            _logger.info("swept what an interrupted write left on the shelf %s", self.path)

    def _is_sound(self, name: str, verdicts: dict[str, bool]) -> bool:
        """Whether an object's bytes are what was written; ``verdicts`` remembers buffers."""
        with self._index.reading() as connection:
            row = index.find(connection, name)
        if row is None:  # removed meanwhile
            return True
        for digest, n_bytes in row.buffers:
            if digest not in verdicts:
                verdicts[digest] = self._files.verify(digest, n_bytes)
        sound = all(verdicts[digest] for digest, _ in row.buffers)
        return sound and (row.stream is None or _digest(row) == row.digest)


# --- opening ----------------------------------------------------------------------------------

# What this process has open: while it has, the index file may not be opened and closed by
# other means (see `trust.refuse_foreign`).
_open: weakref.WeakSet[Index] = weakref.WeakSet()
_opening = threading.Lock()


def _forget_opening() -> None:
    """In a forked child: the lock may be held by a thread that only the parent has."""
    global _opening
    _opening = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_opening)


def _opened(path: str, files: BufferFiles) -> Index:
    """The index at ``path``, made if it is missing, checked and trusted."""
    with _opening:
        try:
            if not os.path.lexists(path):
                trust.refuse_older(path)
                _make(path, files)
            if not _is_open(path):
                trust.refuse_foreign(path)
            files.make_folder()
            trust.check_parent(os.path.dirname(path))
            trust.check_owner(path)
            trust.check_owner(files.folder)
            opened = Index(path)
            for suffix in ("-wal", "-shm", "-journal"):
                trust.check_owner(path + suffix, missing_ok=True)
        except OSError as error:
            if isinstance(error, ShelfError):
                raise
            raise ShelfPathError(f"there can be no shelf at {path}: {error}", path) from error
        _open.add(opened)
        return opened


def _is_open(path: str) -> bool:
    return any(one.identity == index.identity(path) and not one.is_closed for one in _open)


def _make(path: str, files: BufferFiles) -> None:
    """Make an empty shelf; if another process is quicker, its one it is."""
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        os.makedirs(parent, mode=0o700, exist_ok=True)
        write_gitignore(parent)
    files.make_folder()
    with files.drafts() as folder:
        draft = os.path.join(folder, "index")
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        index.create(draft)
        try:
            os.link(draft, path)  # unlike a rename it never replaces another's
        except FileExistsError:
            pass
        except OSError:  # a filesystem without links
            if not os.path.lexists(path):
                os.replace(draft, path)


# --- objects and rows ---------------------------------------------------------------------------


def _pickled(objects: Mapping[str, Any]) -> tuple[dict[str, Pickled], dict[str, Unpicklable]]:
    """The objects' pickles, and why some have none."""
    packs, refused = {}, {}
    for name, value in objects.items():
        _check_name(name)
        try:
            packs[name] = pickling.dump(value)
        except Exception as error:  # objects may raise anything when they are pickled
            refused[name] = pickling.explain(name, value, error)
    return packs, refused


def _large(pack: Pickled) -> tuple[memoryview, ...]:
    """What of a pickled object goes to files: its buffers, and its pickle last if that is large."""
    return (*pack.buffers, pack.stream) if pack.stream.nbytes >= LARGE_BYTES else pack.buffers


def _rows(
    packs: Mapping[str, Pickled], types: Mapping[str, type], digests: Iterator[str]
) -> dict[str, Row]:
    """The rows of pickled objects; ``digests`` are those of all their `_large` views in turn."""
    rows = {}
    for name, pack in packs.items():
        views = _large(pack)
        stream = bytes(pack.stream) if len(views) == len(pack.buffers) else None
        buffers = tuple((next(digests), view.nbytes) for view in views)
        n_bytes = sum(size for _, size in buffers) + len(stream or b"")
        kind = types[name]
        spelled = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        row = Row("", stream, spelled, n_bytes, buffers)
        rows[name] = Row(_digest(row), stream, spelled, n_bytes, buffers)
    return rows


def _digest(row: Row) -> str:
    """The hash of an object: of its pickle, and of the hashes of its buffers."""
    hasher = hashlib.sha256(b"linepipe object\0")
    hasher.update(" ".join(digest for digest, _ in row.buffers).encode())
    hasher.update(b"\0" + row.stream if row.stream is not None else b"")
    return hasher.hexdigest()


def _put(
    connection: sqlite3.Connection,
    rows: Mapping[str, Row],
    node: str | None,
    drop: Iterable[str],
    records: Mapping[str, str | None],
) -> Released:
    """Write the rows of one store."""
    released = Released()
    for row in rows.values():
        index.add_object(connection, row)
    older = [index.set_name(connection, name, row.digest, node) for name, row in rows.items()]
    older += [index.drop_name(connection, name) for name in drop if name not in rows]
    index.release(connection, older, released)
    index.set_records(connection, records.items())
    return released


def _load(row: Row, buffers: list[Any]) -> Any:
    """The object of a row.

    Raises:
        ValueError: its pickle isn't what was written.
        Exception: whatever unpickling raises.
    """
    stream: Any = row.stream
    if stream is None:
        stream = buffers.pop()
        sound = digest_of(memoryview(stream)) == row.buffers[-1][0]
    else:
        sound = _digest(row) == row.digest
    if not sound:
        raise ValueError("its pickle isn't what was written")
    return pickling.load(stream, buffers)


def _check_name(name: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a name on the shelf is a str, not {type(name).__name__}: {name!r}")
    if not name:
        raise ValueError("a name on the shelf can't be empty")


def _seconds(age: float | timedelta | None) -> float | None:
    return age if age is None or isinstance(age, int | float) else age.total_seconds()
