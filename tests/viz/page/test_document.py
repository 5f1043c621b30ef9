"""draw_html_pipeline: one page, in a real browser, by mouse and by keyboard alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.viz import samples
from tests.viz.browser import Browser, chromium, rgb

import linepipe_viz.page
from linepipe_core import Node, NodeExecutionError, Pipeline
from linepipe_viz import draw_html_pipeline

SCRIPT = Path(linepipe_viz.page.__path__[0]) / "page.js"
PANEL = "document.getElementById('panel')"
LIT = (
    "[...document.querySelectorAll('#stage .lit[data-node]')].map(card => card.dataset.node).sort()"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: .ci/run must install it")
        pytest.skip("needs Chromium: apt-get install chromium")
    with Browser(program) as running:
        yield running


def opened(browser: Browser, folder: Path, page: str, **options: Any) -> None:
    """Show a page from a file, on its first frame."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    browser.open(path, **({"width": 1280, "height": 900} | options))
    browser.until("document.querySelector('#stage > svg').style.transform !== ''")


def middle(browser: Browser, selector: str) -> tuple[float, float]:
    box = browser.ask(
        f"(b => [b.x + b.width / 2, b.y + 12])"
        f"(document.querySelector('{selector}').getBoundingClientRect())"
    )
    return box[0], box[1]


def model(page: str) -> dict[str, Any]:
    (text,) = re.findall(r'<script type="application/json" id="model">(.*?)</script>', page, re.S)
    read: dict[str, Any] = json.loads(text)
    return read


def test_the_page_loads_nothing_and_sends_nothing(browser: Browser, tmp_path: Path) -> None:
    """It has all that it needs, and a policy that lets nothing in."""
    page = draw_html_pipeline(samples.features(), result=samples.features().run())
    assert "default-src 'none'" in page
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    opened(browser, tmp_path, page)
    assert browser.ask("performance.getEntriesByType('resource').length") == 0


def test_it_is_walked_by_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    """Nodes in order, along the edges, by search; and away again."""
    opened(browser, tmp_path, draw_html_pipeline(samples.features()))
    assert browser.ask(f"{PANEL}.hidden")
    browser.press("ArrowRight")
    assert browser.ask(f"{PANEL}.querySelector('h2').textContent") == "1. load_data"
    browser.press("ArrowDown")
    assert browser.ask(f"{PANEL}.querySelector('h2').textContent") == "2. clean_data"
    browser.press("ArrowUp")
    browser.press("ArrowLeft")
    assert browser.ask(f"{PANEL}.querySelector('h2').textContent") == "5. write_features"
    browser.press("/", "/")
    assert browser.ask("document.activeElement.id") == "search"
    browser.write("roll")
    assert browser.ask("document.getElementById('matches').textContent") == "2 found"
    browser.press("Enter", "\r")
    assert browser.ask(f"{PANEL}.querySelector('h2').textContent") == "3. rolling_goals"
    browser.press("Escape")
    browser.press("Escape")
    assert browser.ask(f"{PANEL}.hidden")


def test_a_click_shows_a_node_and_lights_what_it_hangs_together_with(
    browser: Browser, tmp_path: Path
) -> None:
    """Up- and downstream, nodes, objects and arrows; all else is dim."""
    opened(browser, tmp_path, draw_html_pipeline(samples.training()), height=1400)
    browser.click(*middle(browser, '[data-node="load_players"]'))
    words = browser.ask(f"{PANEL}.textContent")
    assert words.startswith("3. load_players")
    assert "engine from create_db_engine" in words
    lit = browser.ask(LIT)
    assert "create_db_engine" in lit
    assert "make_features" in lit
    assert "load_matches" not in lit
    objects = "[...document.querySelectorAll('#stage .lit[data-object]:not([data-to])')]"
    lit_objects = browser.ask(f"{objects}.map(pill => pill.dataset.object)")
    assert "players" in lit_objects
    assert "matches" not in lit_objects
    wires = browser.ask(
        "[...document.querySelectorAll('#stage .lit[data-to]')].map(wire => wire.dataset.order)"
    )
    assert "1-3" in wires
    assert "1-2" not in wires


