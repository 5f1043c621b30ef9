"""Constants of both sides are the same if their content is."""

from __future__ import annotations

import functools
import pickle
import random
import sqlite3
import threading
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from tests.core.tables import NotedFrame

from linepipe_core import (
    CompositionError,
    Node,
    Pipeline,
)
from linepipe_core._declare.merge import merge_constants
from linepipe_core._values.content_hash import ValueHasher
from linepipe_core._values.rules import register_snapshot


class Plain:
    """An object without an ``==`` of its own."""

    def method(self) -> None: ...


@dataclass
class Box:
    held: Any


def noted(note: Any) -> NotedFrame:
    frame = NotedFrame({"a": [1], "b": ["x"]})
    frame.note = note
    return frame


def circle(**parts: Any) -> dict[str, Any]:
    """A dict that holds itself."""
    parts["self"] = parts
    return parts


def linked(**parts: Any) -> Any:
    """An object that holds itself."""
    made = SimpleNamespace(**parts)
    made.me = made
    return made


def texts(first: str) -> pd.DataFrame:
    """A frame of Python's own texts, none of them shared with another frame."""
    return pd.DataFrame({"s": pd.Series([first + "b", first + "c"], dtype=object)})


def whole(config: Any) -> Any:
    """The whole config of a pipeline, as a node gets it."""
    return (config + Pipeline([Node(lambda c: c, ["config"], ["it"])])).run()["it"]


def test_constants_differ_in_their_parts_types() -> None:
    """1 and True are equal, and not the same; nor are they deeper down."""
    cases: list[tuple[Any, Any]] = [
        *(([1], [True]), ({"a": (1,)}, {"a": (1.0,)}), ([1, 2], [1]), ([{}], [{"a": 1}])),
        *(([{1: 2}], [{True: 2}]), ([{}, 1], [{}, True]), ([[0.0, [1]]], [[-0.0, [1]]])),
    ]
    for left, right in cases:
        with pytest.raises(CompositionError, match="the constant 'x' differs"):
            Pipeline([], x=left) + Pipeline([], x=right)
    both = Pipeline([], x={"a": [1, "b"]}) + Pipeline([], x={"a": [1, "b"]})
    assert both.get_obj_registry()["x"] == {"a": [1, "b"]}


