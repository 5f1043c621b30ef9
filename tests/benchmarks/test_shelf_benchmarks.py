"""How fast the shelf is, against the limit in the same run: `os.write` and one `fsync`.

`hatch run bench -k shelf` measures at full size and prints, for each case, the median of what
it took and in `extra_info` its ratio to the limit. Without it each case runs once, small, and
checks what must hold at any size: the bytes, the maps, the memory.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from linepipe_core import Node, Pipeline
from linepipe_core._values.out_of_band import dump
from linepipe_core.shelf import ObjectShelf

ROUNDS = 5


@pytest.fixture
def n_bytes(benchmark: Any) -> int:
    """500 MB when measured."""
    return 500_000_000 if benchmark.enabled else 5_000_000


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[ObjectShelf]:
    with ObjectShelf(tmp_path / "data") as opened:
        opened["first"] = 1
        yield opened


def new_numbers(n_bytes: int, seed: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).random(n_bytes // 8)


def new_frame(n_bytes: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame(new_numbers(n_bytes, seed).reshape(5, -1).T)


def seconds_of_writing(content: memoryview, folder: Path) -> float:
    """The limit: these bytes into one file, and one sync."""
    path = folder / "limit"
    started = time.perf_counter()
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    view = content
    while view.nbytes:
        view = view[os.write(fd, view) :]
    os.fsync(fd)
    os.close(fd)
    seconds = time.perf_counter() - started
    path.unlink()
    return seconds


def measure(
    benchmark: Any,
    prepare: Callable[[int], tuple[Callable[[], object], memoryview]],
    folder: Path,
) -> None:
    """Benchmark what ``prepare`` gives, each round beside the limit for the same bytes."""
    limits: list[float] = []
    rounds = iter(range(1_000))

    def setup() -> tuple[tuple[Callable[[], object]], dict[str, Any]]:
        do, content = prepare(next(rounds))
        limits.append(seconds_of_writing(content, folder))
        return (do,), {}

    benchmark.pedantic(lambda do: do(), setup=setup, rounds=ROUNDS if benchmark.enabled else 1)
    if benchmark.enabled:
        limit = statistics.median(limits)
        benchmark.extra_info["limit, seconds"] = round(limit, 4)
        benchmark.extra_info["speed of the limit"] = round(limit / benchmark.stats["median"], 3)


def bytes_on_disk(shelf: ObjectShelf) -> int:
    folder = shelf.path + "/buffers"
    return sum(os.path.getsize(os.path.join(folder, name)) for name in os.listdir(folder))


def test_store_a_new_numeric_frame(
    benchmark: Any, shelf: ObjectShelf, n_bytes: int, tmp_path: Path
) -> None:
    """Goal: 0.8 of the limit's speed."""

    def prepare(seed: int) -> tuple[Callable[[], object], memoryview]:
        shelf.clear()
        frame = new_frame(n_bytes, seed)
        content = memoryview(frame.to_numpy().T.reshape(-1).data).cast("B")
        return lambda: shelf.update({"frame": frame}), content

    measure(benchmark, prepare, tmp_path)
    assert n_bytes <= bytes_on_disk(shelf) < n_bytes + 1000


