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
    CodeType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any, Final

from linepipe_core._code.bytecode import normalise
from linepipe_core._code.makers import AttributeStores, assigned_globals, identity_token, making_of
from linepipe_core._code.members import (
    ABSENT,
    UNCHANGING,
    Value,
    attributes_held,
    called,
    docstring_of,
    foreign_name,
    held_by,
    held_value,
    holds_own_code,
    home_module,
    inside,
    is_code,
    is_generated,
    is_known_by_name,
    is_librarys,
    is_own_class,
    is_plain_content,
    model_fields,
    namespace_of,
    own_code_below,
    wraps_own_code,
)
from linepipe_core._code.ownership import (
    class_owner,
    function_owner,
    is_main,
    module_owner,
    namespace_owner,
    note_main,
)
from linepipe_core._code.parts import Part, PartKey, digest_of
from linepipe_core._code.reached import Package, Reached, Source, ValueFingerprint, packages_of
from linepipe_core._code.sources import imported_modules, loads_on_demand, source_of, statements_of
from linepipe_core._code.texts import names_in_texts
from linepipe_core._code.unseen import standard_modules, unseen_calls
from linepipe_core._values.content_hash import ValueHasher, small_digest
from linepipe_core._values.proxies import attributes_of, is_really

__all__ = [
    "Part",
    "Reader",
    "Value",
    "identity",
]

_MODULE_NOTES: Final = {
    *("__builtins__", "__cached__", "__file__", "__loader__", "__name__"),
    *("__package__", "__path__", "__spec__"),
}


_NOTHING: Final = Part("")


