"""`pipeline.check()` finds what is probably a mistake, and nothing else."""

from __future__ import annotations

import functools
import io
import os
from collections import UserDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO, TypedDict, TypeVar
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

from linepipe_core import File, Node, Pipeline
from linepipe_core._text import with_article

T = TypeVar("T")


class Sized(Protocol):
    """Has a length."""

    def __len__(self) -> int: ...


class Row(TypedDict):
    """A dict with known keys."""

    x: int


def maker(kind: Any) -> Any:
    def make() -> Any: ...

    make.__annotations__["return"] = kind
    return make


def reader(kind: Any) -> Any:
    def read(x: Any) -> None: ...

    read.__annotations__["x"] = kind
    return read


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(dict, pd.DataFrame), (str, int), (int, str), (type(None), int), (pd.Series, np.ndarray)],
)
@pytest.mark.parametrize("inputs", [["made"], {"x": "made"}])
def test_classes_that_cannot_fit_are_found(given: type, wanted: type, inputs: Any) -> None:
    """By position and by keyword."""
    pipeline = Pipeline([Node(maker(given), [], ["made"]), Node(reader(wanted), inputs, [])])
    assert pipeline.check() == [
        f"'made' is {with_article(given.__qualname__)}, says node 1 'make', "
        f"but 'x' of node 2 'read' takes {with_article(wanted.__qualname__)}"
    ]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (int, int),
        (bool, int),
        (int, float),
        (int, complex),
        (dict, Mapping),
        (Mapping, dict),
        (io.StringIO, TextIO),
        (object, int),
        (int, object),
        (int, Any),
        (Any, int),
        (int, int | str),
        (list[int], list[str]),
        (list[int], dict),
        (str, Sized),
        (dict, Row),
        (Row, dict),
        (Iterable, Sequence),
        ("nowhere", int),
    ],
)
def test_whatever_is_unclear_fits(given: Any, wanted: Any) -> None:
    """Unions, generics, protocols, interfaces, annotations that can't be evaluated."""
    nodes = [Node(maker(given), [], ["made"]), Node(reader(wanted), ["made"], [])]
    assert Pipeline(nodes).check() == []


def pair() -> tuple[int, str]:
    return 1, "a"


def concat(first: int, second: str, *, third: int = 0) -> str:
    return second * (first + third)


def test_inputs_are_matched_with_their_parameters() -> None:
    """Of partials and methods too; of several outputs, each."""
    make = Node(pair, [], ["n", "text"])
    assert Pipeline([make, Node(concat, ["n", "text"], ["y"])]).check() == []
    wrong = Pipeline([make, Node(concat, ["text", "n"], ["y"])]).check()
    assert [line.partition(",")[0] for line in wrong] == ["'text' is a str", "'n' is an int"]
    bound = functools.partial(concat, 1)
    assert Pipeline([make, Node(bound, ["text"], ["y"])]).check() == []
    assert len(Pipeline([make, Node(bound, ["n"], ["y"])]).check()) == 1

    class Model:
        def fit(self, first: int) -> None: ...

    assert Pipeline([make, Node(Model().fit, ["n"], [])]).check() == []
    assert len(Pipeline([make, Node(Model().fit, ["text"], [])]).check()) == 1


def test_constants_that_nobody_reads_are_found() -> None:
    """By name."""
    pipeline = Pipeline([Node(len, ["text"], ["n"])], text="four", other=1)
    assert pipeline.check() == ["the constant 'other' is read by no node"]


def test_a_misspelt_constant_is_told_with_the_name_that_is_meant() -> None:
    """Of those that nothing gives."""
    pipeline = Pipeline([Node(len, ["text"], ["n"])], txt="four")
    assert pipeline.check() == ["the constant 'txt' is read by no node; did you mean 'text'?"]


def test_a_text_where_a_file_is_taken_is_found() -> None:
    """Its content wouldn't count, and what it made would be reused for good."""

    def read(path: File) -> int:
        return len(str(path))

    nodes = [Node(read, ["config.rows"], ["n"]), Node(read, ["path"], ["m"], name="again")]
    takes = "takes a File: only the name would count; give File(...)"
    assert Pipeline(nodes, {"rows": "rows.csv"}, path="rows.csv").check() == [
        f"'config.rows' is a str, but 'path' of node 1 'read' {takes}",
        f"'path' is a str, but 'path' of node 2 'again' {takes}",
    ]
    assert Pipeline(nodes, {"rows": File("rows.csv")}, path=File("rows.csv")).check() == []


class Colour(Enum):
    """A class whose values a text names, and isn't."""

    RED = "red"


