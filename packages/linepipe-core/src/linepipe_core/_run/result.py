"""The RunResult: the outputs of a run, and how each node and hook fared.

Apart from the run loop, because people, hooks and views read it long after the loop is gone.
Annotations aren't put off here: NamedTuple compiles those that are texts, at every start.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Self

from linepipe_core._declare.portable import StayedBehind, pack_error, portable, unpack_error
from linepipe_core._errors import UnknownNameError
from linepipe_core._reuse.provenance import shelf_lines
from linepipe_core._run.history import History, HistoryEntry
from linepipe_core._run.step import MemoryUse, Step
from linepipe_core._store.info import ObjectInfo
from linepipe_core._text import bounded, first_line, fits, rendered, table, type_name
from linepipe_core._values.isolate import copy_for_reader, move_to_last_reader

__all__ = ["FailedHook", "RunResult", "hook_name", "is_stored"]


_MOST_REASONS: Final = 4


class FailedHook(NamedTuple):
    """A hook that raised and was put aside.

    Attributes:
        hook: the Hook, or a stand-in with its name in another process that couldn't get it.
        event: the name of the method that raised.
        error: the exception.
    """

    hook: Any
    event: str
    error: Exception

    def __reduce__(self) -> tuple[Any, ...]:
        hook = portable(self.hook, hook_name(self.hook))
        return _failed_hook, (hook, self.event, pack_error(self.error))

    def __repr__(self) -> str:
        return f"<FailedHook {hook_name(self.hook)}.{self.event}: {first_line(self.error)}>"


def _failed_hook(hook: Any, event: str, error: bytes) -> FailedHook:
    """A FailedHook from its pickle."""
    unpacked = unpack_error(error)
    assert isinstance(unpacked, Exception)
    return FailedHook(hook, event, unpacked)


class RunResult(Mapping["str", "Any"]):
    """The result of a run: a read-only mapping of its outputs, with a Step for each node.

    Attributes:
        steps: a Step for each node, in order; those that had no turn are ``"pending"``.
        seconds: how long the whole run took.
        history: what each node got and made, if the pipeline tracks history.
        failed_hooks: the hooks that raised and were put aside.
        from_shelf: the objects that the run read from the shelf and that no node of it makes.
    """

    def __init__(
        self,
        held: dict[str, Any],
        steps: Sequence[Step],
        seconds: float,
        history: Sequence[HistoryEntry],
        failed_hooks: Sequence[FailedHook],
        from_shelf: tuple[ObjectInfo, ...] = (),
    ) -> None:
        self.from_shelf = from_shelf
        self._names = tuple(held)
        # What the history has recorded, the caller gets a copy of, and what lies on the shelf
        # is read when somebody looks; all else is the caller's.
        self._recorded = held
        taken = () if history else [name for name in held if not is_stored(held[name])]
        self._values = {name: _taken_out(held, name) for name in taken}
        self.steps: tuple[Step, ...] = tuple(steps)
        self.seconds = seconds
        self.history: list[HistoryEntry] = History(history)
        self.failed_hooks: tuple[FailedHook, ...] = tuple(failed_hooks)

    def snapshots(self) -> dict[str, Any]:
        """The outputs as they are kept: those on the shelf unread, all others themselves."""
        kept = self._recorded
        return {n: kept[n] if n in kept and is_stored(kept[n]) else self[n] for n in self}

    def __getstate__(self) -> dict[str, Any]:
        # Objects on a shelf are read now: there may be no such shelf where this is going.
        values = {name: self[name] for name in self._names}
        return {**self.__dict__, "_values": values, "_recorded": {}}

    def __copy__(self) -> Self:
        return self._copied(self._values, self.steps)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        from copy import deepcopy

        return self._copied(*deepcopy((self._values, self.steps), memo))

    def _copied(self, values: dict[str, Any], steps: tuple[Step, ...]) -> Self:
        """A copy; what isn't among the values yet is handed out in copies anyway."""
        other = object.__new__(type(self))
        own = {"_values": values, "steps": steps, "history": self.history.copy()}
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
            self._values.setdefault(name, copy_for_reader(self._recorded[name]))
        return self._values[name]

    def _not_given(self, name: str) -> UnknownNameError:
        is_made = any(name in step.node.outputs for step in self.steps)
        hint = f"a node made it, others read it: ask for it with run(outputs=[{name!r}])"
        return UnknownNameError("output", [name], self._names, hint if is_made else "")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __bool__(self) -> Literal[True]:
        # A mapping without items is false, and a run of writers has none.
        return True

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {status}" for status, n in _counted(self.steps).items())
        names = ", ".join(map(bounded, self._names)) or "no outputs"
        return f"<RunResult: {counts or 'no nodes'}{_in(self.seconds)}; {names}>"

    def _repr_html_(self) -> str | None:
        """For notebooks: a table, if linepipe_viz is installed."""
        return rendered("result_html", self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 (IPython's call)
        """For IPython, and notebooks without linepipe_viz: the table as text."""
        printer.text(str(self))

    def __str__(self) -> str:
        is_profiled = any(step.memory is not None for step in self.steps)
        memory = ("growth MiB", "peak MiB") if is_profiled else ()
        header = ("", "node", "status", "seconds", *memory, "reasons")
        rows = [
            (
                *(str(step.index + 1), step.node.name, step.status, _seconds(step.seconds)),
                *(_mib(step.memory) if is_profiled else ()),
                _brief(step.reasons),
            )
            for step in self.steps
        ]
        lines = table(header, rows)
        made = "\n".join(f"  {bounded(name)}" for name in self)
        aside = "".join(f"\n  {failed}" for failed in self.failed_hooks)
        text = f"{lines}{shelf_lines(self.from_shelf)}\n\n"
        text += f"{_seconds(self.seconds)} s in all; outputs:\n{made or '  (none)'}"
        return fits(text + (f"\nhooks put aside:{aside}" if aside else ""))


def is_stored(held: Any) -> bool:
    """Return True if an object lies on the shelf, and is read when somebody looks."""
    return getattr(held, "is_stored", False)


def _taken_out(held: dict[str, Any], name: str) -> Any:
    return move_to_last_reader([held.pop(name)])


def _brief(reasons: Sequence[str]) -> str:
    """The first reasons, and how many more there are."""
    shown = "; ".join(reasons[:_MOST_REASONS])
    more = len(reasons) - _MOST_REASONS
    return f"{shown}; ... ({more} more)" if more > 0 else shown


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


def hook_name(hook: object) -> str:
    """The name under which messages show a hook, or the stand-in of one that wasn't sent."""
    return bounded(hook.__name__) if isinstance(hook, StayedBehind) else type_name(hook)
