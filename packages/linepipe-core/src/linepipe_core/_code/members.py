"""The members of functions and classes: values, functions, names. Read without running anything.

Apart from ``reach``, which says what all that amounts to, so that what is known of Python's
own kinds of objects (descriptors, closures, enums, models) is in one place.
"""

from __future__ import annotations

import gc
import sys
from _thread import RLock, allocate_lock
from _weakref import ReferenceType
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import (
    WRAPPER_ASSIGNMENTS,
    cached_property,
    partial,
    partialmethod,
    singledispatchmethod,
)
from re import Pattern
from threading import local
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, Final, NamedTuple

from linepipe_core._code.ownership import (
    class_owner,
    function_owner,
    loaded_namespace,
    module_owner,
)
from linepipe_core._code.parts import PartKey
from linepipe_core._values import code_or_data
from linepipe_core._values.classes import cached_names
from linepipe_core._values.content_hash import ADDRESS
from linepipe_core._values.proxies import attributes_of, is_really

__all__ = [
    "ABSENT",
    "UNCHANGING",
    "Value",
    "attributes_held",
    "called",
    "docstring_of",
    "expanded",
    "flattened_code",
    "foreign_name",
    "held_by",
    "held_value",
    "holds_own_code",
    "home_module",
    "inside",
    "is_data",
    "is_filled",
    "is_generated",
    "is_known_by_name",
    "is_librarys",
    "is_nothing",
    "is_plain_content",
    "model_fields",
    "namespace_of",
    "own_code_below",
    "plain_attributes",
    "wraps_own_code",
]

ABSENT: Final = object()
# The types of values that hold no other object and never change.
UNCHANGING: Final = frozenset({bool, int, float, complex, str, bytes, type(None)})
"""The stand-in for a value that isn't there, or isn't there yet."""

# What Python, abc, enum and pickle note down about a class, all of it known from its members.
_CLASS_NOTES: Final = {
    *("__annotations__", "__annotations_cache__", "__doc__", "__firstlineno__", "__module__"),
    *("__qualname__", "__slotnames__", "__static_attributes__"),
    *("_abc_impl", "_hashable_values_", "_member_map_", "_member_names_", "_member_type_"),
    *("_new_member_", "_unhashable_values_", "_unhashable_values_map_", "_use_args_"),
    *("_value2member_map_", "_value_repr_"),
}
# What SQLAlchemy and pydantic note down, some of it only when the class is first used.
_LIBRARY_NOTES: Final = ("_sa_", "__pydantic_")
_PLAIN: Final = frozenset({bool, int, float, complex, str, bytes, type(None)})
# What is called and counts as data all the same: by what it binds.
_CALLABLE_DATA: Final = (partial, MethodType, BuiltinFunctionType, BaseException)
_BUILTINS: Final = (int, float, complex, str, bytes, tuple, list, dict, set, frozenset)
_LOCKS: Final = (type(allocate_lock()), type(RLock()), ReferenceType, local)
_NOTHING: Final = {
    *("threading.Event", "threading.Condition", "threading.Semaphore", "threading.Barrier"),
    *("threading.Thread", "logging.Logger", "logging.Handler", "logging.LoggerAdapter"),
    *("logging.Filter", "logging.Formatter", "_contextvars.ContextVar", "queue.Queue"),
    *("_queue.SimpleQueue", "weakref.WeakKeyDictionary", "weakref.WeakValueDictionary"),
    *("weakref.WeakSet", "concurrent.futures._base.Executor"),
}
# Those of them that a program fills, which is a matter of the statements that do it.
_FILLED: Final = {
    *("threading.Event", "_contextvars.ContextVar", "queue.Queue", "_queue.SimpleQueue"),
    *("weakref.WeakKeyDictionary", "weakref.WeakValueDictionary", "weakref.WeakSet"),
    "_thread._local",
}
_DATA_MODULES: Final = {"numpy", "pandas", "polars", "pyarrow", "datetime", "decimal", "fractions"}
_MOST_REFERENTS: Final = 200
_MOST_ATTRIBUTES: Final = 50
_CODE: Final = frozenset({FunctionType, type, ModuleType})
_DATA: Final = frozenset({*_BUILTINS, *UNCHANGING, Pattern})
_DEEPEST: Final = 20  # wrappers
_DESCRIPTORS: Final = (GetSetDescriptorType, MemberDescriptorType)


class Value(NamedTuple):
    """A value that code depends on: a global, a default, a closure's, a bound argument."""

    key: PartKey
    fetch: Callable[[], Any]
    home: tuple[int, str]  # the namespace and the name: what may assign it
    namespace: Mapping[str, Any] | None = None  # the globals of the module that made it
    maker: str = ""  # the global there whose statements made it


