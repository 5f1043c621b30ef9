"""Shapes of placed cards, pills and wires, with what a run, a failure or a plan adds to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from linepipe_core import Node
from linepipe_viz.graph.cards import Card, Edge, Graph
from linepipe_viz.graph.details import (
    Details,
    annotation_text,
    input_details,
    node_details,
    object_details,
    run_facts,
)
from linepipe_viz.graph.facts import Fact
from linepipe_viz.graph.records import Change, Record, config_change, config_changes
from linepipe_viz.graph.stacks import stack_record
from linepipe_viz.scene.arrangement import PlacedCard, PlacedPill, PlacedWire
from linepipe_viz.scene.measure import (
    BAR_HEIGHT,
    CAPTION_HEIGHT,
    CHIP_GAP,
    CHIP_HEIGHT,
    CHIP_ROW,
    FACT_HEIGHT,
    HEAD_HEIGHT,
    PILL_GAP,
    PILL_HEIGHT,
    Label,
    fit_text,
    row_width,
)
from linepipe_viz.scene.shapes import Line, Rect, Shape, Sign, Text, Wire
from linepipe_viz.text import join_names, printable

__all__ = ["Painter"]

_SIDE = 7  # px: a caption's least distance from a card's border
_SHEET = 3.5  # px by which a sheet stands out
_LIT = ("will run", "may run")
_MADE = ("ran", "reused")


class Painter:
    """Turns placed cards, pills and wires into shapes, with the details of their tooltips.

    Args:
        nodes: the pipeline's.
        hints: annotations of objects, by name.
        graph: the pipeline's.
        records: the record of each node; a stack's card has one for all of them.
        facts: what is known about objects after a run.
        pills: those that will be painted.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        hints: Mapping[str, object],
        graph: Graph,
        records: Sequence[Record | None],
        facts: Mapping[str, Fact],
        pills: Sequence[PlacedPill],
    ) -> None:
        self._nodes = nodes
        self._hints = {name: hint for name, hint in hints.items() if hint not in (Any, object)}
        self._readers = graph.readers()
        self._cards = graph.cards
        self._records = [stack_record(records, card.members) for card in graph.cards]
        self._facts = facts
        self._changes = config_changes(records)
        self._longest = max((r.seconds or 0.0 for r in self._records if r), default=0.0)
        self._shown = {(pill.maker, pill.label.name): self._shown_fact(pill) for pill in pills}

    def pill(self, placed: PlacedPill) -> Shape:
        """An object's pill, and a fact about it below."""
        label, maker = placed.label, placed.maker
        kind = "input" if maker is None else "data"
        left = placed.x - label.width / 2
        rect = Rect(kind, left, placed.top, label.width, PILL_HEIGHT, PILL_HEIGHT / 2)
        texts = [Text("label", placed.x, placed.top + PILL_HEIGHT / 2, label.text)]
        if shown := self._shown[maker, label.name]:
            y = placed.top + PILL_HEIGHT + FACT_HEIGHT / 2
            texts.append(Text("fact", placed.x, y, shown))
        data = [("object", label.name)]
        if maker is not None:
            data += [("from", self._cards[maker].name), ("order", self._number(maker))]
        return Shape((rect,), tuple(texts), self._pill_details(placed), tuple(data))

    def _shown_fact(self, placed: PlacedPill) -> str:
        """The fact below a pill; "" where there is none, or no page but a card is below it.

        Of an object that no longer exists, the type that its maker declares.
        """
        name, maker = placed.label.name, placed.maker
        if not placed.is_lowest:
            return ""
        room = placed.label.width + PILL_GAP - 2
        fact = self._facts.get(name)
        if fact is not None:
            texts = [str(fact), fact.extent]
            fitting = (text for text in texts if text and fit_text(text, "fact", room) == text)
            return next(fitting, fit_text(str(fact), "fact", room))
        record = None if maker is None else self._records[maker]
        if record is None or record.status not in _MADE or name not in self._hints:
            return ""
        return fit_text(annotation_text(self._hints[name]), "fact", room)

    def _pill_details(self, placed: PlacedPill) -> Details:
        name = placed.label.name
        readers = [self._cards[r].name for r in self._readers.get((placed.maker, name), ())]
        facts = self._facts[name].lines if name in self._facts else ()
        if placed.maker is None:
            return input_details(name, readers, facts)
        card = self._cards[placed.maker]
        if card.listed:
            facts = tuple(
                f"{printable(n)}: {self._facts[n]}" for n in card.listed if n in self._facts
            )
            facts = (join_names(card.listed), *facts)
        return object_details(name, card.name, readers, self._hints.get(name), facts)

    def wire(self, placed: PlacedWire) -> Wire:
        """An edge; lit, where a plan has its maker run."""
        edge = placed.edge
        what = join_names(self._objects_of(edge))
        record = None if edge.maker is None else self._records[edge.maker]
        reader = self._cards[edge.reader].name
        data = [("object", what), ("to", reader)]
        order = "" if edge.maker is None else self._number(edge.maker)
        data.append(("order", f"{order}-{self._number(edge.reader)}"))
        source = ""
        if edge.maker is not None:
            source = f" from {printable(self._cards[edge.maker].name)}"
            data.insert(1, ("from", self._cards[edge.maker].name))
        is_whole = isinstance(placed.segments[0], Line) if placed.segments else False
        has_fact = is_whole and self._shown[edge.maker, edge.name]
        return Wire(
            "edge-changed" if record and record.status in _LIT else "edge",
            placed.x,
            placed.y + (FACT_HEIGHT if has_fact else 0),
            placed.segments,
            placed.tip,
            f"{what}{source} to {printable(reader)}",
            tuple(data),
            placed.is_level,
        )

    def _objects_of(self, edge: Edge) -> list[str]:
        """The objects on an edge: several, where its maker lists its outputs."""
        listed = () if edge.maker is None else self._cards[edge.maker].listed
        inputs = self._cards[edge.reader].node.inputs
        return [name for name in dict.fromkeys(inputs) if name in listed] or [edge.name]

    def card(self, placed: PlacedCard) -> Shape:
        """A node's card: its frame, order number, name, state, figures and chips."""
        index, size = placed.card.index, placed.size
        record = self._records[index]
        suffix = f"-{record.state}" if record else ""
        kind = record.state if record else "function"
        left, middle = placed.x - size.width / 2, placed.top + 18
        rects = [Rect(kind, left, placed.top, size.width, size.height, 7)]
        texts = [
            Text(f"order{suffix}", left + 8, middle, placed.card.order, "start"),
            Text(f"name{suffix}", placed.x, middle, size.name),
        ]
        signs = [Sign(kind, left + size.width - 13, middle)] if record else []
        y = placed.top + HEAD_HEIGHT - 5
        if record:
            rects += self._bar(record, left + 16, y + 19, size.width - 32)
            texts += _captions(record, placed.x, y, size.width)
            y += CAPTION_HEIGHT
        for row in size.chips:
            for rect, text in _chips(row, placed.x, y, self._changes):
                rects.append(rect)
                texts.append(text)
            y += CHIP_ROW
        for row in size.listed:
            for label, x in _side_by_side(row, placed.x):
                rects.append(Rect("listed", x, y + 1, label.width, CHIP_HEIGHT, CHIP_HEIGHT / 2))
                texts.append(
                    Text("listed", x + label.width / 2, y + 1 + CHIP_HEIGHT / 2, label.text)
                )
            y += CHIP_ROW
        data = [("node", placed.card.name), ("order", self._number(index))]
        data += [("state", record.status)] if record else []
        details = self._card_details(placed.card, record)
        return Shape(tuple(rects), tuple(texts), details, tuple(data), tuple(signs))

    def sheets(self, placed: PlacedCard) -> Iterator[Rect]:
        """Two sheets behind the card of a stack or a group, the lower one first."""
        if len(placed.card.members) < 2:
            return
        record, size = self._records[placed.card.index], placed.size
        for shift in (2 * _SHEET, _SHEET):
            x, y = placed.x - size.width / 2 + shift, placed.top + shift
            kind = record.state if record else "function"
            yield Rect(kind, x, y, size.width, size.height, 7)

    def _number(self, index: int) -> str:
        """The number of a card's first node in the order of the run, from 1."""
        return str(self._cards[index].members[0] + 1)

    def _card_details(self, card: Card, record: Record | None) -> Details:
        details = node_details(card.node, record, self._hints)
        if len(card.members) == 1 and not card.is_group:
            return details
        names = join_names([self._nodes[member].name for member in card.members])
        if card.is_group:
            facts = (
                f"inputs: {join_names((*card.reads, *card.config))}",
                f"outputs: {join_names(card.makes)}",
                f"{len(card.members)} nodes: {names}",
                *run_facts(record),
            )
            return Details(printable(card.name), "", "", facts)
        members = f"{len(card.members)} nodes, of which this is the first: {names}"
        return replace(details, heading=printable(card.name), facts=(*details.facts, members))

    def _bar(self, record: Record, x: float, y: float, width: float) -> Iterator[Rect]:
        """A bar of the node's time in proportion to the slowest node; none if it did not run."""
        if record.seconds is None or record.status != "ran":
            return
        share = record.seconds / self._longest if self._longest else 0.0
        yield Rect("track", x, y, width, BAR_HEIGHT, BAR_HEIGHT / 2)
        yield Rect("bar", x, y, max(BAR_HEIGHT, width * share), BAR_HEIGHT, BAR_HEIGHT / 2)


