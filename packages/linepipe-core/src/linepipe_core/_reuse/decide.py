"""Decides which nodes run.

Pure: the wiring, what was recorded, what is on the shelf and today's fingerprints in, an action
with its reasons out. ``plan()`` and ``run()`` ask the same ``ReusePlanner``; the one assumes that
a node that runs may make anything, the other reports what it made. So a plan can't lie.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from linepipe_core._code.parts import FUNCTION, Part, PartKey
from linepipe_core._declare.config import is_config_reference
from linepipe_core._declare.wiring import Wiring
from linepipe_core._reuse.compare import below, code_changes, leaf_changes
from linepipe_core._reuse.reasons import (
    UNCHANGED,
    Action,
    Reason,
    as_made_on,
    bounded,
    changed_input,
    never_ran,
    uncomparable_input,
)
from linepipe_core._reuse.record import Record, StoredObject, Version, hash_of_read, wiring_of
from linepipe_core._values.file_content import FileContent, newest_below

__all__ = ["Decision", "ReusePlanner"]


class Decision(NamedTuple):
    """An action for a node, with the reasons for it."""

    action: Action
    reasons: tuple[Reason, ...]


class ReusePlanner:
    """Foresees what each node of a run will do, and decides anew as they make their outputs.

    Args:
        wiring: the nodes.
        versions: per node, what earlier runs left of it, the newest first.
        parts: gives what a node's code depends on today, as far as it is compared with a record.
        given: the Part of each constant, config reference and free object.
        constants: the names of the constants.
        given_files: the paths of the Files in each constant and config value.
        by_hand: the objects that somebody put on the shelf in place of a node's; kept up to date
            by the caller.
        rerun: the indices of the nodes that shall run in any case.
        kept: the objects that the result shall hold.
        files: path -> the hash of its content today; kept up to date by the caller.
        uncomparable: constant or config reference -> the types of what in it has no content.
        state: the parts that nodes change while they run; kept up to date by the caller.
        that_read: gives those versions of a node that were made from what it reads now, by the
            hash of that; without it all are looked at.
        partition: the run's.
        to_compare: gives the versions that a node may be compared with: those of the run's
            partition first, the newest first; without it those that may fit.

    Attributes:
        decisions: per node, the decision that is foreseen.
    """

    def __init__(
        self,
        wiring: Wiring,
        versions: Sequence[Iterable[Version]],
        parts: Callable[[int, Record], Mapping[PartKey, Part]],
        given: Mapping[str, Part],
        constants: Collection[str],
        given_files: Mapping[str, Iterable[str]],
        by_hand: Collection[str],
        rerun: Iterable[int],
        kept: Iterable[str],
        files: Mapping[str, str],
        uncomparable: Mapping[str, Collection[str]] = MappingProxyType({}),
        state: Collection[PartKey] = frozenset(),
        that_read: Callable[[int, str], Iterable[Version]] | None = None,
        partition: str = "",
        to_compare: Callable[[int], Iterable[Version]] | None = None,
    ) -> None:
        self._that_read = that_read
        self._partition = partition
        self._wiring = wiring
        self._versions = list(versions)
        self._to_compare = to_compare or self._versions.__getitem__
        self._state = state
        self._chosen: list[Version | None] = [None] * len(wiring.nodes)
        self._parts = parts
        self._by_hand = by_hand
        self._objects: dict[str, StoredObject] = {}
        self._rerun = frozenset(rerun)
        self._kept = frozenset(kept)
        self._files = files
        self._given = given
        self._constants = constants
        self._given_files = given_files
        self._uncomparable = uncomparable
        self._known: dict[str, Part | None] = {}
        self._needed: dict[int, Decision] = {}
        self._deferred: set[int] = set()
        self.decisions: list[Decision] = self._foreseen()
        self._known = dict(given)

    def decide(self, index: int) -> Decision:
        """Decide about the node whose turn it is: never ``"maybe"``."""
        foreseen = self.decisions[index]
        if foreseen.action != "maybe":
            return foreseen
        decision = self._decide_now(index)
        if decision.action == "reuse":
            need = self._need(index, [foreseen.action for foreseen in self.decisions])
            if need is not None and need.action == "maybe" and self._keeps_nothing(index):
                return Decision("reuse", (UNCHANGED, _DEFERRED))
            if need is not None:
                return Decision("run", need.reasons)
        return decision

    def version(self, index: int) -> Version | None:
        """The version that the decision about a node is about."""
        return self._chosen[index]

    def _record(self, index: int) -> Record | None:
        version = self._chosen[index]
        return None if version is None else version.record

    def seconds(self, index: int) -> float | None:
        """How long the node's function took in the run that the decision is about."""
        record = self._record(index)
        return None if record is None else record.seconds

    def may_be_deferred(self) -> list[int]:
        """The nodes that may have to run after their turn, for a reader that runs."""
        foreseen = enumerate(self.decisions)
        return [i for i, each in foreseen if each.action != "run" and self._absent(i)]

    def is_needed(self, index: int) -> bool:
        """Return True if the node would run only to make what can't be kept."""
        return index in self._needed

    def is_deferred(self, index: int, name: str) -> bool:
        """Return True if the node's turn is over and it hasn't made this, which can't be kept."""
        return index in self._deferred and name in self._absent(index)

    def _keeps_nothing(self, index: int) -> bool:
        """Return True if none of the node's outputs could be kept."""
        record = self._record(index)
        return record is not None and set(record.outputs.values()) == {None}

    def inputs(self, index: int) -> dict[str, Part]:
        """The Part of each input of the node whose turn it is, with those of config leaves."""
        names = self._wiring.nodes[index].inputs
        found = {name: self._known[name] or _UNKNOWN for name in names}
        for name in names:
            if is_config_reference(name):
                found.update(self._leaves(name))
        return found

    def _leaves(self, reference: str) -> dict[str, Part]:
        """The Parts of the leaves of a config value."""
        return below(reference, self._given)

    def is_replaced(self, name: str, part: Part, how: str) -> None:
        """An object isn't what was foreseen: nothing that depends on it is certain any more."""
        self._known[name] = part
        nodes = self._wiring.nodes
        readers = [index for index, node in enumerate(nodes) if name in node.inputs]
        reason = Reason(f"{name} {how}", "input", name)
        self._mark_uncertain(self._wiring.downstream(readers), reason)

    def reconsider(self, index: int) -> None:
        """Decide about the node anew at its turn: Files of it aren't what was foreseen."""
        self._mark_uncertain([index], _FILES)

    def is_lost(self, index: int, names: Iterable[str]) -> Decision:
        """The outputs of a fresh node aren't there any more: it runs."""
        reasons = tuple(
            Reason(f"{name} was just replaced on the shelf, or removed", "missing", name)
            for name in names
        )
        self._mark_uncertain(self._wiring.downstream([index]), reasons[0])
        self.decisions[index] = Decision("run", reasons)
        return self.decisions[index]

    def _mark_uncertain(self, indices: Iterable[int], why: Reason) -> None:
        for index in indices:
            if self.decisions[index].action == "reuse":
                self.decisions[index] = Decision("maybe", (why,))

    def reused(self, index: int) -> None:
        """The node was reused."""
        if self._absent(index):
            self._deferred.add(index)
        self._known.update(self._as_recorded(index))

    def ran(self, index: int, version: Version) -> None:
        """The node ran, and this is what it left."""
        self._deferred.discard(index)
        self._chosen[index] = version
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
            decision = self._decide_now(index)
            if decision.action == "reuse":
                self._known.update(self._as_recorded(index))
                if index in self._needed:
                    decision = self._needed[index]
                    version = self._chosen[index]
                    self._known.update(dict.fromkeys(version.objects if version else ()))
            else:
                self._known.update(dict.fromkeys(node.outputs))
                if self.is_made_anew(index) and decision.action == "run":
                    anew = node.outputs if node.effect else self._absent(index)
                    self._known.update(dict.fromkeys(anew, _MADE_ANEW))
            decisions.append(decision)
        return decisions

    def is_made_anew(self, index: int) -> bool:
        """Return True if the node's outputs count as new whenever it runs.

        Those without content of a node that is run for what no fingerprint sees; all of a node
        with an effect.
        """
        node = self._wiring.nodes[index]
        return index in self._rerun or node.always_run or node.effect

    def _absent(self, index: int) -> list[str]:
        """The node's outputs that aren't kept, because they can't be or aren't to be."""
        version = self._chosen[index]
        if version is None or None not in version.record.outputs.values():
            return []
        record = version.record
        if record.persists != self._wiring.nodes[index].persist:
            return []
        return [name for name, digest in record.outputs.items() if digest is None]

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
                why = f"{self._unkept(index, name)}, and is a result"
                return Decision("run", (Reason(why, "missing", name),))
            for reader, node in enumerate(self._wiring.nodes):
                if (
                    name not in node.inputs
                    or actions[reader] == "reuse"
                    or (need and actions[reader] == "maybe")
                ):
                    continue
                need = Decision(actions[reader], (self.needed_by(index, name, node.name),))
        return need

    def needed_by(self, index: int, name: str, reader: str) -> Reason:
        """The reason of a fresh node that makes an object for a reader that runs."""
        return Reason(f"{self._unkept(index, name)}, and {reader} needs it", "missing", name)

    def _unkept(self, index: int, name: str) -> str:
        how = "can't be" if self._wiring.nodes[index].persist else "isn't"
        return f"{name} {how} kept"

    def _decide_now(self, index: int) -> Decision:
        """The decision that follows from what is known now: the newest version that fits."""
        anyway = self._anyway(index)
        for version in () if anyway else self._candidates(index):
            if next(self._reasons(index, version), None) is None:
                self._chosen[index] = version
                return self._fitting(index, version)
        self._chosen[index], missing = self._compared(index)
        compared = self._chosen[index]
        reasons = [] if compared is None else [*self._reasons(index, compared)]
        if (not reasons and not anyway) or compared is None:
            reasons = [missing]
        return Decision("run", bounded([*anyway, *reasons]))

    def _candidates(self, index: int) -> Iterable[Version]:
        """The versions that may fit, the newest first."""
        node = self._wiring.nodes[index]
        read = {name: part for name in node.inputs if (part := self._known[name]) is not None}
        if self._that_read is None or len(read) < len(set(node.inputs)):
            return self._versions[index]
        return self._that_read(index, hash_of_read(node, read))

    def _compared(self, index: int) -> tuple[Version | None, Reason]:
        """The node's own version in this partition: the current one, else the newest.

        Returns:
            The version, and the reason of a node that has none, or none that differs.
        """
        own: Version | None = None
        maker, is_elsewhere = None, False
        for version in self._to_compare(index):
            is_here = version.partition == self._partition
            if not self._is_own(index, version):
                maker = maker or (version.node if is_here else None)
            elif not is_here:
                is_elsewhere = True
                break
            elif own is None or version.is_current:
                own = version
            if own is not None and (own.is_current or not is_here):
                break
        if own is not None:
            return own, Reason(f"{maker or 'another node'} has made its outputs since", "missing")
        return None, never_ran(self._partition, is_elsewhere, maker)

    def _is_own(self, index: int, version: Version) -> bool:
        """Return True if the node made a version, under its name or an earlier one."""
        if version.node == self._wiring.nodes[index].name:
            return True
        record = version.record
        return record.parts[FUNCTION].digest == self._parts(index, record)[FUNCTION].digest

    def _fitting(self, index: int, version: Version) -> Decision:
        """The decision about a node of which nothing that is known speaks against a version."""
        known = self._known
        unknown = [name for name in self._wiring.nodes[index].inputs if known[name] is None]
        if unknown:
            return Decision("maybe", bounded(self._may_change(name) for name in unknown))
        return _UNCHANGED if version.is_current else _as_made_on(version.stored)

    def _may_change(self, name: str) -> Reason:
        """The reason of a node that waits for an input; of a source, with how it went before."""
        text = f"input {name} may change"
        maker = self._wiring.makers.get(name)
        if maker is not None and self._wiring.nodes[maker].always_run:
            record = self._record(maker)
            n_same = record.n_same if record is not None else None
            if n_same is not None:
                last = "the last run" if n_same < 2 else f"the last {n_same} runs"
                text += f" ({'unchanged' if n_same else 'changed'} in {last})"
        return Reason(text, "input", name)

    def _anyway(self, index: int) -> list[Reason]:
        """The reasons to run whatever is recorded."""
        reasons = [_RERUN] if index in self._rerun else []
        return [*reasons, _ALWAYS_RUN] if self._wiring.nodes[index].always_run else reasons

    def _reasons(self, index: int, version: Version) -> Iterator[Reason]:
        """The reasons against a version."""
        node, record = self._wiring.nodes[index], version.record
        if record.wiring != (wiring := wiring_of(node)):
            text = f"inputs changed: {record.wiring} -> {wiring}"
            yield Reason(text, "input", None, record.wiring, wiring)
        then, now = record.parts, self._parts(index, record)
        if now is not then:
            yield from code_changes(then, now, {*record.state, *self._state})
        for name in node.inputs:
            read, is_read = record.inputs.get(name), self._known[name]
            if is_read is not None and read is not None and is_read.digest != read.digest:
                if name in self._uncomparable:
                    yield uncomparable_input(name, self._uncomparable[name])
                    continue
                yield from self._changed_input(name, record, read, is_read)
        if record.made_files:
            yield from self._changed_files(record.made_files)
        if node.persist and not record.persists:
            for name in node.outputs:
                yield Reason(f"{name} wasn't kept, with persist=False", "missing", name)
        for name, digest in record.outputs.items():
            if digest is not None and not node.persist:
                text = f"{name} is on the shelf in spite of persist=False"
                yield Reason(text, "missing", name)
            elif digest is not None and name in self._by_hand:
                yield Reason(f"{name} was replaced on the shelf", "missing", name)
            elif digest is not None and name not in version.objects:
                yield Reason(f"{name} is gone from the shelf", "missing", name)

    def _changed_input(self, name: str, record: Record, then: Part, now: Part) -> list[Reason]:
        """The changed parts of an input: its Files, its leaves, or the whole."""
        changed = self._changed_files(self._read_files(name, record))
        # A File's leaf has the same text as before, and the file is named already.
        changed += [
            leaf
            for leaf in leaf_changes(name, record.inputs, self._given)
            if not changed or leaf.old is None or leaf.old != leaf.new
        ]
        if changed:
            return changed
        maker = self._wiring.makers.get(name)
        if maker is not None and self._wiring.nodes[maker].effect:
            by = self._wiring.nodes[maker].name
            text = f"input {name} stands for an effect of {by}, which ran"
            return [Reason(text, "effect", name)]
        return [changed_input(name, then, now, name in self._constants)]

    def _read_files(self, name: str, record: Record) -> dict[str, FileContent]:
        """The recorded Files of one input."""
        paths: Iterable[str] = self._given_files.get(name, ())
        if name in self._objects:
            paths = self._objects[name].files
        return {path: record.read_files[path] for path in paths if path in record.read_files}

    def _changed_files(self, recorded: Mapping[str, FileContent]) -> list[Reason]:
        """The Files that aren't what was recorded."""
        reasons = []
        for path, content in recorded.items():
            now = self._files.get(path, "")
            if not now or now != content.digest:
                how = "changed" if now else "isn't there"
                newest = newest_below(path) if now else ""
                how += f" (the newest in it: {newest})" if newest else ""
                reasons.append(Reason(f"file {path} {how}", "file", path))
        return reasons

    def _as_recorded(self, index: int) -> dict[str, Part | None]:
        version = self._chosen[index]
        assert version is not None
        objects = version.objects
        self._objects.update(objects)
        return {
            name: Part(version.record.made) if digest is None else objects[name].part(self._files)
            for name, digest in version.record.outputs.items()
        }


def _as_made_on(stored: float) -> Decision:
    return Decision("reuse", (as_made_on(stored),))


_UNCHANGED: Final = Decision("reuse", (UNCHANGED,))
_UNKNOWN: Final = Part("")
_MADE_ANEW: Final = Part("made anew")
_DEFERRED: Final = Reason("put off until a node that runs needs it", "nothing_changed")
_RERUN: Final = Reason("asked for by rerun", "rerun")
_ALWAYS_RUN: Final = Reason("always_run", "always_run")
_FILES: Final = Reason("files may have changed", "file")
