"""Sizes of texts, chips, pills and cards, before anything has a position.

Names are set in a monospace font, so their width is known without a font: that is what lets
cards fit their texts in a browser that we never see.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final
from unicodedata import normalize

from linepipe_viz.graph.cards import Card
from linepipe_viz.text import cell_width, short_labels
from linepipe_viz.theme import TEXTS

__all__ = [
    "BAR_HEIGHT",
    "CAPTION_HEIGHT",
    "CHIP_GAP",
    "CHIP_HEIGHT",
    "CHIP_ROW",
    "FACT_HEIGHT",
    "HEAD_HEIGHT",
    "LANE_WIDTH",
    "PILL_GAP",
    "PILL_HEIGHT",
    "PILL_OVERLAP",
    "PILL_ROW",
    "PORT_GAP",
    "CardSize",
    "Label",
    "Measures",
    "fit_text",
    "pills_width",
    "row_width",
    "text_width",
]

MONO_RATIO: Final = 0.605  # a cell's width over the font size, the widest of our fonts
HEAD_HEIGHT: Final = 36
CHIP_HEIGHT: Final = 18
CHIP_ROW: Final = 24
CHIP_GAP: Final = 6
CAPTION_HEIGHT: Final = 35  # a caption and a remark, or a bar in the remark's place
BAR_HEIGHT: Final = 3
PILL_HEIGHT: Final = 24
PILL_OVERLAP: Final = 12
PILL_GAP: Final = 8
PILL_ROW: Final = 40  # one row of pills to the next, with room for lines to turn between them
LANE_WIDTH: Final = 10  # for a line that comes from a row above and passes between pills
PORT_GAP: Final = 16
FACT_HEIGHT: Final = 14  # of a fact about an object, below its pill

_CHIPS_WIDTH = 250
_PILLS_WIDTH = 420
_MOST_LISTED = 30
_LEAST_WIDTH = 104
_STATES_WIDTH = 176  # room for `failed · 12 min 05 s · 1.5 GiB`, and for most of an error
_LEAST_PILL = 66  # room for most facts, where there are any
_CORNER = 17  # px beside a name, left and right: for its order number, and for a state's sign
_SIDES = 20  # what a card has left and right of its pills and chips, together


@dataclass(frozen=True, slots=True)
class Label:
    """A name as it is shown, in a frame of that width."""

    name: str
    text: str
    width: float


@dataclass(frozen=True, slots=True)
class CardSize:
    """A card's parts and its size.

    Attributes:
        name: the node's, as shown.
        chips: rows of config references.
        listed: rows of outputs that have no pills.
        pills: rows of outputs; the last one straddles the lower border.
        width: of the card.
        height: of the card, without what the pills stand out below it.
        below: what stands out below it: the pills, and the facts about their objects.
    """

    name: str
    chips: tuple[tuple[Label, ...], ...]
    listed: tuple[tuple[Label, ...], ...]
    pills: tuple[tuple[Label, ...], ...]
    width: float
    height: float
    below: float

    @property
    def height_with_pills(self) -> float:
        """From the card's top to the end of the lowest of its pills and facts."""
        return self.height + self.below


