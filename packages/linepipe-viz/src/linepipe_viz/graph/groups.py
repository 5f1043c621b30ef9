"""Groups: the nodes of one part of a pipeline as one card, for a picture of the whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from linepipe_core import Node, Pipeline
from linepipe_viz.graph.cards import Card, Edge, Graph, nodes_of
from linepipe_viz.graph.records import node_key
from linepipe_viz.text import join_names, printable

__all__ = ["Groups", "grouped"]

Groups = Literal["prefix"] | Mapping[str, Pipeline]
"""By the first word of the nodes' names, or the parts of a pipeline by name."""

_WORD_END: Final = re.compile(r"[_.:/ -]")


def grouped(graph: Graph, groups: Groups | None) -> Graph:
    """The graph with one card for each group; other nodes keep their own.

    A group shows the objects that others read, or nobody, and hides what only its own nodes read.

    Args:
        graph: the pipeline's.
        groups: ``"prefix"`` makes a group of at least two nodes whose names begin with the same
            word, unless it would have to run both before and after other nodes.

    Raises:
        TypeError: these are no groups.
        ValueError: a part has no node of the pipeline, shares one with another part, or would
            have to run both before and after other nodes.
    """
    if groups is None:
        return graph
    if groups == "prefix":
        members = _by_prefix(graph)
        while members:
            merged = _merged(graph, members)
            tangled = _tangled(merged)
            if not tangled:
                return merged
            members = {name: who for name, who in members.items() if name not in tangled}
        return graph
    if not isinstance(groups, Mapping):
        raise TypeError(
            f"groups are 'prefix', or the parts of the pipeline by name, not {groups!r}\n"
            "  give groups={'load': loading, 'train': training} for loading + training"
        )
    merged = _merged(graph, _by_part(graph, groups))
    if tangled := _tangled(merged):
        raise ValueError(
            f"groups that would run both before and after other nodes: {join_names(tangled)}\n"
            "  a group is one card, so what it reads can't depend on what it makes"
        )
    return merged


def _by_prefix(graph: Graph) -> dict[str, list[int]]:
    members: dict[str, list[int]] = {}
    for card in graph.cards:
        members.setdefault(_WORD_END.split(card.name, maxsplit=1)[0], []).append(card.index)
    return {name: who for name, who in members.items() if len(who) > 1}


def _by_part(graph: Graph, parts: Mapping[str, Pipeline]) -> dict[str, list[int]]:
    members: dict[str, list[int]] = {}
    taken: dict[int, str] = {}
    for name, part in parts.items():
        keys = {node_key(node) for node in nodes_of(part)}
        members[name] = [card.index for card in graph.cards if node_key(card.node) in keys]
        if not members[name]:
            raise ValueError(
                f"group {printable(name)!r} has none of the pipeline's nodes\n"
                f"  its nodes: {_names(nodes_of(part))}"
            )
        for index in members[name]:
            if other := taken.get(index):
                raise ValueError(
                    f"node {graph.cards[index].name!r} is in two groups: {other!r} and {name!r}\n"
                    "  give it to one of them"
                )
            taken[index] = name
    return members


def _names(nodes: Iterable[Node]) -> str:
    return join_names([node.name for node in nodes], "none")


def _merged(graph: Graph, members: Mapping[str, Sequence[int]]) -> Graph:
    group_of = {index: name for name, who in members.items() for index in who}
    number: dict[int, int] = {}
    first_of: dict[str, int] = {}
    for card in graph.cards:
        name = group_of.get(card.index)
        if name is None or name not in first_of:
            number[card.index] = len(set(number.values()))
        else:
            number[card.index] = first_of[name]
        if name is not None:
            first_of.setdefault(name, number[card.index])
    edges = dict.fromkeys(
        Edge(None if e.maker is None else number[e.maker], number[e.reader], e.name)
        for e in graph.edges
        if e.maker is None or number[e.maker] != number[e.reader]
    )
    own = {
        (number[e.maker], e.name)
        for e in graph.edges
        if e.maker is not None and number[e.maker] == number[e.reader]
    }
    hidden = own - {(edge.maker, edge.name) for edge in edges if edge.maker is not None}
    cards: list[Card] = []
    for card in graph.cards:
        if number[card.index] < len(cards):
            continue
        name = group_of.get(card.index)
        who = [card] if name is None else [graph.cards[index] for index in members[name]]
        place = len(cards)
        reads = dict.fromkeys(edge.name for edge in edges if edge.reader == place)
        made = [one for member in who for one in member.makes if (place, one) not in hidden]
        cards.append(_card(place, name, who, tuple(reads), tuple(made)))
    free = dict.fromkeys(edge.name for edge in edges if edge.maker is None)
    return Graph(tuple(cards), tuple(free), tuple(edges))


def _card(
    place: int, name: str | None, who: Sequence[Card], reads: tuple[str, ...], made: tuple[str, ...]
) -> Card:
    return replace(
        who[0],
        index=place,
        name=who[0].name if name is None else name,
        config=tuple(dict.fromkeys(key for card in who for key in card.config)),
        reads=reads,
        makes=made,
        members=tuple(member for card in who for member in card.members),
        is_group=name is not None,
    )


def _tangled(graph: Graph) -> list[str]:
    """The names of groups that depend on what they make themselves, by way of others."""
    waiting = [0] * len(graph.cards)
    below: list[list[int]] = [[] for _ in graph.cards]
    for edge in graph.edges:
        if edge.maker is not None:
            waiting[edge.reader] += 1
            below[edge.maker].append(edge.reader)
    ready = [index for index, count in enumerate(waiting) if not count]
    for index in ready:  # grows while it is walked
        for reader in below[index]:
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    stuck = set(range(len(graph.cards))).difference(ready)
    return [card.name for card in graph.cards if card.index in stuck and card.is_group]
