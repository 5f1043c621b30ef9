"""Holds one run's objects on the shelf: the registry of a pipeline with a persistent cache.

Apart from `registry`, which knows no disk, so that a run in memory pays nothing for this.
The run loop is the same for both: what lies on the shelf is a `Shelved`, of the same shape as
whatever else the registry holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from linepipe_core._declare.node import Node
from linepipe_core._errors import ConstantError, MissingInputError, ShelfError
from linepipe_core._log import REGISTRY_LOG
from linepipe_core._store.object_shelf import ObjectShelf, Records, ShelfObject
from linepipe_core._store.registry import ObjectRegistry, ObjPlacement
from linepipe_core._values.isolate import ATOMIC, isolate, peek
from linepipe_core._values.out_of_band import Pickled
from linepipe_core._values.snapshot import Snapshot

__all__ = ["ShelfRegistry", "ShelfSnapshot", "read_history"]


class ShelfSnapshot(Snapshot):
    """An object on the shelf. Whoever asks gets a private copy, read when it is asked for.

    Attributes:
        name: its name.
    """

    is_stored = True  # what a result holds of it is read when somebody looks

    __slots__ = ("_locate", "_located", "_shared", "_unshared", "name")

    name: str

    def __init__(self, name: str, locate: Callable[[], ShelfObject | None]) -> None:
        self.name = name
        self._locate = locate
        self._located: ShelfObject | None = None
        self._unshared: list[Any] = []  # a copy that was read and not given away yet
        self._shared: list[Any] = []  # one that everyone may look at

    def pin(self) -> ShelfObject:
        """The object as it is from now on, whatever becomes of the shelf.

        Raises:
            MissingInputError: it isn't there any more, or its bytes are bad.
        """
        if self._located is None:
            self._located = self._locate()
        if self._located is None:
            raise self._missing(None)
        return self._located

    def unread(self) -> ShelfSnapshot:
        """The same object, if it was pinned, without the copy that was read of it."""
        located = self._located
        return ShelfSnapshot(self.name, self._locate if located is None else lambda: located)

    @property
    def value(self) -> Any:
        """The object itself, for somebody who promises not to change it."""
        if not self._shared:
            self._shared.append(self.copy())
        return self._shared[0]

    def copy(self) -> Any:
        """A private copy."""
        try:
            return self._unshared.pop()  # never to two threads that look at one history
        except IndexError:
            return self._loaded()

    move = copy

    def read(self) -> None:
        """Read a copy for whoever asks first.

        Raises:
            MissingInputError: the object isn't there any more, or its bytes are bad.
        """
        if not self._unshared:
            self._unshared.append(self._loaded())

    def _loaded(self) -> Any:
        located = self.pin()
        try:
            return located.load()
        except Exception as error:  # unpickling may raise anything
            REGISTRY_LOG.warning(
                "object %r on the shelf can't be read and counts as missing: %s: %s",
                self.name, type(error).__name__, error,
            )  # fmt: skip
            raise self._missing(error) from error

    def _missing(self, error: Exception | None) -> MissingInputError:
        gone = "it was removed, or could never be pickled"
        why = gone if error is None else f"{type(error).__name__}: {error}"
        return MissingInputError(
            f"object {self.name!r} can't be read from the shelf: {why}\n"
            "  run the node that makes it again",
            [self.name],
        )


class ShelfRegistry(ObjectRegistry):
    """The registry of a run with a persistent cache.

    Args:
        constants: name -> what ``snapshot.hold`` made of it.
        shelf: an open shelf, which the registry closes at its end.
        needed: names that the run reads from the shelf: those whose bytes are bad are as if
            they weren't there.

    Raises:
        ConstantError: a constant has the name of an object on the shelf.
    """

    __slots__ = ("_kept_digests", "_put_by_hand", "_run", "_stored", "shelf")

    shelf: ObjectShelf

    def __init__(
        self, constants: Mapping[str, Any], shelf: ObjectShelf, needed: Iterable[str] = ()
    ) -> None:
        super().__init__(constants)
        self.shelf = shelf
        self._stored = {name: self._shelved(name) for name in shelf}
        _refuse_shadows(constants, self._stored, shelf.path)
        for name in needed:
            if name not in constants and shelf.open(name) is None:  # warns of what is bad
                self._stored.pop(name, None)
        self.held.update(self._stored)
        self._run: int | None = None
        self._put_by_hand: list[str] = []
        self._kept_digests: dict[int, tuple[Any, str | None]] = {}

    def _shelved(self, name: str) -> ShelfSnapshot:
        return ShelfSnapshot(
            name, partial(self.shelf.open, name)
        )  # not itself: no cycle to collect

    # --- what the run loop does ---------------------------------------------------------------

    def put(
        self,
        node: Node,
        values: list[Any],
        records: Records | None = None,
        look: Callable[[Mapping[str, Pickled]], None] | None = None,
    ) -> None:
        """Bring what a node made onto the shelf, all of it in one transaction.

        What can't be pickled, or not be read back, stays in memory; the older value of its
        name leaves the shelf.

        Raises:
            ShelfError: the shelf can't be written.
        """
        if node.outputs or records:
            self._put(node.name, node.outputs, values, records, look)

    def _put(
        self,
        node: str,
        names: Iterable[str],
        values: list[Any],
        records: Records | None = None,
        look: Callable[[Mapping[str, Pickled]], None] | None = None,
    ) -> None:
        objects = dict(zip(names, values, strict=True))
        values.clear()
        stored = self.shelf.store(objects, node=node or None, records=records, look=look)
        for name in list(objects):
            if name in stored.refused:
                shared = self._keep_in_memory(name, objects)
                REGISTRY_LOG.warning(
                    "object %r, made by %s, stays in memory: %s%s",
                    name, _maker(node), stored.refused[name].why,
                    "".join(f"; {what}" for what in shared),
                )  # fmt: skip
            elif not self._read_back(name, objects, stored.objects[name]):
                self.shelf.store({}, drop=[name])
                for what in self._keep_in_memory(name, objects):
                    REGISTRY_LOG.warning("object %r, made by %s: %s", name, _maker(node), what)

    def _read_back(self, name: str, objects: dict[str, Any], stored: ShelfObject) -> bool:
        """Hold the shelf's copy of an object, so that readers get what a later run would.

        Returns:
            Whether it can be read at all: some objects pickle and don't unpickle.
        """
        shelved = ShelfSnapshot(name, lambda: stored)
        if type(objects[name]) in ATOMIC:
            self.held[name] = objects.pop(name)
        else:
            try:
                shelved.read()
            except MissingInputError:
                return False
            del objects[name]
            self.held[name] = shelved
        self._stored[name] = shelved
        return True

    def _keep_in_memory(self, name: str, objects: dict[str, Any]) -> list[str]:
        """Hold an object that the shelf can't, and say what of it everyone shares."""
        self._stored.pop(name, None)
        owner = [objects.pop(name)]
        shared: list[str] = []
        self.held[name] = isolate(owner, shared=shared)
        return shared

    def take_out(self, names: Iterable[str]) -> dict[str, Any]:
        """The objects of these names, to outlive the registry; nothing of them is read yet."""
        objects = {}
        for name in names:
            held = self.held.get(name, self._stored.get(name))
            if held is not None or name in self.held:
                if isinstance(held, ShelfSnapshot):
                    held.pin()
                objects[name] = held
        return objects

    def pins(self, name: str, digest: str) -> bool:
        """Hold on to an object as it is now, unread; for the run loop.

        Returns:
            Whether it is the one of that digest. Where it isn't, it is let go again.
        """
        held = self._stored.get(name)
        if held is None:  # replaced by hand by what stays in memory
            return name in self.held
        try:
            is_that = held.pin().digest == digest
        except MissingInputError:
            is_that = False
        if not is_that:
            self._stored[name] = self.held[name] = self._shelved(name)
        return is_that

    # --- what people do -----------------------------------------------------------------------

    def set(self, name: str, value: Any) -> None:
        """Put an object in, or replace one, on the shelf too: the nodes to come will read it.

        Raises:
            ConstantError: a constant has that name; ``Pipeline.bind`` replaces those.
            RegistryClosedError: the run has ended.
            ShelfError: the shelf can't be written.
        """
        self._check_settable(name)
        self._put("", [name], [value])
        self._put_by_hand.append(name)

    def take_put(self) -> list[str]:
        """The names that were set by hand since the last time this was asked."""
        names, self._put_by_hand = self._put_by_hand, []
        return names

    def release(self, name: str) -> None:
        """Drop what memory holds of an object; one on the shelf stays there.

        Raises:
            ConstantError: a constant has that name.
            UnknownNameError: there is no such object.
            RegistryClosedError: the run has ended.
        """
        if name in self._stored:
            self._stored[name] = self.held[name] = self._stored[name].unread()
        else:
            super().release(name)

    def flush(self) -> None:
        """Wait until what is on the shelf would survive a power cut, too."""
        super().flush()
        self.shelf.sync()

    def close(self) -> None:
        """End the registry and close its shelf. Calling it again does nothing."""
        super().close()
        self._stored = {}
        self.shelf.close()

    def _placed(self, name: str) -> ObjPlacement:
        return ObjPlacement.STORAGE if name in self._stored else super()._placed(name)

    def _open(self) -> dict[str, Any]:
        # The run loop takes what is read last out of `held`; on the shelf it is still there.
        return {**self._stored, **super()._open()}

    # --- history ------------------------------------------------------------------------------

    def remember(
        self,
        node: str,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        seconds: float | None,
        status: str,
    ) -> None:
        """Write an entry of the history to the shelf. If that fails the log says so, once."""
        if self.is_closed:  # by hand, half-way: the run is about to say so
            return
        try:
            if self._run is None:
                self._run = self.shelf.begin_run()
            got, made = self._digests(inputs), self._digests(outputs)
            entry = {
                "node": node,
                "inputs": got,
                "outputs": made,
                "seconds": seconds,
                "status": status,
            }
            mentioned = filter(None, [*got.values(), *made.values()])
            self.shelf.add_entry(self._run, json.dumps(entry), mentioned)
        except ShelfError as error:
            REGISTRY_LOG.warning("the history of this run isn't kept on the shelf: %s", error)

    def _digests(self, objects: Mapping[str, Any]) -> dict[str, str | None]:
        return {name: self._digest(name, held) for name, held in objects.items()}

    def _digest(self, name: str, held: Any) -> str | None:
        """The digest of an object on the shelf; one that lives in memory is put there first."""
        if isinstance(held, ShelfSnapshot):
            return held.pin().digest
        if id(held) not in self._kept_digests:
            assert self._run is not None
            kept = self.shelf.keep({name: peek(held)}, self._run)
            # `held` is kept with its digest, so that no other object can get its id.
            self._kept_digests[id(held)] = held, kept.digests.get(name)
        return self._kept_digests[id(held)][1]


