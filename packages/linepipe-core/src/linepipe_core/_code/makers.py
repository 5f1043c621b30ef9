"""How a global was made: for objects that have no content of their own to compare.

The statements that bind or change it decide, with all that they name, if they read nothing of
the world outside and no code outside of nodes binds the name. Else the content decides that
pickle would keep; without one the object is new in every process.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from opcode import opmap
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from linepipe_core._code.bytecode import nested_codes, normalise
from linepipe_core._code.literal_reads import Reads
from linepipe_core._code.members import (
    ABSENT,
    is_code,
    is_filled,
    is_nothing,
    is_own_class,
    plain_attributes,
)
from linepipe_core._code.ownership import module_owner, namespace_owner
from linepipe_core._code.parts import digest_of
from linepipe_core._code.sources import absolute_name, statements_of
from linepipe_core._code.statements import Statement
from linepipe_core._values.file_content import content_of_path
from linepipe_core._values.proxies import is_really

__all__ = [
    "AttributeStores",
    "Making",
    "Split",
    "assigned_globals",
    "identity_token",
    "making_of",
    "split_foreign",
]

_SCALARS: Final = frozenset({bool, int, float, complex, str, bytes, type(None), type(...)})
# The modules whose objects have a content: Python's own data, and the libraries with an adapter.
_WITH_CONTENT: Final = frozenset(
    {"builtins", "collections", "copyreg", "datetime", "decimal", "fractions", "functools", "re"}
    | {"array", "enum", "ipaddress", "numpy", "omegaconf", "operator", "pandas", "pathlib"}
    | {"polars", "pyarrow", "pydantic", "random", "string", "torch", "types", "typing", "uuid"}
    | {"_io", "_random", "itertools", "zoneinfo", "linepipe_core", "pydantic_core"}
)
_WITHOUT_CONTENT: Final = (
    *("numpy.random.", "pydantic.type_adapter.", "pydantic_core._pydantic_core.Schema"),
)
_MOST_OBJECTS: Final = 2000
_MOST_IMPORTS: Final = 20  # from module to module
_STORE_GLOBAL: Final = opmap["STORE_GLOBAL"]
_DELETE_GLOBAL: Final = opmap["DELETE_GLOBAL"]


class Making(NamedTuple):
    """The statements that made a global.

    Attributes:
        digest: their hash; ``""`` if they don't decide.
        code: the own functions and classes that they name.
    """

    digest: str
    code: tuple[Any, ...] = ()


_UNKNOWN: Final = Making("")


def making_of(
    namespace: Mapping[str, Any],
    name: str,
    is_nodes_code: Callable[[CodeType], bool],
    stores: AttributeStores,
) -> Making:
    """The statements that made a module's global.

    Args:
        namespace: the module's globals.
        name: the global's name there.
        is_nodes_code: returns True for the code of nodes, which may bind globals.
        stores: what modules set in others.
    """
    return _Tracing(is_nodes_code, stores).making(namespace, name, 0)


class _Tracing:
    def __init__(
        self,
        is_nodes_code: Callable[[CodeType], bool],
        stores: AttributeStores,
    ) -> None:
        self._is_nodes_code = is_nodes_code
        self._stores = stores
        self._seen: set[tuple[int, str]] = set()

    def making(self, namespace: Mapping[str, Any], name: str, depth: int) -> Making:
        module = statements_of(namespace) if namespace_owner(namespace) == "own" else None
        if module is None or depth > _MOST_IMPORTS:
            return _UNKNOWN
        if (id(namespace), name) in self._seen:
            return Making("seen")
        self._seen.add((id(namespace), name))
        if name in module.imports:
            return self._imported(namespace, module.imports[name], depth)
        statements = [*module.making(name), *_calls_of_setup(module.statements, namespace, name)]
        is_known = bool(statements) or name in module.assigned_by_functions
        if not is_known or self._is_bound_elsewhere(namespace, name):
            return _UNKNOWN
        texts: list[str] = []
        code: list[Any] = []
        for statement in dict.fromkeys(statements):
            if not statement.is_clean:
                return Making("", tuple(code))
            if statement.is_import:
                continue
            texts.append(statement.digest)
            outside = _outside(statement.reads)
            if outside is None:
                return Making("", tuple(code))
            texts += outside
            for bound in sorted(statement.binds & module.defined):
                value = namespace.get(bound)
                if type(value) is FunctionType:
                    texts.append(normalise(value.__code__).digest)
            for used in sorted(statement.names - statement.binds):
                value = namespace.get(used, ABSENT)
                if value is ABSENT or is_really(value, ModuleType):
                    continue
                if is_code(value):
                    code.append(value)
                elif used in module.imports:
                    there = self._imported(namespace, module.imports[used], depth)
                    if not there.digest:
                        return Making("", tuple(code))
                    texts.append(there.digest)
                    code.extend(there.code)
        return Making(digest_of("made", *texts), tuple(code))

    def _imported(self, namespace: Mapping[str, Any], target: str, depth: int) -> Making:
        """How a global of another module was made; a foreign one counts by its name there."""
        full = absolute_name(target, namespace)
        there, _, name = full.rpartition(".")
        module = sys.modules.get(there)
        if module is None or module_owner(there) != "own":
            return Making(digest_of("foreign", full))
        return self.making(vars(module), name, depth + 1)

    def _is_bound_elsewhere(self, namespace: Mapping[str, Any], name: str) -> bool:
        """Return True if code outside of nodes binds the global."""
        module = statements_of(namespace)
        assert module is not None
        if name in module.assigned_by_functions:
            codes = list(_assigning(namespace, name))
            if not codes or not all(map(self._is_nodes_code, codes)):
                return True
        own = sys.modules.get(str(namespace.get("__name__")))
        return name in self._stores.set_in(own)


# Most of the modules that a process has; whose a module is doesn't change.
_FOREIGN_MODULES: Final[weakref.WeakSet[ModuleType]] = weakref.WeakSet()


class AttributeStores:
    """The names of the attributes that own modules set in modules that they hold.

    Kept with a reader: looking through all modules for each global takes long.
    """

    def __init__(self) -> None:
        self._n_modules = 0
        self._holders: dict[int, list[ModuleType]] = {}  # id of a module -> the own that hold it
        self._found: dict[int, frozenset[str]] = {}

    def set_in(self, module: ModuleType | None) -> frozenset[str]:
        """The names of attributes that modules set which hold this one."""
        if self._n_modules != len(sys.modules):
            self._look()
        key = id(module)
        if key not in self._found:
            found: set[str] = set()
            for holder in self._holders.get(key, ()):
                statements = statements_of(vars(holder))
                found |= statements.attribute_stores if statements is not None else set()
            self._found[key] = frozenset(found)
        return self._found[key]

    def _look(self) -> None:
        self._holders, self._found = {}, {}
        modules: dict[str, Any] = dict(sys.modules)
        self._n_modules = len(modules)
        for name, module in modules.items():
            if type(module) is not ModuleType or module in _FOREIGN_MODULES:
                continue
            if module_owner(name) != "own":
                _FOREIGN_MODULES.add(module)
                continue
            held = {id(each) for each in vars(module).values() if type(each) is ModuleType}
            for each in held - {id(module)}:
                self._holders.setdefault(each, []).append(module)


def _outside(reads: Reads) -> list[str] | None:
    """The values of variables and the contents of files; None if a file can't be read."""
    found = [f"{name} {_hidden(os.environ.get(name))}" for name in reads.variables]
    for path in reads.files:
        try:
            found.append(f"{path} {content_of_path(path).digest}")
        except OSError:
            return None
    return found


