"""Sorts a node's outputs into what goes to the shelf and what stays in memory, and describes them.

Apart from the session, which knows the node's turn and its record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.named import own_code
from linepipe_core._declare.node import Node
from linepipe_core._reuse.record import StoredObject
from linepipe_core._store.store import Draft
from linepipe_core._values.file import File
from linepipe_core._values.lazy import is_lazy

__all__ = ["described", "take_transient"]

_MOST_EARLIER: Final = 4  # contents that an object is compared with, beside that of the run before


def take_transient(node: Node, objects: dict[str, Any]) -> dict[str, Any]:
    """Take those of a node's outputs out of ``objects`` that are never to lie on the shelf."""
    names = [n for n, value in objects.items() if not node.persist or is_lazy(value)]
    return {name: objects.pop(name) for name in names}


def described(
    draft: Draft,
    objects: Mapping[str, Any],
    before: Mapping[str, StoredObject],
    load: Callable[[str], Any],
) -> dict[str, StoredObject]:
    """The content, the code and the Files of each object that can be stored.

    Where its bytes are others than those of the run before, and only there, contents are hashed:
    a frame that was built in another way has other bytes, and is the same.

    Args:
        draft: what is going to be stored.
        objects: the objects.
        before: name -> what the run before left on the shelf.
        load: gives an object from the shelf by its digest.
    """
    kept = {}
    for name, digest in draft.digests.items():
        pack = draft.packs[name]
        made = StoredObject(digest, digest, own_code(pack.code))
        if pack.has_sets or File in pack.code:
            found = Reader().value(objects[name])
            content = found.digest
            made = StoredObject(digest, content, made.code, tuple(found.files), content)
        older = before.get(name)
        if older is not None and made.content != older.content:
            made = _compared(made, older, objects[name], load)
        kept[name] = made
    return kept


def _compared(
    made: StoredObject, older: StoredObject, value: Any, load: Callable[[str], Any]
) -> StoredObject:
    """An object, with the content of an older one, or of one before that, if that is the same."""
    if made.digest == older.digest:
        return made._replace(content=older.content, hashed=older.hashed, earlier=older.earlier)
    hashed = made.hashed or _hash(lambda: value)
    if not hashed:
        return made
    before = older.hashed or _hash(lambda: load(older.digest))
    met = dict(older.earlier)  # hash -> the content by which it was recorded, the newest last
    if before:
        met[before] = older.content
    content = met.pop(hashed, made.content)
    earlier = tuple(met.items())[-_MOST_EARLIER:]
    return made._replace(hashed=hashed, content=content, earlier=earlier)


def _hash(fetch: Callable[[], Any]) -> str:
    """The hash of an object's content; empty if it can't be read, or isn't all of it."""
    try:
        found = Reader().value(fetch())
    except Exception:  # of a user's class, or the object is gone
        return ""
    return "" if found.untracked else found.digest
