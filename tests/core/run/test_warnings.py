"""Warnings that blame a function's caller point at the user's code, not at linepipe's."""

from __future__ import annotations

import functools
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest

from linepipe_core import Hook, Node, Pipeline, Run


def warn() -> int:
    warnings.warn("too few rows", stacklevel=2)
    return 1


def double(x: int) -> int:
    warnings.warn("deprecated", DeprecationWarning, stacklevel=2)
    return 2 * x


class Watching(Hook):
    """Takes the way of watched runs."""

    def before_node(self, step: Any) -> None:
        pass


def stepwise(pipeline: Pipeline, _path: Path) -> None:
    with pipeline.start() as run:
        for _ in run:
            pass


def cached(pipeline: Pipeline, path: Path) -> None:
    pipeline.replace(use_persistent_cache=True, cache_storage_path=path / "shelf").run(reuse=True)


def alone(pipeline: Pipeline, _path: Path) -> None:
    pipeline["warn"].run({})
    pipeline["twice"].run({"x": 1})


WAYS = {
    "run": lambda pipeline, _: pipeline.run(),
    "with hooks": lambda pipeline, _: pipeline.run(hooks=[Watching()]),
    "step by step": stepwise,
    "with the cache": cached,
    "after pickling": lambda pipeline, _: pickle.loads(pickle.dumps(pipeline)).run(),
    "alone": alone,
}


@pytest.mark.parametrize("way", WAYS)
def test_a_warning_points_at_the_nodes_function(way: str, tmp_path: Path) -> None:
    """At its first line, and in its module, so that filters for that module hold."""
    nodes = [Node(warn, [], ["x"]), Node(double, {"x": "x"}, ["y"], name="twice")]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", module=__name__.replace(".", r"\."))
        WAYS[way](Pipeline(nodes), tmp_path)
    assert [(str(each.message), each.filename, each.lineno) for each in caught] == [
        ("too few rows", __file__, warn.__code__.co_firstlineno),
        ("deprecated", __file__, double.__code__.co_firstlineno),
    ]


def test_under_a_partial_it_points_there_too() -> None:
    """And a decorator of the user's own is the caller that is blamed."""

    @functools.wraps(double)
    def decorated(x: int) -> int:
        return double(x)

    line = decorated.__code__.co_firstlineno + 2  # type: ignore[attr-defined]  # it is a function
    nodes = [
        Node(functools.partial(double, x=1), [], ["a"]),
        Node(decorated, ["a"], ["b"], name="decorated"),
    ]
    with pytest.warns(DeprecationWarning, match="deprecated") as caught:
        Pipeline(nodes).run()
    lines = [(each.filename, each.lineno) for each in caught]
    assert lines == [(__file__, double.__code__.co_firstlineno), (__file__, line)]


def test_a_function_without_python_code_runs_as_ever() -> None:
    """Such as a builtin."""
    assert dict(Pipeline([Node(len, ["text"], ["n"])], text="four").run()) == {"n": 4}
    assert isinstance(Pipeline([]).start(), Run)
