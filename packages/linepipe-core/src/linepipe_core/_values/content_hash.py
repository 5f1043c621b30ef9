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
import os
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

from linepipe_core._values.adapter import Memory, content_of
from linepipe_core._values.file import File, content_of_path
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
        files: the path of each File met -> the hash of its content; empty if it isn't there.
    """

    def __init__(
        self,
        reach: Callable[[Any], str],
        is_own: Callable[[type], bool],
        looks: Callable[[Any], str] | None = None,
    ) -> None:
        self.untracked: list[str] = []
        self.files: dict[str, str] = {}
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
        if kind is File:
            return self._of_file(os.fspath(value))
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
        if kind is Memory:
            return _hashed(b"memory", b"".join(map(hash_buffer, value.buffers)))
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
        content = content_of(kind)
        if content is not None:
            try:
                kind_code = self._encoded(content.counts_as or kind)
                return self._of_described(kind_code, content.describe(value))
            except RecursionError:
                raise
            except Exception:  # a frame of Python objects, say, that polars refuses to write
                return self._by_its_looks(value, kind.__qualname__)
        return self._of_object(value)

    def _of_file(self, path: str) -> bytes:
        if path not in self.files:
            try:
                self.files[path] = content_of_path(path).digest
            except OSError:  # it isn't there, or can't be read
                self.files[path] = ""
        return self._of_sequence(b"file", (path, self.files[path]))

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

    def _of_described(self, name: bytes, parts: Any) -> bytes:
        return self._of_sequence(name, parts if isinstance(parts, tuple) else (parts,))


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