def _hidden(text: str | None) -> str:
    """A hash in place of a text that may be a secret."""
    return "" if text is None else digest_of("text", text)


def _calls_of_setup(
    statements: list[Statement], namespace: Mapping[str, Any], name: str
) -> Iterator[Statement]:
    """The statements that call an own function whose code names the global."""
    for statement in statements:
        for called in statement.calls:
            function = namespace.get(called)
            if type(function) is FunctionType and _names(function.__code__, name):
                yield statement
                break


def _names(code: CodeType, name: str) -> bool:
    return any(name in each.co_names for each in nested_codes(code))


def _assigning(namespace: Mapping[str, Any], name: str) -> Iterator[CodeType]:
    """The code of a module's functions that assigns one of its globals."""
    for code in _codes(namespace):
        if name in code.co_names and name in normalise(code).writes:
            yield code


def assigned_globals(namespace: Mapping[str, Any]) -> frozenset[str]:
    """The globals that functions of the module assign while they run."""
    found: set[str] = set()
    for code in _codes(namespace):
        operations = code.co_code
        if _STORE_GLOBAL in operations or _DELETE_GLOBAL in operations:  # or an argument
            found |= normalise(code).writes
    return frozenset(found)


def _codes(namespace: Mapping[str, Any]) -> list[CodeType]:
    """The code of a module's functions, and of those in its classes and in functions."""
    held: list[Any] = []
    for value in list(namespace.values()):
        kind = type(value)
        if kind is FunctionType:
            held.append(value)
        elif kind is type:
            held += vars(value).values()
    codes = [
        each.__code__
        for each in held
        if type(each) is FunctionType and each.__globals__ is namespace
    ]
    for code in codes:  # grows
        codes += (each for each in code.co_consts if type(each) is CodeType)
    return codes


