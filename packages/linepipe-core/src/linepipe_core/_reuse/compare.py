"""Compares what was recorded of a node with what is there today, part by part.

Pure. Apart from the reasons, which know how to say a difference and not how to find it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from linepipe_core._code.parts import Part
from linepipe_core._reuse.reasons import Reason, changed_part, is_gone, is_new

__all__ = ["below", "changes", "code_changes"]


def code_changes(
    old: Mapping[str, Part], new: Mapping[str, Part], left_out: Collection[str]
) -> list[Reason]:
    """The differences between the recorded parts of a node's code and today's.

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
        return [changed_part("python", old["python"], new["python"])]
    return changes(old, new)


def changes(old: Mapping[str, Part], new: Mapping[str, Part]) -> list[Reason]:
    """The differences between two sets of parts."""
    changed = [key for key in new if key in old and old[key].digest != new[key].digest]
    return [
        *(changed_part(key, old[key], new[key]) for key in changed),
        *(is_new(key) for key in new if key not in old),
        *(is_gone(key) for key in old if key not in new),
    ]


def below(reference: str, parts: Mapping[str, Part]) -> dict[str, Part]:
    """Those of the parts that belong to a config reference."""
    return {key: part for key, part in parts.items() if key.startswith(f"{reference}.")}
