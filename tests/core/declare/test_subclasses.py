"""Node is final; a Pipeline's subclass may add methods, and keeps them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from linepipe_core import Node, Pipeline


def add_one(x: int) -> int:
    return x + 1


class Report(Pipeline):
    """Adds a method."""

    def title(self) -> str:
        """The nodes' names in one line."""
        return " > ".join(self.node_order)


def first() -> Report:
    return Report([Node(add_one, ["x"], ["y"], name="a")], x=1)


def second() -> Pipeline:
    return Pipeline([Node(add_one, ["y"], ["z"], name="b")])


@pytest.mark.parametrize(
    ("made", "title"),
    [
        (lambda: first().bind(x=2), "a"),
        (lambda: first() + second(), "a > b"),
        (lambda: sum([first(), second()]), "a > b"),
        (lambda: first().only_nodes("a"), "a"),
        (lambda: first().to_outputs("y"), "a"),
        (lambda: pickle.loads(pickle.dumps(first())), "a"),
    ],
)
def test_a_subclass_keeps_its_methods(made: Any, title: str) -> None:
    """Through bind, +, slices and pickle."""
    assert made().title() == title


def test_a_subclass_on_the_right_keeps_its_methods() -> None:
    """As its operand on the left does."""
    report = Report([Node(add_one, ["z"], ["w"], name="c")])
    joined: Any = second() + report
    assert joined.title() == "b > c"


@pytest.mark.parametrize("name", ["run", "bind", "__init__", "__add__", "nodes", "_declaration"])
def test_overriding_ours_is_refused(name: str) -> None:
    """When the class is made."""
    with pytest.raises(TypeError, match=f"Own overrides {name} of Pipeline"):
        type("Own", (Pipeline,), {name: None})


def test_a_node_is_final() -> None:
    """For type checkers, and at runtime."""
    with pytest.raises(TypeError, match="Node is final: Own can't subclass it"):
        type("Own", (Node,), {})
