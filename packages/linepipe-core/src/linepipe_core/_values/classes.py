"""Facts about classes on which the content of their objects depends.

Each is found once a class, and forgotten with it.
"""

from __future__ import annotations

import copyreg
import types
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from linepipe_core._values.registered import reducer_of

__all__ = [
    "cached_names",
    "hashed_name",
    "is_immutable",
    "is_namedtuple",
    "is_plain_object",
    "kind_name",
    "once_a_class",
    "plain_slots",
]

T = TypeVar("T")

_IMMUTABLE: Final = (tuple, str, int, float, complex, bytes, frozenset, Enum)
_FUNCTIONS: Final = (types.FunctionType, staticmethod, classmethod, type)
# Their classes say another module since pandas 3.0 and Python 3.13.
_MOVED: Final = frozenset({"pandas", "pathlib"})
# The names under which libraries keep what they computed of an object.
_CACHES: Final = frozenset(
    {"_attrs_cached_hash", "__networkx_cache__", "_repr_cache", "_stop_words_id"}
)
_FLAGS: Final = frozenset({"_has_canonical_format", "_has_sorted_indices"})  # of sparse matrices


def once_a_class(find: Callable[[Any], T]) -> Callable[[Any], T]:
    """A function of a class that remembers what it gave for each."""
    known: WeakKeyDictionary[type, T] = WeakKeyDictionary()

    def found(kind: Any) -> T:
        try:
            return known[kind]
        except KeyError:
            return known.setdefault(kind, find(kind))

    return found


def kind_name(kind: type) -> str:
    """The full name of a type; those of `builtins` without the module."""
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def hashed_name(kind: type) -> str:
    """The name of a type in a hash, the same in all versions of what moved its classes."""
    library = str(kind.__module__).partition(".")[0]
    return f"{library}.{kind.__qualname__}" if library in _MOVED else kind_name(kind)


@once_a_class
def cached_names(kind: Any) -> frozenset[str]:
    """Names of attributes that hold what was computed when it was first asked for.

    Those of `functools.cached_property` and of any descriptor that gives way to an attribute.
    """
    found = set(_CACHES)
    for base in kind.__mro__:
        if str(base.__module__).startswith("scipy.sparse"):
            found |= _FLAGS
        for name, held in vars(base).items():
            how = type(held)
            gives_way = hasattr(how, "__get__") and not hasattr(how, "__set__")
            if gives_way and not isinstance(held, _FUNCTIONS):
                found.add(name)
    return frozenset(found)


@once_a_class
def is_immutable(kind: Any) -> bool:
    """Return True if it doesn't count whether two places hold the same object of this class."""
    params = getattr(kind, "__dataclass_params__", None)
    if params is not None and params.frozen:
        return True
    if getattr(kind.__setattr__, "__qualname__", "") == "_frozen_setattrs":  # of attrs
        return True
    if issubclass(kind, _IMMUTABLE):
        return True
    return any(base.__module__ == "datetime" for base in kind.__mro__)  # a zone, say


@once_a_class
def _has_own_pickle(kind: Any) -> bool:
    """Return True if a class, or a base, says itself how its objects are pickled."""
    return (
        kind.__reduce_ex__ is not object.__reduce_ex__
        or kind.__reduce__ is not object.__reduce__
        or hasattr(kind, "__getnewargs__")
        or hasattr(kind, "__getnewargs_ex__")
        or reducer_of(kind) is not None
    )


@once_a_class
def is_plain_object(kind: Any) -> bool:
    """Return True if the objects of a class are their attributes, and nothing else."""
    return (
        not _has_own_pickle(kind)
        and kind.__getstate__ is object.__getstate__
        and kind.__itemsize__ == 0
        and kind.__dictoffset__ != 0
        and not issubclass(kind, (list, dict, set, frozenset, BaseException))
        and not _slot_names(kind)
    )


def plain_slots(kind: Any) -> tuple[str, ...]:
    """The names of the slots of a class whose objects are their slots, and nothing else."""
    return _plain_slots(kind)


@once_a_class
def _plain_slots(kind: Any) -> tuple[str, ...]:
    getstate = kind.__getstate__
    is_plain = (
        getstate is object.__getstate__
        or getattr(getstate, "__qualname__", "") == "_dataclass_getstate"
    )
    if not is_plain or _has_own_pickle(kind) or kind.__dictoffset__ or kind.__itemsize__:
        return ()
    if issubclass(kind, (list, dict, set, frozenset, BaseException)):
        return ()
    return tuple(sorted(_slot_names(kind)))


def _slot_names(kind: Any) -> list[str]:
    return list(copyreg._slotnames(kind))  # type: ignore[attr-defined]  # as pickle finds them


@once_a_class
def is_namedtuple(kind: Any) -> bool:
    """Return True if the objects of a class are tuples with names, and nothing else."""
    return (
        issubclass(kind, tuple)
        and hasattr(kind, "_fields")
        and kind.__reduce_ex__ is object.__reduce_ex__
        and kind.__reduce__ is object.__reduce__
        and kind.__dictoffset__ == 0
    )
