"""The functions that stored pickles name.

This module never moves and nothing in it is renamed: pickles on people's shelves refer to it.
New ones may be added; an old one stays as long as its shelf format can be read.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["array_of_dtype", "arrow_from_ipc", "polars_from_arrow"]


def array_of_dtype(array: Any, dtype: Any) -> Any:
    """A numpy array of dates or durations, from the integers in it."""
    return array.view(dtype)


def polars_from_arrow(table: Any, name: str | None) -> Any:
    """A polars frame, or the series of that name, from Arrow's data."""
    value = import_module("polars").from_arrow(table)
    return value if name is None else value.alias(name)


def arrow_from_ipc(buffer: Any, is_table: bool) -> Any:
    """An Arrow table, or its only column, from a stream in Arrow's IPC format."""
    table = import_module("pyarrow").ipc.open_stream(buffer).read_all()
    return table if is_table else table.column(0)
