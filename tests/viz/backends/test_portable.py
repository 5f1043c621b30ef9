"""The SVG outside of browsers: programs that print, convert and edit draw the same picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image, ImageChops
from tests.viz import samples
from tests.viz.browser import rgb
from tests.viz.renderers import RENDERERS, drawn_by

from linepipe_viz import draw_svg_pipeline
from linepipe_viz.scene.measure import text_width
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.scene.shapes import Rect, Scene
from linepipe_viz.theme import COLOURS, RECTS, TEXTS

Theme = Literal["auto", "light", "dark"]
THEMES: tuple[Theme, ...] = ("auto", "light", "dark")
NEAR = 12  # of 255: what smoothing and colour profiles may add


def written(folder: Path, theme: Theme, *, transparent: bool = False) -> tuple[Path, Scene]:
    """A failed run, which has most kinds of shapes, as a file."""
    result = samples.told(samples.failure(samples.training(), "predict"))
    path = folder / f"failed-{theme}.svg"
    svg = draw_svg_pipeline(
        samples.training(), "A run", result=result, theme=theme, transparent=transparent
    )
    path.write_text(svg, encoding="utf-8")
    return path, pipeline_scene(samples.training(), "A run", result)


def colour_at(picture: Image.Image, x: float, y: float) -> tuple[int, int, int]:
    pixel = picture.getpixel((round(x), round(y)))
    assert isinstance(pixel, tuple)
    return pixel[0], pixel[1], pixel[2]


def is_near(one: tuple[int, int, int], colour: str) -> bool:
    return all(abs(a - b) <= NEAR for a, b in zip(one, rgb(colour), strict=True))


def text_span(picture: Image.Image, pill: Rect, fill: str) -> tuple[float, float]:
    """From where to where the text of a pill reaches; its round ends are left out."""
    left, right = round(pill.x) + 8, round(pill.x + pill.width) - 8
    part = picture.crop((left, round(pill.y) + 4, right, round(pill.y + pill.height) - 4))
    grey = ImageChops.difference(part, Image.new("RGB", part.size, fill)).convert("L")
    box = grey.point([255 if value > 40 else 0 for value in range(256)]).getbbox()
    assert box is not None, "no text"
    return left + box[0], left + box[2]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("program", RENDERERS)
def test_every_program_draws_cards_pills_and_texts_in_their_colours_and_places(
    program: str, theme: Theme, tmp_path: Path
) -> None:
    """Fills beside the texts, and the texts inside their pills; auto is light there."""
    path, scene = written(tmp_path, theme)
    seen: Literal["light", "dark"] = "dark" if theme == "dark" else "light"
    picture = drawn_by(program, path, round(scene.width), round(scene.height))
    assert is_near(colour_at(picture, 4, 4), COLOURS["background"].of(seen))
    for shape in (*scene.cards, *scene.pills):
        frame = shape.frame
        fill = COLOURS[RECTS[frame.kind].fill].of(seen)
        beside = colour_at(picture, frame.x + 7, frame.y + min(frame.height / 2, 30))
        assert is_near(beside, fill), (shape.details.heading, beside, fill)
    for pill in scene.pills:
        fill = COLOURS[RECTS[pill.frame.kind].fill].of(seen)
        left, right = text_span(picture, pill.frame, fill)
        heading = pill.details.heading
        assert pill.frame.x + 8 < left < right < pill.frame.x + pill.frame.width - 8, heading
        room = text_width(pill.texts[0].text, "label")
        assert right - left >= 0.6 * room - 2, f"the text of {heading} is too narrow"
        middle = pill.frame.x + pill.frame.width / 2
        assert abs((left + right) / 2 - middle) <= 3, f"{heading} is not in the middle"


@pytest.mark.parametrize("program", RENDERERS)
def test_a_transparent_picture_shows_the_paper(program: str, tmp_path: Path) -> None:
    """On request; a dark picture then stands on white."""
    path, scene = written(tmp_path, "dark", transparent=True)
    picture = drawn_by(program, path, round(scene.width), round(scene.height))
    assert is_near(colour_at(picture, 4, 4), "#FFFFFF")


def test_everything_that_draws_stands_in_attributes() -> None:
    """No size and no font in CSS; a style sheet only where a page may be dark."""
    svg = draw_svg_pipeline(samples.training(), result=samples.failure(samples.training(), "clean"))
    root = svg.partition(">")[0]
    assert "style=" not in svg
    assert re.search(r' width="[\d.]+" height="[\d.]+" viewBox="0 0 [\d.]+ [\d.]+"', root)
    style = re.findall(r"<style>\n(.*)</style>", svg, re.S)[0]
    assert not re.search(r"font|width|height|dash", style)
    for element in re.findall(r"<(?:rect|text|path) [^>]*>", svg):
        assert " fill=" in element
    assert "<style>" not in draw_svg_pipeline(samples.training(), theme="light")
    assert "<style>" not in draw_svg_pipeline(samples.training(), theme="dark")


def test_the_fonts_are_given_with_every_text() -> None:
    """By the group of monospace texts, or by the text itself."""
    svg = draw_svg_pipeline(samples.features())
    outside = svg.rpartition("</g>")[2]
    assert all(" font-family=" in text for text in re.findall(r"<text [^>]*>", outside))
    assert len(re.findall(r"<g font-family=", svg)) == 1
    assert all(" font-size=" in text for text in re.findall(r"<text [^>]*>", svg))
    assert {style.size for style in TEXTS.values()} >= {13, 12, 10.5}
