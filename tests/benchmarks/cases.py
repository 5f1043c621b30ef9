"""The measured cases, each as plain code by hand and as a pipeline.

A case is made of functions that both ways call, so that the difference is linepipe's. It is
also the program of a child process that measures memory:
``python -m tests.benchmarks.cases NAME WAY SCALE`` prints the MiB that the work added at its
peak to what the process held before.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from linepipe_core import Node, Pipeline

N_NODES = 10
Work = Callable[[], object]


class Ways(NamedTuple):
    """Two ways to do the same, ready to be called again and again."""

    by_hand: Work
    linepipe: Work


def increment(x: int) -> int:
    return x + 1


def chain_nodes(n_nodes: int, start: int = 0) -> list[Node]:
    return [Node(increment, [f"x{i}"], [f"x{i + 1}"]) for i in range(start, start + n_nodes)]


def trivial_chain(n_nodes: int) -> Ways:
    pipeline = Pipeline(chain_nodes(n_nodes), x0=0)
    steps = [(increment, f"x{i}", f"x{i + 1}") for i in range(n_nodes)]

    def by_hand() -> int:
        objects = {"x0": 0}
        for function, read, made in steps:
            objects[made] = function(objects.pop(read))
        return objects[made]

    return Ways(by_hand, pipeline.run)


def frame(scale: float) -> Any:
    import numpy as np
    import pandas as pd

    n_rows = int(1_048_576 * scale)
    return pd.DataFrame(
        np.random.default_rng(0).random((n_rows, 25)), columns=[f"c{i}" for i in range(25)]
    )


def array(scale: float) -> Any:
    import numpy as np

    return np.ones(int(26_214_400 * scale))


def polars_frame(scale: float) -> Any:
    import polars as pl

    return pl.DataFrame({name: column.to_numpy() for name, column in frame(scale).items()})


def records(scale: float) -> list[dict[str, Any]]:
    return [
        {"id": i, "name": f"n{i}", "value": i * 0.5, "flag": i % 2 == 0}
        for i in range(int(200_000 * scale))
    ]


def passed_on(first: Any, functions: list[Callable[[Any], Any]]) -> Ways:
    """Each function gets what the one before it made."""

    def by_hand() -> Any:
        value = first
        for function in functions:
            value = function(value)
        return value

    nodes = [Node(f, [f"x{i}"], [f"x{i + 1}"], name=f"n{i}") for i, f in enumerate(functions)]
    pipeline = Pipeline(nodes, x0=first)
    return Ways(by_hand, lambda: pipeline.run()[f"x{len(functions)}"])


def read_by_all(make: Callable[[], Any], read: Callable[[Any], Any]) -> Ways:
    """One function makes an array, and all the others read it."""

    def by_hand() -> list[Any]:
        value = make()
        return [read(value) for _ in range(N_NODES)]

    nodes = [Node(make, [], ["value"], name="make")]
    nodes += [Node(read, ["value"], [f"r{i}"], name=f"read{i}") for i in range(N_NODES)]
    pipeline = Pipeline(nodes)
    return Ways(by_hand, lambda: list(pipeline.run().values()))


def frame_gaining_columns(scale: float) -> Ways:
    def adding(i: int) -> Callable[[Any], Any]:
        return lambda table: table.assign(**{f"new{i}": table["c0"] * i})

    return passed_on(frame(scale), [adding(i) for i in range(N_NODES)])


def frame_read(scale: float) -> Ways:
    table = frame(scale)
    return read_by_all(lambda: table.copy(deep=False), lambda table: float(table["c0"].sum()))


def array_renewed(scale: float) -> Ways:
    return passed_on(scale, [array, *(N_NODES - 1) * [lambda values: values + 1]])


def array_read(scale: float) -> Ways:
    # They read next to nothing: by hand, all of it would come from the processor's cache, as
    # all read the same memory.
    return read_by_all(lambda: array(scale), lambda values: float(values[0]))


def polars_gaining_columns(scale: float) -> Ways:
    import polars as pl

    def adding(i: int) -> Callable[[Any], Any]:
        return lambda table: table.with_columns((pl.col("c0") * i).alias(f"new{i}"))

    return passed_on(polars_frame(scale), [adding(i) for i in range(N_NODES)])


def polars_read(scale: float) -> Ways:
    table = polars_frame(scale)
    return read_by_all(table.clone, lambda table: float(table["c0"].sum()))


def records_read(scale: float) -> Ways:
    """By hand with isolation, for once: a deepcopy for each reader."""
    rows = records(scale)
    ways = read_by_all(lambda: rows, len)

    def by_hand() -> list[int]:
        return [len(copy.deepcopy(rows)) for _ in range(N_NODES)]

    return Ways(by_hand, ways.linepipe)


LARGE: dict[str, Callable[[float], Ways]] = {
    "frame_gaining_columns": frame_gaining_columns,
    "frame_read": frame_read,
    "array_renewed": array_renewed,
    "array_read": array_read,
    "polars_gaining_columns": polars_gaining_columns,
    "polars_read": polars_read,
    "records_read": records_read,
}


def added_mib(work: Work) -> float:
    """How much more memory the work takes at its peak than the process held before.

    Linux only: the kernel's high-water mark is set back before the work.
    """
    before = resident_kib("VmRSS")
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    result = work()
    peak = resident_kib("VmHWM")
    del result
    return (peak - before) / 1024


def resident_kib(what: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what))


if __name__ == "__main__":
    name, way, scale = sys.argv[1:]
    LARGE[name](0.001)[Ways._fields.index(way)]()  # imports and first calls
    print(added_mib(getattr(LARGE[name](float(scale)), way)))
