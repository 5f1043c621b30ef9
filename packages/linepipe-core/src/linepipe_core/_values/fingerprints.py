"""Registrations of users: which part of the values of a type counts for reuse.

Apart from what linepipe knows of other libraries' types (`stand_ins`), which only hashing needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

__all__ = ["register_fingerprint", "registered_fingerprint"]

_registered: dict[type, Callable[[Any], object]] = {}


def register_fingerprint(kind: type[T], how: Callable[[T], object]) -> None:
    """Say what of the values of a type counts for reuse, in place of the values themselves.

    For types that have no content to compare, such as a connection, or whose content isn't what
    matters. Without one, such a constant or config value counts as new in every process.

    Args:
        kind: the type; subclasses that have none of their own follow it.
        how: takes a value and returns another that counts instead: numbers, texts, containers.

    Raises:
        TypeError: ``kind`` isn't a type, or ``how`` can't be called.

    >>> class Client:
    ...     def __init__(self, address):
    ...         self.address = address
    >>> register_fingerprint(Client, lambda client: client.address)
    """
    if not isinstance(kind, type):
        raise TypeError(f"register_fingerprint() takes a type first, not {kind!r}")
    if not callable(how):
        raise TypeError(
            f"register_fingerprint({kind.__name__}, how) takes a function as how, not {how!r}"
        )
    _registered[kind] = how


def registered_fingerprint(kind: type) -> Callable[[Any], object] | None:
    """The function that a user has registered for exactly this type, or None."""
    return _registered.get(kind)
