"""What a node depends on and doesn't name counts when it says so."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.core.reuse.chain import pipeline, ran

from linepipe_core import Node, Reason


def function(text: str) -> Any:
    """A function of a module of its own, as if it had been edited."""
    space: dict[str, Any] = {"__name__": "edited"}
    exec(f"def helper(x): return {text}", space)
    return space["helper"]


def module(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path = tmp_path / "edited_module.py"
    path.write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("edited_module", None)
    import importlib

    importlib.invalidate_caches()
    return importlib.import_module("edited_module")


def nodes(*depends_on: Any) -> list[Node]:
    return [Node(len, ["n"], ["length"], depends_on=depends_on)]


def test_a_function_that_a_node_depends_on_counts(tmp_path: Path) -> None:
    """With all that it leads to; unchanged, it doesn't count."""
    pipeline(tmp_path, nodes(function("x + 1")), n="ab").run()
    assert ran(pipeline(tmp_path, nodes(function("x + 1")), n="ab").run(reuse=True)) == []
    plan = pipeline(tmp_path, nodes(function("x + 2")), n="ab").plan()
    assert plan[0].reasons == ("helper helper() changed",)


def test_a_value_that_a_node_depends_on_counts_by_content(tmp_path: Path) -> None:
    """And the reason says which it is, with both values."""
    pipeline(tmp_path, nodes([1], {"a": 1}), n="ab").run()
    assert ran(pipeline(tmp_path, nodes([1], {"a": 1}), n="ab").run(reuse=True)) == []
    (reason,) = pipeline(tmp_path, nodes([1], {"a": 2}), n="ab").plan()[0].reasons
    assert reason == "depends_on[1] changed: {'a': 1} -> {'a': 2}"
    assert isinstance(reason, Reason)
    assert (reason.kind, reason.old, reason.new) == ("global", "{'a': 1}", "{'a': 2}")
    (gone,) = pipeline(tmp_path, nodes([1]), n="ab").plan()[0].reasons
    assert gone == "depends_on[1] is gone"


def test_a_module_that_a_node_depends_on_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its source."""
    old = module(tmp_path, "X = 1\n", monkeypatch)
    pipeline(tmp_path, nodes(old), n="ab").run()
    assert ran(pipeline(tmp_path, nodes(old), n="ab").run(reuse=True)) == []
    new = module(tmp_path, "X = 200\n", monkeypatch)
    assert ran(pipeline(tmp_path, nodes(new), n="ab").run(reuse=True)) == ["len"]
