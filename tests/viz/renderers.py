"""Programs that draw SVG: each gives a picture of a file, or says why it isn't there."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

__all__ = ["RENDERERS", "drawn_by"]


def drawn_by(name: str, path: Path, width: int, height: int) -> Image.Image:
    """The picture that a program draws of an SVG file, one px for each of its own."""
    picture = RENDERERS[name](path, width, height).convert("RGB")
    assert abs(picture.width - width) <= 1
    assert abs(picture.height - height) <= 1
    return picture


def _by_cairosvg(path: Path, width: int, height: int) -> Image.Image:
    cairosvg = pytest.importorskip("cairosvg")
    return _on_white(cairosvg.svg2png(url=str(path)))


def _by_rsvg(path: Path, width: int, height: int) -> Image.Image:
    return _on_white(_output("librsvg2-bin", "rsvg-convert", str(path)))


def _by_inkscape(path: Path, width: int, height: int) -> Image.Image:
    if shutil.which("inkscape") is None:
        pytest.skip("needs Inkscape: apt-get install inkscape (300 MB, so CI goes without it)")
    return _on_white(
        _output("inkscape", "inkscape", str(path), "--export-type=png", "--export-filename=-")
    )


def _by_weasyprint(path: Path, width: int, height: int) -> Image.Image:
    weasyprint = pytest.importorskip("weasyprint")
    page = (
        f"<style>@page{{size:{width}px {height}px;margin:0}}body{{margin:0}}"
        f'img{{display:block}}</style><img src="{path.as_uri()}">'
    )
    return _first_page(weasyprint.HTML(string=page).write_pdf(), width)


def _by_svglib(path: Path, width: int, height: int) -> Image.Image:
    svglib = pytest.importorskip("svglib.svglib")
    from reportlab.graphics import renderPDF

    return _first_page(renderPDF.drawToString(svglib.svg2rlg(str(path))), width)


RENDERERS: Final[dict[str, Callable[[Path, int, int], Image.Image]]] = {
    "cairosvg": _by_cairosvg,
    "rsvg-convert": _by_rsvg,
    "inkscape": _by_inkscape,
    "weasyprint": _by_weasyprint,
    "svglib": _by_svglib,
}


def _output(package: str, *command: str) -> bytes:
    if shutil.which(command[0]) is None:
        if os.environ.get("CI"):
            pytest.fail(f"no {command[0]}: .ci/run must install {package}")
        pytest.skip(f"needs {command[0]}: apt-get install {package}")
    return subprocess.run(command, capture_output=True, check=True, timeout=120).stdout


def _on_white(png: bytes) -> Image.Image:
    """A PNG on white paper: what a program leaves unpainted is transparent."""
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    paper = Image.new("RGBA", picture.size, "white")
    paper.alpha_composite(picture)
    return paper


def _first_page(pdf: bytes, width: int) -> Image.Image:
    import pypdfium2

    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        picture: Image.Image = page.render(scale=width / page.get_width()).to_pil()
        return picture
