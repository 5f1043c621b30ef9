"""Values that runs of this process have put into state, such as a function into a memo.

That isn't what the state began as in this process, and the next one begins without it. So it
must not count for what it leads to.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

__all__ = ["is_made", "note_made"]

# Where a value lies -> what was put there, by id and, if possible, a weak reference: another
# object may get the same id.
_MADE: dict[tuple[int, str], dict[int, weakref.ref[Any] | None]] = {}


def note_made(home: tuple[int, str], things: Iterable[Any]) -> None:
    """A run has put these there."""
    for thing in things:
        _MADE.setdefault(home, {})[id(thing)] = _reference(thing)


def is_made(home: tuple[int, str], thing: Any) -> bool:
    """Return True if a run has put this there."""
    made = _MADE.get(home)
    if made is None or id(thing) not in made:
        return False
    reference = made[id(thing)]
    return reference is None or reference() is thing


def _reference(thing: Any) -> weakref.ref[Any] | None:
    try:
        return weakref.ref(thing)
    except TypeError:  # a dict, a list
        return None
