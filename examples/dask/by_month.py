"""One pipeline over twelve partitions, on a cluster of processes.

    hatch run dask

The pipeline knows nothing of Dask: `clean` and `late_by_carrier` could be run here as well.
What travels to a worker is the declaration and a month; each worker reads its own flights, and
only a small table travels back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
from dask.distributed import Client, LocalCluster

from late_flights.ingest import data_folder
from linepipe_core import Node, Pipeline

__all__ = ["late_by_carrier_pipeline", "late_everywhere", "run_month"]


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


def run_month(pipeline: Pipeline, month: int) -> pd.DataFrame:
    """What a worker does: one whole run."""
    counts: pd.DataFrame = pipeline.bind(month=month).run()["counts"]
    return counts


def late_everywhere(client: Client, pipeline: Pipeline, months: Sequence[int]) -> pd.DataFrame:
    """Run each month as a task of the cluster and add up what comes back.

    Args:
        client: of the cluster.
        pipeline: sent to the workers as it is.
        months: a task each.

    Returns:
        For each carrier ``count``, ``sum`` and the ``rate`` of late flights, highest first.
    """
    futures = client.map(partial(run_month, pipeline), months)
    counts: list[pd.DataFrame] = client.gather(futures)
    total = pd.concat(counts).groupby("carrier").sum()
    return total.assign(rate=total["sum"] / total["count"]).sort_values("rate", ascending=False)


def main() -> None:
    """The whole year on two worker processes."""
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client:
        rates = late_everywhere(client, late_by_carrier_pipeline(15), range(1, 13))
    print(f"{rates['count'].sum():,} flights of 12 months, late by carrier:")
    print(rates.head(5).to_string(formatters={"rate": "{:.1%}".format}))


if __name__ == "__main__":
    main()
