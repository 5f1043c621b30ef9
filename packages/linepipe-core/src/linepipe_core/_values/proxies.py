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

# As `type` has them, whatever a metaclass says.
_mro_of: Final[Any] = type.__dict__["__mro__"].__get__
_space_of: Final[Any] = type.__dict__["__dict__"].__get__


def is_really(value: object, kind: type[T] | tuple[type[T], ...]) -> TypeGuard[T]:
    """``isinstance``, by the type that a value has, not by the ``__class__`` that it shows."""
    return issubclass(type(value), kind)


def really_holds(value: object, name: str) -> bool:
    """Return True if an attribute is set on an object or its class, not made up when asked for.

    As `inspect.getattr_static` finds it, without `inspect`, which takes longer to load than all
    of this package: every run asks its nodes' functions.
    """
    kinds = _mro_of(type(value))
    if is_really(value, type):
        kinds = (*_mro_of(value), *kinds)
    return name in attributes_of(value) or any(name in _space_of(kind) for kind in kinds)


def attributes_of(value: object) -> Mapping[str, Any]:
    """The items of an object's ``__dict__``, without asking a ``__getattr__`` of its class."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except Exception:  # there is none, or a proxy has a property of that name
        return {}
    return found if isinstance(found, dict) else {}
