"""Finds the user's code inside a callable: under partials, decorators and callable objects.

The debugger stops in that code, and failure reports name its place.
"""

from __future__ import annotations

from types import CodeType, FunctionType, MethodType
from typing import Any, Final

from linepipe_core._values.proxies import is_really, really_holds

__all__ = ["python_code"]

_MOST_LAYERS: Final = 100  # of decorators, partials and callable objects around one function


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
    """The function that a call of a class runs: ``__init__``, or else ``__new__``."""
    makers = (kind.__init__, kind.__new__)  # type: ignore[misc]  # for a look, not to call them
    return next((maker for maker in makers if is_really(maker, FunctionType)), None)


def _is_slot(call: object) -> bool:
    """Return True if a ``__call__`` is written in C: it would lead to its own, and so on."""
    return not really_holds(call, "__code__")


def _own_code(func: Any) -> CodeType | None:
    from types import CodeType

    code = func.__code__ if really_holds(func, "__code__") else None
    return code if type(code) is CodeType else None
