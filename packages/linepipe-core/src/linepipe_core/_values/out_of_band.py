"""Turns an object into a short pickle and its large buffers, and back.

Apart from the shelf because it knows types and no files: protocol 5 lets the memory of
arrays, frames and tables leave the pickle, so that it can be written once, as it is, and
mapped back. What those libraries pickle in band although they need not (a polars frame, a
numpy array of dates or one that isn't contiguous) is led out of it here.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import FunctionType
from typing import Any, Final

from linepipe_core._restore import array_of_dtype, arrow_from_ipc, polars_from_arrow

# Below this a buffer stays in the pickle: a file of its own costs a sync (0.2 ms here),
# more than copying 64 KiB in and out of SQLite.
LARGE_BYTES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Pickled:
    """An object apart: its pickle, and the large buffers that the pickle refers to in order.

    Attributes:
        stream: the pickle.
        buffers: the large buffers.
        code: the classes and functions that were met, apart from the plainest builtins.
        has_sets: whether there are sets in it, whose order is no content.
    """

    stream: bytes
    buffers: tuple[memoryview, ...]
    code: tuple[Any, ...] = ()
    has_sets: bool = False


@dataclass(frozen=True, slots=True)
class Unpicklable:
    """Why an object can't go on the shelf.

    Attributes:
        name: the object's name.
        part: the part that won't pickle, as a path from the object (``model.lock``).
        type: the type of that part.
        reason: what pickling it said.
    """

    name: str
    part: str
    type: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name!r}: {self.why}"

    @property
    def why(self) -> str:
        """The part, its type and the reason, in one line."""
        subject = "it" if self.part == self.name else f"its part {self.part}"
        return f"{subject} ({self.type}) can't be pickled: {self.reason}"


def dump(value: Any) -> Pickled:
    """Pickle a value, its large buffers apart.

    Args:
        value: any object.

    Returns:
        The pickle, and views of the buffers: they share the value's memory.

    Raises:
        Exception: whatever pickling the value raises.
    """
    buffers: list[memoryview] = []
    stream = io.BytesIO()
    met = _pickler(stream, buffers)
    met.pickler.dump(value)
    pickled = stream.getvalue()  # no copy: the stream is let go
    has_sets = any(issubclass(kind, (set, frozenset)) for kind in met.kinds)
    has_sets = has_sets or any(mark in pickled for mark in _SET_MARKS)
    return Pickled(pickled, tuple(buffers), (*met.kinds, *met.named.values()), has_sets)


def load(stream: bytes | memoryview, buffers: Sequence[Any]) -> Any:
    """Unpickle a value around its buffers, which it takes over.

    Raises:
        Exception: whatever unpickling raises; the value's own classes may raise anything.
    """
    return pickle.loads(stream, buffers=buffers)


def explain(name: str, value: Any, error: Exception) -> Unpicklable:
    """Say which part of a value wouldn't pickle.

    Args:
        name: the value's name.
        value: what couldn't be pickled.
        error: what pickling it raised.

    Returns:
        The innermost part that fails on its own, and why.
    """
    part, culprit, seen = name, value, {id(value)}
    while not isinstance(error, RecursionError):  # that is the whole's fault, not a part's
        for suffix, child in _children(culprit):
            if id(child) in seen:
                continue
            seen.add(id(child))
            reason = _failure(child)
            if reason is not None:
                part, culprit, error = part + suffix, child, reason
                break
        else:
            break
    kind = f"{type(culprit).__module__}.{type(culprit).__qualname__}"
    return Unpicklable(name, part, kind, str(error) or type(error).__name__)


# How sets begin and frozensets end in a pickle: sets are told to nobody while they are pickled.
# Other bytes may happen to look the same; then a hash is taken that wasn't needed.
_SET_MARKS: Final = (
    pickle.EMPTY_SET + pickle.MEMOIZE + pickle.MARK,
    pickle.FROZENSET + pickle.MEMOIZE,
)


class _Noting(pickle.Pickler):
    """A pickler that notes whose code its objects have."""

    reducer_override: Callable[[Any], Any]


class _Met:
    """A pickler, and the classes and functions that it met.

    Args:
        pickler: calls for each object that isn't of the plainest builtin types.
    """

    def __init__(self, pickler: _Noting) -> None:
        self.pickler = pickler
        self.kinds = kinds = set[type]()
        self.named = named = dict[int, Any]()

        def note(value: Any) -> Any:
            kind = type(value)
            if kind is FunctionType or isinstance(value, type):
                named[id(value)] = value
            elif kind not in kinds:
                kinds.add(kind)
            return NotImplemented

        pickler.reducer_override = note


def _pickler(stream: Any, buffers: list[memoryview]) -> _Met:
    pickler = _Noting(stream, protocol=5, buffer_callback=_keep_large(buffers))
    table = _reducers()
    if table:
        pickler.dispatch_table = table
    return _Met(pickler)


def _keep_large(buffers: list[memoryview]) -> Callable[[pickle.PickleBuffer], bool]:
    def stays_in_band(buffer: pickle.PickleBuffer) -> bool:
        try:
            view = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if view.nbytes < LARGE_BYTES:
            return True
        buffers.append(view)
        return False

    return stays_in_band


# --- what pickles in band although it need not ------------------------------------------


def _reducers() -> Mapping[type, Callable[[Any], Any]]:
    """How to pickle the types of the libraries that are loaded; no others can occur."""
    table: dict[type, Callable[[Any], Any]] = {}
    if numpy := sys.modules.get("numpy"):
        table[numpy.ndarray] = _reduce_array
    if polars := sys.modules.get("polars"):
        table[polars.DataFrame] = _reduce_polars
        table[polars.Series] = _reduce_polars
    if pyarrow := sys.modules.get("pyarrow"):
        table[pyarrow.ChunkedArray] = table[pyarrow.Table] = _reduce_arrow
    if table:
        import copyreg

        return {**copyreg.dispatch_table, **table}
    return table


def _reduce_array(array: Any) -> Any:
    if array.nbytes < LARGE_BYTES or array.dtype.hasobject:
        return array.__reduce_ex__(5)
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        array = array.copy()
    if array.dtype.kind in "mM":  # dates refuse the buffer protocol; the integers in them don't
        return array_of_dtype, (array.view("i8"), array.dtype)
    return array.__reduce_ex__(5)


def _reduce_polars(value: Any) -> Any:
    """Through Arrow, without a copy, where pyarrow is there and gives back what it got."""
    if value.n_chunks() and value.estimated_size() >= LARGE_BYTES:
        try:
            polars = import_module("polars")
            # The newest level keeps polars' own string layout; the default one copies.
            table = value.to_arrow(compat_level=polars.CompatLevel.newest())
            back = polars.from_arrow(table)
            if _same_schema(value, back):
                return polars_from_arrow, (table, getattr(value, "name", None))
        except Exception:
            pass  # no pyarrow, or a type that Arrow lacks: its own way, in band
    return value.__reduce_ex__(5)


def _same_schema(value: Any, back: Any) -> bool:
    if hasattr(value, "schema"):
        return bool(value.schema == back.schema)
    return bool(value.dtype == back.dtype)


def _reduce_arrow(value: Any) -> Any:
    """A slice alone: Arrow's own pickle takes along the whole buffers it was cut from."""
    if value.get_total_buffer_size() > 2 * value.nbytes + LARGE_BYTES:
        pyarrow = import_module("pyarrow")
        named = value if isinstance(value, pyarrow.Table) else pyarrow.table({"": value})
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, named.schema) as writer:
            writer.write_table(named)
        return arrow_from_ipc, (sink.getvalue(), named is value)
    return value.__reduce_ex__(5)


