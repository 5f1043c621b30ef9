"""Takes fingerprints, and reads and writes records, for one run.

Between ``decide``, which touches nothing, and the run loop, which has no opinions. Code and
globals are read when the run starts, inputs before a node runs, and what its record needs goes
into the transaction that stores its outputs.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final

from linepipe_core._code.dependencies import (
    Reader,
    ValueFingerprint,
    code_named,
    is_there,
    own_code,
)
from linepipe_core._code.fingerprint import CodeFingerprint, code_fingerprint
from linepipe_core._code.members import is_own_class
from linepipe_core._code.parts import FUNCTION, Part, PartKey
from linepipe_core._declare.config import leaves
from linepipe_core._declare.wiring import Wiring
from linepipe_core._reuse.decide import ReusePlanner
from linepipe_core._reuse.files import FileContents, gone, missing_files
from linepipe_core._reuse.plan import Plan, PlanEntry
from linepipe_core._reuse.reasons import Decision
from linepipe_core._reuse.record import Record, StoredObject, record_keys, wiring_of
from linepipe_core._store.shelf_registry import ShelfRegistry, ShelfSnapshot
from linepipe_core._store.store import Draft, Result, Store
from linepipe_core._values.content_hash import ValueHasher
from linepipe_core._values.describe import shown_value
from linepipe_core._values.file import File, files_in, note_content
from linepipe_core._values.identity import identity_of
from linepipe_core._values.isolate import peek

__all__ = ["ReuseSession"]

_LEFT_OUT: Final = "is left out: the node changes it itself"
_AS_IT_BEGAN: Final = "is left out once a process has begun: the node changes it itself"


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
    ) -> None:
        self._wiring = wiring
        self._registry = registry
        self._given: dict[str, ValueFingerprint] = {}
        self._reader = Reader()
        self._reuses = reuses
        store = registry.store
        kept_objects = {
            name: StoredObject.read(*each)
            for name, each in store.current({*wiring.free, *wiring.makers}).items()
        }
        # What no reader could unpickle, because a class has moved, its maker makes anew.
        needed = {
            code for name in wiring.makers.keys() & kept_objects for code in kept_objects[name].code
        }
        gone = {code for code in needed if not is_there(code)}
        self._objects = {
            name: each
            for name, each in kept_objects.items()
            if name not in wiring.makers or gone.isdisjoint(each.code)
        }
        self._decided: dict[int, Decision] = {}
        self._has_run = False  # True once a node has run
        self._made: set[str] = set()  # the objects made in this run
        indices = range(len(wiring.nodes))
        self._keys = record_keys(wiring)
        self._records = [_newest_record(store, key) for key in self._keys]
        self._files = FileContents()
        self._values = {**constants, **config}
        self._look_at_recorded_files()
        given = self._look_at_given(constants, config, prints)
        self._codes = [self._code(index) for index in indices]
        self._planner = ReusePlanner(
            wiring,
            self._records,
            [self._parts(index) for index in indices],
            given,
            constants.keys(),
            {name: found.files for name, found in self._given.items()},
            self._objects,
            rerun if reuses else indices,
            kept,
            self._files.today,
            {name: found.untracked for name, found in self._given.items() if found.untracked},
        )

    def plan(self) -> Plan:
        """The plan of this run."""
        decisions = self._planner.decisions
        return Plan(
            PlanEntry(node, *decisions[index], self._untracked(index))
            for index, node in enumerate(self._wiring.nodes)
        )

    def _untracked(self, index: int) -> tuple[str, ...]:
        code, record = self._codes[index], self._records[index]
        state = dict.fromkeys((*code.state, *((*record.state, *record.began) if record else ())))
        began = record.began if record else code.values.comparable(state)
        return (
            *(f"{name} {_AS_IT_BEGAN if name in began else _LEFT_OUT}" for name in state),
            *(f"{name} can't be compared, and counts by its type" for name in code.untracked),
            *(f"what {name} gives" for name in code.unseen),
        )

    # --- at a node's turn ---------------------------------------------------------------------

    def decide(self, index: int) -> Decision:
        """Decide to run or to reuse the node whose turn it is."""
        if index not in self._decided:
            self._decided[index] = decision = self._decision(index)
            if decision.action == "reuse":
                self._planner.reused(index)
        decision = self._decided[index]
        return decision if self._reuses else decision._replace(reasons=())

    def _decision(self, index: int) -> Decision:
        node = self._wiring.nodes[index]
        for name in self._registry.take_put():
            self._planner.is_replaced(name, self._put_by_hand(name), "was put in by hand")
        if not self._made.isdisjoint(node.inputs):
            self._codes[index] = self._code(index)  # objects of other classes may have come
            self._planner.sees(index, self._parts(index))
        if self._has_run:
            self._look_at_files_again(index)
        decision = self._planner.decide(index)
        if decision.action == "reuse" and (lost := self._lost_outputs(index)):
            return self._planner.is_lost(index, lost)
        return decision

    def _lost_outputs(self, index: int) -> list[str]:
        """The outputs that aren't on the shelf any more as judged; the others are held."""
        judged = self._objects
        return [
            name
            for name in self._wiring.nodes[index].outputs
            if name in judged and not self._registry.pins(name, judged[name].digest)
        ]

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
        self._codes[index].values.begin()

    def failed(self, index: int) -> None:
        """The node has failed, and what it changed until then is state all the same."""
        with suppress(Exception):  # of a user's class: the node's own error is to be told
            self._codes[index].values.end()

    def record(self, index: int, made: list[Any]) -> None:
        """Store what a node made, and its record, in one transaction; then note both.

        Args:
            index: the node's.
            made: its outputs. The list is emptied.
        """
        node, registry = self._wiring.nodes[index], self._registry
        changed = self._codes[index].values.end()
        self._has_run = True
        objects = dict(zip(node.outputs, made, strict=True))
        made.clear()
        transient = {} if node.persist else objects
        objects = objects if node.persist else {}
        with registry.store.draft(objects) as draft:
            kept = _described(draft, objects)
            made_files = {path for each in kept.values() for path in each.files}
            made_files |= {os.fspath(file) for file in files_in(transient)}
            record = self._record(index, changed, draft.digests, made_files)
            if node.effect:
                kept = {name: each._replace(content=record.made) for name, each in kept.items()}
            about = {name: each.text() for name, each in kept.items()}
            result = Result(self._keys[index], record.text(), node.name, about, [*transient])
            written = registry.store.write(draft, result)
        self._take(index, record, kept)
        registry.hold(node.name, objects, draft.refused, written.objects)
        registry.hold_in_memory(transient)

    def _take(self, index: int, record: Record, kept: Mapping[str, StoredObject]) -> None:
        """Note the record and the outputs of a node that ran."""
        self._made.update(record.outputs)
        for name in record.outputs:
            self._objects.pop(name, None)
        self._objects.update(kept)
        self._records[index] = record
        self._planner.ran(index, record)

    def _record(
        self,
        index: int,
        changed: Iterable[PartKey],
        digests: Mapping[str, str],
        made_files: Iterable[str],
    ) -> Record:
        node, code, older = self._wiring.nodes[index], self._codes[index], self._records[index]
        state = {*changed, *code.state}
        if older is not None and older.parts[FUNCTION].digest == code.parts[FUNCTION].digest:
            # A memo that was full already is state all the same.
            state.update(older.state, older.began)
        began = code.values.comparable(state)
        state.difference_update(began)
        inputs = self._planner.inputs(index)
        read = self._read_files(index)
        for path in self._files.look_again(read):  # nobody knows which content the node read
            self._files.warn(path, node.name, "begun to read")
            inputs.update(dict.fromkeys(read[path], Part(os.urandom(8).hex())))
        return Record(
            wiring_of(node),
            {key: part for key, part in code.since(began).items() if key not in state},
            inputs,
            {name: digests.get(name) for name in node.outputs},
            sorted(state),
            self._stamp(index) if node.effect or len(digests) < len(node.outputs) else "",
            began,
            {path: self._files.look(path) for path in read},
            {path: self._files.look(path) for path in made_files},
        )

    def _stamp(self, index: int) -> str:
        """The stamp of outputs without content: a new one whenever the node runs in any case."""
        older = self._records[index]
        if self._planner.is_made_anew(index):
            return os.urandom(8).hex()
        return older.stamp if older is not None else ""

    def _put_by_hand(self, name: str) -> Part:
        held = self._registry.held.get(name)
        if not isinstance(held, ShelfSnapshot):
            return Part(Reader().value(peek(held)).digest)
        digest = held.pin().digest
        self._objects[name] = StoredObject(digest, digest)
        return Part(digest)

    # --- files --------------------------------------------------------------------------------

    def _look_at_recorded_files(self) -> None:
        """Look at the Files that nodes made, and at those on the shelf that nodes read."""
        for record in filter(None, self._records):
            for path, content in {**record.read_files, **record.made_files}.items():
                note_content(path, content)  # spares reading what hasn't changed since
            self._files.look_again(record.made_files)
        for name in self._wiring.free.keys() & self._objects.keys():
            self._files.look_again(self._objects[name].files)

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
        record = self._records[index]
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
        for index in self._decided:
            record, node = self._records[index], self._wiring.nodes[index]
            if record is None:
                continue
            for files, did in ((record.read_files, "read"), (record.made_files, "made")):
                for path, content in files.items():
                    if self._files.look(path).digest != content.digest:
                        self._files.warn(path, node.name, did)

    # --- what is known at the start -----------------------------------------------------------

    def _look_at_given(
        self,
        constants: Mapping[str, Any],
        config: Mapping[str, Any],
        prints: MutableMapping[str, ValueFingerprint],
    ) -> dict[str, Part]:
        """The Parts of the constants, the config and the objects of earlier runs."""
        parts = {}
        for name in (*self._wiring.free, *self._wiring.config_references):
            if name not in constants and name not in config:
                parts[name] = self._pinned(name).part(self._files.today)
                continue
            value = peek(constants[name] if name in constants else config[name])
            found = prints.get(name) or self._reader.value(value)
            if not found.untracked and not found.files:  # these may change meanwhile
                prints[name] = found
            self._given[name] = found
            parts[name] = Part(self._content(value, found), shown_value(name, value))
            if name in constants:
                continue
            for leaf, held in leaves(name, value):  # for reasons that name the leaf
                content = self._content(held, self._reader.value(held))
                part = Part(content, shown_value(leaf, held))
                parts.setdefault(leaf, part)
        self._check_files()
        return parts

    def _content(self, value: Any, found: ValueFingerprint) -> str:
        """The hash of a given value; what has no content counts as new in every process."""
        if not found.untracked:
            return found.digest
        hasher = ValueHasher(self._reader.name, is_own_class, identify=identity_of)
        return hasher.digest(value)

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

    def _parts(self, index: int) -> dict[PartKey, Part]:
        """The parts of the node's code; state as it began in this process."""
        record = self._records[index]
        return self._codes[index].since(record.began if record else ())

    def _pinned(self, name: str) -> StoredObject:
        """Hold on to an object of an earlier run: another process may replace it meanwhile."""
        digest = self._registry.held[name].pin().digest
        if name not in self._objects or self._objects[name].digest != digest:  # just replaced
            found = self._registry.store.current([name]).get(name)
            about = found.about if found is not None else None
            self._objects[name] = StoredObject.read(digest, about)
        return self._objects[name]

    def _code(self, index: int) -> CodeFingerprint:
        """The fingerprint of the node's code, with that of the classes in its inputs."""
        node = self._wiring.nodes[index]
        others: list[Any] = []
        for name in node.inputs:
            if name in self._given:
                others.extend(self._given[name].code)
            elif name in self._objects:
                others.extend(map(code_named, self._objects[name].code))
        return code_fingerprint(self._reader, node.func, others, node.depends_on)


def _newest_record(store: Store, key: str) -> Record | None:
    newest = store.newest_result(key)
    return None if newest is None else Record.read(newest.record)


def _described(draft: Draft, objects: Mapping[str, Any]) -> dict[str, StoredObject]:
    """The content, the code and the Files of each object that can be stored."""
    kept = {}
    for name, digest in draft.digests.items():
        pack = draft.packs[name]
        content: str = digest
        files: tuple[str, ...] = ()
        if pack.has_sets or File in pack.code:
            found = Reader().value(objects[name])
            content, files = found.digest, tuple(found.files)
        kept[name] = StoredObject(digest, content, own_code(pack.code), files)
    return kept
