"""Decides which nodes run, and says why.

Pure: the wiring, what was recorded, what is on the shelf and today's fingerprints in, an action
with its reasons out. ``plan()`` and ``run()`` ask the same ``Outlook``; the one assumes that a
node that runs may make anything, the other tells what it made. So a plan can't lie.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, overload

from linepipe_core.config import is_config_reference
from linepipe_core.describe import drawn, table
from linepipe_core.fingerprint import Part, combined

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from linepipe_core.node import Node
    from linepipe_core.wiring import Wiring

    Action = Literal["run", "reuse", "maybe"]

__all__ = ["Decision", "Kept", "Outlook", "Plan", "PlanEntry", "Record", "record_keys", "wiring_of"]

_FORMAT: Final = 2
_UNCHANGED: Final = "nothing changed"


class Kept(NamedTuple):
    """What is known of an object on the shelf without loading it.

    Attributes:
        digest: of its bytes there.
        content: of its content; the same, unless its bytes depend on the order of a set.
        code: the own classes and functions in it, which its readers may call.
    """

    digest: str
    content: str
    code: tuple[str, ...] = ()

    def text(self) -> str | None:
        """It as it is stored; None if the digest says it all."""
        if self.content == self.digest and not self.code:
            return None
        return json.dumps(list(self))

    @staticmethod
    def read(digest: str, text: str | None) -> Kept:
        """What is known of the object of that digest."""
        if text is not None:
            known, content, code = json.loads(text)
            if known == digest:
                return Kept(digest, content, tuple(code))
        return Kept(digest, digest)


class Record(NamedTuple):
    """What is kept of a node's last run, beside its outputs.

    Attributes:
        wiring: which object went to which parameter.
        parts: what its code depended on.
        inputs: name -> what it read.
        outputs: name -> the digest of what it made; None for what couldn't be kept.
        state: the parts that it changed itself and that differ in each process anyway, which
            are left out.
        stamp: what tells this run's outputs from another's where they couldn't be kept and the
            node was told to run in any case.
        began: the other parts that it changed itself: ``parts`` holds what they were before runs
            changed them. Records of older versions have them all in ``state``.
    """

    wiring: str
    parts: Mapping[str, Part]
    inputs: Mapping[str, Part]
    outputs: Mapping[str, str | None]
    state: Sequence[str]
    stamp: str = ""
    began: Sequence[str] = ()

    def text(self) -> str:
        """The record as it is stored."""
        return json.dumps([_FORMAT, *self], ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def read(text: str | None) -> Record | None:
        """The record of a stored text; None if there is none, or it is of another format."""
        if text is None:
            return None
        try:
            version, wiring, parts, inputs, outputs, *rest = json.loads(text)
        except (ValueError, TypeError):
            return None
        if version != _FORMAT:
            return None
        return Record(
            wiring, _parts(parts), _parts(inputs), outputs, *rest[:2], *map(tuple, rest[2:])
        )

    @property
    def made(self) -> str:
        """How its outputs were made, for those that can't be hashed themselves."""
        inputs = {f"input {name}": part for name, part in self.inputs.items()}
        return combined({**self.parts, **inputs, "stamp": Part(self.stamp)})


class Decision(NamedTuple):
    """What to do about a node, and why."""

    action: Action
    reasons: tuple[str, ...]


class PlanEntry(NamedTuple):
    """One node of a Plan.

    Attributes:
        node: the Node.
        action: ``"run"``, ``"reuse"``, or ``"maybe"``: an input may turn out unchanged.
        reasons: why, each a phrase.
        untracked: what its fingerprint leaves out, each a phrase.
    """

    node: Node
    action: Action
    reasons: tuple[str, ...]
    untracked: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.node.sent(), *self[1:])

    # A copy isn't made by way of the pickle: here the node's function is at hand.

    def __copy__(self) -> PlanEntry:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> PlanEntry:
        return self


