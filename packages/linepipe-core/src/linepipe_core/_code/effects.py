"""The statements of own modules that act on something foreign: seeds, settings, registrations.

They count for the nodes that use the distribution they act on, or one that requires it, or the
standard module; what acts on os, sys, time and locale counts for all. A plot or a log at the end
of a script acts on what no node uses, and makes nothing run.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from types import FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from linepipe_core._code.members import ABSENT, is_code
from linepipe_core._code.ownership import (
    distribution_of_module,
    module_owner,
    normal_name,
    required_by,
    root_of,
)
from linepipe_core._code.parts import digest_of
from linepipe_core._code.sources import absolute_name, statements_of
from linepipe_core._code.statements import ModuleStatements, Statement, foreign_effects
from linepipe_core._values.proxies import is_really

__all__ = ["Effects", "effects_of", "reached_effects", "used_by"]

_FOR_ALL: Final = frozenset({"builtins", "os", "locale", "sys", "time"})
_NEVER: Final = frozenset(
    {"logging", "loguru", "structlog", "warnings", "typing", "faulthandler", "__future__"}
    | {"linepipe", "linepipe_core", "linepipe_viz", "linepipe_profile"}
)
# Their decorators register nothing: the decorated name counts where it is used.
_DECORATORS_ONLY: Final = frozenset(
    {"abc", "attr", "attrs", "click", "contextlib", "dataclasses", "enum", "functools", "numba"}
    | {"pydantic", "pytest", "typer", "wrapt", "toolz", "beartype"}
)
_IS_WATCHED: Final = sys.version_info >= (3, 12)
_NOT_ACTING: Final = frozenset({"sys.path.append", "sys.path.insert"})


class Effects(NamedTuple):
    """The statements of one module that act on what is used.

    Attributes:
        digest: their hash; that of nothing if there are none.
        code: the own functions and classes that they name.
    """

    digest: str
    code: tuple[Any, ...]


def used_by(distributions: Iterable[str], standard: Iterable[str]) -> frozenset[str]:
    """The normal names of what a node uses: distributions with what they require, and modules."""
    found = {f"standard {name}" for name in standard}
    for name in distributions:
        found |= required_by(name)
    return frozenset(found)


def reached_effects(
    namespaces: Collection[dict[str, Any]], used: frozenset[str], known: dict[Any, Any]
) -> dict[str, Effects]:
    """The effects of some own modules and of those that they import, by name.

    Args:
        namespaces: the modules'.
        used: what the effects must act on.
        known: what was found before, until another module is loaded; filled here.
    """
    moment = len(sys.modules)
    modules = moment, frozenset(map(id, namespaces))
    if modules not in known:
        known[modules] = imported_namespaces(namespaces)
    found = {}
    for name, namespace in known[modules].items():
        if (moment, name, used) not in known:
            known[moment, name, used] = effects_of(namespace, used)
        found[name] = known[moment, name, used]
    return found


def imported_namespaces(namespaces: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Some own modules and those that they import, by name."""
    found: dict[str, dict[str, Any]] = {}
    waiting = list(namespaces)
    while waiting:
        namespace = waiting.pop()
        name = namespace.get("__name__")
        if not isinstance(name, str) or name in found:
            continue
        found[name] = namespace
        for home in _loaded_by(namespace):
            is_there = home not in found and home in sys.modules
            if is_there and module_owner(home) == "own":
                waiting.append(vars(sys.modules[home]))
    return found


def _loaded_by(namespace: dict[str, Any]) -> Iterator[str]:
    """The names of the modules from which a module's namespace and statements take something."""
    for value in list(namespace.values()):
        if type(value) is ModuleType:
            yield value.__name__
        elif type(value) is FunctionType:
            yield str(value.__module__)
    module = statements_of(namespace)
    for target in module.loads if module is not None else ():
        full = absolute_name(target, namespace)
        while full and full not in sys.modules:  # a name in a module
            full = full.rpartition(".")[0]
        yield full


def effects_of(namespace: dict[str, Any], used: Collection[str]) -> Effects:
    """The statements of a module that act on what is used."""
    module = statements_of(namespace)
    if module is None:
        return Effects(digest_of("effects"), ())
    texts: list[str] = []
    code: list[Any] = []
    for statement, dotted in _acting(module, namespace):
        root = root_of(dotted)
        if not _counts(dotted, used) or dotted in _NOT_ACTING:
            continue
        if statement.decorates:
            if root in _DECORATORS_ONLY:
                continue
            decorated = namespace.get(statement.decorates)
            if not _IS_WATCHED and decorated is not None and is_code(decorated):
                code.append(decorated)
        texts.append(statement.digest)
        for name in sorted(statement.names - {statement.decorates}):
            value = namespace.get(name, ABSENT)
            if value is ABSENT or is_really(value, ModuleType):
                continue
            if is_code(value):
                code.append(value)
            else:
                texts += (each.digest for each in module.making(name))
    return Effects(digest_of("effects", *texts), tuple(code))


def _acting(module: ModuleStatements, namespace: dict[str, Any]) -> Iterator[tuple[Statement, str]]:
    yield from _foreign(module, namespace)
    # setup(), whose body acts on something foreign, or calls another function that does
    waiting = list(module.calls)
    seen: set[str] = set()
    while waiting:
        called = waiting.pop(0)
        inner = module.functions.get(called)
        if inner is None or called in seen:
            continue
        seen.add(called)
        yield from _foreign(inner, namespace)
        waiting += inner.calls


def _foreign(
    module: ModuleStatements, namespace: dict[str, Any]
) -> Iterator[tuple[Statement, str]]:
    is_own = {name: _is_own(absolute_name(t, namespace)) for name, t in module.imports.items()}
    for statement, dotted in foreign_effects(module, is_own):
        yield statement, absolute_name(dotted, namespace)


def _is_own(full: str) -> bool:
    while full and full not in sys.modules:
        full = full.rpartition(".")[0]
    return bool(full) and module_owner(full) == "own"


def _counts(dotted: str, used: Collection[str]) -> bool:
    """Return True if what a statement acts on is used."""
    root = root_of(dotted)
    if root in _NEVER:
        return False
    if root in _FOR_ALL:
        return True
    home = dotted
    while home and home not in sys.modules:
        home = home.rpartition(".")[0]
    if not home:
        return False
    distribution = distribution_of_module(home)
    if distribution is None:
        return f"standard {root}" in used
    return normal_name(distribution.name) in used
