"""What two pipelines make of their configs and constants when they are added.

Pure. What only one of them defines is taken over; what both define alike is theirs together;
what both define differently is a conflict, and all conflicts are told at once.
"""

from __future__ import annotations

from _collections_abc import Mapping, Sequence, Set
from enum import Enum
from marshal import dumps

from linepipe_core.config import (
    ABSENT,
    CONFIG,
    MergedConfig,
    MergedMapping,
    available,
    readable_part,
)
from linepipe_core.describe import describe_input
from linepipe_core.snapshot import reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Final

    from linepipe_core.fingerprint import ValueHasher

__all__ = ["Sameness", "merge_configs", "merge_constants"]

_SCALARS: Final = frozenset({bool, bytes, int, str, type(None)})  # of one type, equal is same
_FLAT: Final = _SCALARS | {float}
_PLAIN: Final = 2  # a version of marshal without back references: equal values, equal bytes


def merge_constants(
    left: Mapping[str, Any], right: Mapping[str, Any], problems: list[str]
) -> dict[str, Any]:
    """The constants of both, as they are held; a conflict is appended to ``problems``."""
    merged, are_same = dict(left), Sameness()
    for name, held in right.items():
        if name in left and not are_same(reveal(left[name]), reveal(held)):
            hint = f"settle it before adding: pipeline.bind({name}=...)"
            if are_same.uncompared:  # two copies of one object may be what differs
                kinds = ", ".join(are_same.uncompared)
                hint += f", or give it to one of them only: {kinds} can't be compared"
            problems.append(f"the constant {name!r} differs between them; {hint}")
        merged.setdefault(name, held)
    return merged


def merge_configs(left: Any, right: Any, problems: list[str]) -> Any:
    """The config of both; a conflict is appended to ``problems``.

    Two mappings are merged deeply. Of other objects the left is looked up first and then the
    right. A part that can't be read, such as a mandatory value that is still missing, counts
    as not defined; one that both mappings have and neither can read is a conflict.
    """
    if left is None or right is None:
        return right if left is None else left
    return _Configs(problems).merged(left, right, CONFIG)


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
            from linepipe_core.fingerprint import ValueHasher  # inspect, pickle: when it must

            self._hasher = ValueHasher(_address, _looks)
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


class _Configs:
    """Merges two configs, whose parts may refer back to what they are parts of."""

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        self._are_same = Sameness()
        # By identity, with both objects, or others could get their ids.
        self._merged: dict[tuple[int, int], tuple[Any, Any, Any]] = {}
        self._referred: set[tuple[int, int]] = set()

    def merged(self, left: Any, right: Any, path: str) -> Any:
        pair = id(left), id(right)
        if pair in self._merged:
            self._referred.add(pair)
            return self._merged[pair][2]
        if self._are_same(left, right) and self._read_alike(left, right):
            return left
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            return self._of_mappings(left, right, path)
        if _has_parts(left) and _has_parts(right):
            return self._of_objects(left, right, path)
        return self._refused(left, right, path)

    def _read_alike(self, left: Any, right: Any) -> bool:
        """Whether mappings of one hash show the same, too.

        A view such as a parser's section holds the parser, which holds it: as a part of that
        it is hashed by its name alone.
        """
        if type(left) is dict or not isinstance(left, Mapping):
            return True
        return left.keys() == right.keys() and all(
            self._are_same(readable_part(left, key), readable_part(right, key)) for key in left
        )

    def _of_mappings(self, left: Mapping[Any, Any], right: Mapping[Any, Any], path: str) -> Any:
        if type(left) is dict and type(right) is dict:
            return self._filled({}, left, right, path)
        merged = self._filled(MergedMapping(), left, right, path)
        pair = id(left), id(right)
        # A mapping of the left's kind might make something else of the right's lists and dicts.
        # One that holds itself is held already.
        if type(left) is not type(right) or pair in self._referred:
            return merged
        rebuilt = _rebuilt(type(left), merged)
        self._merged[pair] = left, right, rebuilt
        return rebuilt

    def _filled(
        self, merged: dict[Any, Any], left: Mapping[Any, Any], right: Mapping[Any, Any], path: str
    ) -> dict[Any, Any]:
        self._merged[id(left), id(right)] = left, right, merged
        my_keys, their_keys = dict.fromkeys(left), {key: key for key in right}
        for key in my_keys | their_keys:
            mine, theirs = readable_part(left, key), readable_part(right, key)
            below = f"{path}.{key}"
            if mine is ABSENT and theirs is ABSENT:
                if key in my_keys and key in their_keys:
                    self._problems.append(f"{below!r} can't be read in either: give it a value")
            elif mine is ABSENT or theirs is ABSENT:
                merged[key] = theirs if mine is ABSENT else mine
            elif self._are_same(key, their_keys.get(key, key)):  # found, but listed otherwise
                merged[key] = self.merged(mine, theirs, below)
            else:  # 1 and True
                self._refused(key, their_keys[key], below)
        return merged

    def _of_objects(self, left: Any, right: Any, path: str) -> Any:
        common: dict[str, Any] = {}
        merged = MergedConfig(left, right, common)
        self._merged[id(left), id(right)] = left, right, merged
        n_problems, explained = len(self._problems), _explain_all(left, right)
        for name in _common_names(left, right):
            mine, theirs = readable_part(left, name), readable_part(right, name)
            if mine is not ABSENT and theirs is not ABSENT:
                common[name] = self.merged(mine, theirs, f"{path}.{name}")
                explained = explained or common[name] is not mine
        if not explained and n_problems == len(self._problems):
            return self._refused(left, right, path)
        return merged

    def _refused(self, left: Any, right: Any, path: str) -> Any:
        self._problems.append(
            f"{path!r} differs between them: "
            f"{describe_input(path, left)} and {describe_input(path, right)}"
        )
        return left


def _rebuilt(kind: type, merged: dict[Any, Any]) -> Any:
    """The merged parts as a mapping of that kind, which may be read in ways of its own."""
    make: Any = kind
    try:
        rebuilt = make(dict(merged))
        if all(rebuilt[key] is part or rebuilt[key] == part for key, part in merged.items()):
            return rebuilt
    except Exception:  # whatever a user's mapping raises that is made of something else
        pass
    return merged


def _has_parts(value: Any) -> bool:
    """Whether a value is made of named parts, so that two of them can be merged."""
    if isinstance(value, Mapping) or _declares_parts(value):
        return True
    is_frame = hasattr(type(value), "__len__") and hasattr(type(value), "shape")
    if is_frame or isinstance(value, (Enum, Sequence, Set)):
        return False
    return hasattr(value, "__dict__") and (isinstance(value, type) or not callable(value))


def _declares_parts(value: Any) -> bool:
    return hasattr(type(value), "model_fields") or hasattr(type(value), "__dataclass_fields__")


def _explain_all(left: Any, right: Any) -> bool:
    """Whether the names that two objects have tell all in which they may differ.

    Two objects of one type with the same public parts may still differ, in what is private.
    """
    return (
        type(left) is not type(right)
        or isinstance(left, MergedConfig)
        or _declares_parts(left)
        or set(available(left)) != set(available(right))
    )


def _common_names(left: Any, right: Any) -> Iterable[str]:
    theirs = set(available(right))
    return [name for name in available(left) if name in theirs]
