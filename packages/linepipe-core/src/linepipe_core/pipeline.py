"""The declaration that people build, and the calls they make on it.

A Pipeline is frozen and remembers nothing of a run but the newest one's history; all that
changes while nodes run belongs to the ``Run`` that ``start()`` gives.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from linepipe_core._declare.hints import output_hints
from linepipe_core._declare.node import Node
from linepipe_core._declare.wiring import Wiring, look_up_config, missing_inputs
from linepipe_core._errors import (
    CompositionError,
    MissingExtraError,
    RunStateError,
    UnknownNameError,
)
from linepipe_core._log import RUN_LOG
from linepipe_core._run.hooks import Hook
from linepipe_core._run.run import Run
from linepipe_core._store.registry import ObjectRegistry
from linepipe_core._text import did_you_mean, rendered, shortened
from linepipe_core._values.isolate import ATOMIC, isolate, log_shared, peek

if TYPE_CHECKING:  # these load sqlite3, which a pipeline in memory doesn't need
    from linepipe_core._code.dependencies import ValueFingerprint
    from linepipe_core._reuse.session import ReuseSession
from linepipe_core._reuse.plan import Plan
from linepipe_core._run.history import HistoryEntry
from linepipe_core._run.hook_calls import HookCalls
from linepipe_core._run.result import RunResult

__all__ = ["Pipeline"]

_DEFAULT_CACHE_PATH = "./.cache/data_storage"
_OPTIONS = (
    "nodes",
    "config",
    "track_history",
    "use_persistent_cache",
    "cache_storage_path",
)


class Pipeline:
    """Nodes in their order, with the config and the constants that they read.

    Frozen. Everything that isn't about one run is here; what is, goes to ``run()``.

    Args:
        nodes: the nodes, in the order in which they run.
        config: any object; nodes read it as ``config`` or ``config.a.b``. A mapping is read
            by key, anything else by attribute, then by key. It is copied now.
        track_history: remember what each node got and made.
        use_persistent_cache: keep what nodes make on disk, for runs to come.
        cache_storage_path: the file of the persistent cache.
        **constants: objects that nodes read by these names. They are copied now; what can't
            be copied (an engine, a lock) is kept by reference, and the log says so once.

    Raises:
        WiringError: the nodes don't fit together; all the problems are told at once.
        TypeError: the nodes are none, or an option isn't what it should be.

    Example:
        >>> def double(x: int) -> int:
        ...     return 2 * x
        >>> pipeline = Pipeline([Node(double, ["x"], ["y"]), Node(double, ["y"], ["z"])], x=3)
        >>> pipeline.run()["z"]
        12
    """

    __slots__ = (
        "__weakref__",
        "_cache_storage_path",
        "_config",
        "_config_values",
        "_constants",
        "_newest",
        "_prints",
        "_told",
        "_wiring",
        "track_history",
        "use_persistent_cache",
    )

    track_history: bool
    use_persistent_cache: bool
    _wiring: Wiring
    _config: Any
    _config_values: list[dict[str, Any]]  # one cell: filled by the first run, shared by bind
    _constants: dict[str, Any]  # name -> what snapshot.hold made of it
    _cache_storage_path: str
    _prints: dict[str, ValueFingerprint]  # of constants and config, for reuse; filled by runs
    _newest: list[list[HistoryEntry] | None]  # one cell: the newest finished run's history
    _told: set[tuple[str, str]]  # constants, and why they can't be copied: told once

    def __init__(
        self,
        /,
        nodes: Iterable[Node],
        config: Any = None,
        track_history: bool = False,
        use_persistent_cache: bool = False,
        cache_storage_path: str | os.PathLike[str] = _DEFAULT_CACHE_PATH,
        **constants: Any,
    ) -> None:
        if isinstance(nodes, Node):
            raise TypeError(f"a Pipeline takes a list of nodes, got {nodes!r}\n  write [node]")
        nodes = tuple(nodes)
        for node in nodes:
            if not isinstance(node, Node):
                raise TypeError(
                    f"a Pipeline is made of nodes, got {node!r} ({type(node).__name__})\n"
                    "  wrap the function: Node(func, inputs, outputs)"
                )
        _check_switch(
            "track_history", track_history, "constants go by keyword: Pipeline(nodes, config, x=1)"
        )
        _check_switch(
            "use_persistent_cache",
            use_persistent_cache,
            "its place is another option: cache_storage_path=...",
        )
        wiring = Wiring(nodes)
        wiring.check(constants)
        _warn_of_misspelled_names(constants, wiring, (*_OPTIONS, *wiring.free))
        owner = [config]
        del config
        told: set[tuple[str, str]] = set()
        _fill(
            self,
            wiring,
            peek(isolate(owner, "config")),
            {name: _held(value, name, told) for name, value in constants.items()},
            track_history,
            use_persistent_cache,
            os.fsdecode(cache_storage_path),
            told,
        )

    # What it is made of.

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, in order."""
        return self._wiring.nodes

    @property
    def node_order(self) -> list[str]:
        """The nodes' names, in order."""
        return [node.name for node in self.nodes]

    @property
    def nodes_info(self) -> list[dict[str, Any]]:
        """For each node ``func`` (its name), ``inputs`` and ``outputs``."""
        return [
            {"func": node.name, "inputs": node.inputs, "outputs": node.outputs}
            for node in self.nodes
        ]

    @property
    def output_hints(self) -> dict[str, Any]:
        """Each output's annotation; of several outputs, the parts of a fixed tuple.

        ``typing.Any`` where the function tells none that fits.
        """
        return output_hints(self.nodes)

    @property
    def free_inputs(self) -> tuple[str, ...]:
        """The objects that nodes read and none makes: constants, or kept by an earlier run."""
        return tuple(self._wiring.free)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The objects that no node reads: what ``run()`` gives."""
        return self._wiring.outputs

    @property
    def cache_storage_path(self) -> str:
        """The file of the persistent cache."""
        return self._cache_storage_path

    @property
    def history(self) -> list[HistoryEntry]:
        """What each node of the newest finished run got and made; empty if none was tracked."""
        newest = self._newest[0]
        if newest is not None:
            return newest.copy()
        if not (self.track_history and self.use_persistent_cache):
            return []
        return self._history_on_shelf()

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __contains__(self, item: object) -> bool:
        """Whether it is one of the nodes, or the name of one."""
        if isinstance(item, str):
            return any(node.name == item for node in self.nodes)
        return any(node is item for node in self.nodes)

    def __getitem__(self, name: str) -> Node:
        """The node of that name.

        Raises:
            UnknownNameError: no node has it.
            AmbiguousNameError: more than one has.
            TypeError: it isn't a name.
        """
        if not isinstance(name, str):
            raise TypeError(
                f"a Pipeline is asked for a node by its name, got {name!r}\n"
                "  by its place: pipeline.nodes[0]"
            )
        return self.nodes[self._wiring.find(name)]

    def __repr__(self) -> str:
        n_nodes = len(self)
        made = shortened(self.outputs, 4) if self.outputs else "(no outputs)"
        read = shortened(self.free_inputs, 4) if self.free_inputs else "(no inputs)"
        return f"<Pipeline of {n_nodes} node{'s' * (n_nodes != 1)}: {read} -> {made}>"

    def _repr_html_(self) -> str | None:
        """For notebooks: the picture in the notebook's own theme, if linepipe_viz is there."""
        return rendered("pipeline_html", self)

    def _repr_svg_(self) -> str | None:
        """For what makes documents of notebooks: the bare picture, if linepipe_viz is there."""
        return rendered("pipeline_svg", self)

    # Other pipelines made of it.

    def bind(self, /, **constants: Any) -> Pipeline:
        """The same pipeline with these constants replaced or added.

        Cheap: the wiring and all that was prepared for a run is shared.

        Raises:
            WiringError: a name is an output's, or means the config.
        """
        wiring = self._wiring
        wiring.check(constants)
        merged = self._constants.copy()
        for name, value in constants.items():
            merged[name] = _held(value, name, self._told)
        _warn_of_misspelled_names(constants, wiring, wiring.free)
        bound = self._with(wiring, merged)
        if self._prints:  # a copy at one stroke: a run in another thread may add to it meanwhile
            known = self._prints.copy().items()
            bound._prints.update((name, seen) for name, seen in known if name not in constants)
        return bound

    def from_nodes(self, *names: str) -> Pipeline:
        """These nodes and all that depend on them."""
        return self._sliced(self._wiring.downstream(self._wiring.find_all(names)))

    def to_nodes(self, *names: str) -> Pipeline:
        """These nodes and all that they need."""
        return self._sliced(self._wiring.upstream(self._wiring.find_all(names)))

    def only_nodes(self, *names: str) -> Pipeline:
        """Just these nodes, in order."""
        return self._sliced(self._wiring.find_all(names))

    def to_outputs(self, *names: str) -> Pipeline:
        """What it takes to make these objects."""
        return self._sliced(self._wiring.upstream(self._wiring.makers_of(names)))

    def _sliced(self, indices: Sequence[int]) -> Pipeline:
        return self._with(Wiring(self.nodes[index] for index in indices), self._constants)

    def _with(self, wiring: Wiring, constants: dict[str, Any]) -> Pipeline:
        other = object.__new__(type(self))
        _fill(
            other,
            wiring,
            self._config,
            constants,
            self.track_history,
            self.use_persistent_cache,
            self._cache_storage_path,
            self._told,
            self._config_values if wiring is self._wiring else None,
        )
        return other

    def __add__(self, other: object) -> Pipeline:
        """These nodes and then those, with the configs and constants of both.

        History and the persistent cache are on if either has them on.

        Raises:
            WiringError: together, the nodes don't fit.
            CompositionError: config, constants or cache paths differ; all are named.
        """
        if not isinstance(other, Pipeline):
            return NotImplemented
        from linepipe_core._declare.merge import merge_configs, merge_constants

        wiring = self._wiring.extended(other.nodes)
        problems: list[str] = []
        constants = merge_constants(self._constants, other._constants, problems)
        config = merge_configs(self._config, other._config, problems)
        path = self._cache_storage_path
        if other.use_persistent_cache:
            theirs = other._cache_storage_path
            if self.use_persistent_cache and os.path.abspath(path) != os.path.abspath(theirs):
                problems.append(
                    f"they keep two caches, {path!r} and {theirs!r}; "
                    "give both the same cache_storage_path"
                )
            path = theirs
        wiring.check(constants)
        if problems:
            raise CompositionError(problems)
        added = object.__new__(type(self))
        _fill(
            added,
            wiring,
            config,
            constants,
            self.track_history or other.track_history,
            self.use_persistent_cache or other.use_persistent_cache,
            path,
            self._told | other._told,
        )
        return added

    def __radd__(self, other: object) -> Pipeline:
        """Lets ``sum`` start from its 0."""
        return self if other == 0 else NotImplemented

    # Running.

    def run(
        self,
        *,
        outputs: Iterable[str] | None = None,
        reuse: bool = False,
        rerun: Iterable[str] = (),
        hooks: Iterable[Hook] = (),
    ) -> RunResult:
        """Run all the nodes, one after another.

        Args:
            outputs: the objects to give; by default those that no node reads.
            reuse: skip each node whose outputs in the persistent cache are fresh: neither
                its code, nor what it reaches, nor its inputs have changed.
            rerun: the names of nodes to run in any case.
            hooks: what shall watch the run.

        Returns:
            The outputs by name, and how each node fared.

        Raises:
            MissingInputError: a node needs an object that there isn't; nothing has run.
            MissingConfigError: a node reads a config path that there isn't; nothing has run.
            UnknownNameError: no node makes one of ``outputs``, or none has a name of
                ``rerun``, or one that a Breakpoint waits for; nothing has run.
            RunStateError: ``reuse`` is asked for without the persistent cache.
            TypeError: one of ``hooks`` is no Hook, or ``outputs`` or ``rerun`` are no names;
                nothing has run.
            MissingExtraError: a node has ``profile=True`` and linepipe-profile isn't
                installed; nothing has run.
            NodeExecutionError: a node failed.
        """
        with self.start(outputs=outputs, reuse=reuse, rerun=rerun, hooks=hooks) as run:
            return run.finish()

    def start(
        self,
        *,
        outputs: Iterable[str] | None = None,
        reuse: bool = False,
        rerun: Iterable[str] = (),
        hooks: Iterable[Hook] = (),
    ) -> Run:
        """Begin a run, to go through it step by step. Takes what ``run`` takes.

        Example:
            >>> pipeline = Pipeline([Node(len, ["text"], ["n"])], text="four")
            >>> with pipeline.start() as run:
            ...     for step in run:
            ...         print(step.node.name, step.status, run.registry.get("n"))
            len ran 4
        """
        kept = None if outputs is None else self._kept(outputs)
        if isinstance(hooks, Hook):
            raise TypeError(f"hooks is one Hook, {hooks!r}; write hooks=[...]")
        hooks = tuple(hooks)
        if self._wiring.profiled:
            hooks = _with_profile(hooks)
        again = self._named_for_rerun(rerun)
        if reuse:
            self._check_cache("run(reuse=True)")
        registry = self._checked_registry()
        try:
            return Run(
                self._wiring,
                registry,
                self._config_held(),
                kept,
                self.track_history,
                HookCalls(hooks, self.node_order) if hooks else None,
                self._remember,
                self._reuse(registry, kept, again, reuse) if self.use_persistent_cache else None,
            )
        except BaseException:
            registry.close()
            raise

    def plan(self, rerun: Iterable[str] = ()) -> Plan:
        """What ``run(reuse=True)`` would do, and why. Runs nothing.

        Args:
            rerun: the names of nodes that shall run in any case.

        Returns:
            An entry for each node: ``.node``, ``.action`` (``"run"``, ``"reuse"``, or
            ``"maybe"`` where an input may turn out unchanged) and ``.reasons``. It prints as
            a table.

        Raises:
            RunStateError: the pipeline has no persistent cache.
            MissingInputError: a node needs an object that there isn't.
            MissingConfigError: a node reads a config path that there isn't.
            UnknownNameError: no node has a name of ``rerun``.
        """
        again = self._named_for_rerun(rerun)
        self._check_cache("plan()")
        with self._checked_registry() as registry:
            return self._reuse(registry, None, again, True).plan()

    def _named_for_rerun(self, names: Iterable[str]) -> Sequence[int]:
        return self._wiring.find_all(_listed("rerun", names)) if names else ()

    def _check_cache(self, what: str) -> None:
        if not self.use_persistent_cache:
            raise RunStateError(
                f"{what} needs the persistent cache, which this pipeline hasn't\n"
                "  give it one: Pipeline(..., use_persistent_cache=True)"
            )

    def _reuse(
        self,
        registry: ObjectRegistry,
        kept: Iterable[str] | None,
        rerun: Iterable[int],
        reuses: bool,
    ) -> ReuseSession:
        from linepipe_core._reuse.session import (
            ReuseSession,  # hashes and reads code: only with the cache
        )
        from linepipe_core._store.shelf_registry import ShelfRegistry

        assert isinstance(registry, ShelfRegistry)
        return ReuseSession(
            self._wiring,
            registry,
            self._constants,
            self._config_held(),
            self._prints,
            self._wiring.outputs if kept is None else tuple(kept),
            rerun,
            reuses,
        )

    def debug(self, name: str) -> None:
        """Open the debugger at the first line of a node's function, its real inputs at hand.

        What the node needs is taken from the cache where that is fresh, and run first
        otherwise. Its own result goes nowhere, so nothing that was done
        in the debugger gets into the cache. Where its function fails, the debugger opens again.

        Args:
            name: the node.

        Raises:
            UnknownNameError: no node has that name.
            AmbiguousNameError: more than one has.
            NodeDefinitionError: its function isn't written in Python.
            NodeExecutionError: a node that it needs failed.
            Exception: whatever its function raised, when the debugger was left.
        """
        from linepipe_core._run.debugger import debug_call

        node = self[name]
        needed = self.to_nodes(name)
        reuse = self.use_persistent_cache
        with needed.start(reuse=reuse, rerun=[name] if reuse else ()) as run:
            while run.next_node is not node:
                next(run)
            inputs = run.next_inputs()
        debug_call(node, inputs)

    def get_obj_registry(self) -> ObjectRegistry:
        """Open a registry for a look at the constants and what the cache holds.

        Raises:
            ConstantError: a constant has the name of an object in the cache.
            ShelfError: the cache can't be opened.
        """
        return self._registry()

    def _kept(self, outputs: Iterable[str]) -> tuple[str, ...]:
        kept = tuple(dict.fromkeys(_listed("outputs", outputs)))
        unknown = [name for name in kept if name not in self._wiring.makers]
        if unknown:
            raise UnknownNameError("output", unknown, self._wiring.makers)
        return kept

    def _checked_registry(self) -> ObjectRegistry:
        """A registry with all that the run needs to start."""
        registry = self._registry()
        if not self._wiring.free.keys() <= registry.held.keys():
            there = registry.held if self._config is None else ["config", *registry.held]
            registry.close()
            cache_path = self._cache_storage_path if self.use_persistent_cache else None
            raise missing_inputs(self._wiring, there, cache_path, self._config)
        return registry

    def _registry(self) -> ObjectRegistry:
        """A registry of the constants and, with the persistent cache, of what that holds."""
        if not self.use_persistent_cache:
            return ObjectRegistry(self._constants)
        from linepipe_core._store.shelf_registry import ShelfRegistry
        from linepipe_core.shelf import ObjectShelf  # sqlite3 and pickle: only who needs them

        shelf = ObjectShelf(self._cache_storage_path)
        try:
            return ShelfRegistry(self._constants, shelf, self._wiring.free)
        except BaseException:
            shelf.close()
            raise

    def _history_on_shelf(self) -> list[HistoryEntry]:
        if not os.path.exists(self._cache_storage_path):
            return []
        from linepipe_core._run.history import HistoryEntry
        from linepipe_core._store.shelf_registry import read_history

        return [HistoryEntry(**entry) for entry in read_history(self._cache_storage_path)]

    def _config_held(self) -> dict[str, Any]:
        """Reference -> what to hand out, for each config reference that a node reads."""
        cell = self._config_values
        if not cell:
            cell.append(look_up_config(self._wiring, self._config))
        return cell[0]

    def _remember(self, result: RunResult) -> None:
        # Not the result: its outputs are the caller's, to drop when the caller drops them.
        self._newest[0] = result.history.copy()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"a Pipeline is frozen: bind() replaces constants, a new Pipeline all else ({name!r})"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Pipeline is frozen: {name!r} can't be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        # Not the newest result: a worker gets the declaration, not somebody's objects.
        return _restored, (
            type(self),
            self.nodes,
            self._config,
            {name: peek(held) for name, held in self._constants.items()},
            self.track_history,
            self.use_persistent_cache,
            self._cache_storage_path,
        )


