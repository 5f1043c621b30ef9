"""Whole pipelines as the tasks of a real cluster of processes."""

from __future__ import annotations

import os

import pytest
from dask.distributed import Client, LocalCluster
from examples.dask.by_month import late_by_carrier_pipeline, late_everywhere

from linepipe_core import MapError, Node, Pipeline


def which_process(month: int) -> int:
    return os.getpid()


def fail(month: int) -> None:
    raise ValueError(f"no flights in month {month}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of distributed, on newer Pythons
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # distributed leaves its sockets to the end
def test_a_cluster_of_processes_runs_whole_pipelines() -> None:
    """It finds what one process finds; other processes do it; a failure comes home by name."""
    pipeline = late_by_carrier_pipeline(late_minutes=15)
    months = [1, 2, 3]
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        workers = client.get_executor()
        rates = late_everywhere(pipeline, months, workers)
        where = Pipeline([Node(which_process, ["month"], ["pid"])])
        cases = {str(month): {"month": month} for month in months}
        processes = {result["pid"] for result in where.map(cases, executor=workers).values()}
        failing = Pipeline([Node(fail, ["month"], ["counts"])])
        with pytest.raises(MapError, match=r"'3': node 'fail': ValueError: no flights in month 3"):
            failing.map(cases, executor=workers)

    assert rates.equals(late_everywhere(pipeline, months))
    assert rates["rate"].between(0, 1).all()
    assert os.getpid() not in processes