def test_wheel_and_drag_move_the_picture(browser: Browser, tmp_path: Path) -> None:
    """The point under the pointer stays where it is; a drag chooses nothing."""
    opened(browser, tmp_path, draw_html_pipeline(samples.training()))
    transform = "document.querySelector('#stage > svg').style.transform"
    before = browser.ask(transform)
    x, y = middle(browser, '[data-node="create_db_engine"]')
    browser.mouse("Wheel", x, y, deltaX=0, deltaY=-240)
    browser.until(f"{transform} !== '{before}'")
    assert middle(browser, '[data-node="create_db_engine"]') == pytest.approx((x, y), abs=8)
    zoomed = browser.ask(transform)
    browser.mouse("Pressed", x, y)
    browser.mouse("Moved", x + 30, y + 20, buttons=1)
    browser.mouse("Moved", x + 60, y + 40, buttons=1)
    browser.mouse("Released", x + 60, y + 40)
    browser.until(f"{transform} !== '{zoomed}'")
    assert browser.ask(f"{PANEL}.hidden")
    browser.press("f", "f")
    fits = "(b => b.top >= 0 && b.bottom <= innerHeight)"
    browser.until(f"{fits}(document.querySelector('#stage > svg').getBoundingClientRect())")


@pytest.mark.parametrize(("width", "height"), [(1400, 1000), (1000, 700), (390, 844)])
def test_the_first_view_has_the_whole_pipeline_and_most_of_the_window(
    browser: Browser, tmp_path: Path, width: int, height: int
) -> None:
    """The timeline below takes a quarter at most, and can be closed."""
    pipeline = samples.training()
    page = draw_html_pipeline(pipeline, result=samples.timed(pipeline))
    opened(browser, tmp_path, page, width=width, height=height)
    in_stage = """(room => [...document.querySelectorAll('#stage [data-node]')].every(card =>
        (box => box.left >= room.left && box.right <= room.right && box.top >= room.top
            && box.bottom <= room.bottom)(card.getBoundingClientRect())))
        (document.getElementById('stage').getBoundingClientRect())"""
    taken = "document.getElementById('timeline').getBoundingClientRect().height / innerHeight"
    assert browser.ask(in_stage)
    assert browser.ask(taken) <= 0.25
    browser.ask("document.querySelector('#timeline summary').click()")
    browser.until(f"{taken} < 0.1")
    assert browser.ask(in_stage)


def test_in_a_low_frame_the_timeline_is_closed_at_first(browser: Browser, tmp_path: Path) -> None:
    """As on a page of the docs."""
    pipeline = samples.training()
    page = draw_html_pipeline(pipeline, result=samples.timed(pipeline))
    opened(browser, tmp_path, page, height=540)
    assert not browser.ask("document.getElementById('timeline').open")


def test_a_run_has_its_timeline_and_a_bar_chooses_its_node(
    browser: Browser, tmp_path: Path
) -> None:
    """And the panel has its figures."""
    result = samples.told(samples.features().run())
    opened(browser, tmp_path, draw_html_pipeline(samples.features(), result=result))
    browser.click(*middle(browser, '#timeline [data-node="merge"] rect'))
    words = browser.ask(f"{PANEL}.textContent")
    assert words.startswith("4. mergeran · 960 ms · 160 MiB")
    assert browser.ask("document.querySelectorAll('#timeline .selected').length") == 1


