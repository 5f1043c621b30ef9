"""The snapshot that the registry keeps for a value, and the count of references to it.

Apart from the rules, so that every rule keeps values in the same shape.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from sys import getrefcount
from typing import Any, TypeAlias

# Types whose values never change: the run loop asks `type(value) in ATOMIC` and is done.
# Exact types, for a subclass may carry state. It grows as such types turn up (`rules`).
ATOMIC: set[type] = {
    bool,
    bytes,
    complex,
    float,
    int,
    range,
    str,
    type,
    type(None),
    type(...),
    type(NotImplemented),
}


class Snapshot:
    """A private value, and how to make the next private copy of it.

    Attributes:
        value: nobody outside can change it; look, don't touch.
        how: makes a private copy of it.
    """

    __slots__ = ("how", "value")

    value: Any
    how: Callable[[Any], Any]

    def __init__(self, value: Any, how: Callable[[Any], Any]) -> None:
        self.value = value
        self.how = how

    def copy(self) -> Any:
        """A private copy, for a reader that isn't the last."""
        return self.how(self.value)

    def move(self) -> Any:
        """The value itself, for its last reader; a copy if somebody else sees it.

        Nobody does, unless a node with ``isolate=False`` kept it.
        """
        return self.value if getrefcount(self.value) == ALONE else self.copy()


# Gets a value and whether the caller's reference is the only one to it. Gives what to keep, or
# None when the value has parts that may change on their own: then `trees` walks through them.
Rule: TypeAlias = Callable[[Any, bool], Snapshot | None]


class SharedSnapshot(Snapshot):
    """A value that everyone gets as it is: it never changes, or it refuses to be copied."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        self.value = value

    def copy(self) -> Any:
        return self.value

    move = copy


def as_is(value: Any, _alone: bool) -> Snapshot:
    """The rule for values that never change."""
    return SharedSnapshot(value)


def is_sole_reference(holder: Any, key: Any) -> bool:
    """Return True if ``holder[key]`` is the only reference to that object."""
    return getrefcount(holder[key]) == ALONE


def references(holder: Any, key: Any) -> int:
    """How many references there are to the object ``holder[key]``, this one included."""
    return getrefcount(holder[key]) - ALONE + 1


def _count_of_one() -> int:
    """The count that `getrefcount` gives for an object that one container refers to.

    Measured, not written down: 2 on Python 3.11 to 3.13, but interpreters differ in what they
    borrow. Without the global interpreter lock the count leaves out what other threads hold,
    so there nothing is ever alone (an impossible count).
    """
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return -1
    holder = [object()]
    return getrefcount(holder[-1])


ALONE = _count_of_one()
