"""Looks at objects without believing what they say of themselves.

A Mock, a proxy or a query builder answers any attribute with another of its kind, and
``isinstance`` believes the ``__class__`` it shows. Following the attributes of such an object
from one to the next never comes to an end, so only what is really set is followed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeGuard, TypeVar

T = TypeVar("T")

__all__ = ["attributes_of", "is_really", "really_holds"]

_ABSENT: Final = object()


def is_really(value: object, kind: type[T] | tuple[type[T], ...]) -> TypeGuard[T]:
    """``isinstance``, by the type that a value has, not by the ``__class__`` that it shows."""
    return issubclass(type(value), kind)


def really_holds(value: object, name: str) -> bool:
    """Return True if an attribute is set on an object or its class, not made up when asked for."""
    from inspect import getattr_static  # only who looks into callables

    return getattr_static(value, name, _ABSENT) is not _ABSENT


def attributes_of(value: object) -> Mapping[str, Any]:
    """The items of an object's ``__dict__``, without asking a ``__getattr__`` of its class."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}
