"""Hashes of values by their content, the same in every process.

A hash starts with the kind of what it hashes, so 1, "1", 1.0 and True differ; sets and dicts
hash the same in whatever order; arrays, frames and tables by their buffers; other objects by
what pickle would keep of them. What pickle refuses counts by its type and its repr, and is
told as ``untracked``. Functions, classes and modules met on the way aren't values: they are
handed to ``reach``, which says what they count as.

Pickles themselves aren't hashed: theirs depends on which equal objects happen to be one.
"""

from __future__ import annotations

import marshal
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Collection
from contextlib import suppress
from copyreg import dispatch_table
from functools import partial
from hashlib import blake2b, sha256
from pickle import PickleBuffer
from types import (
    BuiltinFunctionType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import TYPE_CHECKING, Any, Final

from linepipe_core._values.proxies import attributes_of, is_really

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["ADDRESS", "ValueHasher", "hash_buffer", "is_code"]

_SCALARS: Final = frozenset({bool, int, float, complex, str, bytes, type(None), type(...)})
_CODE: Final = (
    FunctionType,
    MethodDescriptorType,
    WrapperDescriptorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
    type,
)
ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]+")
# SQLAlchemy names what has no name by where it lies in memory, notes where its parts lie, and
# counts the columns of all tables made before.
_ANONYMOUS: Final = re.compile(r"%\([0-9a-f]+ ")
_OF_THE_PROCESS: Final = frozenset({"_anon_map_key", "_creation_order", "_orig"})
_PLAIN: Final = 2  # a version of marshal without back references: equal values, equal bytes
_LARGE: Final = 8 << 20  # bytes hashed at a time, each such part by a thread of its own
_CYTHON_FUNCTION: Final = "cython_function_or_method"  # each version has a type of its own
_TYPING: Final = frozenset({"typing", "typing_extensions"})
_LIBRARIES: Final = frozenset({"numpy", "pandas", "polars", "pyarrow"})


def is_code(value: object, is_own: Callable[[type], bool]) -> bool:
    """Whether a value is code that a hash refers to, not data that it holds.

    Wrappers that come with Python or a library are, such as those of ``lru_cache``; an object
    of an own class isn't, whatever it wraps: its attributes count, and its class's methods.
    """
    if is_really(value, BuiltinFunctionType):
        return not _is_bound(value)
    if is_really(value, _CODE) or type(value).__name__ == _CYTHON_FUNCTION:
        return True
    if is_really(value, partial) or "__wrapped__" not in attributes_of(value):
        return False
    return not is_own(type(value))


def _is_bound(method: BuiltinFunctionType) -> bool:
    """Whether a C method is some object's: ``{1: 2}.get``, not ``len`` nor ``random.random``."""
    owner = method.__self__
    if owner is None or isinstance(owner, (ModuleType, type)):
        return False
    home = sys.modules.get(type(owner).__module__)
    return home is None or vars(home).get(method.__name__) != method


def hash_buffer(buffer: ReadableBuffer) -> bytes:
    """The sha256 of a buffer's bytes; of a large one, of its parts' hashes, on all cores."""
    view = memoryview(buffer).cast("B")
    if view.nbytes <= _LARGE:
        return sha256(view).digest()
    from concurrent.futures import ThreadPoolExecutor

    parts = [view[start : start + _LARGE] for start in range(0, view.nbytes, _LARGE)]
    with ThreadPoolExecutor() as pool:  # hashlib lets go of the interpreter lock
        digests = pool.map(lambda part: sha256(part).digest(), parts)
        return sha256(b"parts" + b"".join(digests)).digest()


