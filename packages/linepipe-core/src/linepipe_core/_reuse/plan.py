"""The Plan that users see: for each node, what ``run(reuse=True)`` would do and why.

Apart from the decisions, which are made node by node as a run goes on. Annotations aren't
put off here: NamedTuple compiles those that are texts, at every start.
"""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Self, overload

from linepipe_core._declare.node import Node
from linepipe_core._reuse.provenance import shelf_lines
from linepipe_core._reuse.reasons import Action, Reason
from linepipe_core._store.info import ObjectInfo
from linepipe_core._text import rendered, shortened, table

__all__ = ["Plan", "PlanEntry"]


class PlanEntry(NamedTuple):
    """One node of a Plan.

    Attributes:
        node: the Node.
        action: ``"run"``, ``"reuse"``, or ``"maybe"``: an input may turn out unchanged.
        reasons: the Reasons for it.
        untracked: phrases that name what its fingerprint leaves out.
        seconds: how long its function took when it made what the plan compares with, or would
            reuse; None if that isn't known.
    """

    node: Node
    action: Action
    reasons: tuple[Reason, ...]
    untracked: tuple[str, ...] = ()
    seconds: float | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.node.portable(), *self[1:])

    # A copy isn't made by way of the pickle: here the node's function is at hand.

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self


class Plan(Sequence["PlanEntry"]):
    """The plan of ``run(reuse=True)``: an entry for each node. Prints as a table."""

    def __init__(self, entries: Iterable[PlanEntry], from_shelf: Iterable[ObjectInfo] = ()) -> None:
        self._entries = tuple(entries)
        self._from_shelf = tuple(from_shelf)

    @overload
    def __getitem__(self, index: int) -> PlanEntry: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[PlanEntry]: ...

    def __getitem__(self, index: int | slice) -> PlanEntry | Sequence[PlanEntry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._entries, self._from_shelf)

    @property
    def from_shelf(self) -> tuple[ObjectInfo, ...]:
        """The objects that the run reads from the shelf and that no node here makes."""
        return self._from_shelf

    @property
    def untracked(self) -> tuple[str, ...]:
        """The things that no fingerprint sees in these nodes, each a sentence."""
        named = [f"{e.node.name}: {what}" for e in self._entries for what in e.untracked]
        return (*named, _NEVER_TRACKED)

    def _repr_html_(self) -> str | None:
        """For notebooks: a table, if linepipe_viz is installed."""
        return rendered("plan_html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 (IPython's call)
        """For IPython, and notebooks without linepipe_viz: the table as text."""
        printer.text(str(self))

    def __repr__(self) -> str:
        counts = [
            f"{sum(e.action == action for e in self._entries)} {action}"
            for action in ("run", "reuse", "maybe")
        ]
        return f"<Plan of {len(self)} nodes: {', '.join(counts)}>"

    def __str__(self) -> str:
        rows = [
            (str(place), e.node.name, e.action, "; ".join(e.reasons))
            for place, e in enumerate(self._entries, 1)
        ]
        lines = table(("", "node", "action", "reasons"), rows)
        notes = "".join(f"\n  {note}" for note in self._notes())
        return f"{lines}{shelf_lines(self._from_shelf)}\n\nnot tracked:{notes}"

    def _notes(self) -> list[str]:
        """The things that aren't tracked, each once, with the nodes that it concerns."""
        nodes: dict[str, list[str]] = {}
        for entry in self._entries:
            for what in entry.untracked:
                nodes.setdefault(what, []).append(entry.node.name)
        return [*(f"{shortened(who, 4)}: {what}" for what, who in nodes.items()), _NEVER_TRACKED]


_NEVER_TRACKED: Final = (
    ("" if sys.version_info >= (3, 12) else "code that only running finds (from Python 3.12 on), ")
    + "calls by a computed name (getattr, eval), C code, files, databases, the network, the clock, "
    "docstrings and the type hints of functions"
)
