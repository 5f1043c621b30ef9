"""The stand-in for a value that has no content: the object itself, within this process.

Never its ``id``, which another object may get once it is gone.
"""

from __future__ import annotations

import os
import weakref
from collections import OrderedDict
from itertools import count
from threading import Lock
from typing import Any, Final

__all__ = ["identity_of"]

_MOST_HELD: Final = 16  # objects that can't be referred to weakly, and may hold a connection open

_lock: Final = Lock()
if hasattr(os, "register_at_fork"):  # a forked child would wait for a thread that it hasn't
    os.register_at_fork(after_in_child=_lock._at_fork_reinit)  # type: ignore[attr-defined]  # as CPython's own
_numbers: Final = count(1)
_referred: Final[dict[int, tuple[weakref.ref[Any], int]]] = {}
_held: Final[OrderedDict[int, tuple[Any, int]]] = OrderedDict()
_process: Final = [os.urandom(8).hex()]


def identity_of(value: Any) -> str:
    """A text that no other object has, in this process or another.

    The same object has the same one as long as it lives, and a process forked off has others.
    """
    with _lock:
        return f"{_process[0]} {_number_of(value)}"


def _number_of(value: Any) -> int:
    key = id(value)
    if key in _held:
        _held.move_to_end(key)
        return _held[key][1]
    known = _referred.get(key)
    if known is not None and known[0]() is value:
        return known[1]
    number = next(_numbers)
    try:
        _referred[key] = weakref.ref(value), number
    except TypeError:
        _held[key] = value, number
        if len(_held) > _MOST_HELD:
            _held.popitem(last=False)
    if len(_referred) > 1000:
        for each in [each for each, (reference, _) in _referred.items() if reference() is None]:
            del _referred[each]
    return number


def _renew() -> None:
    _process[0] = os.urandom(8).hex()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