@pytest.mark.parametrize(
    "value",
    [
        Plain(),
        [Plain()],
        {"lock": threading.Lock(), "plain": Plain()},
        Plain().method,
        float("nan"),
        [{"a": float("nan")}, float("nan")],
        functools.partial(len, [1]),
        random.Random(1),
        np.random.default_rng(1),
        noted([1]),
        sqlite3.connect(":memory:"),
        lambda: None,
        circle(a=1),
        linked(a=1),
        OmegaConf.create({"a": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_object_given_to_both_is_the_same(value: Any) -> None:
    fits_itself(value)


@pytest.mark.slow
def test_one_model_given_to_both_is_the_same() -> None:
    """Fitted or not."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    fits_itself(LogisticRegression())
    fits_itself(RandomForestClassifier(n_estimators=2).fit(np.eye(4), [0, 1, 0, 1]))


def fits_itself(value: Any) -> None:
    """Check it as a constant, in a constant, as config and in a config, though each copies it."""
    assert len(Pipeline([], x=value) + Pipeline([], x=value)) == 0
    assert len(Pipeline([], x=[value]) + Pipeline([], x=[value])) == 0
    assert len(Pipeline([], value) + Pipeline([], value)) == 0
    assert len(Pipeline([], {"x": value}) + Pipeline([], {"x": value})) == 0


def test_one_content_is_the_same() -> None:
    """However it was made."""
    assert len(Pipeline([], x=texts("a")) + Pipeline([], x=texts("a"))) == 0
    with pytest.raises(CompositionError, match="the constant 'x' differs"):
        Pipeline([], x=texts("a")) + Pipeline([], x=texts("b"))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (np.array([5]), np.array([[5.0]])),
        (np.array([1]), np.array([True])),
        ({1, 2}, {True, 2.0}),
        (Box(1), Box(True)),
        ({1: "a"}, {True: "a"}),
        (0.0, -0.0),
        ([0.0], [-0.0]),
        (noted([1]), noted([2])),
        (sqlite3.connect(":memory:"), sqlite3.connect(":memory:")),
        (lambda: None, lambda: None),
        (random.Random(1), random.Random(2)),
        (circle(a=1), circle(a=2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_only_look_the_same_are_refused(left: Any, right: Any) -> None:
    """The left would win without a word; as a constant, in one and in a config."""
    with pytest.raises(CompositionError, match="the constant 'x' differs"):
        Pipeline([], x=left) + Pipeline([], x=right)
    with pytest.raises(CompositionError, match="the constant 'x' differs"):
        Pipeline([], x=[left]) + Pipeline([], x=[right])
    with pytest.raises(CompositionError, match=r"'config\.x.*' differs"):
        Pipeline([], {"x": left}) + Pipeline([], {"x": right})


def test_copies_that_cannot_be_compared_are_reported_as_such() -> None:
    """Of one object each pipeline made its own, with a connection of its own."""

    class Guarded:
        def __init__(self) -> None:
            self.connection = sqlite3.connect(":memory:")

        def __del__(self) -> None:
            self.connection.close()

    register_snapshot(Guarded, lambda _: Guarded())
    one = Guarded()
    with pytest.raises(CompositionError) as caught:
        Pipeline([], x=one, y=1) + Pipeline([], x=one, y=2)
    told, other = caught.value.problems
    hint = "or give it to one of them only: sqlite3.Connection can't be compared"
    assert told.endswith(f"bind(x=...), {hint}")
    assert other.endswith("bind(y=...)")


def test_equal_parts_are_not_reported_as_incomparable() -> None:
    """The lock of both is one; their numbers differ."""
    lock = threading.Lock()
    with pytest.raises(CompositionError) as caught:
        Pipeline([], x=[Box(lock), 1]) + Pipeline([], x=[Box(lock), 2])
    assert str(caught.value).endswith("bind(x=...)")


def test_shared_parts_are_compared_once() -> None:
    """Not as often as there are ways to them, which are 2**40 here."""
    nested: Any = [1.5]
    for _ in range(40):
        nested = [nested, {"a": nested}]
    assert len(Pipeline([], x=nested) + Pipeline([], x=nested)) == 0


@pytest.mark.parametrize("depth", [150, 300, 600])
def test_deep_objects_are_compared_too(depth: int) -> None:
    """Nested deeper than they can be hashed, or even copied."""

    def chain(end: int) -> Any:
        link: Any = end
        for _ in range(depth):
            link = Box(link)
        return link

    one = chain(1)
    assert len(Pipeline([], x=one) + Pipeline([], x=one)) == 0
    with pytest.raises(CompositionError, match="the constant 'x' differs"):
        Pipeline([], x=one) + Pipeline([], x=chain(2))


def test_configs_that_hold_themselves_are_merged() -> None:
    """Dicts and objects; what differs in them is still told, and once."""
    merged = whole(Pipeline([], circle(a=1)) + Pipeline([], circle(b=2)))
    assert (merged["a"], merged["b"], merged["self"]["self"]["b"]) == (1, 2, 2)
    merged = whole(Pipeline([], linked(a=1)) + Pipeline([], linked(b=2)))
    assert (merged.a, merged.b, merged.me.me.b) == (1, 2, 2)
    for one, two in ((circle(a=1), circle(a=2)), (linked(a=1), linked(a=2))):
        with pytest.raises(CompositionError) as caught:
            Pipeline([], one) + Pipeline([], two)
        (problem,) = caught.value.problems
        assert problem == "'config.a' differs between them: int 1 and int 2"


SCALARS: list[Any] = [1, True, 1.0, 0.0, -0.0, float("nan"), "a", None]

KEYS: list[Any] = [1, True, 1.0, "a", "b", (1,), (True,)]

NESTED = st.recursive(
    st.sampled_from(SCALARS),
    lambda parts: st.one_of(
        st.lists(parts, max_size=2),
        st.lists(parts, max_size=2).map(tuple),
        st.dictionaries(st.sampled_from(KEYS), parts, max_size=2),
    ),
    max_leaves=3,
)


@given(NESTED, st.data())
def test_constants_are_the_same_if_their_hashes_are(left: Any, data: st.DataObject) -> None:
    """By content: both pipelines hold a copy of their own."""

    def altered(value: Any) -> Any:
        if type(value) in (list, tuple):
            return type(value)(map(altered, value))
        if type(value) is dict:
            return {data.draw(st.sampled_from([key, *KEYS])): altered(value[key]) for key in value}
        return data.draw(st.sampled_from([value, *SCALARS]))

    right = altered(left)
    hashes = [ValueHasher(str, lambda _kind: True).digest(value) for value in (left, right)]
    problems: list[str] = []
    merge_constants({"x": left}, {"x": right}, problems)
    assert bool(problems) is (hashes[0] != hashes[1])
    problems.clear()
    merge_constants({"x": left}, {"x": pickle.loads(pickle.dumps(left))}, problems)
    assert not problems
