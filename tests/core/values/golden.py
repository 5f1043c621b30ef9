"""Values of Python, numpy and pandas whose hashes are the same in all versions of the three.

Run as a script it compares them with those in ``golden.json``, where a few versions found them;
with ``--write`` it writes them there. It needs numpy and pandas, and no pytest.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import json
import math
import pathlib
import sys
import types
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from linepipe_core._values.classes import hashed_name
from linepipe_core._values.content_hash import ValueHasher

FOUND = pathlib.Path(__file__).with_suffix(".json")


@dataclasses.dataclass
class Data:
    a: Any


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: Any


@dataclasses.dataclass(slots=True)
class Slotted:
    a: Any
    b: Any


class Pair(NamedTuple):
    a: Any
    b: Any


class Colour(enum.Enum):
    RED = 1


def shared(part: Any) -> Any:
    return [part, part, [part]]


def cycle() -> Any:
    held: list[Any] = [1]
    held.append({"itself": held})
    return held


def frame(**columns: Any) -> Any:
    return pd.DataFrame(columns)


DAYS = np.array(["2024-01-01", "2024-02-29"], "M8[ns]")

KINDS: dict[str, Callable[[], Any]] = {
    "plain values": lambda: [None, ..., True, 1, 1.0, 1j, "é", b"a", -0.0, math.inf, 10**50],
    "texts": lambda: ["a", "\ud800", "\U0001f600", "a" * 300],
    "not a number": lambda: [float("nan")],
    "tuples": lambda: ((), (1,), ((2, "a"), [3])),
    "rows": lambda: [{"a": number, "b": [number], "c": {"d": str(number)}} for number in range(9)],
    "rows of other keys": lambda: [{"a": 1}, {"b": 1}, {1: "a", None: 2}],
    "shared": lambda: shared([1]),
    "shared tuple": lambda: shared(([1], 2)),
    "cycle": cycle,
    "set of texts": lambda: {"c", "a", "b"},
    "set of kinds": lambda: {1, "a", None, 2.5, (3, "b"), (4, None), b"c", 7},
    "set of objects": lambda: {Frozen(number) for number in range(9)} | {Pair(1, dt.date.max)},
    "set of sets": lambda: {frozenset({1, 2}), frozenset({Frozen("a"), Frozen("b")})},
    "dates": lambda: [dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 1, fold=1), dt.time(1, 2)],
    "zones": lambda: [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.timezone(dt.timedelta(hours=1))],
    "durations": lambda: [dt.timedelta(1, 2, 3)],
    "numbers": lambda: [decimal.Decimal("1.00"), fractions.Fraction(2, 4), uuid.UUID(int=7)],
    "paths": lambda: [pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("c:/d")],
    "collections": lambda: [
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        collections.Counter("aab"),
        collections.deque([1, 2], 5),
    ],
    "objects": lambda: [Data([1]), Frozen((1,)), Slotted(1, "b"), Pair(1, 2), Colour.RED],
    "namespace": lambda: types.SimpleNamespace(b=1, a=[2]),
    "bytes": lambda: [bytearray(b"ab"), memoryview(b"abc")[::2], range(3), slice(1, 2)],
    "integers": lambda: [np.arange(3, dtype=kind) for kind in ("i1", "i4", "i8", "u2", "u8")],
    "floats": lambda: [np.arange(6, dtype=kind).reshape(2, 3).T for kind in ("f2", "f4", "f8")],
    "other numbers": lambda: [np.ones(2, "c16"), np.array([True, False]), np.ones(2, ">i4")],
    "no numbers": lambda: [np.empty((0, 3)), np.array(5), np.array([[1.5]])],
    "days": lambda: [DAYS, DAYS - DAYS[0], DAYS.astype("M8[D]")],
    "fixed texts": lambda: [np.array(["a", "bcd"]), np.array([b"a", b"bcd"])],
    "array of objects": lambda: np.array([[1, "a"], [None, 2.5]], object),
    "fields": lambda: np.array([(1, 2.5)], np.dtype([("a", "u1"), ("b", "f8")], align=True)),
    "masked": lambda: np.ma.array([1, 2], mask=[False, True], fill_value=9),
    "scalars": lambda: [np.float64(1), np.int8(2), np.datetime64("2024"), np.str_("a"), np.True_],
    "array types": lambda: [np.dtype("f4"), np.dtype("M8[ns]"), np.dtype([("a", "i4")])],
    "frame": lambda: frame(n=np.arange(3), x=[1.5, 2.5, np.nan], ok=[True, False, True]),
    "frame of texts": lambda: frame(s=["a", "bé", "c"], t=["", "x", "y"], n=np.arange(3)),
    "frame of missing texts": lambda: frame(s=["a", np.nan, "c"]),
    "frame of objects": lambda: frame(o=[[1], {"a": 2}, None], m=[1, "x", None]),
    "frame of days": lambda: pd.DataFrame({"d": DAYS, "t": DAYS - DAYS[0]}, index=["a", "b"]),
    "empty frame": lambda: pd.DataFrame(),
    "numbered columns": lambda: pd.DataFrame(np.arange(6.0).reshape(2, 3)),
    "series": lambda: pd.Series([1, 2], index=["x", "y"], name="n"),
    "labels": lambda: [pd.Index(["a", "b"], name="k"), pd.Index([1, 2]), pd.RangeIndex(3)],
    "pairs of labels": lambda: pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None]),
    "dated labels": lambda: pd.DatetimeIndex(DAYS, tz="UTC", name="d"),
    "categories": lambda: frame(c=pd.Categorical(["b", "a"], ["b", "a"], ordered=True)),
    "nullable": lambda: [
        pd.array([1, None], dtype="Int64"),
        pd.array([True, None], dtype="boolean"),
        pd.array([1.5, None], dtype="Float64"),
    ],
    "intervals": lambda: pd.IntervalIndex.from_breaks([0, 1, 2]),
    "periods": lambda: pd.PeriodIndex(["2024-01", "2024-02"], freq="M"),
    "sparse": lambda: pd.arrays.SparseArray([0, 0, 1]),
    "timestamps": lambda: [pd.Timestamp(1, unit="s").as_unit("ns"), pd.NaT, pd.NA],
}


def golden_hashes() -> dict[str, str]:
    """The hash of each kind, with the names of classes in place of what their code counts as."""
    digests = {}
    for name, make in KINDS.items():
        hasher = ValueHasher(_name, lambda kind: kind.__module__ == __name__)
        digests[name] = hasher.digest(make())
        assert not hasher.untracked, (name, hasher.untracked)
    return digests


def _name(code: Any) -> str:
    return hashed_name(code) if isinstance(code, type) else str(code.__qualname__)


def differences() -> list[str]:
    """The kinds whose hash isn't what it was when ``golden.json`` was written."""
    recorded = json.loads(FOUND.read_text())
    found = golden_hashes()
    return sorted(name for name in {*recorded, *found} if recorded.get(name) != found.get(name))


def main() -> None:
    if "--write" in sys.argv:
        FOUND.write_text(json.dumps(golden_hashes(), indent=1) + "\n")
    where = f"Python {sys.version.split()[0]}, numpy {np.__version__}, pandas {pd.__version__}"
    others = differences()
    print(f"{where}: {len(KINDS) - len(others)} of {len(KINDS)} hashes are the same")
    sys.exit("\n".join(f"another hash: {name}" for name in others) or 0)


if __name__ == "__main__":
    from tests.core.values import golden  # whose classes have another name here

    golden.main()
