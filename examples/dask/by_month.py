"""One pipeline over twelve months, on a cluster of processes, and the same on a process pool.

    hatch run dask

The pipeline knows nothing of Dask: `map` hands each month to the executor as one task. The
declaration travels to a worker once; each worker reads its own flights, and only a small table
travels back.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor

import pandas as pd
from dask.distributed import Client, LocalCluster

from late_flights.ingest import data_folder
from linepipe_core import Node, Pipeline

__all__ = ["late_by_carrier_pipeline", "late_everywhere"]


def read_month(month: int) -> pd.DataFrame:
    """The flights of one month."""
    flights = pd.read_csv(
        data_folder() / "flights.csv.zip", usecols=["month", "carrier", "arr_delay"]
    )
    return flights[flights["month"] == month]


def clean(flights: pd.DataFrame) -> pd.DataFrame:
    """The flights that arrived."""
    return flights.dropna(subset=["arr_delay"])


def late_by_carrier(flights: pd.DataFrame, late_minutes: int) -> pd.DataFrame:
    """For each carrier, how many flights arrived and how many of them late."""
    late = flights["arr_delay"] > late_minutes
    return flights.assign(late=late).groupby("carrier")["late"].agg(["count", "sum"])


def late_by_carrier_pipeline(late_minutes: int) -> Pipeline:
    """Month -> ``counts`` by carrier. Its one free input is ``month``."""
    return Pipeline(
        [
            Node(read_month, ["month"], ["flights"]),
            Node(clean, ["flights"], ["arrived"]),
            Node(late_by_carrier, ["arrived", "config.late_minutes"], ["counts"]),
        ],
        config={"late_minutes": late_minutes},
    )


def late_everywhere(
    pipeline: Pipeline, months: Sequence[int], executor: Executor | None = None
) -> pd.DataFrame:
    """Run the pipeline once for each month and add up what comes back.

    Args:
        pipeline: sent to the workers once, as it is.
        months: a case each.
        executor: runs the cases; None runs them here, one after another.

    Returns:
        For each carrier ``count``, ``sum`` and the ``rate`` of late flights, highest first.
    """
    cases = {f"{month:02}": {"month": month} for month in months}
    results = pipeline.map(cases, executor=executor)
    counts: list[pd.DataFrame] = [result["counts"] for result in results.values()]
    total = pd.concat(counts).groupby("carrier").sum()
    return total.assign(rate=total["sum"] / total["count"]).sort_values("rate", ascending=False)


def main() -> None:
    """The whole year on two worker processes: of a Dask cluster, and of a plain pool."""
    pipeline = late_by_carrier_pipeline(15)
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        rates = late_everywhere(pipeline, range(1, 13), client.get_executor())
    with ProcessPoolExecutor(2) as pool:
        assert rates.equals(late_everywhere(pipeline, range(1, 13), pool))
    print(f"{rates['count'].sum():,} flights of 12 months, late by carrier:")
    print(rates.head(5).to_string(formatters={"rate": "{:.1%}".format}))


if __name__ == "__main__":
    main()