class ValueHasher:
    """Hashes values.

    Args:
        reach: called with each function, class or module met; gives what it counts as.
        is_own: returns True for a class of the user's.
        looks: called with what can't be hashed; gives what it counts as beside its class. By
            default its repr, which tells another process most.

    Attributes:
        untracked: the types of what could only be hashed by its looks.
    """

    def __init__(
        self,
        reach: Callable[[Any], str],
        is_own: Callable[[type], bool],
        looks: Callable[[Any], str] | None = None,
    ) -> None:
        self.untracked: list[str] = []
        self._reach = reach
        self._is_own = is_own
        self._looks = looks or _looks
        # Objects are kept along with their hashes, or another could get the same id.
        self._known: dict[int, tuple[Any, bytes]] = {}
        self._open: dict[int, int] = {}

    def digest(self, value: Any) -> str:
        """The hash of a value, as text."""
        try:
            encoded = self._encoded(value)
        except RecursionError:
            encoded = self._by_its_looks(value, "too deeply nested")
        return blake2b(encoded, digest_size=16).hexdigest()

    def _encoded(self, value: Any) -> bytes:
        """A value as bytes that tell where they end: marshalled, or a tag and a hash."""
        kind = type(value)
        if kind in _SCALARS:
            return marshal.dumps(value, _PLAIN)
        key = id(value)
        known = self._known.get(key)
        if known is not None:
            return known[1]
        if key in self._open:
            return b"^%d;" % (len(self._open) - self._open[key])
        self._open[key] = len(self._open)
        try:
            encoded = self._of_container(value, kind)
        finally:
            del self._open[key]
        self._known[key] = (value, encoded)
        return encoded

    def _of_container(self, value: Any, kind: type) -> bytes:
        if kind is list or kind is tuple:
            return self._of_sequence(kind.__name__.encode(), value)
        if kind is dict:
            return self._of_items(b"dict", list(value.items()))  # other threads may change it
        if kind is set or kind is frozenset:
            return _hashed(
                kind.__name__.encode(), b"".join(sorted(map(self._encoded, list(value))))
            )
        if kind is bytearray:
            return _hashed(b"bytearray", hash_buffer(value))
        if kind is memoryview:
            with suppress(ValueError):  # it was released
                about = (value.format, value.shape)
                return _hashed(b"memory", self._encoded(about) + hash_buffer(value.tobytes()))
        if kind is PickleBuffer:
            return _hashed(b"buffer", hash_buffer(value.raw()))
        if kind is MappingProxyType:
            return self._of_items(b"mappingproxy", list(value.items()))
        if kind.__name__ == "TypeAliasType" and kind.__module__ in _TYPING:
            with suppress(Exception):  # it is evaluated late, and names what there isn't
                return self._of_sequence(b"alias", (value.__name__, value.__value__))
        if kind is partial:
            return self._of_sequence(b"partial", (value.func, value.args, value.keywords))
        if is_code(value, self._is_own):
            return _hashed(b"code", self._reach(value).encode("utf-8", "surrogatepass"))
        if kind.__name__ == "_anonymous_label":
            return _hashed(b"anonymous", _ANONYMOUS.sub("", str(value)).encode())
        if str(kind.__module__).partition(".")[0] in _LIBRARIES:
            try:
                content = self._of_library(value)
            except RecursionError:
                raise
            except Exception:  # a frame of Python objects, say, that polars refuses to write
                return self._by_its_looks(value, kind.__qualname__)
            if content is not None:
                return content
        return self._of_object(value)

    def _of_sequence(self, tag: bytes, values: Any) -> bytes:
        if set(map(type, values)) <= _SCALARS:
            return _hashed(tag + b" scalars", marshal.dumps(list(values), _PLAIN))
        return _hashed(tag, b"".join(map(self._encoded, values)))

    def _of_items(self, tag: bytes, items: Collection[tuple[Any, Any]]) -> bytes:
        if _are_plain(items):
            return _hashed(tag + b" plain", marshal.dumps(sorted(items), _PLAIN))
        pairs = sorted((self._encoded(key), self._encoded(item)) for key, item in items)
        return _hashed(tag, b"".join(key + item for key, item in pairs))

    def _of_object(self, value: Any) -> bytes:
        """An object by what pickle would keep: how to make it again, and its state."""
        if type(value).__module__ == "itertools":  # they tell, but warn that they won't for long
            return self._by_its_looks(value, type(value).__qualname__)
        n_untracked = len(self.untracked)
        try:
            encoded = self._of_reduced(value, _reduced(value))
        except RecursionError:
            raise
        except Exception:  # whatever a user's __reduce__ raises: pickle would refuse it too
            encoded = b""
        # Half of a foreign object, say of a database engine, is its inner bookkeeping.
        if not encoded or (len(self.untracked) > n_untracked and not self._is_own(type(value))):
            del self.untracked[n_untracked:]
            return self._by_its_looks(value, type(value).__qualname__)
        return encoded

    def _of_reduced(self, value: Any, reduced: str | tuple[Any, ...]) -> bytes:
        if isinstance(reduced, str):
            return _hashed(b"named", f"{type(value).__module__}.{reduced}".encode())
        make, args, state, items, pairs = (*reduced, None, None, None)[:5]
        if isinstance(state, dict) and type(value).__module__.startswith("sqlalchemy."):
            state = {key: held for key, held in state.items() if key not in _OF_THE_PROCESS}
        if isinstance(value, (set, frozenset)):  # of an own class: pickled as a list
            args = set(args[0]) if len(args) == 1 else args
        parts = [self._encoded(make), self._encoded(args), self._encoded(state)]
        if items is not None:
            parts.append(self._of_sequence(b"items", list(items)))
        if pairs is not None and isinstance(value, OrderedDict):
            parts.append(self._of_sequence(b"pairs", list(pairs)))
        elif pairs is not None:
            parts.append(self._of_items(b"pairs", list(pairs)))
        return _hashed(b"object", b"".join(parts))

    def _by_its_looks(self, value: Any, name: str) -> bytes:
        """What can't be pickled: its class, and its looks."""
        self.untracked.append(name)
        looks = self._looks(value).encode("utf-8", "surrogatepass")
        return _hashed(b"looks", self._encoded(type(value)) + looks)

    def _of_library(self, value: Any) -> bytes | None:
        """Arrays, frames and tables, so that equal content is equal however it is laid out."""
        numpy, pandas = sys.modules.get("numpy"), sys.modules.get("pandas")
        if numpy is not None and type(value) is numpy.ndarray:
            return self._of_array(value)
        if pandas is not None and isinstance(value, pandas.DataFrame):
            columns = [value.iloc[:, place].array for place in range(value.shape[1])]
            are_unique = not value.flags.allows_duplicate_labels
            parts = [type(value), value.index, value.columns, value.attrs, are_unique, columns]
            return self._of_sequence(b"frame", parts)
        if pandas is not None and isinstance(value, pandas.Series):
            are_unique = not value.flags.allows_duplicate_labels
            parts = [type(value), value.index, value.name, value.attrs, are_unique, value.array]
            return self._of_sequence(b"series", parts)
        if pandas is not None and isinstance(value, pandas.MultiIndex):
            # How its levels are encoded is layout; there may be some that nothing uses.
            levels = [value.get_level_values(place) for place in range(value.nlevels)]
            return self._of_sequence(b"levels", levels)
        if pandas is not None and isinstance(value, pandas.api.extensions.ExtensionArray):
            return self._of_column(value, pandas)
        polars, pyarrow = sys.modules.get("polars"), sys.modules.get("pyarrow")
        if polars is not None and isinstance(value, polars.DataFrame):
            return self._of_sequence(b"polars", [type(value), value.height, *value.iter_columns()])
        if polars is not None and isinstance(value, polars.Series):
            return self._of_polars(value, polars)
        if pyarrow is not None and isinstance(value, (pyarrow.Table, pyarrow.RecordBatch)):
            return self._of_table(value, pyarrow)
        if pyarrow is not None and isinstance(value, (pyarrow.Array, pyarrow.ChunkedArray)):
            held = self._of_table(pyarrow.table({"": value}), pyarrow)
            return _hashed(b"arrow", type(value).__name__.encode() + held)
        return None

    def _of_column(self, column: Any, pandas: Any) -> bytes | None:
        """A column that says by its dtype what its values don't, such as its kind of text."""
        arrays, dtype = pandas.arrays, column.dtype
        if isinstance(column, (arrays.IntegerArray, arrays.FloatingArray, arrays.BooleanArray)):
            plain = dtype.numpy_dtype  # below the mask lies whatever was computed there
            shown = column.to_numpy(dtype=plain, na_value=plain.type(0))
            return self._of_sequence(b"masked", [repr(dtype), shown, column.isna()])
        if isinstance(column, arrays.NumpyExtensionArray):
            about = [repr(dtype), repr(getattr(dtype, "na_value", None))]
            return self._of_sequence(b"column", [*about, column.to_numpy()])
        return None

    def _of_array(self, array: Any) -> bytes:
        if array.dtype.hasobject:
            return self._of_sequence(
                b"array of objects", [str(array.dtype), array.shape, array.tolist()]
            )
        if array.dtype.names:  # field by field: what pads them is whatever lay there
            fields = [array[name] for name in array.dtype.names]
            return self._of_sequence(b"array of fields", [repr(array.dtype), array.shape, *fields])
        if not array.flags.c_contiguous:  # order is layout: equal arrays hash alike
            array = array.copy(order="C")
        about = f"{array.dtype.str} {array.shape};".encode()
        return _hashed(b"array", about + hash_buffer(array.reshape(-1).view("u1")))

    def _of_polars(self, column: Any, polars: Any) -> bytes:
        """A column of polars: its name, its type, where it is null, and what isn't."""
        about = self._encoded((column.name, repr(column.dtype), column.null_count()))
        if column.dtype == polars.Object:  # these it refuses to write
            return _hashed(b"polars objects", about + self._encoded(list(column)))
        sink = _HashingFile()
        whole = column.rechunk()
        parts = [whole.is_null(), whole.drop_nulls()] if whole.null_count() else [whole]
        # Not its pickle, which tells whether polars knows it to be sorted; nor as views of text,
        # which may lie anywhere; nor as bits, the last of which are whatever was there.
        level = getattr(polars, "CompatLevel", None)
        how = {"compat_level": level.oldest()} if level else {}
        for part in parts:
            clear = part.cast(polars.UInt8) if part.dtype == polars.Boolean else part
            frame = clear.alias("").to_frame()
            for piece in (frame[:1], frame[1:]):  # a slice forgets a mask that masks nothing
                piece.write_ipc_stream(sink, **how)
        return _hashed(b"polars column", about + sink.hash.digest())

    def _of_table(self, table: Any, pyarrow: Any) -> bytes:
        """A table of Arrow's: its schema, and of each column where it is null and what isn't."""
        sink = _HashingFile()
        _write(None, table.schema, sink, pyarrow)
        for column in table.columns:
            for part in _apart(column):
                # Not as bits, the last of which are whatever was there.
                clear = part.cast("uint8") if pyarrow.types.is_boolean(part.type) else part
                whole = pyarrow.table({"": clear}).combine_chunks()
                if whole.nbytes != whole.get_total_buffer_size():  # a slice that is written whole
                    chunks = whole.column(0).chunks
                    copied = (pyarrow.concat_arrays([c, c.slice(0, 0)]) for c in chunks)
                    whole = pyarrow.table({"": pyarrow.chunked_array(copied, clear.type)})
                _write(whole, whole.schema, sink, pyarrow)
        about = self._encoded((type(table).__name__, table.num_rows))
        return _hashed(b"table", about + sink.hash.digest())


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


