"""Turns an object into a short pickle and its large buffers, and back.

Apart from the shelf because it knows types and no files: protocol 5 lets the memory of
arrays, frames and tables leave the pickle, so that it can be written once, as it is, and
mapped back. What libraries pickle in band although they need not (a polars frame, a numpy array
of dates or one that isn't contiguous), their adapters lead out of it.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any, Final, NamedTuple

from linepipe_core._values.adapter import LARGE_BYTES, reducers

__all__ = ["LARGE_BYTES", "Pickled", "Unpicklable", "dump", "explain", "load"]


class Pickled(NamedTuple):
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


class Unpicklable(NamedTuple):
    """Why an object can't go on the shelf.

    Attributes:
        name: the object's name.
        part: the part that won't pickle, as a path from the object (``model.lock``).
        type: the type of that part.
        reason: what pickling it said.
        path: the types of the object, of its parts that lead there, and of that part.
    """

    name: str
    part: str
    type: str
    reason: str
    path: tuple[Any, ...]

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
        pickle.PicklingError: the pickle can't be loaded, as of many exceptions with an
            ``__init__`` of their own.
        Exception: whatever pickling the value raises.
    """
    buffers: list[memoryview] = []
    stream = io.BytesIO()
    met = _pickler(stream, buffers)
    met.pickler.dump(value)
    pickled = stream.getvalue()  # no copy: the stream is let go
    if any(map(_may_not_load, met.kinds)):
        _check_loads(pickled, buffers)
    has_sets = any(issubclass(kind, (set, frozenset)) for kind in met.kinds)
    has_sets = has_sets or any(mark in pickled for mark in _SET_MARKS)
    return Pickled(pickled, tuple(buffers), (*met.kinds, *met.named.values()), has_sets)


def load(stream: bytes | memoryview, buffers: Sequence[Any]) -> Any:
    """Unpickle a value around its buffers, which it takes over.

    Raises:
        Exception: whatever unpickling raises; the value's own classes may raise anything.
    """
    return pickle.loads(stream, buffers=buffers)


def _may_not_load(kind: Any) -> bool:
    """Return True for a class that pickle may not know how to call to make an object again."""
    if kind.__reduce_ex__ is not object.__reduce_ex__ or "__reduce__" in vars(kind):
        return False
    if issubclass(kind, BaseException):
        return isinstance(kind.__init__, FunctionType) or isinstance(kind.__new__, FunctionType)
    has_arguments = hasattr(kind, "__getnewargs_ex__") or hasattr(kind, "_fields")
    return isinstance(kind.__new__, FunctionType) and not has_arguments


def _check_loads(pickled: bytes, buffers: Sequence[Any]) -> None:
    try:
        load(pickled, buffers)
    except Exception as error:
        why = f"its pickle can't be loaded: {type(error).__name__}: {error}"
        raise pickle.PicklingError(why) from error


def explain(name: str, value: Any, error: Exception) -> Unpicklable:
    """Say which part of a value wouldn't pickle.

    Args:
        name: the value's name.
        value: what couldn't be pickled.
        error: what pickling it raised.

    Returns:
        The innermost part that fails on its own, and why.
    """
    part, culprit, seen, path = name, value, {id(value)}, [type(value)]
    while not isinstance(error, RecursionError):  # that is the whole's fault, not a part's
        for suffix, child in _children(culprit):
            if id(child) in seen:
                continue
            seen.add(id(child))
            reason = _failure(child)
            if reason is not None:
                part, culprit, error = part + suffix, child, reason
                path.append(type(child))
                break
        else:
            break
    kind = f"{type(culprit).__module__}.{type(culprit).__qualname__}"
    return Unpicklable(name, part, kind, str(error) or type(error).__name__, tuple(path))


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
    table = reducers()
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


# --- which part wouldn't pickle ---------------------------------------------------------


def _failure(value: Any) -> Exception | None:
    try:
        dump(value)
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
    """The state that a pickle would hold: the value's own where it says so, else its attributes."""
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