# --- which part wouldn't pickle ---------------------------------------------------------


def _failure(value: Any) -> Exception | None:
    class Nowhere:
        def write(self, data: Any) -> int:
            return len(data)

    try:
        _pickler(Nowhere(), []).pickler.dump(value)
    except Exception as error:
        return error
    return None


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """The parts of a value, each with what leads to it in Python's own spelling."""
    if isinstance(value, Mapping):
        for key in list(value):
            yield f"[key {_short(key)}]", key
            yield f"[{_short(key)}]", value[key]
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield f"[{place}]", item
    elif isinstance(value, set | frozenset):
        for item in value:
            yield f"{{{_short(item)}}}", item
    if not isinstance(value, type):
        yield from ((f".{name}", part) for name, part in _state(value).items())


def _state(value: Any) -> dict[str, Any]:
    """What the value's pickle would hold: its own state where it says so, else its attributes."""
    try:
        state = value.__getstate__()
    except Exception:
        return {}
    if isinstance(state, tuple) and len(state) == 2:  # (attributes, slots)
        state = {**(state[0] or {}), **(state[1] or {})} if _are_dicts(state) else {}
    return {str(name): part for name, part in state.items()} if isinstance(state, dict) else {}


def _are_dicts(parts: tuple[Any, ...]) -> bool:
    return all(part is None or isinstance(part, dict) for part in parts)


def _short(value: Any) -> str:
    """The repr of a key when it is a short plain one; its type otherwise (reprs may be huge)."""
    if isinstance(value, str | int | float | bool | None) and len(repr(value)) <= 60:
        return repr(value)
    return f"<{type(value).__qualname__}>"
