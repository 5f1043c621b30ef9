"""Holds one run's objects.

Apart from Pipeline so that a pipeline can run twice, or in two threads, and remember
nothing; apart from the run loop so that people can look at the objects between two steps.
What isolates a value from its copies is the snapshot's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from time import time
from types import TracebackType
from typing import Any, Final, Protocol, TypeVar, overload

from linepipe_core._declare.config import is_config_reference
from linepipe_core._declare.node import Node
from linepipe_core._declare.wiring import Wiring
from linepipe_core._errors import (
    ConstantError,
    ObjectTypeError,
    RegistryClosedError,
    UnknownNameError,
)
from linepipe_core._log import registry_log
from linepipe_core._store.info import ObjectInfo
from linepipe_core._text import did_you_mean, rendered, shortened, with_article
from linepipe_core._values.isolate import ATOMIC, copy_for_reader, isolate, peek

T = TypeVar("T")

__all__ = ["ObjPlacement", "ObjectRegistry"]

# For where None would be a value.
ABSENT: Final[Any] = object()


class ObjPlacement(Enum):
    """Where an object lives."""

    CONSTANT = "constant"
    STORAGE = "storage"
    RUNTIME = "runtime"


class Turn(Protocol):
    """The step of a run in which a node makes objects.

    Attributes:
        node: the node.
        began: when its function was called, in seconds since the epoch.
        seconds: how long that took.
    """

    node: Node
    began: float | None
    seconds: float | None


class ObjectRegistry:
    """The constants of a pipeline and the objects that a run has made so far.

    ``Run.registry`` is a run's own; ``Pipeline.get_obj_registry()`` opens one for a look.
    Whatever it hands out is a private copy, as a node would get it.

    Attributes:
        held: for the run loop: name -> what ``isolate`` made of the object.
        turns: for the run loop: the nodes' turns so far, in order.
        partition: the partition of the shelf that the run uses; empty for the shelf's own, and
            without one.
    """

    __slots__ = ("_closed", "_constants", "_origins", "_wiring", "held", "partition", "turns")

    def __init__(self, constants: Mapping[str, Any], wiring: Wiring) -> None:
        self._wiring = wiring
        self._constants = constants  # name -> what `isolate` made of it
        self.partition: str = ""
        self.held: dict[str, Any] = dict(constants)
        self._closed = False
        self.turns: Sequence[Turn] = ()
        # For what this run has and no turn made: name -> its maker, and when it was made.
        self._origins: dict[str, tuple[str | None, float]] = {}

    @property
    def is_closed(self) -> bool:
        """True after its run has ended, or somebody closed it."""
        return self._closed

    @property
    def placement(self) -> dict[str, ObjPlacement]:
        """Where each object lives."""
        return {name: self._placed(name) for name in self.keys()}

    def _placed(self, name: str) -> ObjPlacement:
        return ObjPlacement.CONSTANT if name in self._constants else ObjPlacement.RUNTIME

    @overload
    def get(self, name: str) -> Any: ...

    @overload
    def get(self, name: str, kind: type[T]) -> T: ...

    def get(self, name: str, kind: type[T] | None = None) -> Any:
        """A private copy of an object.

        Args:
            name: the object's name.
            kind: a class that it must be an instance of.

        Raises:
            UnknownNameError: there is no such object, or it has been released already.
            ObjectTypeError: it is of another type.
            RegistryClosedError: the run has ended.
        """
        held = self._find(name)
        if held is ABSENT:
            names = self.keys()
            hint = "" if names else "what a run made is in the result that it returned"
            raise UnknownNameError("object", [name], names, hint)
        value = held if type(held) in ATOMIC else copy_for_reader(held)
        if kind is not None and not isinstance(value, kind):
            raise ObjectTypeError(
                f"object {name!r} is {with_article(type(value).__name__)}, "
                f"not {with_article(kind.__name__)}"
            )
        return value

    def info(self, name: str) -> ObjectInfo:
        """The facts about an object: its maker, its age, its type; nothing of it is read.

        Args:
            name: the object's name.

        Raises:
            UnknownNameError: there is no such object, or it has been released already.
            RegistryClosedError: the run has ended.
        """
        held = self._find(name)
        if held is ABSENT:
            raise UnknownNameError("object", [name], self.keys())
        return self._info(name, held)

    def _info(self, name: str, held: Any) -> ObjectInfo:
        node, made = self._origin(name)
        kind, age = type(peek(held)), max(0.0, time() - made)
        return ObjectInfo(
            name=name,
            partition=None,
            node=node,
            type=f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
            n_bytes=None,
            age_seconds=age,
            last_used_seconds=age,
            n_versions=1,
            is_from_this_run=name in self._origins or self._turn_of(name) is not None,
        )

    def _origin(self, name: str) -> tuple[str | None, float]:
        """The maker of an object, and when it was made; now if nobody knows."""
        turn = None if name in self._origins else self._turn_of(name)
        if turn is None:
            return self._origins.get(name, (None, time()))
        made = time() if turn.began is None or turn.seconds is None else turn.began + turn.seconds
        return turn.node.name, made

    def _turn_of(self, name: str) -> Turn | None:
        """The turn in which an object was made, if it was."""
        index = self._wiring.makers.get(name)
        return None if index is None or index >= len(self.turns) else self.turns[index]

    def has(self, name: str) -> bool:
        """Return True if there is an object of that name now."""
        return self._find(name) is not ABSENT

    def set(self, name: str, value: Any) -> None:
        """Put an object in, or replace one: the nodes to come will read it.

        A name that no node reads or makes is set, and the log warns of it.

        Raises:
            ConstantError: a constant has that name (``Pipeline.bind`` replaces those), or it
                means the config.
            TypeError: the name isn't a non-empty string.
            RegistryClosedError: the run has ended.
        """
        self._check_settable(name)
        owner = [value]
        del value
        self.held[name] = isolate(owner, name)
        self._origins[name] = None, time()

    def _check_settable(self, name: str) -> None:
        """Refuse a name that can't be set, and warn of one that no node reads or makes."""
        self._open()
        if type(name) is not str or not name:
            raise TypeError(f"an object's name is a non-empty string, got {name!r}")
        if is_config_reference(name):
            raise ConstantError(
                f"{name!r} means the config, which can't be overwritten\n"
                "  give another one for a whole run: pipeline.replace(config=...)",
                [name],
            )
        if name in self._constants:
            raise ConstantError(
                f"{name!r} is a constant and can't be overwritten\n"
                f"  replace it for a whole run: pipeline.bind({name}=...)",
                [name],
            )
        free, makers = self._wiring.free, self._wiring.makers
        if name not in free and name not in makers:
            known = [*free, *makers]
            near = did_you_mean(name, known).strip() or f"they read and make: {shortened(known)}"
            registry_log().warning("registry.set(%r, ...): no node reads it; %s", name, near)

    def release(self, name: str) -> None:
        """Drop an object, so that its memory is free.

        Raises:
            ConstantError: a constant has that name.
            UnknownNameError: there is no such object.
            RegistryClosedError: the run has ended.
        """
        objects = self._open()
        if name in self._constants:
            raise ConstantError(
                f"{name!r} is a constant and can't be released: it lives as long as the pipeline",
                [name],
            )
        if name not in objects:
            raise UnknownNameError("object", [name], self.keys())
        del objects[name]

    def put(self, node: Node, values: list[Any]) -> None:
        """Take in what a node made; for the run loop.

        Args:
            node: the node.
            values: a value for each of its outputs. The list is emptied: whoever else holds
                nothing of them lets the registry keep them without a copy.
        """
        held = self.held
        if self._origins:  # somebody has set objects by hand, which a node now replaces
            for name in node.outputs:
                self._origins.pop(name, None)
        for name in reversed(node.outputs):
            if type(values[-1]) in ATOMIC:
                held[name] = values.pop()
            else:
                held[name] = isolate(values, name, node.name)

    def drop(self, names: Iterable[str]) -> None:
        """Forget objects that nothing needs; for the run loop."""
        for name in names:
            self.held.pop(name, None)

    def take_out(self, names: Iterable[str]) -> dict[str, Any]:
        """The snapshots of these names, to outlive the registry; for the run loop."""
        held = self.held
        return {name: held.pop(name) for name in names if name in held}

    def remember(
        self,
        node: str,
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        seconds: float | None,
        status: str,
    ) -> None:
        """Keep an entry of the history for later processes, where there is a place to."""

    def keys(self) -> list[str]:
        """The names of the objects that there are now."""
        return [*self._open()]

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __iter__(self) -> Iterator[str]:
        """The names of the objects that there are now."""
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __bool__(self) -> bool:
        """Always true: ``if registry`` asks whether there is one, and so it may be closed."""
        return True

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.has(name)

    def flush(self) -> None:
        """Write out what is still to be written."""
        self._open()

    def close(self) -> None:
        """End the registry and drop its objects. Calling it again does nothing."""
        self._closed = True
        self.held.clear()  # a traceback may hold the dict

    def _find(self, name: str) -> Any:
        """The snapshot of an object; `ABSENT` where there is none."""
        return self._open().get(name, ABSENT)

    def _open(self) -> dict[str, Any]:
        if self._closed:
            raise RegistryClosedError(
                "this registry is closed: its run has ended\n"
                "  keep what you need with run(outputs=[...]), or open a fresh one: "
                "pipeline.get_obj_registry()"
            )
        return self.held

    def __enter__(self) -> ObjectRegistry:
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._closed:
            return "<ObjectRegistry, closed>"
        n_objects = len(self)
        return f"<ObjectRegistry of {n_objects} object{'s' * (n_objects != 1)}>"

    def _repr_html_(self) -> str | None:
        """For notebooks: a table of the objects, if linepipe_viz is installed."""
        return None if self._closed else rendered("registry_html", self)
