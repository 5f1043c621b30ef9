"""How classes are registered with `copyreg`, without what tblib registers for every exception.

Where `distributed` is imported, tblib pickles exceptions with their traceback, their cause and a
call of its own. What an exception is, on the shelf and for the reuse, mustn't depend on whether
that was imported: the classes' own way holds.
"""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

__all__ = ["reducer_of", "registered_reducers"]

Reducer: TypeAlias = Callable[[Any], Any]


def _is_of_tblib(kind: type, reducer: Reducer) -> bool:
    """Return True if tblib has registered this reducer for an exception."""
    module = getattr(reducer, "__module__", None)
    return module == "tblib.pickling_support" and issubclass(kind, BaseException)


def reducer_of(kind: Any) -> Reducer | None:
    """The reducer that is registered for a class."""
    reducer: Reducer | None = copyreg.dispatch_table.get(kind)
    return None if reducer is None or _is_of_tblib(kind, reducer) else reducer


def registered_reducers() -> Mapping[type, Reducer] | None:
    """All the registered reducers for a pickler, or None if those of `copyreg` are right."""
    if "tblib.pickling_support" not in sys.modules:
        return None
    table: dict[type, Reducer] = copyreg.dispatch_table
    return {kind: how for kind, how in table.items() if not _is_of_tblib(kind, how)}
