"""The law of reuse for edits of modules: classes, registries, seeds, memos, statements, texts.

Each state of a module is loaded as a process of its own would: from its file, as a new module.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.trying import examples

from linepipe_core import Node, Pipeline

# Python 3.11 finds a registered function by its name; what only running finds isn't drawn.
MODULE = """
import argparse, dataclasses, functools, random
STEPS = {{}}
def register(func):
    STEPS[func.__name__] = func
    return func
@dataclasses.dataclass
class Row:
    '''{words}'''
    n: int = {field}
    label: str = dataclasses.field(default="row", metadata={{"unit": {metadata}}})
    kinds = [{kind}, 2]
@register
def step(x):
    "{words}"
    return x * {registered}
RNG = random.Random({seed})
SEEN = {{"began": {memo}}}
OPTIONS = argparse.Namespace(top={option})
OPTIONS.low = {setting}
LIMIT = {limit}
UNUSED = {unused}
@functools.lru_cache
def cached(x): return x + {cached}
def fields(x): return x + Row().n + Row.kinds[0] + dataclasses.fields(Row)[1].metadata["unit"]
def registry(x): return STEPS["step"](x)
def drawn(x): return x + RNG.randrange(1000)
def remembered(x):
    SEEN[x] = SEEN.get(x, 0) + 1
    return x + SEEN["began"]
def options(x): return x + OPTIONS.top * 10 + OPTIONS.low
def texts(x): return eval("x + LIMIT", globals(), {{"x": x}})
def called(x): return cached(x)
"""
FUNCTIONS = ("fields", "registry", "drawn", "remembered", "options", "texts", "called")
# The spot that is edited -> the functions whose results it changes.
SPOTS = {
    "field": {"fields"},
    "metadata": {"fields"},
    "kind": {"fields"},
    "registered": {"registry"},
    "seed": {"drawn"},
    "memo": {"remembered"},
    "option": {"options"},
    "setting": {"options"},
    "limit": {"texts"},
    "cached": {"called"},
    "unused": set(),
    "words": set(),
}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[dict[str, int], str]]:
    """A module, and what becomes of it by one edit after the other, each with its spot."""
    state = dict.fromkeys(SPOTS, 1)
    history = [(state, "")]
    for _ in range(draw(st.integers(1, 5))):
        spot = draw(st.sampled_from(sorted(SPOTS)))
        state = {**state, spot: state[spot] + draw(st.integers(0, 1))}
        history.append((state, spot))
    return history


def loaded(folder: Path, state: dict[str, int]) -> Any:
    """The module in that state."""
    (folder / "law_module.py").write_text(MODULE.format(**state))
    sys.modules.pop("law_module", None)
    importlib.invalidate_caches()
    return importlib.import_module("law_module")


def built(module: Any, **options: Any) -> Pipeline:
    """A chain of all functions of the module."""
    names = [f"o{place}" for place in range(len(FUNCTIONS) + 1)]
    nodes = [
        Node(getattr(module, name), [before], [after])
        for name, before, after in zip(FUNCTIONS, names[:-1], names[1:], strict=True)
    ]
    return Pipeline(nodes, o0=3, **options)


@pytest.fixture
def _own_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("law_module", None)


@pytest.mark.usefixtures("_own_path")
@examples(16)
@given(histories())
def test_reuse_gives_the_same_as_a_full_run_of_the_edited_module(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[dict[str, int], str]]
) -> None:
    """The nodes that an edit concerns run, and those after them; a second process runs none."""
    folder = tmp_path_factory.mktemp("law")
    sys.path[:] = [str(folder), *(each for each in sys.path if "/law" not in each)]
    options = {"use_persistent_cache": True, "cache_storage_path": folder / "cache"}
    before: dict[str, int] = {}
    for state, spot in history:
        full = built(loaded(folder, state)).run()
        result = built(loaded(folder, state), **options).run(reuse=True)
        assert dict(result) == dict(full)
        ran = {step.node.func.__name__ for step in result.steps if step.status == "ran"}
        if not before:
            assert ran == set(FUNCTIONS)
        elif state == before or not SPOTS[spot]:
            assert ran == set()
        else:
            assert SPOTS[spot] <= ran
        again = built(loaded(folder, state), **options).run(reuse=True)
        assert [step.reasons for step in again.steps if step.status == "ran"] == []
        assert dict(again) == dict(full)
        before = state
