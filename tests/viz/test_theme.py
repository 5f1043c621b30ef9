"""The theme's colours: readable in both themes, and states that nobody confuses."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Literal

import pytest
from tests.viz.browser import Rgb, rgb

import linepipe_viz.page
from linepipe_viz.theme import COLOURS, RECTS, SIGNS, STATES, TEXTS

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
    "grey": ((0.2126, 0.7152, 0.0722),) * 3,
}


def linear(colour: Rgb) -> tuple[float, float, float]:
    red, green, blue = (
        value / 3294.6 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4
        for value in colour
    )
    return red, green, blue


def luminance(colour: str) -> float:
    red, green, blue = linear(rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2's ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, blindness: str) -> tuple[float, float, float]:
    """CIE L*a*b* of a colour as somebody sees it."""
    seen = linear(rgb(colour))
    r, g, b = (
        min(max(sum(part * value for part, value in zip(row, seen, strict=True)), 0), 1)
        for row in BLINDNESS[blindness]
    )
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def distance(one: str, other: str, blindness: str) -> float:
    pairs = zip(lab(one, blindness), lab(other, blindness), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs) ** 0.5)


def grounds() -> list[tuple[str, str]]:
    """Each kind of text with the fill that it stands on."""
    on_page = {"title", "subtitle", "outcome", "legend", "fact"}
    fills = {"name": "function-fill", "order": "function-fill", "label": "data-fill"}
    fills |= {"chip": "config-fill", "chip-changed": "will-run-fill", "listed": "data-fill"}
    fills |= dict.fromkeys(on_page, "background")
    pairs = [(kind, fills[kind]) for kind in TEXTS if kind in fills]
    pairs.append(("label", "background"))  # a free input
    for kind in TEXTS:
        _, _, state = kind.partition("-")
        if state in STATES:
            pairs.append((kind, f"{state}-fill"))
    return pairs


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_has_a_contrast_of_at_least_4_5(scheme: Scheme) -> None:
    """Small texts too; each kind is looked at."""
    pairs = grounds()
    assert {kind for kind, _ in pairs} == set(TEXTS)
    for kind, fill in pairs:
        ratio = contrast(COLOURS[TEXTS[kind].colour].of(scheme), COLOURS[fill].of(scheme))
        assert ratio >= 4.5, (kind, fill, ratio)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_texts_of_the_page_have_a_contrast_of_at_least_4_5(scheme: Scheme) -> None:
    """On the page, and on its panel and buttons."""
    style = (Path(linepipe_viz.page.__path__[0]) / "page.css").read_text(encoding="utf-8")
    (block,) = re.findall(rf'data-theme="{scheme}"\] \{{(.*?)\}}', style, re.S)
    colours = dict(re.findall(r"--(\w+): (#\w{6});", block))
    assert {"page", "raised", "text", "muted", "bad", "accent"} <= set(colours)
    for text in ("text", "muted", "bad", "accent"):
        for ground in ("page", "raised"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_signs_and_borders_stand_out(scheme: Scheme) -> None:
    """3:1, which WCAG asks of graphics, against their card; borders against the page."""
    for state in STATES:
        stroke = COLOURS[state].of(scheme)
        assert contrast(stroke, COLOURS[f"{state}-fill"].of(scheme)) >= 3, state
        assert contrast(stroke, COLOURS["background"].of(scheme)) >= 3, state


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_states_differ_for_every_eye(scheme: Scheme, blindness: str) -> None:
    """By fill, or by the kind of border; and always by sign and word."""
    for one, other in combinations(STATES, 2):
        first, second = (COLOURS[f"{state}-fill"].of(scheme) for state in (one, other))
        styles = [(RECTS[state].dash, RECTS[state].width > 1.5) for state in (one, other)]
        assert distance(first, second, blindness) >= 4 or styles[0] != styles[1], (one, other)
        assert SIGNS[one] != SIGNS[other]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_states_that_matter_most_differ_by_fill_alone(scheme: Scheme) -> None:
    """A failure, what ran, what will run and what did not run, for every eye but in grey."""
    for one, other in combinations(("failed", "ran", "will-run", "not-run"), 2):
        fills = [COLOURS[f"{state}-fill"].of(scheme) for state in (one, other)]
        for blindness in ("none", "protanopia", "deuteranopia", "tritanopia"):
            assert distance(fills[0], fills[1], blindness) >= 8, (one, other, blindness)
