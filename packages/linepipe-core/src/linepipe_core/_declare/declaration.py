"""The content of a Pipeline: wiring, config, constants and options; and others made of it.

Apart from Pipeline, so that everything that needs no run is pure: declarations in,
declarations out. The records are plain classes, which nothing changes: a NamedTuple or a dataclass
takes up to a millisecond to make, and every start would spend it on each.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from linepipe_core._declare.config import load_settings
from linepipe_core._declare.node import Node
from linepipe_core._declare.wiring import Wiring, look_up_config
from linepipe_core._errors import CompositionError
from linepipe_core._log import once, run_log
from linepipe_core._text import did_you_mean, shortened, type_name, with_article
from linepipe_core._values.isolate import ATOMIC, isolate, peek

__all__ = ["Declaration", "Options"]

_NAMES_OF_OPTIONS: Final = (
    "nodes",
    "config",
    "track_history",
    "use_persistent_cache",
    "cache_storage_path",
)
_SAME: Final[Any] = object()  # stands for an option that isn't given, in replaced()


class Options:
    """The options of a Pipeline that concern every run.

    Attributes:
        track_history: True to record what each node got and made.
        use_persistent_cache: True to keep what nodes make on disk.
        cache_storage_path: the path of the shelf.
        partition: the part of the shelf in which these runs decide what is current.
    """

    __slots__ = ("cache_storage_path", "partition", "track_history", "use_persistent_cache")

    def __init__(
        self,
        track_history: bool,
        use_persistent_cache: bool,
        cache_storage_path: str,
        partition: str | None = None,
    ) -> None:
        self.track_history = track_history
        self.use_persistent_cache = use_persistent_cache
        self.cache_storage_path = cache_storage_path
        self.partition = partition

    def replaced(self, changes: Mapping[str, Any]) -> Options:
        """The same with some changed, by name."""
        return Options(**{name: changes.get(name, getattr(self, name)) for name in self.__slots__})

    def check(self) -> None:
        """Refuse what can't have been meant as True or False.

        Raises:
            TypeError: a switch is a container, a text or a path.
        """
        _check_switch(
            "track_history",
            self.track_history,
            "constants go by keyword: Pipeline(nodes, config, x=1)",
        )
        _check_switch(
            "use_persistent_cache",
            self.use_persistent_cache,
            "its place is another option: cache_storage_path=...",
        )
        partition: object = self.partition
        if partition is not None and (not isinstance(partition, str) or not partition):
            raise TypeError(f"a partition is a non-empty text or None, got {partition!r}")


def _check_switch(option: str, value: object, instead: str) -> None:
    if isinstance(value, (Collection, os.PathLike)):
        raise TypeError(f"{option} is True or False, got a {type(value).__name__}\n  {instead}")


class LeftOut:
    """The facts about the whole pipeline that a slice needs to judge objects on the shelf.

    Attributes:
        wiring: all its nodes.
        fingerprints: constant -> its fingerprint. Of what the slice doesn't read no value is kept.
    """

    __slots__ = ("fingerprints", "wiring")

    def __init__(self, wiring: Wiring, fingerprints: Mapping[str, Any]) -> None:
        self.wiring = wiring
        self.fingerprints = fingerprints


class Declaration:
    """The content of a Pipeline, which never changes.

    Attributes:
        wiring: the nodes and how they fit together.
        config: a private copy of the config.
        constants: name -> the snapshot of the constant.
        options: the options of every run.
        fingerprints: constant or config reference -> its fingerprint; filled by runs.
        config_cell: one cell for `config_values`, filled by the first run and shared by `bound`.
        left_out: of a slice, the pipeline that it was cut from.
    """

    __slots__ = (
        "config",
        "config_cell",
        "constants",
        "fingerprints",
        "left_out",
        "options",
        "wiring",
    )

    def __init__(
        self,
        wiring: Wiring,
        config: Any,
        constants: dict[str, Any],
        options: Options,
        fingerprints: dict[str, Any],
        config_cell: list[dict[str, Any]],
        left_out: LeftOut | None = None,
    ) -> None:
        self.wiring = wiring
        self.config = config
        self.constants = constants
        self.options = options
        self.fingerprints = fingerprints
        self.config_cell = config_cell
        self.left_out = left_out

    @classmethod
    def of(
        cls,
        nodes: Iterable[Node] | Node,
        config: list[Any],
        constants: dict[str, Any],
        options: Options,
    ) -> Declaration:
        """Check and take a private copy of what a Pipeline is made of.

        Args:
            nodes: the nodes, in order.
            config: its only element is the config, and is popped.
            constants: name -> value.
            options: the options of every run.

        Raises:
            WiringError: the nodes don't fit together; all the problems are named at once.
            TypeError: the nodes are none, or an option isn't True or False.
        """
        options.check()
        wiring = Wiring(_checked_nodes(nodes))
        wiring.check(constants)
        _warn_of_misspelled_names(constants, wiring, (*_NAMES_OF_OPTIONS, *wiring.free))
        private = _private_config(config)
        isolated = {name: _isolated(constants[name], name) for name in constants}
        return cls(wiring, private, isolated, options, {}, [])

    def config_values(self) -> dict[str, Any]:
        """Reference -> snapshot, for each config reference that a node reads.

        Raises:
            MissingConfigError: the config lacks paths; all of them are named.
        """
        cell = self.config_cell
        if not cell:
            cell.append(look_up_config(self.wiring, self.config))
        return cell[0]

    def bound(self, constants: Mapping[str, Any]) -> Declaration:
        """The same with these constants replaced or added.

        Raises:
            WiringError: a name is an output's, or means the config.
        """
        wiring = self.wiring
        wiring.check(constants)
        merged = self.constants.copy()
        for name, value in constants.items():
            merged[name] = _isolated(value, name)
        if not wiring.free.keys() >= constants.keys():
            _warn_of_unread(constants, wiring)
        prints = self.fingerprints
        if prints:  # copied at one stroke: a run in another thread may add to it meanwhile
            prints = {n: seen for n, seen in prints.copy().items() if n not in constants}
        else:
            prints = {}
        cell, left_out = self.config_cell, self.left_out
        return Declaration(wiring, self.config, merged, self.options, prints, cell, left_out)

    def sliced(self, indices: Iterable[int]) -> Declaration:
        """The same with only these nodes, and the constants that they read."""
        wiring = Wiring(self.wiring.nodes[index] for index in indices)
        read = {name: held for name, held in self.constants.items() if name in wiring.free}
        return self._with(wiring=wiring, constants=read, fingerprints={}, config_cell=[])

    def cut_from(self, wiring: Wiring, fingerprints: Mapping[str, Any]) -> Declaration:
        """The same, as a slice of a pipeline of that wiring, whose constants had these."""
        return self._with(left_out=LeftOut(wiring, fingerprints))

    def _with(self, **changes: Any) -> Declaration:
        """The same with some attributes changed."""
        return Declaration(
            **{name: changes.get(name, getattr(self, name)) for name in self.__slots__}
        )

    def replaced(
        self, nodes: Iterable[Node], config: list[Any], options: Mapping[str, Any]
    ) -> Declaration:
        """The same with other nodes, another config or other options.

        Args:
            nodes: the nodes; those of ``wiring`` to keep them.
            config: its only element is the config, and is popped; empty to keep the config.
            options: the options to change, by name.

        Raises:
            WiringError: the nodes don't fit together, or a constant has an output's name.
            TypeError: the nodes are none, or an option isn't what it should be.
        """
        changed = self.options.replaced(options)
        changed.check()
        wiring = self.wiring
        if nodes is not wiring.nodes:
            wiring = Wiring(_checked_nodes(nodes))
            wiring.check(self.constants)
        is_new = bool(config)
        private = _private_config(config) if is_new else self.config
        is_same = wiring is self.wiring and not is_new
        return Declaration(
            wiring,
            private,
            self.constants,
            changed,
            self.fingerprints.copy() if is_same else {},
            self.config_cell if is_same else [],
            self.left_out if wiring is self.wiring else None,
        )

    def in_partition(self, partition: str) -> Declaration:
        """The same in another partition of the shelf."""
        return self._with(options=self.options.replaced({"partition": partition}))

    def renamed(
        self,
        names: Mapping[str, str],
        prefix: str,
        keep: Iterable[str],
        node_names: Mapping[str, str],
    ) -> Declaration:
        """The same with objects, config references and nodes under other names.

        Raises:
            UnknownNameError: a name that isn't there.
            WiringError: names that would meet.
        """
        from linepipe_core._declare.rename import Renaming  # few pipelines are renamed

        nodes = self.wiring.nodes
        renaming = Renaming(self.wiring, self.constants, names, prefix, keep, node_names)
        wiring = Wiring(map(renaming.node, nodes))
        constants = {renaming.object(name): held for name, held in self.constants.items()}
        wiring.check(constants)
        return Declaration(wiring, self.config, constants, self.options, {}, [])

    def joined(self, other: Declaration) -> Declaration:
        """These nodes and then those, with the configs and constants of both.

        Raises:
            WiringError: together, the nodes don't fit.
            CompositionError: config, constants or cache paths differ; all are named.
        """
        # It hashes: pickle and hashlib cost a third of the start, and only sums need them.
        from linepipe_core._declare.merge import merge_configs, merge_constants

        wiring = self.wiring.extended(other.wiring.nodes)
        problems: list[str] = []
        constants = merge_constants(self.constants, other.constants, problems)
        config = merge_configs(self.config, other.config, problems)
        options = _joined_options(self.options, other.options, problems)
        wiring.check(constants)
        if problems:
            raise CompositionError(problems)
        return Declaration(wiring, config, constants, options, {}, [])

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: peek(held) for name, held in self.constants.items()}
        return _restored, (self.wiring.nodes, self.config, values, self.options)


def _restored(
    nodes: tuple[Node, ...], config: Any, constants: dict[str, Any], options: Options
) -> Declaration:
    """A Declaration from its pickle."""
    isolated = {name: isolate([value], shared=[]) for name, value in constants.items()}
    return Declaration(Wiring(nodes), config, isolated, options, {}, [])


def _joined_options(left: Options, right: Options, problems: list[str]) -> Options:
    """History and the cache are on if either has them on; a conflict is added to ``problems``."""
    path = left.cache_storage_path
    if right.use_persistent_cache:
        theirs = right.cache_storage_path
        if left.use_persistent_cache and path != theirs and not _same_path(path, theirs):
            problems.append(
                f"they keep two caches, {path!r} and {theirs!r}; "
                "give both the same cache_storage_path"
            )
        path = theirs
    partitions = {left.partition, right.partition} - {None}
    if len(partitions) > 1:
        problems.append(
            f"they lie in two partitions, {left.partition!r} and {right.partition!r}; "
            "give one of them the other's: pipeline.replace(partition=...)"
        )
    return Options(
        left.track_history or right.track_history,
        left.use_persistent_cache or right.use_persistent_cache,
        path,
        left.partition if right.partition is None else right.partition,
    )


def _private_config(owner: list[Any]) -> Any:
    """A private copy of a config, which is the only element of ``owner`` and is popped."""
    load_settings(owner[0])
    return peek(isolate(owner, "config"))


def _same_path(left: str, right: str) -> bool:
    try:
        return os.path.abspath(left) == os.path.abspath(right)
    except FileNotFoundError:  # the working directory was deleted; a run says so
        return False


def _checked_nodes(nodes: object) -> tuple[Node, ...]:
    """The nodes, each of which is one."""
    if isinstance(nodes, Node):
        raise TypeError(f"a Pipeline takes a list of nodes, got {nodes!r}\n  write [node]")
    if not isinstance(nodes, Iterable):
        raise TypeError(
            f"a Pipeline takes a list of nodes, got {with_article(type_name(nodes))}\n"
            "  write Pipeline([Node(func, inputs, outputs), ...])"
        )
    checked: list[Node] = []
    for place, node in enumerate(nodes, 1):
        if isinstance(node, Node):
            checked.append(node)
            continue
        mend = "wrap the function: Node(func, inputs, outputs)"
        if hasattr(type(node), "only_nodes"):  # a Pipeline
            mend = "add pipelines: a + b"
        elif isinstance(node, (list, tuple)):
            mend = "take its nodes out of it: [*nodes, ...]"
        raise TypeError(
            f"a Pipeline is made of nodes, got {type_name(node)} at place {place}\n  {mend}"
        )
    return tuple(checked)


def _isolated(value: Any, name: str) -> Any:
    """The snapshot of a value that the caller goes on using."""
    return value if type(value) in ATOMIC else isolate([value], name)


def _warn_of_misspelled_names(
    constants: Mapping[str, Any], wiring: Wiring, meant: Iterable[str]
) -> None:
    """Warn when a constant that no node reads resembles a name that is read."""
    for name in constants:
        if name not in wiring.free and (near := did_you_mean(name, meant)):
            run_log().warning("the constant %r is read by no node; %s", name, near.strip())


def _warn_of_unread(constants: Mapping[str, Any], wiring: Wiring) -> None:
    """Warn of the constants of a call of ``bind`` that no node reads.

    Once for each name and set of inputs, if it resembles none: it may be for a pipeline that is
    added later, and a service binds at each request.
    """
    for name in constants:
        if name in wiring.free:
            continue
        if near := did_you_mean(name, wiring.free):
            run_log().warning("the constant %r is read by no node; %s", name, near.strip())
        else:
            inputs = shortened(wiring.free)
            level = once("bind", name, inputs)
            run_log().log(level, "bind() got %r, which no node reads; they read: %s", name, inputs)
