"""Starts runs: checks that all is there, opens the registry, and puts the parts of a Run together.

Apart from Pipeline, whose methods these are, and from Run, which gets its parts and doesn't
know where they come from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from linepipe_core._declare.callables import redefined_in
from linepipe_core._declare.declaration import Declaration
from linepipe_core._declare.names import Names
from linepipe_core._declare.wiring import Wiring, look_up_config, missing_inputs
from linepipe_core._errors import (
    LinepipeError,
    MissingExtraError,
    RunStateError,
    ShelfPathError,
    UnknownNameError,
)
from linepipe_core._log import run_log
from linepipe_core._reuse.plan import Plan
from linepipe_core._run.history import History, HistoryEntry
from linepipe_core._run.hooks import Hook
from linepipe_core._run.result import RunResult
from linepipe_core._run.run import Run
from linepipe_core._store.registry import ObjectRegistry
from linepipe_core._values.file import was_any_file_made
from linepipe_core._values.garbage import no_collection
from linepipe_core._values.isolate import peek

if TYPE_CHECKING:  # a run in memory, which nothing watches, needs none of them
    from linepipe_core._reuse.session import ReuseSession
    from linepipe_core._run.hook_calls import HookCalls
    from linepipe_core._store.shelf_registry import ShelfRegistry

__all__ = [
    "check_run",
    "debug",
    "make_plan",
    "open_registry",
    "run_case",
    "sliced",
    "start_run",
    "stored_history",
]


def start_run(
    declaration: Declaration,
    outputs: Names | None,
    reuse: bool,
    rerun: Names,
    hooks: Iterable[Hook],
    on_end: Callable[[RunResult], None],
    label: str = "",
) -> Run:
    """Begin a run; the arguments are those of ``Pipeline.run``.

    Args:
        on_end: called with the result, also of a run that failed.
        label: of a case, for the log.
    """
    kept = None if outputs is None else _known_outputs(declaration, outputs)
    hooks = _hook_list(hooks)
    wiring, options = declaration.wiring, declaration.options
    if wiring.profiled:
        hooks = _with_profile(hooks)
    again = _nodes_to_rerun(declaration, rerun)
    if not label:  # map warns once for all its cases
        _warn_of_redefined(wiring)
    if reuse:
        _check_cache(declaration, "run(reuse=True)")
    registry = _checked_registry(declaration)
    try:
        _check_files(declaration)
        session = None
        if options.use_persistent_cache:
            session = _session(declaration, registry, kept, again, reuse)
            session.expect_outputs()
        calls = _hook_calls(hooks, wiring) if hooks else None
        values = declaration.config_values()
        history = options.track_history
        return Run(wiring, registry, values, kept, history, calls, on_end, session, label)
    except BaseException:
        registry.close()
        raise


def run_case(
    declaration: Declaration,
    outputs: Names | None,
    reuse: bool,
    label: str,
    constants: Mapping[str, Any],
    hooks: Iterable[Hook] = (),
) -> RunResult:
    """One whole run of a case of ``map``."""
    case = declaration.bound(constants).in_partition(label)
    with start_run(case, outputs, reuse, (), hooks, lambda _: None, label) as run:
        return run.finish()


def check_run(
    declaration: Declaration, outputs: Names | None, reuse: bool, hooks: Iterable[Hook]
) -> tuple[Hook, ...]:
    """Refuse what no run of these arguments could begin with, whatever its constants are.

    Returns:
        The hooks.
    """
    if outputs is not None:
        _known_outputs(declaration, outputs)
    if reuse:
        _check_cache(declaration, "map(reuse=True)")
    _warn_of_redefined(declaration.wiring)
    declaration.config_values()
    hooks = _hook_list(hooks)
    _hook_calls(hooks, declaration.wiring)
    return hooks


def make_plan(declaration: Declaration, outputs: Names | None, rerun: Names) -> Plan:
    """The plan of ``run(reuse=True)``; the arguments are those of ``Pipeline.plan``."""
    kept = None if outputs is None else _known_outputs(declaration, outputs)
    again = _nodes_to_rerun(declaration, rerun)
    _check_cache(declaration, "plan()")
    _warn_of_redefined(declaration.wiring)
    with _checked_registry(declaration) as registry:
        _check_files(declaration)
        return _session(declaration, registry, kept, again, True).plan()


def _warn_of_redefined(wiring: Wiring) -> None:
    """Warn of functions that a notebook's cell has defined again: the nodes hold the old ones."""
    for index in wiring.from_cells:
        if cell := redefined_in(wiring.nodes[index].func):
            run_log().warning(
                "%s has the function as it was when the Pipeline was made; %s has defined it "
                "again: run the cell that makes the Pipeline again too",
                wiring.place(index),
                cell,
            )


