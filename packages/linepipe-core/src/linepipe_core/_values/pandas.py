"""pandas frames, series and indexes.

Frames share their columns copy-on-write. pandas knows its own frames only, so memory that
anything else sees (a numpy view, an Arrow table) is found by counting references.

The content of a frame is its labels and, by type, its columns: how they lie in blocks, levels
that no row uses and what lies under a mask don't count.
"""

from __future__ import annotations

import sys
from _weakref import getweakrefcount
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from sys import getrefcount
from typing import Any, Final
from weakref import WeakValueDictionary

from linepipe_core._values.adapter import Content, Copier, Memory, top_module
from linepipe_core._values.pandas_texts import are_default_texts, described_texts
from linepipe_core._values.rules import rule_for
from linepipe_core._values.snapshot import ALONE, ATOMIC, Rule, Snapshot, as_is, references
from linepipe_core._values.trees import by_parts

__all__ = [
    *("RANDOM", "READERS", "SAMPLERS", "SEEDED"),
    *("content_of", "copier_of", "reducers", "rule_of"),
]

READERS: Final = ("pandas.read_", "pandas.ExcelFile", "pandas.HDFStore")
SEEDED: Final = ()
SAMPLERS: Final = ()
RANDOM: Final = ()

_IMMUTABLE: Final = {"Interval", "NAType", "NaTType", "Period", "Timedelta", "Timestamp"}


def rule_of(pandas: Any, kind: type) -> Rule | None:
    """Copies that share columns until one is written to; single values never change."""
    if issubclass(kind, pandas.DataFrame | pandas.Series):
        if getattr(kind, "__deepcopy__", None) is not pandas.DataFrame.__deepcopy__:
            return None  # it says itself how it is copied
        is_known = pandas.__version__.partition(".")[0] == "3"  # its copy-on-write
        rule = _table if is_known else _table_without_sharing
        is_plain = kind is pandas.DataFrame or kind is pandas.Series
        return rule if is_plain else _with_own_notes(rule)
    if top_module(kind) != "pandas":
        return None
    if kind.__name__ in _IMMUTABLE:
        return as_is
    return _index if issubclass(kind, pandas.Index) else None


def copier_of(pandas: Any, kind: type) -> Copier | None:
    """The copy of a table whose cells hold what may change."""
    return _table_by_parts if issubclass(kind, pandas.DataFrame | pandas.Series) else None


def reducers(_pandas: Any) -> Mapping[type, Callable[[Any], Any]]:
    """None: pandas pickles its arrays out of band, those of dates through numpy's adapter."""
    return {}


def _table_by_parts(table: Any, memo: dict[int, Any], refused: list[Any]) -> Any:
    """A copy for a tree that can't be pickled: pandas' own deep copy shares what cells hold."""
    rule = rule_for(type(table))
    held = None if rule is None else rule(table, False)
    if held is not None:
        return held.value
    try:
        private = table.copy(deep=True)
    except Exception:  # of a user's class
        refused.append(table)
        return table
    memo[id(table)] = private
    for block in private._mgr.blocks:
        if block.dtype == object:
            for place, part in enumerate(block.values.flat):
                block.values.flat[place] = by_parts(part, memo, refused)
    _own_notes(private, memo, refused)
    return private


def _own_notes(table: Any, memo: dict[int, Any], refused: list[Any]) -> None:
    """Copy what a table of a user's class carries along, which pandas' own copies share."""
    for name in table._metadata:
        note = getattr(table, name, None)
        if type(note) not in ATOMIC:
            object.__setattr__(table, name, by_parts(note, memo, refused))


def _with_own_notes(rule: Rule) -> Rule:
    """The rule for tables of a user's class, by that for pandas' own."""

    def noted(table: Any, alone: bool) -> Snapshot | None:
        try:
            return _noted(rule, table, alone)
        except Exception:  # its class copies in a way of its own, or not at all
            return None

    return noted


def _noted(rule: Rule, table: Any, alone: bool) -> Snapshot | None:
    if type(table.copy(deep=False)) is not type(table):
        return None  # pandas makes a plain one of it, a pickle doesn't
    held = rule(table, alone)
    if held is None:
        return None
    refused: list[Any] = []
    _own_notes(held.value, {id(table): held.value}, refused)
    return None if refused else type(held)(held.value, partial(_noted_copy, held.how))


def _noted_copy(how: Callable[[Any], Any], table: Any) -> Any:
    private = how(table)
    _own_notes(private, {id(table): private}, [])
    return private


def _has_changing_objects(block: Any) -> bool:
    return block.dtype == object and not ATOMIC.issuperset(map(type, block.values.flat))


