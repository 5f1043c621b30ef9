"""Values that hold others: aliases, cycles, objects, models and local classes."""

from __future__ import annotations

import copy
import gc
import threading
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, PrivateAttr
from tests.core.values.changeable import Colour, Own, WithDeepcopy, frame

from linepipe_core._values.isolate import copy_for_reader, isolate


class Report(BaseModel):
    table: Any
    _seen: list[int] = PrivateAttr(default_factory=lambda: [1])


def looped() -> list[Any]:
    loop: list[Any] = [[1]]
    loop.append(loop)
    return loop


# One memo: what is the same object inside a value stays the same object.
def test_aliases_inside_a_value_stay_aliases() -> None:
    """Whichever way the value is copied."""
    row, block, table = [1], np.arange(3), frame()
    for extra in ([], [WithDeepcopy([1])], [threading.Lock()]):
        value = {"a": row, "b": [row], "c": block, "d": (block,), "e": table, "f": [table, *extra]}
        got = copy_for_reader(isolate([value]))
        assert got["a"] is got["b"][0] is not row
        assert got["c"] is got["d"][0] is not block
        assert got["e"] is got["f"][0] is not table


def test_an_object_that_says_how_it_is_copied_shares_the_memo() -> None:
    """An alias between its inside and the container around it stays one."""
    rows = [1]
    got = copy_for_reader(isolate([[rows, WithDeepcopy(rows)]]))
    assert got[0] is got[1].rows is not rows


@pytest.mark.parametrize("extra", [[], [WithDeepcopy([1])]], ids=["pickled", "by parts"])
def test_cycles_stay_cycles(extra: list[Any]) -> None:
    """A list in itself, an object that knows itself, a tuple in its own list."""
    loop = looped()
    own = Own([1])
    own.rows.append(own)
    inner: list[Any] = []
    pair = (inner, 1)
    inner.append(pair)
    got = copy_for_reader(isolate([[loop, own, pair, *extra]]))
    assert got[0][1] is got[0] is not loop
    assert got[1].rows[1] is got[1] is not own
    assert got[2][0][0] is got[2] is not pair


def test_functions_classes_and_members_stay_themselves() -> None:
    """Pickling by name could bring another one back."""
    value = [Own, Colour.RED, copy.deepcopy, len, [1]]
    got = copy_for_reader(isolate([value]))
    assert got[:4] == value[:4]
    assert got is not value


def test_a_pydantic_model_is_copied_with_all_that_is_in_it() -> None:
    """Its own deepcopy would share what the cells of a frame hold."""
    report = Report(table=pd.DataFrame({"cell": [[1]]}))
    held = isolate([report])
    for seen_by_others in (report, copy_for_reader(held)):
        seen_by_others.table["cell"][0].append(2)
        seen_by_others._seen.append(2)
    got = copy_for_reader(held)
    assert type(got) is Report
    assert got.table["cell"][0] == [1]
    assert got._seen == [1]
    assert got.model_fields_set == {"table"}


def test_local_classes_are_no_hindrance() -> None:
    """A class made inside a function can't be pickled by name, and needn't be."""

    class Local:
        def __init__(self) -> None:
            self.rows = [1]

    value = Local()
    got = copy_for_reader(isolate([[value]]))[0]
    assert type(got) is Local
    assert got.rows == [1]
    assert got.rows is not value.rows


class CollectsOrNot:
    """Notes whether the collector is on while it is made again."""

    seen: ClassVar[list[bool]] = []

    def __reduce__(self) -> Any:
        return _noting, ()


def _noting() -> CollectsOrNot:
    CollectsOrNot.seen.append(gc.isenabled())
    if len(CollectsOrNot.seen) == 3:
        raise OSError("no more")
    return CollectsOrNot()


@pytest.mark.parametrize("is_on", [True, False])
def test_the_garbage_collector_rests_while_a_large_tree_is_copied(
    monkeypatch: pytest.MonkeyPatch, is_on: bool
) -> None:
    """And is afterwards what it was, also where a class raises."""
    monkeypatch.setattr(CollectsOrNot, "seen", [])
    (gc.enable if is_on else gc.disable)()
    try:
        held = isolate([[CollectsOrNot(), "x" * 200_000, []]])
        copy_for_reader(held)
        assert CollectsOrNot.seen == [False, False]
        assert gc.isenabled() is is_on
        with pytest.raises(OSError, match="no more"):
            copy_for_reader(held)
        assert gc.isenabled() is is_on
        isolate([[CollectsOrNot(), []]])
        assert CollectsOrNot.seen[-1] is is_on
    finally:
        gc.enable()
