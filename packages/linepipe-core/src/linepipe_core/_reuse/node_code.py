"""The code of the nodes of one run: read at the start, watched while they run.

Also their state: what they change while they run. It counts as it began, so that a node isn't run
again for its own doing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from linepipe_core._code.dependencies import Reader, identity
from linepipe_core._code.executed import IS_WATCHED, Ran, Watch, ran_code
from linepipe_core._code.fingerprint import CodeFingerprint, code_fingerprint
from linepipe_core._code.known_facts import Keeper, attach, keep
from linepipe_core._code.lookup import looked_up, recorded_code
from linepipe_core._code.outside import OutsideWatch
from linepipe_core._code.ownership import module_owner
from linepipe_core._code.parts import FUNCTION, Part, PartKey
from linepipe_core._code.unseen import is_file_reader
from linepipe_core._declare.node import Node
from linepipe_core._reuse.record import Record

__all__ = ["Ended", "NodeCode", "RecordedCode"]

# How nodes that failed left what they changed, which no record says, and how that began.
_LEFT_BY_FAILED: Final[dict[str, tuple[PartKey, Part]]] = {}
_IS_STATE: Final = "counts as it began: the node changes it while it runs"


def _own_state(record: Record | None) -> list[PartKey]:
    """The parts that a node changes while it runs, but for what a library keeps for itself."""
    if record is None:
        return []
    parts = record.parts
    return [k for k in record.state if k not in parts or module_owner(parts[k].home) == "own"]


def _is_met_late(then: Part | None, now: Part | None) -> bool:
    """Return True for a value that a node was first seen to use when it had run."""
    return bool(then and now and then.made and not now.made and then.digest != now.digest)


def _phrases_of(code: CodeFingerprint, reads_files: bool) -> Iterator[str]:
    """A phrase for each thing that code depends on and that doesn't count."""
    for name in code.untracked:
        yield f"{name} can't be compared and is new in every process"
    for name in code.unseen:
        counts = reads_files and is_file_reader(name)
        yield f"what {name} reads besides its Files" if counts else f"what {name} gives"
    yield from code.notes


class Ended(NamedTuple):
    """A node that has run, as it was seen.

    Attributes:
        changed: the parts of its code that it changed.
        ran: the code that ran; None where that isn't watched.
        outside: the files that it opened, and the processes that it started.
    """

    changed: Collection[PartKey]
    ran: Ran | None
    outside: OutsideWatch


class RecordedCode(NamedTuple):
    """The code of a node that has run, as its record keeps it.

    Attributes:
        parts: each part, as it began.
        state: those that the node changes while it runs.
        uses: the distributions and modules that it uses.
        left: how the node left its state.
    """

    parts: Mapping[PartKey, Part]
    state: Collection[PartKey]
    uses: Collection[str]
    left: Mapping[PartKey, str]


