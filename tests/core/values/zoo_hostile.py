"""Values that a hash is easily wrong about: what subclasses add, what libraries keep, layouts."""

from __future__ import annotations

import array
import collections
import copyreg
import ctypes
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import importlib
import io
import ipaddress
import operator
import pathlib
import re
import statistics
import types
import typing
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.core.values.zoo_python import Frozen, kind

np: Any = importlib.import_module("numpy")
nx: Any = importlib.import_module("networkx")
pa: Any = importlib.import_module("pyarrow")
pd: Any = importlib.import_module("pandas")
pil: Any = importlib.import_module("PIL.Image")
pl: Any = importlib.import_module("polars")
pydantic: Any = importlib.import_module("pydantic")
shapely: Any = importlib.import_module("shapely")
sparse: Any = importlib.import_module("scipy.sparse")
sympy: Any = importlib.import_module("sympy")
texts: Any = importlib.import_module("sklearn.feature_extraction.text")
datasets: Any = importlib.import_module("sklearn.utils")
xr: Any = importlib.import_module("xarray")

X, Y = sympy.symbols("x y")


class Number(int):
    pass


class Name(str):
    pass


class Couple(tuple[int, ...]):
    pass


class Noted(list[int]):
    note: Any = None


class SlotDict(dict[Any, Any]):
    __slots__ = ("note",)


class Mixed:
    __slots__ = ("__dict__", "a")


class Parent:
    __slots__ = ("y",)


class Child(Parent):
    __slots__ = ("z",)


class Private:
    def __init__(self, a: Any) -> None:
        self.__a = a


class Pair(NamedTuple):
    a: int
    b: int = 0


class Size(enum.IntEnum):
    SMALL = 1


class Twice(enum.Enum):
    A = 1
    ALIAS = 1
    B = 2


class Bits(enum.IntFlag):
    X = 1


class Equal:
    def __init__(self, a: Any) -> None:
        self.a = a

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class Registered:
    def __init__(self, a: Any) -> None:
        self.a = a


copyreg.pickle(Registered, lambda each: (Registered, (each.a,)))


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    a: Any


class Stamp(dt.datetime):
    pass


class Amount(decimal.Decimal):
    pass


class CStruct(ctypes.Structure):
    _fields_: typing.ClassVar = [("a", ctypes.c_byte), ("b", ctypes.c_int)]


class Open(pydantic.BaseModel):  # type: ignore[misc]  # the module's types aren't known here
    model_config = pydantic.ConfigDict(extra="allow")
    a: int = 1
    _hidden: int = pydantic.PrivateAttr(default=0)


class Units(pd.DataFrame):  # type: ignore[misc]  # the module's types aren't known here
    _metadata: typing.ClassVar = ["unit"]

    @property
    def _constructor(self) -> Any:
        return Units


def having(value: Any, **parts: Any) -> Any:
    """The value with some attributes set."""
    for name, part in parts.items():
        setattr(value, name, part)
    return value


def once(make: Callable[[], Any], other: Callable[[], Any]) -> Any:
    """A kind that can't be pickled: what is made twice is the same."""
    return kind(make, other, make)


def hidden(value: int) -> Any:
    return np.ma.array([(1, value)], mask=[(0, 1)], dtype=[("a", "i4"), ("b", "i4")])


def palette(colour: int) -> Any:
    made = pil.new("P", (2, 2), 0)
    made.putpalette([colour, 0, 0])
    return made


