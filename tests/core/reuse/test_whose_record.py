"""A node is compared with its own last run: not with another's of the same output, nor another
case's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.core.reuse.chain import CHAIN, called, pipeline, ran, reasons

from linepipe_core import Node, Pipeline
from linepipe_core.shelf import ObjectShelf


def five() -> int:
    called("five")
    return 5


def six() -> int:
    called("six")
    return 6


def add(x: int) -> int:
    called("add")
    return x + 1


def double(n: int) -> int:
    return 2 * n


def limited(doubled: int, limit: int) -> int:
    return min(doubled, limit)


def making_x(path: Path, func: Any, reader: str = "", **options: Any) -> Pipeline:
    nodes = [Node(func, [], ["x"], **options)]
    if reader:
        nodes.append(Node(add, ["x"], [reader], name=f"add_{reader}"))
    return Pipeline(nodes, use_persistent_cache=True, cache_storage_path=path / "cache")


# --- another node's record --------------------------------------------------------------------


@pytest.mark.parametrize("always_run", [False, True])
def test_the_first_run_of_a_node_says_so_though_another_made_its_output(
    tmp_path: Path, always_run: bool
) -> None:
    """Its code didn't change: it never ran; and who made what lies there."""
    making_x(tmp_path, five).run(reuse=True)
    other = making_x(tmp_path, six, always_run=always_run)
    expected = (*["always_run"] * always_run, "never ran: five made its outputs")
    assert other.plan()[0].reasons == expected
    (step,) = other.run(reuse=True).steps
    assert step.reasons == expected
    assert step.reasons[-1].kind == "never_ran"


def test_each_of_two_makers_is_compared_with_its_own_last_run(tmp_path: Path) -> None:
    """Whichever of them ran last."""
    making_x(tmp_path, five).run(reuse=True)
    making_x(tmp_path, six).run(reuse=True)

    def edited() -> int:
        return 55

    plan = making_x(tmp_path, edited, name="five").plan()
    assert plan[0].reasons == ("its code changed",)
    assert making_x(tmp_path, five, name="renamed").plan()[0].action == "reuse"


def test_two_effects_of_one_name_displace_each_other_and_say_so(tmp_path: Path) -> None:
    """What lies outside has one state: that of the one that ran last."""
    for func in (five, six):
        making_x(tmp_path, func, effect=True).run(reuse=True)
    (entry,) = making_x(tmp_path, five, effect=True).plan()
    assert entry.reasons == ("six has made its outputs since",)
    assert entry.reasons[0].kind == "missing"


def test_a_maker_that_always_runs_drops_no_version_of_another(tmp_path: Path) -> None:
    """It keeps only the newest of its own."""
    plain, always = making_x(tmp_path, five), making_x(tmp_path, six, always_run=True)
    plain.run(reuse=True)
    for _ in range(7):
        always.run(reuse=True)
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert [(info.name, info.n_versions) for info in shelf.info()] == [("x", 2)]
    result = plain.run(reuse=True)
    assert (ran(result), result["x"]) == ([], 5)


# --- persist=False beside it ------------------------------------------------------------------


@pytest.mark.parametrize("readers", ["aa", "ab"])
def test_readers_are_reused_beside_a_pipeline_that_keeps_nothing(
    tmp_path: Path, readers: str
) -> None:
    """In turns: a node that always runs and is kept, and the same with ``persist=False``."""
    unkept = making_x(tmp_path, five, readers[0], persist=False)
    kept = making_x(tmp_path, five, readers[1], always_run=True)
    unkept.run(reuse=True)
    kept.run(reuse=True)
    for turn in (kept, unkept, kept, unkept, unkept, kept, kept):
        plan, result = turn.plan(), turn.run(reuse=True)
        assert plan[1].action != "run"
        assert result.steps[1].status == "reused"


def test_what_was_kept_leaves_though_nothing_runs(tmp_path: Path) -> None:
    """Kept or not, and back: what is declared now holds, also for a node that is reused."""
    for persist in (False, True, False):
        flow = making_x(tmp_path, five, "y", persist=persist)
        plan, result = flow.plan(), flow.run(reuse=True)
        assert plan[0].action == {"ran": "run", "reused": "reuse"}[result.steps[0].status]
        with ObjectShelf(tmp_path / "cache") as shelf:
            assert ("x" in shelf) == persist
    assert ran(result) == []


def test_what_is_to_be_kept_from_now_on_is_made_once_more(tmp_path: Path) -> None:
    """The reason says that it wasn't kept."""
    making_x(tmp_path, five, "y", persist=False).run()
    result = making_x(tmp_path, five, "y").run(reuse=True)
    assert result.steps[0].reasons == ("x wasn't kept, with persist=False",)
    assert ran(making_x(tmp_path, five, "y").run(reuse=True)) == []


# --- another case's record --------------------------------------------------------------------


def cases(path: Path, limit: int = 5) -> Pipeline:
    nodes = [
        Node(double, ["n"], ["doubled"]),
        Node(limited, ["doubled", "config.limit"], ["limited"]),
        Node(print, ["limited"], [], name="write"),
    ]
    return pipeline(path, nodes, limit=limit)


def test_the_first_run_of_a_case_is_compared_with_no_other_case(tmp_path: Path) -> None:
    """In plan, run, map and map's table: that its ``n`` is another one is no change."""
    first = cases(tmp_path).map({"may": {"n": 1}, "june": {"n": 2}}, reuse=True)
    assert reasons(first["may"], "double") == ("never ran",)
    assert reasons(first["june"], "double") == ("never ran in partition 'june'",)
    july = cases(tmp_path).replace(partition="july").bind(n=3)
    expected = "never ran in partition 'july'"
    assert july.plan()[0].reasons == (expected,)
    assert july.plan()[0].reasons[0].kind == "never_ran"
    result = july.run(reuse=True)
    assert [step.reasons for step in result.steps] == [(expected,)] * 3
    assert expected in str(result)
    none = cases(tmp_path).bind(n=4).plan()
    assert none[0].reasons == ("never ran without a partition",)


def test_what_another_case_has_made_is_reused_and_compared_from_then_on(tmp_path: Path) -> None:
    """A case that was served by another has a record of its own."""
    both = {"may": {"n": 1}, "june": {"n": 1}}
    first = cases(tmp_path).map(both, reuse=True)
    assert ran(first["june"]) == ["write"]  # it lies outside, in each case by itself
    june = cases(tmp_path, limit=7).replace(partition="june").bind(n=1)
    assert june.plan()[1].reasons == ("config.limit changed: 5 -> 7",)


def test_an_edit_is_told_in_each_case_against_its_own_last_run(tmp_path: Path) -> None:
    """Also where another case was the last to run."""
    months = {"may": {"n": 1}, "june": {"n": 2}}
    cases(tmp_path).map(months, reuse=True)
    again = cases(tmp_path, limit=7).map(months, reuse=True)
    for each in again.values():
        assert reasons(each, "double") == ("nothing changed",)
        assert reasons(each, "limited") == ("config.limit changed: 5 -> 7",)


def test_a_writer_is_compared_with_its_own_last_run_in_its_partition(tmp_path: Path) -> None:
    """It is found by its function and inputs."""
    flow = pipeline(tmp_path, CHAIN)
    flow.replace(partition="a").run(reuse=True)
    plan = flow.replace(partition="b").plan()
    assert [entry.action for entry in plan] == ["reuse", "reuse", "reuse", "run"]
    assert plan[3].reasons == ("never ran in partition 'b'",)
