"""The ETL: what is done again is what changed, and the warehouse holds what was delivered."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pytest
from examples.etl import monthly
from examples.etl.monthly import (
    Warehouse,
    deliver,
    month_pipeline,
    open_warehouse,
    run_etl,
    year_pipeline,
)

from linepipe import File, MapError, MapResult, RunResult

MONTHS = ["2013-01", "2013-02", "2013-03"]


@pytest.fixture
def out(tmp_path: Path, delivered: Path) -> Path:
    """A folder with the deliveries of three months, on which nothing ran."""
    landing = tmp_path / "landing"
    landing.mkdir()
    for path in delivered.iterdir():
        (landing / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three months' deliveries of 400 flights each, to be copied."""
    whole, short = tmp_path_factory.mktemp("whole") / "landing", tmp_path_factory.mktemp("short")
    deliver(whole)
    for month in MONTHS:
        lines = (whole / f"{month}.csv").read_text().splitlines(keepends=True)
        (short / f"{month}.csv").write_text("".join(lines[:401]))
    return short


def ran(months: MapResult) -> dict[str, list[str]]:
    """The nodes that ran, for each month that had any."""
    found = {month: names_of_ran(result) for month, result in months.items()}
    return {month: names for month, names in found.items() if names}


def names_of_ran(result: RunResult) -> list[str]:
    return [step.node.name for step in result.steps if step.status == "ran"]


def in_every_month(*names: str) -> dict[str, list[str]]:
    return {month: list(names) for month in MONTHS}


def edit(out: Path, month: str, change: Callable[[list[str]], list[str]]) -> None:
    """Change the rows of a delivery."""
    path = out / "landing" / f"{month}.csv"
    header, *rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join([header, *change(rows)]))


def in_warehouse(out: Path) -> list[tuple[str, int]]:
    """Flights by month."""
    with duckdb.connect(out / "warehouse.duckdb", read_only=True) as db:
        return db.sql(
            "SELECT month, sum(flights)::BIGINT FROM daily GROUP BY month ORDER BY month"
        ).fetchall()


def arrived(out: Path, month: str) -> int:
    """Flights of a delivery that arrived, counted without any of the code under test."""
    header, *rows = (out / "landing" / f"{month}.csv").read_text().splitlines()
    column = header.split(",").index("arr_delay")
    return sum(row.split(",")[column] != "NA" for row in rows)


def test_the_first_run_loads_what_was_delivered(out: Path) -> None:
    """Every node of every month runs; the warehouse and the report hold all that arrived."""
    months, year = run_etl(out)
    assert ran(months) == in_every_month("clean", "count_late", "load")
    assert in_warehouse(out) == [(month, arrived(out, month)) for month in MONTHS]
    header, *rows = Path(year["report"]).read_text().splitlines()
    assert header == "carrier,flights,share_late"
    flights = [int(row.split(",")[1]) for row in rows]
    assert sum(flights) == sum(arrived(out, month) for month in MONTHS)
    shares = [float(row.split(",")[2]) for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0


def test_the_second_run_does_nothing(out: Path) -> None:
    """Nothing is read, written or counted again."""
    run_etl(out)
    months, year = run_etl(out)
    assert ran(months) == {}
    assert names_of_ran(year) == []


def test_only_the_changed_month_runs(out: Path) -> None:
    """And the report, which depends on all."""
    run_etl(out)
    edit(out, "2013-02", lambda rows: rows[10:])
    months, year = run_etl(out)
    assert ran(months) == {"2013-02": ["clean", "count_late", "load"]}
    assert names_of_ran(year) == ["report"]
    assert in_warehouse(out) == [(month, arrived(out, month)) for month in MONTHS]


def test_only_a_new_month_runs(out: Path) -> None:
    """The others stay as they are in the warehouse."""
    held_back = out / "landing" / "2013-03.csv"
    rows = held_back.read_bytes()
    held_back.unlink()
    run_etl(out)
    held_back.write_bytes(rows)
    months, _ = run_etl(out)
    assert ran(months) == {"2013-03": ["clean", "count_late", "load"]}
    assert [month for month, _ in in_warehouse(out)] == MONTHS


def test_a_delivery_in_another_order_goes_no_further_than_cleaning(out: Path) -> None:
    """Its parquet folder comes out the same, so what follows is fresh."""
    run_etl(out)
    edit(out, "2013-01", lambda rows: rows[::-1])
    months, year = run_etl(out)
    assert ran(months) == {"2013-01": ["clean"]}
    assert names_of_ran(year) == []


def test_another_limit_counts_again_and_cleans_nothing(out: Path) -> None:
    """A setting counts for the nodes that read it, in every month."""
    run_etl(out)
    months, year = run_etl(out, late_minutes=60)
    assert ran(months) == in_every_month("count_late", "load")
    assert names_of_ran(year) == ["report"]


def test_a_parquet_file_that_is_gone_is_made_again(out: Path) -> None:
    """The folders of the lake are outputs: what lies there counts."""
    run_etl(out)
    lost = next((out / "lake" / "flights" / "month=2013-03").rglob("*.parquet"))
    lost.unlink()
    months, _ = run_etl(out)
    assert ran(months) == {"2013-03": ["clean"]}
    assert lost.exists()


def test_a_warehouse_that_is_gone_is_loaded_again(out: Path) -> None:
    """It is another warehouse, so the loading of every month counts as never done."""
    run_etl(out)
    (out / "warehouse.duckdb").unlink()
    months, _ = run_etl(out)
    assert ran(months) == in_every_month("load")
    assert in_warehouse(out) == [(month, arrived(out, month)) for month in MONTHS]


def test_a_delivery_that_cannot_be_read_stops_no_other_month(out: Path) -> None:
    """Once it is mended, its month runs, and nothing else."""
    path = out / "landing" / "2013-02.csv"
    rows = path.read_bytes()
    path.write_text("no,flights\n1,2\n")
    with pytest.raises(MapError) as failure:
        run_etl(out)
    assert list(failure.value.failed) == ["2013-02"]
    assert [month for month, _ in in_warehouse(out)] == ["2013-01", "2013-03"]
    path.write_bytes(rows)
    months, _ = run_etl(out)
    assert ran(months) == {"2013-02": ["clean", "count_late", "load"]}


@pytest.mark.slow
def test_processes_make_the_folders_and_the_months_load_them(out: Path) -> None:
    """As the README says: what is slow runs at once, what may not doesn't."""
    paths = sorted((out / "landing").iterdir())
    cases = {path.stem: {"month": path.stem, "delivery": File(path)} for path in paths}
    pipeline = month_pipeline(out, open_warehouse(out / "warehouse.duckdb"))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        part = pipeline.only_nodes("clean", "count_late")
        made = part.map(cases, executor=pool, outputs=["daily"], reuse=True)
    assert ran(made) == in_every_month("clean", "count_late")
    months, _ = run_etl(out)
    assert ran(months) == in_every_month("load")


def test_the_declarations_pass_the_lint(tmp_path: Path) -> None:
    """Types that can't fit, unused constants and misspelt names would be found here."""
    assert not month_pipeline(tmp_path, Warehouse("nowhere.duckdb", "none")).check()
    assert not year_pipeline(tmp_path).check()


def test_the_command_prints_the_months_and_the_report(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line a month, then the carriers."""
    monthly.main(["--out", str(out)])
    printed = capsys.readouterr().out
    assert all(f"\n{month} " in printed for month in MONTHS)
    assert "\ncarrier,flights,share_late\n" in printed
