"""Merges the configs and constants of two pipelines that are added.

Pure. What only one of them defines is taken over; what both define alike, by its content, is
theirs together; what both define differently is a conflict, and all conflicts are reported at
once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from enum import Enum
from typing import Any

from linepipe_core._declare.config import (
    ABSENT,
    CONFIG,
    MergedConfig,
    MergedMapping,
    available,
    describe_input,
    readable_part,
)
from linepipe_core._values.content_hash import ValueHasher
from linepipe_core._values.isolate import peek

__all__ = ["merge_configs", "merge_constants"]


def merge_constants(
    left: Mapping[str, Any], right: Mapping[str, Any], problems: list[str]
) -> dict[str, Any]:
    """The constants of both, as they are held; a conflict is appended to ``problems``."""
    merged = dict(left)
    for name, held in right.items():
        mine, theirs = peek(left.get(name, held)), peek(held)
        if not _are_same(mine, theirs):
            hint = f"settle it before adding: pipeline.bind({name}=...)"
            # Two copies of one object may be what differs.
            if kinds := ", ".join({**_without_content(mine), **_without_content(theirs)}):
                hint += f", or give it to one of them only: {kinds} can't be compared"
            problems.append(f"the constant {name!r} differs between them; {hint}")
        merged.setdefault(name, held)
    return merged


def _are_same(left: Any, right: Any) -> bool:
    """Return True for values of equal content.

    Functions and classes are the same if they are one object, and so is what has no content.
    """
    if left is right or type(left) is not type(right):
        return left is right
    hasher = ValueHasher(_identity, lambda _kind: True, identify=_identity)
    return hasher.digest(left) == hasher.digest(right)


def _without_content(value: Any) -> dict[str, None]:
    """The types of what in a value has no content to compare."""
    hasher = ValueHasher(_identity, lambda _kind: True)
    hasher.digest(value)
    return dict.fromkeys(hasher.untracked)


def _identity(found: Any) -> str:
    """The stand-in for code and for values without content, which both pipelines hold."""
    return str(id(found))


def merge_configs(left: Any, right: Any, problems: list[str]) -> Any:
    """The config of both; a conflict is appended to ``problems``.

    Two mappings are merged deeply. Of other objects the left is looked up first and then the
    right. A part that can't be read, such as a mandatory value that is still missing, counts
    as not defined; one that both mappings have and neither can read is a conflict.
    """
    if left is None or right is None:
        return right if left is None else left
    return _Configs(problems).merged(left, right, CONFIG)


class _Configs:
    """Merges two configs, whose parts may refer back to what they are parts of."""

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        # By identity, with both objects, or others could get their ids.
        self._merged: dict[tuple[int, int], tuple[Any, Any, Any]] = {}
        self._referred: set[tuple[int, int]] = set()

    def merged(self, left: Any, right: Any, path: str) -> Any:
        pair = id(left), id(right)
        if pair in self._merged:
            self._referred.add(pair)
            return self._merged[pair][2]
        if _are_same(left, right) and self._read_alike(left, right):
            return left
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            return self._of_mappings(left, right, path)
        if _has_parts(left) and _has_parts(right):
            return self._of_objects(left, right, path)
        return self._refused(left, right, path)

    def _read_alike(self, left: Any, right: Any) -> bool:
        """Return True if mappings of one hash show the same, too.

        A view such as a parser's section holds the parser, which holds it: as a part of that
        it is hashed by its name alone.
        """
        if type(left) is dict or not isinstance(left, Mapping):
            return True
        return left.keys() == right.keys() and all(
            _are_same(readable_part(left, key), readable_part(right, key)) for key in left
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
            elif _are_same(key, their_keys.get(key, key)):  # found, but listed otherwise
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
    """Return True if a value is made of named parts, so that two of them can be merged."""
    if isinstance(value, Mapping) or _declares_parts(value):
        return True
    is_frame = hasattr(type(value), "__len__") and hasattr(type(value), "shape")
    if is_frame or isinstance(value, (Enum, Sequence, Set)):
        return False
    return hasattr(value, "__dict__") and (isinstance(value, type) or not callable(value))


def _declares_parts(value: Any) -> bool:
    return hasattr(type(value), "model_fields") or hasattr(type(value), "__dataclass_fields__")


def _explain_all(left: Any, right: Any) -> bool:
    """Return True if the names that two objects have tell all in which they may differ.

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
