"""Configs of both sides are merged, mapping by mapping."""

from __future__ import annotations

import pickle
from collections import OrderedDict, UserDict, UserList, defaultdict
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from omegaconf import OmegaConf

from linepipe_core import (
    CompositionError,
    Node,
    Pipeline,
)
from linepipe_core._declare.config import MergedConfig


@dataclass
class Box:
    held: Any


class Attributes(dict[str, Any]):
    """A mapping that is read by attribute, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Headers(UserDict[str, str]):
    """A mapping that finds a key however it is written."""

    def _listed(self, key: str) -> str:
        return next((listed for listed in self.data if listed.lower() == key.lower()), key)

    def __contains__(self, key: object) -> bool:
        return self._listed(str(key)) in self.data

    def __getitem__(self, key: str) -> str:
        return self.data[self._listed(key)]


class Lazy(Mapping[str, Any]):
    """A mapping that fails where it can't look up."""

    def __init__(self, **parts: Any) -> None:
        self.parts = parts

    def __getitem__(self, key: str) -> Any:
        if self.parts[key] is None:
            raise ValueError(f"no {key} yet")
        return self.parts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)


def parser(**sections: dict[str, str]) -> ConfigParser:
    made = ConfigParser()
    made.read_dict(sections)
    return made


def whole(config: Any) -> Any:
    """The whole config of a pipeline, as a node gets it."""
    return (config + Pipeline([Node(lambda c: c, ["config"], ["it"])])).run()["it"]


def test_mappings_of_one_kind_stay_of_it() -> None:
    """With all that belongs to such a mapping."""
    left = OmegaConf.create({"a": 1, "deep": {"x": 1}})
    OmegaConf.set_struct(left, True)  # as hydra gives it
    right = OmegaConf.create({"b": "${deep.y}", "deep": {"y": 2}})
    merged = whole(Pipeline([], left) + Pipeline([], right))
    assert (merged.a, merged.b, merged["a"], merged.deep.x, merged.deep.y) == (1, 2, 1, 1, 2)
    assert OmegaConf.to_container(merged)["deep"] == {"x": 1, "y": 2}  # type: ignore[index, call-overload]  # it may be a list
    merged = whole(Pipeline([], OrderedDict(a=1)) + Pipeline([], OrderedDict(b=2)))
    assert merged == OrderedDict(a=1, b=2)
    assert type(merged) is OrderedDict


@pytest.mark.parametrize(("kind", "other"), [(Attributes, Attributes), (Attributes, dict)])
def test_a_mapping_shared_in_a_config_merges_to_one(kind: Any, other: Any) -> None:
    """Of one type, wherever it is reached."""
    one, two = kind(a=1), other(b=2)
    merged = whole(Pipeline([], {"p": one, "q": one}) + Pipeline([], {"p": two, "q": two}))
    assert merged["p"] is merged["q"]
    assert (merged["p"].a, merged["q"]["b"]) == (1, 2)


def test_a_mapping_that_holds_itself_is_read_by_attribute_all_the_way() -> None:
    """As each of the two was."""
    one, two = Attributes(a=1), Attributes(b=2)
    one["deep"], two["deep"] = Attributes(up=one), Attributes(up=two)
    merged = whole(Pipeline([], one) + Pipeline([], two))
    assert (merged.a, merged.deep.up.b, merged.deep.up.deep.up["a"]) == (1, 2, 1)
    assert merged.deep.up is merged


def test_a_mapping_may_find_more_keys_than_it_lists() -> None:
    """And the other may list them in another way."""
    one = Headers(Accept="any")
    for two in (Headers(accept="any", b="2"), {"accept": "any", "b": "2"}):
        merged = whole(Pipeline([], one) + Pipeline([], two))
        assert [merged[key] for key in ("Accept", "accept", "b")] == ["any", "any", "2"]
    with pytest.raises(CompositionError, match=r"'config\.Accept' differs"):
        Pipeline([], one) + Pipeline([], Headers(accept="none"))


def test_mappings_of_two_kinds_keep_their_values() -> None:
    """And are read by attribute and by key: a list stays a list for those who wrote it so."""
    left = OmegaConf.create({"a": 1, "deep": {"x": 1}})
    plain = {"b": [2], "deep": {"y": Box(2)}}
    for one, two in [(left, plain), (plain, left)]:
        merged = whole(Pipeline([], one) + Pipeline([], two))
        assert isinstance(merged, dict)
        assert (merged.a, merged["a"], merged.b) == (1, 1, [2])  # type: ignore[attr-defined]
        assert (merged.deep.x, merged.deep.y) == (1, Box(2))  # type: ignore[attr-defined]
        assert type(merged["b"]) is list


def test_a_mapping_of_a_kind_that_cant_be_rebuilt_is_a_dict() -> None:
    """Which makes nothing that it hasn't."""
    one, two = defaultdict(int, a=1), defaultdict(int, b=2)
    merged = whole(Pipeline([], one) + Pipeline([], two))
    assert merged == {"a": 1, "b": 2}
    assert merged.a == 1
    with pytest.raises(AttributeError, match="neither config has 'c'"):
        _ = merged.c


