"""Checks that a function takes its inputs, before anything runs.

A signature is that of the callable as it will be called: a wrapper may pass on more or less than
it gets, and a partial has bound some of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, Final, NoReturn, TypeGuard

from linepipe_core._errors import NodeDefinitionError
from linepipe_core._text import bounded, did_you_mean, type_name

__all__ = ["check_signature", "name_of", "refuse", "shown", "signature_of", "signature_text"]

_TAKES_VARARGS: Final = 0x04  # inspect.CO_VARARGS; inspect costs more to import than all of core


def check_signature(
    func: Callable[..., Any], name: str, inputs: tuple[str, ...], keywords: tuple[str, ...] | None
) -> tuple[str, ...]:
    """Refuse inputs that the function can't take; of named ones, give those to pass by position."""
    if type(func) is FunctionType and keywords is None and _takes_by_position(func, len(inputs)):
        return ()
    if in_vain := _bound_in_vain(func):
        raise NodeDefinitionError(
            f"node {name!r}: its partial binds {in_vain[0]!r} by keyword, and {name_of(func)}() "
            "takes it by position only, so no call of it works\n"
            "  bind it by position, or write a function that calls it"
        )
    signature = signature_of(func)
    if signature is None:
        return ()  # a builtin that doesn't tell; the call will
    try:
        if keywords is None:
            signature.bind(*inputs)
        elif twice := _given_by_position(func).intersection(keywords):
            raise TypeError(f"{min(twice)!r} is bound by position already")
        else:
            signature.bind(**dict.fromkeys(keywords))
            if not _takes_by_keyword(signature, keywords):  # bind takes too much since 3.13
                raise TypeError("a positional-only parameter is passed by keyword")
    except TypeError as error:
        if keywords is not None and _given_by_position(func).isdisjoint(keywords):
            if _takes_by_keyword(signature, keywords):
                return ()
            if by_position := _mixed(signature, keywords):
                return by_position
        given = (
            f"{len(inputs)} by position: {', '.join(inputs) or '(none)'}"
            if keywords is None
            else f"by keyword: {', '.join(keywords)}"
        )
        takes = list(signature.parameters)
        near = "".join(did_you_mean(k, takes) for k in keywords or () if k not in takes)
        kinds = [each.kind.name for each in signature.parameters.values()]
        if keywords is None and "KEYWORD_ONLY" in kinds:
            near += "\n  what goes by keyword is given in a mapping: {parameter: input}"
        raise NodeDefinitionError(
            f"node {name!r}: {name_of(func)}{signature_text(signature)} can't take its inputs: "
            f"{error}\n  given {given}{near}"
        ) from None
    return ()


def _takes_by_position(func: FunctionType, n_inputs: int) -> bool:
    """Return True if a plain function takes so many values by position.

    In place of inspect, which takes 15 us a function and 5 ms to import.
    """
    code = func.__code__
    n_defaults = len(func.__defaults__) if func.__defaults__ else 0
    if n_inputs < code.co_argcount - n_defaults:
        return False
    if n_inputs > code.co_argcount and not code.co_flags & _TAKES_VARARGS:
        return False
    return len(func.__kwdefaults__ or ()) == code.co_kwonlyargcount


def signature_of(func: Callable[..., Any]) -> Any:
    """The signature of the callable as it will be called, or None when it tells none."""
    import inspect

    # A wrapper may pass on more or less than it gets, and a partial has bound some: their own
    # signature is the true one. Only a cache of functools has none but that of what it wraps.
    for follow_wrapped in (False, True):
        try:
            return inspect.signature(func, follow_wrapped=follow_wrapped)
        except (ValueError, TypeError):
            continue
    return None


def _given_by_position(func: Any) -> set[str]:
    """The parameters that a partial has bound by position and that a keyword would give again.

    The signature of a partial leaves them out, as if ``**rest`` could take those names.
    """
    if not _is_partial(func) or not func.args:
        return set()
    signature = signature_of(func.func)
    parameters = list(signature.parameters.values()) if signature is not None else []
    return {p.name for p in parameters[: len(func.args)] if p.kind is p.POSITIONAL_OR_KEYWORD}


def _bound_in_vain(func: Any) -> list[str]:
    """The parameters that a partial binds by keyword and its function takes by position only.

    Python 3.13 shows a signature of such a partial, as if it could be called.
    """
    signature = signature_of(func.func) if _is_partial(func) else None
    parameters = [] if signature is None else [*signature.parameters.values()]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return []
    return [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in func.keywords]


def _mixed(signature: Any, keywords: Sequence[str]) -> tuple[str, ...]:
    """The positional-only parameters among the keywords, if the others need keywords.

    Neither a list nor keywords alone can call such a function.
    """
    parameters = signature.parameters.values()
    if not any(p.kind is p.KEYWORD_ONLY and p.name in keywords for p in parameters):
        return ()
    first = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_ONLY and p.name in keywords)
    rest = dict.fromkeys(name for name in keywords if name not in first)
    leading = [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY][: len(first)]
    try:
        signature.bind(*first, **rest)
    except TypeError:
        return ()
    return first if list(first) == leading else ()


def _takes_by_keyword(signature: Any, keywords: Sequence[str]) -> bool:
    """Return True if a call with these keywords, and nothing else, is one that works.

    Not left to ``Signature.bind`` alone, which doesn't see that ``**rest`` takes a keyword with
    the name of a positional-only parameter.
    """
    parameters = signature.parameters.values()
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    has_rest = any(p.kind is p.VAR_KEYWORD for p in parameters)
    needed = {
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    by_position = {p.name for p in parameters if p.kind is p.POSITIONAL_ONLY}
    return (
        needed.isdisjoint(by_position)
        and needed <= set(keywords)
        and (has_rest or named.issuperset(keywords))
    )


def signature_text(signature: Any) -> str:
    """A signature without its annotations, short enough for a message."""
    shown: list[str] = []
    for parameter in signature.parameters.values():
        if parameter.kind.name == "KEYWORD_ONLY" and not any(p.startswith("*") for p in shown):
            shown.append("*")
        stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
        default = "=..." if parameter.default is not parameter.empty else ""
        shown.append(f"{stars}{parameter.name}{default}")
    return f"({', '.join(shown)})"


def name_of(func: Callable[..., Any]) -> str:
    """The name to call a function by: its own, a partial's function's, an object's class's."""
    name = getattr(func, "__name__", None)
    if isinstance(name, str) and name:
        return name
    return name_of(func.func) if _is_partial(func) else type(func).__name__


def _is_partial(func: Any) -> TypeGuard[functools.partial[Any]]:
    return isinstance(func, functools.partial)


def shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # of a user's class
        text = "a value"
    return f"{bounded(text, 60)} ({type_name(value)})"


def refuse(node: Any, why: str) -> NoReturn:
    called = node if isinstance(node, str) else name_of(node)
    raise NodeDefinitionError(f"node {called!r}: {why}")
