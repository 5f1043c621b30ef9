"""numpy arrays and scalars.

An array moves while nobody else sees it, and is copied otherwise. Its content is its type, its
shape and its values, in whatever order they lie in memory.
"""

from __future__ import annotations

import sys
from _weakref import getweakrefcount
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from linepipe_core._restore import array_of_dtype, global_random, read_only, transposed
from linepipe_core._values.adapter import LARGE_BYTES, Content, Copier, Memory
from linepipe_core._values.snapshot import ATOMIC, Rule, Snapshot, as_is

__all__ = [
    *("RANDOM", "READERS", "SAMPLERS", "SEEDED"),
    *("content_of", "copier_of", "reducers", "rule_of"),
]

READERS: Final = (
    "numpy.random.",
    *("numpy.fromfile", "numpy.genfromtxt", "numpy.load", "numpy.loadtxt", "numpy.memmap"),
)
# A Generator has the seed of the bits that it is given.
SEEDED: Final = (
    *("BitGenerator", "MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"),
    *("Generator", "RandomState", "SeedSequence", "default_rng"),
)
SAMPLERS: Final = ("numpy.random.",)
RANDOM: Final = ("numpy.random.",)


def rule_of(numpy: Any, kind: type) -> Rule | None:
    """An array's copy; its scalars and types never change."""
    if kind is numpy.ndarray or kind in (numpy.matrix, numpy.recarray):
        return _array
    if kind is numpy.memmap:
        return _memmap
    if not kind.__module__.startswith("numpy"):
        return None
    if kind.__name__ == "RandomState":
        return _random
    if issubclass(kind, numpy.dtype | numpy.ufunc):
        return as_is
    if issubclass(kind, numpy.generic) and not issubclass(kind, numpy.void | numpy.object_):
        return as_is
    return None


def _array(array: Any, alone: bool) -> Snapshot | None:
    if array.dtype.hasobject and not _is_flat(array):
        return None
    owned = array.base is None and array.flags.owndata
    if not (alone and owned and getweakrefcount(array) == 0):
        array = array.copy(order="K")
    elif not array.flags.writeable:
        array.flags.writeable = True  # a reader may change what it gets
    return Snapshot(array, _copied_array)


def _copied_array(array: Any) -> Any:
    return array.copy(order="K")


def _is_flat(array: Any) -> bool:
    """Return True if an array of objects holds nothing that may change."""
    return array.dtype == object and ATOMIC.issuperset(map(type, array.flat))


def _memmap(array: Any, alone: bool) -> Snapshot | None:
    # Who maps a file read-only does so because it may be larger than the memory.
    return as_is(array, alone) if array.mode == "r" else _array(array, alone)


def _random(random: Any, alone: bool) -> Snapshot | None:
    """The generator of numpy's own functions isn't copied: a copy wouldn't follow its seed."""
    return as_is(random, alone) if random is _global_random() else None


def _global_random() -> Any:
    """The generator that numpy's own functions draw from, and the distributions of scipy."""
    return sys.modules["numpy.random.mtrand"]._rand


def copier_of(_numpy: Any, _kind: type) -> Copier | None:
    """None: what has no rule is pickled or copied by `copy.deepcopy`."""
    return None


def reducers(numpy: Any) -> Mapping[type, Callable[[Any], Any]]:
    """Arrays of dates, and those that aren't contiguous, out of band as well.

    All come back writable: what a reader gets is its own, as without the shelf.
    """
    arrays: Mapping[type, Callable[[Any], Any]]
    arrays = {numpy.ndarray: _reduced, numpy.memmap: _reduced_map}
    if "numpy.random" not in sys.modules:
        return arrays
    return {**arrays, numpy.random.RandomState: _reduced_random}


def _reduced_random(random: Any) -> Any:
    if random is _global_random():
        return global_random, (sys.modules["numpy"].__name__,)
    return random.__reduce__()


def _reduced(array: Any) -> Any:
    if array.dtype.hasobject:
        return array.__reduce_ex__(5)
    if not _is_contiguous(array) or (array.nbytes < LARGE_BYTES and not array.flags.writeable):
        array = array.copy(order="K")
    if array.nbytes < LARGE_BYTES:
        return array.__reduce_ex__(5)
    if not _is_contiguous(array):  # its axes are permuted
        axes = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
        return transposed, (array.transpose(axes), tuple(map(axes.index, range(array.ndim))))
    if not array.flags.writeable:
        array = _writable(array)
    if array.dtype.kind in "mM":  # dates refuse the buffer protocol; the integers in them don't
        return array_of_dtype, (array.view("i8"), array.dtype)
    return array.__reduce_ex__(5)


def _reduced_map(array: Any) -> Any:
    # One that is mapped to be read is passed as it is without the shelf, see `_memmap`.
    if array.mode != "r":
        return array.__reduce_ex__(5)
    return read_only, (array.view(sys.modules["numpy"].ndarray), type(array))


def _is_contiguous(array: Any) -> bool:
    return bool(array.flags.c_contiguous or array.flags.f_contiguous)


class _Bytes:
    """The memory of an array, of which numpy is to make a writable one; nobody writes to it."""

    def __init__(self, array: Any) -> None:
        place = array.__array_interface__["data"][0], False
        shape = (array.nbytes,)
        self.__array_interface__ = {"data": place, "shape": shape, "typestr": "|u1", "version": 3}
        self.owner = array


def _writable(array: Any) -> Any:
    """The same memory as a writable array, for pickle makes one again like the one that it got."""
    numpy = sys.modules["numpy"]
    order = "C" if array.flags.c_contiguous else "F"
    return numpy.ndarray(array.shape, array.dtype, numpy.asarray(_Bytes(array)), order=order)