def test_a_mandatory_value_may_come_from_the_other() -> None:
    """OmegaConf's ``???`` isn't there yet."""
    left, right = OmegaConf.create({"a": "???", "b": 1}), OmegaConf.create({"a": 2, "c": "???"})
    for one, two in ((left, right), (right, left)):
        merged = whole(Pipeline([], one) + Pipeline([], two))
        assert merged == {"a": 2, "b": 1}
    node = Node(lambda *v: v, ["config.a", "config.b"], ["v"])
    mixed = Pipeline([node], left) + Pipeline([], SimpleNamespace(a=2))
    assert mixed.run()["v"] == (2, 1)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (OmegaConf.create({"a": "???", "b": 1}), OmegaConf.create({"a": "???", "c": 2})),
        (Lazy(a=None, b=1), Lazy(a=None, c=1)),
        (Lazy(a=None, b=1), OmegaConf.create({"a": "???"})),
        (parser(a={"x": "%(no)s", "b": "1"}), parser(a={"x": "%(no)s", "c": "2"})),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_part_that_neither_side_can_read_is_reported(left: Any, right: Any) -> None:
    """It would be dropped without a word."""
    with pytest.raises(CompositionError, match=r"'config\..*' can't be read in either: give"):
        Pipeline([], left) + Pipeline([], right)


def test_equal_parts_of_different_wholes_are_the_same() -> None:
    """Though each of OmegaConf's knows its whole; also if they aren't complete yet."""
    left = OmegaConf.create({"a": 1, "rows": [1, 2], "deep": {"b": "???", "c": 1}})
    right = OmegaConf.create({"d": 1, "rows": [1, 2], "deep": {"b": "???", "c": 1}})
    merged = whole(Pipeline([], left) + Pipeline([], right))
    assert merged == {"a": 1, "d": 1, "rows": [1, 2], "deep": {"b": "???", "c": 1}}


def test_the_sections_of_two_parsers_are_merged() -> None:
    """Whose ``get`` isn't that of other mappings."""
    left = parser(DEFAULT={"d": "1"}, a={"x": "%(d)s"}, b={"y": "2"})
    right = parser(DEFAULT={"d": "1"}, a={"x": "1", "z": "3"}, c={"y": "4"})
    merged = whole(Pipeline([], left) + Pipeline([], right))
    assert {name: dict(merged[name]) for name in merged} == {
        "DEFAULT": {"d": "1"},
        "a": {"d": "1", "x": "1", "z": "3"},
        "b": {"d": "1", "y": "2"},
        "c": {"d": "1", "y": "4"},
    }
    node = Node(lambda *v: v, ["config.a.x", "config.c.y"], ["v"])
    assert (Pipeline([], left) + Pipeline([node], right)).run()["v"] == ("1", "4")
    with pytest.raises(CompositionError, match=r"'config\.a\.x' differs"):
        Pipeline([], left) + Pipeline([], parser(a={"x": "2"}))


def test_parsers_of_defaults_only_keep_them() -> None:
    """A parser takes a dict for its defaults."""
    left, right = parser(DEFAULT={"d": "1"}), parser(DEFAULT={"e": "2"})
    merged = whole(Pipeline([], left) + Pipeline([], right))
    assert dict(merged["DEFAULT"]) == {"d": "1", "e": "2"}


def test_mappings_are_merged_deeply() -> None:
    """Each side's own keys are there."""
    left = Pipeline([], {"db": {"url": "u"}, "w": 1})
    right = Pipeline([], {"db": {"pool": 2}, "s": 3})
    node = Node(lambda *v: v, ["config.db.url", "config.db.pool", "config.w", "config.s"], ["v"])
    assert (left + right + Pipeline([node])).run()["v"] == ("u", 2, 1, 3)


def test_objects_are_looked_up_left_then_right() -> None:
    """A model and a namespace, or an object and a mapping; deep parts too."""

    @dataclass
    class Options:
        w: int
        deep: Any

    left = Pipeline([], Options(1, SimpleNamespace(a=1)))
    right = Pipeline([], SimpleNamespace(s=2, deep={"b": 3}))
    node = Node(lambda *v: v, ["config.w", "config.s", "config.deep.a", "config.deep.b"], ["v"])
    assert (left + right + Pipeline([node])).run()["v"] == (1, 2, 1, 3)
    with pytest.raises(CompositionError, match=r"'config\.w' differs"):
        left + Pipeline([], SimpleNamespace(w=2))


def test_an_object_with_a_length_has_parts_too() -> None:
    """A list or a frame is one value, though."""

    class Sized(SimpleNamespace):
        def __len__(self) -> int:
            return len(vars(self))

    merged = whole(Pipeline([], Sized(a=1)) + Pipeline([], Sized(b=2)))
    assert (merged.a, merged.b) == (1, 2)
    for one, two in (
        (UserList([1]), UserList([2])),
        (np.eye(1), np.eye(2)),
        (scipy.sparse.eye(1), scipy.sparse.eye(2)),
    ):
        with pytest.raises(CompositionError) as caught:
            Pipeline([], {"x": one}) + Pipeline([], {"x": two})
        (problem,) = caught.value.problems
        assert problem.startswith("'config.x' differs")


def test_merged_config_can_be_read_whole() -> None:
    """By attribute and by key; what neither has is missing."""
    merged = MergedConfig(SimpleNamespace(a=1), {"b": 2}, {})
    assert (merged.a, merged["b"]) == (1, 2)
    with pytest.raises(AttributeError, match="neither config has 'c'"):
        _ = merged.c
    with pytest.raises(KeyError):
        merged["c"]
    again = pickle.loads(pickle.dumps(merged))
    assert (again.a, again.b) == (1, 2)
