"""Between objects and rows: what of an object goes where, and how it comes back whole.

Apart from the shelf because it is pure: pickles and digests in, rows out, and the reverse.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from linepipe_core._errors import ShelfReadError
from linepipe_core._store.buffers import BadBytesError, BufferFiles
from linepipe_core._store.chunks import digest_of
from linepipe_core._store.mmap import Buffer
from linepipe_core._store.rows import Row
from linepipe_core._values import out_of_band as pickling
from linepipe_core._values.out_of_band import LARGE_BYTES, Pickled, Unpicklable


class ShelfObject:
    """One object as the shelf had it at one moment, whatever becomes of the shelf since.

    It keeps maps of the object's buffers and reads nothing of them until it is loaded.

    Attributes:
        digest: the hash of its pickle and its buffers.
        about: the text that was kept beside it.
    """

    __slots__ = ("_files", "_pinned", "_row")

    def __init__(
        self, row: Row, files: BufferFiles, maps: dict[tuple[str, int], Buffer] | None = None
    ) -> None:
        """Pin an object.

        Args:
            row: the index's entry.
            files: the shelf's buffer files.
            maps: the buffers by digest and size that other objects have open, which this one
                shares; filled here. Such an object is loaded, and never taken.

        Raises:
            BadBytesError: a buffer is gone, or isn't what was written.
            OSError: one can't be read.
        """
        self._row = row
        self._files = files
        if maps is None:
            self._pinned = [files.open(*buffer) for buffer in row.buffers]
            return
        for buffer in row.buffers:
            if buffer not in maps:
                maps[buffer] = files.open(*buffer)
        self._pinned = [maps[buffer] for buffer in row.buffers]

    @property
    def digest(self) -> str:
        return self._row.digest

    @property
    def about(self) -> str | None:
        return self._row.about

    def load(self) -> Any:
        """A private copy of the object.

        Raises:
            ShelfReadError: it can't be read just now.
            Exception: its bytes are bad, or its own classes raised this.
        """
        return self._unpacked([self._private(place) for place in range(len(self._pinned))])

    def take(self) -> Any:
        """The object over its pinned buffers, which it takes along: to be called once.

        Raises:
            ShelfReadError: it can't be read just now.
            Exception: its bytes are bad, or its own classes raised this.
        """
        buffers, self._pinned = self._pinned, []
        return self._unpacked(buffers)

    def _private(self, place: int) -> Buffer:
        try:
            return self._files.open(*self._row.buffers[place])
        except (OSError, ValueError):  # removed since it was pinned
            return bytearray(self._pinned[place])

    def _unpacked(self, buffers: list[Any]) -> Any:
        try:
            return unpacked(self._row, buffers)
        except Exception as error:
            if is_passing(error):
                raise read_error(self._files.folder.path, error) from error
            raise


def is_passing(error: BaseException) -> bool:
    """Return True if reading failed for a reason that says nothing of the bytes.

    Too many open files, no memory, no permission, a deep stack: also where the object's own
    classes met it and raised something else of it.
    """
    met: BaseException | None = error
    for _ in range(20):
        if isinstance(met, (OSError, MemoryError, RecursionError)):
            return True
        if met is None:
            return False
        met = met.__cause__ or met.__context__
    return False


def read_error(path: str, error: BaseException) -> ShelfReadError:
    """The error for what can't be read just now."""
    return ShelfReadError(
        f"the shelf at {path} can't be read just now: {type(error).__name__}: {error}\n"
        "  what is there stays; see to open files, memory, the stack's depth and permissions",
        path,
    )


def pickled(objects: Mapping[str, Any]) -> tuple[dict[str, Pickled], dict[str, Unpicklable]]:
    """The objects' pickles, and why some have none."""
    packs, refused = {}, {}
    for name, value in objects.items():
        check_name(name)
        try:
            packs[name] = pickling.dump(value)
        except Exception as error:  # objects may raise anything when they are pickled
            refused[name] = pickling.explain(name, value, error)
    return packs, refused


def large_views(pack: Pickled) -> tuple[memoryview, ...]:
    """The parts of an object that go to files: its buffers, then its pickle if that is large."""
    if len(pack.stream) < LARGE_BYTES:
        return pack.buffers
    return (*pack.buffers, memoryview(pack.stream))


def rows_of(
    packs: Mapping[str, Pickled], types: Mapping[str, type], digests: Iterator[str]
) -> dict[str, Row]:
    """The rows of pickled objects; ``digests`` are those of all their `large_views` in turn."""
    rows = {}
    for name, pack in packs.items():
        views = large_views(pack)
        stream = pack.stream if len(views) == len(pack.buffers) else None
        buffers = tuple((next(digests), view.nbytes) for view in views)
        n_bytes = sum(size for _, size in buffers) + len(stream or b"")
        kind = types[name]
        spelled = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        rows[name] = Row(_digest(stream, buffers), stream, spelled, n_bytes, buffers)
    return rows


def _digest(stream: bytes | None, buffers: Sequence[tuple[str, int]]) -> str:
    """The hash of an object: of its pickle, and of the hashes of its buffers."""
    hasher = hashlib.sha256(b"linepipe object\0")
    hasher.update(" ".join(digest for digest, _ in buffers).encode())
    if stream is not None:
        hasher.update(b"\0" + stream)
    return hasher.hexdigest()


def is_sound(row: Row) -> bool:
    """Return True if the index has what was written: the pickle, unless it is a buffer."""
    return _digest(row.stream, row.buffers) == row.digest


def unpacked(row: Row, buffers: list[Any]) -> Any:
    """The object of a row.

    Raises:
        BadBytesError: its pickle isn't what was written.
        Exception: whatever unpickling raises.
    """
    sound = is_sound(row)
    stream: Any = row.stream
    if sound and stream is None:
        stream = buffers.pop()
        sound = digest_of(memoryview(stream)) == row.buffers[-1][0]
    if not sound:
        raise BadBytesError("its pickle isn't what was written")
    return pickling.load(stream, buffers)


def check_name(name: str) -> None:
    """Refuse what can't be a name.

    Raises:
        TypeError: it isn't a str.
        ValueError: it is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"a name on the shelf is a str, not {type(name).__name__}: {name!r}")
    if not name:
        raise ValueError("a name on the shelf can't be empty")
