"""Inputs are taken exactly where the call works, whatever the function's parameters are."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linepipe_core import Node, NodeDefinitionError, create_named_partial_function

NAMES = ["a", "b", "c", "d"]


@st.composite
def functions(draw: st.DrawFn) -> tuple[Any, str]:
    """A function with parameters of every kind, and its text."""
    kinds = sorted(draw(st.lists(st.sampled_from("pnk"), max_size=4)), key="pnk".index)
    had_default, parts = False, []
    for place, (name, kind) in enumerate(zip(NAMES, kinds, strict=False)):
        if kind == "k" and "k" not in kinds[:place]:
            parts.append(draw(st.sampled_from(["*", "*rest"])))
        default = draw(st.booleans()) or (had_default and kind != "k")
        had_default = default
        parts.append(f"{name}=0" if default else name)
        if kind == "p" and "p" not in kinds[place + 1 :]:
            parts.append("/")
    if draw(st.booleans()):
        parts.append("**more")
    text = f"lambda {', '.join(parts)}: None"
    return eval(text), text


def works(func: Any, *args: Any, **kwargs: Any) -> bool:
    try:
        func(*args, **kwargs)
    except TypeError:
        return False
    return True


def accepts(func: Any, inputs: Any) -> bool:
    try:
        Node(func, inputs, ["y"])
    except NodeDefinitionError:
        return False
    return True


def test_a_partial_that_no_call_can_use_is_refused() -> None:
    """On Python 3.13 its signature looks as if one could."""
    first: Any = lambda a, b, /: a  # noqa: E731 (a type checker sees what is wrong with it)
    with pytest.raises(NodeDefinitionError, match="takes it by position only, so no call of it"):
        Node(functools.partial(first, b=1), ["x"], ["y"])


@given(functions(), st.integers(0, 5), st.sets(st.sampled_from([*NAMES, "e"])), st.data())
def test_a_node_takes_its_inputs_where_the_call_works(
    function: tuple[Any, str], n_inputs: int, keywords: set[str], data: st.DataObject
) -> None:
    """By position and by keyword; also of partials, and with `update_wrapper`."""
    func, text = function
    n_bound, bound = data.draw(st.integers(0, 2)), data.draw(st.sets(st.sampled_from(NAMES)))
    partial = functools.partial(func, *[0] * n_bound, **dict.fromkeys(bound, 0))
    try:
        inspect.signature(partial)
    except ValueError:  # it binds what the function doesn't take, and no call of it works
        return
    for each in (func, partial, functools.update_wrapper(functools.partial(partial), func)):
        assert accepts(each, [f"in{i}" for i in range(n_inputs)]) == works(
            each, *range(n_inputs)
        ), text
        by_keyword = works(each, **dict.fromkeys(keywords, 0))
        node_takes = accepts(each, {name: f"in_{name}" for name in keywords})
        assert node_takes or not by_keyword, text
        if node_takes:  # also where some must go by position
            node = Node(each, {name: f"in_{name}" for name in keywords}, ["y"])
            node.run({f"in_{name}": 0 for name in keywords})


def test_a_mapping_may_name_positional_only_and_keyword_only_parameters() -> None:
    """Neither a list nor keywords alone can call such a function."""

    def subtract(left: int, /, *, right: int) -> int:
        return left - right

    node = Node(subtract, {"right": "y", "left": "x"}, ["z"])
    assert node.run({"x": 10, "y": 1}) == {"z": 9}
    assert (node.inputs, node.keywords) == (("y", "x"), ("right", "left"))


def test_an_updated_partial_is_taken_as_it_will_be_called() -> None:
    """Not as the function that it says it wraps."""

    def scale(value: int, factor: int) -> int:
        return value * factor

    double = functools.update_wrapper(functools.partial(scale, factor=2), scale)
    assert Node(double, ["x"], ["y"]).run({"x": 4}) == {"y": 8}
    with pytest.raises(NodeDefinitionError, match="too many positional"):
        Node(double, ["x", "y"], ["z"])


class TestNamedPartialArguments:
    """How `func` and `func_name` are told from the keywords to bind."""

    @staticmethod
    def show(**kwargs: Any) -> dict[str, Any]:
        return kwargs

    def test_both_by_keyword(self) -> None:
        """In any order."""
        named = create_named_partial_function(func_name="n", func=self.show, x=1)
        assert (named.__name__, named()) == ("n", {"x": 1})

    def test_one_by_position(self) -> None:
        """The name by keyword."""
        assert create_named_partial_function(self.show, func_name="n", x=1)() == {"x": 1}

    def test_any_keyword_is_bound_when_both_go_by_position(self) -> None:
        """Also `func`, `func_name` and `self`."""
        bound: dict[str, Any] = {"func": 1, "func_name": 2, "self": 3}
        assert create_named_partial_function(self.show, "n", **bound)() == bound

    @pytest.mark.parametrize(
        ("args", "kwargs"), [((), {}), ((len,), {}), ((), {"func_name": "n"}), ((len, "n", 3), {})]
    )
    def test_what_is_missing_is_said(self, args: Any, kwargs: Any) -> None:
        """With a call that works."""
        with pytest.raises(TypeError, match=r'\(scale, "double", factor=2\)'):
            create_named_partial_function(*args, **kwargs)
