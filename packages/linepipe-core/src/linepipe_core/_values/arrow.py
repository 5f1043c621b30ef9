"""pyarrow arrays and tables: immutable, so that every reader may get the same object.

Their content is their schema and, of each column, where it is null and what isn't, however it is
cut into chunks and slices.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from linepipe_core._restore import from_ipc
from linepipe_core._values.adapter import LARGE_BYTES, Content, Copier, top_module
from linepipe_core._values.snapshot import Rule, as_is

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = [
    *("RANDOM", "READERS", "SAMPLERS", "SEEDED"),
    *("content_of", "copier_of", "reducers", "rule_of"),
]

READERS: Final = (
    *("pyarrow.OSFile", "pyarrow.input_stream", "pyarrow.memory_map"),
    *("pyarrow.csv.", "pyarrow.dataset.", "pyarrow.feather.", "pyarrow.fs.", "pyarrow.json."),
    *("pyarrow.orc.", "pyarrow.parquet."),
)
SEEDED: Final = ()
SAMPLERS: Final = ()
RANDOM: Final = ()


def rule_of(pyarrow: Any, kind: type) -> Rule | None:
    """Nothing of pyarrow's changes."""
    names = "Array ChunkedArray DataType Field RecordBatch Scalar Schema Table"
    immutable = tuple(getattr(pyarrow, name) for name in names.split())
    is_own = top_module(kind) == "pyarrow"  # a user's class may carry what changes
    return as_is if is_own and issubclass(kind, immutable) else None


def copier_of(_pyarrow: Any, _kind: type) -> Copier | None:
    """None: what has no rule is pickled or copied by `copy.deepcopy`."""
    return None


def reducers(pyarrow: Any) -> Mapping[type, Callable[[Any], Any]]:
    """A slice without what it was cut from: Arrow's own pickle takes the whole buffers along."""
    return {pyarrow.ChunkedArray: _reduced, pyarrow.Table: _reduced}


def _reduced(value: Any) -> Any:
    if value.get_total_buffer_size() > 2 * value.nbytes + LARGE_BYTES:
        pyarrow = sys.modules["pyarrow"]
        named = value if isinstance(value, pyarrow.Table) else pyarrow.table({"": value})
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, named.schema) as writer:
            writer.write_table(named)
        return from_ipc, (pyarrow.__name__, sink.getvalue(), named is value)
    return value.__reduce_ex__(5)


def content_of(pyarrow: Any, kind: type) -> Content | None:
    """Tables, batches and columns; the rest counts as other objects do."""
    if issubclass(kind, pyarrow.Table | pyarrow.RecordBatch):
        return Content(_described_table, is_immutable=True)
    if issubclass(kind, pyarrow.Array | pyarrow.ChunkedArray):
        return Content(_described_column, is_immutable=True)
    return None


def _described_column(column: Any) -> tuple[Any, ...]:
    return _described_table(sys.modules["pyarrow"].table({"": column}))


def _described_table(table: Any) -> tuple[Any, ...]:
    pyarrow = sys.modules["pyarrow"]
    sink = _HashingFile()
    _write(None, table.schema, sink, pyarrow)
    for column in table.columns:
        for name, part in _flat(column):
            whole = pyarrow.table({name: part}).combine_chunks()
            if whole.nbytes != whole.get_total_buffer_size():  # a slice that is written whole
                chunks = whole.column(0).chunks
                copied = (pyarrow.concat_arrays([c, c.slice(0, 0)]) for c in chunks)
                whole = pyarrow.table({name: pyarrow.chunked_array(copied, part.type)})
            _write(whole, whole.schema, sink, pyarrow)
    return table.num_rows, sink.hash.digest()


def _flat(column: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Columns without nulls and lists that say what a column holds, each with its place in it.

    Where it is null, and what isn't: below nulls lies whatever was computed. Of lists their
    lengths and what is in all of them, of structs each field: a slice of them goes on holding
    what it was cut from.
    """
    types = sys.modules["pyarrow"].types
    if column.null_count:
        try:
            present = column.drop_null()
        except NotImplementedError:  # it can't drop them from each type yet
            yield place, column
            return
        yield from _flat_of_truths(f"{place} null", column.is_null())
        column = present
    kind = column.type
    if types.is_boolean(kind):
        yield from _flat_of_truths(place, column)
    elif types.is_struct(kind):
        for number, field in enumerate(column.flatten()):
            yield from _flat(field, f"{place} {number}")
    elif any(getattr(types, name)(kind) for name in _LISTS if hasattr(types, name)):
        compute = import_module("pyarrow.compute")
        yield f"{place} lengths", compute.list_value_length(column)
        yield from _flat(compute.list_flatten(column), f"{place} list")
    elif str(kind) in _VIEWS:  # they lie anywhere in their buffers
        yield place, column.cast(_VIEWS[str(kind)])
    else:
        yield place, column


_LISTS: Final = (
    *("is_list", "is_large_list", "is_list_view", "is_large_list_view", "is_fixed_size_list"),
)
_VIEWS: Final = {"string_view": "large_string", "binary_view": "large_binary"}


def _flat_of_truths(name: str, column: Any) -> Iterator[tuple[str, Any]]:
    """Not as bits, the last of which are whatever was there."""
    yield name, column.cast("uint8")


def _write(table: Any, schema: Any, sink: _HashingFile, pyarrow: Any) -> None:
    with pyarrow.ipc.new_stream(pyarrow.PythonFile(sink, mode="w"), schema) as stream:
        if table is not None:
            stream.write_table(table)


class _HashingFile:
    """A file that keeps only the hash of what is written to it."""

    closed = False

    def __init__(self) -> None:
        self.hash = sha256()

    def write(self, data: ReadableBuffer) -> int:
        self.hash.update(data)
        return memoryview(data).nbytes

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass
