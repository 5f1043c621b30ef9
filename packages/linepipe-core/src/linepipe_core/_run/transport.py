"""Brings a pipeline to other processes, once, and the results of its cases home.

A result comes without the nodes, which are here already, and without the objects that lie on a
shelf of this machine: those are read here when somebody looks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from linepipe_core._declare.declaration import Declaration
from linepipe_core._declare.portable import pack_error, unpack_error
from linepipe_core._errors import LinepipeError, RunStateError
from linepipe_core._run.failures import NodeExecutionError
from linepipe_core._run.history import HistoryEntry
from linepipe_core._run.launch import run_case
from linepipe_core._run.pools import is_local
from linepipe_core._run.result import RunResult, is_stored
from linepipe_core._run.step import Step
from linepipe_core._store.info import ObjectInfo
from linepipe_core._text import first_line
from linepipe_core._values.isolate import isolate, peek

if TYPE_CHECKING:  # they load threads, queues and sqlite3, which a run here doesn't need
    from concurrent.futures import Executor

    from linepipe_core._store.store import Store

__all__ = ["Sender", "run_packed"]

Constants: TypeAlias = Mapping[str, Any]

_LARGE: Final = 64 << 10  # bytes of a pipeline that go through a file, not with each parcel


class _Stored(NamedTuple):
    """An object of a result that lies on a shelf of this machine."""

    digest: str


class _Sent(NamedTuple):
    """A result as it comes home."""

    objects: dict[str, Any]
    steps: list[tuple[Any, ...]]
    seconds: float
    history: list[tuple[Any, ...]]
    from_shelf: tuple[ObjectInfo, ...]


class _Pipeline(NamedTuple):
    """The pipeline on its way to a worker, which unpickles it once a process.

    Attributes:
        key: the hash of its pickle.
        packed: the pickle, or the path of a file that holds it.
        shelf: which folder the shelf is, as `_folder_of` has it; None without one.
    """

    key: bytes
    packed: bytes | str
    shelf: tuple[Any, ...] | None


class Sender:
    """Sends the cases of one pipeline to the processes of an executor; a context manager.

    Args:
        declaration: the pipeline.
        executor: the user's.

    Attributes:
        pipeline: goes along with each case.

    Raises:
        RunStateError: the pipeline can't be pickled.
    """

    def __init__(self, declaration: Declaration, executor: Executor) -> None:
        from hashlib import blake2b  # it loads OpenSSL: 3 ms

        self._nodes = declaration.wiring.nodes
        packed = _pack_declaration(declaration, executor)
        key = blake2b(packed, digest_size=16).digest()
        self._file = _write(packed) if len(packed) > _LARGE and is_local(executor) else None
        self._store = _open_store(declaration)
        shelf = _folder_of(declaration) if self._store is not None else None
        self.pipeline = _Pipeline(key, self._file or packed, shelf)

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        if self._store is not None:
            self._store.close()
        if self._file is not None:
            with suppress(OSError):
                os.unlink(self._file)

    def pack(self, constants: Constants) -> bytes:
        """The constants of a case pickled.

        Raises:
            RunStateError: they can't be.
        """
        return _pickled(dict(constants), "a constant of the case can't be pickled for its worker")

    def received(self, packed: bytes) -> RunResult | Exception:
        """The result or error of a case from another process, with the nodes that are here."""
        import pickle

        if packed[:1] == b"E":
            return self._error(packed[1:])
        try:
            sent: _Sent = pickle.loads(packed[1:])
        except Exception as error:  # whatever a class raises when it is unpickled
            return RunStateError(
                f"an output came home and can't be unpickled here: {first_line(error)}\n"
                "  ask for others: map(..., outputs=[...])"
            )
        objects = self._unpacked(sent.objects)
        history = [
            HistoryEntry(node, self._isolated(inputs), self._isolated(outputs), seconds, status)
            for node, inputs, outputs, seconds, status in sent.history
        ]
        steps = [
            Step(node, index, status, seconds, memory=memory, reasons=reasons, began=began)
            for index, (node, (status, seconds, memory, reasons, began)) in enumerate(
                zip(self._nodes, sent.steps, strict=True)
            )
        ]
        return RunResult(objects, steps, sent.seconds, history, (), sent.from_shelf)

    def _error(self, packed: bytes) -> Exception:
        error = unpack_error(packed)
        if isinstance(error, NodeExecutionError):
            for step in error.steps:
                step.node = self._nodes[step.index]
            error.node = self._nodes[error.step.index]
            error.__cause__ = error.original
        return error if isinstance(error, Exception) else RunStateError(str(error))

    def _unpacked(self, objects: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._found(name, value.digest) if type(value) is _Stored else value
            for name, value in objects.items()
        }

    def _isolated(self, objects: Mapping[str, Any]) -> dict[str, Any]:
        found = self._unpacked(objects)
        return {n: v if is_stored(v) else isolate([v]) for n, v in found.items()}

    def _found(self, name: str, digest: str) -> Any:
        """The object of that digest on the shelf, as it is now and whatever becomes of it."""
        from linepipe_core._store.shelf_snapshot import ShelfSnapshot

        assert self._store is not None
        located = self._store.find_digest(digest)
        return ShelfSnapshot(name, lambda: located)


def _open_store(declaration: Declaration) -> Store | None:
    """The pipeline's shelf; None if it has none, or it can't be opened: each case says so."""
    if not declaration.options.use_persistent_cache:
        return None
    from linepipe_core._store.store import Store

    try:
        return Store(declaration.options.cache_storage_path)
    except (LinepipeError, OSError):
        return None


def _folder_of(declaration: Declaration) -> tuple[Any, ...] | None:
    """Which folder the shelf is: on another machine, or in a container, it is another one."""
    from socket import gethostname

    try:
        status = os.stat(declaration.options.cache_storage_path)
    except OSError:
        return None
    return gethostname(), status.st_dev, status.st_ino


def _write(packed: bytes) -> str:
    """Write a pickle to a file that only this user can read."""
    from tempfile import mkstemp

    handle, path = mkstemp(prefix="linepipe-")
    with open(handle, "wb") as file:
        file.write(packed)
    return path


def _pack_declaration(declaration: Declaration, executor: Executor) -> bytes:
    """The declaration pickled, by cloudpickle for the engines that use it themselves."""
    import pickle
    from concurrent.futures import ProcessPoolExecutor

    if type(executor) is not ProcessPoolExecutor:
        try:
            from cloudpickle import dumps
        except ImportError:
            pass
        else:
            packed: bytes = dumps(declaration)
            return packed
    try:
        return pickle.dumps(declaration)
    except Exception as error:  # whatever a class raises when it is pickled
        culprits = [n.name for n in declaration.wiring.nodes if n.portable() is not n]
        which = f", because of node {', '.join(map(repr, culprits[:4]))}" if culprits else ""
        raise RunStateError(
            f"this pipeline can't be pickled for other processes{which}: {first_line(error)}\n"
            "  put its functions at the top of a module; lambdas and functions of a notebook go "
            "through loky (loky.get_reusable_executor()) and Dask, which use cloudpickle"
        ) from error


def _pickled(value: Any, problem: str) -> bytes:
    """The value pickled, by cloudpickle where that is in use and pickle can't.

    Raises:
        RunStateError: it can't be; the message begins with the problem.
    """
    import pickle

    cloudpickle = sys.modules.get("cloudpickle")
    for dumps in (pickle.dumps, cloudpickle.dumps if cloudpickle else pickle.dumps):
        try:
            packed: bytes = dumps(value)
        except Exception as error:  # whatever a class raises when it is pickled
            why = first_line(error)
        else:
            return packed
    raise RunStateError(f"{problem}: {why}")


# --- in the worker --------------------------------------------------------------------------------

_unpacked: dict[bytes, Declaration] = {}  # of this worker: the last one, for the cases to come


def run_packed(
    pipeline: _Pipeline,
    outputs: Sequence[str] | None,
    reuse: bool,
    label: str,
    constants: bytes,
) -> bytes:
    """Run a case in a worker process, and pickle its result or error for the way home."""
    import pickle

    try:
        declaration = _declaration(pipeline)
        result = run_case(declaration, outputs, reuse, label, pickle.loads(constants))
        is_here = pipeline.shelf is not None and _folder_of(declaration) == pipeline.shelf
        return b"R" + _pack_result(result, is_here)
    except Exception as error:
        return b"E" + pack_error(error)


def _declaration(pipeline: _Pipeline) -> Declaration:
    import pickle

    declaration = _unpacked.get(pipeline.key)
    if declaration is None:
        packed = pipeline.packed
        if isinstance(packed, str):
            with open(packed, "rb") as file:
                packed = file.read()
        declaration = pickle.loads(packed)
        _unpacked.clear()
        _unpacked[pipeline.key] = declaration
    return declaration


def _pack_result(result: RunResult, is_shelf_here: bool) -> bytes:
    objects = _packed(result.snapshots(), is_shelf_here)
    history = [
        (
            *(entry.node, _packed(entry.inputs.snapshots(), is_shelf_here)),
            *(_packed(entry.outputs.snapshots(), is_shelf_here), entry.seconds, entry.status),
        )
        for entry in result.history
    ]
    steps = [(s.status, s.seconds, s.memory, s.reasons, s.began) for s in result.steps]
    sent = _Sent(objects, steps, result.seconds, history, result.from_shelf)
    try:
        return _pickled(sent, f"an output can't be pickled to come home ({', '.join(result)})")
    except RunStateError as error:
        raise RunStateError(f"{error}\n  ask for others: map(..., outputs=[...])") from None


def _packed(objects: Mapping[str, Any], is_shelf_here: bool) -> dict[str, Any]:
    """The objects, and for those on a shelf that both processes see their digests."""
    return {
        name: _Stored(held.pin().digest) if is_shelf_here and is_stored(held) else peek(held)
        for name, held in objects.items()
    }
