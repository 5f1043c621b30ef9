"""Values of Python's own types, each with one of the same content and one of another.

Also what the tables of other libraries' values are made with.
"""

from __future__ import annotations

import array
import collections
import configparser
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import importlib
import io
import ipaddress
import logging
import operator
import pathlib
import pickle
import random
import re
import string
import struct
import threading
import types
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, NamedTuple

from linepipe_core._values.content_hash import ValueHasher

attrs: Any = importlib.import_module("attrs")
msgspec: Any = importlib.import_module("msgspec")
np: Any = importlib.import_module("numpy")
pd: Any = importlib.import_module("pandas")
pil: Any = importlib.import_module("PIL.Image")
pydantic: Any = importlib.import_module("pydantic")


def digest(value: Any) -> str:
    """The hash of a value that must have a content."""
    hasher = ValueHasher(_name, lambda kind: str(kind.__module__).startswith("tests."))
    found = hasher.digest(value)
    assert not hasher.untracked, hasher.untracked
    return found


def _name(code: Any) -> str:
    module = code.__module__ if hasattr(code, "__module__") else ""
    return f"{module}.{getattr(code, '__qualname__', getattr(code, '__name__', ''))}"


class Plain:
    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)

    @functools.cached_property
    def computed(self) -> int:
        return 1


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


class Reduces:
    def __init__(self, a: Any) -> None:
        self.a = a

    def __reduce__(self) -> Any:
        return Reduces, (self.a,)


class Stateful:
    def __init__(self, a: Any) -> None:
        self.a, self.memo = a, object()

    def __getstate__(self) -> Any:
        return {"a": self.a}


class Words(dict[str, int]):
    pass


class Numbers(list[int]):
    pass


class Bag(set[str]):
    pass


class Label(str):
    __slots__ = ()


@dataclasses.dataclass
class Data:
    a: Any
    b: Any = 0


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: Any


@dataclasses.dataclass(slots=True)
class Slotted:
    a: Any


class Pair(NamedTuple):
    a: Any
    b: Any


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Flags(enum.Flag):
    A = 1
    B = 2


@attrs.define
class Attrs:
    a: Any = None


@attrs.frozen(cache_hash=True)
class HashedAttrs:
    a: Any


@attrs.define(slots=False)
class DictAttrs:
    a: Any


class Struct(msgspec.Struct):  # type: ignore[misc]  # the module's types aren't known here
    a: Any


class Model(pydantic.BaseModel):  # type: ignore[misc]  # the module's types aren't known here
    a: Any = 1
    tags: set[str] = pydantic.Field(default_factory=set)

    @functools.cached_property
    def computed(self) -> int:
        return 1


def using(value: Any, use: Callable[[Any], Any]) -> Any:
    """The value, after somebody has used it in a way that leaves something behind."""
    use(value)
    return value


def shared(part: Any) -> Any:
    return [part, part]


def cycle(value: int) -> list[Any]:
    held: list[Any] = [value]
    held.append(held)
    return held


def deep(value: int, depth: int = 10_000) -> list[Any]:
    held: list[Any] = [value]
    for _ in range(depth):
        held = [held]
    return held


def linked(value: int, depth: int = 2000) -> Any:
    held = Plain(a=value)
    for _ in range(depth):
        held = Plain(a=held)
    return held


def masked(hidden: int) -> Any:
    values = pd.array([1, hidden], dtype="Int64")
    values[1] = pd.NA
    return values


def padded(filler: int, value: float) -> Any:
    kind = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    made = np.frombuffer(bytes([filler]) * kind.itemsize, dtype=kind).copy()
    made["a"], made["b"] = 1, value
    return made


