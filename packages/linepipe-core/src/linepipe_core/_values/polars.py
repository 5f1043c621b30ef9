"""polars frames and series: their data never changes in place, so that a clone is a private copy.

Their content is, of each column, its name, its type, where it is null and what isn't, however it
is cut into chunks and slices.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from linepipe_core._restore import from_arrow
from linepipe_core._values.adapter import LARGE_BYTES, Content, Copier, Memory
from linepipe_core._values.snapshot import Rule, Snapshot, as_is
from linepipe_core._values.trees import copied_by_parts

__all__ = [
    *("RANDOM", "READERS", "SAMPLERS", "SEEDED"),
    *("content_of", "copier_of", "reducers", "rule_of"),
]

READERS: Final = ("polars.read_", "polars.scan_", "polars.from_repr")
SEEDED: Final = ()
SAMPLERS: Final = ()
RANDOM: Final = ()


def rule_of(polars: Any, kind: type) -> Rule | None:
    """A clone of frames and series; plans, expressions and types never change."""
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


def copier_of(_polars: Any, _kind: type) -> Copier | None:
    """None: what has no rule is pickled or copied by `copy.deepcopy`."""
    return None


def reducers(polars: Any) -> Mapping[type, Callable[[Any], Any]]:
    """Frames and series through Arrow, whose memory leaves the pickle."""
    return {polars.DataFrame: _reduced, polars.Series: _reduced}


def _reduced(value: Any) -> Any:
    """Through Arrow, without a copy, where pyarrow is there and gives back what it got."""
    if value.n_chunks() and value.estimated_size() >= LARGE_BYTES:
        try:
            polars = sys.modules["polars"]
            # The newest level keeps polars' own string layout; the default one copies.
            table = value.to_arrow(compat_level=polars.CompatLevel.newest())
            if _has_schema_of(value, polars.from_arrow(table)):
                return from_arrow, (polars.__name__, table, getattr(value, "name", None))
        except Exception:
            pass  # no pyarrow, or a type that Arrow lacks: its own way, in band
    return value.__reduce_ex__(5)


def _has_schema_of(value: Any, back: Any) -> bool:
    if hasattr(value, "schema"):
        return bool(value.schema == back.schema)
    return bool(value.dtype == back.dtype)


def content_of(polars: Any, kind: type) -> Content | None:
    """Frames, series and types. A lazy plan has no content: nothing collects it."""
    if issubclass(kind, polars.DataFrame):
        return Content(_described_frame)
    if issubclass(kind, polars.Series):
        return Content(_described_series)
    if issubclass(kind, polars.LazyFrame):
        return Content(_refused)
    if issubclass(kind, polars.DataType):
        return Content(repr, is_leaf=True, is_immutable=True)
    return None


def _refused(plan: Any) -> Any:
    raise TypeError(f"a {type(plan).__name__} has no content until it is collected")


def _described_frame(frame: Any) -> tuple[Any, ...]:
    return (frame.height, *map(_described_series, frame.iter_columns()))


def _described_series(column: Any) -> tuple[Any, ...]:
    polars = sys.modules["polars"]
    about = (column.name, repr(column.dtype), column.null_count())
    if column.dtype == polars.Object:  # these it refuses to write
        return *about, list(column)
    flat = _flat(polars, column.rechunk())
    return *about, Memory(piece for name, part in flat for piece in _written(polars, name, part))


def _flat(polars: Any, column: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Columns without nulls and lists that say what a column holds, each with its place in it.

    Where it is null, and what isn't. Of lists their lengths and what is in all of them, of
    structs each field: a slice of them goes on holding what it was cut from.
    """
    if column.null_count():
        yield f"{place} null", column.is_null()
        column = column.drop_nulls()
    kind = column.dtype
    if kind == polars.Struct:
        for number, field in enumerate(column.struct.fields):
            yield from _flat(polars, column.struct.field(field), f"{place} {number}")
    elif kind == polars.List:
        lengths = column.list.len()
        yield f"{place} lengths", lengths
        yield from _flat(polars, column.filter(lengths > 0).explode(), f"{place} list")
    elif kind == polars.Array and kind.size:
        yield from _flat(polars, column.explode(), f"{place} array")
    elif kind == polars.Categorical:  # numbers in the order in which a process met them
        yield place, column.cast(polars.String)
    else:
        yield place, column


def _written(polars: Any, name: str, part: Any) -> list[Any]:
    """A column as bytes.

    Not its pickle, which tells whether polars knows it to be sorted; nor as views of text, which
    may lie anywhere; nor as bits, the last of which are whatever was there.
    """
    level = getattr(polars, "CompatLevel", None)
    how = {"compat_level": level.oldest()} if level else {}
    clear = part.cast(polars.UInt8) if part.dtype == polars.Boolean else part
    frame = clear.alias(name).to_frame()
    written = []
    for piece in (frame[:1], frame[1:]):  # a slice forgets a mask that masks nothing
        sink = io.BytesIO()
        piece.write_ipc_stream(sink, **how)
        written.append(sink.getbuffer())
    return written
