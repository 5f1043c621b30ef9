"""The cost of hashing values beside that of pickling them.

Measured by ``hatch run bench``, in CPU time; the plain test suite runs each case once, small.
"""

from __future__ import annotations

import datetime as dt
import decimal
import pickle
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.benchmarks.conftest import Row
from tests.core.values.zoo_python import Data, Slotted, digest

Told = Callable[[Row], None]

KINDS: dict[str, tuple[int, Callable[[int], Any]]] = {
    "dates": (200_000, lambda n: [dt.date(2000, 1, 1) + dt.timedelta(i % 9999) for i in range(n)]),
    "datetimes": (200_000, lambda n: [dt.datetime(2000, 1, 1, i % 24) for i in range(n)]),
    "Decimals": (200_000, lambda n: [decimal.Decimal(i) / 7 for i in range(n)]),
    "dict rows": (200_000, lambda n: [{"a": i, "b": str(i), "c": i / 3} for i in range(n)]),
    "rows with a list": (200_000, lambda n: [{"a": i, "b": [i]} for i in range(n)]),
    "tuples": (200_000, lambda n: [(i, str(i)) for i in range(n)]),
    "dataclasses": (100_000, lambda n: [Data(i, str(i)) for i in range(n)]),
    "slots": (100_000, lambda n: [Slotted(i) for i in range(n)]),
    "texts": (200_000, lambda n: [str(i) for i in range(n)]),
    "numbers": (1_000_000, lambda n: list(range(n))),
    "a set of pairs": (200_000, lambda n: {(i, str(i)) for i in range(n)}),
    "a set of dates": (100_000, lambda n: {dt.date.fromordinal(i + 1) for i in range(n)}),
    "a frame of 5,000 columns": (500_000, lambda n: pd.DataFrame(np.ones((100, n // 100)))),
    "an object column": (200_000, lambda n: pd.DataFrame({"a": [str(i) for i in range(n)]})),
    "a frame of 80 MB": (10_000_000, lambda n: pd.DataFrame(np.ones((n // 10, 10)))),
}


def spent(work: Callable[[Any], object], value: Any) -> float:
    started = process_time()
    work(value)
    return process_time() - started


@pytest.mark.parametrize("name", KINDS)
def test_hashing_beside_pickling(name: str, told: Told, scale: float, benchmark: Any) -> None:
    """At most twice as long, or 0.3 us an object where that is more."""
    n_values, make = KINDS[name]
    n_values = max(1000, int(n_values * scale))
    value = make(n_values)
    benchmark.pedantic(lambda: digest(value), rounds=1, iterations=1)
    by_hand = min(spent(lambda held: pickle.dumps(held, 5), value) for _ in range(3))
    ours = min(spent(digest, value) for _ in range(3))
    is_met = ours <= max(2 * by_hand, 0.3e-6 * n_values)
    told(
        Row(
            f"hashing {name}, beside pickling",
            f"{by_hand * 1e3:.1f} ms",
            f"{ours * 1e3:.1f} ms",
            f"{ours / max(by_hand, 1e-9):.1f}x",
            "<= 2x, or 0.3 us an object",
            is_met,
        )
    )