class Plan(Sequence["PlanEntry"]):
    """What ``run(reuse=True)`` would do: an entry for each node. Prints as a table."""

    def __init__(self, entries: Iterable[PlanEntry]) -> None:
        self._entries = tuple(entries)

    @overload
    def __getitem__(self, index: int) -> PlanEntry: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[PlanEntry]: ...

    def __getitem__(self, index: int | slice) -> PlanEntry | Sequence[PlanEntry]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._entries,)

    @property
    def untracked(self) -> tuple[str, ...]:
        """What no fingerprint sees in these nodes, each a sentence."""
        named = [f"{e.node.name}: {what}" for e in self._entries for what in e.untracked]
        return (*named, _NEVER_TRACKED)

    def _repr_html_(self) -> str | None:
        """For notebooks: a table, if linepipe_viz is installed."""
        return drawn("plan_html", self)

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
        notes = "".join(f"\n  {note}" for note in self.untracked)
        return f"{table(('', 'node', 'action', 'reasons'), rows)}\n\nnot tracked:{notes}"


_NEVER_TRACKED: Final = (
    "calls by a computed name (getattr, eval), C code, files, databases, the network, the clock, "
    "docstrings and the type hints of functions"
)


def record_keys(wiring: Wiring) -> list[str]:
    """Under what each node's record is kept: its outputs, or for a writer what it reads.

    Not its name, so that a renamed node stays fresh.
    """
    keys: list[str] = []
    n_alike: dict[str, int] = {}
    for node in wiring.nodes:
        if node.outputs:
            keys.append("made " + json.dumps(node.outputs))
            continue
        key = f"written from {json.dumps(node.inputs)}"
        n_alike[key] = n_alike.get(key, 0) + 1
        keys.append(f"{key} {n_alike[key]}")
    return keys


