"""Edits that no reading of bytecode sees by itself, each in a module of its own.

All modules run in one process, again in a second one with another hash seed (nothing runs), and
once more after the edit, where the result must be that of a run without the cache.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest
from tests.core.reuse.kinds_of_edits import (
    EDITS,
    FREE,
    KINDS,
    NEEDS,
    OTHER_FREE,
    OTHER_SHAPES,
    UNCOMPARABLE,
    WATCHED,
)

IS_WATCHED = sys.version_info >= (3, 12)
# On one Python: they take long, and the kinds are the same.
HAS_OTHER_SHAPES = sys.version_info[:2] == (3, 13)
DRIVER = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
from linepipe_core import Node, Pipeline
told = {}
def run(module, cache):
    name, held = module.__name__, vars(module)
    path = f"caches/{name}" if "nodes" in held else "caches/all"
    nodes = held.get("nodes") or [Node(module.f, ["x"], [f"out_{name}"])]
    flow = Pipeline(nodes, use_persistent_cache=cache, config=held.get("config"),
                    cache_storage_path=path, **held.get("constants", {"x": 1}))
    result = flow.run(reuse=cache)
    step = result.steps[-1]
    return step.status, list(step.reasons), repr(result[nodes[-1].outputs[0]])
state, *names = sys.argv[1:]
for name in names:
    module = importlib.import_module(name)
    told[name] = run(module, True)
    if state == "edited":
        importlib.reload(module)  # as in a fresh process: generators have their seeds again
        told[name] = [*told[name], run(module, False)[2]]
print(json.dumps(told))
"""


def name_of(case: str) -> str:
    return "m_" + "".join(each if each.isalnum() else "_" for each in case)


def has_library(case: str) -> bool:
    return find_spec(NEEDS.get(case, "linepipe_core")) is not None


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The runs of all modules: at first, in a second process, and after the edits."""
    folder = tmp_path_factory.mktemp("edits")
    cases = {**EDITS, **FREE, **UNCOMPARABLE, **(WATCHED if IS_WATCHED else {})}
    cases |= {**OTHER_SHAPES, **OTHER_FREE} if HAS_OTHER_SHAPES else {}
    cases = {case: edit for case, edit in cases.items() if has_library(case)}
    answers = []
    for seed, state in (("1", "new"), ("2", "same"), ("3", "edited")):
        for case, edit in cases.items():
            name, spot = name_of(case), edit.after if state == "edited" else edit.before
            files: dict[str, str] = {f"{name}.py": f"{edit.text}\n", **edit.files}
            for file, text in files.items():
                written = folder / file.replace("MOD", name)
                written.parent.mkdir(exist_ok=True)
                written.write_text(text.replace("@@", spot).replace("MOD", name))
        paths = ":".join([str(folder), *filter(None, sys.path)])
        done = subprocess.run(
            [sys.executable, "-B", "-c", DRIVER, state, *map(name_of, cases)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout.splitlines()[-1]))
    return answers


@pytest.mark.parametrize("case", [*EDITS, *OTHER_SHAPES, *WATCHED])
def test_an_edit_is_seen_and_nothing_runs_without_one(
    case: str, told: list[dict[str, Any]]
) -> None:
    """Whatever order sets have; the result is that of a run without the cache."""
    if case in WATCHED and not IS_WATCHED:
        pytest.skip("found by running, which is watched from Python 3.12 on")
    if case in OTHER_SHAPES and not HAS_OTHER_SHAPES:
        pytest.skip("other shapes are tried on one Python")
    if not has_library(case):
        pytest.skip(f"{NEEDS[case]} isn't installed here")
    first, second, third = (each[name_of(case)] for each in told)
    assert first[0] == "ran"
    assert second[0] == "reused", second[1]
    assert third[2] == third[3], third
    assert third[0] == "ran"


@pytest.mark.parametrize("case", [*FREE, *OTHER_FREE])
def test_an_edit_that_concerns_no_node_makes_none_run(
    case: str, told: list[dict[str, Any]]
) -> None:
    """Though it is in the node's own module."""
    if case in OTHER_FREE and not HAS_OTHER_SHAPES:
        pytest.skip("other shapes are tried on one Python")
    first, second, third = (each[name_of(case)] for each in told)
    assert [first[0], second[0], third[0]] == ["ran", "reused", "reused"], third[1]


@pytest.mark.parametrize("case", UNCOMPARABLE)
def test_a_constant_without_content_is_never_stale(case: str, told: list[dict[str, Any]]) -> None:
    """Nothing says how it was made, so its readers run."""
    third = told[2][name_of(case)]
    assert third[2] == third[3], third


def test_each_kind_is_tried_in_at_least_three_other_shapes() -> None:
    """Beside the one with which it was found; none counts for two shapes of one kind."""
    known = {**EDITS, **OTHER_SHAPES, **WATCHED, **UNCOMPARABLE, **FREE, **OTHER_FREE}
    assert len(KINDS) == 26
    for kind, cases in KINDS.items():
        assert len(set(cases)) >= 4, kind
        assert set(cases) <= known.keys(), kind


def test_the_kinds_tell_different_results() -> None:
    """A case whose edit changes nothing would prove nothing."""
    edits = {**EDITS, **OTHER_SHAPES, **WATCHED, **UNCOMPARABLE}
    assert all(edit.before != edit.after for edit in edits.values())
