"""Which rule isolates values of which type, for values taken whole.

Libraries are known by the name of a type's module (`adapter`), so none is imported to find out
whether a value is one of its own. For what has no rule, `trees` walks through its parts.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock  # built in; `threading` would have to be read from disk
from collections.abc import Callable
from typing import Any, Final

from linepipe_core._values.adapter import ADAPTERS, known_rule, top_module
from linepipe_core._values.containers import container_rules
from linepipe_core._values.snapshot import ATOMIC, Rule, Snapshot, as_is

__all__ = ["is_registered", "register_snapshot", "rule_for"]

# Never change either, but live in modules that a program may not load: top module -> names.
_IMMUTABLE = {
    "builtins": {"code"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "fractions": {"Fraction"},
    "ipaddress": {"IPv4Address", "IPv4Network", "IPv6Address", "IPv6Network"},
    "linepipe_core": {"File"},
    "pathlib": {"PosixPath", "PurePosixPath", "PureWindowsPath", "WindowsPath"},
    "re": {"Pattern"},
    "uuid": {"UUID"},
    "zoneinfo": {"ZoneInfo"},
}

_lock = RLock()
if hasattr(os, "register_at_fork"):  # a forked child would wait for a thread that it hasn't
    os.register_at_fork(after_in_child=_lock._at_fork_reinit)  # type: ignore[attr-defined]  # as CPython's own
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


def is_registered(kind: type) -> bool:
    """Return True if the user has said how the values of a type are copied."""
    return any(base in _registered for base in kind.__mro__)


def rule_for(kind: type) -> Rule | None:
    """The rule for values of exactly this type; None for trees of parts."""
    return _rules.get(kind) or _find(kind)


_CONTAINERS: Final = container_rules(rule_for)


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
        if (rule := known_rule(kind, top_module(base))) is not None:
            return rule
    return None


def _own_rule(kind: type) -> Rule | None:
    """linepipe's own rule for exactly this type."""
    if kind in _CONTAINERS:
        return _CONTAINERS[kind]
    is_fixed = kind.__name__ in _IMMUTABLE.get(top_module(kind), ()) or issubclass(kind, type)
    return as_is if is_fixed or _is_enum(kind) else known_rule(kind, top_module(kind))


def _may_be_atomic(kind: type) -> bool:
    """Return True to remember an immutable type for good: a user's own may go away."""
    top = top_module(kind)
    return top in _IMMUTABLE or top in ADAPTERS


def _is_enum(kind: type) -> bool:
    enum = sys.modules.get("enum")
    return enum is not None and issubclass(kind, enum.Enum)


def _by_copy(how: Callable[[Any], Any]) -> Rule:
    return lambda value, _alone: Snapshot(how(value), how)
