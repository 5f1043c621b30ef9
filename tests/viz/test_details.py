"""What tooltips and hover cards tell, where users' annotations are odd."""

from __future__ import annotations

import collections
import typing
from functools import partial
from typing import Any, Literal

import pytest

from linepipe_core import Node, Pipeline, create_named_partial_function
from linepipe_viz.details import node_details


def facts(node: Node) -> tuple[str, ...]:
    return node_details(node, None, Pipeline([node]).output_hints).facts


def annotated(hint: Any) -> Node:
    """A node whose one parameter has that annotation, as an object and not as text."""

    def read(x: object) -> None: ...

    read.__annotations__["x"] = hint
    return Node(read, ["thing"], [])


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        (int, "int"),
        (collections.OrderedDict, "OrderedDict"),
        (dict[str, collections.Counter[str]], "dict[str, Counter[str]]"),
        (typing.Optional[int], "Optional[int]"),  # noqa: UP045 # the older spelling
        (int | None, "int | None"),
        (Literal["a.b.c"], "Literal['a.b.c']"),
        ("np.ndarray", "np.ndarray"),
        (Any, "Any"),
    ],
)
def test_types_are_told_as_people_say_them(hint: Any, told: str) -> None:
    """Without modules; a text annotation as its author wrote it."""
    assert facts(annotated(hint))[0].replace("int | None", told) == f"inputs: thing: {told}"
    assert node_details(annotated(hint), None, {}).signature.startswith("read(x: ")


def test_inputs_by_keyword_have_their_own_parameters_types() -> None:
    """Whatever the order."""

    def area(width: float, height: int) -> float:
        return width * height

    node = Node(area, {"height": "h", "width": "w"}, ["area"])
    assert facts(node) == ("inputs: h: int, w: float", "outputs: area: float")


def test_a_partial_shows_what_it_wraps() -> None:
    """Its docstring, and the bound value in its signature."""

    def scale(x: float, by: float) -> float:
        """Multiply."""
        return x * by

    named = create_named_partial_function(scale, "halve", by=0.5)
    told = node_details(Node(named, ["x"], ["y"]), None, {})
    assert (told.heading, told.summary) == ("halve", "Multiply.")
    told = node_details(Node(partial(scale, by=0.5), ["x"], ["y"]), None, {})
    assert told.summary == "Multiply."
    assert "by: float = 0.5" in told.signature


def test_a_whole_table_as_default_value_is_cut() -> None:
    """A tooltip is no place for data."""

    def read(x: int, table: list[int] = list(range(1000))) -> None:  # noqa: B006 # the point
        ...

    assert len(node_details(Node(read, ["x"], []), None, {}).signature) <= 240