def _captions(record: Record, x: float, y: float, width: float) -> Iterator[Text]:
    """Status and figures, and below them the error or the reason, unless a chip shows it."""
    kind, room = f"caption-{record.state}", width - 2 * _SIDE
    yield Text(kind, x, y + 6, fit_text(record.caption, kind, room))
    on_chips = not record.error and any(config_change(reason) for reason in record.reasons[:1])
    if record.remark and not on_chips:
        yield Text(kind, x, y + 21, fit_text(record.remark, kind, room))


def _chips(
    row: Sequence[Label], middle: float, y: float, changes: Mapping[str, Change]
) -> Iterator[tuple[Rect, Text]]:
    for chip, x in _side_by_side(row, middle):
        change = _change_of(chip.name, changes)
        suffix = "-changed" if change else ""
        text = _change_text(chip, change) if change else chip.text
        yield (
            Rect(f"config{suffix}", x, y + 1, chip.width, CHIP_HEIGHT, 4),
            Text(f"chip{suffix}", x + chip.width / 2, y + 1 + CHIP_HEIGHT / 2, text),
        )


def _side_by_side(row: Sequence[Label], middle: float) -> Iterator[tuple[Label, float]]:
    """Each label of a row that is centred, with the x of its left border."""
    x = middle - row_width(row, CHIP_GAP) / 2
    for label in row:
        yield label, x
        x += label.width + CHIP_GAP


def _change_of(name: str, changes: Mapping[str, Change]) -> Change | None:
    """The change of a config reference, or the first one of a value inside it."""
    if name in changes:
        return changes[name]
    inside = (change for key, change in changes.items() if key.startswith(f"{name}."))
    return next(inside, None)


def _change_text(chip: Label, change: Change) -> str:
    """``config.depth 5 → 6``; less of the name where the chip is too narrow for it."""
    values = f"{change.old} → {change.new}"
    name = printable(change.name)
    for shown in (name, name.rpartition(".")[2]):
        text = f"{shown} {values}"
        if fit_text(text, "chip", chip.width - 6) == text:
            return text
    return fit_text(values, "chip", chip.width - 6)
