"""Reasons are texts for people with their parts for programs."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from tests.core.reuse.chain import CHAIN, CONNECTED, pipeline

from linepipe_core import Node, Reason
from linepipe_core._reuse.reasons import bounded

CHANGED = Reason("config.limit changed: 5 -> 7", "config", "config.limit", "5", "7")


def parts(reason: Reason) -> tuple[Any, ...]:
    return str(reason), reason.kind, reason.name, reason.old, reason.new


def copied(reason: Reason, how: str) -> Reason:
    made = {"copy": copy.copy, "deepcopy": copy.deepcopy}.get(how)
    return made(reason) if made else pickle.loads(pickle.dumps(reason, int(how)))


@pytest.mark.parametrize("how", ["copy", "deepcopy", "0", "2", "5"])
def test_a_reason_is_a_text_with_its_parts(how: str) -> None:
    """A copy and a pickle keep them."""
    assert CHANGED == "config.limit changed: 5 -> 7"
    again = copied(CHANGED, how)
    assert type(again) is Reason
    assert parts(again) == parts(CHANGED)


def test_a_reason_is_frozen() -> None:
    """Its parts are read-only."""
    for name in ("kind", "name", "old", "new"):
        with pytest.raises(AttributeError):
            setattr(CHANGED, name, "other")


def test_every_reason_of_a_plan_names_what_decided(tmp_path: Path) -> None:
    """The kind of thing, its name and its values."""
    fresh = pipeline(tmp_path).plan()
    assert parts(fresh[0].reasons[0]) == ("never ran", "never_ran", None, None, None)
    pipeline(tmp_path).run()
    plan = pipeline(tmp_path, limit=7).plan(rerun=["write"])
    found = {entry.node.name: [parts(reason)[1:] for reason in entry.reasons] for entry in plan}
    assert found == {
        "load": [("nothing_changed", None, None, None)],
        "clean": [("config", "config.limit", "5", "7")],
        "total": [("input", "cleaned", None, None)],
        "write": [("rerun", None, None, None)],
    }
    more = pipeline(tmp_path, n=11, nodes=[*CHAIN[:3], Node(print, ["n"], [])]).plan()
    assert parts(more[0].reasons[0])[1:] == ("constant", "n", "10", "11")
    again = pipeline(tmp_path, nodes=[Node(len, ["cleaned"], ["total"], name="total")]).plan()
    assert parts(again[0].reasons[0])[1:] == ("code", None, None, None)


def test_the_reasons_of_a_step_are_those_of_the_plan(tmp_path: Path) -> None:
    """With their parts."""
    pipeline(tmp_path, CONNECTED).run()
    plan = pipeline(tmp_path, CONNECTED).plan(rerun=["fetch"])
    result = pipeline(tmp_path, CONNECTED).run(reuse=True, rerun=["fetch"])
    steps = [[parts(reason) for reason in step.reasons] for step in result.steps[:2]]
    assert steps == [[parts(reason) for reason in entry.reasons] for entry in plan[:2]]
    assert steps[0][0][1:] == ("missing", "connection", None, None)


def test_reasons_are_bounded(tmp_path: Path) -> None:
    """The first few, and how many more; none twice."""
    many = [Reason(f"helper f{i}() changed", "code", f"f{i}") for i in range(30)]
    assert bounded([*many[:9], many[0]]) == tuple(many[:9])
    shown = bounded(many)
    assert shown[:8] == tuple(many[:8])
    assert parts(shown[8]) == ("and 22 more", "code", None, None, None)