# --- content ------------------------------------------------------------------------------


def content_of(numpy: Any, kind: type) -> Content | None:
    """Arrays, scalars, types and generators of random numbers."""
    if issubclass(kind, numpy.ndarray):
        return _content_of_arrays(numpy, kind)
    if issubclass(kind, numpy.generic):
        if issubclass(kind, numpy.void):  # it can be written to, field by field
            return Content(_scalar_as_array)
        if issubclass(kind, numpy.longdouble | numpy.clongdouble):  # padded
            return Content(_scalar_as_array, is_immutable=True)
        return Content(_scalar, is_leaf=True, is_immutable=True)
    if issubclass(kind, numpy.dtype):
        return Content(repr, is_leaf=True, is_immutable=True)
    random = getattr(numpy, "random", None)
    if random is None:
        return None
    if kind is random.RandomState:
        return Content(_state_of_legacy)
    if kind is random.Generator:
        return Content(_state_of_generator)
    if issubclass(kind, random.BitGenerator):
        return Content(_state_of_bits)
    if kind is random.SeedSequence:
        return Content(_state_of_seed)
    return None


def _content_of_arrays(numpy: Any, kind: type) -> Content | None:
    if kind is numpy.ndarray or kind is numpy.memmap:
        return Content(_described, counts_as=numpy.ndarray)
    if issubclass(kind, numpy.ma.MaskedArray):
        return Content(_described_masked) if kind is numpy.ma.MaskedArray else None
    own_state: Any = kind
    if own_state.__reduce__ is not numpy.ndarray.__reduce__:
        return None
    return Content(_described_derived)


def _described(array: Any) -> tuple[Any, ...]:
    """The type, shape and values of an array, in the order of its indices."""
    if array.dtype.str.startswith(">") or array.dtype.names:
        # The order of bytes is layout: numpy's own pickle changes it to the machine's.
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    dtype = array.dtype
    if dtype.names:  # field by field: what pads them is whatever lay there
        fields = [_described(array[name]) for name in dtype.names]
        return (repr(dtype), array.shape, *fields)
    if dtype.hasobject:
        named = dtype.str if dtype.kind == "O" else repr(dtype)  # texts of any length
        return named, array.shape, array.ravel().tolist()
    return dtype.str, array.shape, Memory(_memory_of(array))


_PIECE: Final = 8 << 20  # bytes of a scattered array that are copied at a time


def _memory_of(array: Any) -> Iterator[Any]:
    """The bytes of an array in the order of its indices, without the padding of long doubles."""
    if array.dtype.char in "gG":
        array = array.copy(order="C").reshape(-1).view("g")
        used = 10 if array.itemsize == 16 and _has_80_bits(array.dtype) else array.itemsize
        yield array.view("u1").reshape(-1, array.itemsize)[:, :used].copy().reshape(-1)
    elif array.flags.c_contiguous:
        yield array.reshape(-1).view("u1")
    elif array.nbytes <= _PIECE or array.ndim < 2:
        yield array.copy(order="C").reshape(-1).view("u1")
    else:
        for part in array:
            yield from _memory_of(part)


def _has_80_bits(dtype: Any) -> bool:
    return bool(sys.modules["numpy"].finfo(dtype).nmant == 63)


def _described_masked(array: Any) -> tuple[Any, ...]:
    """A masked array; under its mask lies whatever was computed there."""
    numpy = sys.modules["numpy"]
    mask = numpy.ma.getmaskarray(array)
    shown = numpy.array(array.data, order="C")
    _clear(shown, mask)
    notes = array._optinfo or {}
    fill = numpy.asarray(array.fill_value)
    return *_described(shown), _described(mask), _described(fill), array.hardmask, dict(notes)


def _clear(shown: Any, mask: Any) -> None:
    """Put zeros where a mask, of each field or of all, is set."""
    if shown.dtype.names is None:
        shown[mask] = sys.modules["numpy"].zeros((), shown.dtype)
    for name in shown.dtype.names or ():
        _clear(shown[name], mask[name])


def _described_derived(array: Any) -> tuple[Any, ...]:
    plain = array.view(sys.modules["numpy"].ndarray)
    return *_described(plain), sorted(getattr(array, "__dict__", {}).items())


def _scalar(value: Any) -> tuple[str, bytes]:
    return value.dtype.str, value.tobytes()


def _scalar_as_array(value: Any) -> tuple[Any, ...]:
    return _described(sys.modules["numpy"].asarray(value))


def _state_of_legacy(random: Any) -> tuple[Any, ...]:
    # Distributions of scipy hold the one that numpy's own functions use: it is no content. Nor is
    # that of their copies, which goes on from wherever the first one happened to be.
    if random is _global_random() or _is_copy(random, _global_random()):
        return ("the global one",)
    return (random.get_state(legacy=False),)


def _is_copy(random: Any, original: Any) -> bool:
    """Return True for a generator that began as another, which nobody seeded."""
    one, other = random._bit_generator.seed_seq, original._bit_generator.seed_seq
    return one is not None and other is not None and one.entropy == other.entropy


def _state_of_generator(generator: Any) -> tuple[Any, ...]:
    return (generator.bit_generator,)


def _state_of_bits(bits: Any) -> tuple[Any, ...]:
    return bits.state, bits.seed_seq


def _state_of_seed(seed: Any) -> tuple[Any, ...]:
    return seed.entropy, seed.spawn_key, seed.pool_size, seed.n_children_spawned
