"""Functions, classes, modules and values, each with its own digest and its dependencies.

Own functions and classes are followed through globals, module attributes, closures,
defaults, bound arguments, decorators, methods and containers; installed packages and Python
count by version; what is held as a value is hashed by content.

Everything is read from live objects: nothing is imported, called or looked up through a
property, and a module's ``__getattr__`` is never asked.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import (
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any, Final, NamedTuple

from linepipe_core._code.bytecode import NormalCode, normalise
from linepipe_core._code.made import is_made
from linepipe_core._code.members import (
    ABSENT,
    Value,
    attributes_held,
    called,
    foreign_name,
    held_by,
    held_value,
    holds_own_code,
    home_module,
    inside,
    is_code,
    is_own_class,
    is_unseen,
    model_fields,
)
from linepipe_core._code.ownership import (
    class_owner,
    distribution_of_module,
    find_spec,
    function_owner,
    module_owner,
)
from linepipe_core._code.parts import Part, PartKey, digest_of
from linepipe_core._code.sources import imported_modules, source_of
from linepipe_core._values.content_hash import ValueHasher
from linepipe_core._values.proxies import attributes_of, is_really

__all__ = [
    "Part",
    "Reached",
    "Reader",
    "Value",
    "ValueFingerprint",
    "code_named",
    "identity",
    "own_code",
]

_MODULE_NOTES: Final = {
    *("__builtins__", "__cached__", "__doc__", "__file__", "__loader__", "__name__"),
    *("__package__", "__path__", "__spec__"),
}


_NOTHING: Final = Part("")


class ValueFingerprint(NamedTuple):
    """A value's hash, and what it holds that isn't a value.

    Attributes:
        digest: the hash of its content.
        code: the functions, classes and modules in it.
        untracked: the types of what in it can't be hashed.
        files: the path of each File in it -> the hash of its content; empty if it isn't there.
    """

    digest: str
    code: tuple[Any, ...]
    untracked: tuple[str, ...]
    files: Mapping[str, str]


class Reached(NamedTuple):
    """One function, class or module, seen for itself."""

    key: PartKey | None
    part: Part
    code: tuple[Any, ...]  # what it leads to
    values: tuple[Value, ...]
    writes: tuple[tuple[int, str], ...] = ()
    unseen: tuple[str, ...] = ()  # what it calls whose result no fingerprint can tell


class _Source(NamedTuple):
    """A module that counts by its source."""

    module: str


class _Package(NamedTuple):
    """An installed package, which counts once, whichever of its modules are used."""

    name: str
    version: str


class Reader:
    """Reads fingerprints, all at one moment: what it has once seen it doesn't look at again."""

    def __init__(self) -> None:
        # By identity, with the object, or another could get the same id.
        self._reached: dict[int, tuple[Any, Reached]] = {}
        self._hashed: dict[int, tuple[Any, ValueFingerprint]] = {}
        self._described: dict[int, tuple[Any, Any]] = {}  # large values, wherever they lie
        self._named: set[int] = set()

    def value(self, value: Any) -> ValueFingerprint:
        """The fingerprint of a value."""
        known = self._hashed.get(id(value))
        if known is not None:
            return known[1]
        code: list[Any] = []

        def reach(found: Any) -> str:
            code.append(found)
            return self.name(found)

        hasher = ValueHasher(reach, is_own_class, known=self._described)
        digest = hasher.digest(value)
        found = ValueFingerprint(digest, tuple(code), tuple(hasher.untracked), hasher.files)
        self._hashed[id(value)] = value, found
        return found

    def labelled(self, value: Any, labels: Mapping[Any, str]) -> str:
        """The hash of a value that holds code whose name isn't enough to know it by.

        Args:
            value: the value.
            labels: identity of such code -> what it counts as.
        """
        hasher = ValueHasher(
            lambda found: labels.get(identity(found)) or self.name(found), is_own_class
        )
        return hasher.digest(value)

    def entry(self, func: Any) -> tuple[Any, list[Value]]:
        """The code to begin with, and the values that are bound to it."""
        values: list[Value] = []
        while is_really(func, partial):
            bound = [*((str(i), arg) for i, arg in enumerate(func.args)), *func.keywords.items()]
            for name, arg in bound:
                values.append(held_value(PartKey("argument", name), arg))
            func = func.func
        if is_really(func, MethodType):
            values.append(_held_object(func.__self__))
            func = func.__func__
        if is_code(func):
            return func, values
        values.append(_held_object(func))
        return type(func), values

    def reached(self, found: Any) -> Reached:
        """The digest and the dependencies of a function, class or module."""
        known = self._reached.get(id(found))
        if known is None:
            known = self._reached[id(found)] = found, self._read(found)
        return known[1]

    def _read(self, found: Any) -> Reached:
        if isinstance(found, _Source):
            return self._read_source(found.module)
        if isinstance(found, _Package):
            part = Part(digest_of("package", found.version), found.version)
            return Reached(PartKey("package", found.name), part, (), ())
        if isinstance(found, ModuleType):
            return self._read_module(found)
        if isinstance(found, FunctionType):
            if function_owner(found) == "own":
                return self._read_function(found)
        elif is_really(found, type) and class_owner(found) == "own":
            return self._read_class(found)
        return self._read_foreign(found)

    def name(self, found: Any) -> str:
        """The name of a function, class or module in the digests of what refers to it.

        Its content counts on its own. But a lambda's name isn't enough to tell it from
        another, with which it may change places in a dict.
        """
        if isinstance(found, ModuleType):
            return f"module {found.__name__}"
        if isinstance(found, FunctionType) and function_owner(found) == "own":
            name = f"code {called(found)}"
            if "<" not in name:
                return name
            if id(found) in self._named:  # a closure that holds its own function
                return name
            self._named.add(id(found))
            try:
                held = [self.value(value.fetch()).digest for value in held_by(found)]
            finally:
                self._named.discard(id(found))
            return digest_of("name", name, normalise(found.__code__).digest, *held)
        if is_really(found, type) and class_owner(found) == "own":
            return f"class {found.__qualname__}"
        return f"foreign {foreign_name(found)}"

    def _read_function(self, func: FunctionType) -> Reached:
        normal = normalise(func.__code__)
        code: list[Any] = []
        values = held_by(func)
        targets = [self._refer(func.__globals__, path, code, values) for path in normal.references]
        package = func.__globals__.get("__package__") or ""
        for statement in normal.imports:
            code.extend(map(_Source, imported_modules(statement, package)))
        name = called(func)
        part = Part(digest_of("function", normal.digest, *targets))
        writes = tuple((id(func.__globals__), written) for written in sorted(normal.writes))
        unseen = tuple(_unseen(normal, targets))
        return Reached(PartKey("code", name), part, tuple(code), tuple(values), writes, unseen)

    def _refer(
        self,
        namespace: dict[str, Any],
        path: tuple[str, ...],
        code: list[Any],
        values: list[Value],
    ) -> str:
        """The object that a global's name, with the attributes read from it, refers to."""
        name, attributes = path[0], path[1:]
        if name in _MODULE_NOTES:
            return name
        if name not in namespace and hasattr(builtins, name):
            return f"builtin {name}"
        found = namespace.get(name, ABSENT)
        if is_made((id(namespace), name), found):
            found, attributes = ABSENT, ()
        for attribute in attributes:
            if not is_really(found, ModuleType) or module_owner(found.__name__) != "own":
                break
            if attribute in _MODULE_NOTES:
                return f"{name} {attribute}"
            if _loads_on_demand(found, attribute):
                code.append(_Source(found.__name__))
                return f"on demand {attribute}"
            namespace, name = vars(found), attribute
            found = namespace.get(
                name, sys.modules.get(f"{namespace.get('__name__')}.{name}", ABSENT)
            )
        if found is not ABSENT and is_code(found):
            code.append(found)
            return self.name(found)
        values.append(
            Value(
                PartKey("global", name),
                partial(namespace.get, name, ABSENT),
                (id(namespace), name),
            )
        )
        return f"global {name}"

    def _read_class(self, kind: type) -> Reached:
        name = kind.__qualname__
        code: list[Any] = list(kind.__mro__[1:-1])
        if type(kind) is not type:
            code.append(type(kind))
        values: list[Value] = []
        members = [name, *map(self.name, code)]
        for member, held in sorted(vars(kind).items()):
            functions = [each for each in inside(held) if is_code(each)]
            bound = [each for each in inside(held) if not is_code(each)]
            if bound:
                values.append(held_value(PartKey("attribute", f"{name}.{member}"), bound))
            if functions or bound:
                code.extend(functions)
                members += [member, *map(self.name, functions)]
        values.extend(attributes_held(kind))
        hints = vars(kind).get("__annotations__")
        if isinstance(hints, dict) and hints:  # dataclasses and models read them, in their order
            hinted = self.value(list(hints.items()))
            members.append(hinted.digest)
            code.extend(hinted.code)
        values.extend(model_fields(kind))
        return Reached(
            PartKey("class", name),
            Part(digest_of("class", *members)),
            tuple(code),
            tuple(values),
            (),
        )

    def _read_module(self, module: ModuleType) -> Reached:
        name = module.__name__
        if module_owner(name) == "own":  # used as a value: what is read from it can't be told
            return self._read_source(name)
        return Reached(None, _NOTHING, _packages(name), ())

    def _read_source(self, name: str) -> Reached:
        source = source_of(name)
        if source is None:
            return Reached(None, _NOTHING, _packages(name), ())
        code = tuple(map(_Source, source.imports))
        part = Part(digest_of("module", source.digest))
        return Reached(PartKey("module", name), part, code, (), ())

    def _read_foreign(self, found: Any) -> Reached:
        """Installed code counts by its version; the own code that it wraps is followed."""
        packages = _packages(home_module(found))
        code: list[Any] = []
        values: list[Value] = []
        wrapped = None if isinstance(found, type) else attributes_of(found).get("__wrapped__")
        if wrapped is not None:
            code.append(wrapped)
        if isinstance(found, FunctionType) and (wrapped is not None or holds_own_code(found)):
            values = held_by(found)
            # What lies deeper is no name of the wrapper's: a registry may fill while it runs.
            code.extend(held for value in values if is_code(held := value.fetch()))
        if not code and not values:
            return Reached(None, _NOTHING, packages, ())
        name = foreign_name(found)
        part = Part(digest_of("wrapper", *map(self.name, code)))
        return Reached(PartKey("wrapper", name), part, (*packages, *code), tuple(values))