class Outlook:
    """What is foreseen of a run's nodes, and what follows from what they have made so far.

    Args:
        wiring: the nodes.
        records: per node, its Record of an earlier run, if there is one.
        parts: per node, what its code depends on today.
        given: what is known of each constant, config reference and free object.
        shelved: the objects on the shelf; kept up to date by the caller.
        rerun: the indices of the nodes that shall run in any case.
        kept: the objects that the result shall hold.

    Attributes:
        decisions: per node what is foreseen.
    """

    def __init__(
        self,
        wiring: Wiring,
        records: Sequence[Record | None],
        parts: Sequence[Mapping[str, Part]],
        given: Mapping[str, Part],
        shelved: Mapping[str, Kept],
        rerun: Iterable[int],
        kept: Iterable[str],
    ) -> None:
        self._wiring = wiring
        self._records = list(records)
        self._parts = list(parts)
        self._shelved = shelved
        self._rerun = frozenset(rerun)
        self._kept = frozenset(kept)
        self._given = given
        self._known: dict[str, Part | None] = {}
        self._needed: dict[int, Decision] = {}
        self._owed: set[int] = set()
        self.decisions: list[Decision] = self._foreseen()
        self._known = dict(given)

    def decide(self, index: int) -> Decision:
        """What to do about the node whose turn it is: never ``"maybe"``."""
        foreseen = self.decisions[index]
        if foreseen.action != "maybe":
            return foreseen
        decision = self._judged(index)
        if decision.action == "reuse":
            need = self._need(index, [foreseen.action for foreseen in self.decisions])
            if need is not None and need.action == "maybe" and self._keeps_nothing(index):
                return Decision("reuse", (_UNCHANGED, "put off until somebody needs it"))
            if need is not None:
                return Decision("run", need.reasons)
        return decision

    def may_be_owed(self) -> list[int]:
        """The nodes that may have to run after their turn, for a reader that runs."""
        foreseen = enumerate(self.decisions)
        return [i for i, each in foreseen if each.action != "run" and self._absent(i)]

    def is_owed(self, index: int, name: str) -> bool:
        """Whether the node's turn is over, and it hasn't made this, which can't be kept."""
        return index in self._owed and name in self._absent(index)

    def _keeps_nothing(self, index: int) -> bool:
        """Whether none of the node's outputs could be kept."""
        record = self._records[index]
        return record is not None and set(record.outputs.values()) == {None}

    def inputs(self, index: int) -> dict[str, Part]:
        """What the node whose turn it is reads."""
        names = self._wiring.nodes[index].inputs
        found = {name: self._known[name] or _UNKNOWN for name in names}
        for name in names:
            if is_config_reference(name):
                found.update(self._leaves(name))
        return found

    def _leaves(self, reference: str) -> dict[str, Part]:
        """What is known of the parts of a config value."""
        return _below(reference, self._given)

    def sees(self, index: int, parts: Mapping[str, Part]) -> None:
        """The node's code depends on something else than was foreseen."""
        self._parts[index] = parts

    def is_replaced(self, name: str, part: Part, how: str) -> None:
        """An object isn't what was foreseen: nothing that depends on it is certain any more."""
        self._known[name] = part
        nodes = self._wiring.nodes
        readers = [index for index, node in enumerate(nodes) if name in node.inputs]
        self._doubt(self._wiring.downstream(readers), f"{name} {how}")

    def is_lost(self, index: int, names: Iterable[str]) -> Decision:
        """What a fresh node had made isn't there any more: it runs."""
        reasons = tuple(f"{name} was just replaced on the shelf, or removed" for name in names)
        self._doubt(self._wiring.downstream([index]), reasons[0])
        self.decisions[index] = Decision("run", reasons)
        return self.decisions[index]

    def _doubt(self, indices: Iterable[int], why: str) -> None:
        for index in indices:
            if self.decisions[index].action == "reuse":
                self.decisions[index] = Decision("maybe", (why,))

    def reused(self, index: int) -> None:
        """The node was reused."""
        if self._absent(index):
            self._owed.add(index)
        self._known.update(self._as_recorded(index))

    def ran(self, index: int, record: Record) -> None:
        """The node ran, and this is now recorded of it."""
        self._owed.discard(index)
        self._records[index] = record
        self._known.update(self._as_recorded(index))

    def _foreseen(self) -> list[Decision]:
        """Forwards, what stale inputs entail; backwards, what is needed though it is fresh."""
        while True:
            decisions = self._forwards()
            needed = self._backwards(decisions)
            if needed == self._needed:
                return decisions
            self._needed = needed

    def _forwards(self) -> list[Decision]:
        self._known = dict(self._given)
        decisions = []
        for index, node in enumerate(self._wiring.nodes):
            decision = self._judged(index)
            if decision.action == "reuse":
                self._known.update(self._as_recorded(index))
                if index in self._needed:
                    decision = self._needed[index]
                    self._known.update(dict.fromkeys(self._shelved.keys() & node.outputs))
            else:
                self._known.update(dict.fromkeys(node.outputs))
                if self.runs_anyway(index):
                    self._known.update(dict.fromkeys(self._absent(index), _MADE_ANEW))
            decisions.append(decision)
        return decisions

    def runs_anyway(self, index: int) -> bool:
        """Whether the node was told to run: for what no fingerprint sees."""
        return index in self._rerun or self._wiring.nodes[index].always_run

    def _absent(self, index: int) -> list[str]:
        """The node's outputs that couldn't be kept."""
        record = self._records[index]
        return [n for n, digest in record.outputs.items() if digest is None] if record else []

    def _backwards(self, decisions: Sequence[Decision]) -> dict[int, Decision]:
        """The fresh nodes that make what can't be kept, for readers that run."""
        needed = dict(self._needed)
        actions: list[Action] = [decision.action for decision in decisions]
        for index in range(len(actions) - 1, -1, -1):
            if actions[index] == "reuse" and index not in needed:
                need = self._need(index, actions)
                if need is not None:
                    needed[index] = need
                    actions[index] = need.action
        return needed

    def _need(self, index: int, actions: Sequence[Action]) -> Decision | None:
        need: Decision | None = None
        for name in self._absent(index):
            if name in self._kept:
                return Decision("run", (f"{name} can't be kept, and is a result",))
            for reader, node in enumerate(self._wiring.nodes):
                if (
                    name not in node.inputs
                    or actions[reader] == "reuse"
                    or (need and actions[reader] == "maybe")
                ):
                    continue
                why = f"{name} can't be kept, and {node.name} needs it"
                need = Decision(actions[reader], (why,))
        return need

    def _judged(self, index: int) -> Decision:
        """What follows from what is known now."""
        reasons = self._reasons(index)
        if reasons:
            return Decision("run", tuple(reasons))
        known = self._known
        open_ = [name for name in self._wiring.nodes[index].inputs if known[name] is None]
        if open_:
            return Decision("maybe", tuple(f"input {n} may change" for n in dict.fromkeys(open_)))
        return _REUSE

    def _reasons(self, index: int) -> list[str]:
        node, record = self._wiring.nodes[index], self._records[index]
        reasons = []
        if index in self._rerun:
            reasons.append("asked for by rerun")
        if node.always_run:
            reasons.append("always_run")
        if record is None:
            return [*reasons, "never ran"]
        if record.wiring != wiring_of(node):
            reasons.append(f"inputs changed: {record.wiring} -> {wiring_of(node)}")
        reasons += code_changes(record, self._parts[index])
        for name in node.inputs:
            now, then = self._known[name], record.inputs.get(name)
            if now is not None and then is not None and now.digest != then.digest:
                leaves = _below(name, record.inputs), self._leaves(name)
                reasons += _changes(*leaves) or [_change(_input(name), then, now)]
        for name, digest in record.outputs.items():
            there = self._shelved.get(name)
            if digest is not None and (there is None or there.digest != digest):
                what = "was replaced on" if there else "is gone from"
                reasons.append(f"{name} {what} the shelf")
        return reasons

    def _as_recorded(self, index: int) -> dict[str, Part | None]:
        record = self._records[index]
        assert record is not None
        made = Part(record.made)
        return {
            name: made if digest is None else Part(self._shelved[name].content)
            for name, digest in record.outputs.items()
        }


