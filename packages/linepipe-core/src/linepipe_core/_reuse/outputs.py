"""Sorts a node's outputs into what goes to the shelf and what stays in memory, and describes them.

Apart from the session, which knows the node's turn and its record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linepipe_core._code.dependencies import Reader, own_code
from linepipe_core._declare.node import Node
from linepipe_core._reuse.record import StoredObject
from linepipe_core._store.store import Draft
from linepipe_core._values.file import File
from linepipe_core._values.lazy import is_lazy

__all__ = ["described", "take_transient"]


def take_transient(node: Node, objects: dict[str, Any]) -> dict[str, Any]:
    """Take those of a node's outputs out of ``objects`` that are never to lie on the shelf."""
    names = [n for n, value in objects.items() if not node.persist or is_lazy(value)]
    return {name: objects.pop(name) for name in names}


def described(draft: Draft, objects: Mapping[str, Any]) -> dict[str, StoredObject]:
    """The content, the code and the Files of each object that can be stored."""
    kept = {}
    for name, digest in draft.digests.items():
        pack = draft.packs[name]
        content: str = digest
        files: tuple[str, ...] = ()
        if pack.has_sets or File in pack.code:
            found = Reader().value(objects[name])
            content, files = found.digest, tuple(found.files)
        kept[name] = StoredObject(digest, content, own_code(pack.code), files)
    return kept
