"""The same nodes under other names: objects, config references and nodes, everywhere at once.

Pure: names in, names out. All that is wrong with the new names is said at once, by the names that
the caller gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from linepipe_core._declare.config import CONFIG, is_config_reference
from linepipe_core._declare.node import Node
from linepipe_core._declare.wiring import Wiring
from linepipe_core._errors import UnknownNameError, WiringError

__all__ = ["Renaming"]


class Renaming:
    """New names for what a pipeline's nodes read and make, and for the nodes.

    Args:
        wiring: of the nodes.
        constants: the names of the constants.
        names: old -> new, of objects and config references. A config reference takes along those
            that lie below it.
        prefix: put before the name of every object and node not named otherwise; config
            references stay.
        keep: objects and nodes that the prefix leaves as they are.
        node_names: old -> new, of nodes.

    Raises:
        UnknownNameError: a name that isn't there.
        WiringError: names that would meet, or that can't be what they should.
        TypeError: an argument that holds no names.
    """

    def __init__(
        self,
        wiring: Wiring,
        constants: Iterable[str],
        names: Mapping[str, str],
        prefix: str,
        keep: Iterable[str],
        node_names: Mapping[str, str],
    ) -> None:
        objects = [*dict.fromkeys((*wiring.free, *wiring.makers, *constants))]
        references = [*wiring.config_references]
        known_nodes = [*dict.fromkeys(node.name for node in wiring.nodes)]
        keep = _names("keep", keep)
        _check_mapping("rename()", names)
        _check_mapping("nodes", node_names)
        if not isinstance(prefix, str):
            raise TypeError(f"prefix must be a text, got {prefix!r}")
        mistaken = [name for name in names if name in known_nodes and name not in objects]
        how = _by_keyword(mistaken, names) if mistaken else ""
        _refuse_unknown("object", names, objects, references, how)
        _refuse_unknown("object", keep, [*objects, *known_nodes])
        _refuse_unknown("node", node_names, known_nodes)
        kept = frozenset(keep)
        self._objects = {
            name: names.get(name, name if name in kept else prefix + name) for name in objects
        }
        self._objects.update((name, _moved(name, names)) for name in references)
        self._nodes = {
            name: node_names.get(name, name if name in kept else prefix + name)
            for name in known_nodes
        }
        problems = [*_kinds_mixed(names), *_meeting(self._objects), *_meeting(self._nodes, "node ")]
        problems += [
            f"{name!r} is renamed and kept; give it once" for name in kept if name in names
        ]
        if problems:
            raise WiringError(problems)

    def object(self, name: str) -> str:
        """The new name of an object or config reference."""
        return self._objects[name]

    def node(self, node: Node) -> Node:
        """The node under its new names; the node itself where none changes."""
        inputs = tuple(map(self._objects.__getitem__, node.inputs))
        outputs = tuple(map(self._objects.__getitem__, node.outputs))
        return node.renamed(inputs, outputs, self._nodes[node.name])


def _names(option: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise TypeError(f"{option} is the string {names!r}; write {option}=[{names!r}]")
    return tuple(names)


def _check_mapping(what: str, names: object) -> None:
    if not isinstance(names, Mapping):
        raise TypeError(f"{what} takes a mapping from old names to new ones, got {names!r}")
    for name in (*names, *names.values()):
        if not isinstance(name, str) or not name:
            raise TypeError(f"{what} takes non-empty names, got {name!r}")


def _refuse_unknown(
    kind: str,
    asked: Iterable[str],
    there: list[str],
    references: Iterable[str] = (),
    hint: str = "",
) -> None:
    known = {*there, *references}
    for reference in references:  # each reference lies below those that its path passes
        parts = reference.split(".")
        known.update(".".join(parts[:n]) for n in range(1, len(parts)))
    if unknown := [name for name in asked if name not in known]:
        raise UnknownNameError(kind, unknown, [*there, *references], hint)


def _by_keyword(nodes: list[str], names: Mapping[str, str]) -> str:
    """How to rename what is a node and was given as an object."""
    shown = ", ".join(f"{name!r}: {names[name]!r}" for name in nodes)
    are = "is a node" if len(nodes) == 1 else "are nodes"
    return f"{', '.join(map(repr, nodes))} {are}: rename(nodes={{{shown}}})"


def _moved(reference: str, names: Mapping[str, str]) -> str:
    """A config reference under the new name of itself or of the nearest above it."""
    path, below = reference, ""
    while path not in names:
        path, dot, last = path.rpartition(".")
        if not dot:
            return reference
        below = f".{last}{below}"
    return names[path] + below


def _kinds_mixed(names: Mapping[str, str]) -> list[str]:
    return [
        f"{old!r} can't be renamed to {new!r}: one of them means the {CONFIG}"
        for old, new in names.items()
        if is_config_reference(old) != is_config_reference(new)
    ]


def _meeting(new_names: Mapping[str, str], kind: str = "") -> list[str]:
    """A sentence for each new name that several old ones would get."""
    olds: dict[str, list[str]] = {}
    if len(set(new_names.values())) == len(new_names):
        return []
    for old, new in new_names.items():
        if not (is_config_reference(new) and not kind):
            olds.setdefault(new, []).append(old)
    return [
        f"{kind}{' and '.join(map(repr, names))} would both be called {new!r}"
        for new, names in olds.items()
        if len(names) > 1
    ]
