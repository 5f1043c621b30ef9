"""Nothing comes from the shelf unsaid: its maker, its age, and whether it fits today."""

from __future__ import annotations

import logging
import pickle
import time
from pathlib import Path
from typing import Any

import polars
import pytest
from tests.core.reuse.chain import CHAIN, pipeline, ran

from linepipe_core import MissingInputError, Node, ObjectRegistry, Pipeline
from linepipe_core.shelf import ObjectInfo, ObjectShelf

MADE = CHAIN[:3]


def scale(total: int, factor: int) -> int:
    return total * factor


READER = [Node(scale, ["total", "config.other"], ["scaled"])]


def messages(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    found = [(r.levelno, r.getMessage()) for r in caplog.records if "from the shelf" in r.msg]
    caplog.clear()
    return found


def test_what_comes_from_the_shelf_is_in_plan_and_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With its maker and age; one line in the log, no warning."""
    caplog.set_level(logging.INFO)
    pipeline(tmp_path, MADE).run()
    assert messages(caplog) == []
    reading = pipeline(tmp_path, READER)
    plan, result = reading.plan(), reading.run()
    for infos in (plan.from_shelf, result.from_shelf, pickle.loads(pickle.dumps(plan)).from_shelf):
        (info,) = infos
        assert isinstance(info, ObjectInfo)
        assert (info.name, info.node, info.type) == ("total", "total", "int")
        assert (info.partition, info.stale, info.is_from_this_run) == (None, (), False)
        assert info.age_seconds < 600
    for text in (str(plan), str(result)):
        assert "\nfrom the shelf:\n  total, made by total just now\n" in text
    assert messages(caplog) == [(20, "from the shelf: total, made by total just now")]
    with ObjectShelf(tmp_path / "cache") as shelf:
        shelf["total"] = 5
    assert "  total, put there by hand just now\n" in str(reading.run())
    assert pipeline(tmp_path, MADE).run().from_shelf == ()


def test_a_misspelt_input_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The name resembles an unread output, or its maker makes something else here."""
    pipeline(tmp_path, MADE).run()
    nodes = [*CHAIN[:2], Node(CHAIN[2].func, ["cleaned"], ["totals"]), *READER]
    pipeline(tmp_path, nodes).run()
    assert messages(caplog) == [
        (
            30,
            "from the shelf: total, made by total just now; total here makes something else; "
            "did you mean 'totals'?",
        )
    ]
    other = [Node(CHAIN[2].func, ["cleaned"], ["quite_different"], name="summed"), *READER]
    pipeline(tmp_path, other).run()
    assert any("makes something else" in text for level, text in messages(caplog) if level == 30)


def test_a_slice_takes_the_version_that_fits_today(tmp_path: Path) -> None:
    """Whichever is the current one."""
    for limit in (5, 7):
        pipeline(tmp_path, [*MADE, *READER], limit=limit).run(reuse=True)
    for limit, total in ((5, 10), (7, 21), (5, 10)):
        part = pipeline(tmp_path, [*MADE, *READER], limit=limit).only_nodes("scale")
        assert part.plan().from_shelf[0].stale == ()
        result = part.run()
        assert (result["scaled"], result.from_shelf[0].stale) == (total, ())


def test_a_slice_judges_what_it_reads(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By config, constants and code of the nodes that it leaves out."""
    nodes = [*MADE, *READER]
    pipeline(tmp_path, nodes).run()
    part = pipeline(tmp_path, nodes, limit=100).only_nodes("scale")
    (info,) = part.plan().from_shelf
    (reason,) = info.stale
    assert (reason.kind, reason.name, reason.old, reason.new) == (
        "config", "config.limit", "5", "100",
    )  # fmt: skip
    assert "  total, made by total just now; stale: config.limit 5 -> 100\n" in str(part.plan())
    result = part.run()
    assert result["scaled"] == 10
    assert result.from_shelf[0].stale == info.stale
    assert messages(caplog) == [
        (30, "from the shelf: total, made by total just now; stale: config.limit 5 -> 100")
    ]
    (by_constant,) = pipeline(tmp_path, nodes, n=11).only_nodes("scale").plan().from_shelf
    assert [reason.name for reason in by_constant.stale] == ["n"]
    edited = [Node(lambda n: list(range(n)), ["n"], ["raw"], name="load"), *nodes[1:]]
    (by_code,) = pipeline(tmp_path, edited).only_nodes("scale").plan().from_shelf
    assert "code" in [reason.kind for reason in by_code.stale]
    whole = pipeline(tmp_path, nodes)
    assert whole.only_nodes("total", "scale").only_nodes("scale").plan().from_shelf[0].stale == ()


def test_a_slice_keeps_no_constant_that_it_does_not_read(tmp_path: Path) -> None:
    """Only its hash; bound to new rows, the slice judges no more than what it reads."""
    part = pipeline(tmp_path, [*MADE, *READER], extra=[1]).only_nodes("scale")
    assert part.free_inputs == ("total",)
    pipeline(tmp_path, MADE).run()
    new = part.replace(use_persistent_cache=False).bind(total=100)
    assert new.run()["scaled"] == 100
    sent = pickle.loads(pickle.dumps(part))
    assert sent.plan().from_shelf[0].name == "total"


def test_a_registry_tells_of_an_object(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its maker, its age, its type, and whether this run has made it."""
    caplog.set_level(logging.INFO)
    pipeline(tmp_path, MADE).run()
    with pipeline(tmp_path, MADE).start(rerun=[]) as run:
        next(run)
        raw, total = run.registry.info("raw"), run.registry.info("total")
        assert (raw.node, raw.type, raw.is_from_this_run) == ("load", "list", True)
        assert (total.node, total.is_from_this_run) == ("total", False)
        assert (total.n_bytes or 0) > 0
        run.registry.get("raw")
        assert "earlier run" not in caplog.text
        run.registry.get("total")
        assert "'total' is an earlier run's: its maker hasn't had its turn yet" in caplog.messages
    in_memory = Pipeline(MADE, {"limit": 5}, n=10)
    with in_memory.start() as run:
        next(run)
        info = run.registry.info("raw")
        assert (info.node, info.n_bytes, info.is_from_this_run) == ("load", None, True)
        constant = run.registry.info("n")
        assert (constant.node, constant.is_from_this_run) == (None, False)
        assert isinstance(run.registry, ObjectRegistry)


def test_a_reused_object_is_of_this_run(tmp_path: Path) -> None:
    """It fits what is there today."""
    pipeline(tmp_path, MADE).run()
    with pipeline(tmp_path, MADE).start(reuse=True) as run:
        step = next(run)
        assert step.status == "reused"
        assert run.registry.info("raw").is_from_this_run


def test_each_case_finds_what_no_case_changes(tmp_path: Path) -> None:
    """A partition has a current version of its own, and reuse looks in all of them."""
    first = pipeline(tmp_path, MADE).replace(partition="a")
    other = pipeline(tmp_path, MADE).replace(partition="b")
    assert ran(first.run(reuse=True)) == ["load", "clean", "total"]
    plan = other.plan()
    assert [entry.action for entry in plan] == ["reuse"] * 3
    result = other.run(reuse=True)
    assert (ran(result), result["total"]) == ([], 10)
    assert other.plan()[0].reasons == ("nothing changed",)
    changed = pipeline(tmp_path, MADE, limit=7).replace(partition="b")
    assert ran(changed.run(reuse=True)) == ["clean", "total"]
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert shelf.partitions() == ("a", "b")
        assert list(shelf) == []
    reader = pipeline(tmp_path, READER)
    assert reader.replace(partition="a").run()["scaled"] == 10
    assert reader.replace(partition="b").run()["scaled"] == 21


# --- hints ------------------------------------------------------------------------------------


def told(pipeline: Pipeline) -> str:
    with pytest.raises(MissingInputError) as caught:
        pipeline.run()
    return str(caught.value)


def test_what_a_run_leaves_on_the_shelf_is_to_be_run_first(tmp_path: Path) -> None:
    """Then the slice runs."""
    whole = pipeline(tmp_path, [*MADE, *READER])
    assert "run what makes it first, with the same cache" in told(whole.only_nodes("scale"))
    whole.run()
    assert whole.only_nodes("scale").run()["scaled"] == 10


@pytest.mark.parametrize("is_slice", [True, False])
@pytest.mark.parametrize("how", ["private", "unpicklable", "lazy"])
def test_what_is_never_kept_is_never_to_be_run_first(
    tmp_path: Path, how: str, is_slice: bool
) -> None:
    """Its maker is to come along, and that can be followed."""

    def make(n: int) -> Any:
        if how == "lazy":
            return polars.DataFrame({"a": range(n)}).lazy()
        return (i for i in range(n))

    nodes = [
        Node(make, ["n"], ["raw"], persist=how != "private"),
        Node(lambda raw: 1, ["raw"], ["read"], name="read"),
    ]
    whole = pipeline(tmp_path, nodes)
    if how != "private" or not is_slice:  # nobody knows before
        whole.run()
    text = told(whole.only_nodes("read") if is_slice else pipeline(tmp_path, nodes[1:]))
    assert "run what makes" not in text
    assert (
        "'raw' is never kept on the shelf: add the node that makes it, 'make', to this pipeline; "
        "to_nodes(...) slices with it"
    ) in text
    assert whole.to_nodes("read").run()["read"] == 1


def test_each_missing_name_has_the_hint_that_fits_it(tmp_path: Path) -> None:
    """And none is listed twice."""
    nodes = [
        Node(lambda n: n, ["n"], ["a"], name="a", persist=False),
        Node(lambda n: n, ["n"], ["b"], name="b"),
        Node(lambda a, b, c: 1, ["a", "b", "b"], ["d"], name="d"),
        Node(lambda a, d: 1, ["d", "a"], ["e"], name="e"),
        Node(lambda *some: 1, ["e", "config.x", "config.x.y"], ["f"], name="f"),
    ]
    whole = pipeline(tmp_path, nodes)
    with pytest.raises(MissingInputError) as caught:
        whole.replace(nodes=nodes[2:]).run()
    assert "run what makes them first" in str(caught.value)
    with pytest.raises(MissingInputError) as caught:
        whole.only_nodes("d", "e", "f").run()
    assert caught.value.names == ("a", "b", "config.x", "config.x.y")
    assert str(caught.value).count("'config' has no 'x'") == 1
    assert "'a' is never kept on the shelf" in str(caught.value)
    assert "or run what makes 'b' first, with the same cache" in str(caught.value)


# --- what no pipeline makes any more ----------------------------------------------------------


def test_objects_that_no_pipeline_makes_any_more_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shelf tells when each was last used, and takes off what wasn't for long."""
    pipeline(tmp_path, [*MADE, *READER]).run(reuse=True)
    now, day = time.time, 86400.0
    monkeypatch.setattr(time, "time", lambda: now() + 30 * day)
    renamed = [Node(READER[0].func, READER[0].inputs, ["wide"])]
    pipeline(tmp_path, [*MADE, *renamed]).run(reuse=True)
    with ObjectShelf(tmp_path / "cache") as shelf:
        unused = [info.name for info in shelf.info() if info.last_used_seconds > 7 * day]
        assert unused == ["scaled"]
        assert shelf.prune(older_than=7 * day) == ("scaled",)
        assert sorted(shelf) == ["cleaned", "raw", "total", "wide"]
    assert ran(pipeline(tmp_path, [*MADE, *renamed]).run(reuse=True)) == []
