"""Tells code, to which a hash refers, from data, which it holds.

Apart from the hash, because the reading of code asks the same question.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Final

from linepipe_core._values.proxies import attributes_of, is_really

__all__ = ["CODE_TYPES", "CYTHON_FUNCTION", "is_code"]

CODE_TYPES: Final = (
    FunctionType,
    MethodDescriptorType,
    WrapperDescriptorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
    type,
)
CYTHON_FUNCTION: Final = "cython_function_or_method"  # each version has a type of its own


def is_code(value: object, is_own: Callable[[type], bool]) -> bool:
    """Return True for code that a hash refers to, not data that it holds.

    Wrappers that come with Python or a library are, such as those of ``lru_cache``; an object
    of an own class isn't, whatever it wraps: its attributes count, and its class's methods.
    """
    if is_really(value, BuiltinFunctionType):
        return not _is_bound(value)
    if is_really(value, CODE_TYPES) or type(value).__name__ == CYTHON_FUNCTION:
        return True
    if is_really(value, partial) or "__wrapped__" not in attributes_of(value):
        return False
    return not is_own(type(value))


def _is_bound(method: BuiltinFunctionType) -> bool:
    """Return True if a C method is some object's: ``{1: 2}.get``, not ``random.random``."""
    owner = method.__self__
    if owner is None or isinstance(owner, (ModuleType, type)):
        return False
    home = sys.modules.get(type(owner).__module__)
    return home is None or vars(home).get(method.__name__) != method
