"""Takes the fingerprints of what a run is given: its constants, and its config leaf by leaf.

Apart from the session, which knows where the other objects come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.members import is_own_class
from linepipe_core._code.parts import Part
from linepipe_core._code.reached import ValueFingerprint
from linepipe_core._declare.config import leaves
from linepipe_core._values.content_hash import ValueHasher
from linepipe_core._values.identity import identity_of
from linepipe_core._values.isolate import peek
from linepipe_core._values.secrets import shown_value

__all__ = ["Given", "look_at_given"]


class Given(NamedTuple):
    """The constants and config values of a run.

    Attributes:
        found: name -> the fingerprint of the value.
        parts: name, or leaf of a config value -> its Part.
    """

    found: dict[str, ValueFingerprint]
    parts: dict[str, Part]


def look_at_given(
    names: Iterable[str],
    constants: Mapping[str, Any],
    config: Mapping[str, Any],
    prints: MutableMapping[str, ValueFingerprint],
    reader: Reader,
) -> Given:
    """Take the fingerprints of those of the names that are constants or config references.

    Args:
        names: what the nodes read.
        constants: name -> what the registry holds of it.
        config: reference -> what the run hands out for it.
        prints: the fingerprints taken before; filled here.
        reader: the run's.
    """
    given = Given({}, {})
    for name in names:
        if name not in constants and name not in config:
            continue
        value = peek(constants[name] if name in constants else config[name])
        found = prints.get(name) or reader.value(value)
        if not found.untracked and not found.files:  # these may change meanwhile
            prints[name] = found
        given.found[name] = found
        given.parts[name] = Part(_content(reader, value, found), shown_value(name, value))
        if name in constants:
            continue
        for leaf, held in leaves(name, value):  # for reasons that name the leaf
            content = _content(reader, held, reader.value(held))
            given.parts.setdefault(leaf, Part(content, shown_value(leaf, held)))
    return given


def _content(reader: Reader, value: Any, found: ValueFingerprint) -> str:
    """The hash of a constant or config value; without content it is new in every process."""
    if not found.untracked:
        return found.digest
    return ValueHasher(reader.name, is_own_class, identify=identity_of).digest(value)
