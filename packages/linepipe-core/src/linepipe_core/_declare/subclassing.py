"""Refuses classes that override a method of linepipe's own.

Apart from the classes it protects, because it knows nothing of them: a subclass may add methods,
and what was there stays as users and linepipe itself rely on it.
"""

from __future__ import annotations

from typing import Final

__all__ = ["refuse_overrides"]

# What every class has of its own, overridden or not.
_MACHINERY: Final = frozenset(
    ("__annotations__", "__dict__", "__doc__", "__firstlineno__", "__init_subclass__")
).union(("__module__", "__qualname__", "__slots__", "__static_attributes__", "__weakref__"))


def refuse_overrides(subclass: type, base: type) -> None:
    """Refuse a subclass that defines a name of its base class.

    Raises:
        TypeError: it does; all the names are listed.
    """
    ours = vars(base).keys() - _MACHINERY
    if taken := [name for name in vars(subclass) if name in ours]:
        raise TypeError(
            f"{subclass.__name__} overrides {', '.join(taken)} of {base.__name__}\n"
            "  a subclass may add methods, under other names; for another way to build one, "
            "write a function or a classmethod"
        )