def _apart(column: Any) -> list[Any]:
    """Where an Arrow column is null, and what isn't: below nulls lies whatever was computed."""
    with suppress(NotImplementedError):  # it can't drop them from each type yet
        if column.null_count:
            return [column.is_null(), column.drop_null()]
    return [column]


def _write(table: Any, schema: Any, sink: _HashingFile, pyarrow: Any) -> None:
    with pyarrow.ipc.new_stream(pyarrow.PythonFile(sink, mode="w"), schema) as stream:
        if table is not None:
            stream.write_table(table)


def _are_plain(items: Collection[tuple[Any, Any]]) -> bool:
    """Whether the keys are all text and the items all scalars, as in most records."""
    return all(type(key) is str and type(item) in _SCALARS for key, item in items)


def _looks(value: Any) -> str:
    """A value's class, and its repr without addresses if it has its own."""
    kind = type(value)
    looks = f"{kind.__module__}.{kind.__qualname__}"
    shown: Any = kind.__repr__
    if shown is not object.__repr__:
        with suppress(Exception):  # a user's __repr__
            looks += " " + ADDRESS.sub("", repr(value))
    return looks


def _reduced(value: Any) -> str | tuple[Any, ...]:
    registered = dispatch_table.get(type(value))
    reduced = value.__reduce_ex__(5) if registered is None else registered(value)
    if not isinstance(reduced, (str, tuple)):
        raise TypeError(f"__reduce_ex__ of {type(value)} gave a {type(reduced)}")
    return reduced


def _hashed(tag: bytes, payload: bytes) -> bytes:
    return b"#" + blake2b(b"%s:%s" % (tag, payload), digest_size=16).digest()
