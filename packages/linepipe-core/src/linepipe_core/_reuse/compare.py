"""Compares what was recorded of a node with what is there today, part by part.

Pure. Apart from the reasons, which know how to say a difference and not how to find it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from linepipe_core._code.parts import PYTHON, Part, PartKey
from linepipe_core._reuse.reasons import Reason, changed_part, is_gone, is_new

__all__ = ["below", "code_changes", "leaf_changes"]


def code_changes(
    old: Mapping[PartKey, Part],
    new: Mapping[PartKey, Part],
    state: Collection[PartKey],
) -> list[Reason]:
    """The differences between the recorded parts of a node's code and today's.

    A part that is there today and wasn't recorded is no reason, unless it is an attribute: the
    hash of each part holds the names of what it leads to.

    Args:
        old: the recorded parts.
        new: today's parts.
        state: the parts that nodes change while they run: these are the same if the statements
            are that made them.
    """
    if new == old:
        return []
    if old[PYTHON].digest != new[PYTHON].digest:
        # Other bytecode: the code can't be compared any further.
        return [changed_part(PYTHON, old[PYTHON], new[PYTHON])]
    found = [
        changed_part(key, then, new[key]) if key in new else is_gone(key)
        for key, then in old.items()
        if not _is_same(then, new.get(key), key in state)
    ]
    added = (key for key in new if key not in old and key not in state)
    return found + [is_new(key) for key in added if _counts(key, old, new)]


def _counts(key: PartKey, old: Mapping[PartKey, Part], new: Mapping[PartKey, Part]) -> bool:
    """Return True for a new attribute of what was recorded: no hash holds the names of these."""
    holder = key.holder
    if key.kind != "attribute":
        return holder in old
    keys = PartKey("class", holder.name), PartKey("code", holder.name)
    return any(each in old for each in keys) or not any(each in new for each in keys)


def _is_same(then: Part, now: Part | None, is_state: bool) -> bool:
    if now is None:  # a memo that a run had filled, say
        return is_state
    return then.digest == now.digest or (is_state and bool(then.made) and then.made == now.made)


def _changes(old: Mapping[PartKey, Part], new: Mapping[PartKey, Part]) -> list[Reason]:
    """The differences between two sets of parts."""
    changed = [key for key in new if key in old and old[key].digest != new[key].digest]
    return [
        *(changed_part(key, old[key], new[key]) for key in changed),
        *(is_new(key) for key in new if key not in old),
        *(is_gone(key) for key in old if key not in new),
    ]


def leaf_changes(reference: str, old: Mapping[str, Part], new: Mapping[str, Part]) -> list[Reason]:
    """The differences between the leaves of a config value."""
    before, now = below(reference, old), below(reference, new)
    return _changes(
        {PartKey("config", name): part for name, part in before.items()},
        {PartKey("config", name): part for name, part in now.items()},
    )


def below(reference: str, parts: Mapping[str, Part]) -> dict[str, Part]:
    """Those of the parts that belong to a config reference."""
    return {key: part for key, part in parts.items() if key.startswith(f"{reference}.")}
