"""Looks at the objects that a run reads from the shelf and that no node of it makes.

Apart from the session, whose nodes make the others: here is who made these, when, and whether
they fit today. Of a slice its whole pipeline judges that.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Protocol

from linepipe_core._code.parts import FUNCTION
from linepipe_core._reuse.reasons import Reason
from linepipe_core._reuse.record import Record, StoredObject, Version
from linepipe_core._reuse.versions import object_of
from linepipe_core._store.info import ObjectInfo
from linepipe_core._store.shelf_registry import ShelfRegistry
from linepipe_core._store.shelf_snapshot import ShelfSnapshot
from linepipe_core._store.store import StoredResult

__all__ = ["Judge", "ShelfInputs"]


class Judge(Protocol):
    """The session of the pipeline that a slice was cut from."""

    def makes(self, name: str) -> bool:
        """Return True if a node there makes an object of that name."""

    def judged(self, name: str) -> tuple[Version | None, tuple[Reason, ...]]:
        """The version of an object that fits today, or why there is none."""


class ShelfInputs:
    """The objects that a run reads from the shelf, held as they are now.

    Another process may replace them meanwhile.

    Args:
        names: the names that no node of the run makes.
        registry: the run's, which holds those that are on the shelf.
        judge: of a slice, the session of its whole pipeline.

    Attributes:
        objects: name -> each of them.
    """

    def __init__(self, names: Iterable[str], registry: ShelfRegistry, judge: Judge | None) -> None:
        self._registry = registry
        self._judge = judge
        self._stale: dict[str, tuple[Reason, ...]] = {}
        self._chosen: dict[str, Version] = {}  # versions that aren't the current ones
        self._functions: dict[str, str] = {}  # name -> its maker's function, as a hash
        self.objects: dict[str, StoredObject] = {}
        for name in names:
            if isinstance(registry.held.get(name), ShelfSnapshot):
                self._take(name)

    def _take(self, name: str) -> None:
        result = self._current_result(name)
        record = Record.read(result.record) if result is not None else None
        if record is not None:
            self._functions[name] = record.parts[FUNCTION].digest
        if result is not None and result.key:  # what was put by hand, nobody judges
            self._choose_version(name)
        if name in self._chosen:
            self.objects[name] = self._chosen[name].objects[name]
            return
        held = self._registry.held[name]
        assert isinstance(held, ShelfSnapshot)
        self.objects[name] = object_of(record, name, held.pin().digest)

    def _choose_version(self, name: str) -> None:
        """Let a slice read the version that fits today; without one it is stale."""
        if self._judge is None or not self._judge.makes(name):
            return
        version, self._stale[name] = self._judge.judged(name)
        made = version.objects.get(name) if version is not None else None
        if version is not None and made and self._registry.holds(name, made.digest):
            self._chosen[name] = version

    def _current_result(self, name: str) -> StoredResult | None:
        results, partition = self._registry.store.results, self._registry.partition
        return results.current(name, partition) or (results.current(name) if partition else None)

    def infos(self) -> tuple[ObjectInfo, ...]:
        """The facts about each."""
        return tuple(map(self._info, self.objects))

    def _info(self, name: str) -> ObjectInfo:
        info = self._registry.info(name)._replace(stale=self._stale.get(name, ()))
        if name not in self._chosen:
            return info
        return info._replace(age_seconds=max(0.0, time.time() - self._chosen[name].stored))

    def made_by(self, functions: Collection[str]) -> set[str]:
        """Those whose makers' functions are among these, given as hashes."""
        return {name for name, digest in self._functions.items() if digest in functions}
