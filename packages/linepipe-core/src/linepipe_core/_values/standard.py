"""Content of values of Python's own types: in bulk, without reading what Python computed.

The types that a program may not have loaded are known by their names.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from operator import attrgetter, methodcaller
from pickle import PickleBuffer
from typing import Any, Final, NamedTuple, TypeAlias

from linepipe_core._values.adapter import Memory

__all__ = ["Standard", "standard_content"]

Columns: TypeAlias = Callable[[list[Any]], list[list[Any]]]
"""Takes objects of one type; gives, attribute by attribute, the values of all of them."""


class Standard(NamedTuple):
    """How to hash objects of one of Python's own types.

    Attributes:
        columns: gives their content.
        is_immutable: True if it doesn't count whether two places hold the same object.
    """

    columns: Columns
    is_immutable: bool = True


def standard_content(kind: type) -> Standard | None:
    """How to hash objects of exactly this type, if it is Python's own and has a way of its own."""
    return _BUILTIN.get(kind) or _NAMED.get(f"{kind.__module__}.{kind.__qualname__}")


def _attributes(*names: str) -> Columns:
    getters = [attrgetter(name) for name in names]
    return lambda values: [list(map(get, values)) for get in getters]


def _each(function: Callable[[Any], Any]) -> Columns:
    return lambda values: [list(map(function, values))]


def _parts(describe: Callable[[Any], tuple[Any, ...]]) -> Columns:
    return lambda values: [list(map(describe, values))]


def _called(method: str, *names: str) -> Columns:
    call, attributes = methodcaller(method), _attributes(*names)
    return lambda values: [list(map(call, values)), *attributes(values)]


def _memoryview(view: memoryview) -> tuple[Any, ...]:
    held = view if view.c_contiguous else view.tobytes()
    return view.format, view.shape, view.readonly, Memory([held])


def _proxy(proxy: types.MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return tuple(chain.from_iterable(proxy.items()))


def _zone(zone: Any) -> str:
    if zone.key is None:
        raise TypeError("a zone that was read from a file has no name to compare")
    return str(zone.key)


def _alias(alias: Any) -> tuple[Any, ...]:
    return alias.__name__, alias.__value__


def _partial(partials: list[Any]) -> list[list[Any]]:
    """What they call, and with what; and what was set on them, but for names and docstrings."""
    return [*_CALL(partials), list(map(_set_on, partials))]


def _set_on(value: Any) -> tuple[Any, ...]:
    return tuple(item for item in sorted(vars(value).items()) if not item[0].startswith("__"))


_CALL: Final = _attributes("func", "args", "keywords")
_VIEW: Final = Standard(_each(tuple), is_immutable=False)
_BUILTIN: Final[Mapping[type, Standard]] = {
    bytearray: Standard(_each(bytes), is_immutable=False),
    memoryview: Standard(_parts(_memoryview), is_immutable=False),
    partial: Standard(_partial),
    type({}.items()): _VIEW,
    type({}.keys()): _VIEW,
    type({}.values()): _VIEW,
    PickleBuffer: Standard(_parts(lambda buffer: (Memory([buffer.raw()]),))),
    range: Standard(_attributes("start", "stop", "step")),
    slice: Standard(_attributes("start", "stop", "step")),
    types.MappingProxyType: Standard(_parts(_proxy)),
}
_TEXT: Final = Standard(_each(str))
_ALIAS: Final = Standard(_parts(_alias))
_NAMED: Final[Mapping[str, Standard]] = {
    "array.array": Standard(
        _parts(lambda array: (array.typecode, Memory([array]))), is_immutable=False
    ),
    "datetime.date": Standard(_called("toordinal")),
    "datetime.datetime": Standard(_called("isoformat", "fold", "tzinfo")),
    "datetime.time": Standard(_called("isoformat", "fold", "tzinfo")),
    "datetime.timedelta": Standard(_attributes("days", "seconds", "microseconds")),
    "decimal.Decimal": _TEXT,
    "fractions.Fraction": Standard(_attributes("numerator", "denominator")),
    "ipaddress.IPv4Address": _TEXT,
    "ipaddress.IPv4Interface": _TEXT,
    "ipaddress.IPv4Network": _TEXT,
    "ipaddress.IPv6Address": _TEXT,
    "ipaddress.IPv6Interface": _TEXT,
    "ipaddress.IPv6Network": _TEXT,
    "_struct.Struct": Standard(_attributes("format")),
    "pathlib.PosixPath": _TEXT,
    "pathlib.PurePosixPath": _TEXT,
    "pathlib.PureWindowsPath": _TEXT,
    "pathlib.WindowsPath": _TEXT,
    "pathlib._local.PosixPath": _TEXT,
    "pathlib._local.PurePosixPath": _TEXT,
    "pathlib._local.PureWindowsPath": _TEXT,
    "pathlib._local.WindowsPath": _TEXT,
    "re.Pattern": Standard(_attributes("pattern", "flags")),
    "typing.TypeAliasType": _ALIAS,
    "typing_extensions.TypeAliasType": _ALIAS,
    "uuid.UUID": Standard(_attributes("int", "is_safe.value")),
    "zoneinfo.ZoneInfo": Standard(_each(_zone)),
}
