"""The seam between linepipe and the libraries whose values it knows.

One adapter a library, as a module beside this one: isolation, content hashes, the shelf and the
reading of code ask it alike, so that nothing else in linepipe knows the library. An adapter is
loaded only when the library is, and a value of the library turns up. A new one is a file and a
line of `ADAPTERS`.
"""

from __future__ import annotations

import copyreg
import sys
from _thread import get_ident  # as in `rules`: `threading` would have to be read from disk
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final, Protocol, TypeAlias

from linepipe_core._values.registered import registered_reducers
from linepipe_core._values.snapshot import Rule

__all__ = [
    "ADAPTERS",
    "LARGE_BYTES",
    "Adapter",
    "Content",
    "Copier",
    "Memory",
    "adapter_of",
    "content_of",
    "copier_of",
    "is_random",
    "is_reader",
    "is_sampler",
    "known_rule",
    "reducers",
    "top_module",
]

ADAPTERS: Final = {
    "numpy": "linepipe_core._values.numpy",
    "pandas": "linepipe_core._values.pandas",
    "polars": "linepipe_core._values.polars",
    "pyarrow": "linepipe_core._values.arrow",
    "torch": "linepipe_core._values.torch",
}
"""The adapter of each library, by the top module of its types."""

_loading: Final[set[tuple[str, int]]] = set()  # adapters, each with the thread that loads it

# Below this a buffer stays in the pickle: a file of its own costs a sync (0.2 ms here),
# more than copying 64 KiB in and out of SQLite.
LARGE_BYTES: Final = 1 << 16


class Memory:
    """Memory that is content: the bytes of some buffers, one after the other.

    Args:
        buffers: C-contiguous buffers of bytes. They may be made one by one while they are read,
            so that a copy of what lies scattered is never there as a whole.

    Attributes:
        digest: the hash of the bytes, once somebody has asked for it.
        n_bytes: their number, as soon as there is a digest.
    """

    __slots__ = ("buffers", "digest", "n_bytes")

    digest: bytes | None

    def __init__(self, buffers: Iterable[Any]) -> None:
        self.buffers = buffers
        self.digest = None
        self.n_bytes = 0


class Content:
    """How to hash the values of one type.

    Attributes:
        describe: gives the parts of a value that are its content, in an order that says which is
            which: plain values, other values, and `Memory`. Layout, caches and padding are no
            content. It raises an exception if the value has no content of its own.
        is_leaf: True if the parts are numbers, texts, bytes and tuples of such: then many values
            are hashed at once.
        is_immutable: True if it doesn't count whether two places hold the same object.
        counts_as: another type, of which values of the same content count as the same.
    """

    __slots__ = ("counts_as", "describe", "is_immutable", "is_leaf")

    def __init__(
        self,
        describe: Callable[[Any], Any],
        is_leaf: bool = False,
        is_immutable: bool = False,
        counts_as: type | None = None,
    ) -> None:
        self.describe = describe
        self.is_leaf = is_leaf
        self.is_immutable = is_immutable
        self.counts_as = counts_as


Copier: TypeAlias = Callable[[Any, dict[int, Any], list[Any]], Any]
"""Gets a value, `copy.deepcopy`'s memo and a list for the parts that refuse; gives a copy."""


class Adapter(Protocol):
    """The knowledge of one library; `library` is its top module, loaded."""

    READERS: Collection[str]
    """Functions that read the outside world, as full names; a prefix ends with ``.`` or ``_``."""

    SEEDED: Collection[str]
    """Those among them that give the same each time if they get an argument: a seed."""

    SAMPLERS: Collection[str]
    """Those that give the same each time if they get ``generator=``, or after a call of the same
    library's that sets a seed; a prefix ends with ``.`` or ``_``."""

    RANDOM: Collection[str]
    """Prefixes of the full names of classes whose objects may begin anew in each process."""

    def rule_of(self, library: Any, kind: type, /) -> Rule | None:
        """The rule that isolates values of this type; None if linepipe has none for it.

        Asked of the library's types, and of users' classes that are derived from them.
        """

    def copier_of(self, library: Any, kind: type, /) -> Copier | None:
        """How to copy, part by part, a value with parts that may change on their own."""

    def content_of(self, library: Any, kind: type, /) -> Content | None:
        """How to hash values of this type; None if they count as other objects do."""

    def reducers(self, library: Any, /) -> Mapping[type, Callable[[Any], Any]]:
        """How to pickle what the library pickles in band although it need not."""


