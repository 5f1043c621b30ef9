"""Stacks: many alike siblings as one card, so that a wide pipeline fits a page.

Siblings are alike if their names begin with the same word, digits aside, and what they read and
what reads them is alike in turn: forty nodes that each clean a table of their own, between forty
that load and one that joins, are a stack below a stack.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from linepipe_viz.graph.cards import Card, Edge, Graph
from linepipe_viz.graph.records import Record

__all__ = ["stack_record", "stacked"]

_DIGITS: Final = re.compile(r"[0-9]+")
_WORD_END: Final = re.compile(r"[_. -]")
_LEAST: Final = 8  # siblings; fewer are drawn one by one
_WORST_FIRST: Final = (
    *("failed", "running", "will run", "may run", "ran", "reused", "will reuse", "not run"),
)

_Key = tuple[int | None, str]
"""An object: the index of the card that makes it, or None, and its name."""


def stacked(graph: Graph) -> Graph:
    """The graph with each group of at least eight alike siblings as one card.

    The objects that a stack makes are objects of made-up names, ``f_00 … f_39 (40)``; so are as
    many inputs of the pipeline that only one stack reads.
    """
    classes = _classes(graph)
    groups: dict[int, list[Card]] = {}
    for card, number in zip(graph.cards, classes, strict=True):
        groups.setdefault(number, []).append(card)
    stacks = {
        card.index: group for group in groups.values() if len(group) >= _LEAST for card in group
    }
    return _rebuilt(graph, stacks, classes) if stacks else graph


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


def _classes(graph: Graph) -> list[int]:
    """A number for each card; alike cards have the same one.

    Cards are told apart by their neighbours' numbers until no more are. They have the same
    distance from the pipeline's beginning, so stacks never form a cycle.
    """
    above: list[list[tuple[int | None, int | str]]] = [[] for _ in graph.cards]
    below: list[list[tuple[int, int]]] = [[] for _ in graph.cards]
    place = {
        (card.index, name): place for card in graph.cards for place, name in enumerate(card.makes)
    }
    for edge in graph.edges:
        if edge.maker is None:
            above[edge.reader].append((None, _pattern(edge.name)))
        else:
            output = place[edge.maker, edge.name]
            above[edge.reader].append((edge.maker, output))
            below[edge.maker].append((output, edge.reader))
    depths = _depths(above)
    classes = _numbered(
        (depth, _word(card.name), len(card.makes), len(card.config))
        if above[card.index] or below[card.index]
        else card.index
        for card, depth in zip(graph.cards, depths, strict=True)
    )
    n_classes = 0
    while n_classes < len(set(classes)) and _most_alike(classes) >= _LEAST:
        n_classes = len(set(classes))
        classes = _numbered(
            (
                number,
                frozenset((None if m is None else classes[m], what) for m, what in read),
                frozenset((what, classes[reader]) for what, reader in by),
            )
            for number, read, by in zip(classes, above, below, strict=True)
        )
    return classes


def _depths(above: Sequence[Sequence[tuple[int | None, object]]]) -> list[int]:
    """For each card, the length of the longest way to it; makers come before readers."""
    depths: list[int] = []
    for read in above:
        depths.append(max((depths[maker] + 1 for maker, _ in read if maker is not None), default=0))
    return depths


def _numbered(keys: Iterable[Hashable]) -> list[int]:
    """For each key the number of its first occurrence among the different ones."""
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def _most_alike(classes: Sequence[int]) -> int:
    counts: dict[int, int] = {}
    for number in classes:
        counts[number] = counts.get(number, 0) + 1
    return max(counts.values(), default=0)


def _pattern(name: str) -> str:
    return _DIGITS.sub("#", name)


def _word(name: str) -> str:
    """The first word of a name, digits aside."""
    return _pattern(_WORD_END.split(name, maxsplit=1)[0])


def _stacked_inputs(
    graph: Graph, stacks: dict[int, list[Card]], classes: Sequence[int]
) -> dict[str, str]:
    """The made-up name of each free input that only stacks read, with enough alike ones."""
    readers: dict[str, set[int]] = {}
    for edge in graph.edges:
        if edge.maker is None:
            readers.setdefault(edge.name, set()).add(edge.reader)
    groups: dict[Hashable, list[str]] = {}
    for name, cards in readers.items():
        if all(card in stacks for card in cards):
            key = _pattern(name), frozenset(classes[card] for card in cards)
            groups.setdefault(key, []).append(name)
    many = [group for group in groups.values() if len(group) >= _LEAST]
    return {name: _span(group) for group in many for name in group}


def _span(names: Sequence[str]) -> str:
    """``f_00 … f_39 (40)``"""
    return f"{names[0]} … {names[-1]} ({len(names)})"


def _rebuilt(graph: Graph, stacks: dict[int, list[Card]], classes: Sequence[int]) -> Graph:
    """The graph with these cards merged, numbered anew in order of their first nodes."""
    number: dict[int, int] = {}
    inputs = _stacked_inputs(graph, stacks, classes)
    renamed: dict[_Key, str] = {(None, name): made_up for name, made_up in inputs.items()}
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
            renamed.get((edge.maker, edge.name), edge.name),
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
    free = dict.fromkeys(inputs.get(name, name) for name in graph.free_inputs)
    return Graph(tuple(merged), tuple(free), tuple(edges))


def _stack(group: Sequence[Card], renamed: dict[_Key, str]) -> Card:
    made = [_span(names) for names in zip(*(card.makes for card in group), strict=True)]
    config = tuple(dict.fromkeys(name for card in group for name in card.config))
    if len(config) >= _LEAST:
        config = (_span(config),)
    for card in group:
        renamed.update(zip(((card.index, name) for name in card.makes), made, strict=True))
    return replace(
        group[0],
        name=_span([card.name for card in group]),
        config=config,
        makes=tuple(made),
        members=tuple(member for card in group for member in card.members),
    )
