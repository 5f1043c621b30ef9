"""What a callable really is, told without believing what it says of itself.

A Mock, a proxy or a query builder answers any attribute with another of its kind, and
``isinstance`` believes the ``__class__`` it shows. Who follows attributes of such an object
from one to the next never comes to an end, so only what is really set is followed.
"""

from __future__ import annotations

from types import FunctionType, MethodType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Final, TypeGuard, TypeVar

    T = TypeVar("T")

__all__ = ["is_really", "python_code", "really_holds"]

_MOST_LAYERS: Final = 100  # of decorators, partials and callable objects around one function
_ABSENT: Final = object()


def is_really(value: object, kind: type[T] | tuple[type[T], ...]) -> TypeGuard[T]:
    """``isinstance``, by the type that a value has, not by the ``__class__`` that it shows."""
    return issubclass(type(value), kind)


def really_holds(value: object, name: str) -> bool:
    """Whether an attribute is set on an object or its class, not made up when asked for."""
    from inspect import getattr_static  # only who looks into callables

    return getattr_static(value, name, _ABSENT) is not _ABSENT


def python_code(func: Any) -> CodeType | None:
    """The code that the user wrote, under partials, decorators and callable objects.

    Of a class, the code that makes an instance. None where there is none: a function
    written in C.
    """
    for _ in range(_MOST_LAYERS):
        inner = _inside(func)
        if inner is None:
            return _own_code(func)
        func = inner
    return None


def _inside(func: Any) -> Any:
    """The next callable inside of one, or None."""
    from functools import partial

    if is_really(func, partial):
        return func.func
    if is_really(func, MethodType):
        return func.__func__
    if really_holds(func, "__wrapped__") and callable(func.__wrapped__):
        return func.__wrapped__
    if _own_code(func) is not None:
        return None
    if is_really(func, type):
        return _maker(func)
    call = type(func).__call__
    return None if _is_slot(call) else call


def _maker(kind: type) -> Any:
    """What of a class runs when it is called: ``__init__``, or else ``__new__``."""
    makers = (kind.__init__, kind.__new__)  # type: ignore[misc]  # for a look, not to call them
    return next((maker for maker in makers if is_really(maker, FunctionType)), None)


def _is_slot(call: object) -> bool:
    """Whether a ``__call__`` is written in C: it would lead to its own, and so on."""
    return not really_holds(call, "__code__")


def _own_code(func: Any) -> CodeType | None:
    from types import CodeType

    code = func.__code__ if really_holds(func, "__code__") else None
    return code if type(code) is CodeType else None