def called(func: FunctionType) -> str:
    """A function's own name, not that of what it wraps."""
    return func.__code__.co_qualname if "__wrapped__" in func.__dict__ else func.__qualname__


def held_value(
    key: PartKey, value: Any, namespace: Mapping[str, Any] | None = None, maker: str = ""
) -> Value:
    """A value that can't be assigned anew, only be changed."""
    return Value(key, lambda: value, (id(value), str(key)), namespace, maker)


def expanded(key: PartKey, value: Any, depth: int = 2) -> Iterator[tuple[PartKey, Any]]:
    """A value; in place of an own object its class, and its attributes one by one.

    For a node may count its calls in one attribute and depend on another.
    """
    if depth == 0 or type(value) in _DATA or not _has_plain_attributes(value):
        yield key, value
        return
    yield key, type(value)
    computed = cached_names(type(value))
    for name, held in sorted(attributes_of(value).items()):
        # Not the words of what it wraps, nor what is computed when it is first asked for.
        if name not in WRAPPER_ASSIGNMENTS and name not in computed:
            yield from expanded(key.attribute(name), held, depth - 1)


def plain_attributes(value: Any) -> Mapping[str, Any] | None:
    """The attributes of an own object that is no more than them; None for any other."""
    return attributes_of(value) if _is_its_attributes(value) else None


def _has_plain_attributes(value: Any) -> bool:
    """Return True for an own object with few attributes, which count one by one."""
    return 0 < len(attributes_of(value)) <= _MOST_ATTRIBUTES and _is_its_attributes(value)


def _is_its_attributes(value: Any) -> bool:
    """Return True for an own object of which pickle keeps the attributes and nothing else."""
    kind: Any = type(value)
    return (
        not is_code(value)
        and not is_really(value, _BUILTINS)
        and class_owner(kind) == "own"
        and kind.__reduce_ex__ is object.__reduce_ex__
        and kind.__reduce__ is object.__reduce__
        and getattr(kind, "__getstate__", None) is getattr(object, "__getstate__", None)
        and not any(vars(base).get("__slots__") for base in kind.__mro__)
    )


