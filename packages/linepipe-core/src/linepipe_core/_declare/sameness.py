"""Whether what two pipelines define under one name is the same.

Apart from the hasher of values, which it asks only where it must: hashing costs ten times
what comparing does, and doesn't tell what is only itself.
"""

from __future__ import annotations

from marshal import dumps
from typing import Any, Final

from linepipe_core._values.content_hash import ValueHasher

__all__ = ["Sameness"]

_SCALARS: Final = frozenset({bool, bytes, int, str, type(None)})  # of one type, equal is same
_FLAT: Final = _SCALARS | {float}
_PLAIN: Final = 2  # a version of marshal without back references: equal values, equal bytes


class Sameness:
    """Whether two values are the same: by their content, type by type. 1 and True are not.

    Not by identity, for each pipeline holds a copy of its own of what it was given, and not by
    ``==``, which takes 1 for True, an array of one element for any other and nothing for NaN.
    Functions, classes and what can't be hashed aren't copied: these are the same if they are
    one object.

    Attributes:
        uncompared: the types of what, where the last two differ, only identity could tell.
    """

    def __init__(self) -> None:
        self.uncompared: tuple[str, ...] = ()
        self._hasher: ValueHasher | None = None
        self._compared: set[tuple[int, int]] = set()

    def __call__(self, left: Any, right: Any) -> bool:
        self.uncompared = ()
        self._compared.clear()
        try:
            return self._are_same(left, right)
        except RecursionError:
            return self._hash_same(left, right)

    def _are_same(self, left: Any, right: Any) -> bool:
        kind = type(left)
        if left is right or kind is not type(right):
            return left is right
        if kind in _SCALARS:
            return bool(left == right)
        if kind is float:  # NaN isn't equal to itself, and 0.0 is to -0.0
            return bool(left.hex() == right.hex())
        # Part by part as far as there are plain ones: hashing many small ones takes far longer.
        if kind is list or kind is tuple:
            return self._has_met(left, right) or self._parts_same(left, right)
        if kind is dict and _keys_tell(left, right):
            return left.keys() == right.keys() and (
                self._has_met(left, right)
                or self._parts_same(list(left.values()), [right[key] for key in left])
            )
        return self._hash_same(left, right)

    def _has_met(self, left: Any, right: Any) -> bool:
        """Whether the two came up before in this question: if they differ, it is told there."""
        n_before = len(self._compared)
        self._compared.add((id(left), id(right)))
        return len(self._compared) == n_before

    def _parts_same(
        self, left: list[Any] | tuple[Any, ...], right: list[Any] | tuple[Any, ...]
    ) -> bool:
        kinds = list(map(type, left))
        if kinds != list(map(type, right)):
            return False
        if _SCALARS.issuperset(kinds):
            return bool(left == right)
        if _FLAT.issuperset(kinds):
            return dumps(left, _PLAIN) == dumps(right, _PLAIN)
        return all(map(self._are_same, left, right))

    def _hash_same(self, left: Any, right: Any) -> bool:
        if self._hasher is None:
            self._hasher = ValueHasher(_address, lambda _kind: True, _looks)
        are_same = self._hasher.digest(left) == self._hasher.digest(right)
        if not are_same:
            self.uncompared = tuple(dict.fromkeys(self._hasher.untracked))
        self._hasher.untracked.clear()
        return are_same


def _keys_tell(left: dict[Any, Any], right: dict[Any, Any]) -> bool:
    """Whether keys that are equal are the same, being all texts or all ints."""
    kinds = {*map(type, left), *map(type, right)}
    return kinds <= {str} or kinds <= {int}


def _address(value: Any) -> str:
    """What stands for a value that only is what it is; the hasher keeps it alive meanwhile."""
    return str(id(value))


def _looks(value: Any) -> str:
    """What stands for a value that can't be hashed: its pickle if it has one, being nested deep."""
    import pickle
    from hashlib import blake2b

    try:
        return blake2b(pickle.dumps(value)).hexdigest()
    except Exception:  # a lock, an engine: whatever a class raises
        return _address(value)
