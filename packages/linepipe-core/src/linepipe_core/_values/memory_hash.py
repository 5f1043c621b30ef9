"""Hashes of memory: of large buffers in pieces, on all cores.

Apart from the hash of values, which knows types: here are bytes only. A hash doesn't depend on
how the bytes are cut into buffers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from _typeshed import ReadableBuffer

__all__ = ["LARGE_MEMORY", "MemoryDigest", "digest_of_memory"]

_PIECE: Final = 8 << 20  # bytes hashed by a thread of its own
_MOST_AHEAD: Final = 4  # pieces that wait for a thread: what is copied for hashing stays small
LARGE_MEMORY: Final = 1 << 20
"""Bytes from which on it is worth remembering a hash."""


def digest_of_memory(buffers: Iterable[ReadableBuffer]) -> tuple[bytes, int]:
    """The hash of some buffers' bytes, one after the other, and their number."""
    digest = MemoryDigest()
    for buffer in buffers:
        digest.update(buffer)
    return digest.finished(), digest.n_bytes


class MemoryDigest:
    """Hashes memory that comes buffer by buffer.

    Attributes:
        n_bytes: how many bytes have come.
    """

    def __init__(self) -> None:
        self.n_bytes = 0
        self._views: list[memoryview] = []
        self._room = _PIECE
        self._pool: ThreadPoolExecutor | None = None
        self._running: deque[Future[bytes]] = deque()
        self._digests: list[bytes] = []

    def update(self, buffer: ReadableBuffer) -> None:
        """Add the bytes of a C-contiguous buffer."""
        view = memoryview(buffer)
        if view.nbytes == 0:
            return
        if view.format != "B" or view.ndim != 1:
            view = view.cast("B")
        self.n_bytes += view.nbytes
        while view.nbytes > self._room:
            self._views.append(view[: self._room])
            view = view[self._room :]
            self._submit()
        self._views.append(view)
        self._room -= view.nbytes

    def _submit(self) -> None:
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor()  # hashlib lets go of the interpreter lock
        self._running.append(self._pool.submit(_digest, self._views))
        self._views, self._room = [], _PIECE
        while len(self._running) > _MOST_AHEAD:
            self._digests.append(self._running.popleft().result())

    def finished(self) -> bytes:
        """The hash of all that has come."""
        last = _digest(self._views)
        self._views = []
        if self._pool is None:
            return last
        self._digests += [piece.result() for piece in self._running]
        self._pool.shutdown()
        return sha256(b"pieces" + b"".join(self._digests) + last).digest()


def _digest(views: list[memoryview]) -> bytes:
    whole: Any = sha256()
    for view in views:
        whole.update(view)
    digest: bytes = whole.digest()
    return digest