def test_a_plan_and_a_failure_say_why(browser: Browser, tmp_path: Path) -> None:
    """Reasons and errors, in the panel and in the heading."""
    opened(browser, tmp_path, draw_html_pipeline(samples.features(), result=samples.planned()))
    assert browser.ask("document.getElementById('outcome').textContent") == (
        "2 will run · 2 may run · 1 will reuse · saves about 3.10 s"
    )
    for _ in range(3):
        browser.press("ArrowRight")
    assert "config.window changed: 5 -> 7" in browser.ask(f"{PANEL}.textContent")
    failure = samples.failure(samples.features(), "load_data")
    opened(browser, tmp_path, draw_html_pipeline(samples.features(), result=failure))
    browser.press("ArrowRight")
    assert browser.ask(f"{PANEL}.querySelector('.bad').textContent") == (
        "ValueError: no such season: 1789"
    )


def evil() -> None:
    """</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">

    <!-- \x1b[31m
    """
    raise ValueError("</script><script>window.hacked = 3</script>")


def test_nothing_from_outside_is_obeyed(browser: Browser, tmp_path: Path) -> None:
    """Names, docstrings, errors and source are shown as they are."""
    names = [name for name in samples.NASTY if not name.startswith("config")]
    first = Node(evil, [], [names[0]], name="</title><script>window.hacked = 4</script>")
    nodes = [first, *(samples.node(name, [names[0]], []) for name in names)]
    pipeline = Pipeline(nodes)
    with pytest.raises(NodeExecutionError) as caught:
        pipeline.run()
    page = draw_html_pipeline(pipeline, "</script>", result=caught.value, source=True)
    opened(browser, tmp_path, page)
    assert browser.ask("typeof window.hacked") == "undefined"
    browser.press("ArrowRight")
    words = browser.ask(f"{PANEL}.textContent")
    assert "window.hacked = 1" in words
    assert "window.hacked = 3" in words
    assert "\x1b" not in words
    assert browser.ask("typeof window.hacked") == "undefined"
    assert browser.ask("document.title") == "</script>"


def secretive(rows: list[int]) -> list[int]:
    """Say nothing."""
    password = "hunter2"
    return rows if password else []


def test_source_and_values_are_in_it_only_on_request() -> None:
    """And texts of the config never."""
    config = {"depth": 5, "token": "hunter3"}
    node = Node(secretive, ["config.depth"], ["rows"])
    other = samples.node("other", ["config.token"], [])
    pipeline = Pipeline([node, other], config=config)
    page = draw_html_pipeline(pipeline)
    assert "hunter" not in page
    assert model(page)["nodes"][0]["config"] == {"config.depth": ""}
    page = draw_html_pipeline(pipeline, values=True)
    assert "hunter" not in page
    assert model(page)["nodes"][1]["config"]["config.token"] in ("", "str of 7")
    assert "hunter2" in model(draw_html_pipeline(pipeline, source=True))["nodes"][0]["source"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_systems_theme_and_its_own_switch(
    browser: Browser, scheme: Any, tmp_path: Path
) -> None:
    """Page and picture together."""
    opened(browser, tmp_path, draw_html_pipeline(samples.features()), scheme=scheme)
    colour = "getComputedStyle(document.body).backgroundColor"
    fill = "getComputedStyle(document.querySelector('#stage .lp-page')).fill"
    light, dark = (f"rgb{rgb(colour)}" for colour in ("#FFFFFF", "#12161C"))
    seen, other = (light, dark) if scheme == "light" else (dark, light)
    assert browser.ask(colour) == browser.ask(fill) == seen
    browser.click(*middle(browser, "#theme"))
    assert browser.ask(colour) == browser.ask(fill) == other


def test_the_same_pipeline_gives_the_same_page() -> None:
    """To the byte."""
    page = draw_html_pipeline(samples.training())
    assert page == draw_html_pipeline(samples.training())
    assert len(page) < 100_000


def test_the_script_is_small_and_parses() -> None:
    """By node's own parser; it is read by people, so it isn't minified."""
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text) < 16_000
    assert max(map(len, text.splitlines())) <= 100
    assert "innerHTML" not in text
    if shutil.which("node") is None:
        pytest.skip("needs node")
    subprocess.run(["node", "--check", str(SCRIPT)], check=True)
