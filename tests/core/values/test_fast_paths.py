"""The rules of isolation, each broken on purpose, against a check that holds without."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from functools import partial
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.core.kinds import KINDS, LOCK, Own, spoil
from tests.core.likeness import seen
from tests.core.values.changeable import CHANGEABLE

from linepipe_core._values import (
    arrow,
    containers,
    numpy,
    pandas,
    polars,
    rules,
    snapshot,
    trees,
)
from linepipe_core._values.isolate import copy_for_reader, isolate, move_to_last_reader, peek
from linepipe_core._values.rules import register_snapshot
from linepipe_core._values.snapshot import Snapshot

MODULES: list[Any] = [snapshot, containers, trees, numpy, pandas, polars, arrow]


def leak(make: Callable[[], Any], change: Callable[[Any], object] = lambda v: spoil(v, 77)) -> bool:
    """Return True if a change by the maker, or by a reader, is seen by anybody else."""
    value = make()
    before = seen(value)
    kept = isolate([value])
    first = copy_for_reader(kept)
    change(value)
    leaked = seen(copy_for_reader(kept)) != before or seen(first) != before
    change(first)
    leaked = leaked or seen(copy_for_reader(kept)) != before
    owner = [make()]
    if isinstance(owner[0], pd.DataFrame):
        owner[0].attrs["kept"] = attribute = [1]
        before = seen(owner[0])
    else:
        attribute = []
    kept = isolate(owner)
    attribute.append(2)
    return bool(leaked or seen(move_to_last_reader([kept])) != before)


def weakly_kept() -> bool:
    import weakref

    owner = [np.arange(3.0)]
    reference = weakref.ref(owner[0])
    kept = isolate(owner)
    if (array := reference()) is not None:
        array[0] = 77
    return bool(copy_for_reader(kept)[0] == 77)


def kept_without_isolation() -> bool:
    kinds: list[Callable[[], Any]] = [
        lambda: np.arange(3.0),
        lambda: [np.arange(3.0), [1]],
        lambda: Own([1]),
    ]
    for make in kinds:
        kept = isolate([make()])
        looked_at = peek(kept)
        before = seen(looked_at)
        spoil(move_to_last_reader([kept]), 77)
        if seen(looked_at) != before:
            return True
    return False


def part_kept() -> bool:
    parts: list[Any] = [{"a": 1}, [1], np.arange(3.0)]
    wraps: list[Callable[[Any], Any]] = [
        lambda part: [part, copy.copy(part)],
        lambda part: {"x": part, "y": copy.copy(part)},
        lambda part: (part, np.arange(2.0)),
    ]
    for wrap in wraps:
        for part in parts:
            owner = [wrap(part)]
            before = seen(owner[0])
            kept = isolate(owner)
            spoil(part, 77)
            if seen(copy_for_reader(kept)) != before:
                return True
    return False


def shared_with_arrow() -> bool:
    kept = isolate([pd.DataFrame({"a": np.arange(3.0)})])
    arrow = pa.Table.from_pandas(copy_for_reader(kept), preserve_index=False)
    last = move_to_last_reader([kept])
    del kept
    last.iloc[0, 0] = 77
    return bool(arrow["a"][0].as_py() == 77)


def zero_copy() -> bool:
    array = np.ones((3, 2))
    kept = isolate([pd.DataFrame(array, copy=False)])
    array[:] = 77
    return bool(copy_for_reader(kept).iloc[0, 0] == 77)


def index_over_array() -> bool:
    array = np.arange(3)
    kept = isolate([pd.Series([1, 2, 3], index=array)])
    array[:] = 77
    return bool(copy_for_reader(kept).index[0] == 77)


CHECKS = [
    weakly_kept,
    part_kept,
    kept_without_isolation,
    shared_with_arrow,
    zero_copy,
    index_over_array,
]


def objects() -> Any:
    return pl.DataFrame({"a": pl.Series([[1], [2]], dtype=pl.Object)})


def leaks() -> Iterator[str]:
    """Each kind of value in which a change is seen by somebody else."""
    for kind, make in KINDS.items():
        if leak(lambda make=make: make(1)):  # type: ignore[misc]
            yield kind
        if leak(lambda make=make: [make(1), LOCK]):  # type: ignore[misc]
            yield f"{kind} by parts"
    if leak(objects, lambda v: v["a"][0].append(3)):
        yield "polars objects"
    deep = [copy.deepcopy, LOCK]
    if leak(lambda: [pd.DataFrame({"cell": [[1], deep]})], lambda v: v[0]["cell"][0].append(3)):
        yield "cells beside what refuses"
    for check in CHECKS:
        if check():
            yield check.__name__
    for name, made, change in CHANGEABLE:
        if leak(made, change):
            yield name


def itself(value: Any, *_rest: Any, **_options: Any) -> Any:
    return value


def true(*_: Any, **_options: Any) -> bool:
    return True


def as_it_is(value: Any, *_rest: Any, **_options: Any) -> Snapshot:
    return Snapshot(value, itself)


def second_as_it_is(_lookup: Any, value: Any, *_rest: Any, **_options: Any) -> Snapshot:
    return Snapshot(value, itself)


def value_of(kept: Any) -> Any:
    return kept.value


def nothing(*_: Any, **_options: Any) -> None:
    return None


class Mutant(NamedTuple):
    """One function or method of the rules, and something wrong to put in its place."""

    owner: Any
    name: str
    wrong: Callable[..., Any]

    def put_in_place(self, patch: pytest.MonkeyPatch) -> None:
        """Replace it wherever the rules look for it: in modules, classes and tables."""
        right = vars(self.owner)[self.name]
        patch.setattr(self.owner, self.name, self.wrong)
        for module in (*MODULES, rules):
            for name, value in list(vars(module).items()):
                if value is right:
                    patch.setattr(module, name, self.wrong)
                elif isinstance(value, dict):
                    for key, part in list(value.items()):
                        if part is right:
                            patch.setitem(value, key, self.wrong)
                        elif getattr(part, "func", None) is right:
                            patch.setitem(value, key, partial(self.wrong, *part.args))


def wrong_for(function: FunctionType) -> Callable[..., Any]:
    """A function of that kind that shares what it should copy, and sees nobody who looks."""
    match function.__annotations__["return"]:
        case "bool":
            return true
        case "None":
            return nothing
        case "Snapshot" | "Snapshot | None":
            takes_lookup = function.__code__.co_varnames[0] == "rule_for"
            return second_as_it_is if takes_lookup else as_it_is
    return itself


# The functions of the adapters that serve hashing and pickling, not isolation.
CONTENT = re.compile(
    "described|content|copier_of|reduce|memory_of|_state_of|_writ|_scalar|_notes$|_apart|_bytes"
    "|_values$|_refused|_has_schema_of|_has_80_bits|_is_plain|_clear$|_random$|_is_copy|_flat"
)


def mutants() -> Iterator[Mutant]:
    for module in MODULES:
        for name, value in vars(module).items():
            if getattr(value, "__module__", None) != module.__name__:
                continue
            if isinstance(value, FunctionType) and not CONTENT.search(name):
                yield Mutant(module, name, wrong_for(value))
            elif isinstance(value, type) and issubclass(value, Snapshot):
                for method in sorted(vars(value).keys() & {"copy", "move"}):
                    yield Mutant(value, method, value_of)


MUTANTS = list(mutants())


@pytest.fixture
def forget() -> Iterator[Callable[[], None]]:
    """Make the rules forget which they found, as any registration does."""

    def registered() -> None:
        register_snapshot(type("New", (), {}), itself)

    registered()
    yield registered
    registered()


@pytest.mark.usefixtures("forget")
def test_nothing_leaks() -> None:
    """The check that the broken rules below fail."""
    assert list(leaks()) == []


@pytest.mark.slow
def test_broken_rules_are_noticed(
    forget: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check above sees most functions of the rules when one at a time is broken.

    Those that it doesn't see serve speed or the log, or kinds of values that it lacks.
    """
    unnoticed = []
    for mutant in MUTANTS:
        forget()
        with monkeypatch.context() as patch:
            mutant.put_in_place(patch)
            try:
                noticed = any(leaks())
            except Exception:
                noticed = True
        if not noticed:
            unnoticed.append(f"{mutant.owner.__name__}.{mutant.name}")
    assert len(unnoticed) < 0.3 * len(MUTANTS), "\n".join(unnoticed)
