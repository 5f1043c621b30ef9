"""The plain text of draw_ascii_pipeline is a contract: people compare it with their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from linepipe_viz import draw_ascii_pipeline


def pipeline(*nodes: tuple[str, list[str], list[str]]) -> Any:
    """What the drawing sees of a pipeline: its nodes' names, inputs and outputs."""
    made = [SimpleNamespace(name=n, inputs=tuple(i), outputs=tuple(o)) for n, i, o in nodes]
    return SimpleNamespace(nodes=tuple(made))


def test_every_node_shows_its_inputs_and_outputs_in_order() -> None:
    """The whole form at once: header, blocks, arrows between them, none at the end."""
    drawn = draw_ascii_pipeline(
        pipeline(
            ("load", [], ["raw"]),
            ("split", ["raw", "config.share"], ["train", "test"]),
            ("report", ["train", "test"], []),
        )
    )
    assert drawn == (
        "Pipeline (3 nodes)\n"
        "\n"
        "[load]\n"
        "  outputs:\n"
        "    - raw\n"
        "      |\n"
        "      v\n"
        "[split]\n"
        "  inputs:\n"
        "    - raw\n"
        "    - config.share\n"
        "  outputs:\n"
        "    - train\n"
        "    - test\n"
        "      |\n"
        "      v\n"
        "[report]\n"
        "  inputs:\n"
        "    - train\n"
        "    - test\n"
        "  (no outputs)"
    )


def test_one_node_keeps_the_fixed_form_of_the_header() -> None:
    """The header is `Pipeline (N nodes)` for each N, so that programs can read it."""
    assert draw_ascii_pipeline(pipeline(("only", [], []))) == (
        "Pipeline (1 nodes)\n\n[only]\n  (no outputs)"
    )


def test_empty_pipeline_is_the_header_alone() -> None:
    """No node, no arrow."""
    assert draw_ascii_pipeline(pipeline()) == "Pipeline (0 nodes)\n"


@pytest.mark.parametrize(
    "name", ["<lambda>", 'a"b', "数据", "🦜" * 100, "end", "[x]", "a & b", "x" * 200]
)
def test_names_are_shown_whole(name: str) -> None:
    """Nothing is cut, quoted or escaped while it fits on a line."""
    drawn = draw_ascii_pipeline(pipeline((name, [name], [name])))
    assert drawn.splitlines() == [
        "Pipeline (1 nodes)",
        "",
        f"[{name}]",
        "  inputs:",
        f"    - {name}",
        "  outputs:",
        f"    - {name}",
    ]


def test_names_never_break_a_line() -> None:
    """A newline or an escape sequence in a name can't forge lines or colours."""
    drawn = draw_ascii_pipeline(pipeline(("a\nb", ["c\rd"], ["e\x1b[31mf"])))
    assert drawn.splitlines()[2:] == [
        "[a\\nb]",
        "  inputs:",
        "    - c\\rd",
        "  outputs:",
        "    - e\\x1b[31mf",
    ]