def _fill(
    pipeline: Pipeline,
    wiring: Wiring,
    config: Any,
    constants: dict[str, Any],
    track_history: bool,
    use_persistent_cache: bool,
    cache_storage_path: str,
    told: set[tuple[str, str]] | None = None,
    config_values: list[dict[str, Any]] | None = None,
) -> None:
    """Set what a Pipeline is made of; afterwards it is frozen."""
    put = object.__setattr__
    put(pipeline, "_wiring", wiring)
    put(pipeline, "_config", config)
    put(pipeline, "_config_values", [] if config_values is None else config_values)
    put(pipeline, "_constants", constants)
    put(pipeline, "_prints", {})
    put(pipeline, "_newest", [None])
    put(pipeline, "_told", set() if told is None else told)
    put(pipeline, "track_history", track_history)
    put(pipeline, "use_persistent_cache", use_persistent_cache)
    put(pipeline, "_cache_storage_path", cache_storage_path)


def _restored(
    kind: type[Pipeline], nodes: tuple[Node, ...], config: Any, constants: Any, *options: Any
) -> Pipeline:
    """A Pipeline from its pickle."""
    pipeline = object.__new__(kind)
    isolated = {name: isolate([value], shared=[]) for name, value in constants.items()}
    _fill(pipeline, Wiring(nodes), config, isolated, *options)
    return pipeline


def _listed(option: str, names: Iterable[str]) -> Iterable[str]:
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


def _check_switch(option: str, value: object, instead: str) -> None:
    """Refuse what can't have been meant as True or False."""
    if isinstance(value, (Collection, os.PathLike)):
        raise TypeError(f"{option} is True or False, got a {type(value).__name__}\n  {instead}")


def _held(value: Any, name: str, told: set[tuple[str, str]]) -> Any:
    """What to keep of a value that the caller goes on using.

    What can't be copied is told once: a service may bind one for each request.
    """
    if type(value) in ATOMIC:
        return value
    shared: list[str] = []
    held = isolate([value], name, shared=shared)
    for what in shared:
        if (name, what) not in told:
            told.add((name, what))
            log_shared(repr(name), what)
    return held


def _warn_of_misspelled_names(
    constants: Mapping[str, Any], wiring: Wiring, meant: Iterable[str]
) -> None:
    """Say so when a constant that no node reads looks like what may have been meant."""
    for name in constants:
        if name not in wiring.free and (near := did_you_mean(name, meant)):
            RUN_LOG.warning("the constant %r is read by no node; %s", name, near.strip())


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
