"""Lists: a node's many outputs as names inside its card, and one pill for all of them.

With a pill and a line each they would be the picture's largest part and the least read one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from linepipe_viz.graph.cards import Card, Edge, Graph

__all__ = ["listed"]

_MOST_PILLS: Final = 6


def listed(graph: Graph) -> Graph:
    """The graph with more than six outputs of a card as a list in it.

    Such a card makes one object of a made-up name, ``9 outputs``, which its readers read.
    """
    cards = [_with_list(card) for card in graph.cards]
    if cards == list(graph.cards):
        return graph
    edges = dict.fromkeys(
        edge
        if edge.maker is None or not cards[edge.maker].listed
        else Edge(edge.maker, edge.reader, cards[edge.maker].makes[0])
        for edge in graph.edges
    )
    reads: list[dict[tuple[int | None, str], None]] = [{} for _ in cards]
    for edge in edges:
        reads[edge.reader][edge.maker, edge.name] = None
    read = [replace(c, reads=tuple(n for _, n in r)) for c, r in zip(cards, reads, strict=True)]
    return Graph(tuple(read), graph.free_inputs, tuple(edges))


def _with_list(card: Card) -> Card:
    if len(card.makes) <= _MOST_PILLS:
        return card
    return replace(card, makes=(f"{len(card.makes)} outputs",), listed=card.makes)
