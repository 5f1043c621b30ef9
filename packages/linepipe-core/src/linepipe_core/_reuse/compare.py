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
    left_out: Collection[PartKey],
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
    if old[PYTHON].digest != new[PYTHON].digest:
        # Other bytecode: the code can't be compared any further.
        return [changed_part(PYTHON, old[PYTHON], new[PYTHON])]
    return _changes(old, new)


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
