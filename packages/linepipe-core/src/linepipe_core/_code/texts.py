"""The globals that texts in a function's code name.

``df.query("a > @LIMIT")``, a formula, SQL over a frame: the libraries look such names up in the
caller's globals, where no reading of bytecode sees them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Final

__all__ = ["names_in_texts"]

_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_LONGEST: Final = 20_000
# What IPython keeps among a notebook's globals: the last outputs and inputs, its own functions.
_IPYTHONS: Final = re.compile(r"_+|_i+|_i?\d+|_[dio]h|In|Out|exit|quit|get_ipython")
_HAS_DOCSTRING: Final = 0x4000000  # CO_HAS_DOCSTRING, from 3.14 on
_IS_WATCHED: Final = sys.version_info >= (3, 12)
# Code that looks names up; what one word names there is watched from 3.12 on.
_LOOKUPS: Final = frozenset({"getattr", "eval", "query", "globals"})


def names_in_texts(func: FunctionType) -> dict[str, bool]:
    """The names of globals that stand in texts of a function's code, without docstrings.

    A text that is one word counts only if it names a value: as a function's name it is more often
    the key of something else, such as a column.

    Returns:
        Name -> True if the code there looks names up: then it counts which of them are there.
    """
    namespace = func.__globals__
    found: dict[str, bool] = {}
    for text, code in _texts(func.__code__):
        words = _WORD.findall(text) if len(text) <= _LONGEST else ()
        for word in words:
            if word not in namespace or word.startswith("__") or word in found:
                continue
            if _IPYTHONS.fullmatch(word) and "get_ipython" in namespace:
                continue
            value = namespace[word]
            if value is func or isinstance(value, ModuleType):
                continue
            is_function = issubclass(type(value), (FunctionType, type))
            looks_up = not _LOOKUPS.isdisjoint(code.co_names)
            if word == text and is_function and (_IS_WATCHED or not looks_up):
                continue
            found[word] = looks_up
    return found


def _texts(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    waiting = list(code.co_consts)
    if _begins_with_docstring(code):
        del waiting[0]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each, code
        elif isinstance(each, tuple):
            waiting.extend(each)
        elif isinstance(each, CodeType):
            yield from _texts(each)


def _begins_with_docstring(code: CodeType) -> bool:
    if sys.version_info >= (3, 14):
        return bool(code.co_flags & _HAS_DOCSTRING)
    is_function = bool(code.co_flags & 0x02) and not code.co_name.startswith("<")
    return is_function and bool(code.co_consts) and isinstance(code.co_consts[0], str)
