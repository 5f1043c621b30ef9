"""Who makes, who reads, who reads last: how nodes fit together, worked out once.

Pure: nodes in, facts out. A Wiring never changes, so every pipeline that ``bind`` derives
shares it, and it grows by appending, so that adding pipelines costs what is added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from keyword import iskeyword
from typing import Any, Final, TypeAlias

from linepipe_core._declare.callables import is_from_cell
from linepipe_core._declare.config import MissingPathError, is_config_reference, look_up
from linepipe_core._declare.later import runs_later
from linepipe_core._declare.node import Node
from linepipe_core._errors import (
    AmbiguousNameError,
    MissingConfigError,
    MissingInputError,
    UnknownNameError,
    WiringError,
)
from linepipe_core._text import did_you_mean, listed, shortened
from linepipe_core._values.isolate import Shared, isolate

Reads: TypeAlias = tuple[tuple[str, bool], ...]  # (input, True if nothing needs it afterwards)

_ARGUMENTS: Final = ("nodes", "track_history", "use_persistent_cache", "cache_storage_path")
_CONFIGS: Final = frozenset(["cfg", "conf", "config", "configs", "configuration", "settings"])

__all__ = ["Wiring", "look_up_config", "missing_inputs"]


class Wiring:
    """How nodes fit together, in their order.

    Attributes:
        nodes: the nodes.
        makers: object -> index of the node that makes it.
        free: object that no node makes -> index of its first reader.
        config_references: ``config`` reference -> index of its first reader.
        last_readers: object -> index of its last reader.
        profiled: True if a node asks for a memory profile.
        problems: why these nodes don't fit together, each a sentence; ``check`` raises them.
    """

    __slots__ = (
        "_from_cells",
        "_outputs",
        "_reads",
        "_unread",
        "config_references",
        "free",
        "last_readers",
        "makers",
        "nodes",
        "problems",
        "profiled",
    )

    nodes: tuple[Node, ...]
    makers: dict[str, int]
    free: dict[str, int]
    config_references: dict[str, int]
    last_readers: dict[str, int]
    profiled: bool
    problems: list[str]

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self.nodes = ()
        self.makers = {}
        self.free = {}
        self.config_references = {}
        self.last_readers = {}
        self.profiled = False
        self.problems = []
        self._from_cells: tuple[int, ...] | None = None
        self._outputs: tuple[str, ...] | None = None
        self._unread: tuple[str, ...] | None = None
        self._reads: tuple[Reads, ...] | None = None
        self._append(tuple(nodes))

    @property
    def from_cells(self) -> tuple[int, ...]:
        """The nodes whose functions were defined in a notebook's cells."""
        if self._from_cells is None:
            found = (i for i, node in enumerate(self.nodes) if is_from_cell(node.func))
            self._from_cells = tuple(found)
        return self._from_cells

    def extended(self, nodes: Sequence[Node]) -> Wiring:
        """The wiring of these nodes and then those; a Node object that both have counts once."""
        own = set(map(id, self.nodes))
        nodes = [node for node in nodes if id(node) not in own]
        longer = Wiring()
        longer.nodes = self.nodes
        longer.makers = self.makers.copy()
        longer.free = self.free.copy()
        longer.config_references = self.config_references.copy()
        longer.last_readers = self.last_readers.copy()
        longer.profiled = self.profiled
        longer._append(tuple(nodes))
        return longer

    def _append(self, nodes: tuple[Node, ...]) -> None:
        makers, free, last_readers = self.makers, self.free, self.last_readers
        problems = self.problems
        read_twice: set[str] = set()
        first = len(self.nodes)
        self.nodes += nodes
        for index, node in enumerate(nodes, first):
            self.profiled = self.profiled or node.profile
            for name in node.inputs:
                if is_config_reference(name):
                    self.config_references.setdefault(name, index)
                    continue
                if name not in makers:
                    free.setdefault(name, index)
                elif name in last_readers and name not in read_twice:
                    read_twice.add(name)
                    if runs_later(self.nodes[makers[name]].func) == "generator":
                        problems.append(self._used_up(name, last_readers[name], index))
                last_readers[name] = index
            for name in node.outputs:
                if name in makers:
                    problems.append(self._made_twice(name, makers[name], index))
                elif name in free:
                    problems.append(self._read_too_early(name, free[name], index))
                makers[name] = index

    def _used_up(self, name: str, first: int, second: int) -> str:
        maker = self.place(self.makers[name])
        readers = self.place(first)
        readers += " twice" if first == second else f" and by {self.place(second)}"
        return (
            f"{name!r}, read by {readers}, is a generator, which can be read only once; "
            f"let the function of {maker} return a list"
        )

    def _made_twice(self, name: str, first: int, second: int) -> str:
        return (
            f"{name!r} is made twice, by {self.place(first)} and by {self.place(second)}; "
            "give one of them another name"
        )

    def _read_too_early(self, name: str, reader: int, maker: int) -> str:
        if reader == maker:
            return f"{self.place(reader)} reads {name!r}, which it makes itself; rename one of them"
        return (
            f"{self.place(reader)} reads {name!r}, which only the later {self.place(maker)} makes; "
            "move the maker before it"
        )

    def check(self, constants: Iterable[str]) -> None:
        """Refuse nodes that don't fit together, and constants that would hide something.

        Raises:
            WiringError: all the problems at once.
        """
        problems = list(self.problems)
        for name in constants:
            if name in self.makers:
                problems.append(
                    f"the constant {name!r} has the name of an output of "
                    f"{self.place(self.makers[name])}; rename one of them"
                )
            elif is_config_reference(name):
                problems.append(
                    f"the constant {name!r} has a name that means the config; rename it, or "
                    "give another config: Pipeline(pipeline.nodes, config=...)"
                )
        if problems:
            raise WiringError(problems)

    def place(self, index: int) -> str:
        """How messages call a node: its place, counted from 1, and its name."""
        return f"node {index + 1} {self.nodes[index].name!r}"

    @property
    def outputs(self) -> tuple[str, ...]:
        """The objects that no node with outputs reads, in the order in which they are made.

        A writer doesn't take an object out of the result.
        """
        if self._outputs is None:
            read = {name for node in self.nodes if node.outputs for name in node.inputs}
            self._outputs = tuple(name for name in self.makers if name not in read)
        return self._outputs

    @property
    def unread(self) -> tuple[str, ...]:
        """The objects that no node reads at all: only for them may a node run."""
        if self._unread is None:
            read = self.last_readers
            self._unread = tuple(name for name in self.makers if name not in read)
        return self._unread

    def reads(self, kept: Collection[str] | None = None) -> tuple[Reads, ...]:
        """For each node, its inputs, each with True if nothing needs the object afterwards.

        Args:
            kept: the made objects to keep to the end; None keeps the ``outputs``.
        """
        if kept is not None:
            return self._reads_keeping(kept)
        if self._reads is None:
            self._reads = self._reads_keeping(frozenset(self.outputs))
        return self._reads

    def _reads_keeping(self, kept: Collection[str]) -> tuple[Reads, ...]:
        last_readers, makers = self.last_readers, self.makers
        reads: list[Reads] = []
        for index, node in enumerate(self.nodes):
            inputs = node.inputs
            reads.append(
                tuple(
                    (
                        name,
                        last_readers.get(name) == index
                        and name in makers
                        and name not in kept
                        and name not in inputs[place + 1 :],
                    )
                    for place, name in enumerate(inputs)
                )
            )
        return tuple(reads)

    # Slices. Each gives indices in pipeline order.

    def find(self, name: str) -> int:
        """The index of the one node of that name.

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
        found = [index for index, node in enumerate(self.nodes) if node.name == name]
        if not found:
            names = dict.fromkeys(node.name for node in self.nodes)
            raise UnknownNameError("node", [name], names)
        if len(found) > 1:
            raise AmbiguousNameError(name, [f"{self.place(i)}: {self.nodes[i]!r}" for i in found])
        return found[0]

    def find_all(self, names: Iterable[str]) -> list[int]:
        """The indices of the nodes of those names; unknown ones are told all at once.

        Raises:
            UnknownNameError: at least one names no node.
            AmbiguousNameError: one names more than one node.
        """
        names = _strings(names)
        known = {node.name for node in self.nodes}
        unknown = [name for name in names if name not in known]
        if unknown:
            choices = dict.fromkeys(node.name for node in self.nodes)
            raise UnknownNameError("node", unknown, choices)
        return sorted({self.find(name) for name in names})

    def makers_of(self, names: Iterable[str]) -> list[int]:
        """The indices of the nodes that make those objects.

        Raises:
            UnknownNameError: nothing makes at least one of them.
        """
        names = _strings(names)
        unknown = [name for name in names if name not in self.makers]
        if unknown:
            raise UnknownNameError("output", unknown, self.makers)
        return sorted({self.makers[name] for name in names})

    def downstream(self, start: Iterable[int]) -> list[int]:
        """Those nodes and all that depend on them."""
        reached = set(start)
        for index, node in enumerate(self.nodes):
            if index not in reached and any(
                self.makers.get(name) in reached for name in node.inputs
            ):
                reached.add(index)
        return sorted(reached)

    def upstream(self, start: Iterable[int]) -> list[int]:
        """Those nodes and all that they need."""
        reached = set(start)
        for index in range(len(self.nodes) - 1, -1, -1):
            if index in reached:
                reached.update(self._makers_for(self.nodes[index]))
        return sorted(reached)

    def _makers_for(self, node: Node) -> Iterator[int]:
        for name in node.inputs:
            if name in self.makers:
                yield self.makers[name]


def _strings(names: Iterable[str]) -> list[str]:
    """The names; whoever passed a list of them among them is told how."""
    names = list(names)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(
                f"names are given one by one, as strings: got {name!r} ({type(name).__name__})\n"
                "  of a list: to_nodes(*names)"
            )
    return names


def missing_inputs(
    wiring: Wiring,
    there: Collection[str],
    cache_path: str | None,
    config: Any,
    unkept: Mapping[str, str],
) -> MissingInputError:
    """The error that tells of every free input that isn't there, and every config path.

    Args:
        wiring: what is to run.
        there: what there is before the first node runs.
        cache_path: the path of the persistent cache, if there is one.
        config: the pipeline's config.
        unkept: each object that no run leaves on the shelf -> the node that makes it.
    """
    missing = [name for name in wiring.free if name not in there]
    problems = []
    for name in missing:
        reader = wiring.free[name]
        choices = [made for made, maker in wiring.makers.items() if maker < reader]
        choices = [*dict.fromkeys((*choices, *there))]
        problems.append(
            f"nothing makes {name!r}, which {wiring.place(reader)} needs\n"
            f"  available there: {shortened(sorted(choices))}"
            + (_meant_config(name) or did_you_mean(name, choices))
        )
    hint = _how_to_give(missing)
    if cache_path:
        hint += _how_to_make(missing, unkept, cache_path)
    _, not_found = _look_up_all(wiring, config)
    problems += map(_path_told, not_found.values())
    problems = [*dict.fromkeys(problems)]
    return MissingInputError(listed("", problems) + hint, [*missing, *not_found])


def _how_to_give(missing: Sequence[str]) -> str:
    """Calls that give the missing names as constants; nothing where none is missing."""
    if not missing:
        return ""
    if len(missing) > 1:
        return f"\n  give them as constants: pipeline.bind({_keywords(missing)})"
    name = missing[0]
    if not name.isidentifier() or iskeyword(name):
        return f"\n  give it as a constant: pipeline.bind(**{{{name!r}: ...}})"
    if name in _ARGUMENTS:  # Pipeline takes something else by that name
        return f"\n  give it as a constant: pipeline.bind({name}=...)"
    return f"\n  give it as a constant: Pipeline(..., {name}=...) or pipeline.bind({name}=...)"


def _keywords(names: Sequence[str]) -> str:
    """The names as the keywords of a call, each with ``...`` for its value."""
    odd = [name for name in names if not name.isidentifier() or iskeyword(name)]
    shown = [f"{name}=..." for name in names if name not in odd]
    if odd:
        shown.append(f"**{{{', '.join(f'{name!r}: ...' for name in odd)}}}")
    return shortened(shown)


def _how_to_make(missing: Sequence[str], unkept: Mapping[str, str], cache_path: str) -> str:
    """The line for what an earlier run can make, and a line for each thing that none can keep."""
    kept = [name for name in missing if name not in unkept]
    lines = [
        f"\n  {name!r} is never kept on the shelf: add the node that makes it, "
        f"{unkept[name]!r}, to this pipeline; to_nodes(...) slices with it"
        for name in missing
        if name in unkept
    ]
    if kept:
        them = shortened(map(repr, kept))
        if kept == missing:
            them = "it" if len(kept) == 1 else "them"
        lines.append(f"\n  or run what makes {them} first, with the same cache: {cache_path}")
    return "".join(lines)


def _meant_config(name: str) -> str:
    """A line for a name that looks like a config reference and isn't one."""
    head, dot, path = name.partition(".")
    if dot and head.lower() in _CONFIGS:
        return f"\n  config references begin with 'config.': did you mean {'config.' + path!r}?"
    return ""


def look_up_config(wiring: Wiring, config: Any) -> dict[str, Any]:
    """For each config reference that a node reads, what to hand out.

    Raises:
        MissingConfigError: the config lacks paths; all of them are told.
    """
    held, not_found = _look_up_all(wiring, config)
    if not_found:
        cause = next(filter(None, (error.__cause__ for _, error in not_found.values())), None)
        problems = [*map(_path_told, not_found.values())]
        raise MissingConfigError(listed("", problems), tuple(not_found)) from cause
    return held


def _look_up_all(
    wiring: Wiring, config: Any
) -> tuple[dict[str, Any], dict[str, tuple[str, MissingPathError]]]:
    """The value to hand out for each config reference; readers and errors of those not found."""
    held, not_found = {}, {}
    said: list[Shared] = []  # what can't be copied was told when the pipeline was built
    for reference, reader in wiring.config_references.items():
        try:
            held[reference] = isolate([look_up(config, reference)], shared=said)
        except MissingPathError as error:
            not_found[reference] = wiring.place(reader), error
    return held, not_found


def _path_told(not_found: tuple[str, MissingPathError]) -> str:
    reader, error = not_found
    what, _, there = str(error).partition("\n")
    return f"{what}, which {reader} reads\n{there}"
