"""A Reason: why a node runs or is reused, as a text for people with its parts for programs.

Below the store, whose `ObjectInfo` holds reasons; `_reuse.reasons` makes them.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

__all__ = ["Reason", "ReasonKind"]

ReasonKind: TypeAlias = Literal[
    "code",
    "global",
    "statement",
    "package",
    "python",
    "config",
    "constant",
    "input",
    "file",
    "missing",
    "effect",
    "uncomparable",
    "always_run",
    "rerun",
    "never_ran",
    "nothing_changed",
]


class Reason(str):
    """One reason why a node runs or is reused.

    Args:
        text: the reason as a phrase, such as ``"config.limit changed: 5 -> 7"``.
        kind: the kind of thing that decided.
        name: its name, such as ``"config.limit"``; None where the node itself is meant.
        old: its value when the node was recorded, as text, if it may be shown.
        new: its value today, as text, if it may be shown.
    """

    __slots__ = ("_kind", "_name", "_new", "_old")

    _kind: ReasonKind
    _name: str | None
    _old: str | None
    _new: str | None

    def __new__(
        cls,
        text: str,
        kind: ReasonKind,
        name: str | None = None,
        old: str | None = None,
        new: str | None = None,
    ) -> Reason:
        reason = super().__new__(cls, text)
        reason._kind, reason._name, reason._old, reason._new = kind, name, old, new
        return reason

    @property
    def kind(self) -> ReasonKind:
        """The kind of thing that decided."""
        return self._kind

    @property
    def name(self) -> str | None:
        """Its name; None where the node itself is meant."""
        return self._name

    @property
    def old(self) -> str | None:
        """Its recorded value as text; None if there is none, or none that may be shown."""
        return self._old

    @property
    def new(self) -> str | None:
        """Today's value as text; None if there is none, or none that may be shown."""
        return self._new

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self._kind, self._name, self._old, self._new)
