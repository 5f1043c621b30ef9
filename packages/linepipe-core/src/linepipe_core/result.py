"""What a run tells: a Step for each node's turn, and the RunResult at its end.

Apart from the loop that fills them in, because people, hooks and views read them long after
the loop is gone.
"""

from __future__ import annotations

from _collections_abc import Mapping

from linepipe_core.describe import drawn, table
from linepipe_core.errors import UnknownNameError
from linepipe_core.snapshot import hand_out, hand_over

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, Literal, Protocol

    from linepipe_core.history import HistoryEntry
    from linepipe_core.hook_calls import FailedHook
    from linepipe_core.node import Node

    Status = Literal["pending", "running", "ran", "reused", "failed"]

    class MemoryUse(Protocol):
        """What a memory profile puts on a step; the numbers are in MiB."""

        @property
        def delta_mib(self) -> float: ...

        @property
        def peak_mib(self) -> float: ...

        @property
        def samples(self) -> Sequence[tuple[float, float]]: ...  # seconds, MiB

        @property
        def method(self) -> str: ...


__all__ = ["RunResult", "Step"]


class Step:
    """One node's turn in one run. It never holds the node's inputs or outputs.

    Attributes:
        node: the Node.
        index: its place in the pipeline, from 0.
        status: ``"pending"``, ``"running"``, ``"ran"``, ``"reused"`` or ``"failed"``.
        seconds: how long its function took; None if it wasn't called.
        memory: what the memory profile found, if the node was profiled.
        reasons: why it ran or was reused, when the run was asked to reuse.
    """

    __slots__ = ("index", "memory", "node", "reasons", "seconds", "status")

    node: Node
    index: int
    status: Status
    seconds: float | None

    def __init__(
        self, node: Node, index: int, status: Status = "running", seconds: float | None = None
    ) -> None:
        self.node = node
        self.index = index
        self.status = status
        self.seconds = seconds
        self.memory: MemoryUse | None = None
        self.reasons: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        told = (self.node.sent(), self.index, self.status, self.seconds)
        return type(self), told, (None, {"memory": self.memory, "reasons": self.reasons})

    # A copy isn't made by way of the pickle: here the node's function is at hand.

    def __copy__(self) -> Step:
        step = type(self)(self.node, self.index, self.status, self.seconds)
        step.memory, step.reasons = self.memory, self.reasons
        return step

    def __deepcopy__(self, _memo: dict[int, Any]) -> Step:
        return self.__copy__()

    def __repr__(self) -> str:
        return f"<Step {self.index + 1} {self.node.name}: {self.status}{_in(self.seconds)}>"


class RunResult(Mapping["str", "Any"]):
    """What a run gave: a read-only mapping of its outputs, and how each node fared.

    Attributes:
        seconds: how long the whole run took.
        history: what each node got and made, if the pipeline tracks history.
        failed_hooks: the hooks that raised and were put aside.
    """

    def __init__(
        self,
        held: dict[str, Any],
        steps: Callable[[], Sequence[Step]],
        seconds: float,
        history: Sequence[HistoryEntry],
        failed_hooks: Sequence[FailedHook],
    ) -> None:
        self._names = tuple(held)
        # What the history has recorded, the caller gets a copy of, and what lies on the shelf
        # is read when somebody looks; all else is the caller's.
        self._recorded = held
        taken = () if history else [name for name in held if not _is_stored(held[name])]
        self._values = {name: _taken_out(held, name) for name in taken}
        self._steps: Sequence[Step] | Callable[[], Sequence[Step]] = steps
        self.seconds = seconds
        self.history: list[HistoryEntry] = list(history)
        self.failed_hooks: tuple[FailedHook, ...] = tuple(failed_hooks)

    @property
    def steps(self) -> tuple[Step, ...]:
        """A Step for each node, in order; those that had no turn are ``"pending"``."""
        steps = self._steps
        if callable(steps):  # made when somebody asks: few do, after thousands of runs
            steps = self._steps = tuple(steps())
        return tuple(steps)

    def __getstate__(self) -> dict[str, Any]:
        # What lies on a shelf is read now: there may be none where this is going.
        unread = {name: held for name, held in self._recorded.items() if name not in self._values}
        return {**self.__dict__, "_recorded": unread, "_steps": self.steps}

    def __copy__(self) -> RunResult:
        return self._copied(self._values, self.steps)

    def __deepcopy__(self, memo: dict[int, Any]) -> RunResult:
        from copy import deepcopy

        return self._copied(*deepcopy((self._values, self.steps), memo))

    def _copied(self, values: dict[str, Any], steps: tuple[Step, ...]) -> RunResult:
        """A copy; what isn't among the values yet is handed out in copies anyway."""
        other = object.__new__(type(self))
        own = {"_values": values, "_steps": steps, "history": self.history.copy()}
        other.__dict__ = {**self.__dict__, **own}
        return other

    def __getitem__(self, name: str) -> Any:
        """The output of that name.

        Raises:
            UnknownNameError: this run gave none.
        """
        if name not in self._values:
            if name not in self._names:
                raise self._not_given(name)
            self._values.setdefault(name, hand_out(self._recorded[name]))
        return self._values[name]

    def _not_given(self, name: str) -> UnknownNameError:
        is_made = any(name in step.node.outputs for step in self.steps)
        hint = f"a node made it, others read it: ask for it with run(outputs=[{name!r}])"
        return UnknownNameError("output", [name], self._names, hint if is_made else "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {status}" for status, n in _counted(self.steps).items())
        names = ", ".join(self._names) or "no outputs"
        return f"<RunResult: {counts or 'no nodes'}{_in(self.seconds)}; {names}>"

    def _repr_html_(self) -> str | None:
        """For notebooks: a table, if linepipe_viz is installed."""
        return drawn("result_html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 (IPython's call)
        """For IPython, and notebooks without linepipe_viz: the table as text."""
        printer.text(str(self))

    def __str__(self) -> str:
        is_profiled = any(step.memory is not None for step in self.steps)
        memory = ("ΔMem MiB", "peak MiB") if is_profiled else ()
        header = ("", "node", "status", "seconds", *memory, "reasons")
        rows = [
            (
                *(str(step.index + 1), step.node.name, step.status, _seconds(step.seconds)),
                *(_mib(step.memory) if is_profiled else ()),
                "; ".join(step.reasons),
            )
            for step in self.steps
        ]
        lines = table(header, rows)
        made = "\n".join(f"  {name}" for name in self)
        aside = "".join(f"\n  {failed}" for failed in self.failed_hooks)
        return f"{lines}\n\n{_seconds(self.seconds)} s in all; outputs:\n{made or '  (none)'}" + (
            f"\nhooks put aside:{aside}" if aside else ""
        )


def _is_stored(held: Any) -> bool:
    return getattr(held, "is_stored", False)


def _taken_out(held: dict[str, Any], name: str) -> Any:
    return hand_over([held.pop(name)])


def _counted(steps: Iterable[Step]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for step in steps:
        counts[step.status] = counts.get(step.status, 0) + 1
    return counts


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}"


def _mib(memory: MemoryUse | None) -> tuple[str, str]:
    return ("", "") if memory is None else (f"{memory.delta_mib:.2f}", f"{memory.peak_mib:.2f}")


def _in(seconds: float | None) -> str:
    return "" if seconds is None else f" in {seconds:.3f} s"