def _held_object(value: Any) -> Value:
    return held_value(PartKey("object", type(value).__name__), value)


def _loads_on_demand(module: ModuleType, attribute: str) -> bool:
    """Return True if a module's ``__getattr__`` gives the attribute, or gave it before."""
    names = vars(module)
    if "__getattr__" not in names:
        return False
    source = source_of(module.__name__)
    return attribute not in names or (source is not None and attribute not in source.assigned)


def _unseen(normal: NormalCode, targets: Iterable[str]) -> Iterator[str]:
    """The full names of what code calls whose result no fingerprint can tell."""
    for path, target in zip(normal.references, targets, strict=True):
        name = _dotted(path, target, path in normal.methods)
        if is_unseen(name, path in normal.bare):
            yield name
    yield from (
        f".{path[0]}" for path in normal.methods if len(path) == 1 and is_unseen(f".{path[0]}")
    )


def _dotted(path: tuple[str, ...], target: str, is_method: bool) -> str:
    """The full name of a foreign thing that code refers to: ``time.time``.

    Of a value only the method that is called: ``.read_text``.
    """
    kind, _, name = target.partition(" ")
    if kind in ("builtin", "foreign", "module"):
        return ".".join((name, *path[1:]))
    return f".{path[-1]}" if kind == "global" and is_method and name != path[-1] else ""


def _packages(module: str) -> tuple[_Package, ...]:
    """The installed package that a module belongs to; what comes with Python counts with it."""
    found = distribution_of_module(module)
    return (_Package(*found),) if found is not None else ()


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
    return found if isinstance(found, (type, FunctionType)) else _Source(name.partition(":")[0])


def is_there(name: str) -> bool:
    """Return True if ``module:qualified.name`` is there, or its module, if that isn't loaded."""
    module = name.partition(":")[0]
    return find_spec(module) is not None if module not in sys.modules else _named(name) is not None


def _named(name: str) -> Any:
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = vars(found).get(part) if found is not None and hasattr(found, "__dict__") else None
    return found


def identity(found: Any) -> Any:
    """The identity of a thing that is reached."""
    return (type(found), *found) if isinstance(found, (_Source, _Package)) else id(found)