class Measures:
    """Sizes of one pipeline's cards and pills, with the labels that keep its names different.

    Args:
        cards: all cards of the pipeline.
        free_inputs: names that no card makes.
        with_states: reserve room for a caption and a remark on every card, so that all pictures
            of one pipeline with a run or plan on it have the same layout.
        is_sideways: pills stand below each other and out at the right, and lines come in at the
            left.
    """

    def __init__(
        self,
        cards: Sequence[Card],
        free_inputs: Sequence[str],
        *,
        with_states: bool,
        is_sideways: bool = False,
    ) -> None:
        self.with_states = with_states
        self._is_sideways = is_sideways
        self._names = short_labels([card.name for card in cards])
        made = [name for card in cards for name in card.makes]
        self._objects = short_labels([*free_inputs, *made])
        self._listed = short_labels([name for card in cards for name in card.listed])
        self._config = short_labels([name for card in cards for name in card.config])
        self._order_width = max((text_width(card.order, "order") for card in cards), default=0.0)

    def card(self, card: Card, read: Collection[str]) -> CardSize:
        """The card's parts and size.

        Args:
            card: the card.
            read: its outputs that some node reads.
        """
        name = self._names[card.name]
        pills = self._pill_rows(card.makes, read)
        width = max(
            text_width(name, "name") + 2 * (self._order_width + _CORNER),
            pills_width(pills, () if self._is_sideways else read) + _SIDES,
            _STATES_WIDTH if self.with_states else 0.0,
            0.0 if self._is_sideways else PORT_GAP * len(card.reads) + 24,
            _LEAST_WIDTH,
        )
        labels = [self._chip(name) for name in card.config]
        chips = _rows(labels, CHIP_GAP, max(_CHIPS_WIDTH, width - _SIDES))
        listed = self._list(card, max(_PILLS_WIDTH, width - _SIDES))
        widest = max((row_width(row, CHIP_GAP) for row in (*chips, *listed)), default=0.0)
        width = max(width, widest + _SIDES)
        height = self._height((*chips, *listed), pills)
        if self._is_sideways:
            height = max(height, PORT_GAP * len(card.reads) + 24)
            return CardSize(name, chips, listed, pills, width, height, 0)
        below = PILL_OVERLAP + self.fact_height if pills else 0
        return CardSize(name, chips, listed, pills, width, height, below)

    def _list(self, card: Card, room: float) -> tuple[tuple[Label, ...], ...]:
        """Rows of the outputs that have no pills, and how many more there are."""
        names = card.listed[:_MOST_LISTED]
        labels = [_label(name, self._listed[name], "listed", 16) for name in names]
        if more := len(card.listed) - len(names):
            labels.append(_label("", f"and {more:,} more", "listed", 16))
        return _rows(labels, CHIP_GAP, room)

    @property
    def fact_height(self) -> float:
        """Of the room below a pill; no facts without states, or where cards are below pills."""
        return FACT_HEIGHT if self.with_states and not self._is_sideways else 0

    def pill(self, name: str) -> Label:
        """An object's name in its pill."""
        label = _label(name, self._objects[name], "label", 22)
        if self.fact_height and label.width < _LEAST_PILL:
            return Label(name, label.text, _LEAST_PILL)
        return label

    def _chip(self, name: str) -> Label:
        return _label(name, self._config[name], "chip", 16)

    def _height(self, chips: Sequence[Sequence[Label]], pills: Sequence[Sequence[Label]]) -> float:
        height = HEAD_HEIGHT + CHIP_ROW * len(chips)
        height += CAPTION_HEIGHT if self.with_states else 0
        if self._is_sideways:
            return height + (PILL_HEIGHT + PILL_GAP) * len(pills)
        if pills:
            height += 8 if chips or self.with_states else 10
            height += PILL_ROW * (len(pills) - 1)
        return height

    def _pill_rows(
        self, names: Sequence[str], read: Collection[str]
    ) -> tuple[tuple[Label, ...], ...]:
        """Rows of pills in declared order, if one row is enough.

        Of several rows, unread objects come above and full rows below: few lines pass pills.
        """
        if self._is_sideways:
            return tuple((self.pill(name),) for name in names)
        rows = _rows([self.pill(name) for name in names], PILL_GAP, _PILLS_WIDTH)
        if len(rows) < 2:
            return rows
        upward = [self.pill(n) for n in sorted(names, key=lambda name: name in read)][::-1]
        return tuple(row[::-1] for row in _rows(upward, PILL_GAP, _PILLS_WIDTH)[::-1])


def _rows(labels: Sequence[Label], gap: float, limit: float) -> tuple[tuple[Label, ...], ...]:
    """The labels in rows no wider than ``limit``, unless a label alone is."""
    rows: list[list[Label]] = []
    for label in labels:
        if rows and row_width([*rows[-1], label], gap) <= limit:
            rows[-1].append(label)
        else:
            rows.append([label])
    return tuple(tuple(row) for row in rows)


def row_width(row: Sequence[Label], gap: float) -> float:
    """The labels side by side."""
    return sum(label.width for label in row) + gap * (len(row) - 1)


