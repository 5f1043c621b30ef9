"""Isolating copies: what keeps nodes from spoiling each other's data.

The registry keeps what ``hold`` made of a value; ``hand_out`` gives a reader a private copy,
``hand_over`` gives the last reader what is left, and ``reveal`` shows the value itself to
those who promised not to change it.
"""

from __future__ import annotations

import logging
from copy import deepcopy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

__all__ = ["ATOMIC", "hand_out", "hand_over", "hold", "reveal"]

_log = logging.getLogger("linepipe.registry")

ATOMIC: Final[frozenset[type]] = frozenset([int, float, str, bytes, bool, complex, type(None)])
"""The types whose values never change: the run loop passes them on as they are."""


def hold(owner: list[Any]) -> Any:
    """What to keep of the last value of ``owner``, which is taken from the list."""
    return _copied(owner.pop())


def hand_out(held: Any) -> Any:
    """A private copy for a reader."""
    return _copied(held)


def hand_over(owner: list[Any]) -> Any:
    """The last value of ``owner``, for its last reader."""
    return owner.pop()


def reveal(held: Any) -> Any:
    """The value itself, by reference."""
    return held


def _copied(value: Any) -> Any:
    try:
        return deepcopy(value)
    except Exception as error:  # whatever a user's __deepcopy__ raises
        _log.warning("a %s can't be copied and is passed by reference: %s", type(value), error)
        return value
