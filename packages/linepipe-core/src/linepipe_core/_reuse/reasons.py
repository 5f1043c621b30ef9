"""Reasons why a node runs or is reused, from what was recorded and what is there today.

Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from linepipe_core._code.parts import Part
from linepipe_core._declare.config import is_config_reference

__all__ = [
    "UNCHANGED",
    "Action",
    "Decision",
    "below",
    "change_text",
    "changes",
    "code_changes",
    "input_label",
]

Action: TypeAlias = Literal["run", "reuse", "maybe"]
UNCHANGED: Final = "nothing changed"


class Decision(NamedTuple):
    """What to do about a node, and why."""

    action: Action
    reasons: tuple[str, ...]


def code_changes(
    old: Mapping[str, Part], new: Mapping[str, Part], left_out: Collection[str]
) -> list[str]:
    """The differences between the recorded parts of a node's code and today's, each a phrase.

    Args:
        old: the recorded parts.
        new: today's parts.
        left_out: the parts of ``new`` that don't count.
    """
    if left_out:
        new = {key: part for key, part in new.items() if key not in left_out}
    if new == old:
        return []
    if old["python"].digest != new["python"].digest:
        # Other bytecode: the code can't be compared any further.
        return [change_text("Python", old["python"], new["python"])]
    return changes(old, new)


def changes(old: Mapping[str, Part], new: Mapping[str, Part]) -> list[str]:
    """What differs between two sets of parts, each a phrase."""
    changed = [key for key in new if key in old and old[key].digest != new[key].digest]
    reasons = [change_text(_spoken(key), old[key], new[key]) for key in changed]
    reasons += [f"{_spoken(key)} is new" for key in new if key not in old]
    reasons += [f"{_spoken(key)} is gone" for key in old if key not in new]
    return reasons


def below(reference: str, parts: Mapping[str, Part]) -> dict[str, Part]:
    """Those of the parts that belong to a config reference."""
    return {key: part for key, part in parts.items() if key.startswith(f"{reference}.")}


def change_text(what: str, old: Part, new: Part) -> str:
    if old.text and new.text and old.text != new.text:
        return f"{what} changed: {old.text} -> {new.text}"
    return f"{what} changed"


def _spoken(key: str) -> str:
    """What people call a part."""
    if key == "function":
        return "its code"
    if is_config_reference(key):
        return key
    kind, _, name = key.replace(".<locals>", "").partition(" ")
    if kind == "code":
        return f"helper {name}()"
    return f"{_SPOKEN.get(kind, kind)} {name}"


_SPOKEN: Final = {
    "argument": "bound argument",
    "attribute": "attribute",
    "closure": "closure value",
}


def input_label(name: str) -> str:
    return name if is_config_reference(name) else f"input {name}"
