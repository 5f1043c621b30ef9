"""``a + b``: what two pipelines make of their nodes, constants and configs."""

from __future__ import annotations

import functools
import pickle
import random
import subprocess
import sys
import textwrap
import threading
from collections import OrderedDict, UserDict, UserList, defaultdict
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from tests.core.tables import NotedFrame

from linepipe_core import (
    CompositionError,
    LinepipeError,
    Node,
    Pipeline,
    WiringError,
)
from linepipe_core.config import MergedConfig
from linepipe_core.fingerprint import ValueHasher
from linepipe_core.sameness import Sameness
from linepipe_core.snapshot import register_snapshot


def double(x: int) -> int:
    return 2 * x


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
    """What a node gets that reads the whole config of a pipeline."""
    return (config + Pipeline([Node(lambda c: c, ["config"], ["it"])])).run()["it"]


def test_keeps_the_order() -> None:
    """Left, then right, which reads what the left makes."""
    left = Pipeline([Node(double, ["x"], ["y"])], x=1)
    right = Pipeline([Node(double, ["y"], ["z"], name="again")])
    both = left + right
    assert both.node_order == ["double", "again"]
    assert both.run()["z"] == 4
    assert (len(left), len(right)) == (1, 1)


def test_sum_adds_many() -> None:
    """From its 0."""
    parts = [Pipeline([Node(double, [f"v{i}"], [f"v{i + 1}"])]) for i in range(5)]
    assert sum(parts, start=Pipeline([])).bind(v0=1).run()["v5"] == 32
    assert sum(parts).bind(v0=1).run()["v5"] == 32  # type: ignore[union-attr]  # 0 if empty


def test_repeated_outputs_are_refused() -> None:
    """Also as a ValueError, as ever."""
    left = Pipeline([Node(double, ["x"], ["y"])])
    with pytest.raises(ValueError, match="'y' is made twice, by node 1 'double' and by node 2"):
        left + Pipeline([Node(double, ["w"], ["y"])])


def test_the_wrong_order_is_refused() -> None:
    """A reader before the maker."""
    left = Pipeline([Node(double, ["x"], ["y"])])
    right = Pipeline([Node(double, ["y"], ["z"])])
    with pytest.raises(WiringError, match="reads 'y', which only the later"):
        right + left


def test_a_constant_with_the_others_output_is_refused() -> None:
    """One would shadow the other."""
    with pytest.raises(WiringError, match="the constant 'y' has the name of an output"):
        Pipeline([Node(double, ["x"], ["y"])]) + Pipeline([Node(double, ["y"], ["z"])], y=1)


def test_equal_constants_are_one() -> None:
    """Arrays too."""
    left = Pipeline([], a=1, array=np.arange(3))
    right = Pipeline([Node(len, ["array"], ["n"])], a=1, array=np.arange(3))
    assert (left + right).run()["n"] == 3


def test_different_constants_and_configs_are_refused_by_name() -> None:
    """All of them at once."""
    left = Pipeline([], {"w": 1, "deep": {"a": 1, "b": 2}}, c=1, array=np.arange(3), one=1)
    right = Pipeline([], {"w": 2, "deep": {"a": 3, "c": 4}}, c=2, array=np.arange(4), one=1.0)
    with pytest.raises(CompositionError) as caught:
        left + right
    named = [problem.split("'")[1] for problem in caught.value.problems]
    assert named == ["c", "array", "one", "config.w", "config.deep.a"]
    assert "4 problems" not in str(caught.value)
    assert "these pipelines can't be added: 5 problems" in str(caught.value)
    assert "settle it before adding: pipeline.bind(c=...)" in str(caught.value)


