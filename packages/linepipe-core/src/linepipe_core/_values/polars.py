"""polars frames and series: their data never changes in place, so that a clone is a private copy.

Loaded when a value of polars turns up.
"""

from __future__ import annotations

import sys
from typing import Any

from linepipe_core._values.rules import Rule
from linepipe_core._values.snapshot import Snapshot, as_is
from linepipe_core._values.trees import copied_by_parts

__all__ = ["rule_of"]


def rule_of(polars: Any, kind: type) -> Rule | None:
    if kind is polars.DataFrame:
        return _polars_frame
    if kind is polars.Series:
        return _polars_series
    if kind in (polars.LazyFrame, polars.Expr) or issubclass(kind, polars.DataType):
        return as_is
    return None


def _polars_frame(frame: Any, _alone: bool) -> Snapshot:
    if sys.modules["polars"].Object in frame.dtypes:
        return Snapshot(_objects_copied(frame), _objects_copied)
    return Snapshot(frame.clone(), _clone)


def _polars_series(series: Any, _alone: bool) -> Snapshot:
    if series.dtype == sys.modules["polars"].Object:
        return Snapshot(_objects_column(series), _objects_column)
    return Snapshot(series.clone(), _clone)


def _clone(value: Any) -> Any:
    return value.clone()


def _objects_copied(frame: Any) -> Any:
    polars = sys.modules["polars"]
    objects = [column for column in frame.get_columns() if column.dtype == polars.Object]
    return frame.with_columns([_objects_column(column) for column in objects])


def _objects_column(series: Any) -> Any:
    """A column of Python objects, each one copied: polars' own clone shares them."""
    return type(series)(series.name, copied_by_parts(series.to_list()), dtype=series.dtype)
