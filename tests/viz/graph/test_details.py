"""What tooltips and hover cards tell, where users' annotations are odd."""

from __future__ import annotations

import collections
import typing
from functools import partial
from typing import Any, Literal

import pytest

from linepipe_core import Node, Pipeline, create_named_partial_function
from linepipe_viz.graph.details import node_details


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


class Odd:
    """Can't be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "None"),
        (True, "True"),
        (-3, "-3"),
        (0.5, "0.5"),
        ("hunter2", "…"),
        (b"hunter2", "…"),
        (["hunter2"], "…"),
        (list(range(1000)), "…"),
        (2**64, "…"),
        (object(), "…"),
        (Odd(), "…"),
        (len, "…"),
    ],
)
def test_defaults_and_bound_values_tell_numbers_and_nothing_else(value: Any, told: str) -> None:
    """No secret, no table, no address: pictures are for others, and the same each time."""

    def read(x: int, how: Any = value) -> None: ...

    def write(x: int, how: Any) -> None: ...

    node = Node(read, ["x"], [])
    assert node_details(node, None, {}).signature == f"read(x: int, how: Any = {told}) -> None"
    node = Node(create_named_partial_function(write, "save", how=value), ["x"], [])
    assert node_details(node, None, {}).signature == f"save(x: int, *, how: Any = {told}) -> None"


def test_a_bound_value_is_not_looked_at() -> None:
    """One of millions of elements takes no time."""

    class Large(list[int]):
        def __repr__(self) -> str:
            raise AssertionError("asked")

        __len__ = __iter__ = __eq__ = __hash__ = __repr__  # type: ignore[assignment]

    def pick(x: int, among: list[int]) -> None: ...

    node = Node(create_named_partial_function(pick, "most", among=Large()), ["x"], ["y"])
    node_details(node, None, {})


def test_an_unnamed_partial_is_called_as_its_node_is() -> None:
    """Not ``partial``."""

    def scale(x: float, by: float) -> None: ...

    assert node_details(Node(partial(scale, by=2), ["x"], ["y"]), None, {}).signature.startswith(
        "scale(x: float"
    )


def test_annotations_hold_no_address_and_may_have_no_repr() -> None:
    """What is in Annotated[...] is anybody's object."""
    assert "0x" not in facts(annotated(typing.Annotated[int, object()]))[0]
    assert facts(annotated(typing.Annotated[int, Odd()])) == ("inputs: thing: …", "outputs: —")


def test_a_docstring_that_cannot_be_had_is_none() -> None:
    """The picture is drawn without it."""

    class Reader:
        @property
        def __doc__(self) -> str:  # type: ignore[override]
            raise RuntimeError("no docstring")

        def __call__(self, x: int) -> None: ...

    assert node_details(Node(Reader(), ["x"], []), None, {}).summary == ""