def debug(declaration: Declaration, name: str) -> None:
    """Open the debugger in a node's function; the arguments are those of ``Pipeline.debug``."""
    from linepipe_core._run.debugger import debug_call  # pdb

    wiring, reuse = declaration.wiring, declaration.options.use_persistent_cache
    index = wiring.find(name)
    node, needed = wiring.nodes[index], sliced(declaration, wiring.upstream([index]))
    rerun = [name] if reuse else ()
    with start_run(needed, None, reuse, rerun, (), lambda _result: None) as run:
        while run.next_node is not node:
            next(run)
        inputs = run.next_inputs()
    debug_call(node, inputs)


def open_registry(declaration: Declaration) -> ObjectRegistry:
    """A registry of the constants and, with the persistent cache, of what that holds."""
    options = declaration.options
    if not options.use_persistent_cache:
        return ObjectRegistry(declaration.constants, declaration.wiring)
    with no_collection():
        # sqlite3 and pickle: only for those who need them
        from linepipe_core._store.shelf_registry import ShelfRegistry
        from linepipe_core._store.store import Store

    try:
        store = Store(options.cache_storage_path)
    except FileNotFoundError as error:
        raise _named_if_deleted(options.cache_storage_path, error) from error
    try:
        return ShelfRegistry(
            declaration.constants, declaration.wiring, store, options.partition or ""
        )
    except BaseException:
        store.close()
        raise


def _named_if_deleted(path: str, error: FileNotFoundError) -> FileNotFoundError | ShelfPathError:
    """The error, or a clearer one where the working directory was deleted."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return ShelfPathError(
            f"the working directory was deleted, so the cache at {path!r} can't be found\n"
            "  change to a folder that exists, or give an absolute cache_storage_path",
            path,
        )
    return error


def sliced(declaration: Declaration, indices: Iterable[int]) -> Declaration:
    """A declaration of these nodes. With the cache, it can judge what it takes from the shelf."""
    part = declaration.sliced(indices)
    if not declaration.options.use_persistent_cache or not part.wiring.free:
        return part
    from linepipe_core._code.dependencies import Reader

    whole, known = declaration.left_out, dict(declaration.fingerprints)
    wiring = declaration.wiring if whole is None else whole.wiring
    known = {**(whole.fingerprints if whole is not None else {}), **known}
    reader = Reader()
    for name in wiring.free:
        if name in declaration.constants and name not in known:
            known[name] = reader.value(peek(declaration.constants[name]))
    return part.cut_from(wiring, known)


def stored_history(declaration: Declaration) -> list[HistoryEntry]:
    """The history of the newest run that the persistent cache keeps."""
    options = declaration.options
    if not (options.track_history and options.use_persistent_cache):
        return History()
    if not os.path.exists(options.cache_storage_path):
        return History()
    from linepipe_core._store.shelf_registry import read_history

    return History(HistoryEntry(**entry) for entry in read_history(options.cache_storage_path))


def _checked_registry(declaration: Declaration) -> ObjectRegistry:
    """A registry with all that the run needs to start."""
    registry = open_registry(declaration)
    wiring, options = declaration.wiring, declaration.options
    if not wiring.free.keys() <= registry.held.keys():
        config = declaration.config
        there = registry.keys() if config is None else ["config", *registry.keys()]
        missing = [name for name in wiring.free if name not in registry.held]
        unkept = _unkept(declaration, registry, missing)
        registry.close()
        cache_path = options.cache_storage_path if options.use_persistent_cache else None
        raise missing_inputs(wiring, there, cache_path, config, unkept)
    return registry


def _unkept(
    declaration: Declaration, registry: ObjectRegistry, names: Iterable[str]
) -> dict[str, str]:
    """Those of the names whose objects no run leaves on the shelf, each with its maker's name."""
    if not declaration.options.use_persistent_cache:
        return {}
    from linepipe_core._reuse.versions import never_kept
    from linepipe_core._store.shelf_registry import ShelfRegistry

    assert isinstance(registry, ShelfRegistry)
    found = never_kept(registry.store, names)
    if declaration.left_out is not None:
        wiring = declaration.left_out.wiring
        makers = {
            name: wiring.nodes[wiring.makers[name]] for name in names if name in wiring.makers
        }
        found.update((name, node.name) for name, node in makers.items() if not node.persist)
    return found