HOSTILE = {
    # subclasses with more than what they derive from
    "number with a note": kind(lambda: having(Number(1), x=1), lambda: having(Number(1), x=2)),
    "number of a class": kind(lambda: Number(1), lambda: 1),
    "text with a note": kind(lambda: having(Name("a"), x=1), lambda: having(Name("a"), x=2)),
    "tuple with a note": kind(lambda: having(Couple((1,)), x=1), lambda: having(Couple((1,)), x=2)),
    "list with a note": kind(lambda: having(Noted([1]), note=1),
                             lambda: having(Noted([1]), note=2)),
    "dict with a slot": kind(lambda: having(SlotDict(a=1), note=1),
                             lambda: having(SlotDict(a=1), note=2)),
    "slots and attributes": kind(lambda: having(Mixed(), a=1, b=2, c=3),
                                 lambda: having(Mixed(), a=1, b=2, c=4),
                                 lambda: having(Mixed(), c=3, b=2, a=1)),
    "slots not all set": kind(lambda: having(Child(), y=1), lambda: having(Child(), z=1)),
    "mangled attribute": kind(lambda: Private(1), lambda: Private(2)),
    "ordered dict with a note": kind(lambda: having(collections.OrderedDict(a=1), x=1),
                                     lambda: having(collections.OrderedDict(a=1), x=2)),
    "partial with a note": kind(lambda: having(functools.partial(int), x=1),
                                lambda: having(functools.partial(int), x=2)),
    "partial with a docstring": kind(lambda: functools.partial(int), lambda: functools.partial(str),
                                     lambda: having(functools.partial(int), __doc__="x")),
    "datetime of a class": kind(lambda: Stamp(2024, 1, 1), lambda: dt.datetime(2024, 1, 1)),
    "decimal of a class": kind(lambda: Amount("1"), lambda: decimal.Decimal("1")),
    "equal to all": kind(lambda: [Equal(1)], lambda: [Equal(2)]),
    "registered reduction": kind(lambda: Registered(1), lambda: Registered(2)),
    "frozen slots": kind(lambda: [Fixed(1)] * 2, lambda: [Fixed(1), Fixed(2)],
                         lambda: [Fixed(1), Fixed(1)]),
    "list in frozen slots": kind(lambda: (lambda held: [Fixed(held), Fixed(held)])([1]),
                                 lambda: [Fixed([1]), Fixed([1])]),
    # numbers, names, times
    "keys of kinds": kind(lambda: {1.0: 1}, lambda: {1: 1}),
    "key minus zero": kind(lambda: {0.0: 1}, lambda: {-0.0: 1}),
    "named tuple as a key": kind(lambda: {Pair(1, 2): 1}, lambda: {(1, 2): 1}),
    "number of an enum": kind(lambda: [Size.SMALL], lambda: [1]),
    "alias in an enum": kind(lambda: Twice.A, lambda: Twice.B, lambda: Twice.ALIAS),
    "unknown bits": kind(lambda: Bits(8), lambda: Bits(16)),
    "minus zero decimal": kind(lambda: decimal.Decimal("0"), lambda: decimal.Decimal("-0")),
    "signaling decimal": kind(lambda: decimal.Decimal("NaN"), lambda: decimal.Decimal("sNaN")),
    "whole fraction": kind(lambda: fractions.Fraction(2, 1), lambda: 2),
    "same instant": kind(lambda: dt.datetime(2024, 1, 1, 12, tzinfo=zoneinfo.ZoneInfo("Etc/GMT-1")),
                         lambda: dt.datetime(2024, 1, 1, 11, tzinfo=dt.UTC)),
    "name of a timezone": kind(lambda: dt.timezone(dt.timedelta(0), "A"),
                               lambda: dt.timezone(dt.timedelta(0), "B")),
    "safe uuid": kind(lambda: uuid.UUID(int=1, is_safe=uuid.SafeUUID.safe),
                      lambda: uuid.UUID(int=1, is_safe=uuid.SafeUUID.unsafe)),
    "kinds of paths": kind(lambda: pathlib.PurePosixPath("a"),
                           lambda: pathlib.PureWindowsPath("a")),
    "address with a scope": kind(lambda: ipaddress.ip_address("fe80::1%1"),
                                 lambda: ipaddress.ip_address("fe80::1%2")),
    "pattern of bytes": kind(lambda: re.compile("a"), lambda: re.compile(b"a")),
    # containers
    "view of keys": once({"a": 1}.keys, {"b": 1}.keys),
    "view of items": once({"a": 1}.items, {"a": 2}.items),
    "read-only memory": once(lambda: memoryview(b"ab"), lambda: memoryview(bytearray(b"ab"))),
    "memory's shape": once(lambda: memoryview(np.arange(6).reshape(2, 3)),
                           lambda: memoryview(np.arange(6).reshape(3, 2))),
    "iterator": kind(lambda: iter([1, 2]), lambda: iter([1, 3])),
    "advanced iterator": kind(lambda: having_read(iter([1, 2])), lambda: iter([1, 2])),
    "stream that was read": kind(lambda: having_read(io.BytesIO(b"a\nb")),
                                 lambda: io.BytesIO(b"a\nb")),
    "empty arrays": kind(lambda: array.array("i"), lambda: array.array("l")),
    "rotated deque": kind(lambda: collections.deque([1, 2, 3]),
                          lambda: collections.deque([3, 1, 2]),
                          lambda: collections.deque([0, 1, 2, 3][1:])),
    "set of pairs": kind(lambda: {(1, None), (None, "a"), 1.5, b"1", "1"},
                         lambda: {(1, None), (None, "b"), 1.5, b"1", "1"},
                         lambda: {"1", b"1", 1.5, (None, "a"), (1, None)}),
    "set of texts of a class": kind(lambda: {Name("a"), Name("b")}, lambda: {"a", "b"},
                                    lambda: {Name("b"), Name("a")}),
    "set of sets of objects": kind(lambda: {Frozen(frozenset("ab")), Frozen(frozenset("cd"))},
                                   lambda: {Frozen(frozenset("ab"))},
                                   lambda: {Frozen(frozenset("dc")), Frozen(frozenset("ba"))}),
    "set of timestamps": kind(lambda: {pd.Timestamp(1), pd.Timestamp(2)}, lambda: {pd.Timestamp(1)},
                              lambda: {pd.Timestamp(2), pd.Timestamp(1)}),
    "numpy's number in a set": kind(lambda: {(np.int64(1), "a")}, lambda: {(1, "a")}),
    # functions' settings and types
    "order of keywords": kind(lambda: functools.partial(dict, a=1, b=2),
                              lambda: functools.partial(dict, b=2, a=1)),
    "getters": kind(lambda: operator.attrgetter("a", "b"), lambda: operator.attrgetter("a.b")),
    "callers": kind(lambda: operator.methodcaller("a", 1), lambda: operator.methodcaller("a", x=1)),
    "method of an object": kind(lambda: Equal(1).__eq__, lambda: Equal(2).__eq__),
    "literal types": kind(lambda: typing.Literal[1], lambda: typing.Literal[True]),
    "annotated types": kind(lambda: typing.Annotated[int, 1], lambda: typing.Annotated[int, 2]),
    "proxy's order": once(lambda: types.MappingProxyType({1: 1, 2: 2}),
                          lambda: types.MappingProxyType({2: 2, 1: 1})),
    "distribution": kind(lambda: statistics.NormalDist(0, 1), lambda: statistics.NormalDist(0, 2)),
    "C structure": kind(lambda: CStruct(1, 2), lambda: CStruct(1, 3)),
    # numpy
    "minus zeros": kind(lambda: np.array([0.0]), lambda: np.array([-0.0])),
    "fields' titles": kind(lambda: np.zeros(2, np.dtype([(("t", "a"), "i4")])),
                           lambda: np.zeros(2, np.dtype([(("u", "a"), "i4")]))),
    "arrays in fields": kind(lambda: np.zeros(2, np.dtype([("a", "f4", (2, 3))])),
                             lambda: np.zeros(2, np.dtype([("a", "f4", (3, 2))]))),
    "objects in fields": kind(lambda: np.array([(1, [1])], np.dtype([("a", "i4"), ("b", "O")])),
                              lambda: np.array([(1, [2])], np.dtype([("a", "i4"), ("b", "O")]))),
    "not a time": kind(lambda: np.array(["NaT"], "M8[s]"), lambda: np.array(["NaT"], "M8[ms]")),
    "missing texts": kind(
        lambda: np.array(["a", np.nan], np.dtypes.StringDType(na_object=np.nan)),
        lambda: np.array(["a", "nan"], np.dtypes.StringDType(na_object=np.nan))),
    "masked fields": kind(lambda: hidden(2), lambda: np.ma.array(
        [(2, 2)], mask=[(0, 1)], dtype=[("a", "i4"), ("b", "i4")]), lambda: hidden(9)),
    "broadcast": kind(lambda: np.broadcast_to(np.array([1]), (3,)), lambda: np.zeros(3, int),
                      lambda: np.ones(3, int)),
    "half-used generator": kind(
        lambda: having_drawn(np.random.default_rng(1)), lambda: np.random.default_rng(1)),
    # pandas
    "index's frequency": kind(lambda: pd.date_range("2024", periods=2),
                              lambda: pd.DatetimeIndex(["2024-01-01", "2024-01-02"])),
    "unused category": kind(lambda: pd.Categorical(["a"], ["a", "b"]),
                            lambda: pd.Categorical(["a"])),
    "kinds of nothing": kind(lambda: pd.Series([None, 1], dtype=object),
                             lambda: pd.Series([np.nan, 1], dtype=object)),
    "kinds of text": kind(lambda: pd.Series(["a"]), lambda: pd.Series(["a"], dtype=object)),
    "missing text": kind(lambda: pd.Series(["a", None, "b"]), lambda: pd.Series(["a", "", "b"]),
                         lambda: pd.concat([pd.Series(["x", "a"])[1:], pd.Series([None, "b"])],
                                           ignore_index=True)),
    "where texts end": kind(lambda: pd.Series(["ab", "c"]), lambda: pd.Series(["a", "bc"])),
    "fold of a timestamp": kind(
        lambda: pd.Timestamp(year=2024, month=10, day=27, hour=2, tz="Europe/Berlin", fold=0),
        lambda: pd.Timestamp(year=2024, month=10, day=27, hour=2, tz="Europe/Berlin", fold=1)),
    "frame of a class": kind(lambda: having(Units({"a": [1]}), unit="m"),
                             lambda: having(Units({"a": [1]}), unit="s")),
    "frames in a frame": kind(lambda: pd.DataFrame({"a": [pd.DataFrame({"b": [1]})]}),
                              lambda: pd.DataFrame({"a": [pd.DataFrame({"b": [2]})]})),
    # the others
    "explicit zero": kind(lambda: sparse.csr_array(([1.0], [1], [0, 1, 1]), shape=(2, 2)),
                          lambda: sparse.csr_array(([1.0, 0.0], [1, 0], [0, 1, 2]), shape=(2, 2))),
    "fitted vectorizer": kind(lambda: texts.TfidfVectorizer().fit(["a bc", "bc de"]),
                              lambda: texts.TfidfVectorizer().fit(["a bc", "bc df"])),
    "bunch": kind(lambda: datasets.Bunch(a=1), lambda: datasets.Bunch(a=2)),
    "multigraph": kind(lambda: nx.MultiDiGraph([(1, 2, {"w": 1}), (1, 2, {"w": 2})]),
                       lambda: nx.MultiDiGraph([(1, 2, {"w": 2}), (1, 2, {"w": 1})])),
    "assumption": kind(lambda: sympy.Symbol("x", positive=True), lambda: sympy.Symbol("x")),
    "unknown function": kind(lambda: sympy.Function("f")(X), lambda: sympy.Function("g")(X)),
    "used expression": kind(lambda: sympy.sin(X) + Y, lambda: sympy.cos(X) + Y,
                            lambda: having_derived(sympy.sin(X) + Y)),
    "height": kind(lambda: shapely.Point(0, 1, 2), lambda: shapely.Point(0, 1)),
    "reference system": kind(lambda: shapely.set_srid(shapely.Point(0, 1), 4326),
                             lambda: shapely.Point(0, 1)),
    "palette": kind(lambda: palette(1), lambda: palette(2)),
    "cropped picture": kind(lambda: pil.new("L", (2, 2), 3), lambda: pil.new("L", (2, 2), 4),
                            lambda: pil.new("L", (4, 4), 3).crop((1, 1, 3, 3))),
    "order of dimensions": kind(lambda: xr.DataArray(np.ones((2, 2)), dims=["x", "y"]),
                                lambda: xr.DataArray(np.ones((2, 2)), dims=["y", "x"])),
    "extra field": kind(lambda: Open(a=1, z=2), lambda: Open(a=1, z=3)),
    "private field": kind(lambda: having(Open(), _hidden=1), lambda: having(Open(), _hidden=2)),
    "null structs": kind(lambda: pa.array([{"a": 1}, None]),
                         lambda: pa.array([{"a": 1}, {"a": None}])),
    "views of text": kind(lambda: pa.array(["a", "b" * 20], pa.string_view()),
                          lambda: pa.array(["a", "c" * 20], pa.string_view()),
                          lambda: pa.array(["x" * 30, "a", "b" * 20], pa.string_view())[1:]),
    "lists of views": kind(lambda: pa.array([["a"], ["b" * 20]], pa.list_(pa.string_view())),
                           lambda: pa.array([["a", "b" * 20], []], pa.list_(pa.string_view())),
                           lambda: pa.array([["x"], ["a"], ["b" * 20]],
                                            pa.list_(pa.string_view()))[1:]),
    "structs in lists": kind(lambda: pa.array([[{"a": 1}], [], [{"a": None}, {"a": 2}]]),
                             lambda: pa.array([[{"a": 1}, {"a": None}], [], [{"a": 2}]]),
                             lambda: pa.array([None, [{"a": 1}], [], [{"a": None}, {"a": 2}]])[1:]),
    "maps": kind(lambda: pa.array([[("a", 1)], [("b", 2)]], pa.map_(pa.string(), pa.int8())),
                 lambda: pa.array([[("a", 1), ("b", 2)], []], pa.map_(pa.string(), pa.int8())),
                 lambda: pa.array([[("z", 0)], [("a", 1)], [("b", 2)]],
                                  pa.map_(pa.string(), pa.int8()))[1:]),
    "truths in lists": kind(lambda: pl.Series([[True, False], [True]]),
                            lambda: pl.Series([[True], [False, True]]),
                            lambda: pl.Series([[False], [True, False], [True]])[1:]),
    "categories in lists": kind(
        lambda: pl.Series([["b", "c"]], dtype=pl.List(pl.Categorical)),
        lambda: pl.Series([["c", "b"]], dtype=pl.List(pl.Categorical)),
        lambda: pl.Series([["a"], ["b", "c"]], dtype=pl.List(pl.Categorical))[1:]),
    "lists of nothing": kind(lambda: pl.Series([[None], []]), lambda: pl.Series([[], [None]])),
    "lists deep down": kind(lambda: pl.Series([[[1], []], [], None, [None, [2, None]]]),
                            lambda: pl.Series([[[1]], [[]], None, [None, [2, None]]]),
                            lambda: pl.Series([[[9]], [[1], []], [], None, [None, [2, None]]])[1:]),
    "lists of lists": kind(lambda: pa.array([[1, 2], [3]]), lambda: pa.array([[1], [2, 3]]),
                           lambda: pa.array([[0], [1, 2], [3]])[1:]),
}  # fmt: skip


def having_read(stream: Any) -> Any:
    next(stream)
    return stream


def having_drawn(generator: Any) -> Any:
    generator.integers(0, 9, dtype="u1")  # the rest of four bytes waits in it
    return generator


def having_derived(expression: Any) -> Any:
    expression.diff(X)
    hash(expression)
    return expression
