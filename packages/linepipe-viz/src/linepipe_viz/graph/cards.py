"""A pipeline as the pictures see it: cards, free inputs, and the edges between them.

The key to a calm picture: an output belongs to the card of the node that makes it, and a
config value to the card that reads it, so that only nodes and free inputs need places of
their own. Nodes are identified by position, never by function or name: a function used
twice is two cards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from linepipe_core import Node, is_config_reference

__all__ = ["Card", "Edge", "Graph", "nodes_of", "pipeline_graph"]


@dataclass(frozen=True, slots=True)
class Card:
    """A node, or a stack of alike ones.

    Attributes:
        index: its place among the cards.
        node: the node; of a stack the first one.
        config: the config references that it reads.
        reads: the objects that it reads.
        makes: the objects that it makes.
        name: as shown.
        members: the places in the pipeline of the nodes that it stands for.
        listed: the objects that are names in the card; then ``makes`` stands for all of them.
        is_group: it stands for a part of the pipeline; ``node`` is the first node of it.
    """

    index: int
    node: Node
    config: tuple[str, ...]
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    name: str
    members: tuple[int, ...]
    listed: tuple[str, ...] = ()
    is_group: bool = False

    @property
    def order(self) -> str:
        """Its number in the order of the run, from 1; of a stack its first and last ones."""
        first, last = self.members[0] + 1, self.members[-1] + 1
        return str(first) if first == last else f"{first}–{last}"


@dataclass(frozen=True, slots=True)
class Edge:
    """An object on its way to a card.

    Attributes:
        maker: the index of the card that makes it, or None for a free input.
        reader: the index of the card that reads it.
        name: the object's name.
    """

    maker: int | None
    reader: int
    name: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole pipeline."""

    cards: tuple[Card, ...]
    free_inputs: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def config_names(self) -> tuple[str, ...]:
        """The config references that any card reads, each once."""
        return tuple(dict.fromkeys(name for card in self.cards for name in card.config))

    @property
    def n_made(self) -> int:
        """Number of objects that the cards make."""
        return sum(len(card.makes) for card in self.cards)

    def readers(self) -> dict[tuple[int | None, str], tuple[int, ...]]:
        """For each object (maker and name), the cards that read it, in order."""
        readers: dict[tuple[int | None, str], list[int]] = {}
        for edge in self.edges:
            readers.setdefault((edge.maker, edge.name), []).append(edge.reader)
        return {key: tuple(cards) for key, cards in readers.items()}


def nodes_of(pipeline: Any) -> Sequence[Node]:
    """The nodes to show.

    Raises:
        TypeError: this is no Pipeline.
    """
    try:
        return tuple(pipeline.nodes)
    except (AttributeError, TypeError):
        given = pipeline.__name__ if isinstance(pipeline, type) else type(pipeline).__name__
        raise TypeError(
            f"a picture needs a Pipeline, not {given!r}\n  Pipeline(nodes) makes one"
        ) from None


def pipeline_graph(nodes: Sequence[Node]) -> Graph:
    """The graph of a pipeline's nodes."""
    cards = tuple(_card(index, node) for index, node in enumerate(nodes))
    edges = _edges(cards)
    free = dict.fromkeys(edge.name for edge in edges if edge.maker is None)
    return Graph(cards, tuple(free), tuple(edges))


def _card(index: int, node: Node) -> Card:
    names = tuple(dict.fromkeys(node.inputs))
    return Card(
        index,
        node,
        config=tuple(name for name in names if is_config_reference(name)),
        reads=tuple(name for name in names if not is_config_reference(name)),
        makes=tuple(node.outputs),
        name=node.name,
        members=(index,),
    )


def _edges(cards: Sequence[Card]) -> list[Edge]:
    makers: dict[str, int] = {}
    edges: list[Edge] = []
    for card in cards:
        edges += [Edge(makers.get(name), card.index, name) for name in card.reads]
        makers.update(dict.fromkeys(card.makes, card.index))
    return edges
