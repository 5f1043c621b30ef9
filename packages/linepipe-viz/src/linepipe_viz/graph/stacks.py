"""Stacks: many alike siblings as one card, so that a wide pipeline fits a page.

Siblings are alike if their names differ in digits only, they read the same objects, make one
object each, and the same cards read what they make.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from linepipe_viz.graph.cards import Card, Edge, Graph
from linepipe_viz.graph.records import Record

__all__ = ["stack_record", "stacked"]

_DIGITS: Final = re.compile(r"[0-9]+")
_LEAST: Final = 8  # siblings; fewer are drawn one by one
_WORST_FIRST: Final = (
    *("failed", "running", "will run", "may run", "ran", "reused", "will reuse", "not run"),
)

_Key = tuple[str, frozenset[tuple[int | None, str]], frozenset[int]]


def stacked(graph: Graph) -> Graph:
    """The graph with each group of at least eight alike siblings as one card.

    The objects that a stack makes are one object of a made-up name, ``f_00 … f_39 (40)``.
    """
    groups: dict[_Key, list[Card]] = {}
    for card, key in zip(graph.cards, _keys(graph), strict=True):
        if key is not None:
            groups.setdefault(key, []).append(card)
    stacks = {
        card.index: group for group in groups.values() if len(group) >= _LEAST for card in group
    }
    if not stacks:
        return graph
    return _rebuilt(graph, stacks)


def stack_record(records: Sequence[Record | None], members: Iterable[int]) -> Record | None:
    """One record for the nodes of a card: the worst state, the sum of seconds, the peak."""
    known = [record for record in (records[member] for member in members) if record]
    if len(known) < 2:
        return known[0] if known else None
    worst = min(known, key=lambda record: _WORST_FIRST.index(record.status))
    seconds = [record.seconds for record in known if record.seconds is not None]
    peaks = [record.peak_mib for record in known if record.peak_mib is not None]
    return replace(
        worst,
        seconds=sum(seconds) if seconds else None,
        peak_mib=max(peaks) if peaks else None,
    )


def _keys(graph: Graph) -> list[_Key | None]:
    """What alike siblings have in common; None for a card that can't be in a stack."""
    sources: list[set[tuple[int | None, str]]] = [set() for _ in graph.cards]
    readers: list[set[int]] = [set() for _ in graph.cards]
    for edge in graph.edges:
        sources[edge.reader].add((edge.maker, edge.name))
        if edge.maker is not None:
            readers[edge.maker].add(edge.reader)
    return [
        (_DIGITS.sub("#", card.name), frozenset(read), frozenset(by))
        if len(card.makes) == 1 and (read or by)
        else None
        for card, read, by in zip(graph.cards, sources, readers, strict=True)
    ]


def _rebuilt(graph: Graph, stacks: dict[int, list[Card]]) -> Graph:
    """The graph with these cards merged, numbered anew in order of their first nodes."""
    number: dict[int, int] = {}
    renamed: dict[tuple[int, str], str] = {}
    cards: list[Card] = []
    for card in graph.cards:
        group = stacks.get(card.index, [card])
        if group[0] is not card:
            number[card.index] = number[group[0].index]
            continue
        number[card.index] = len(cards)
        cards.append(card if len(group) == 1 else _stack(group, renamed))
    merged = [replace(card, index=place) for place, card in enumerate(cards)]
    edges = dict.fromkeys(
        Edge(
            None if edge.maker is None else number[edge.maker],
            number[edge.reader],
            edge.name if edge.maker is None else renamed.get((edge.maker, edge.name), edge.name),
        )
        for edge in graph.edges
    )
    reads: list[list[str]] = [[] for _ in merged]
    for edge in edges:
        reads[edge.reader].append(edge.name)
    merged = [
        replace(card, reads=tuple(dict.fromkeys(names)))
        for card, names in zip(merged, reads, strict=True)
    ]
    return Graph(tuple(merged), graph.free_inputs, tuple(edges))


def _stack(group: Sequence[Card], renamed: dict[tuple[int, str], str]) -> Card:
    first, last = group[0], group[-1]
    made = f"{first.makes[0]} … {last.makes[0]} ({len(group)})"
    config = tuple(dict.fromkeys(name for card in group for name in card.config))
    if len(config) >= _LEAST:
        config = (f"{config[0]} … {config[-1]} ({len(config)})",)
    for card in group:
        renamed[card.index, card.makes[0]] = made
    return replace(
        first,
        name=f"{first.name} … {last.name} ({len(group)})",
        config=config,
        makes=(made,),
        members=tuple(member for card in group for member in card.members),
    )