def parsed(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser


def picture(colour: int, **info: Any) -> Any:
    image = pil.new("RGB", (2, 2), (colour, 0, 0))
    image.info.update(info)
    return image


def reread(image: Any) -> Any:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return pil.open(stream).convert("RGB")


def round_trip(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


FRAME = {"n": [1, 2, 3], "x": [1.5, 2.5, None], "s": ["a", "b", None]}
X = [[0.0], [1.0], [2.0], [3.0]]


class Kind(NamedTuple):
    """A kind of value: one, another of the same content, and one of another content."""

    one: Callable[[], Any]
    same: Callable[[], Any]
    other: Callable[[], Any]


def kind(one: Callable[[], Any], other: Callable[[], Any], same: Any = None) -> Kind:
    return Kind(one, same or (lambda: round_trip(one())), other)


PYTHON = {
    "bool": kind(lambda: True, lambda: 1),
    "int": kind(lambda: 1, lambda: 1.0),
    "huge int": kind(lambda: 7**9999, lambda: 7**9999 + 1),
    "float": kind(lambda: 0.0, lambda: -0.0),
    "nan": kind(lambda: float("nan"), lambda: float("inf"), lambda: float("nan")),
    "complex": kind(lambda: 1j, lambda: 2j),
    "text": kind(lambda: "ab", lambda: b"ab", lambda: "".join(["a", "b"])),
    "surrogate": kind(lambda: "\ud800", lambda: "\ud801"),
    "bytes": kind(lambda: b"ab", lambda: bytearray(b"ab")),
    "bytearray": kind(lambda: bytearray(b"ab"), lambda: bytearray(b"ac")),
    "memoryview": kind(
        lambda: memoryview(b"abcd"), lambda: memoryview(b"abcd")[:3], lambda: memoryview(b"abcd")
    ),
    "memoryview slice": kind(
        lambda: memoryview(b"abcd")[::2], lambda: memoryview(b"abcd"), lambda: memoryview(b"ac")
    ),
    "none": kind(lambda: None, lambda: ...),
    "not implemented": kind(lambda: NotImplemented, lambda: None),
    "range": kind(lambda: range(3), lambda: range(4)),
    "slice": kind(lambda: slice(1, 2), lambda: slice(1, 3)),
    "list": kind(lambda: [1, "a"], lambda: ["a", 1]),
    "empty list": kind(list, tuple),
    "tuple": kind(lambda: (1, 2), lambda: [1, 2]),
    "nested": kind(lambda: [[1], [2]], lambda: [[1, 2], []]),
    "sharing": kind(lambda: shared([1]), lambda: [[1], [1]], lambda: shared([1])),
    "sharing of tuples": kind(lambda: shared((1, 2)), lambda: [(1, 2), (1, 3)],
                              lambda: [(1, 2), (*[1], 2)]),
    "sharing far apart": kind(
        lambda: (lambda held: {"a": [held], "b": {"c": held}})({1: 2}),
        lambda: {"a": [{1: 2}], "b": {"c": {1: 2}}},
    ),
    "sharing of others": kind(
        lambda: (lambda a, b: [a, b, a])([1], [1]), lambda: (lambda a, b: [a, b, b])([1], [1])
    ),
    "cycle": kind(lambda: cycle(1), lambda: cycle(2)),
    "10,000 levels": kind(lambda: deep(1), lambda: deep(2), lambda: deep(1)),
    "10,001 levels": kind(lambda: deep(1), lambda: deep(1, 10_001), lambda: deep(1)),
    "2,000 objects": kind(lambda: linked(1), lambda: linked(2), lambda: linked(1)),
    "dict": kind(lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}),
    "dict of kinds": kind(lambda: {1: "a", "1": 2}, lambda: {True: "a", "1": 2}),
    "rows": kind(lambda: [{"a": i, "b": None} for i in range(9)],
                 lambda: [{"a": i, "b": 0 if i == 5 else None} for i in range(9)]),
    "rows of other keys": kind(lambda: [{"a": 1}, {"b": 1}], lambda: [{"a": 1}, {"a": 1}]),
    "set": kind(lambda: {"a", "b", "c"}, lambda: frozenset("abc"), lambda: {"c", "b", "a"}),
    "set of kinds": kind(lambda: {1, "a", (2, "b")}, lambda: {1, "a", (2, "c")}),
    "set of objects": kind(lambda: {Frozen(i) for i in range(5)},
                           lambda: {Frozen(i) for i in range(6)}),
    "set in a set": kind(lambda: {frozenset({frozenset("ab")})},
                         lambda: {frozenset({frozenset("ac")})}),
    "frozenset": kind(lambda: frozenset("abc"), lambda: frozenset("abd")),
    "ordered dict": kind(lambda: collections.OrderedDict(a=1), lambda: {"a": 1}),
    "default dict": kind(lambda: collections.defaultdict(list, a=1),
                         lambda: collections.defaultdict(dict, a=1)),
    "counter": kind(lambda: collections.Counter("aab"), lambda: collections.Counter("ab")),
    "deque": kind(lambda: collections.deque([1], 5), lambda: collections.deque([1], 6)),
    "chain map": kind(lambda: collections.ChainMap({"a": 1}), lambda: collections.ChainMap({})),
    "user dict": kind(lambda: collections.UserDict(a=1), lambda: collections.UserDict(a=2)),
    "mapping proxy": kind(lambda: types.MappingProxyType({"a": 1}),
                          lambda: types.MappingProxyType({"a": 2}),
                          lambda: types.MappingProxyType({"a": 1})),
    "namespace": kind(lambda: types.SimpleNamespace(a=1, b=2), lambda: types.SimpleNamespace(a=1),
                      lambda: types.SimpleNamespace(b=2, a=1)),
    "array": kind(lambda: array.array("i", [1]), lambda: array.array("h", [1])),
    "date": kind(lambda: dt.date(2024, 1, 1), lambda: dt.datetime(2024, 1, 1)),
    "datetime": kind(lambda: dt.datetime(2024, 1, 1), lambda: dt.datetime(2024, 1, 1, fold=1)),
    "datetime in a zone": kind(
        lambda: dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        lambda: dt.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")),
    ),
    "time": kind(lambda: dt.time(1, 2), lambda: dt.time(1, 2, 3)),
    "timedelta": kind(lambda: dt.timedelta(days=1), lambda: dt.timedelta(hours=23),
                      lambda: dt.timedelta(hours=24)),
    "timezone": kind(lambda: dt.timezone(dt.timedelta(hours=1)), lambda: dt.UTC),
    "zone": kind(lambda: zoneinfo.ZoneInfo("Europe/Berlin"), lambda: zoneinfo.ZoneInfo("UTC"),
                 lambda: zoneinfo.ZoneInfo.no_cache("Europe/Berlin")),
    "decimal": kind(lambda: decimal.Decimal("1.0"), lambda: decimal.Decimal("1.00")),
    "fraction": kind(lambda: fractions.Fraction(1, 2), lambda: fractions.Fraction(1, 3),
                     lambda: fractions.Fraction(2, 4)),
    "uuid": kind(lambda: uuid.UUID(int=1), lambda: uuid.UUID(int=2)),
    "path": kind(lambda: pathlib.Path("a/b"), lambda: pathlib.Path("a/c"),
                 lambda: using(pathlib.Path("a/b"), hash)),
    "address": kind(lambda: ipaddress.ip_address("::1"), lambda: ipaddress.ip_address("::2")),
    "pattern": kind(lambda: re.compile("a"), lambda: re.compile("a", re.IGNORECASE)),
    "struct": kind(lambda: struct.Struct("<i"), lambda: struct.Struct(">i"),
                   lambda: struct.Struct("<i")),
    "template": kind(lambda: string.Template("$a"), lambda: string.Template("$b")),
    "text stream": kind(lambda: io.StringIO("a"), lambda: io.StringIO("b")),
    "random": kind(lambda: random.Random(1), lambda: random.Random(2)),
    "partial": kind(lambda: functools.partial(int, base=2), lambda: functools.partial(int, base=3)),
    "method": kind(lambda: [1].append, lambda: [2].append),
    "item getter": kind(lambda: operator.itemgetter(1), lambda: operator.itemgetter(2)),
    "generic alias": kind(lambda: list[int], lambda: list[str]),
    "exception": kind(lambda: ValueError("a"), lambda: KeyError("a")),
    "exception with a note": kind(lambda: using(ValueError(), lambda e: e.add_note("a")),
                                  lambda: ValueError()),
    "enum": kind(lambda: Colour.RED, lambda: Colour.BLUE),
    "flag": kind(lambda: Flags.A | Flags.B, lambda: Flags.A),
    "object": kind(lambda: Plain(a=1, b=2), lambda: Plain(a=1, b=3), lambda: Plain(b=2, a=1)),
    "cached property": kind(lambda: Plain(a=1), lambda: Plain(a=2),
                            lambda: using(Plain(a=1), operator.attrgetter("computed"))),
    "shared object": kind(lambda: shared(Plain(a=1)), lambda: [Plain(a=1), Plain(a=1)]),
    "slots": kind(lambda: Slots(1, 2), lambda: Slots(2, 1)),
    "reduces": kind(lambda: Reduces(1), lambda: Reduces(2)),
    "state": kind(lambda: Stateful(1), lambda: Stateful(2), lambda: Stateful(1)),
    "own dict": kind(lambda: Words(a=1), lambda: {"a": 1}),
    "own list": kind(lambda: Numbers([1]), lambda: Numbers([2])),
    "own set": kind(lambda: Bag("abc"), lambda: Bag("abd"), lambda: Bag("cba")),
    "own text": kind(lambda: Label("a"), lambda: "a"),
    "dataclass": kind(lambda: Data(1, [2]), lambda: Data(1, [3])),
    "dataclass with one more": kind(lambda: Data(1), lambda: using(
        Data(1), lambda d: setattr(d, "c", 1))),
    "frozen dataclass": kind(lambda: shared(Frozen(1)), lambda: shared(Frozen(2)),
                             lambda: [Frozen(1), Frozen(1)]),
    "slotted dataclass": kind(lambda: Slotted([1]), lambda: Slotted([2])),
    "named tuple": kind(lambda: Pair(1, 2), lambda: (1, 2)),
    "lock": kind(lambda: [threading.Lock(), 1], lambda: [threading.Lock(), 2],
                 lambda: [threading.Lock(), 1]),
    "logger": kind(lambda: logging.getLogger("a"), lambda: logging.getLogger("b"),
                   lambda: using(logging.getLogger("a"), lambda log: log.setLevel(10))),
    "parser": kind(lambda: parsed("[a]\nx = 1"), lambda: parsed("[a]\nx = 2"),
                   lambda: parsed("[a]\nx=1\n")),
    "section": kind(lambda: parsed("[DEFAULT]\nd = 1\n[a]\nx = %(d)s\n[b]\ny = 1")["a"],
                    lambda: parsed("[DEFAULT]\nd = 2\n[a]\nx = %(d)s")["a"],
                    lambda: parsed("[DEFAULT]\nd = 1\n[a]\nx = %(d)s\n[b]\ny = 2")["a"]),
}  # fmt: skip
