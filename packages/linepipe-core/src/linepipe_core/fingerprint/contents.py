"""What an object that a node made holds that its bytes don't tell.

Its readers may call own functions and the methods of own classes, whose code isn't in its
pickle; and a set may pickle in another order in another process. Looking costs a walk through
the object, so it is a short one: past the limit, elements are taken to be like those before.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from linepipe_core.fingerprint.hashing import attributes_of
from linepipe_core.fingerprint.ownership import module_owner

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Contents", "look_into"]

_AT_MOST: Final = 2000  # objects looked at
_EACH: Final = 100  # elements of one container
_PLAIN: Final = frozenset({int, float, str, bytes, bool, complex, type(None)})


class Contents(NamedTuple):
    """What was seen in an object.

    Attributes:
        code: the own classes and functions in it, each as ``module:qualified.name``.
        has_sets: whether it holds sets, whose order is no content.
    """

    code: tuple[str, ...]
    has_sets: bool


def look_into(value: Any) -> Contents:
    """The own classes and functions and the sets in an object."""
    code: set[str] = set()
    has_sets = False
    waiting: list[Any] = [value]
    seen: set[int] = set()
    while waiting and len(seen) < _AT_MOST:
        found = waiting.pop()
        kind = type(found)
        if kind in _PLAIN or id(found) in seen:
            continue
        seen.add(id(found))
        if kind is set or kind is frozenset:
            has_sets = True
            waiting.extend(islice(found, _EACH))
        elif kind is dict:
            waiting.extend(islice(found.values(), _EACH))
            waiting.extend(islice(found, _EACH))
        elif kind is list or kind is tuple:
            waiting.extend(islice(found, _EACH))
        elif kind is partial:
            waiting.extend((found.func, *found.args, *found.keywords.values()))
        elif isinstance(found, (type, FunctionType)):
            _add(found, code)
        elif _add(kind, code):
            waiting.extend(_attributes(found, kind))
    return Contents(tuple(sorted(code)), has_sets)


def _add(found: Any, code: set[str]) -> bool:
    """Note a class or function if it is own."""
    is_own = module_owner(str(found.__module__)) == "own"
    if is_own:
        code.add(f"{found.__module__}:{found.__qualname__}")
    return is_own


def _attributes(value: Any, kind: type) -> Iterable[Any]:
    yield from attributes_of(value).values()
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                yield getattr(value, name)
