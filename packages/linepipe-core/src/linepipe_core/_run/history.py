"""The history of a run: the inputs and outputs of each node, for people who look back.

An entry keeps what the registry held, not copies of its own: an output recorded once is the
same record as the next node's input. Whoever looks gets a private copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from linepipe_core._text import rendered
from linepipe_core._values.isolate import copy_for_reader, isolate, peek

__all__ = ["History", "HistoryEntry", "RecordedObjects"]


class RecordedObjects(Mapping["str", "Any"]):
    """The objects that a node got or made, by name; each look gives a private copy."""

    __slots__ = ("_held",)

    def __init__(self, held: Mapping[str, Any]) -> None:
        self._held = held

    def __getitem__(self, name: str) -> Any:
        return copy_for_reader(self._held[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def snapshots(self) -> dict[str, Any]:
        """The objects as they are kept, for a result on its way to another process."""
        return dict(self._held)

    def __reduce__(self) -> tuple[Any, ...]:
        return _isolated, ({name: peek(held) for name, held in self._held.items()},)

    def __repr__(self) -> str:
        return f"<{', '.join(self._held) or 'nothing'}>"


def _isolated(values: dict[str, Any]) -> RecordedObjects:
    """Recorded objects from their pickle."""
    return RecordedObjects({name: isolate([values.pop(name)]) for name in list(values)})


class HistoryEntry(Mapping["str", "Any"]):
    """One node of one run: ``node``, ``inputs``, ``outputs``, ``seconds`` and ``status``.

    The same five are its keys and its attributes.
    """

    __slots__ = ("inputs", "node", "outputs", "seconds", "status")

    node: str
    inputs: RecordedObjects
    outputs: RecordedObjects
    seconds: float | None
    status: str

    _KEYS = ("node", "inputs", "outputs", "seconds", "status")

    def __init__(
        self,
        node: str,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        seconds: float | None,
        status: str,
    ) -> None:
        self.node = node
        self.inputs = RecordedObjects(inputs)
        self.outputs = RecordedObjects(outputs)
        self.seconds = seconds
        self.status = status

    def __getitem__(self, key: str) -> Any:
        if key not in self._KEYS:
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._KEYS)

    def __len__(self) -> int:
        return len(self._KEYS)

    def __repr__(self) -> str:
        return f"<HistoryEntry {self.node}: {self.status}>"


class History(list[HistoryEntry]):
    """The entries of one run, in order; a list that notebooks show as a table."""

    def copy(self) -> History:
        """Another list of the same entries."""
        return History(self)

    def _repr_html_(self) -> str | None:
        """For notebooks: a table, if linepipe_viz is installed."""
        return rendered("history_html", self)