def content_of(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return ABSENT


def attribute_of(kind: type, name: str) -> Any:
    return vars(kind).get(name, ABSENT)


def inside(member: Any) -> tuple[Any, ...]:
    """The functions in a class's member, and the values bound to it, through descriptors."""
    kind = type(member)
    if kind in _DATA or kind in _DESCRIPTORS:
        return ()
    if kind is FunctionType:
        return (member,)
    if issubclass(kind, (staticmethod, classmethod)):
        return inside(member.__func__) or (member.__func__,)
    if is_really(member, property):
        return tuple(f for f in (member.fget, member.fset, member.fdel) if f is not None)
    if is_really(member, partialmethod):
        return (*inside(member.func), member.args, member.keywords)
    if is_code(member):
        return (member,)
    if is_really(member, (cached_property, singledispatchmethod)):
        held = attributes_of(member)
        return tuple(held[name] for name in ("func", "dispatcher") if name in held)
    return ()


def holds_own_code(func: FunctionType, depth: int = 3) -> bool:
    """Return True if own code lies in a function's closure, as in that of a decorator's wrapper."""
    return any(_is_own_code(content_of(cell), depth) for cell in func.__closure__ or ())


def wraps_own_code(value: Any) -> bool:
    """Return True for own code, and for what leads to such by ``__wrapped__`` or a closure."""
    for _ in range(_DEEPEST):
        if _is_own_code(value, 3):
            return True
        value = attributes_of(value).get("__wrapped__")
        if value is None:
            return False
    return True


def _is_own_code(value: Any, depth: int) -> bool:
    if is_really(value, MethodType):
        value = value.__func__
    while is_really(value, partial):
        value = value.func
    if is_really(value, FunctionType):
        return function_owner(value) == "own" or (depth > 0 and holds_own_code(value, depth - 1))
    kind = value if is_really(value, type) else type(value)
    return value is not ABSENT and class_owner(kind) == "own"


def is_data(name: str, value: Any) -> bool:
    """Return True if a class's member is a value of its author's, not bookkeeping.

    Of ``__these__``, plain values: the objects are those that libraries make of the class.
    """
    if is_really(value, _DESCRIPTORS) or name in _CLASS_NOTES or name.startswith(_LIBRARY_NOTES):
        return False
    return not (name.startswith("__") and name.endswith("__")) or _is_plain(value)


def _is_plain(value: Any) -> bool:
    """Return True if a value is text, numbers, and containers of such."""
    if type(value) is dict:
        return all(map(_is_plain, (*value, *value.values())))
    if type(value) in (list, tuple, set, frozenset):
        return all(map(_is_plain, value))
    return type(value) in _PLAIN


def is_librarys(value: Any) -> bool:
    """Return True for what SQLAlchemy makes of a class's columns, which its table tells."""
    return str(type(value).__module__).startswith("sqlalchemy.")


def is_plain_content(value: Any) -> bool:
    """Return True for data, and for objects of own classes."""
    if _is_plain(value):
        return True
    kind = type(value)
    if issubclass(kind, type) or is_code(value):
        return False
    module = str(kind.__module__).partition(".")[0]
    return is_own_class(kind) or kind in _BUILTINS or module in _DATA_MODULES


def model_fields(kind: type) -> Iterator[Value]:
    """The fields of models, which pydantic and SQLAlchemy take out of the class."""
    table = vars(kind).get("__table__")
    if table is not None:  # its pickle counts the columns of all tables made before
        yield held_value(PartKey("attribute", f"{kind.__qualname__}.__table__"), _shown(table))
    fields = vars(kind).get("__pydantic_fields__") or {}
    for name, field in fields.items():
        default, *rest = (
            getattr(field, part, None) for part in ("default", "default_factory", "metadata")
        )
        held = (default, *rest) if any(rest) else default
        yield held_value(PartKey("attribute", f"{kind.__qualname__}.{name}"), held)


def _shown(value: Any) -> str:
    try:
        return ADDRESS.sub("", repr(value))
    except Exception:  # the repr of a user's type inside
        return ""


def foreign_name(found: Any) -> str:
    """The qualified name of what is known by its name only; of a wrapper, with what it wraps."""
    if is_really(found, FunctionType):
        code = f"{home_module(found)}.{found.__code__.co_qualname}"
        if "__wrapped__" in found.__dict__ and module_owner(str(found.__module__)) != "own":
            claimed = f"{found.__module__}.{found.__qualname__}"
            return claimed if is_known_by_name(found) else f"{claimed} by {code}"
        return code
    name = getattr(found, "__qualname__", None) or getattr(found, "__name__", "")
    return f"{home_module(found)}.{name}"


def is_known_by_name(func: Any) -> bool:
    """Return True if a function lies in the module that it claims under the name that it claims.

    Some write their own code when they are first called, and the name in that. What isn't a
    function of Python is known by its type.
    """
    if not is_really(func, FunctionType):
        return True
    module = sys.modules.get(str(func.__module__))
    return module is not None and vars(module).get(func.__qualname__) is func


def home_module(found: Any) -> str:
    """The module that brings a function or class, whatever it claims to be wrapping."""
    if is_really(found, FunctionType):
        return str(found.__globals__.get("__name__"))
    if not is_really(found, type):
        owner = getattr(found, "__objclass__", None) or getattr(found, "__self__", None)
        if owner is not None and not is_really(owner, ModuleType):
            found = owner if is_really(owner, type) else type(owner)
    module = getattr(found, "__module__", None)
    if is_really(found, type) or "__wrapped__" not in attributes_of(found):
        return module if isinstance(module, str) else "builtins"
    return type(found).__module__


def namespace_of(kind: type) -> dict[str, Any] | None:
    """The globals of the module that a class was defined in.

    By its methods: a profiler takes the place of ``__main__`` in ``sys.modules``.
    """
    name = str(kind.__module__)
    for member in vars(kind).values():
        if type(member) is FunctionType and member.__globals__.get("__name__") == name:
            return member.__globals__
    return loaded_namespace(name, kind.__qualname__.partition(".")[0])


def is_generated(func: object) -> bool:
    """Return True for a function that a library wrote: of dataclasses, attrs, beartype."""
    if type(func) is not FunctionType:
        return False
    file = func.__code__.co_filename
    return file.startswith("<") and not file.startswith(("<ipython-input", "<stdin", "<frozen"))


def is_nothing(value: object) -> bool:
    """Return True for a lock, a logger and the like: there is nothing in them to compare."""
    kind = type(value)
    if issubclass(kind, _LOCKS):
        return True
    return any(f"{base.__module__}.{base.__qualname__}" in _NOTHING for base in kind.__mro__)


def is_filled(value: object) -> bool:
    """Return True for a queue, a context variable and the like: what it holds can't be compared."""
    return any(f"{base.__module__}.{base.__qualname__}" in _FILLED for base in type(value).__mro__)


def held_by(func: FunctionType) -> list[Value]:
    """The values that a function object holds itself: defaults, closure, attributes."""
    values: list[Value] = []
    if not (func.__defaults__ or func.__kwdefaults__ or func.__closure__ or func.__dict__):
        return values
    code, name = func.__code__, called(func)
    namespace, maker = func.__globals__, code.co_qualname.partition(".")[0]
    positional = reversed(code.co_varnames[: code.co_argcount])
    # A library may set more defaults than there are parameters.
    defaults = zip(positional, reversed(func.__defaults__ or ()), strict=False)
    for param, default in reversed(list(defaults)):
        values.append(
            held_value(PartKey("default", f"{param} of {name}"), default, namespace, maker)
        )
    for param, default in (func.__kwdefaults__ or {}).items():
        values.append(
            held_value(PartKey("default", f"{param} of {name}"), default, namespace, maker)
        )
    for variable, cell in zip(code.co_freevars, func.__closure__ or (), strict=False):
        if variable != "__class__":
            values.append(
                Value(
                    PartKey("closure", f"{variable} of {name}"),
                    partial(content_of, cell),
                    (id(cell), ""),
                    namespace,
                    maker,
                )
            )
    values.extend(attributes_held(func))
    return values


def docstring_of(found: Any, name: str) -> Iterator[Value]:
    """The docstring of a function or class, of which code asks for it."""
    if is_really(found, (FunctionType, type)):
        held = vars(found) if is_really(found, type) else {"__doc__": found.__doc__}
        yield held_value(PartKey("attribute", f"{name}.__doc__"), held.get("__doc__"))


def attributes_held(found: Any) -> Iterator[Value]:
    """The values in a function's or class's attributes, of which code may make more."""
    if is_really(found, FunctionType):
        for name in found.__dict__:
            if name != "__wrapped__":
                fetch = partial(found.__dict__.get, name)
                home = id(found.__dict__), name
                key = PartKey("attribute", f"{called(found)}.{name}")
                maker = found.__code__.co_qualname.partition(".")[0]
                yield Value(key, fetch, home, found.__globals__, maker)
    elif is_really(found, type):
        maker, namespace = found.__qualname__.partition(".")[0], namespace_of(found)
        for name, held in sorted(vars(found).items()):
            if name not in _CLASS_NOTES and not inside(held) and is_data(name, held):
                fetch = partial(attribute_of, found, name)
                key = PartKey("attribute", f"{found.__qualname__}.{name}")
                yield Value(key, fetch, (id(found), name), namespace, maker)


def is_own_class(kind: type) -> bool:
    """Return True for a class of the user's."""
    return class_owner(kind) == "own"


def is_code(value: object) -> bool:
    """Return True for code that a hash refers to, not data that it holds.

    A library's callable that holds own code is such: a curried or vectorized function, a wrapper
    of C.
    """
    kind = type(value)
    if kind in _DATA:
        return False
    if kind in _CODE or code_or_data.is_code(value, is_own_class):
        return True
    if issubclass(kind, _CALLABLE_DATA) or not _is_callable(kind):
        return False
    if str(kind.__module__) in ("typing", "types") or is_own_class(kind):
        return False
    return next(own_code_below(value), None) is not None


def _is_callable(kind: type) -> bool:
    return any("__call__" in vars(base) for base in kind.__mro__)


def own_code_below(value: object, depth: int = 3) -> Iterator[Any]:
    """The own functions and classes that a library's object refers to, a few steps deep."""
    level: list[Any] = [value]
    seen = {id(value)}
    for _ in range(depth):
        below: list[Any] = []
        for each in level:
            for found in _referred(each):
                if id(found) in seen:
                    continue
                seen.add(id(found))
                if _is_own(found):
                    yield found
                elif not is_really(found, dict) or len(found) <= _MOST_ATTRIBUTES:
                    below.append(found)
        level = below[:_MOST_REFERENTS]


def flattened_code(found: Iterable[Any]) -> Iterator[Any]:
    """Some code, and in place of libraries' wrappers the own code in them."""
    for each in found:
        inner = () if is_really(each, (type, ModuleType)) or _is_own(each) else own_code_below(each)
        yield from tuple(inner) or (each,)


def _referred(value: Any) -> list[Any]:
    kind = type(value)
    if issubclass(kind, (type, ModuleType, str, bytes, int, float)) or kind is type(None):
        return []
    if kind is FunctionType:  # not its globals
        cells = map(content_of, value.__closure__ or ())
        defaults = (value.__kwdefaults__ or {}).values()
        return [*cells, *(value.__defaults__ or ()), *defaults, *value.__dict__.values()]
    return [each for each in gc.get_referents(value) if each is not kind]


def _is_own(value: object) -> bool:
    kind = type(value)
    if kind is FunctionType:
        return function_owner(value) == "own" and not is_generated(value)  # type: ignore[arg-type]  # mypy doesn't narrow by identity
    return issubclass(kind, type) and class_owner(value) == "own"  # type: ignore[arg-type]  # as above
