"""The pictures in a real browser: seen, hovered over, in the light and in the dark."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from tests.viz import samples
from tests.viz.browser import Browser, chromium, rgb

from linepipe_core import Pipeline
from linepipe_viz import draw_svg_pipeline, plot_pipeline_graph
from linepipe_viz.scene.pipeline_scene import pipeline_scene
from linepipe_viz.theme import COLOURS

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium: .ci/run must install it")
        pytest.skip("needs Chromium: apt-get install chromium")
    with Browser(program) as running:
        yield running


def page(folder: Path, body: str, attributes: str = "") -> Path:
    path = folder / "page.html"
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><body style="margin:0" {attributes}>{body}</body>',
        encoding="utf-8",
    )
    return path


# For each text: how far it stands out of the smallest rectangle around its middle.
OVERFLOW = """
[...document.querySelectorAll('svg[role=img] g')].flatMap(g => {
  const rects = [...g.querySelectorAll('rect')].map(r => r.getBoundingClientRect());
  return [...g.querySelectorAll('text')].map(t => {
    const box = t.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    const around = rects
      .filter(r => r.left <= x && x <= r.right && r.top <= y && y <= r.bottom && r.height > 10)
      .sort((a, b) => a.width - b.width)[0];
    return [t.textContent, Math.max(around.left - box.left, box.right - around.right)];
  });
})
"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_svg_follows_the_systems_scheme(
    browser: Browser, scheme: Scheme, tmp_path: Path
) -> None:
    """As a file by itself: background, cards and pills in the scheme's own colours."""
    path = tmp_path / "features.svg"
    path.write_text(draw_svg_pipeline(samples.features()), encoding="utf-8")
    browser.open(path, scheme=scheme, width=357, height=575)
    picture = browser.picture(357, 575)
    colours = picture.colours()
    assert picture.at(3, 3) == rgb(COLOURS["background"].of(scheme))
    for role in ("function-fill", "data-fill", "config-fill"):
        assert colours[rgb(COLOURS[role].of(scheme))] > 20
    assert len(colours) > 50  # text and edges, smoothed


