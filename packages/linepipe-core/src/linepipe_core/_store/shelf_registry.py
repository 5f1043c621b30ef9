"""Holds one run's objects on the shelf: the registry of a pipeline with a persistent cache.

Apart from `registry`, which knows no disk, so that a run in memory pays nothing for this.
The run loop is the same for both: what lies on the shelf is a `ShelfSnapshot`, of the same shape as
whatever else the registry holds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from time import time
from typing import Any

from linepipe_core._declare.wiring import Wiring
from linepipe_core._errors import ConstantError, MissingInputError, ShelfError, UnknownNameError
from linepipe_core._log import INFO, WARNING, once, registry_log
from linepipe_core._store.ahead import ObjectsAhead
from linepipe_core._store.info import ObjectInfo
from linepipe_core._store.packing import ShelfObject
from linepipe_core._store.registry import ABSENT, ObjectRegistry, ObjPlacement
from linepipe_core._store.shelf_snapshot import ShelfSnapshot
from linepipe_core._store.store import Result, Store
from linepipe_core._values.isolate import ATOMIC, Shared, isolate, log_shared, peek
from linepipe_core._values.out_of_band import Unpicklable
from linepipe_core._values.rules import is_registered
from linepipe_core._values.secrets import may_hold_secret

__all__ = ["ShelfRegistry", "read_history"]


class ShelfRegistry(ObjectRegistry):
    """The registry of a run with a persistent cache.

    It looks up the names that it is asked for, one by one: what else lies on the shelf costs
    a run nothing.

    Args:
        constants: name -> what ``snapshot.hold`` made of it.
        wiring: of the nodes. Of the free inputs, those whose bytes are bad are as if they
            weren't there.
        store: an open store, which the registry closes at its end.
        partition: the partition of the run; empty for the shelf's own.

    Attributes:
        awaited: for the run loop: the objects whose makers haven't had their turn.

    Raises:
        ConstantError: a constant has the name of an object on the shelf.
    """

    __slots__ = (
        "_ahead",
        "_kept_digests",
        "_put_by_hand",
        "_run",
        "_stored",
        "_transient",
        "awaited",
        "store",
    )

    store: Store

    def __init__(
        self,
        constants: Mapping[str, Any],
        wiring: Wiring,
        store: Store,
        partition: str = "",
    ) -> None:
        super().__init__(constants, wiring)
        self.store = store
        self._ahead = ObjectsAhead(store)
        self.partition = partition
        self.awaited: set[str] = set()
        self._stored: dict[str, ShelfSnapshot] = {}  # those that this run has dealt with
        _refuse_shadows(constants, store, partition)
        for name in wiring.free:
            if name not in constants and (found := self._look_up(name)) is not None:
                self.held[name] = found
        self._run: int | None = None
        self._put_by_hand: list[str] = []
        self._kept_digests: dict[int, tuple[Any, str | None]] = {}
        self._transient: set[str] = set()  # the names of objects that stay off the disk

    def _look_up(self, name: str) -> ShelfSnapshot | None:
        """Find an object on the shelf as it is now."""
        partition = self.partition
        located = self.store.find(name, partition)  # warns of what is bad
        if located is None and partition:
            partition = ""  # what no partition has its own of
            located = self.store.find(name)
        if located is None:
            return None
        # Not bound to itself: no cycle to collect.
        found = ShelfSnapshot(name, partial(self.store.find, name, partition))
        self._stored[name] = found
        return found

    def find(self, name: str) -> bool:
        """Look an object up that the run may read. Returns True if it is there."""
        if name not in self.held and (found := self._look_up(name)) is not None:
            self.held[name] = found
        return name in self.held

    # --- what the run loop does ---------------------------------------------------------------

    def hold(
        self,
        node: str,
        objects: dict[str, Any],
        refused: Mapping[str, Unpicklable],
        stored: Mapping[str, ShelfObject],
    ) -> None:
        """Hold what was brought onto the shelf.

        What can't be pickled, or not be read back, stays in memory; the older value of its
        name leaves the shelf.

        Args:
            node: the name of the node that made it, or nothing if it was put by hand.
            objects: name -> object; emptied.
            refused: name -> why it isn't stored.
            stored: name -> the object as it was stored.

        Raises:
            ShelfError: the shelf can't be written.
        """
        self._note_origin(node, objects)
        for name in list(objects):
            if name in refused:
                shared = self._keep_in_memory(name, objects)
                why = refused[name]
                is_known = any(map(is_registered, why.path))
                level = once("in memory", name, why.type, level=INFO if is_known else WARNING)
                registry_log().log(
                    max(level, *(what.level(name) for what in shared), 0),
                    "object %r, made by %s, stays in memory: %s%s",
                    name, _maker(node), why.why, "".join(f"; {what}" for what in shared),
                )  # fmt: skip
            elif not self._read_back(name, objects, stored[name]):
                self.store.drop_version(name, self.partition)
                for what in self._keep_in_memory(name, objects):
                    log_shared(name, what, node)

    def _read_back(self, name: str, objects: dict[str, Any], stored: ShelfObject) -> bool:
        """Hold the shelf's copy of an object, so that readers get what a later run would.

        Returns:
            True if it can be read at all: some objects pickle and don't unpickle.
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

    def note_reused(self, node: str, names: Iterable[str]) -> None:
        """Note that a node of this run was reused, and these are its outputs."""
        self._note_origin(node, names)

    def _note_origin(self, node: str, names: Iterable[str]) -> None:
        origin = node or None, time()
        for name in names:
            self._origins[name] = origin
            self.awaited.discard(name)

    def hold_in_memory(self, node: str, objects: dict[str, Any]) -> None:
        """Hold objects that are never to lie on the shelf, nor in the history there.

        Args:
            node: the name of the node that made them.
            objects: name -> object; emptied.
        """
        self._note_origin(node, objects)
        for name in list(objects):
            shared = self._keep_in_memory(name, objects)
            for what in shared:
                log_shared(name, what, node)
            self._transient.add(name)

    def _keep_in_memory(self, name: str, objects: dict[str, Any]) -> list[Shared]:
        """Hold an object that the shelf can't, and say what of it everyone shares."""
        self._stored.pop(name, None)
        owner = [objects.pop(name)]
        shared: list[Shared] = []
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

    def holds(self, name: str, digest: str, following: Callable[[], Iterable[str]] = tuple) -> bool:
        """Hold on to an object of some version, unread; for the run loop.

        Args:
            name: the object's name.
            digest: its digest.
            following: gives the digests of those that will be asked for next, in order.

        Returns:
            False if there is no such object any more.
        """
        held = self._stored.get(name)
        if held is None and name in self.held:  # replaced by hand by what stays in memory
            return True
        with suppress(MissingInputError):
            if held is not None and held.pin().digest == digest:
                self.held[name] = held
                return True
        located = self._ahead.find(digest, following)
        if located is None:
            self._stored.pop(name, None)
            self.held.pop(name, None)
            return False
        self._stored[name] = self.held[name] = ShelfSnapshot(name, lambda: located)
        return True

    # --- what people do -----------------------------------------------------------------------

    def get(self, name: str, kind: type[Any] | None = None) -> Any:
        """A private copy of an object; the log says so if it is an earlier run's.

        Raises:
            UnknownNameError: there is no such object.
            ObjectTypeError: it is of another type than ``kind``.
            RegistryClosedError: the run has ended.
        """
        value = super().get(name) if kind is None else super().get(name, kind)
        if name in self.awaited:
            registry_log().info("%r is an earlier run's: its maker hasn't had its turn yet", name)
        return value

    def _info(self, name: str, held: Any) -> ObjectInfo:
        if not isinstance(held, ShelfSnapshot) and name not in self._stored:
            return super()._info(name, held)
        partition = self.partition
        found = self.store.info_of(name, partition) or self.store.info_of(name)
        if found is None:  # removed meanwhile
            raise UnknownNameError("object", [name], self.keys())
        return found._replace(is_from_this_run=name in self._origins)

    def set(self, name: str, value: Any) -> None:
        """Put an object in, or replace one, on the shelf too: the nodes to come will read it.

        Raises:
            ConstantError: a constant has that name; ``Pipeline.bind`` replaces those.
            RegistryClosedError: the run has ended.
            ShelfError: the shelf can't be written.
        """
        self._check_settable(name)
        objects = {name: value}
        del value
        with self.store.draft(objects) as draft:
            written = self.store.write(draft, Result(partition=self.partition))
        self.hold("", objects, draft.refused, written.objects)
        self._origins[name] = None, time()
        self._put_by_hand.append(name)

    def take_put(self) -> list[str]:
        """The names that were set by hand since the last time this was asked."""
        names = self._put_by_hand
        if names:
            self._put_by_hand = []
        return names

    def release(self, name: str) -> None:
        """Drop what memory holds of an object; one on the shelf stays there.

        Raises:
            ConstantError: a constant has that name.
            UnknownNameError: there is no such object.
            RegistryClosedError: the run has ended.
        """
        if self._find(name) is not ABSENT and name in self._stored:
            self._stored[name] = self.held[name] = self._stored[name].unread()
        else:
            super().release(name)

    def keys(self) -> list[str]:
        """The names of the objects that there are now, all that lies on the shelf included."""
        return [*dict.fromkeys((*self._open(), *self._stored, *self.store.names()))]

    def flush(self) -> None:
        """Wait until what is on the shelf would survive a power cut, too."""
        super().flush()
        self.store.sync()

    def close(self) -> None:
        """End the registry and close its shelf. Calling it again does nothing."""
        super().close()
        self._stored = {}
        self._ahead.clear()
        self.store.close()

    def _placed(self, name: str) -> ObjPlacement:
        is_in_memory = name in self.held and name not in self._stored
        return super()._placed(name) if is_in_memory else ObjPlacement.STORAGE

    def _find(self, name: str) -> Any:
        # The run loop takes what is read last out of `held`; on the shelf it is still there.
        held = super()._find(name)
        if held is ABSENT and name:
            found = self._stored.get(name) or self._look_up(name)
            return ABSENT if found is None else found
        return held

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
                self._run = self.store.begin_run()
            got, made = self._digests(inputs), self._digests(outputs)
            entry = {
                "node": node,
                "inputs": got,
                "outputs": made,
                "seconds": seconds,
                "status": status,
            }
            mentioned = filter(None, [*got.values(), *made.values()])
            self.store.add_entry(self._run, json.dumps(entry), mentioned)
        except ShelfError as error:
            registry_log().warning("the history of this run isn't kept on the shelf: %s", error)

    def _digests(self, objects: Mapping[str, Any]) -> dict[str, str | None]:
        return {name: self._digest(name, held) for name, held in objects.items()}

    def _digest(self, name: str, held: Any) -> str | None:
        """The digest of an object on the shelf; one that lives in memory is put there first.

        None for what isn't to lie there, such as a password among the constants.
        """
        stored = held if isinstance(held, ShelfSnapshot) else self._stored.get(name)
        if stored is not None:
            return stored.pin().digest
        if name in self._transient or may_hold_secret(name, peek(held)):
            return None
        if id(held) not in self._kept_digests:
            assert self._run is not None
            with self.store.draft({name: peek(held)}) as draft:
                self.store.keep(draft, self._run)
            # `held` is kept with its digest, so that no other object can get its id.
            self._kept_digests[id(held)] = held, draft.digests.get(name)
        return self._kept_digests[id(held)][1]


def read_history(path: str) -> list[dict[str, Any]]:
    """The newest run that the shelf at ``path`` keeps: an entry for each node, in order.

    Each has ``node``, ``seconds``, ``status``, and ``inputs`` and ``outputs`` whose objects
    are held by name and read when somebody looks.
    """
    with Store(path) as store:
        runs = store.runs()
        entries = [json.loads(text) for text in store.entries(runs[-1])] if runs else []
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
    with Store(path) as store:
        return store.find_digest(digest)


def _refuse_shadows(constants: Iterable[str], store: Store, partition: str) -> None:
    names = sorted(store.current(constants, partition))
    if names:
        quoted = ", ".join(map(repr, names))
        raise ConstantError(
            f"on the shelf {store.path} there are objects with the names of constants: {quoted}\n"
            "  neither may hide the other; to run with the constants and without the shelf: "
            "pipeline.replace(use_persistent_cache=False)\n"
            "  or rename the constant, or give this pipeline a cache_storage_path of its own\n"
            "  or remove the object: from linepipe_core.shelf import ObjectShelf; "
            f"del ObjectShelf({store.path!r})[{names[0]!r}]",
            names,
        )


def _maker(node: str) -> str:
    return f"node {node!r}" if node else "hand"
