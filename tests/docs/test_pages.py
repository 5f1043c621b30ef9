"""The pages that the docs embed as they are: kept from real runs, drawn by today's code."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "pages" / "flights.html"


def test_the_page_of_the_flights_has_todays_style_and_script() -> None:
    """It is `out/train.html` of `hatch run flights`, copied there."""
    page = PAGE.read_text(encoding="utf-8")
    assert "<title>Flights: train</title>" in page
    for name in ("page.css", "page.js"):
        today = files("linepipe_viz.page").joinpath(name).read_text(encoding="utf-8")
        assert today in page, "run `hatch run flights`, and copy out/train.html to docs/pages"
    assert "/home/" not in page
    assert "/tmp/" not in page