_REUSE: Final = Decision("reuse", (_UNCHANGED,))
_UNKNOWN: Final = Part("")
_MADE_ANEW: Final = Part("made anew")


def wiring_of(node: Node) -> str:
    """Which object goes to which parameter, as text."""
    if node.keywords is None:
        return ", ".join(node.inputs)
    pairs = zip(node.keywords, node.inputs, strict=True)
    return ", ".join(sorted(f"{param}={name}" for param, name in pairs))


def code_changes(record: Record, parts: Mapping[str, Part]) -> list[str]:
    """What changed in the code, each a phrase; state is left out."""
    old, left_out = record.parts, record.state
    new = {key: part for key, part in parts.items() if key not in left_out} if left_out else parts
    if new == old:
        return []
    if old["python"].digest != new["python"].digest:
        # Other bytecode: nothing more can be told of the code.
        return [_change("Python", old["python"], new["python"])]
    return _changes(old, new)


def _changes(old: Mapping[str, Part], new: Mapping[str, Part]) -> list[str]:
    """What differs between two sets of parts, each a phrase."""
    changed = [key for key in new if key in old and old[key].digest != new[key].digest]
    reasons = [_change(_spoken(key), old[key], new[key]) for key in changed]
    reasons += [f"{_spoken(key)} is new" for key in new if key not in old]
    reasons += [f"{_spoken(key)} is gone" for key in old if key not in new]
    return reasons


def _below(reference: str, parts: Mapping[str, Part]) -> dict[str, Part]:
    """Those of the parts that belong to a config reference."""
    return {key: part for key, part in parts.items() if key.startswith(f"{reference}.")}


def _change(what: str, old: Part, new: Part) -> str:
    if old.text and new.text and old.text != new.text:
        return f"{what} changed: {old.text} -> {new.text}"
    return f"{what} changed"


def _spoken(key: str) -> str:
    """What people call a part."""
    if key == "function":
        return "its code"
    if is_config_reference(key):
        return key
    kind, _, name = key.replace(".<locals>", "").partition(" ")
    if kind == "code":
        return f"helper {name}()"
    return f"{_SPOKEN.get(kind, kind)} {name}"


_SPOKEN: Final = {
    "argument": "bound argument",
    "attribute": "attribute",
    "closure": "closure value",
}


def _input(name: str) -> str:
    return name if is_config_reference(name) else f"input {name}"


def _parts(parts: Mapping[str, Any]) -> dict[str, Part]:
    return {key: Part(*part) for key, part in parts.items()}
