"""The texts in a function's code: globals that they name, and calls that they make.

``df.query("a > @LIMIT")``, a formula, SQL over a frame: the libraries look such names up in the
caller's globals, where no reading of bytecode sees them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

__all__ = ["names_in_texts", "readers_in", "seeds_in", "words_of"]

_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_LONGEST: Final = 20_000
# What IPython keeps among a notebook's globals: the last outputs and inputs, its own functions.
_IPYTHONS: Final = re.compile(r"_+|_i+|_i?\d+|_[dio]h|In|Out|exit|quit|get_ipython")
_HAS_DOCSTRING: Final = 0x4000000  # CO_HAS_DOCSTRING, from 3.14 on
_IS_WATCHED: Final = sys.version_info >= (3, 12)
# Code that looks names up; what one word names there is watched from 3.12 on.
_LOOKUPS: Final = frozenset({"getattr", "eval", "query", "globals"})
_SEEDS: Final = frozenset({"random_state", "seed", "rng", "generator"})
_SQL_READER: Final = re.compile(
    r"\b(?:read_(?:parquet|csv|csv_auto|json|json_auto|ndjson|text|blob|xlsx)"
    r"|(?:parquet|sqlite|postgres|mysql|iceberg|delta)_scan)(?=\s*\()"
)


def words_of(code: CodeType) -> tuple[tuple[str, bool, bool], ...]:
    """The words in texts of the code that may name globals, in their order.

    Each with True if it is a text by itself, and True if the code there looks names up.
    """
    words = {
        (word, word == text, not _LOOKUPS.isdisjoint(holder.co_names)): None
        for text, holder in _texts(code)
        if len(text) <= _LONGEST
        for word in _WORD.findall(text)
        if not word.startswith("__")
    }
    return tuple(words)


def readers_in(code: CodeType) -> tuple[str, ...]:
    """The functions of SQL in texts of the code that read files and databases."""
    texts = (each for each in _constants(code) if type(each) is str and "(" in each)
    return tuple(dict.fromkeys(name for text in texts for name in _SQL_READER.findall(text)))


def seeds_in(code: CodeType) -> frozenset[str]:
    """The keywords of calls in the code that may give a seed."""
    tuples = (each for each in _constants(code) if type(each) is tuple)
    return frozenset(x for each in tuples for x in each if type(x) is str and x in _SEEDS)


def names_in_texts(func: FunctionType, words: Sequence[tuple[str, bool, bool]]) -> dict[str, bool]:
    """The names of globals that stand in texts of a function's code, without docstrings.

    A text that is one word counts only if it names a value: as a function's name it is more often
    the key of something else, such as a column.

    Args:
        func: the function.
        words: those of its texts.

    Returns:
        Name -> True if the code there looks names up: then it counts which of them are there.
    """
    namespace = func.__globals__
    found: dict[str, bool] = {}
    for word, is_whole, looks_up in words:
        if word not in namespace or word in found:
            continue
        if _IPYTHONS.fullmatch(word) and "get_ipython" in namespace:
            continue
        value = namespace[word]
        if value is func or isinstance(value, ModuleType):
            continue
        is_function = issubclass(type(value), (FunctionType, type))
        if is_whole and is_function and (_IS_WATCHED or not looks_up):
            continue
        found[word] = looks_up
    return found


def _constants(code: CodeType) -> Iterator[Any]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _constants(each)
        else:
            yield each


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