def _table_without_sharing(table: Any, _alone: bool) -> Snapshot | None:
    if any(map(_has_changing_objects, table._mgr.blocks)):
        return None
    private = table.copy(deep=True)
    private._mgr.axes = [_own_index(axis) for axis in private._mgr.axes]
    return Snapshot(private, _deep_table)


def _deep_table(table: Any) -> Any:
    return _with_fresh_ranges(table.copy(deep=True))


def _table(table: Any, alone: bool) -> Snapshot | None:
    if any(map(_has_changing_objects, table._mgr.blocks)):
        return None
    private = table if alone and _is_bare(table) else table.copy(deep=False)
    manager = private._mgr
    manager.axes = [_own_index(axis) for axis in manager.axes]
    _own_what_others_see(manager)
    _own_categories(manager)
    return _TableSnapshot(private, _shared_table)


def _is_bare(table: Any) -> bool:
    """Return True if a table has nothing but its columns, so that it may move as it is."""
    return not table.attrs and vars(table).keys() <= _BARE and getweakrefcount(table) == 0


_BARE = {"_mgr", "_attrs", "_flags", "_name"}


def _own_what_others_see(manager: Any) -> None:
    for block in manager.blocks:
        if not _only_pandas_sees(block):
            _own(block)


def _own_categories(manager: Any) -> None:
    """Let nobody write to the categories of categorical columns: all copies share them."""
    for block in manager.blocks:
        categories = getattr(block.values.dtype, "categories", None)
        if categories is not None:
            own = type(block.values.dtype)(_own_index(categories), block.values.dtype.ordered)
            block.values = type(block.values)._simple_new(block.values._ndarray, own)


class _TableSnapshot(Snapshot):
    """A pandas frame or series whose memory only frames see, which pandas keeps apart."""

    __slots__ = ()

    def move(self) -> Any:
        # A reader may have made an Arrow table or a numpy view of its copy, without copying:
        # pandas doesn't know of those and would write into them.
        _own_what_others_see(self.value._mgr)
        return self.value if getrefcount(self.value) == ALONE else self.copy()


def _shared_table(table: Any) -> Any:
    """A copy that shares its columns with ``table`` until either of the two is written to."""
    shared = _with_fresh_ranges(table.copy(deep=False))
    for block in shared._mgr.blocks:
        if not _is_guarded(block.values):
            _own(block)
    return shared


def _with_fresh_ranges(copy: Any) -> Any:
    """A copied table whose axes, which are views, share no array that can be written to."""
    manager = copy._mgr
    manager.axes = [axis[:] if hasattr(axis, "_range") else axis for axis in manager.axes]
    return copy


def _own(block: Any) -> None:
    """Give a block memory of its own."""
    block.values = block.values.copy()
    block.refs = type(block.refs)(block)


def _is_guarded(values: Any) -> bool:
    """Return True if copy-on-write guards a block's values once two frames share them.

    The arrays of pandas' own (categories, nullable numbers, dates, ...) can be written to
    around it, by ``series.array[...] = ...``; copying those that Arrow backs costs nothing.
    """
    return type(values) is sys.modules["numpy"].ndarray


_TIMES = {"DatetimeArray", "TimedeltaArray", "PeriodArray"}  # each around a numpy array


def _only_pandas_sees(block: Any) -> bool:
    """Return True if every reference to a block's memory is one that pandas' copy-on-write knows.

    Otherwise somebody sees it through numpy: the array that the frame was made of with
    ``copy=False``, a view such as ``frame.to_numpy()``, an Arrow table. Counted are the
    references to what the blocks hold, to the arrays in it, and to the owner of their memory.
    """
    guarded = _is_guarded(block.values)
    if not guarded and type(block.values).__name__ not in _TIMES:
        return False
    if guarded and not block.refs.has_reference():
        return _is_seen_by_its_block_alone(block)
    sharers = [sharer for ref in block.refs.referenced_blocks if (sharer := ref()) is not None]
    if not guarded and len(sharers) > 1:
        return False
    # No name may refer to an array below: it would count.
    arrays = _counted(sharers, _values_of)
    if not guarded:
        if not _all_known(arrays):
            return False
        if not all(hasattr(group[0], "_ndarray") for group in arrays.values()):
            return False
        arrays = _counted([group[0] for group in arrays.values()], _array_in)
    if not all(_is_guarded(group[0]) for group in arrays.values()):
        return False  # ``astype`` may share one memory between numbers and dates
    owners = _counted([group[0] for group in arrays.values()], _owner)
    if len(owners) != 1:
        return False
    ((key, owner),) = owners.items()
    if type(owner[0]).__name__ not in _OWNERS or getattr(owner[0], "base", None) is not None:
        return False
    if not all(group[0].flags.writeable for group in arrays.values()):
        return False  # an Arrow table's, or closed by its maker
    by_blocks = arrays.pop(key)[1] if key in arrays else 0
    return _all_known(arrays) and references(owner, 0) == 1 + len(arrays) + by_blocks