@pytest.mark.parametrize(
    ("says", "theme"),
    [
        ('data-jp-theme-light="true"', "light"),
        ('data-jp-theme-light="false"', "dark"),
        ('class="vscode-light"', "light"),
        ('class="vscode-dark"', "dark"),
        ('class="vscode-high-contrast"', "dark"),
        ('class="vscode-high-contrast vscode-high-contrast-light"', "light"),
        ('data-theme="light"', "light"),
        ('data-theme="dark"', "dark"),
        ('theme="dark"', "dark"),
    ],
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_has_the_last_word_on_the_theme(
    browser: Browser, says: str, theme: Scheme, scheme: Scheme, tmp_path: Path
) -> None:
    """A dark notebook on a light system is dark, and the other way round."""
    browser.open(page(tmp_path, draw_svg_pipeline(samples.features()), says), scheme=scheme)
    fill = browser.ask("getComputedStyle(document.querySelector('.lp-page')).fill")
    assert fill == f"rgb{rgb(COLOURS['background'].of(theme))}"


@pytest.mark.parametrize("name", [*samples.PIPELINES, "nasty", "scripts", "failed"])
def test_no_text_stands_out_of_its_card_pill_or_chip(
    browser: Browser, name: str, tmp_path: Path
) -> None:
    """With whatever fonts there are; nasty names too."""
    if name == "failed":
        failed = samples.told(samples.failure(samples.training(), "predict"))
        svg = draw_svg_pipeline(samples.training(), result=failed)
    elif name == "scripts":
        svg = draw_svg_pipeline(samples.nasty(samples.SCRIPTS))
    else:
        svg = draw_svg_pipeline({**samples.PIPELINES, "nasty": samples.nasty}[name]())
    browser.open(page(tmp_path, svg), width=3000, height=3000)
    overflows = browser.ask(OVERFLOW)
    assert len(overflows) > 5
    assert [found for found in overflows if found[1] > 0] == []


FONTS = Path("/usr/share/fonts")


@pytest.fixture(params=["all", "dejavu", "liberation", "noto"])
def browser_with_fonts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    """A browser on a system that has all of this one's fonts, or one family of them."""
    program = chromium()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    folders = [path for path in FONTS.glob("*/*") if path.name == request.param]
    if request.param == "all":
        folders = [FONTS]
    elif not folders:
        pytest.skip(f"needs the fonts: apt-get install fonts-{request.param}")
    config = tmp_path / "fonts.conf"
    entries = "".join(f"<dir>{folder}</dir>" for folder in folders)
    config.write_text(
        f"<fontconfig>{entries}<cachedir>{tmp_path / 'fonts'}</cachedir></fontconfig>",
        encoding="utf-8",
    )
    with Browser(program, {"FONTCONFIG_FILE": str(config)}) as running:
        yield running


def test_no_title_stands_out_of_its_page(browser_with_fonts: Browser, tmp_path: Path) -> None:
    """In any alphabet, also over a small graph, whatever fonts the system has."""
    browser = browser_with_fonts
    pipeline = Pipeline([samples.node("load", [], [])])
    svgs = [draw_svg_pipeline(pipeline, title) for title in samples.TITLES]
    browser.open(page(tmp_path, "".join(svgs)), width=3000, height=3000)
    room = browser.ask(
        "[...document.querySelectorAll('svg[role=img]')].map(svg => {"
        "const title = svg.querySelector('.lp-title').getBoundingClientRect();"
        "return svg.getBoundingClientRect().right - title.right})"
    )
    assert len(room) == len(samples.TITLES)
    assert min(room) >= 14  # half of the margin, at least


def write_plot(folder: Path, pipeline: Pipeline, **options: Any) -> Path:
    path = folder / "plot.html"
    plot_pipeline_graph(pipeline, **options).write_html(path, include_plotlyjs=True)
    return path


def plotted(browser: Browser, path: Path, width: int = 1000, height: int = 1400) -> None:
    browser.open(path, width=width, height=height)
    browser.until("document.querySelectorAll('.textpoint').length > 3")


def origin(browser: Browser) -> tuple[float, float]:
    """Where the picture's upper left corner is in the page."""
    box = "document.querySelector('.main-svg').getBoundingClientRect()"
    return browser.ask(f"{box}.x"), browser.ask(f"{box}.y")


@pytest.mark.parametrize("theme", SCHEMES)
def test_the_plot_is_drawn_in_its_theme(browser: Browser, theme: Scheme, tmp_path: Path) -> None:
    """Not blank; cards, pills, and the failed one's frame."""
    failed = samples.told(samples.failure(samples.training(), "predict"))
    plotted(browser, write_plot(tmp_path, samples.training(), theme=theme, result=failed))
    colours = browser.picture(720, 1400).colours()
    for role in ("background", "ran-fill", "data-fill", "config-fill", "failed-fill"):
        assert colours[rgb(COLOURS[role].of(theme))] > 10


def test_a_plot_offers_to_keep_the_picture_and_nothing_else(
    browser: Browser, tmp_path: Path
) -> None:
    """No button sends a pipeline to a server, or covers more of the title than it must."""
    plotted(browser, write_plot(tmp_path, samples.features()))
    buttons = "[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)"
    assert len(browser.ask(buttons)) == 5  # keep it; nearer, farther, as it was; plotly's own name


def test_the_hover_card_of_a_plot_says_the_right_words(browser: Browser, tmp_path: Path) -> None:
    """At the card's name, at its left end, and over a pill."""
    result = samples.told(samples.features().run())
    plotted(browser, write_plot(tmp_path, samples.features(), result=result))
    scene = pipeline_scene(samples.features(), None, result)
    x, y = origin(browser)
    hovered = (
        "[...document.querySelectorAll('.hoverlayer text tspan.line, .hoverlayer text')]"
        ".flatMap(t => t.querySelector('tspan.line') ? [] : [t.textContent]).join(' ')"
    )
    card = next(shape for shape in scene.cards if shape.details.heading == "rolling_goals")
    for share in (0.05, 0.5, 0.95):
        browser.point_at(1, 1)
        browser.until("!document.querySelector('.hoverlayer text')")
        browser.point_at(x + card.frame.x + card.frame.width * share, y + card.frame.y + 18)
        browser.until("document.querySelector('.hoverlayer text') !== null")
        words = browser.ask(hovered)
        assert words.startswith("rolling_goals")
        for told in ("window: int", "Rolling mean of goals per team.", "ran · 624 ms · 120 MiB"):
            assert told in words
        box = browser.ask(
            "(b => [b.left, b.right])("
            "document.querySelector('.hoverlayer .hovertext').getBoundingClientRect())"
        )
        assert x + card.frame.x + card.frame.width - 1 <= box[0] < box[1] <= x + scene.width + 250
    pill = next(shape for shape in scene.pills if shape.details.heading == "raw_data")
    browser.point_at(x + pill.frame.x + 10, y + pill.frame.y + 12)
    browser.until(f"{hovered}.startsWith('raw_data')")
    assert "made by load_data" in browser.ask(hovered)


@pytest.mark.parametrize("name", ["training", "nasty"])
def test_no_text_of_a_plot_stands_out_of_its_frame(
    browser: Browser, name: str, tmp_path: Path
) -> None:
    """plotly sets the same names in the same places."""
    make = {"training": samples.training, "nasty": samples.nasty}[name]
    scene = pipeline_scene(make(), None, None)
    plotted(browser, write_plot(tmp_path, make()), height=3000)
    x, y = origin(browser)
    boxes = browser.ask(
        "[...document.querySelectorAll('.textpoint text, .gtitle')].map(t => {"
        "const b = t.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]})"
    )
    texts = [text for shape in (*scene.cards, *scene.pills) for text in shape.texts]
    assert len(boxes) == len(texts) + len(scene.page)
    rects = [rect for shape in (*scene.cards, *scene.pills) for rect in shape.rects]
    outside = []
    for left, top, width, height in boxes:
        middle = left - x + width / 2, top - y + height / 2
        around = [
            rect
            for rect in rects
            if rect.x <= middle[0] <= rect.x + rect.width
            and rect.y <= middle[1] <= rect.y + rect.height
        ]
        if around and width > min(rect.width for rect in around):
            outside.append((middle, width))
    assert outside == []


def shown_text(browser: Browser, words: str) -> list[float]:
    """The left, right and middle of a text of the plot, in px of the page."""
    box: list[float] = browser.ask(
        "(b => [b.left, b.right, (b.top + b.bottom) / 2])([...document.querySelectorAll("
        f"'.textpoint text')].find(t => t.textContent === '{words}').getBoundingClientRect())"
    )
    return box


@pytest.mark.parametrize("theme", SCHEMES)
def test_a_plots_page_has_its_colour_and_its_texts_can_be_selected(
    browser: Browser, theme: Scheme, tmp_path: Path
) -> None:
    """Beside the figure too; and a name under the pointer still has its hover card."""
    plotted(browser, write_plot(tmp_path, samples.features(), theme=theme))
    body = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert body == f"rgb{rgb(COLOURS['background'].of(theme))}"
    left, right, y = shown_text(browser, "rolling_goals")
    browser.point_at(left + 1, y)
    browser.point_at(left + 2, y)
    browser.until("document.querySelector('.hoverlayer text') !== null")
    browser.mouse("Pressed", left + 1, y)
    browser.mouse("Moved", (left + right) / 2, y, buttons=1)
    browser.mouse("Moved", right + 3, y, buttons=1)
    browser.mouse("Released", right + 3, y)
    assert browser.ask("getSelection().toString().trim()") == "rolling_goals"


def test_a_hover_card_never_hides_its_own_card(browser: Browser, tmp_path: Path) -> None:
    """Also where a given size leaves no room at the right."""
    plotted(browser, write_plot(tmp_path, samples.training(), figsize=(440, 1100)))
    left, right, y = shown_text(browser, "load_players")
    browser.point_at((left + right) / 2, y)
    browser.until("document.querySelector('.hoverlayer .hovertext') !== null")
    card = browser.ask(
        "(b => [b.left, b.right])("
        "document.querySelector('.hoverlayer .hovertext path').getBoundingClientRect())"
    )
    assert 0 <= card[0] < card[1] < left


NOTEBOOK = (
    "from tests.viz import samples\npipeline = samples.features()\npipeline",
    "samples.told(pipeline.run(outputs=['features']))",
)


@pytest.fixture(scope="module")
def notebook() -> nbformat.NotebookNode:
    """A notebook that was really run: a pipeline, a result."""
    made: nbformat.NotebookNode = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(cell) for cell in NOTEBOOK]
    root = Path(__file__).parents[2]
    NotebookClient(
        made,
        timeout=300,
        startup_timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(root)}},
    ).execute()
    return made


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_notebooks_page_shows_picture_and_table(
    browser: Browser, scheme: Scheme, notebook: nbformat.NotebookNode, tmp_path: Path
) -> None:
    """As nbconvert makes it; the picture follows the system."""
    exporter = HTMLExporter()  # type: ignore[no-untyped-call] # not ours
    html, _ = exporter.from_notebook_node(notebook)
    path = tmp_path / "notebook.html"
    path.write_text(html, encoding="utf-8")
    browser.open(path, scheme=scheme, height=1600)
    browser.until("document.querySelector('img').complete")
    place = "document.querySelector('img').getBoundingClientRect()"
    box = browser.ask(f"(b => [b.x, b.y, b.width, b.height])({place})")
    assert box[2] > 300
    assert box[3] > 400
    colours = browser.picture(1000, round(box[1] + box[3])).colours()
    assert colours[rgb(COLOURS["function-fill"].of(scheme))] > 200
    cells = browser.ask("[...document.querySelectorAll('td')].map(c => c.textContent)")
    assert cells[:5] == ["1", "load_data", "ran", "120 ms", "40 MiB"]
    text = json.dumps(browser.ask("document.body.textContent"))
    assert "outputs: features" in text


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_picture_in_a_notebook_follows_the_notebooks_theme(
    browser: Browser, scheme: Scheme, tmp_path: Path
) -> None:
    """Which JupyterLab gives as the body's colour scheme, whatever the system's is."""
    other: Scheme = "dark" if scheme == "light" else "light"
    body = f'<div style="color-scheme:{other}">{samples.features()._repr_html_()}</div>'
    browser.open(page(tmp_path, body), scheme=scheme)
    browser.until("document.querySelector('img').complete")
    assert browser.picture(300, 300).at(3, 3) == rgb(COLOURS["background"].of(other))