def test_a_conflict_tells_no_secret() -> None:
    """Of a config text only its length."""
    with pytest.raises(CompositionError) as caught:
        Pipeline([], {"password": "hunter2"}) + Pipeline([], {"password": "swordfish"})
    assert "'config.password' differs between them: str of 7 and str of 9" in str(caught.value)
    assert "hunter2" not in str(caught.value)


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
        LogisticRegression(),
        RandomForestClassifier(n_estimators=2).fit(np.eye(4), [0, 1, 0, 1]),
        noted([1]),
        threading.Lock(),
        lambda: None,
        circle(a=1),
        linked(a=1),
        OmegaConf.create({"a": 1}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_object_given_to_both_is_the_same(value: Any) -> None:
    """As a constant, in a constant, as config and in a config, though each copies it."""
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
        (threading.Lock(), threading.Lock()),
        (lambda: None, lambda: None),
        (random.Random(1), random.Random(2)),
        (circle(a=1), circle(a=2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_only_looks_the_same_is_refused(left: Any, right: Any) -> None:
    """The left would win without a word; as a constant, in one and in a config."""
    with pytest.raises(CompositionError, match="the constant 'x' differs"):
        Pipeline([], x=left) + Pipeline([], x=right)
    with pytest.raises(CompositionError, match="the constant 'x' differs"):
        Pipeline([], x=[left]) + Pipeline([], x=[right])
    with pytest.raises(CompositionError, match=r"'config\.x.*' differs"):
        Pipeline([], {"x": left}) + Pipeline([], {"x": right})


def test_copies_that_cant_be_compared_are_told_as_such() -> None:
    """Of one object each pipeline made its own, with a lock of its own."""

    class Guarded:
        def __init__(self) -> None:
            self.lock = threading.Lock()

    register_snapshot(Guarded, lambda _: Guarded())
    one = Guarded()
    with pytest.raises(CompositionError) as caught:
        Pipeline([], x=one, y=1) + Pipeline([], x=one, y=2)
    told, other = caught.value.problems
    assert told.endswith("bind(x=...), or give it to one of them only: lock can't be compared")
    assert other.endswith("bind(y=...)")


def test_what_is_the_same_is_not_told_as_what_cant_be_compared() -> None:
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


def test_adding_plain_settings_loads_no_fingerprints() -> None:
    """Whose import takes longer than all the rest of the sum."""
    code = """
        import sys
        from linepipe_core import Pipeline
        rows = [{"a": i, "b": [i, (1.5,)]} for i in range(3)]
        left = Pipeline([], {"db": {"url": "u"}, "w": rows}, path="p", rows=rows)
        right = Pipeline([], {"w": rows, "db": {"url": "u", "n": 2}}, path="p", rows=rows)
        left + right
        print("linepipe_core.fingerprint" in sys.modules)
        """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


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


def test_mappings_of_two_kinds_keep_what_they_hold() -> None:
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
    """What OmegaConf calls ``???`` isn't there yet."""
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
def test_a_part_that_neither_can_read_is_told(left: Any, right: Any) -> None:
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


def test_one_config_is_enough() -> None:
    """None is no config."""
    node = Node(double, ["config.a"], ["y"])
    assert (Pipeline([], {"a": 1}) + Pipeline([node])).run()["y"] == 2
    assert (Pipeline([node]) + Pipeline([], {"a": 1})).run()["y"] == 2


def test_history_and_cache_are_on_if_either_has_them(tmp_path: Path) -> None:
    """And the path is that of the one that keeps a cache."""
    tracked = Pipeline([], track_history=True)
    cached = Pipeline([], use_persistent_cache=True, cache_storage_path=tmp_path / "one")
    for both in (tracked + cached, cached + tracked):
        assert (both.track_history, both.use_persistent_cache) == (True, True)
        assert both.cache_storage_path == str(tmp_path / "one")


def test_two_cache_paths_are_refused(tmp_path: Path) -> None:
    """Both are named."""
    one = Pipeline([], use_persistent_cache=True, cache_storage_path=tmp_path / "one")
    two = Pipeline([], use_persistent_cache=True, cache_storage_path=tmp_path / "two")
    with pytest.raises(CompositionError, match=r"they keep two caches, '.*one' and '.*two'"):
        one + two


def test_one_cache_path_may_be_written_in_two_ways() -> None:
    """``a`` and ``./a`` are one file."""
    one = Pipeline([], use_persistent_cache=True, cache_storage_path="cache")
    two = Pipeline([], use_persistent_cache=True, cache_storage_path="./cache")
    assert (one + two).use_persistent_cache


def test_anything_else_is_pythons_own_type_error() -> None:
    """From both sides."""
    other: Any = 3
    with pytest.raises(TypeError, match="unsupported operand"):
        Pipeline([]) + other
    with pytest.raises(TypeError, match="unsupported operand"):
        other + Pipeline([])


def test_errors_pickle() -> None:
    """A worker process must be able to send them home."""
    errors: list[LinepipeError] = [WiringError(["a", "b"]), CompositionError(["c"])]
    for error in errors:
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


@given(st.integers(0, 6), st.integers(0, 6))
def test_adding_is_associative(i: int, j: int) -> None:
    """However a chain is split, the sum is the chain."""
    nodes = [Node(double, [f"v{k}"], [f"v{k + 1}"], name=f"f{k}") for k in range(6)]
    first, second = sorted((i, j))
    a, b, c = Pipeline(nodes[:first]), Pipeline(nodes[first:second]), Pipeline(nodes[second:])
    assert ((a + b) + c).nodes == (a + (b + c)).nodes == tuple(nodes)
    assert ((a + b) + c).bind(v0=1).run()["v6"] == 64


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
def test_values_are_the_same_if_their_hashes_are(left: Any, data: st.DataObject) -> None:
    """Though most of them is compared part by part."""

    def altered(value: Any) -> Any:
        if type(value) in (list, tuple):
            return type(value)(map(altered, value))
        if type(value) is dict:
            return {data.draw(st.sampled_from([key, *KEYS])): altered(value[key]) for key in value}
        return data.draw(st.sampled_from([value, *SCALARS]))

    right = altered(left)
    hashes = [ValueHasher(str).digest(value) for value in (left, right)]
    assert Sameness()(left, right) is (hashes[0] == hashes[1])
    assert Sameness()(left, pickle.loads(pickle.dumps(left)))
