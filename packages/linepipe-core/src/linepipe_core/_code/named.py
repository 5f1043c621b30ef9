"""Own classes and functions by name: ``module:qualified.name``, as a record keeps them.

Apart from `dependencies`, which reads live code: a name may come from another process, where its
module was loaded, and lead to nothing here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FunctionType
from typing import Any

from linepipe_core._code.ownership import (
    class_owner,
    find_spec,
    function_owner,
    loaded_namespace,
    module_owner,
)
from linepipe_core._code.reached import Source
from linepipe_core._values.proxies import is_really

__all__ = ["code_named", "is_there", "own_code"]


def own_code(found: Iterable[Any]) -> tuple[str, ...]:
    """The own classes and functions among some, each as ``module:qualified.name``.

    Whoever reads an object may call its methods, whose code isn't in its pickle.
    """
    own = (each for each in found if _is_own(each))
    return tuple(sorted({f"{each.__module__}:{each.__qualname__}" for each in own}))


def _is_own(found: Any) -> bool:
    if is_really(found, type):
        return class_owner(found) == "own"
    if is_really(found, FunctionType):
        return function_owner(found) == "own"
    return module_owner(str(getattr(found, "__module__", ""))) == "own"


def code_named(name: str) -> Any:
    """The class or function that ``module:qualified.name`` names.

    For what is reached through a stored object, whose classes load when it is read: until
    then the source of their module counts.
    """
    found = _named(name)
    return found if is_really(found, (type, FunctionType)) else Source(name.partition(":")[0])


def is_there(name: str) -> bool:
    """Return True if ``module:qualified.name`` is there, or its module, if that isn't loaded."""
    module = name.partition(":")[0]
    return find_spec(module) is not None if module not in sys.modules else _named(name) is not None


def _named(name: str) -> Any:
    module, _, path = name.partition(":")
    first, *rest = path.split(".")
    found: Any = (loaded_namespace(module, first) or {}).get(first)
    for part in rest:
        found = vars(found).get(part) if found is not None and hasattr(found, "__dict__") else None
    return found