@pytest.mark.parametrize("kind", ["polars", "arrow", "pandas str"])
def test_store_a_new_table(
    benchmark: Any, shelf: ObjectShelf, n_bytes: int, tmp_path: Path, kind: str
) -> None:
    """Numbers, and as many texts of up to 12 digits: the limit writes the same buffers."""

    def prepare(seed: int) -> tuple[Callable[[], object], memoryview]:
        shelf.clear()
        numbers = new_numbers(n_bytes // 2, seed)
        text = pa.array(numbers.view("i8") % 10**12).cast(pa.string())
        table = pa.table({"n": numbers, "s": text})
        value: Any = table
        if kind == "polars":
            value = pl.DataFrame(table)
        elif kind == "pandas str":
            value = table.to_pandas()
        n_large = sum(buffer.nbytes for buffer in dump(value).buffers)
        return lambda: shelf.update({"table": value}), memoryview(bytes(n_large))

    measure(benchmark, prepare, tmp_path)
    assert bytes_on_disk(shelf) > n_bytes / 2


def test_open_and_get_a_frame(benchmark: Any, tmp_path: Path, n_bytes: int) -> None:
    """Goal: 5 ms, whatever its size."""
    frame = new_frame(n_bytes, 1)
    with ObjectShelf(tmp_path / "data") as shelf:
        shelf["frame"] = frame
    expected = frame.iloc[-1, -1]
    del frame

    def use() -> object:
        with ObjectShelf(tmp_path / "data") as shelf:
            return shelf["frame"].iloc[-1, -1]

    assert benchmark(use) == expected


@pytest.mark.parametrize("kind", ["polars", "arrow"])
def test_open_and_get_a_table(benchmark: Any, tmp_path: Path, n_bytes: int, kind: str) -> None:
    """The same for the others."""
    table: Any = pa.table({"n": new_numbers(n_bytes, 1)})
    if kind == "polars":
        table = pl.DataFrame(table)
    with ObjectShelf(tmp_path / "data") as shelf:
        shelf["table"] = table
    n_rows = len(table)
    del table

    def use() -> int:
        with ObjectShelf(tmp_path / "data") as shelf:
            return len(shelf["table"])

    assert benchmark(use) == n_rows


def test_store_it_again_unchanged(benchmark: Any, shelf: ObjectShelf, n_bytes: int) -> None:
    """Goal: the time of hashing it; nothing is written."""
    frame = new_frame(n_bytes, 1)
    shelf["frame"] = frame
    file = max(Path(shelf.path + "/buffers").iterdir(), key=lambda file: file.stat().st_size)
    before = file.stat()
    benchmark.pedantic(lambda: shelf.update({"frame": frame}), rounds=ROUNDS)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_store_what_was_read_unchanged(benchmark: Any, shelf: ObjectShelf, n_bytes: int) -> None:
    """A node that passes on what it got: the system tells that no page was written to."""
    shelf["frame"] = new_frame(n_bytes, 1)
    frame = shelf["frame"]
    benchmark.pedantic(lambda: shelf.update({"frame": frame}), rounds=ROUNDS)
    assert bytes_on_disk(shelf) < n_bytes + 1000


def test_twenty_frames_each_with_one_more_column(
    benchmark: Any, tmp_path: Path, n_bytes: int
) -> None:
    """Goal: under 2 times the bytes of all distinct columns, on disk and in time.

    As a pipeline's nodes do it: each gets the last one's frame from the shelf.
    """
    n_rows = n_bytes // 10 // 5 // 8  # a base of 5 columns
    shelf = ObjectShelf(tmp_path / "data")

    def prepare(seed: int) -> tuple[Callable[[], object], memoryview]:
        shelf.clear()
        columns = [new_numbers(n_rows * 8, seed * 100 + at) for at in range(20)]
        base = new_frame(n_rows * 40, seed * 100 + 50)
        content = np.concatenate([base.to_numpy().reshape(-1), *columns])

        def widen() -> None:
            frame = base
            for at, column in enumerate(columns):
                frame[f"column{at}"] = column
                shelf[f"step{at}"] = frame
                frame = shelf[f"step{at}"]

        return widen, memoryview(content.data).cast("B")

    measure(benchmark, prepare, tmp_path)
    distinct = 25 * n_rows * 8
    assert bytes_on_disk(shelf) < 1.2 * distinct + 2_000_000
    benchmark.extra_info["bytes, of all distinct columns"] = bytes_on_disk(shelf) / distinct
    shelf.close()


def test_store_a_thousand_small_dicts(benchmark: Any, shelf: ObjectShelf) -> None:
    """Goal: 0.5 ms each, one node's output in one transaction."""
    n = 1_000 if benchmark.enabled else 20

    def store() -> None:
        for i in range(n):
            shelf[f"name{i}"] = {"a": i, "b": [1, 2, 3], "c": "text"}

    benchmark.pedantic(store, setup=shelf.clear, rounds=ROUNDS)
    if benchmark.enabled:
        benchmark.extra_info["us each"] = round(benchmark.stats["median"] * 1e6 / n)
    assert len(shelf) == n


def test_read_a_thousand_small_dicts(benchmark: Any, shelf: ObjectShelf) -> None:
    """Goal: 50 us each."""
    n = 1_000 if benchmark.enabled else 20
    for i in range(n):
        shelf[f"name{i}"] = {"a": i, "b": [1, 2, 3], "c": "text"}

    def read() -> int:
        return sum(shelf[f"name{i}"]["a"] for i in range(n))

    assert benchmark(read) == n * (n - 1) / 2
    if benchmark.enabled:
        benchmark.extra_info["us each"] = round(benchmark.stats["median"] * 1e6 / n, 1)


def test_a_cached_pipeline_over_a_frame(benchmark: Any, tmp_path: Path, n_bytes: int) -> None:
    """Twenty nodes that each add a column to a frame of 50 MB: first runs with the cache."""
    n_rows = n_bytes // 10 // 5 // 8

    def base(seed: int) -> pd.DataFrame:
        return new_frame(n_rows * 40, seed)

    def add(frame: pd.DataFrame) -> pd.DataFrame:
        frame[len(frame.columns)] = frame[0] + len(frame.columns)
        return frame

    nodes = [Node(base, ["seed"], ["0"])]
    nodes += [Node(add, [str(i)], [str(i + 1)], name=f"add{i}") for i in range(20)]
    path = str(tmp_path / "data")
    seeds = iter(range(1_000))
    flow = Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path)

    def clear() -> None:
        with ObjectShelf(path) as shelf:
            shelf.clear()

    benchmark.pedantic(
        lambda: flow.bind(seed=next(seeds)).run(),
        setup=clear,
        rounds=ROUNDS if benchmark.enabled else 1,
    )
    with ObjectShelf(path) as shelf:
        assert len(shelf) == 21
        assert bytes_on_disk(shelf) < 1.2 * 25 * n_rows * 8 + 2_000_000


def test_peak_memory_while_storing(benchmark: Any, tmp_path: Path) -> None:
    """Goal: no second copy of a frame of 1 GB."""
    n_bytes = 1_000_000_000 if benchmark.enabled else 100_000_000
    script = f"""
        import numpy as np, pandas as pd, resource, sys
        from linepipe_core.shelf import ObjectShelf
        frame = pd.DataFrame(np.ones((5, {n_bytes // 40})).T)
        with ObjectShelf(sys.argv[1]) as shelf:
            shelf["first"] = pd.DataFrame(np.ones((5, 100_000)).T)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            shelf["frame"] = frame
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
    """

    def store() -> int:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "data")],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout)

    extra = benchmark.pedantic(store, rounds=1)
    benchmark.extra_info["extra bytes at the peak"] = extra
    assert extra < n_bytes / 10
