"""Which rule isolates values of which type, for values taken whole.

A rule gets a value and whether the caller's reference is the only one to it. It answers with
what to keep (`Held`), or with None when the value has parts that may change on their own: then
`trees` walks through them. Libraries are told by the name of a type's module, so none is
imported to find out whether a value is one of its own.
"""

from __future__ import annotations

import sys
from _thread import RLock  # built in; `threading` would have to be read from disk
from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeAlias

from linepipe_core._values.snapshot import Snapshot, as_is

Rule: TypeAlias = Callable[[Any, bool], Snapshot | None]

# Types whose values never change: the run loop asks `type(value) in ATOMIC` and is done.
# Exact types, for a subclass may carry state. It grows as such types turn up (`_find`).
ATOMIC: set[type] = {
    bool,
    bytes,
    complex,
    float,
    int,
    range,
    str,
    type,
    type(None),
    type(...),
    type(NotImplemented),
}

# Never change either, but live in modules that a program may not load: top module -> names.
_IMMUTABLE = {
    "builtins": {"code"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "ipaddress": {"IPv4Address", "IPv4Network", "IPv6Address", "IPv6Network"},
    "pandas": {"Interval", "NAType", "NaTType", "Period", "Timedelta", "Timestamp"},
    "pathlib": {"PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath"},
    "re": {"Pattern"},
    "uuid": {"UUID"},
    "zoneinfo": {"ZoneInfo"},
}

# The adapter of each library, by the top module of its types. A new one is a module and a line.
_ADAPTERS = {
    "numpy": "linepipe_core._values.numpy",
    "pandas": "linepipe_core._values.pandas",
    "polars": "linepipe_core._values.polars",
    "pyarrow": "linepipe_core._values.arrow",
}
_TABLES = {"DataFrame", "Series"}  # of pandas, which people make classes of their own of

# The rules of Python's own containers: `containers` puts them here.
BUILTIN: dict[type, Rule] = {}

_lock = RLock()
_registered: dict[type, Callable[[Any], Any]] = {}
_rules: dict[type, Rule] = {}


def register_snapshot(kind: type, how: Callable[[Any], Any]) -> None:
    """Teach linepipe how to copy the values of a type and of its subclasses.

    Args:
        kind: the type. What is said of a subclass, here or by linepipe itself, goes first.
        how: takes a value and returns a copy that shares nothing changeable with it.

    Raises:
        TypeError: ``kind`` isn't a type, or ``how`` can't be called.

    >>> class Ledger:
    ...     def __init__(self, rows):
    ...         self.rows = rows
    >>> register_snapshot(Ledger, lambda ledger: Ledger(list(ledger.rows)))
    """
    if not isinstance(kind, type):
        raise TypeError(f"register_snapshot() takes a type first, not {kind!r}")
    if not callable(how):
        raise TypeError(
            f"register_snapshot({kind.__name__}, how) takes a function as how, not {how!r}"
        )
    with _lock:
        _registered[kind] = how
        ATOMIC.discard(kind)
        _rules.clear()  # what was found for subclasses may be another now


def rule_for(kind: type) -> Rule | None:
    """The rule for values of exactly this type; None for trees of parts."""
    return _rules.get(kind) or _find(kind)


def _find(kind: type) -> Rule | None:
    with _lock:
        rule = _rule_of(kind)
        if rule is as_is and _may_be_atomic(kind):
            ATOMIC.add(kind)
        if rule is not None:
            _rules[kind] = rule
        return rule


def _rule_of(kind: type) -> Rule | None:
    if kind in _registered:
        return _by_copy(_registered[kind])
    own = _own_rule(kind)
    if own is not None:
        return own
    for base in kind.__mro__[1:]:
        if base in _registered:
            return _by_copy(_registered[base])
        if base.__name__ in _TABLES and _top_module(base) == "pandas":
            return _foreign_rule(kind, "pandas")
    return None


def _own_rule(kind: type) -> Rule | None:
    """What linepipe itself knows of exactly this type."""
    if kind in BUILTIN:
        return BUILTIN[kind]
    top = _top_module(kind)
    if kind.__name__ in _IMMUTABLE.get(top, ()) or issubclass(kind, type) or _is_enum(kind):
        return as_is
    if top in _ADAPTERS and top in sys.modules:
        return _foreign_rule(kind, top)
    return None


def _foreign_rule(kind: type, top: str) -> Rule | None:
    adapter = import_module(_ADAPTERS[top])  # when a value of that library turns up
    rule: Rule | None = adapter.rule_of(sys.modules[top], kind)
    return rule


def _may_be_atomic(kind: type) -> bool:
    """Whether to remember an immutable type for good: not one of a user's, which may go away."""
    top = _top_module(kind)
    return top in _IMMUTABLE or top in _ADAPTERS


def _top_module(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def _is_enum(kind: type) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and issubclass(kind, enum.Enum)


def _by_copy(how: Callable[[Any], Any]) -> Rule:
    return lambda value, _alone: Snapshot(how(value), how)
