"""The stylesheet inside an SVG: what each kind looks like, in one theme or in the reader's.

All rules stand under the picture's own id, because a notebook's pictures share one page. In
the automatic theme, colours are variables that the page's own signs of darkness override.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from linepipe_viz.scene.shapes import Scene
from linepipe_viz.theme import (
    COLOURS,
    EDGE_WIDTH,
    MONO,
    RECTS,
    SANS,
    TEXTS,
    RectStyle,
    TextStyle,
    Theme,
)

__all__ = ["stylesheet"]

# How pages and notebooks say that they are light or dark, whatever the system says:
# JupyterLab, VS Code, Colab, documentation themes.
_SAYS: dict[Literal["light", "dark"], tuple[str, ...]] = {
    "light": (
        '[data-jp-theme-light="true"]',
        ".vscode-light",
        ".vscode-high-contrast-light",
        '[theme="light"]',
        '[data-theme="light"]',
    ),
    "dark": (
        '[data-jp-theme-light="false"]',
        ".vscode-dark",
        ".vscode-high-contrast:not(.vscode-high-contrast-light)",
        '[theme="dark"]',
        '[data-theme="dark"]',
    ),
}


def stylesheet(name: str, scene: Scene, theme: Theme) -> str:
    """Rules for what the picture shows, and for nothing else.

    Args:
        name: the id of the picture's root.
        scene: the picture.
        theme: the theme that it is to have.
    """
    rules = [_Rule("lp-page", fill="background")]
    rules.append(_Rule("lp-edge", stroke="edge", more=f"fill:none;stroke-width:{EDGE_WIDTH}"))
    rules.append(_Rule("lp-arrow", fill="arrow"))
    rects, texts = _kinds(scene)
    rules += [_rect_rule(kind, RECTS[kind]) for kind in RECTS if kind in rects]
    rules += [_text_rule(kind, TEXTS[kind]) for kind in TEXTS if kind in texts]
    lines = [f"#{name} text{{white-space:pre}}"]
    if theme == "auto":
        lines += _variables(name, [role for rule in rules for role in rule.roles])
    lines += [f"#{name} .{rule.target}{{{rule.body(theme)}}}" for rule in rules]
    return "\n".join(lines)


class _Rule:
    """Style of a class of shapes: roles for fill and stroke, and properties without a colour."""

    def __init__(self, target: str, *, fill: str = "", stroke: str = "", more: str = "") -> None:
        self.target = target
        self._paints = {"fill": fill, "stroke": stroke}
        self._more = more

    @property
    def roles(self) -> list[str]:
        return [role for role in self._paints.values() if role]

    def body(self, theme: Theme) -> str:
        parts = [_paint(key, role, theme) for key, role in self._paints.items() if role]
        return ";".join([*parts, self._more] if self._more else parts)


def _paint(key: str, role: str, theme: Theme) -> str:
    """A colour. Programs that know no variables skip the second one and take the light one."""
    if theme == "auto":
        return f"{key}:{COLOURS[role].light};{key}:var(--lp-{role})"
    return f"{key}:{COLOURS[role].of(theme)}"


def _rect_rule(kind: str, style: RectStyle) -> _Rule:
    more = f"stroke-width:{style.width:g}"
    if style.dash:
        more += f";stroke-dasharray:{style.dash[0]} {style.dash[1]}"
    return _Rule(f"lp-{kind}", fill=style.fill, stroke=style.stroke, more=more)


def _text_rule(kind: str, style: TextStyle) -> _Rule:
    weight = 600 if style.bold else 400
    font = f"{weight} {style.size:g}px {MONO if style.mono else SANS}"
    return _Rule(f"lp-{kind}", fill=style.colour, more=f"font:{font}")


def _kinds(scene: Scene) -> tuple[set[str], set[str]]:
    """The kinds of rectangles and of texts in the picture."""
    shapes = (*scene.cards, *scene.pills)
    rects = {rect.kind for shape in shapes for rect in shape.rects}
    texts = {text.kind for shape in shapes for text in shape.texts}
    rects |= {rect.kind for rect in scene.legend}
    texts |= {text.kind for text in scene.page}
    return rects, texts


def _variables(name: str, roles: list[str]) -> Iterator[str]:
    """The colours as variables: light, unless the system or the page says otherwise."""
    light = ";".join(f"--lp-{role}:{COLOURS[role].light}" for role in dict.fromkeys(roles))
    dark = ";".join(f"--lp-{role}:{COLOURS[role].dark}" for role in dict.fromkeys(roles))
    yield f"#{name}{{{light}}}"
    yield f"@media (prefers-color-scheme:dark){{#{name}{{{dark}}}}}"
    yield f"{_under('light', name)}{{{light}}}"
    yield f"{_under('dark', name)}{{{dark}}}"


def _under(theme: Literal["light", "dark"], name: str) -> str:
    return ",".join(f"{sign} #{name}" for sign in _SAYS[theme])
