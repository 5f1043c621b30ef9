"""Keeps the garbage collector from looking again and again at what is only made to be read.

Of many new objects, none of them garbage, it would take most of the time.
"""

from __future__ import annotations

import gc
import os
from typing import Final

__all__ = ["no_collection"]

_resting: Final = set[int]()  # the ids of those that have turned the collector off


class no_collection:  # noqa: N801  # read as what it does: with no_collection(): ...
    """Collect nothing meanwhile, if anything was collected before; a context manager."""

    __slots__ = ("_was_on",)

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        if self._was_on:
            _resting.add(id(self))
            gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            gc.enable()
            _resting.discard(id(self))


def _wake() -> None:
    """In a forked child, where the thread that would turn the collector on again isn't."""
    if _resting:
        _resting.clear()
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_wake)