@pytest.mark.parametrize(
    ("value", "wanted", "shown"),
    [
        ("0.5", float, "'x' is a str, but 'x' of node 1 'read' takes a float"),
        (0.5, int, "'x' is a float, but 'x' of node 1 'read' takes an int"),
        ("no", bool, "'x' is a str, but 'x' of node 1 'read' takes a bool"),
        (5, str, "'x' is an int, but 'x' of node 1 'read' takes a str"),
        ("rows.csv", Path, "'x' is a str, but 'x' of node 1 'read' takes a Path"),
        ("a", list, "'x' is a str, but 'x' of node 1 'read' takes a list"),
        ("a", list[str], "'x' is a str, but 'x' of node 1 'read' takes a list[str]"),
        (["a"], dict, "'x' is a list, but 'x' of node 1 'read' takes a dict"),
        ({}, pd.DataFrame, "'x' is a dict, but 'x' of node 1 'read' takes a DataFrame"),
        (pd.DataFrame(), float, "'x' is a DataFrame, but 'x' of node 1 'read' takes a float"),
        (None, int, "'x' is None, but 'x' of node 1 'read' takes an int"),
        ("1", int | None, "'x' is a str, but 'x' of node 1 'read' takes an int | None"),
        ("1", float | None, "'x' is a str, but 'x' of node 1 'read' takes a float | None"),
        ("red", Colour, "'x' is a str, but 'x' of node 1 'read' takes a Colour"),
    ],
)
@pytest.mark.parametrize("source", ["constant", "config"])
def test_a_value_that_is_plainly_not_what_the_annotation_says_is_found(
    value: Any, wanted: Any, shown: str, source: str
) -> None:
    """A constant or a config value; unions if it is none of their parts."""
    if source == "constant":
        assert Pipeline([Node(reader(wanted), ["x"], [])], x=value).check() == [shown]
    else:
        pipeline = Pipeline([Node(reader(wanted), {"x": "config.x"}, [])], {"x": value})
        assert pipeline.check() == [shown.replace("'x' is", "'config.x' is")]


class Anything:
    """Answers as anything would."""

    def __getattr__(self, name: str) -> Any:
        return name


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (1, float),
        (True, int),
        (1, bool),
        (np.float32(1), float),
        (np.int64(1), int),
        (np.bool_(True), bool),
        (Decimal(1), float),
        (Decimal(1), int),
        (1, Decimal),
        (io.StringIO(), TextIO),
        (None, int | None),
        (1, int | str),
        ("a", list | str),
        ("a", Sized),
        ("a", Any),
        ("a", "nowhere"),
        ("a", Literal["b"]),
        ("a", T),
        ("a", Callable),
        ("a", Sequence),
        ("a", os.PathLike),
        ({"x": 1}, Row),
        (["a"], tuple[str, ...]),
        (["a"], set),
        ([1.0], np.ndarray),
        (UserDict(), dict),
        (Path("a"), str),
        (File("a"), Path),
        (datetime(2026, 1, 1), date),
        (pd.Timestamp(0), datetime),
        (Mock(), pd.DataFrame),
        (Anything(), int),
    ],
)
def test_whatever_value_may_be_meant_fits(value: Any, wanted: Any) -> None:
    """Numbers in each other's places, containers of another kind, proxies, open annotations."""
    assert Pipeline([Node(reader(wanted), ["x"], [])], x=value).check() == []


def test_a_value_that_the_function_itself_gives_or_converts_fits() -> None:
    """A default of another kind, a decorator, a class."""

    def limited(x: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013 (as written)

    @functools.wraps(limited)
    def converting(x: Any) -> None: ...

    class Limit:
        def __init__(self, x: int) -> None: ...

    for func, value in ((limited, None), (converting, "1"), (Limit, "1")):
        assert Pipeline([Node(func, ["x"], [])], x=value).check() == []
    assert len(Pipeline([Node(limited, ["x"], [])], x="1").check()) == 1


def test_config_paths_that_are_not_there_are_found() -> None:
    """With what is."""
    pipeline = Pipeline([Node(len, ["config.txt"], ["n"])], {"text": "four"})
    (line,) = pipeline.check()
    assert line.startswith("node 1 'len' reads 'config.txt': 'config' has no 'txt'")
    assert "did you mean 'config.text'?" in line


def test_outputs_that_look_like_a_misspelt_input_are_found() -> None:
    """That no node reads, where nothing gives the input."""
    nodes = [Node(len, ["text"], ["lenght"]), Node(abs, ["length"], ["size"], name="abs")]
    assert Pipeline(nodes, text="four").check() == [
        "'lenght', made by node 1 'len', is read by no node, and 'length', which node 2 'abs' "
        "reads, is made by none: is one of them misspelt?"
    ]
    assert Pipeline(nodes, text="four", length=3).check() == []
