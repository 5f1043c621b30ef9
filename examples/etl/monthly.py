"""A CSV file a month -> parquet folders -> a duckdb warehouse and a report, month by month.

    hatch run etl

Each month is a case of one pipeline, and a partition of its shelf: a run works on the months that
are new or changed and on no others. SQL does the work, so what goes from node to node is a `File`:
a folder of parquet, which counts by its content. All in one file: functions first, then what is
joined to what, then the command.
"""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from late_flights.ingest import data_folder
from linepipe import File, MapResult, Node, Pipeline, RunResult

__all__ = ["Warehouse", "deliver", "month_pipeline", "open_warehouse", "run_etl", "year_pipeline"]

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Warehouse:
    """A database that exists.

    Attributes:
        path: of its file.
        identity: made at random with it. A warehouse that was deleted and made again has another,
            so that the months are loaded again.
    """

    path: str
    identity: str


def open_warehouse(path: Path) -> Warehouse:
    """Make the warehouse unless it is there, and find out which one it is."""
    with duckdb.connect(path) as db:
        db.execute("CREATE TABLE IF NOT EXISTS created AS SELECT uuid()::VARCHAR AS identity")
        db.execute(
            "CREATE TABLE IF NOT EXISTS daily (month VARCHAR, day DATE, origin VARCHAR, "
            "carrier VARCHAR, flights BIGINT, late BIGINT)"
        )
        [(identity,)] = db.sql("SELECT identity FROM created").fetchall()
    return Warehouse(str(path), identity)


# --- one month ------------------------------------------------------------------------------------


def clean(delivery: File, month: str, lake: str) -> File:
    """The flights that arrived, in a fixed order: a parquet file for each airport."""
    folder = made_folder(lake, "flights", month)
    columns = "make_date(year, month, day) AS day, origin, dest, carrier, flight, arr_delay"
    with duckdb.connect() as db:
        rows = db.read_csv(Path(delivery), na_values="NA")
        arrived = rows.filter("arr_delay IS NOT NULL").project(columns).order("ALL")
        arrived.write_parquet(str(folder), partition_by=["origin"], overwrite=True)
    return File(folder)


def count_late(flights: File, month: str, lake: str, late_minutes: int) -> File:
    """For each day, airport and carrier, how many flights arrived and how many of them late."""
    folder = made_folder(lake, "daily", month)
    late = f"count(*) FILTER (arr_delay > {late_minutes:d}) AS late"
    with duckdb.connect() as db:
        rows = db.read_parquet(str(Path(flights, "*", "*.parquet")), hive_partitioning=True)
        daily = rows.aggregate(f"month, day, origin, carrier, count(*) AS flights, {late}")
        daily.order("ALL").write_parquet(str(folder / "daily.parquet"))
    return File(folder)


def load(daily: File, month: str, warehouse: Warehouse) -> int:
    """Put the month's rows into the warehouse in place of those that are there.

    Returns:
        How many they are.
    """
    with duckdb.connect(warehouse.path) as db:
        rows = db.read_parquet(str(Path(daily, "daily.parquet")))
        db.begin()
        db.execute("DELETE FROM daily WHERE month = ?", [month])
        rows.insert_into("daily")  # its columns are those of the table, in the same order
        db.commit()
        return len(rows)


def made_folder(lake: str, table: str, month: str) -> Path:
    """The folder of a month of a table."""
    folder = Path(lake, table, f"month={month}")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def month_pipeline(out: Path, warehouse: Warehouse, late_minutes: int = 15) -> Pipeline:
    """A delivery -> its parquet folders, and its rows in the warehouse.

    Its free inputs, a case each: ``month`` and ``delivery``.
    """
    return Pipeline(
        [
            Node(clean, ["delivery", "month", "config.lake"], ["flights"]),
            Node(
                count_late,
                ["flights", "month", "config.lake", "config.late_minutes"],
                ["daily"],
            ),
            Node(load, ["daily", "month", "warehouse"], ["n_rows"], effect=True),
        ],
        config={"lake": str(out / "lake"), "late_minutes": late_minutes},
        use_persistent_cache=True,
        cache_storage_path=out / "cache",
        warehouse=warehouse,
    )


# --- the year -------------------------------------------------------------------------------------


def report(months: dict[str, File], path: str) -> File:
    """The share of late flights by carrier, over all months: a CSV file, the worst first."""
    files = [str(Path(daily, "daily.parquet")) for daily in months.values()]
    share = "round(sum(late) / sum(flights), 3) AS share_late"
    with duckdb.connect() as db:
        carriers = db.read_parquet(files).aggregate(
            f"carrier, sum(flights)::BIGINT AS flights, {share}"
        )
        carriers.order("share_late DESC, carrier").write_csv(path)
    return File(path)


def year_pipeline(out: Path) -> Pipeline:
    """The months' daily folders -> the report. Its free input: ``months``."""
    return Pipeline(
        [Node(report, ["months", "config.report"], ["report"])],
        config={"report": str(out / "report.csv")},
        use_persistent_cache=True,
        cache_storage_path=out / "cache",
    )


# --- the command ----------------------------------------------------------------------------------


def deliver(folder: Path) -> None:
    """Stand in for who delivers: split the flights of a year into a CSV file a month."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(data_folder() / "flights.csv.zip") as archive:
        lines = archive.read("flights.csv").decode().splitlines(keepends=True)
    header, rows = lines[0], lines[1:]
    for month in range(1, 13):
        delivered = [row for row in rows if row.startswith(f"2013,{month},")]
        (folder / f"2013-{month:02}.csv").write_text(header + "".join(delivered))


def run_etl(out: Path, late_minutes: int = 15) -> tuple[MapResult, RunResult]:
    """Bring everything up to date with what lies in ``out/landing``.

    Args:
        out: the folder of deliveries, lake, warehouse, report and cache.
        late_minutes: a flight that arrives more minutes than this after its time is late.

    Returns:
        The result of the months, by month, and that of the year.
    """
    months = {
        path.stem: {"month": path.stem, "delivery": File(path)}
        for path in sorted((out / "landing").glob("*.csv"))
    }
    warehouse = open_warehouse(out / "warehouse.duckdb")
    loaded = month_pipeline(out, warehouse, late_minutes).map(
        months, outputs=["daily", "n_rows"], reuse=True
    )
    daily = {month: result["daily"] for month, result in loaded.items()}
    return loaded, year_pipeline(out).bind(months=daily).run(reuse=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the ETL, and print what was done and the report."""
    parser = argparse.ArgumentParser(description="Late flights by carrier, month by month.")
    parser.add_argument("--out", type=Path, default=OUT, help="where everything lies")
    parser.add_argument("--late-minutes", type=int, default=15)
    given = parser.parse_args(arguments)
    if not (given.out / "landing").exists():
        deliver(given.out / "landing")
    months, year = run_etl(given.out, given.late_minutes)
    print(months)
    print(Path(year["report"]).read_text())


if __name__ == "__main__":
    main()