class NodeCode:
    """The code of the nodes of one run.

    Args:
        nodes: the nodes.
        reader: reads values; it knows what was read before.
        earlier: the records of the newest results that tell of state.
        code_read: gives the classes and functions in what a node reads.
        facts: keeps what is found in sources.

    Attributes:
        state: the parts that nodes change while they run.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        reader: Reader,
        earlier: Iterable[Record],
        code_read: Callable[[int], list[Any]],
        facts: Keeper,
    ) -> None:
        attach(facts)
        self._facts = facts
        self._nodes = nodes
        self._reader = reader
        self._code_read = code_read
        self._fingerprints: dict[Any, tuple[Any, CodeFingerprint]] = {}
        self._began: dict[int, dict[PartKey, Part]] = {}
        self._today: dict[tuple[int, int], tuple[Record, dict[PartKey, Part]]] = {}
        self._watches: dict[int, Watch | None] = {}
        self._outside: dict[int, OutsideWatch] = {}
        self._failed_state: set[PartKey] = set()
        self._phrases: dict[tuple[CodeFingerprint, bool], tuple[str, ...]] = {}
        self.state: set[PartKey] = set()
        self._left: dict[str, Part] = {}  # how runs left them -> how they began
        self._note_state(earlier)
        self._codes = [self._read(index) for index in range(len(nodes))]

    def keep_facts(self) -> None:
        """Let the next process know what was found in sources."""
        keep(self._facts)

    def functions(self) -> set[str]:
        """The hashes of the nodes' functions."""
        return {code.parts[FUNCTION].digest for code in self._codes}

    def untracked(self, index: int, record: Record | None, reads_files: bool) -> tuple[str, ...]:
        """A phrase for each thing that a node depends on and that doesn't count.

        Args:
            index: the node.
            record: of its last run.
            reads_files: True if there are Files in its inputs, whose content does count.
        """
        code = self._codes[index]
        key = code, reads_files
        if key not in self._phrases:
            self._phrases[key] = tuple(_phrases_of(code, reads_files))
        found = self._phrases[key]
        if record is None or not (record.state or record.notes):
            return found
        return (*(f"{key} {_IS_STATE}" for key in _own_state(record)), *found, *record.notes)

    def read_again(self, index: int) -> None:
        """Read a node's code again, where objects have come that it reads."""
        self._today.clear()
        self._codes[index] = self._read(index)

    def parts(self, index: int, record: Record) -> Mapping[PartKey, Part]:
        """The parts of the node's code as far as the record asks for them; state as it began.

        Of a node whose code hasn't changed these are the record's own.
        """
        if not record.state and not self._left:
            code, uses = self._codes[index], record.uses
            if code.parts == record.parts and code.uses == frozenset(uses):
                return record.parts
        known = self._today.get((index, id(record)))
        if known is not None and known[0] is record:
            return known[1]
        code = self._read(index, record)
        found = looked_up(self._reader, record.parts, code.parts, record.uses)
        today = {**code.parts, **found, **self._begun(code)}
        late = {key for key in record.state if _is_met_late(record.parts.get(key), today.get(key))}
        today.update({k: today[k]._replace(made=made) for k, made in code.making(late).items()})
        self._today[index, id(record)] = record, today
        return today

    def begin(self, index: int) -> None:
        """The node runs now."""
        self._began[index] = self._begun(self._codes[index])
        self._outside[index] = OutsideWatch()
        self._watches[index] = Watch() if IS_WATCHED else None

    def end(self, index: int) -> Ended:
        """The node has run."""
        watch = self._watches.pop(index, None)
        ran = watch.end() if watch is not None and watch.is_on else None
        outside = self._outside.pop(index)
        outside.end()
        return Ended(self._codes[index].changed(), ran, outside)

    def failed(self, index: int) -> None:
        """The node has failed, and what it changed until then is state all the same."""
        watch = self._watches.pop(index, None)
        if watch is not None:
            watch.end()
        outside = self._outside.pop(index, None)
        if outside is not None:
            outside.end()
        with suppress(Exception):  # of a user's class: the node's own error is to be told
            code = self._codes[index]
            changed = {*code.changed(), *(self.state & code.parts.keys())}
            self._failed_state.update(changed)
            began = {**code.parts, **self._began.get(index, {})}
            for key, text in code.left(changed, is_over=True).items():
                _LEFT_BY_FAILED[text] = key, began[key]

    def recorded(self, index: int, ended: Ended, older: Record | None) -> RecordedCode:
        """The code that a node's record keeps, with what ran and reading didn't find.

        Args:
            index: the node's.
            ended: what was seen of it.
            older: the record of its run before.
        """
        node, code = self._nodes[index], self._codes[index]
        state = {*ended.changed, *self._failed_state}
        if older is not None:  # a memo that was full already is state all the same
            state.update(older.state)
        parts, uses, seen = {**code.parts, **self._began[index]}, code.uses, code
        if ended.ran is not None:
            found, nameless = ran_code(ended.ran, code.codes)
            if found:
                others = [*self._code_read(index), *found]
                wider = seen = code_fingerprint(self._reader, node.func, others, node.depends_on)
                late = {key for key in wider.parts if key not in parts and key.is_value}
                state |= late
                began = {**wider.parts, **self._begun(wider)}
                for key, made in wider.making(late).items():  # their content began as another
                    began[key] = began[key]._replace(made=made)
                parts, uses = {**began, **parts}, wider.uses
                parts = {**parts, **{k: p for k, p in wider.parts.items() if k.kind == "statement"}}
            parts = {**parts, **nameless}
        self.state.update(state)
        return RecordedCode(parts, state, uses, seen.left(state, is_over=True))

    def _read(self, index: int, record: Record | None = None) -> CodeFingerprint:
        """The fingerprint of the node's code, with that of the classes in its inputs.

        For a record, with the code that it holds and reading may not find any more.
        """
        node, others = self._nodes[index], self._code_read(index)
        uses = None
        if record is not None:
            code = self._codes[index]
            if record.parts.keys() <= code.parts.keys() and code.uses == frozenset(record.uses):
                return code  # reading finds all of it
            others.extend(recorded_code(record.parts))
            uses = frozenset(record.uses)
        parts = node.func, tuple(others), node.depends_on
        key = id(node.func), tuple(map(identity, others)), tuple(map(id, node.depends_on)), uses
        if key not in self._fingerprints:  # with what it is of, or others could get the same ids
            self._fingerprints[key] = parts, code_fingerprint(self._reader, *parts, uses)
        return self._fingerprints[key][1]

    def _begun(self, code: CodeFingerprint) -> dict[PartKey, Part]:
        """The parts that runs of this process have changed and nobody else, as first recorded."""
        if not self._left:
            return {}
        left = code.left(self.state & code.parts.keys())
        return {key: self._left[text] for key, text in left.items() if text in self._left}

    def _note_state(self, earlier: Iterable[Record]) -> None:
        """Note what nodes change while they run, and how the newest runs left it."""
        for text, (key, began) in list(_LEFT_BY_FAILED.items()):
            self.state.add(key)
            self._left[text] = began
        for record in earlier:
            self.state.update(record.state)
            for key, text in record.left.items():
                if key in record.parts:
                    self._left[text] = record.parts[key]
