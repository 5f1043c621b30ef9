"""The declaration that people build, and the calls they make on it.

A Pipeline is frozen and remembers nothing of a run but the newest one's history; all that changes
while nodes run belongs to the ``Run`` that ``start()`` gives. `_declare.declaration` makes
pipelines of pipelines, `_run.launch` starts runs.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from linepipe_core._declare.declaration import Declaration, Options
from linepipe_core._declare.hints import output_hints
from linepipe_core._declare.names import Names
from linepipe_core._declare.node import Node
from linepipe_core._declare.subclassing import refuse_overrides
from linepipe_core._declare.wiring import Wiring
from linepipe_core._reuse.plan import Plan
from linepipe_core._run import launch
from linepipe_core._run.history import HistoryEntry
from linepipe_core._run.hooks import Hook
from linepipe_core._run.map_result import MapResult
from linepipe_core._run.result import RunResult
from linepipe_core._run.run import Run
from linepipe_core._store.registry import ObjectRegistry
from linepipe_core._text import rendered, shortened
from linepipe_core._values.isolate import copy_for_reader, isolate

if TYPE_CHECKING:  # loads threads and queues, which a run here doesn't need
    from concurrent.futures import Executor

__all__ = ["Pipeline"]

_DEFAULT_CACHE_PATH: Final = "./.cache/data_storage"
_SAME: Final[Any] = object()  # stands for an option that isn't given, in replace()


class Pipeline:
    """Nodes in their order, with the config and the constants that they read.

    Frozen. Everything that isn't about one run is here; what is, goes to ``run()``.

    Args:
        nodes: the nodes, in the order in which they run.
        config: any object; nodes read it as ``config`` or ``config.a.b``. A mapping is read
            by key, anything else by attribute, then by key. It is copied now.
        track_history: remember what each node got and made.
        use_persistent_cache: keep what nodes make on disk, for runs to come.
        cache_storage_path: the folder of the persistent cache, a shelf.
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

    __slots__ = ("__weakref__", "_declaration", "_newest")

    _declaration: Declaration
    _newest: list[list[HistoryEntry] | None]  # one cell: the newest finished run's history

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
        owner = [config]
        del config  # so that the copy is spared where nobody else has it
        path = os.fsdecode(cache_storage_path)
        options = Options(track_history, use_persistent_cache, path)
        self._fill(Declaration.of(nodes, owner, constants, options))

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        refuse_overrides(cls, Pipeline)

    def _fill(self, declaration: Declaration) -> None:
        """Set the content of a new Pipeline; afterwards it is frozen."""
        object.__setattr__(self, "_declaration", declaration)
        object.__setattr__(self, "_newest", [None])

    def _with(self, declaration: Declaration) -> Self:
        other = object.__new__(type(self))
        other._fill(declaration)
        return other

    @property
    def _wiring(self) -> Wiring:
        return self._declaration.wiring

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
        return [{"func": n.name, "inputs": n.inputs, "outputs": n.outputs} for n in self.nodes]

    @property
    def output_hints(self) -> dict[str, Any]:
        """Each output's annotation: of several, the parts of a fixed tuple; or ``typing.Any``."""
        return output_hints(self.nodes)

    @property
    def free_inputs(self) -> tuple[str, ...]:
        """The objects that nodes read and none makes: constants, or kept by an earlier run."""
        return tuple(self._wiring.free)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The objects that no node with outputs reads: ``run()`` gives these."""
        return self._wiring.outputs

    @property
    def config(self) -> Any:
        """A private copy of the config."""
        return copy_for_reader(isolate([self._declaration.config], "config", shared=[]))

    @property
    def constants(self) -> dict[str, Any]:
        """The constants by name: private copies."""
        return {name: copy_for_reader(h) for name, h in self._declaration.constants.items()}

    @property
    def track_history(self) -> bool:
        """True if runs record what each node got and made."""
        return self._declaration.options.track_history

    @property
    def use_persistent_cache(self) -> bool:
        """True if what nodes make is kept on disk."""
        return self._declaration.options.use_persistent_cache

    @property
    def cache_storage_path(self) -> str:
        """The file of the persistent cache."""
        return self._declaration.options.cache_storage_path

    @property
    def history(self) -> list[HistoryEntry]:
        """The inputs and outputs of each node of the newest finished run; empty if not tracked."""
        newest = self._newest[0]
        return launch.stored_history(self._declaration) if newest is None else newest.copy()

    def __len__(self) -> int:
        return len(self.nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __contains__(self, item: object) -> bool:
        """Return True if it is one of the nodes, or the name of one."""
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
        return self.nodes[self._wiring.find(name)]

    def __repr__(self) -> str:
        n_nodes = len(self)
        made = shortened(self.outputs, 4) if self.outputs else "(no outputs)"
        read = shortened(self.free_inputs, 4) if self.free_inputs else "(no inputs)"
        return f"<Pipeline of {n_nodes} node{'s' * (n_nodes != 1)}: {read} -> {made}>"

    def _repr_html_(self) -> str | None:
        """For notebooks: the picture, if linepipe_viz is installed."""
        return rendered("pipeline_html", self)

    # Other pipelines made of it.

    def bind(self, /, **constants: Any) -> Self:
        """The same pipeline with these constants replaced or added.

        Cheap: the wiring and all that was prepared for a run is shared.

        Raises:
            WiringError: a name is an output's, or means the config.
        """
        return self._with(self._declaration.bound(constants))

    def replace(
        self,
        *,
        nodes: Iterable[Node] = _SAME,
        config: Any = _SAME,
        track_history: bool = _SAME,
        use_persistent_cache: bool = _SAME,
        cache_storage_path: str | os.PathLike[str] = _SAME,
        partition: str | None = _SAME,
    ) -> Self:
        """The same pipeline with other options; what isn't given stays.

        Args:
            nodes: other nodes, in the order in which they run.
            config: another config.
            track_history: record what each node got and made.
            use_persistent_cache: keep what nodes make on disk.
            cache_storage_path: another place for that.
            partition: the part of the persistent cache that decides what is current for these
                runs, such as a case's label; None for the common one.

        Raises:
            WiringError: the nodes don't fit together, or a constant has an output's name.
            TypeError: an option isn't what it should be.

        Example:
            >>> pipeline = Pipeline([Node(len, ["text"], ["n"])], text="four")
            >>> pipeline.replace(use_persistent_cache=True, cache_storage_path="cache")
            <Pipeline of 1 node: text -> n>
        """
        if cache_storage_path is not _SAME:
            cache_storage_path = os.fsdecode(cache_storage_path)
        options = Options(track_history, use_persistent_cache, cache_storage_path, partition)
        values = {name: getattr(options, name) for name in Options.__slots__}
        given = {name: value for name, value in values.items() if value is not _SAME}
        others = self.nodes if nodes is _SAME else nodes
        owner = [] if config is _SAME else [config]
        return self._with(self._declaration.replaced(others, owner, given))

    def __replace__(self, /, **changes: Any) -> Self:
        return self.replace(**changes)  # for copy.replace, new in Python 3.13

    def rename(
        self,
        names: Mapping[str, str] | None = None,
        /,
        *,
        prefix: str = "",
        keep: Names = (),
        nodes: Mapping[str, str] | None = None,
    ) -> Self:
        """The same pipeline with objects, config references and nodes under other names.

        Everywhere at once, so that one declaration serves twice:
        ``clean.rename(prefix="train_") + clean.rename(prefix="test_")``.

        Args:
            names: old name -> new name, of objects and of config references, as in
                ``{"raw": "rows", "config.model": "config.small"}``.
            prefix: put before the name of every object and node; config references stay.
            keep: the objects and nodes that the prefix leaves as they are.
            nodes: old name -> new name, of nodes.

        Raises:
            UnknownNameError: a name that isn't there.
            WiringError: two names that would meet.

        Example:
            >>> pipeline = Pipeline([Node(len, ["text"], ["n"])], text="four")
            >>> pipeline.rename({"text": "words"}, nodes={"len": "count"})["count"]
            <Node count: words -> n>
        """
        return self._with(self._declaration.renamed(names or {}, prefix, keep, nodes or {}))

    def check(self) -> list[str]:
        """A sentence for each thing that is probably a mistake, for a test.

        ``assert not pipeline.check()`` finds annotations that a maker, a constant or a config
        value can't fit (plain classes only; what is unclear fits), constants that no node reads,
        config paths that aren't there, and outputs that look like a misspelt input.
        """
        from linepipe_core._declare.check import check  # for tests: no run needs it

        return check(self._declaration)

    def from_nodes(self, *names: str) -> Self:
        """These nodes and all that depend on them."""
        return self._sliced(self._wiring.downstream(self._wiring.find_all(names)))

    def to_nodes(self, *names: str) -> Self:
        """These nodes and all that they need."""
        return self._sliced(self._wiring.upstream(self._wiring.find_all(names)))

    def only_nodes(self, *names: str) -> Self:
        """Just these nodes, in order."""
        return self._sliced(self._wiring.find_all(names))

    def to_outputs(self, *names: str) -> Self:
        """The nodes that it takes to make these objects."""
        return self._sliced(self._wiring.upstream(self._wiring.makers_of(names)))

    def _sliced(self, indices: Sequence[int]) -> Self:
        return self._with(launch.sliced(self._declaration, indices))

    def __add__(self, other: object) -> Self:
        """These nodes and then those, with the configs and constants of both.

        History and the persistent cache are on if either has them on.

        Raises:
            WiringError: together, the nodes don't fit.
            CompositionError: config, constants or cache paths differ; all are named.
        """
        if not isinstance(other, Pipeline):
            return NotImplemented
        # The methods of a subclass are kept from either side.
        longer = self._declaration.joined(other._declaration)
        kept: Any = other if isinstance(other, type(self)) else self
        return kept._with(longer)  # type: ignore[no-any-return]  # a Pipeline of either's class

    def __radd__(self, other: int) -> Self:
        """Lets ``sum`` start from its 0."""
        return self if other == 0 else NotImplemented

    # Running.

    def run(
        self,
        *,
        outputs: Names | None = None,
        reuse: bool = False,
        rerun: Names = (),
        hooks: Iterable[Hook] = (),
    ) -> RunResult:
        """Run all the nodes, one after another.

        Args:
            outputs: the objects to give; by default those that no node with outputs reads.
            reuse: skip each node whose outputs in the persistent cache are fresh: neither
                its code, nor what it reaches, nor its inputs have changed.
            rerun: the names of nodes to run in any case.
            hooks: what shall watch the run.

        Returns:
            The outputs by name, and how each node fared.

        Raises:
            MissingInputError: a node needs an object that there isn't; nothing has run.
            MissingConfigError: a node reads a config path that there isn't; nothing has run.
            UnknownNameError: no node makes one of ``outputs``, or none has a name of ``rerun``
                or of a Breakpoint; nothing has run.
            RunStateError: ``reuse`` is asked for without the persistent cache.
            TypeError: a hook is no Hook, or ``outputs`` or ``rerun`` are no names; nothing has run.
            MissingExtraError: linepipe-profile isn't installed, which ``profile=True`` needs.
            NodeExecutionError: a node failed.
        """
        remember = self._remember
        return launch.start_run(self._declaration, outputs, reuse, rerun, hooks, remember).finish()

    def start(
        self,
        *,
        outputs: Names | None = None,
        reuse: bool = False,
        rerun: Names = (),
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
        return launch.start_run(self._declaration, outputs, reuse, rerun, hooks, self._remember)

    def map(
        self,
        cases: Mapping[str, Mapping[str, Any]],
        *,
        executor: Executor | None = None,
        outputs: Names | None = None,
        reuse: bool = False,
        hooks: Iterable[Hook] = (),
    ) -> MapResult:
        """Run this pipeline once for each case: here, or through an executor.

        Each case is one whole run, ``bind(**constants).replace(partition=label).run(...)``. All
        cases are checked before any runs. A case that fails doesn't stop the others.

        Args:
            cases: label -> the case's constants, by name.
            executor: a pool of ``concurrent.futures``, loky's, a Dask client's
                ``get_executor()``, mpi4py's. None: here, one after another.
            outputs: the objects to give of each case, as for ``run``.
            reuse: skip what is fresh, as for ``run``. What no case changes runs once.
            hooks: watch every run. With an executor they stay here, and get ``after_run`` for each
                case as it ends.

        Returns:
            The results by label. It prints as a table.

        Raises:
            MapError: cases failed; all the others are finished, and in its ``result``.
            UnknownNameError: a case has a constant that no node reads; nothing has run.
            MissingInputError: a case lacks an object that a node needs; nothing has run.
            RunStateError: the pipeline can't be pickled for the executor's processes.
            TypeError: a label or a case isn't what it should be; nothing has run.

        Example:
            >>> pipeline = Pipeline([Node(len, ["text"], ["n"])])
            >>> results = pipeline.map({"short": {"text": "a"}, "long": {"text": "abc"}})
            >>> {label: result["n"] for label, result in results.items()}
            {'short': 1, 'long': 3}
        """
        from linepipe_core._run.cases import map_cases  # threads, processes and their queues

        return map_cases(self._declaration, cases, executor, outputs, reuse, hooks)

    def plan(self, *, outputs: Names | None = None, rerun: Names = ()) -> Plan:
        """The plan of ``run(reuse=True)``: what it would do, and why. Runs nothing.

        Args:
            outputs: the objects that the run shall give; by default those that no node reads.
            rerun: the names of nodes that shall run in any case.

        Returns:
            An entry for each node: ``.node``, ``.action`` (``"run"``, ``"reuse"``, or ``"maybe"``
            where an input may turn out unchanged) and ``.reasons``. It prints as a table.

        Raises:
            RunStateError: the pipeline has no persistent cache.
            LinepipeError: one of those that ``run`` raises before a node runs.
        """
        return launch.make_plan(self._declaration, outputs, rerun)

    def debug(self, name: str) -> None:
        """Open the debugger at the first line of a node's function, its real inputs at hand.

        What the node needs is taken from the cache where that is fresh, and run first otherwise.
        Its own result goes nowhere. Where its function fails, the debugger opens again.

        Args:
            name: the node.

        Raises:
            UnknownNameError: no node has that name.
            AmbiguousNameError: more than one has.
            NodeDefinitionError: its function isn't written in Python.
            NodeExecutionError: a node that it needs failed.
            Exception: whatever its function raised, when the debugger was left.
        """
        launch.debug(self._declaration, name)

    def get_obj_registry(self) -> ObjectRegistry:
        """Open a registry for a look at the constants and what the cache holds.

        Raises:
            ConstantError: a constant has the name of an object in the cache.
            ShelfError: the cache can't be opened.
        """
        return launch.open_registry(self._declaration)

    def _remember(self, result: RunResult) -> None:
        # Not the result: its outputs are the caller's, to drop when the caller drops them.
        self._newest[0] = result.history.copy()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"a Pipeline is frozen: bind() gives one with other constants, replace() one with "
            f"other options ({name!r})"
        )

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a Pipeline is frozen: {name!r} can't be deleted")

    def __reduce__(self) -> tuple[Any, ...]:
        # Not the newest result: a worker gets the declaration, not somebody's objects.
        return _restored, (type(self), self._declaration)


def _restored(kind: type[Pipeline], declaration: Declaration) -> Pipeline:
    """A Pipeline from its pickle."""
    pipeline = object.__new__(kind)
    pipeline._fill(declaration)
    return pipeline
