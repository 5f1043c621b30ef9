"""Recognises work that a call only promises: coroutines, generators, lazy iterators.

A node that promises work and has nobody to do it would count as done, and be reused for good.
Apart from Node, which only refuses such functions and return values.
"""

from __future__ import annotations

import functools
from types import AsyncGeneratorType, CoroutineType, FunctionType, GeneratorType, MethodType
from typing import Any, Final, Literal

__all__ = ["runs_later", "unbegun"]

_GENERATOR: Final = 0x20  # inspect.CO_GENERATOR; inspect costs more to import than all of core
_ASYNC: Final = 0x80 | 0x200  # inspect.CO_COROUTINE, CO_ASYNC_GENERATOR
_MOST_LAYERS: Final = 100  # of partials and callable objects around one function


def runs_later(func: Any) -> Literal["coroutine", "generator"] | None:
    """The kind of work that a call of this function only begins, or None.

    Looks behind partials, methods and ``__call__``; not behind ``__wrapped__``, for a decorator
    that runs a coroutine is how to mend one.
    """
    if type(func) is FunctionType and not func.__dict__:  # most are
        flags = func.__code__.co_flags
        if not flags & (_ASYNC | _GENERATOR):
            return None
    for _ in range(_MOST_LAYERS):
        kind = type(func)
        if kind is FunctionType:
            flags = func.__code__.co_flags
            if flags & _ASYNC or _is_marked(func):
                return "coroutine"
            return "generator" if flags & _GENERATOR else None
        if isinstance(func, functools.partial):
            func = func.func
        elif kind is MethodType:
            func = func.__func__
        else:
            if _is_marked(func):
                return "coroutine"
            func = getattr(kind, "__call__", None)  # noqa: B004  # to look at it
            if type(func) is not FunctionType:
                return None
    return None


def _is_marked(func: Any) -> bool:
    """Return True for what inspect.markcoroutinefunction or asyncio has marked."""
    try:
        marks = vars(func)
    except TypeError:
        return False
    return "_is_coroutine_marker" in marks or "_is_coroutine" in marks


def unbegun(value: Any) -> str | None:
    """The name of the kind of work that a value would only begin, or None if it is none.

    A generator that was begun, a cursor or an open file isn't.
    """
    kind = type(value)
    if kind is map or kind is filter:
        return f"a {kind.__name__}, which nobody has gone through"
    if kind is GeneratorType:
        if value.gi_frame is None or value.gi_running or value.gi_suspended:
            return None
        return "a generator that nobody has begun"
    if kind is CoroutineType:
        if value.cr_frame is None or value.cr_running or value.cr_suspended:
            return None
        value.close()  # or Python warns that it was never awaited
        return "a coroutine that nobody has awaited"
    if kind is AsyncGeneratorType:
        return "an async generator that nobody has begun"
    return None