def pills_width(rows: Sequence[Sequence[Label]], read: Collection[str]) -> float:
    """The widest row of pills, with a lane for each line that comes down from those above."""
    widest, lanes = 0.0, 0
    for row in rows:
        widest = max(widest, row_width(row, PILL_GAP) + LANE_WIDTH * lanes)
        lanes += sum(label.name in read for label in row)
    return widest


def _label(name: str, text: str, kind: str, padding: float) -> Label:
    return Label(name, text, text_width(text, kind) + padding)


def fit_text(text: str, kind: str, width: float) -> str:
    """The text, cut at its end where it is wider than ``width`` px."""
    if text_width(text, kind) <= width:
        return text
    room = width - text_width("…", kind)
    n_signs, used = 0, 0.0
    for sign in text:
        used += text_width(sign, kind)
        if used > room:
            break
        n_signs += 1
    return f"{text[:n_signs].rstrip()}…"


def text_width(text: str, kind: str) -> float:
    """An upper estimate of a text's width in px, whichever of our fonts is there."""
    style = TEXTS[kind]
    if style.mono:
        return _mono_ems(text) * style.size
    return _sans_ems(text) * style.size * (1.0 if style.bold else _REGULAR_SHARE)


def _mono_ems(text: str) -> float:
    if text.isascii():
        return len(text) * MONO_RATIO
    return sum(_EMS.get(sign) or cell_width(sign) * _mono_ratio(sign) for sign in text)


def _mono_ratio(sign: str) -> float:
    """A cell's width: where no monospace font has the sign, another font lends a wider one."""
    is_wide = cell_width(sign) == 2
    is_there = any(first <= sign <= last for first, last in _IN_MONO)
    return MONO_RATIO if is_wide or is_there else _LENT_RATIO


_IN_MONO = (
    ("\u0000", "\u058f"),  # Latin, Greek, Cyrillic, Armenian
    ("\u2000", "\u22ff"),  # punctuation, arrows, mathematics
    ("\u2500", "\u25ff"),  # boxes
)
_LENT_RATIO = 0.85
# Dashes that are as long as they are called, and the bismillah, a whole sentence in one sign.
_EMS = {"\u2e3a": 2.0, "\u2e3b": 3.0, "\ufdfd": 8.0}


# Bold DejaVu Sans is the widest font that our stack falls back to; narrower ones leave room.
_SANS_WIDTHS = (
    (0.36, " 'ijl"),
    (0.40, "/IJ\\|,.:;"),
    (0.50, "-!()[]_`frt·"),
    (0.60, '"*?csz'),
    (0.70, "$0123456789EFLTaekovxy"),
    (0.73, "{}CPSYZbdghnpqu"),
    (0.78, "ABKRVX"),
    (0.87, "#&+<=>^~DGHNOQU"),
    (0.93, "w"),
    (1.05, "%@Mm—…"),
    (1.11, "W"),
)
_SANS_EMS = {sign: width for width, signs in _SANS_WIDTHS for sign in signs} | _EMS
_REGULAR_SHARE = 0.92  # of a bold sign's width
# The widest letters of alphabets that have no decomposition into Latin ones.
_WIDE_CAPITAL, _WIDE_SMALL = 1.35, 1.12  # Щ, щ
_WIDEST_LETTERS = frozenset("ЖШЩЮЫжшщюыфѠѡ")
_OTHER_CAPITAL, _OTHER_SMALL, _OTHER_SIGN = 1.0, 0.88, 1.05


def _sans_ems(text: str) -> float:
    return sum(map(_sans_sign, text))


@cache
def _sans_sign(sign: str) -> float:
    """A sign's width, with its accents; those add nothing by themselves."""
    width = _SANS_EMS.get(sign) or _SANS_EMS.get(normalize("NFD", sign)[0])
    if width is not None:
        return width
    if sign in _WIDEST_LETTERS:
        return _WIDE_CAPITAL if sign.isupper() else _WIDE_SMALL
    n_cells = cell_width(sign)
    if sign.isalpha() and n_cells == 1:
        return _OTHER_CAPITAL if sign.isupper() else _OTHER_SMALL
    return max(n_cells * _OTHER_SIGN, 0.0)