def _check_files(declaration: Declaration) -> None:
    """Refuse Files among what nodes read that aren't there.

    Raises:
        MissingInputError: files are missing; all of them are told.
    """
    if not was_any_file_made():
        return
    from linepipe_core._reuse.missing_files import check_files  # only where there are Files

    wiring = declaration.wiring
    constants = ((name, declaration.constants.get(name), wiring.free[name]) for name in wiring.free)
    config = (
        (name, value, wiring.config_references[name])
        for name, value in declaration.config_values().items()
    )
    check_files((n, peek(value), wiring.place(i)) for n, value, i in (*constants, *config))


def _session(
    declaration: Declaration,
    registry: ObjectRegistry,
    kept: Iterable[str] | None,
    rerun: Iterable[int],
    reuses: bool,
) -> ReuseSession:
    with no_collection():  # modules, and some twenty objects a node: all of them stay
        # they hash and read code: only with the cache
        from linepipe_core._reuse.session import ReuseSession
        from linepipe_core._store.shelf_registry import ShelfRegistry

        assert isinstance(registry, ShelfRegistry)
        return ReuseSession(
            declaration.wiring,
            registry,
            declaration.constants,
            declaration.config_values(),
            declaration.fingerprints,
            declaration.wiring.unread if kept is None else tuple(kept),
            rerun,
            reuses,
            _judge(declaration, registry),
        )


def _hook_calls(hooks: Iterable[Hook], wiring: Wiring) -> HookCalls:
    """The calls of a run's hooks.

    Raises:
        UnknownNameError: one waits for a node that isn't there.
        TypeError: one is no Hook.
    """
    from linepipe_core._run.hook_calls import HookCalls  # only where something watches

    return HookCalls(hooks, (node.name for node in wiring.nodes))


def _hook_list(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    if isinstance(hooks, Hook):
        raise TypeError(f"hooks is one Hook, {hooks!r}; write hooks=[...]")
    return tuple(hooks)


def _judge(declaration: Declaration, registry: ShelfRegistry) -> ReuseSession | None:
    """A session of the pipeline that a slice was cut from; None if there is none, or no telling."""
    from linepipe_core._reuse.session import ReuseSession

    left_out, constants = declaration.left_out, declaration.constants
    if left_out is None:
        return None
    unseen = dict.fromkeys(left_out.fingerprints.keys() & left_out.wiring.free.keys(), object())
    known = {n: found for n, found in left_out.fingerprints.items() if n not in constants}
    if any(found.untracked for found in known.values()):
        return None
    there = {**unseen, **constants}
    if not all(name in there or registry.find(name) for name in left_out.wiring.free):
        return None
    try:
        config = look_up_config(left_out.wiring, declaration.config)
        return ReuseSession(left_out.wiring, registry, there, config, known, ())
    except LinepipeError:  # a config path or a File that only the left-out nodes read is missing
        return None


def _check_cache(declaration: Declaration, what: str) -> None:
    if not declaration.options.use_persistent_cache:
        raise RunStateError(
            f"{what} needs the persistent cache, which this pipeline hasn't\n"
            "  give it one: Pipeline(..., use_persistent_cache=True)"
        )


def _nodes_to_rerun(declaration: Declaration, names: Names) -> Sequence[int]:
    return declaration.wiring.find_all(_name_list("rerun", names)) if names else ()


def _known_outputs(declaration: Declaration, outputs: Names) -> tuple[str, ...]:
    kept = tuple(dict.fromkeys(_name_list("outputs", outputs)))
    makers = declaration.wiring.makers
    unknown = [name for name in kept if name not in makers]
    if unknown:
        raise UnknownNameError("output", unknown, makers)
    return kept


def _name_list(option: str, names: object) -> Iterable[str]:
    """The names, unless they are a bare string, or no names."""
    if isinstance(names, str):
        raise TypeError(f"{option} is the string {names!r}; write {option}=[{names!r}]")
    if not isinstance(names, Iterable):
        raise TypeError(f"{option} must be a list of names, got {names!r}")
    names = tuple(names)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{option} must be names, got {name!r} ({type(name).__name__})")
    return names


def _with_profile(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    """The hooks, and one that profiles the nodes made with ``profile=True``.

    It goes last, next to the function, so that what other hooks hold isn't counted. A
    MemoryProfile among the hooks profiles these nodes already.

    Raises:
        MissingExtraError: linepipe-profile isn't installed.
    """
    try:
        profile = import_module("linepipe_profile.hook")
    except ModuleNotFoundError as error:
        what = "what Node(profile=True) measures with"
        raise MissingExtraError(what, 'pip install "linepipe[memory]"') from error
    hooks = tuple(hooks)
    if any(isinstance(hook, profile.MemoryProfile) for hook in hooks):
        return hooks
    return (*hooks, profile.ProfileWhereAsked())