class Reader:
    """Reads fingerprints, all at one moment: what it has once seen it doesn't look at again."""

    def __init__(self) -> None:
        self.effects: dict[Any, Any] = {}  # of modules, as far as they were asked for
        self.nodes_code: set[int] = set()  # the ids of the code objects that nodes lead to
        self._assigned: dict[int, frozenset[str]] = {}
        self._makings: dict[tuple[int, str], str] = {}
        self._stores = AttributeStores()
        # By identity, with the object, or another could get the same id.
        self._reached: dict[int, tuple[Any, Reached]] = {}
        self._hashed: dict[int, tuple[Any, ValueFingerprint]] = {}
        self._described: dict[int, tuple[Any, Any]] = {}  # large values, wherever they lie
        self._owned: dict[int, tuple[Any, bool]] = {}  # of the globals of modules
        self._referred: dict[Any, tuple[Any, str, list[Any], list[Value]]] = {}
        self._named: set[int] = set()
        self.contents: dict[Any, Any] = {}  # of values, as they were when they were first seen

    def value(self, value: Any) -> ValueFingerprint:
        """The fingerprint of a value."""
        known = self._hashed.get(id(value))
        if known is not None:
            return known[1]
        small = self.small(value)
        if small is not None:
            return small
        code: list[Any] = []

        def reach(found: Any) -> str:
            code.append(found)
            return self.name(found)

        hasher = ValueHasher(reach, is_own_class, known=self._described)
        digest = hasher.digest(value)
        untracked = tuple(hasher.untracked)
        found = ValueFingerprint(digest, tuple(code), untracked, hasher.files, hasher.n_bytes)
        self._hashed[id(value)] = value, found
        return found

    def small(self, value: Any) -> ValueFingerprint | None:
        """The fingerprint of small plain data; None for any other value."""
        found = small_digest(value)
        if found is None:
            return None
        digest, n_bytes = found
        small = ValueFingerprint(digest, (), (), {}, n_bytes)
        self._hashed[id(value)] = value, small
        return small

    def is_own(self, namespace: Mapping[str, Any]) -> bool:
        """Return True for the globals of an own module."""
        known = self._owned.get(id(namespace))
        if known is None:
            is_own = namespace_owner(namespace) == "own"
            known = self._owned[id(namespace)] = namespace, is_own
        return known[1]

    def making(self, namespace: Mapping[str, Any], name: str) -> str:
        """A hash of the statements that made a global, with all the code that they name.

        Returns:
            ``""`` where they don't decide.
        """
        key = id(namespace), name
        if key not in self._makings:
            self._makings[key] = ""  # for what is made of itself
            made = making_of(namespace, name, self._is_nodes_code, self._stores)
            if made.digest:
                self._makings[key] = digest_of("making", made.digest, *self._behind(made.code))
        return self._makings[key]

    def _is_nodes_code(self, code: CodeType) -> bool:
        return id(code) in self.nodes_code

    def _behind(self, code: Iterable[Any]) -> Iterator[str]:
        """The hashes of all the code that some code leads to, and of its globals."""
        waiting, seen = list(code), set()
        while waiting:
            found = waiting.pop()
            if identity(found) in seen:
                continue
            seen.add(identity(found))
            reached = self.reached(found)
            yield f"{reached.key} {reached.part.digest}"
            if is_really(found, type):
                yield self._literals(found)
            waiting.extend(reached.code)
            for value in reached.values:
                held = value.fetch()
                if type(held) in UNCHANGING:
                    yield f"{value.key} {self.value(held).digest}"
                elif value.namespace is not None and value.home not in seen:
                    seen.add(value.home)
                    yield f"{value.key} {self.making(value.namespace, value.maker)}"

    def _literals(self, kind: type) -> str:
        """A hash of the attributes that are literals in a class's statement."""
        namespace = namespace_of(kind) if class_owner(kind) == "own" else None
        module = statements_of(namespace) if namespace is not None else None
        statement = module.class_statement(kind.__qualname__) if module is not None else None
        return statement.literals if statement is not None else ""

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
            known = self._reached[id(found)] = found, self._read_safely(found)
        return known[1]

    def _read_safely(self, found: Any) -> Reached:
        """Read; what can't be read counts as changed, for no user's code may end a run."""
        try:
            return self._read(found)
        except Exception as error:
            name = str(getattr(found, "__qualname__", None) or type(found).__name__)
            part = Part(identity_token(found), home=str(getattr(found, "__module__", "")))
            why = f"{name} can't be read ({type(error).__name__}) and counts as changed"
            return Reached(PartKey("code", name), part, (), (), notes=(why,))

    def _read(self, found: Any) -> Reached:
        if isinstance(found, Source):
            return self._read_source(found.module)
        if isinstance(found, Package):
            part = Part(digest_of("package", found.version), found.version)
            return Reached(PartKey("package", found.name), part, (), ())
        if is_really(found, ModuleType):
            return self._read_module(found)
        if is_really(found, FunctionType):
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
        if is_really(found, ModuleType):
            return f"module {found.__name__}"
        if is_really(found, FunctionType) and function_owner(found) == "own":
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
        code: list[Any] = []
        if is_generated(func) and "__wrapped__" in func.__dict__:  # beartype's, say
            wrapped = func.__dict__["__wrapped__"]
            hints = getattr(wrapped, "__annotations__", None)
            hinted = self.value(list(hints.items()) if isinstance(hints, dict) else [])
            code += [wrapped, *hinted.code]  # the wrapper checks them
            part = Part(digest_of("wrapper", self.name(wrapped), hinted.digest))
            return Reached(PartKey("wrapper", called(func)), part, tuple(code), ())
        normal = normalise(func.__code__)
        values = held_by(func)
        if "__wrapped__" in func.__dict__:
            code.append(func.__dict__["__wrapped__"])
        namespace = func.__globals__
        targets = [self._refer(namespace, path, code, values) for path in normal.references]
        for statement in normal.imports:
            package = namespace.get("__package__") or ""
            code.extend(map(Source, imported_modules(statement, package)))
        name = called(func)
        looked_up: list[str] = []
        for named, is_looked_up in names_in_texts(func, normal.words).items():
            self._refer(namespace, (named,), code, values)
            if is_looked_up:
                looked_up.append(f"text {named}")
        home = str(namespace.get("__name__"))
        if is_main(home):
            note_main(namespace)
        digest = digest_of("function", normal.digest, *targets, *looked_up)
        unseen = tuple(unseen_calls(normal, targets))
        return Reached(
            PartKey("code", name),
            Part(digest, made=normal.digest, home=home),
            tuple(code),
            tuple(values),
            unseen,
            namespace,
            uses=tuple(sorted(standard_modules(normal, targets))),
        )

    def _refer(
        self,
        namespace: dict[str, Any],
        path: tuple[str, ...],
        code: list[Any],
        values: list[Value],
    ) -> str:
        """The object that a global's name, with the attributes read from it, refers to."""
        key = id(namespace), path
        known = self._referred.get(key)
        if known is None:  # with the namespace, or another could get the same id
            found_code, found_values = list[Any](), list[Value]()
            target = self._refer_anew(namespace, path, found_code, found_values)
            known = self._referred[key] = namespace, target, found_code, found_values
        _, target, found_code, found_values = known
        code += found_code
        values += found_values
        return target

    def _refer_anew(
        self,
        namespace: dict[str, Any],
        path: tuple[str, ...],
        code: list[Any],
        values: list[Value],
    ) -> str:
        name, attributes = path[0], path[1:]
        if name in _MODULE_NOTES:
            return name
        if name not in namespace and hasattr(builtins, name):
            return f"builtin {name}"
        found = namespace.get(name, ABSENT)
        for attribute in attributes:
            if not is_really(found, ModuleType) or module_owner(found.__name__) != "own":
                break
            if attribute in _MODULE_NOTES:
                return f"{name} {attribute}"
            if loads_on_demand(found, attribute):
                code.append(Source(found.__name__))
                return f"on demand {attribute}"
            namespace, name = vars(found), attribute
            found = namespace.get(
                name, sys.modules.get(f"{namespace.get('__name__')}.{name}", ABSENT)
            )
        # What a function assigns is state: a name that stands for code only once it has run.
        if found is not ABSENT and is_code(found) and name not in self.assigned_in(namespace):
            code.append(found)
            if "__doc__" in attributes:
                values.extend(docstring_of(found, name))
            return self.name(found)
        values.append(
            Value(
                PartKey("global", name),
                partial(namespace.get, name, ABSENT),
                (id(namespace), name),
                namespace,
                name,
            )
        )
        return f"global {name}"

    def assigned_in(self, namespace: Mapping[str, Any]) -> frozenset[str]:
        """The globals of a module that its functions assign."""
        found = self._assigned.get(id(namespace))
        if found is None:
            found = self._assigned[id(namespace)] = assigned_globals(namespace)
        return found

    def _read_class(self, kind: type) -> Reached:
        name = kind.__qualname__
        namespace = namespace_of(kind)
        module = statements_of(namespace) if namespace is not None else None
        statement = module.class_statement(name) if module is not None else None
        code: list[Any] = list(kind.__mro__[1:-1])
        if type(kind) is not type:
            code.append(type(kind))
        values: list[Value] = []
        members = [name, *map(self.name, code)]
        if statement is not None and namespace is not None:
            members.append(statement.digest)
            for used in sorted(statement.names - {name, *vars(kind)}):
                if used in namespace and not is_really(namespace[used], ModuleType):
                    members.append(self._refer(namespace, (used,), code, values))
        for member, held in sorted(vars(kind).items()):
            found = inside(held)
            if not found:
                continue
            functions = [each for each in found if is_code(each)]
            # What a library wrote follows from the statement; or from what it keeps on the class.
            functions = [
                each
                for each in functions
                if not is_generated(each)
                or (statement is None and isinstance(each.__globals__.get("__name__"), str))
            ]
            bound = [each for each in found if not is_code(each)]
            if bound:
                values.append(held_value(PartKey("attribute", f"{name}.{member}"), bound))
            if functions or bound:
                code.extend(functions)
                members += [member, *map(self.name, functions)]
        values.extend(self.attributes(kind))
        if statement is None:
            values.extend(model_fields(kind))
            hints = vars(kind).get("__annotations__")
            if isinstance(hints, dict) and hints:  # models read them, in their order
                hinted = self.value(list(hints.items()))
                members.append(hinted.digest)
                code.extend(hinted.code)
        made = statement.digest if statement is not None else ""
        part = Part(digest_of("class", *members), made=made, home=str(kind.__module__))
        return Reached(
            PartKey("class", name), part, tuple(code), tuple(values), namespace=namespace
        )

    def attributes(self, found: Any) -> list[Value]:
        """The values in a function's or class's attributes that count."""
        held = list(attributes_held(found))
        if not is_really(found, type):
            return held
        namespace = namespace_of(found)
        module = statements_of(namespace) if namespace is not None else None
        if module is None or module.class_statement(found.__qualname__) is None:
            return [each for each in held if not is_librarys(each.fetch())]
        # What its author gave it; the objects that libraries make of that follow from it.
        return [each for each in held if is_plain_content(each.fetch())]

    def _read_module(self, module: ModuleType) -> Reached:
        name = module.__name__
        if module_owner(name) == "own":  # used as a value: what is read from it can't be told
            return self._read_source(name)
        return Reached(None, _NOTHING, packages_of(name), ())

    def _read_source(self, name: str) -> Reached:
        source = source_of(name)
        if source is None:
            return Reached(None, _NOTHING, packages_of(name), ())
        code = tuple(map(Source, source.imports))
        part = Part(digest_of("module", source.digest), home=name)
        return Reached(PartKey("module", name), part, code, ())

    def _decoration(self, func: Any, code: list[Any], values: list[Value]) -> Iterator[str]:
        """The decorators of an own function: what they are given may lie where nobody sees it."""
        if not is_really(func, FunctionType) or function_owner(func) != "own":
            return
        module = statements_of(func.__globals__)
        statement = module.decoration(called(func)) if module is not None else None
        if statement is None:
            return
        yield statement.digest
        for used in sorted(statement.names - {called(func)}):
            if not is_really(func.__globals__.get(used), ModuleType):
                yield self._refer(func.__globals__, (used,), code, values)

    def _read_foreign(self, found: Any) -> Reached:
        """Installed code counts by its version; the own code that it wraps is followed."""
        packages = packages_of(home_module(found))
        code: list[Any] = []
        values: list[Value] = []
        wrapped = None if is_really(found, type) else attributes_of(found).get("__wrapped__")
        if wrapped is not None:
            code.append(wrapped)
        if not is_really(found, (type, FunctionType)):  # a wrapper of C, a curried function
            packages = (*packages, *packages_of(str(type(found).__module__)))
            code.extend(each for each in own_code_below(found) if each is not wrapped)
        is_librarys = wrapped is not None and is_known_by_name(found)
        if is_librarys and not (len(code) > 1 or wraps_own_code(wrapped)):
            # A library's function in its own wrapper: some write their code when first called.
            return Reached(None, _NOTHING, (*packages, wrapped), ())
        if is_really(found, FunctionType) and (wrapped is not None or holds_own_code(found)):
            values = held_by(found)
            # What lies deeper is no name of the wrapper's: a registry may fill while it runs.
            code.extend(held for value in values if is_code(held := value.fetch()))
        if not code and not values:
            return Reached(None, _NOTHING, packages, ())
        name = foreign_name(found)
        members = [*map(self.name, code)]
        for each in tuple(code):
            members += self._decoration(each, code, values)
        part = Part(digest_of("wrapper", *members))
        return Reached(PartKey("wrapper", name), part, (*packages, *code), tuple(values))


def _held_object(value: Any) -> Value:
    return held_value(PartKey("object", type(value).__name__), value)


def identity(found: Any) -> Any:
    """The identity of a thing that is reached."""
    return (type(found), *found) if isinstance(found, (Source, Package)) else id(found)
