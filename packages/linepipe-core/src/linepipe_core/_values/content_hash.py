"""Hashes of values by their content, the same in every process.

Two values have one hash if no function that is given them can tell them apart, but by asking
which objects are one in memory: the type of each part counts, the order of a list or a dict, and
whether two places share one object that may be changed. How memory is laid out, the order of a
set or of an object's attributes, and what was computed and is kept don't.

Small plain data is written by one call. Any other value is walked level by level: all objects of
one type on a level are described at once, by functions written in C where there are any, and what
they hold is the next level. So there is no recursion, and the cost an object is near that of
pickling it. Pickles themselves aren't hashed: they depend on which equal texts happen to be one
object.

Functions, classes and modules aren't values: they are handed to ``reach``, which says what they
count as. What has no content counts by its type and is reported as ``untracked``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import blake2b
from itertools import count
from typing import Any, Final

from linepipe_core._values.garbage import no_collection
from linepipe_core._values.hash_walk import Found, Walk
from linepipe_core._values.plain import small_content

__all__ = ["ADDRESS", "ValueHasher", "small_digest"]

ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]+")
_ATTEMPTS: Final = 3  # while other threads change the value


def small_digest(value: Any) -> tuple[str, int] | None:
    """The hash of small plain data, as `ValueHasher` gives it, and its size; None for any other."""
    content = small_content(value)
    if content is None:
        return None
    hashed = blake2b(b"small ", digest_size=16)
    hashed.update(content)
    return hashed.hexdigest(), len(content)


class ValueHasher:
    """Hashes values.

    Args:
        reach: called with each function, class or module met; gives what it counts as.
        is_own: returns True for a class of the user's.
        by_type: returns True for a class whose objects count by its name, whatever they hold.
        known: large values that were described before, by identity; filled here. Whoever gives
            it vouches that none of them has changed since.
        identify: called with what has no content; gives what it counts as beside its type. By
            default nothing: then whoever asks must not take two such values for the same.

    Attributes:
        untracked: the types of what has no content: it counts by its type alone.
        by_type: the types of what counted by its type because it was asked for.
        n_bytes: the size of what was hashed last.
        files: the path of each File met -> the hash of its content; empty if it isn't there.
    """

    def __init__(
        self,
        reach: Callable[[Any], str],
        is_own: Callable[[type], bool],
        by_type: Callable[[type], bool] | None = None,
        known: dict[int, tuple[Any, Any]] | None = None,
        identify: Callable[[Any], str] | None = None,
    ) -> None:
        self.untracked: list[str] = []
        self.by_type: list[str] = []
        self.files: dict[str, str] = {}
        self.n_bytes = 0
        self._reach = reach
        self._is_own = is_own
        self._by_type = by_type
        self._known = {} if known is None else known
        self._identify = identify

    def digest(self, value: Any) -> str:
        """The hash of a value, as text."""
        small = small_digest(value)
        if small is not None:
            digest, self.n_bytes = small
            return digest
        n_untracked, n_by_type = len(self.untracked), len(self.by_type)
        with no_collection():
            for attempt in count(1):
                try:
                    walk = self._walk()
                    digest = walk.digest(value)
                    self.n_bytes = walk.n_bytes
                    return digest
                except RuntimeError:  # a dict changed its size meanwhile
                    if attempt == _ATTEMPTS:
                        raise
                    del self.untracked[n_untracked:], self.by_type[n_by_type:]
        raise AssertionError

    def _walk(self) -> Walk:
        found = Found(self.untracked, self.by_type, self.files)
        return Walk(self._reach, self._is_own, self._by_type, self._known, found, self._identify)