# --- what has no content --------------------------------------------------------------------


class Split(NamedTuple):
    """A value with what has no content of its own replaced by the names of its classes.

    Locks, loggers and the like have nothing to compare: they are replaced, and nothing decides
    about them.

    Attributes:
        value: the value.
        foreign: the classes that statements decide about.
        is_filled: True if statements may say more, as of queues and context variables.
    """

    value: Any
    foreign: tuple[str, ...] = ()
    is_filled: bool = False


def split_foreign(value: Any) -> Split:
    """Split a value into its content and what has none of its own."""
    if type(value) in _SCALARS:
        return Split(value)
    splitting = _Splitting()
    split = splitting.split(value)
    foreign = tuple(sorted(set(splitting.foreign)))
    return Split(split if splitting.n_left > 0 else value, foreign, splitting.is_filled)


class _Splitting:
    def __init__(self) -> None:
        self.foreign: list[str] = []
        self.is_filled = False
        self.n_left = _MOST_OBJECTS
        self._open: set[int] = set()

    def split(self, value: Any) -> Any:
        kind = type(value)
        if kind in _SCALARS or self.n_left <= 0 or id(value) in self._open:
            return value
        self.n_left -= 1
        self._open.add(id(value))
        try:
            return self._split(value, kind)
        finally:
            self._open.discard(id(value))

    def _split(self, value: Any, kind: type) -> Any:
        if kind in (list, tuple):
            parts = [self.split(each) for each in value]
            same = all(new is old for new, old in zip(parts, value, strict=False))
            return value if same else kind(parts)
        if kind is dict:
            items = {key: self.split(each) for key, each in list(value.items())}
            same = all(items[key] is each for key, each in list(value.items()))
            return value if same else items
        name = f"{kind.__module__}.{kind.__qualname__}"
        if is_nothing(value):
            self.is_filled = self.is_filled or is_filled(value)
            return f"nothing {name}"
        if value is ABSENT or is_code(value) or is_really(value, BaseException):
            return value
        if is_own_class(kind):
            held = plain_attributes(value)
            if held is None:
                return value
            attributes = {key: self.split(each) for key, each in list(held.items())}
            same = all(attributes[key] is each for key, each in list(held.items()))
            return value if same else [kind, attributes]
        if _has_content(kind):
            return value
        self.foreign.append(name)
        return f"foreign {name}"


def _has_content(kind: type) -> bool:
    module = str(kind.__module__)
    if f"{module}.{kind.__qualname__}".startswith(_WITHOUT_CONTENT):
        return False
    if "omegaconf" in module or any(
        str(base.__module__).partition(".")[0] == "pydantic" for base in kind.__mro__
    ):
        return True
    return module.partition(".")[0] in _WITH_CONTENT


# What was given a token, by id: with a reference, for another object could get the same id.
_TOKENS: dict[int, tuple[Any, str]] = {}


def identity_token(value: Any) -> str:
    """A text for an object that nothing compares: another in every process and for each object."""
    known = _TOKENS.get(id(value))
    if known is not None and known[0]() is value:
        return known[1]
    token = os.urandom(8).hex()
    key = id(value)
    try:
        reference: Any = weakref.ref(value, lambda _: _TOKENS.pop(key, None))
    except TypeError:
        reference = lambda: value  # noqa: E731  # it can't be referred to weakly: it is kept
    _TOKENS[key] = reference, token
    return token