def adapter_of(top: str) -> Adapter:
    """The adapter of a library in `ADAPTERS`."""
    loading = top, get_ident()
    _loading.add(loading)
    try:
        adapter: Any = import_module(ADAPTERS[top])
    finally:
        _loading.discard(loading)
    return adapter  # type: ignore[no-any-return]  # a module that has what the Protocol asks for


def _has_adapter(top: str) -> bool:
    """Return True if a library has an adapter, and is loaded.

    Not inside a signal handler that interrupts the loading of the adapter, which isn't whole then:
    what the handler stores is treated as values of a library without one.
    """
    return top in ADAPTERS and top in sys.modules and (top, get_ident()) not in _loading


def known_rule(kind: type, top: str) -> Rule | None:
    """The rule of an adapter for a type of its library, or a class that is derived from one.

    Args:
        kind: the type.
        top: the library's top module, which may be none that has an adapter.
    """
    if not _has_adapter(top):
        return None
    return adapter_of(top).rule_of(sys.modules[top], kind)


def content_of(kind: type) -> Content | None:
    """How to hash values of a library's type, or of a class that is derived from one."""
    found = (a.content_of(library, kind) for a, library in _adapters_for(kind))
    return next(filter(None, found), None)


def copier_of(kind: type) -> Copier | None:
    """How to copy, part by part, values of a library's type or of a derived class."""
    found = (a.copier_of(library, kind) for a, library in _adapters_for(kind))
    return next(filter(None, found), None)


def _adapters_for(kind: type) -> Iterator[tuple[Adapter, Any]]:
    """The adapters of the libraries that a type or its bases come from, with the library."""
    for top in dict.fromkeys(map(top_module, kind.__mro__)):
        if _has_adapter(top):
            yield adapter_of(top), sys.modules[top]


def reducers() -> Mapping[type, Callable[[Any], Any]]:
    """The dispatch table for a pickler, if a library is loaded that has one; no other can occur."""
    table: dict[type, Callable[[Any], Any]] = {}
    for top in ADAPTERS:
        if _has_adapter(top):
            table.update(adapter_of(top).reducers(sys.modules[top]))
    registered = registered_reducers()
    if not table:
        return registered or table
    return {**(copyreg.dispatch_table if registered is None else registered), **table}


def is_reader(name: str, is_bare: bool) -> bool:
    """Return True if a library's function reads the outside world.

    Args:
        name: the function's full name, such as ``pandas.read_csv``.
        is_bare: True if it is called without an argument, which may be a seed.
    """
    top, dot, _ = name.partition(".")
    if not dot or top not in ADAPTERS:
        return False
    adapter = adapter_of(top)
    if not is_bare and name.rpartition(".")[2] in adapter.SEEDED:
        return False
    return any(_is_named(name, reader) for reader in adapter.READERS)


def is_sampler(name: str) -> bool:
    """Return True if a library's function gives the same each time once that has a seed.

    What makes a generator of its own isn't: it takes a seed of its own, or is another each time.
    """
    top = name.partition(".")[0]
    if top not in ADAPTERS:
        return False
    adapter = adapter_of(top)
    makes_generator = name.rpartition(".")[2] in adapter.SEEDED
    return not makes_generator and any(_is_named(name, each) for each in adapter.SAMPLERS)


def _is_named(name: str, reader: str) -> bool:
    return name.startswith(reader) if reader.endswith((".", "_")) else name == reader


def is_random(name: str) -> bool:
    """Return True if objects of a library's class, by its full name, may begin anew each time."""
    top = name.partition(".")[0]
    return top in ADAPTERS and name.startswith(tuple(adapter_of(top).RANDOM))


def top_module(kind: type) -> str:
    """The first part of the name of a type's module."""
    return str(kind.__module__).partition(".")[0]
