"""Finds what is probably a mistake in a declaration, for a test to say so.

Apart from the wiring, which refuses what can't work: all that is found here may be meant. Whatever
is unclear is taken to fit, so that the list is empty for a pipeline that is right.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Any

from linepipe_core._declare.config import MissingPathError, is_config_reference, look_up
from linepipe_core._declare.declaration import Declaration
from linepipe_core._declare.fits import class_may_fit, shown_annotation, value_may_fit
from linepipe_core._declare.hints import Annotations, output_hints
from linepipe_core._declare.node import Node
from linepipe_core._declare.signatures import signature_of
from linepipe_core._declare.wiring import Wiring
from linepipe_core._text import did_you_mean, with_article
from linepipe_core._values.file import File
from linepipe_core._values.isolate import peek

__all__ = ["check"]

_ABSENT: Any = object()  # stands for a value that nothing gives


def check(declaration: Declaration) -> list[str]:
    """A sentence for each thing that is probably a mistake; empty if there is none."""
    annotations = Annotations()
    return [
        *_misfits(declaration.wiring, annotations),
        *_misfitting_values(declaration, annotations),
        *_unread_constants(declaration),
        *_missing_paths(declaration),
        *_misspelt_outputs(declaration),
    ]


def _unread_constants(declaration: Declaration) -> Iterator[str]:
    free = declaration.wiring.free
    meant = [name for name in free if name not in declaration.constants]
    for name in declaration.constants:
        if name not in free:
            near = did_you_mean(name, meant).strip()
            yield f"the constant {name!r} is read by no node" + (f"; {near}" if near else "")


def _missing_paths(declaration: Declaration) -> Iterator[str]:
    wiring = declaration.wiring
    for reference, reader in wiring.config_references.items():
        try:
            look_up(declaration.config, reference)
        except MissingPathError as error:
            yield f"{wiring.place(reader)} reads {reference!r}: {error}"


def _misspelt_outputs(declaration: Declaration) -> Iterator[str]:
    wiring = declaration.wiring
    missing = [name for name in wiring.free if name not in declaration.constants]
    for name in wiring.unread:
        for near in (near for near in missing if did_you_mean(name, [near])):
            yield (
                f"{name!r}, made by {wiring.place(wiring.makers[name])}, is read by no node, and "
                f"{near!r}, which {wiring.place(wiring.free[near])} reads, is made by none: "
                "is one of them misspelt?"
            )


def _misfitting_values(declaration: Declaration, annotations: Annotations) -> Iterator[str]:
    """Constants and config values that plainly aren't what the parameter's annotation says."""
    wiring = declaration.wiring
    for index, node in enumerate(wiring.nodes):
        if not any(n in declaration.constants or is_config_reference(n) for n in node.inputs):
            continue
        for parameter, name, wanted in _parameters(node, annotations.of(node.func)):
            value = _given(declaration, name)
            if value is _ABSENT:
                continue
            takes = f"{parameter!r} of {wiring.place(index)} takes"
            if wanted is File and isinstance(value, str):
                yield (
                    f"{name!r} is a str, but {takes} a File: only the name would count; "
                    "give File(...)"
                )
            elif not value_may_fit(value, wanted) and not _converts(node.func, parameter, value):
                what = "None" if value is None else with_article(type(value).__qualname__)
                yield f"{name!r} is {what}, but {takes} {with_article(shown_annotation(wanted))}"


def _given(declaration: Declaration, name: str) -> Any:
    """The value of a constant or a config reference; `_ABSENT` if there is none."""
    if is_config_reference(name):
        try:
            return look_up(declaration.config, name)
        except MissingPathError:
            return _ABSENT
    return peek(declaration.constants.get(name, _ABSENT))


def _converts(func: Callable[..., Any], parameter: str, value: Any) -> bool:
    """Return True if a function may take other values than its annotations say.

    A class or a decorator may convert what it gets, as pydantic's do; and a default may be of
    another kind than the annotation, as in ``limit: int = None``.
    """
    if isinstance(func, type) or hasattr(func, "__wrapped__"):
        return True
    if isinstance(func, functools.partial):
        return _converts(func.func, parameter, value)
    signature = signature_of(func)
    found = None if signature is None else signature.parameters.get(parameter)
    return found is not None and found.default is value


def _misfits(wiring: Wiring, annotations: Annotations) -> Iterator[str]:
    hints = output_hints(wiring.nodes, annotations)
    for index, node in enumerate(wiring.nodes):
        for parameter, name, wanted in _parameters(node, annotations.of(node.func)):
            given = hints.get(name)
            if not (isinstance(given, type) and isinstance(wanted, type)):
                continue
            if not class_may_fit(given, wanted):
                maker = wiring.place(wiring.makers[name])
                yield (
                    f"{name!r} is {with_article(given.__qualname__)}, says {maker}, but "
                    f"{parameter!r} of {wiring.place(index)} takes "
                    f"{with_article(wanted.__qualname__)}"
                )


def _parameters(node: Node, annotations: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """For each input the parameter that gets it, the input's name, and the annotation."""
    if annotations.keys() <= {"return"}:
        return
    if node.keywords is not None:
        parameters: list[str] = list(node.keywords)
    else:
        parameters = _by_position(node.func)
    for parameter, name in zip(parameters, node.inputs, strict=False):
        if parameter in annotations:
            yield parameter, name, annotations[parameter]


def _by_position(func: Callable[..., Any]) -> list[str]:
    """The parameters that values go to by position, in order."""
    n_bound = 0
    while isinstance(func, functools.partial):
        if func.keywords:
            break
        n_bound, func = n_bound + len(func.args), func.func
    if type(func) is MethodType:
        n_bound, func = n_bound + 1, func.__func__
    if type(func) is FunctionType:
        return list(func.__code__.co_varnames[: func.__code__.co_argcount][n_bound:])
    signature = signature_of(func)
    if signature is None:
        return []
    positional = [
        p.name
        for p in signature.parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return positional[n_bound:] if not isinstance(func, functools.partial) else positional