def _is_seen_by_its_block_alone(block: Any) -> bool:
    """The same for a block that shares with no other: most do, and it is five times faster."""
    if getrefcount(block.values) != ALONE or not block.values.flags.writeable:
        return False
    owner = [block.values.base]
    if owner[0] is None:
        return bool(block.values.flags.owndata)
    if type(owner[0]).__name__ not in _OWNERS or getattr(owner[0], "base", None) is not None:
        return False
    return references(owner, 0) == 2


_OWNERS = {"ndarray", "PyCapsule"}  # not a mapped file, whoever else maps it


def _counted(holders: list[Any], held_by: Callable[[Any], Any]) -> dict[int, list[Any]]:
    """id -> the object, and how many of the holders hold it."""
    groups: dict[int, list[Any]] = {}
    for holder in holders:
        groups.setdefault(id(held_by(holder)), [held_by(holder), 0])[1] += 1
    return groups


def _all_known(groups: dict[int, list[Any]]) -> bool:
    return all(references(group, 0) == 1 + group[1] for group in groups.values())


def _values_of(sharer: Any) -> Any:
    """The array of a block, or of an index that was made of a column."""
    return sharer.values if hasattr(sharer, "mgr_locs") else sharer._data


def _array_in(values: Any) -> Any:
    return values._ndarray


def _owner(array: Any) -> Any:
    return array if array.base is None else array.base


def _index(index: Any, _alone: bool) -> Snapshot:
    return Snapshot(_own_index(index), _fresh_index)


# Arrays of indexes that are ours, and that nobody can write to: id -> array.
_own_arrays: WeakValueDictionary[int, Any] = WeakValueDictionary()


def _own_index(index: Any) -> Any:
    """An index that nobody can write to: pandas never does, but ``numpy.asarray(index)`` could.

    An index counts as immutable, so making its array read-only hinders nobody.
    """
    if all(_own_arrays.get(id(array)) is array for array in _arrays_of(index)):
        return _fresh_index(index)
    index = index.copy(deep=True)
    for array in _arrays_of(index):
        array.flags.writeable = False
        _own_arrays[id(array)] = array
    return index


def _fresh_index(index: Any) -> Any:
    """Another index object over the same data: its names can be changed."""
    # Views of a RangeIndex share a cached array that can be written to; a slice has its own.
    return index[:] if hasattr(index, "_range") else index.view()


def _arrays_of(index: Any) -> list[Any]:
    if hasattr(index, "_range"):
        return []
    if hasattr(index, "_levels"):
        return [array for level in index._levels for array in _arrays_of(level)]
    array = getattr(index._data, "_ndarray", index._data)
    return [array] if type(array) is sys.modules["numpy"].ndarray else []


# --- content ------------------------------------------------------------------------------


def content_of(pandas: Any, kind: type) -> Content | None:
    """Frames, series, indexes, columns and their types; single values of dates and the like."""
    if issubclass(kind, pandas.DataFrame):
        return Content(_described_frame)
    if issubclass(kind, pandas.Series):
        return Content(_described_series)
    if issubclass(kind, pandas.Index):
        return Content(_described_index, is_immutable=True)
    if issubclass(kind, pandas.api.extensions.ExtensionArray):
        return _content_of_column(pandas, kind)
    if issubclass(kind, pandas.CategoricalDtype):
        return Content(lambda dtype: (dtype.categories, dtype.ordered), is_immutable=True)
    if kind is pandas.Interval:
        return Content(lambda each: (each.left, each.right, each.closed), is_immutable=True)
    if kind in (pandas.Timestamp, pandas.Timedelta, pandas.Period, type(pandas.NaT)):
        return Content(_described_time, is_leaf=True, is_immutable=True)
    return Content(repr, is_leaf=True, is_immutable=True) if kind is type(pandas.NA) else None


def _described_time(time: Any) -> tuple[Any, ...]:
    zone = getattr(time, "tz", None)
    about = (getattr(time, "unit", None), getattr(time, "freqstr", None), getattr(time, "fold", 0))
    count = getattr(time, "ordinal", None) if hasattr(time, "freqstr") else time._value
    return count, *about, zone and f"{type(zone).__qualname__} {zone}"


def _described_frame(frame: Any) -> tuple[Any, ...]:
    places: dict[Any, list[int]] = {}
    for place, dtype in enumerate(frame.dtypes):
        is_text = dtype.kind == "O" and are_default_texts(frame.iloc[:, place].array)
        places.setdefault("text" if is_text else dtype, []).append(place)
    columns = [_described_columns(frame, dtype, at) for dtype, at in places.items()]
    return frame.index, frame.columns, list(places.values()), columns, *_notes(frame)


