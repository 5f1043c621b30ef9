"""Takes fingerprints, and reads and writes records, for one run.

Between ``decide``, which touches nothing, and the run loop, which has no opinions. Code and
globals are read when the run starts, inputs before a node runs, and what its record needs goes
into the transaction that stores its outputs.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from functools import partial
from itertools import islice
from typing import Any, Final

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.named import code_named
from linepipe_core._code.parts import Part
from linepipe_core._code.reached import ValueFingerprint
from linepipe_core._declare.wiring import Wiring
from linepipe_core._reuse.decide import Decision, ReusePlanner
from linepipe_core._reuse.files import FileContents, gone
from linepipe_core._reuse.given import look_at_given
from linepipe_core._reuse.missing_files import missing_files
from linepipe_core._reuse.node_code import Ended, NodeCode
from linepipe_core._reuse.outputs import described, take_transient
from linepipe_core._reuse.plan import Plan, PlanEntry
from linepipe_core._reuse.provenance import log_provenance
from linepipe_core._reuse.reasons import Reason, bounded
from linepipe_core._reuse.record import (
    Record,
    StoredObject,
    Version,
    hash_of_read,
    runs_alike,
    wiring_of,
)
from linepipe_core._reuse.shelf_inputs import ShelfInputs
from linepipe_core._reuse.versions import MOST_OF_WRITERS, results_of
from linepipe_core._store.shelf_registry import ShelfRegistry
from linepipe_core._store.shelf_snapshot import ShelfSnapshot
from linepipe_core._store.store import Result
from linepipe_core._values.file import files_in
from linepipe_core._values.isolate import peek
from linepipe_core._values.secrets import shown_value

__all__ = ["ReuseSession"]

_MOST_NOTED: Final = 500  # results whose use one transaction notes along


class ReuseSession:
    """Reuse in one run: the decision at each node's turn, and the record that the node leaves.

    Args:
        wiring: the nodes.
        registry: the run's, with its shelf.
        constants: name -> what the registry holds of it.
        config: reference -> what the run hands out for it.
        prints: the fingerprints of constants and config taken before; filled here.
        kept: the objects that the result shall hold.
        rerun: the indices of nodes that shall run in any case.
        reuses: False to run every node, and only leave records.
        judge: the session of the pipeline that a slice was cut from.

    Attributes:
        from_shelf: the objects that the run reads from the shelf and that no node here makes.
    """

    def __init__(
        self,
        wiring: Wiring,
        registry: ShelfRegistry,
        constants: Mapping[str, Any],
        config: Mapping[str, Any],
        prints: MutableMapping[str, ValueFingerprint],
        kept: Collection[str],
        rerun: Iterable[int] = (),
        reuses: bool = True,
        judge: ReuseSession | None = None,
    ) -> None:
        self._wiring = wiring
        self._registry = registry
        self._store = registry.store
        self._reader = Reader()
        self._reuses = reuses
        self._decided: dict[int, Decision] = {}
        self._has_run = False  # True once a node has run
        self._put: set[str] = set()  # the objects put in by hand in this run
        self._made: set[str] = set()  # the objects made in this run
        self._used: set[int] = set()  # the versions of which the shelf knows that they are used
        indices = range(len(wiring.nodes))
        self._files = FileContents()
        self._values = {**constants, **config}
        results = results_of(
            wiring.nodes, self._reader, self._store, registry.partition, self._files.look_again
        )
        self._keys, self._bound, self._versions, _ = results
        telling = [found for each in self._versions if (found := each.telling) is not None]
        self._objects: dict[str, StoredObject] = {}  # those that have code or Files
        for version in telling:
            self._objects.update(version.objects)
        self._inputs = ShelfInputs(wiring.free, registry, judge)
        self._objects.update(self._inputs.objects)
        for each in self._inputs.objects.values():
            self._files.look_again(each.files)
        names = (*wiring.free, *wiring.config_references)
        self._given, given = look_at_given(names, constants, config, prints, self._reader)
        for name in names:
            if name not in self._given:
                given[name] = self._objects[name].part(self._files.today)
        self._check_files()
        self._code = NodeCode(
            wiring.nodes,
            self._reader,
            [each.record for each in telling],
            self._code_read,
            self._store.facts,
        )
        self.from_shelf = self._inputs.infos()
        unclear = [name for name in wiring.makers if name not in results.given]
        self._by_hand = self._store.results.put_by_hand(unclear, registry.partition)
        self._planner = ReusePlanner(
            wiring,
            self._versions,
            self._code.parts,
            given,
            constants.keys(),
            {name: found.files for name, found in self._given.items()},
            self._by_hand,
            rerun if reuses else indices,
            kept,
            self._files.today,
            {name: found.untracked for name, found in self._given.items() if found.untracked},
            self._code.state,
            lambda index, read: self._versions[index].that_read(read),
            registry.partition,
            lambda index: self._versions[index].to_compare(),
        )
        self._code.keep_facts()

    def plan(self) -> Plan:
        """The plan of this run."""
        planner = self._planner
        entries = (
            PlanEntry(
                node,
                *planner.decisions[i],
                self._code.untracked(i, self._record_of(i), bool(self._read_files(i))),
                planner.seconds(i),
            )
            for i, node in enumerate(self._wiring.nodes)
        )
        return Plan(entries, self.from_shelf)

    def _record_of(self, index: int) -> Record | None:
        version = self._planner.version(index)
        return None if version is None else version.record

    # --- at a node's turn ---------------------------------------------------------------------

    def decide(self, index: int) -> Decision:
        """Decide to run or to reuse the node whose turn it is."""
        if index not in self._decided:
            self._decided[index] = decision = self._decision(index)
            if decision.action == "reuse":
                self._note_reused(index)
        decision = self._decided[index]
        return decision if self._reuses else decision._replace(reasons=())

    def _decision(self, index: int) -> Decision:
        node = self._wiring.nodes[index]
        for name in self._registry.take_put():
            self._planner.is_replaced(name, self._put_by_hand(name), "was put in by hand")
        if not self._made.isdisjoint(node.inputs):
            self._code.read_again(index)  # objects of other classes may have come
        if self._has_run:
            self._look_at_files_again(index)
        decision = self._planner.decide(index)
        if decision.action == "reuse" and (lost := self._lost_outputs(index)):
            return self._planner.is_lost(index, lost)
        return decision

    def _lost_outputs(self, index: int) -> list[str]:
        """The outputs that aren't on the shelf any more as judged; the others are held."""
        version = self._planner.version(index)
        assert version is not None
        following, holds = partial(self._digests_after, index), self._registry.holds
        lost = [
            name
            for name, each in version.objects.items()
            if name not in self._put and not holds(name, each.digest, following)
        ]
        if lost or version.is_in_use or self._note_use(index, version):
            return lost
        return list(version.objects)

    def _note_use(self, index: int, version: Version) -> bool:
        """Note on the shelf that a version is used, and so are those that are reused after it.

        Returns:
            False if it isn't there any more.
        """
        if version.number not in self._used:
            following = islice(self._reused_after(index), _MOST_NOTED)
            others = [each.number for each in following if each.is_current and not each.is_in_use]
            self._used |= self._store.use(version.number, others, self._registry.partition)
        return version.number in self._used

    def _reused_after(self, index: int) -> Iterator[Version]:
        """The versions of the nodes that follow a node and are going to be reused in a row."""
        decisions, version = self._planner.decisions, self._planner.version
        for following in range(index + 1, len(decisions)):
            if decisions[following].action != "reuse" or (found := version(following)) is None:
                return
            yield found

    def _digests_after(self, index: int) -> Iterator[str]:
        """The digests of what these made."""
        for version in self._reused_after(index):
            yield from (each.digest for each in version.objects.values())

    def _note_reused(self, index: int) -> None:
        version = self._planner.version(index)
        assert version is not None
        if not version.is_current:
            self._made.update(version.objects)  # their classes may be other ones
        self._objects.update(version.objects)
        node = self._wiring.nodes[index]
        if not node.persist:
            self._take_off(node.outputs)
        self._registry.note_reused(node.name, version.objects)
        self._planner.reused(index)

    def _take_off(self, names: Iterable[str]) -> None:
        """Take off the shelf what nodes left there that aren't to keep it any more."""
        partition = self._registry.partition
        for name in self._store.current(names, partition).keys() - self._by_hand - self._put:
            self._store.take(name, partition=partition)

    def deferred(self, index: int) -> list[int]:
        """The nodes that were put off and must run before this one, in order."""
        due: list[int] = []
        if self.decide(index).action == "run":
            self._collect_deferred(index, due)
        return due

    def _collect_deferred(self, reader: int, due: list[int]) -> None:
        nodes = self._wiring.nodes
        for name in nodes[reader].inputs:
            maker = self._wiring.makers.get(name)
            if maker is None or maker in due or not self._planner.is_deferred(maker, name):
                continue
            self._collect_deferred(maker, due)
            due.append(maker)
            why = self._planner.needed_by(maker, name, nodes[reader].name)
            self._decided[maker] = Decision("run", (why,))

    def late_inputs(self) -> set[str]:
        """The objects that nodes read which may be put off."""
        nodes = self._wiring.nodes
        return {name for index in self._planner.may_be_deferred() for name in nodes[index].inputs}

    def begin(self, index: int) -> None:
        """The node runs now."""
        self._code.begin(index)

    def failed(self, index: int) -> None:
        """The node has failed, and what it changed until then is state all the same."""
        self._code.failed(index)

    def record(self, index: int, made: list[Any], seconds: float | None) -> None:
        """Store what a node made, and its record, in one transaction; then note both.

        Args:
            index: the node's.
            made: its outputs. The list is emptied.
            seconds: how long its function took.
        """
        node, registry = self._wiring.nodes[index], self._registry
        self._has_run = True
        ended = self._code.end(index)
        objects = dict(zip(node.outputs, made, strict=True))
        made.clear()
        transient = take_transient(node, objects)
        with registry.store.draft(objects) as draft:
            kept = described(draft, objects, self._made_before(index), self._load)
            made_files = {path for each in kept.values() for path in each.files}
            made_files |= {os.fspath(file) for file in files_in(transient)}
            record = self._record(index, ended, draft.digests, made_files)
            notes = ended.outside.notes(
                {**record.read_files, **record.made_files}, self._store.path
            )
            if node.effect:
                kept = {name: each._replace(content=record.made) for name, each in kept.items()}
            n_same = runs_alike(self._record_of(index), kept)
            record = record._replace(objects=kept, n_same=n_same, seconds=seconds, notes=notes)
            result = Result(
                key=self._keys[index],
                record=record.text(),
                read=hash_of_read(node, record.inputs),
                node=node.name,
                drop=[*transient],
                partition=registry.partition,
                max_versions=None if node.outputs else MOST_OF_WRITERS,
                is_single=node.always_run or node.effect,
            )
            written = self._store.write(draft, result)
        version = Version(
            written.number, record, kept, node=node.name, partition=registry.partition
        )
        self._take(index, version)
        registry.hold(node.name, objects, draft.refused, written.objects)
        registry.hold_in_memory(node.name, transient)

    def _made_before(self, index: int) -> Mapping[str, StoredObject]:
        """The outputs of the node's run before, whose content may be the same."""
        if self._wiring.nodes[index].effect:
            return {}
        version = self._planner.version(index) or self._versions[index].newest
        return {} if version is None else version.objects

    def _load(self, digest: str) -> Any:
        found = self._store.find_digest(digest)
        if found is None:
            raise KeyError(digest)
        return found.load()

    def _take(self, index: int, version: Version) -> None:
        """Note what a node left that ran."""
        self._made.update(version.record.outputs)
        for name in version.record.outputs:
            self._objects.pop(name, None)
            self._by_hand.discard(name)
        self._objects.update(version.objects)
        self._planner.ran(index, version)

    def _record(
        self,
        index: int,
        ended: Ended,
        digests: Mapping[str, str],
        made_files: Iterable[str],
    ) -> Record:
        node, older = self._wiring.nodes[index], self._record_of(index)
        code = self._code.recorded(index, ended, older)
        inputs = self._planner.inputs(index)
        read = self._read_files(index)
        for path in self._files.look_again(read):  # nobody knows which content the node read
            self._files.warn(path, node.name, "begun to read")
            inputs.update(dict.fromkeys(read[path], Part(os.urandom(8).hex())))
        return Record(
            wiring_of(node),
            code.parts,
            inputs,
            {name: digests.get(name) for name in node.outputs},
            sorted(code.state),
            self._stamp(index) if node.effect or len(digests) < len(node.outputs) else "",
            sorted(code.uses),
            (),
            code.left,
            {path: self._files.look(path) for path in read},
            {path: self._files.look(path) for path in made_files},
            bound=self._bound.get(index, ""),
            persists=node.persist,
        )

    def _stamp(self, index: int) -> str:
        """The stamp of outputs without content: a new one whenever the node runs in any case."""
        older = self._record_of(index)
        if self._planner.is_made_anew(index):
            return os.urandom(8).hex()
        return older.stamp if older is not None else ""

    def _put_by_hand(self, name: str) -> Part:
        self._put.add(name)
        held = self._registry.held.get(name)
        if not isinstance(held, ShelfSnapshot):
            return Part(Reader().value(peek(held)).digest)
        digest = held.pin().digest
        self._objects[name] = StoredObject(digest, digest)
        return Part(digest)

    # --- files --------------------------------------------------------------------------------

    def _read_files(self, index: int) -> dict[str, list[str]]:
        """The path of each File that a node reads -> the inputs in which it lies."""
        found: dict[str, list[str]] = {}
        for name in self._wiring.nodes[index].inputs:
            paths: Iterable[str] = ()
            if name in self._given:
                paths = self._given[name].files
            elif name in self._objects:
                paths = self._objects[name].files
            for path in paths:
                found.setdefault(path, []).append(name)
        return found

    def _look_at_files_again(self, index: int) -> None:
        """Take notice of Files that nodes of this run have changed."""
        record = self._record_of(index)
        made = record.made_files if record is not None else {}
        read = self._read_files(index)
        changed = self._files.look_again({**made, **read})
        if changed:
            self._planner.reconsider(index)
        for name in {name for path in changed for name in read.get(path, ())} & self._given.keys():
            value = peek(self._values[name])
            self._given[name] = found = Reader().value(value)
            part = Part(found.digest, shown_value(name, value))
            self._planner.is_replaced(name, part, "has files that changed")

    def end(self) -> None:
        """The run is over: warn of Files that were changed after a node had dealt with them."""
        self._code.keep_facts()
        for index in self._decided:
            record, node = self._record_of(index), self._wiring.nodes[index]
            if record is None:
                continue
            for files, did in ((record.read_files, "read"), (record.made_files, "made")):
                for path, content in files.items():
                    if self._files.look(path).digest != content.digest:
                        self._files.warn(path, node.name, did)

    # --- what is known at the start -----------------------------------------------------------

    def _check_files(self) -> None:
        """Refuse Files that nodes read and that aren't there."""
        wiring = self._wiring
        first_readers = {**wiring.free, **wiring.config_references}
        missing = []
        for name, reader in first_readers.items():
            if name in self._given:
                self._files.today.update(self._given[name].files)
                paths = gone(self._given[name].files)
            else:
                files = self._objects[name].files
                paths = gone({path: self._files.today[path] for path in files})
            missing += [(path, name, wiring.place(reader)) for path in paths]
        if missing:
            raise missing_files(missing)

    def makes(self, name: str) -> bool:
        """Return True if a node here makes an object of that name."""
        return name in self._wiring.makers

    def judged(self, name: str) -> tuple[Version | None, tuple[Reason, ...]]:
        """The version of an object that fits today, or why there is none."""
        decisions, maker = self._planner.decisions, self._wiring.makers[name]
        if decisions[maker].action == "reuse":
            return self._planner.version(maker), ()
        causes = (
            reason
            for index in self._wiring.upstream([maker])
            if decisions[index].action == "run" and not self._planner.is_needed(index)
            for reason in decisions[index].reasons
            if reason.kind != "always_run"
        )
        return None, bounded(causes)

    def expect_outputs(self) -> None:
        """Let the registry tell what this run made from what earlier ones did."""
        self._registry.awaited.update(self._wiring.makers)

    def log_provenance(self) -> None:
        """Log what comes from the shelf."""
        if self.from_shelf:
            log_provenance(
                self.from_shelf,
                self._wiring.nodes,
                self._wiring.outputs,
                self._inputs.made_by(self._code.functions()),
            )

    def _code_read(self, index: int) -> list[Any]:
        """The classes and functions in what the node reads."""
        others: list[Any] = []
        for name in self._wiring.nodes[index].inputs:
            if name in self._given:
                others.extend(self._given[name].code)
            elif name in self._objects:
                others.extend(map(code_named, self._objects[name].code))
        return others
