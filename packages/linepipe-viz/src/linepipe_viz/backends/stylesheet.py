"""The stylesheet inside an SVG: the colours of dark pages, and nothing else.

How everything looks in the light stands in attributes, which every program that draws SVG
understands. The rules here only override colours: under the picture's own id, because a page
may hold several pictures, and inside ``@supports``, because programs that know no variables
would draw black (Inkscape) and skip a block that they don't know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from linepipe_viz.scene.shapes import Scene
from linepipe_viz.theme import COLOURS, RECTS, TEXTS, WIRES

__all__ = ["Rule", "rules_of", "stylesheet"]

# How pages and notebooks mark that they are light or dark, whatever the system's setting:
# JupyterLab, VS Code, Colab, documentation themes.
_MARKS: Final[dict[Literal["light", "dark"], tuple[str, ...]]] = {
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


@dataclass(frozen=True, slots=True)
class Rule:
    """The colour roles of a class of shapes; "" where it has no fill or no stroke."""

    name: str
    fill: str = ""
    stroke: str = ""

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles in use."""
        return tuple(role for role in (self.fill, self.stroke) if role)


def rules_of(scene: Scene) -> list[Rule]:
    """A rule for each class of shapes that the picture shows."""
    shapes = (*scene.cards, *scene.pills)
    rects = {rect.kind for shape in shapes for rect in shape.rects}
    rects |= {rect.kind for rect in scene.legend}
    texts = {text.kind for shape in shapes for text in shape.texts}
    texts |= {text.kind for text in scene.page}
    signs = {sign.kind for shape in shapes for sign in shape.signs}
    wires = {wire.kind for wire in scene.wires}
    rules = [Rule("page", "background")]
    for kind, wire in WIRES.items():
        if kind in wires:
            rules += [Rule(kind, stroke=wire.stroke), Rule(f"{kind}-arrow", wire.arrow)]
    for kind, rect in RECTS.items():
        if kind in rects:
            rules.append(Rule(kind, rect.fill, rect.stroke if rect.width else ""))
    rules += [Rule(kind, style.colour) for kind, style in TEXTS.items() if kind in texts]
    for kind in sorted(signs):
        rules += [Rule(f"sign-{kind}", stroke=kind), Rule(f"mark-{kind}", kind)]
    return rules


def stylesheet(name: str, rules: Sequence[Rule]) -> str:
    """Rules that follow the page's theme.

    Args:
        name: the id of the picture's root.
        rules: the classes in the picture.
    """
    return "\n".join(_lines(name, rules))


def _lines(name: str, rules: Sequence[Rule]) -> Iterator[str]:
    roles = dict.fromkeys(role for rule in rules for role in rule.roles)
    light = ";".join(f"--lp-{role}:{COLOURS[role].light}" for role in roles)
    dark = ";".join(f"--lp-{role}:{COLOURS[role].dark}" for role in roles)
    yield f"#{name}{{{light}}}"
    yield f"@media (prefers-color-scheme:dark){{#{name}{{{dark}}}}}"
    yield f"{_under('light', name)}{{{light}}}"
    yield f"{_under('dark', name)}{{{dark}}}"
    yield "@supports (color:var(--lp-page)){"
    for rule in rules:
        paints = {"fill": rule.fill, "stroke": rule.stroke}
        body = ";".join(f"{key}:var(--lp-{role})" for key, role in paints.items() if role)
        yield f"#{name} .lp-{rule.name}{{{body}}}"
    yield "}"


def _under(theme: Literal["light", "dark"], name: str) -> str:
    return ",".join(f"{mark} #{name}" for mark in _MARKS[theme])