def read_history(path: str) -> list[dict[str, Any]]:
    """The newest run that the shelf at ``path`` keeps: an entry for each node, in order.

    Each has ``node``, ``seconds``, ``status``, and ``inputs`` and ``outputs`` whose objects
    are held by name and read when somebody looks.
    """
    with ObjectShelf(path) as shelf:
        runs = shelf.runs()
        entries = [json.loads(text) for text in shelf.entries(runs[-1])] if runs else []
    for entry in entries:
        for side in ("inputs", "outputs"):
            entry[side] = {
                name: ShelfSnapshot(name, partial(_open_digest, path, digest))
                for name, digest in entry[side].items()
            }
    return entries


def _open_digest(path: str, digest: str | None) -> ShelfObject | None:
    if digest is None:
        return None
    with ObjectShelf(path) as shelf:
        return shelf.open_digest(digest)


def _refuse_shadows(constants: Iterable[str], stored: Iterable[str], path: str) -> None:
    names = sorted(set(constants).intersection(stored))
    if names:
        quoted = ", ".join(map(repr, names))
        raise ConstantError(
            f"on the shelf {path} there are objects with the names of constants: {quoted}\n"
            "  neither may hide the other: rename the constant, give this pipeline a "
            "cache_storage_path of its own, or remove the object:\n"
            "  from linepipe_core.shelf import ObjectShelf; "
            f"del ObjectShelf({path!r})[{names[0]!r}]",
            names,
        )


def _maker(node: str) -> str:
    return f"node {node!r}" if node else "hand"
