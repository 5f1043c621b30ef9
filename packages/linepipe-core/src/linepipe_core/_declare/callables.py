"""Finds the user's code inside a callable: under partials, decorators and callable objects.

The debugger stops in that code, failure reports name its place, and warnings that blame the
function's caller point at it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FunctionType, MethodType
from typing import Any, Final, TypeAlias

from linepipe_core._values.proxies import is_really, really_holds

__all__ = [
    "CALLER",
    "Caller",
    "caller_for",
    "cell_name",
    "implementations",
    "is_cell",
    "is_from_cell",
    "python_code",
    "redefined_in",
]

Caller: TypeAlias = Callable[..., Any]

CALLER: Final = "<called by linepipe>"  # the name of the frame that calls a node's function

_MOST_LAYERS: Final = 100  # of decorators, partials and callable objects around one function


def python_code(func: Any) -> CodeType | None:
    """The code that the user wrote, under partials, decorators and callable objects.

    Of a class, the code that makes an instance. None where there is none: a function
    written in C.
    """
    innermost = _innermost(func)
    return None if innermost is None else _own_code(innermost)


def implementations(func: Any) -> list[Any]:
    """The callable, and all that it may call where it dispatches by type (singledispatch)."""
    from functools import partial

    while is_really(func, partial):
        func = func.func
    registry = func.registry if really_holds(func, "registry") else None
    is_dispatch = isinstance(registry, Mapping) and really_holds(func, "dispatch")
    return [func, *registry.values()] if is_dispatch and registry is not None else [func]


def caller_for(func: Any, has_names: bool) -> Caller:
    """A function that calls this one, and that warnings take for a line of the user's module.

    ``warnings.warn(..., stacklevel=2)`` blames the function's caller. That would be a line of
    linepipe's, which tells the user nothing, and which the filters for modules don't match: it is
    the first line of the function itself.

    Args:
        func: the function.
        has_names: True if it gets arguments by name, too.
    """
    is_plain = type(func) is FunctionType and "__wrapped__" not in func.__dict__
    innermost = func if is_plain else _innermost(func)
    call = _call_named if has_names else _call
    if not is_really(innermost, FunctionType):
        return call
    code = innermost.__code__
    caller = call.__code__.replace(
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno - 1,  # the call stands a line below
        co_name=CALLER,
        co_qualname=CALLER,
    )
    return FunctionType(caller, innermost.__globals__, CALLER)


def _call(func: Callable[..., Any], values: Sequence[Any]) -> Any:
    return func(*values)


def _call_named(func: Callable[..., Any], values: Sequence[Any], named: Mapping[str, Any]) -> Any:
    return func(*values, **named)


def is_cell(file: str) -> bool:
    """Return True for the name under which IPython compiles a cell."""
    return "ipykernel_" in file or file.startswith("<ipython-input")


def is_from_cell(func: Any) -> bool:
    """Return True if a notebook's cell has defined the function."""
    code = python_code(func)
    return code is not None and is_cell(code.co_filename)


def cell_name(file: str) -> str:
    """How messages call a cell: "cell 4", or "a cell" where its number isn't known."""
    if file.startswith("<ipython-input-"):
        return f"cell {file.split('-')[2]}"
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    number = getattr(getattr(shell, "compile", None), "_filename_map", {}).get(file)
    return "a cell" if number is None else f"cell {number}"


def redefined_in(func: Any) -> str:
    """The cell of a notebook that has defined the function again since, otherwise; or nothing."""
    code = python_code(func)
    if code is None or not is_cell(code.co_filename):
        return ""
    old = _innermost(func)
    space = old.__globals__ if is_really(old, FunctionType) else {}
    now = space.get(code.co_qualname)
    now_code = python_code(now) if now is not None and callable(now) else None
    if now_code is None or not is_cell(now_code.co_filename) or now_code == code:
        return ""
    return cell_name(now_code.co_filename)


def _innermost(func: Any) -> Any:
    for _ in range(_MOST_LAYERS):
        inner = _inside(func)
        if inner is None:
            return func
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
