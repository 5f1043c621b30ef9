"""Laws of the content hash: equal content, equal hashes; any change, another one."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import gc
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.values.zoo_python import Data, Frozen, Plain, digest
from tests.trying import examples

from linepipe_core.shelf import ObjectShelf

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.dates(),
    st.datetimes(),
    st.decimals(allow_nan=False),
    st.uuids(),
)


def containers(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(parts, max_size=4)
    return st.one_of(
        lists,
        lists.map(tuple),
        st.dictionaries(st.text(max_size=3), parts, max_size=4),
        st.sets(LEAVES, max_size=4),
        parts.map(Data),
        parts.map(lambda part: Plain(a=part, b=[part])),  # shared
        parts.map(Frozen),
        parts.map(lambda part: [part, {"again": part}]),  # shared, if it may be changed
        st.lists(st.floats(), max_size=4).map(np.array),
        st.lists(st.integers(-9, 9), min_size=1, max_size=4).map(lambda n: pd.DataFrame({"a": n})),
    )


VALUES = st.recursive(LEAVES, containers, max_leaves=10)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectShelf]:
    with ObjectShelf(tmp_path_factory.mktemp("laws") / "shelf") as opened:
        yield opened


@given(VALUES)
def test_a_copy_and_a_pickle_have_the_same_hash(value: Any) -> None:
    """Of each value, whatever it shares."""
    assert digest(copy.deepcopy(value)) == digest(value)
    assert digest(pickle.loads(pickle.dumps(value))) == digest(value)


@examples(30)
@given(value=VALUES)
def test_a_stored_value_has_the_same_hash(value: Any, shelf: ObjectShelf) -> None:
    """There and back."""
    shelf["x"] = value
    assert digest(shelf["x"]) == digest(value)


Change = Callable[[Any], Any]
CHANGES: dict[str, Change] = {
    "type of the container": lambda value: (value, 0) if value != 0 else [value],
    "one more level": lambda value: [value],
    "one more element": lambda value: [value, None],
    "a key": lambda value: {"a": value},
    "another key": lambda value: {"b": value},
    "an attribute": lambda value: Plain(a=value),
    "another attribute": lambda value: Plain(b=value),
    "a frozen object": lambda value: Frozen(value),
    "two of it": lambda value: [value, copy.deepcopy(value)],
}


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_what_holds_a_value_counts(values: list[Any]) -> None:
    """Its type, the key and the depth at which the value lies."""
    digests = [digest(change(values)) for change in CHANGES.values()]
    assert len({*digests, digest(values)}) == len(CHANGES) + 1


@given(st.lists(LEAVES, min_size=2, max_size=6), st.data())
def test_each_leaf_and_their_order_counts(leaves: list[Any], data: st.DataObject) -> None:
    """In a list, a tuple, a dict, an object and an array of objects."""
    place = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(LEAVES.filter(lambda leaf: digest(leaf) != digest(leaves[place])))
    changed = [*leaves[:place], other, *leaves[place + 1 :]]
    wraps: list[Change] = [
        list,
        tuple,
        lambda parts: {str(number): part for number, part in enumerate(parts)},
        lambda parts: [Data(part) for part in parts],
        lambda parts: [{"a": part, "b": 0} for part in parts],
        lambda parts: [[part] for part in parts],
        lambda parts: np.array([*parts, "x"], dtype=object),
        lambda parts: pd.Series([*parts, "x"], dtype=object),
    ]
    for wrap in wraps:
        assert digest(wrap(leaves)) == digest(wrap(list(leaves)))
        assert digest(wrap(leaves)) != digest(wrap(changed))
    if list(map(digest, leaves)) != list(map(digest, leaves[::-1])):
        assert digest(leaves) != digest(leaves[::-1])


@given(st.lists(st.integers(0, 5), min_size=2, max_size=8), st.lists(st.integers(0, 5), min_size=8))
def test_which_places_share_an_object_counts(one: list[int], other: list[int]) -> None:
    """Lists of equal lists: the same if the same places hold the same one."""
    other = other[: len(one)]

    def shared(places: list[int]) -> list[Any]:
        parts = [[0] for _ in range(6)]
        return [parts[place] for place in places]

    def pattern(places: list[int]) -> list[int]:
        return [places.index(place) for place in places]

    assert (digest(shared(one)) == digest(shared(other))) == (pattern(one) == pattern(other))
    assert digest([(0,)] * len(one)) == digest([(0,) for _ in one])


@pytest.mark.parametrize(
    "make",
    [
        lambda: [[0], [1], [2]],
        lambda: [{"a": [0]}, {"a": [1]}, "x", {2}],
        lambda: (lambda held: [held, held])(([0], [1])),
        lambda: (lambda held: [held, [held, [held]]])(([0], "x")),
        lambda: (lambda held: [[held], (held, [held])])([0]),
        lambda: (lambda held: [Frozen(held), [Frozen(held)], {"a": held}])([0]),
        lambda: (lambda held: [(held, held), [(held,)], (held,)])(Data([0])),
    ],
)
def test_who_else_holds_a_part_does_not_count(make: Callable[[], Any]) -> None:
    """Counts of references tell quickly what is shared within a value, and nothing else."""
    alone = digest(make())
    value = make()
    held = [value]
    for part in held:
        held += [each for each in gc.get_referents(part) if not isinstance(each, type)]
    assert digest(value) == alone == digest(copy.deepcopy(value))
    assert len(held) > len(value)


def test_what_a_tuple_on_two_levels_holds_is_shared() -> None:
    """The tuple may be there twice, but what may be changed in it is one object."""
    held = ([0],)
    assert digest([held, [held]]) != digest([([0],), [([0],)]])
    assert digest([held, [(held[0],)]]) == digest([held, [held]])
    assert digest([held, held]) != digest([([0],), ([0],)])


SORTABLE = LEAVES | st.tuples(LEAVES, LEAVES)
ELEMENTS = st.one_of(
    SORTABLE,
    SORTABLE.map(Frozen),
    st.frozensets(SORTABLE, max_size=3),
    st.tuples(SORTABLE, SORTABLE.map(Frozen)),
    st.frozensets(SORTABLE.map(Frozen), max_size=3).map(lambda inner: frozenset({inner})),
)


@given(st.sets(ELEMENTS, max_size=6))
def test_a_set_has_no_order(elements: set[Any]) -> None:
    """Of whatever kinds its elements are."""
    turned = set[Any]()
    for element in sorted(elements, key=repr, reverse=True):
        turned.add(element)
    assert digest(elements) == digest(turned)


@given(st.sets(ELEMENTS, min_size=1, max_size=6), ELEMENTS)
def test_each_element_of_a_set_counts(elements: set[Any], other: Any) -> None:
    """One less, or another in its place."""
    fewer = set(list(elements)[1:])
    assert digest(fewer) != digest(elements)
    assert (digest(fewer | {other}) == digest(elements)) == (
        sorted(map(digest, fewer | {other})) == sorted(map(digest, elements))
    )


@given(st.dictionaries(st.text(max_size=3), LEAVES, min_size=2, max_size=5))
def test_order_counts_in_a_dict_and_not_in_an_object(parts: dict[str, Any]) -> None:
    """An object's attributes are no dict."""
    turned = dict(reversed(parts.items()))
    assert digest(parts) != digest(turned)
    one, other = Plain(), Plain()
    vars(one).update(parts)
    vars(other).update(turned)
    assert digest(one) == digest(other)


def test_what_never_ends_is_reported() -> None:
    """A tuple of itself sixty levels deep has more places than anybody can look at."""
    from linepipe_core._values.content_hash import ValueHasher

    nested: tuple[Any, ...] = (dt.date(2024, 1, 1), decimal.Decimal(1))
    for _ in range(60):
        nested = (nested, nested)
    hasher = ValueHasher(str, lambda _kind: True)
    hasher.digest(nested)
    assert hasher.untracked == ["more than can be looked at"]
