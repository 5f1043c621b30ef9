"""Isolates values: what one node made, kept or changes can't be seen to change by another.

Apart from the registry, which knows names and readers, so that the rules can be tested as
tables: values in, values out. For each value the cheapest sound way is taken, by its type
(`rules` for what is taken whole, an adapter for each library, `trees` for containers and objects).

    snapshot = isolate([value])         to keep; whoever made the value may go on changing it
    copy_for_reader(snapshot)           a private copy, for a reader that isn't the last
    move_to_last_reader([snapshot])     the value itself, for the last one

A value of a type in `ATOMIC` never changes and is kept bare: the run loop tests
``type(value) in ATOMIC`` itself and calls nothing.
"""

from __future__ import annotations

from typing import Any, Final

from linepipe_core._log import once, registry_log
from linepipe_core._values.rules import rule_for
from linepipe_core._values.snapshot import ATOMIC, Snapshot, is_sole_reference

__all__ = [
    "ATOMIC",
    "Shared",
    "copy_for_reader",
    "isolate",
    "log_shared",
    "move_to_last_reader",
    "peek",
]

_READ_ONCE: Final = (
    "is passed by reference and can be read only once, so the first node that reads it leaves "
    "nothing to the others; make a list of it"
)
_SHARED: Final = (
    "is passed by reference, so a change made by one node is seen by the others; teach linepipe to "
    "copy it with register_snapshot(type, how)"
)


class Shared:
    """The parts of a value that everyone shares, for they can't be copied.

    Attributes:
        kinds: the types of the parts, such as ``sqlite3.Connection``.
        is_whole: True if it is the value itself.
        is_read_once: True if one of them is an iterator over what it doesn't hold.
    """

    __slots__ = ("is_read_once", "is_whole", "kinds")

    def __init__(self, kinds: tuple[str, ...], is_whole: bool, is_read_once: bool) -> None:
        self.kinds = kinds
        self.is_whole = is_whole
        self.is_read_once = is_read_once

    def __str__(self) -> str:
        kinds = ", ".join(self.kinds)
        subject = f"it ({kinds})" if self.is_whole else f"{kinds} in it"
        return f"{subject} {_READ_ONCE if self.is_read_once else _SHARED}"

    def level(self, name: str) -> int:
        """The level to log it at: a live object is warned of once a process and type.

        What isn't live, such as a list that is nested too deep, is warned of once a name, too.

        Args:
            name: what the value is called.
        """
        is_live = not self.is_read_once
        return max(once("shared", k, "" if is_live and "." in k else name) for k in self.kinds)


def isolate(
    owner: list[Any], name: str = "", node: str = "", shared: list[Shared] | None = None
) -> Any:
    """Take a value into private keeping.

    Args:
        owner: its last element is the value, and is popped. When that was the only reference
            to it, the value may be kept without a copy.
        name: what the value is called, for the log.
        node: the node that made it, for the log.
        shared: gets what the log would say of what can't be copied, in place of the log.

    Returns:
        What to keep: for `peek`, `copy_for_reader` and, once, `move_to_last_reader`.
    """
    kind = type(owner[-1])
    if kind in ATOMIC:
        return owner.pop()
    alone = is_sole_reference(owner, -1)
    value = owner.pop()
    rule = rule_for(kind)
    try:
        held = None if rule is None else rule(value, alone)
    except RecursionError:  # nested deeper than Python goes: a tree's way is shorter, or says so
        held = None
    return _tree(value, name, node, shared) if held is None else held


def peek(held: Any) -> Any:
    """The kept value itself, for somebody who promises not to change it."""
    return held.value if isinstance(held, Snapshot) else held


def copy_for_reader(held: Any) -> Any:
    """A private copy, for a reader that isn't the last."""
    return held.copy() if isinstance(held, Snapshot) else held


def move_to_last_reader(owner: list[Any]) -> Any:
    """The value for its last reader: moved to it where nobody else can see it.

    Args:
        owner: its last element is what `isolate` gave, and is popped; nobody else may use it
            from here on.
    """
    held = owner.pop()
    return held.move() if isinstance(held, Snapshot) else held


def _tree(value: Any, name: str, node: str, shared: list[Shared] | None) -> Snapshot:
    from linepipe_core._values.trees import isolate_tree  # pickle and copy: not at import time

    held, refused = isolate_tree(value)
    if refused:
        what = _shared_of(value, refused)
        if shared is not None:
            shared.append(what)
        else:
            log_shared(name or type(value).__name__, what, node)
    return held


def log_shared(name: str, what: Shared, node: str = "") -> None:
    """Say in the log that everyone shares something, and why."""
    maker = f", made by node {node!r}," if node else ""
    registry_log().log(what.level(name), "%r%s can't be copied: %s", name, maker, str(what))


def _shared_of(value: Any, refused: list[Any]) -> Shared:
    return Shared(
        tuple(sorted({_kind(part) for part in refused})),
        len(refused) == 1 and refused[0] is value,
        any(_is_read_once(part) for part in refused),
    )


def _is_read_once(part: Any) -> bool:
    """Return True if a value is an iterator over what it doesn't hold, such as a generator."""
    return hasattr(type(part), "__next__")


def _kind(part: Any) -> str:
    if type(part).__name__ == "function":
        return f"function {part.__qualname__}"
    if type(part).__name__ == "module":
        return f"module {part.__name__}"
    return f"{type(part).__module__}.{type(part).__qualname__}".removeprefix("builtins.")
