"""Keeps the garbage collector from looking again and again at what is only made to be read.

Of many new objects, none of them garbage, it would take most of the time.
"""

from __future__ import annotations

import gc

__all__ = ["no_collection"]


class no_collection:  # noqa: N801  # read as what it does: with no_collection(): ...
    """Collect nothing meanwhile, if anything was collected before; a context manager."""

    __slots__ = ("_was_on",)

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            gc.enable()