def _described_columns(frame: Any, dtype: Any, places: list[int]) -> Any:
    """All columns of one type, for one by one is fifty times slower where there are many."""
    if dtype == "text" or not _is_plain(dtype):
        return [_described_column(frame.iloc[:, place].array) for place in places]
    if dtype.kind == "O":
        part = frame if len(places) == frame.shape[1] else frame.iloc[:, places]
        return "O", part.to_numpy().ravel(order="F").tolist()
    return dtype.str, Memory(_memory_of(frame, places))


_TOGETHER: Final = 8 << 20  # bytes of columns that are brought together at a time


def _memory_of(frame: Any, places: list[int]) -> Iterator[Any]:
    """The bytes of a frame's columns of one type, one column after the other."""
    n_rows = max(frame.shape[0], 1)
    step = max(1, _TOGETHER // (n_rows * frame.dtypes.iloc[places[0]].itemsize))
    for start in range(0, len(places), step):
        some = places[start : start + step]
        part = frame if len(some) == frame.shape[1] else frame.iloc[:, some]
        values = part.to_numpy().T
        if not values.flags.c_contiguous:
            values = values.copy(order="C")
        yield values.reshape(-1).view("u1")


def _is_plain(dtype: Any) -> bool:
    """Return True for a type of numpy's without padding."""
    return (
        type(dtype).__module__.startswith("numpy")
        and dtype.kind in "biufcmMO"
        and (dtype.char not in "gG")
    )


def _described_series(series: Any) -> tuple[Any, ...]:
    return series.index, series.name, _described_column(series.array), *_notes(series)


def _notes(table: Any) -> tuple[Any, ...]:
    """The notes that a table carries along, and those of a user's class."""
    own = [(name, getattr(table, name, None)) for name in table._metadata if name != "_name"]
    return dict(table.attrs), table.flags.allows_duplicate_labels, own


def _described_index(index: Any) -> tuple[Any, ...]:
    if hasattr(index, "_range"):
        return (index.name, index.start, index.stop, index.step)
    if hasattr(index, "levels"):  # how they are encoded is layout
        levels = [index.get_level_values(place) for place in range(index.nlevels)]
        return tuple(map(_described_index, levels))
    return index.name, getattr(index, "freqstr", None), _described_column(index.array)


def _content_of_column(pandas: Any, kind: type) -> Content | None:
    arrays = pandas.arrays
    known = (
        *(arrays.BooleanArray, arrays.FloatingArray, arrays.IntegerArray, arrays.IntervalArray),
        *(arrays.DatetimeArray, arrays.NumpyExtensionArray, arrays.PeriodArray),
        *(arrays.SparseArray, arrays.StringArray, arrays.TimedeltaArray, pandas.Categorical),
    )
    return Content(_described_column) if issubclass(kind, known) else None


def _described_column(column: Any) -> Any:
    """A column that says by its type what its values don't, such as its kind of text."""
    if are_default_texts(column):
        return described_texts(column)
    dtype = column.dtype
    about = repr(dtype)
    if hasattr(column, "codes") and hasattr(column, "categories"):
        return _bytes(column.codes), column.categories, bool(column.ordered)
    if hasattr(column, "asi8"):
        return about, _bytes(column.asi8)
    if hasattr(dtype, "numpy_dtype") and hasattr(column, "_mask"):
        shown = column.to_numpy(dtype=dtype.numpy_dtype, na_value=dtype.numpy_dtype.type(0))
        return about, _bytes(shown), _bytes(column.isna())
    if hasattr(column, "sp_values"):
        places = column.sp_index.to_int_index().indices
        return about, len(column), _values(column.sp_values), _values(places), column.fill_value
    if hasattr(column, "closed"):
        return about, column.left, column.right
    if type(column).__name__ == "NumpyExtensionArray":
        return about, repr(getattr(dtype, "na_value", None)), _values(column.to_numpy())
    if type(column).__name__ in ("StringArray", "StringArrayNumpySemantics"):
        return about, column.to_numpy(dtype=object, na_value=None).tolist()
    if hasattr(column, "__arrow_array__") and hasattr(dtype, "pyarrow_dtype"):
        return about, column.__arrow_array__()
    if hasattr(column, "_pa_array"):  # texts that Arrow holds
        return about, column.__arrow_array__()
    return about, column  # of another library


def _values(array: Any) -> Any:
    """An array, as a new object: that two frames share one is how they lie in memory."""
    return _bytes(array) if _is_plain(array.dtype) and array.dtype != object else array.copy()


def _bytes(array: Any) -> tuple[str, Memory]:
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    return array.dtype.str, Memory([array.view("u1")])