def test_a_picture_in_a_notebook_has_tooltips(browser: Browser, tmp_path: Path) -> None:
    """Of its cards and pills, at their places."""
    browser.open(page(tmp_path, samples.features()._repr_html_() or ""))
    browser.until("document.querySelector('img').complete")
    scene = pipeline_scene(samples.features(), None, None)
    for shape in (*scene.cards, *scene.pills):
        x, y = shape.frame.x + 9, shape.frame.y + shape.frame.height / 2
        assert browser.ask(f"document.elementFromPoint({x}, {y}).title") == "\n".join(
            shape.details.lines()
        )


def test_a_wide_picture_in_a_notebook_shrinks_and_then_scrolls(
    browser: Browser, tmp_path: Path
) -> None:
    """It fits a narrow page, but never so small that it can't be read."""
    body = samples.random_pipeline(60)._repr_html_() or ""
    width = "document.querySelector('img').getBoundingClientRect().width"
    browser.open(page(tmp_path, body), width=3000)
    full = browser.ask(width)
    browser.open(page(tmp_path, body), width=round(full * 0.8))
    assert browser.ask(width) == pytest.approx(full * 0.8, abs=1)
    browser.open(page(tmp_path, body), width=200)
    assert browser.ask(width) == pytest.approx(full * 0.6, abs=1)
