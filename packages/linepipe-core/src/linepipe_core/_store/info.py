"""ObjectInfo: one record for what is known of an object, on the shelf and in a run.

Apart from the rows that it is read from, so that a registry in memory loads no sqlite3.
Annotations aren't put off here: NamedTuple compiles those that are texts, at every start.
"""

from typing import NamedTuple

from linepipe_core._code.reason import Reason

__all__ = ["ObjectInfo"]


class ObjectInfo(NamedTuple):
    """The facts about an object that need no loading.

    Attributes:
        name: its name.
        partition: the partition that it belongs to; None for the shelf's own.
        node: the name of the node that made it, if one did.
        type: its type's module and name.
        n_bytes: the size of its pickle and its buffers; equal buffers of several objects
            are counted in each, although they lie on the disk once. None if it isn't there.
        age_seconds: the time since it was stored.
        last_used_seconds: the time since it was stored or reused.
        n_versions: how many results of this name and partition are kept, with this one.
        stale: why it doesn't fit what is there today; of the objects that a slice takes from
            the shelf.
        is_from_this_run: True if a node of this run has made or reused it.
        is_whole: True if its buffers are all there in their full size; if not, it counts as
            missing.
    """

    name: str
    partition: str | None
    node: str | None
    type: str
    n_bytes: int | None
    age_seconds: float
    last_used_seconds: float
    n_versions: int
    stale: tuple[Reason, ...] = ()
    is_from_this_run: bool = False
    is_whole: bool = True
