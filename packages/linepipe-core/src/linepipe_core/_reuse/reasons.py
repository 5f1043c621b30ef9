"""Reasons why a node runs or is reused: a text for people, its parts for programs.

Pure, and light: steps and plans carry reasons also where nothing is reused.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from time import localtime, strftime
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from linepipe_core._code.reason import Reason, ReasonKind
from linepipe_core._declare.config import is_config_reference

if TYPE_CHECKING:  # it loads hashlib, which a run in memory doesn't need
    from linepipe_core._code.parts import Part, PartKey

__all__ = [
    "UNCHANGED",
    "Action",
    "Reason",
    "ReasonKind",
    "as_made_on",
    "bounded",
    "changed_input",
    "changed_part",
    "input_label",
    "is_gone",
    "is_new",
    "never_ran",
    "uncomparable_input",
]

Action: TypeAlias = Literal["run", "reuse", "maybe"]
_MOST: Final = 8  # reasons of one node


UNCHANGED: Final = Reason("nothing changed", "nothing_changed")


def changed_part(key: PartKey, old: Part, new: Part) -> Reason:
    """A part of a node's code, or of the config, is another than was recorded."""
    kind, name, spoken = _spoken(key)
    return _change(spoken, kind, name, old, new)


def changed_input(name: str, old: Part, new: Part, is_constant: bool) -> Reason:
    """An input is another than was recorded."""
    kind: ReasonKind = "constant" if is_constant else "input"
    return _change(
        input_label(name), "config" if is_config_reference(name) else kind, name, old, new
    )


def uncomparable_input(name: str, kinds: Iterable[str]) -> Reason:
    """A constant or config value has no content, and counts as new in every process."""
    text = (
        f"{name} can't be compared ({', '.join(dict.fromkeys(kinds))}): "
        "make it in a node, or register_fingerprint(type, how)"
    )
    return Reason(text, "uncomparable", name)


def never_ran(partition: str, is_elsewhere: bool, maker: str | None) -> Reason:
    """A node without a run of its own to compare with.

    Args:
        partition: that of the run; empty for the shelf's own.
        is_elsewhere: True if the node ran in another partition.
        maker: the name of another node that made its outputs, if one did.
    """
    text = "never ran"
    if is_elsewhere:
        text += f" in partition {partition!r}" if partition else " without a partition"
    return Reason(f"{text}: {maker} made its outputs" if maker else text, "never_ran")


def is_new(key: PartKey) -> Reason:
    """A part that wasn't recorded."""
    kind, name, spoken = _spoken(key)
    return Reason(f"{spoken} is new", kind, name)


def is_gone(key: PartKey) -> Reason:
    """A recorded part that isn't there any more."""
    kind, name, spoken = _spoken(key)
    return Reason(f"{spoken} is gone", kind, name)


def bounded(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The reasons, each once: the first few, and how many more there are."""
    distinct = tuple(dict.fromkeys(reasons))
    n_more = len(distinct) - _MOST
    if n_more <= 1:
        return distinct
    return (*distinct[:_MOST], Reason(f"and {n_more} more", distinct[_MOST].kind))


def as_made_on(stored: float) -> Reason:
    """The reason of a node that goes back to what an earlier run made.

    Args:
        stored: when that was, as ``time.time()`` has it.
    """
    return _as_made_in(int(stored // 60))  # what one run made has few minutes


@lru_cache(maxsize=64)
def _as_made_in(minute: int) -> Reason:
    when = strftime("%Y-%m-%d %H:%M", localtime(60 * minute))
    return Reason(f"as made on {when}", "nothing_changed")


def input_label(name: str) -> str:
    """The name by which reasons call an input."""
    return name if is_config_reference(name) else f"input {name}"


def _change(spoken: str, kind: ReasonKind, name: str | None, old: Part, new: Part) -> Reason:
    text = f"{spoken} changed"
    if old.text and new.text and old.text != new.text:
        text += f": {old.text} -> {new.text}"
    return Reason(text, kind, name, old.text or None, new.text or None)


def _spoken(key: PartKey) -> tuple[ReasonKind, str | None, str]:
    """The kind of a part, its name, and how reasons call it."""
    name = key.name.replace(".<locals>", "")
    number = "" if key.number == 1 else f" #{key.number}"
    match key.kind:
        case "function":
            return "code", None, "its code"
        case "python":
            return "python", None, "Python"
        case "config":
            return "config", name, name
        case "code":
            return "code", name, f"helper {name}{number}()"
        case "dependency":
            return "global", name, f"depends_on[{name}]{number}"
        case "argument":
            return "global", name, f"bound argument {name}{number}"
        case "closure":
            return "global", name, f"closure value {name}{number}"
        case "global" | "attribute" | "package" as kind:
            return _KINDS[kind], name, f"{kind} {name}{number}"
        case other:
            return "code", name, f"{other} {name}{number}"


_KINDS: Final[dict[str, ReasonKind]] = {
    "attribute": "global",
    "global": "global",
    "package": "package",
}
