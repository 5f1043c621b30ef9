"""``run(reuse=True)``: the nodes that run, those that do not, and the reasons."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest
from tests.core.reuse.chain import (
    CALLS,
    CHAIN,
    CONNECTED,
    SWITCH,
    called,
    clean,
    load,
    pipeline,
    ran,
    reasons,
    switch,
    total,
)

from linepipe_core import (
    Hook,
    Node,
    NodeExecutionError,
    Pipeline,
    RunStateError,
    Step,
    UnknownNameError,
    create_named_partial_function,
)
from linepipe_core._reuse.record import record_keys
from linepipe_core._store.store import Result, Store
from linepipe_core.shelf import ObjectShelf


def test_a_second_run_runs_nothing(tmp_path: Path) -> None:
    """Writers included; and the result is the same."""
    first = pipeline(tmp_path).run(reuse=True)
    assert ran(first) == ["load", "clean", "total", "write"] == CALLS
    assert {step.reasons for step in first.steps} == {("never ran",)}
    second = pipeline(tmp_path).run(reuse=True, outputs=["total"])
    assert ran(second) == []
    assert {step.status for step in second.steps} == {"reused"}
    assert {step.reasons for step in second.steps} == {("nothing changed",)}
    assert all(step.seconds is None for step in second.steps)
    assert second["total"] == 10


def test_a_plain_run_with_the_cache_leaves_records(tmp_path: Path) -> None:
    """So that the next one may reuse what it made; it gives no reasons."""
    assert {step.reasons for step in pipeline(tmp_path).run().steps} == {()}
    assert ran(pipeline(tmp_path).run(reuse=True)) == []
    assert ran(pipeline(tmp_path).run()) == ["load", "clean", "total", "write"]


def test_keyword_inputs_in_another_order_change_nothing(tmp_path: Path) -> None:
    """But which parameter gets what does."""
    for ways, expected in (
        ({"raw": "p", "limit": "q"}, ["clean"]),
        ({"limit": "q", "raw": "p"}, []),
        ({"limit": "p", "raw": "q"}, ["clean"]),
    ):
        nodes = [Node(clean, ways, ["cleaned"])]
        given = {"p": [1, 2] if ways["raw"] == "p" else 5, "q": 5 if ways["raw"] == "p" else [1, 2]}
        assert ran(pipeline(tmp_path, nodes, **given).run(reuse=True)) == expected


def test_an_unchanged_result_leaves_its_readers_fresh(tmp_path: Path) -> None:
    """Early cutoff: clean runs for another limit and makes the same."""
    pipeline(tmp_path, limit=20).run()
    result = pipeline(tmp_path, limit=30).run(reuse=True)
    assert ran(result) == ["clean"]
    assert reasons(result, "clean") == ("config.limit changed: 20 -> 30",)


def test_all_reasons_are_given(tmp_path: Path) -> None:
    """Not only the first one found."""
    pipeline(tmp_path).run()
    nodes = [CHAIN[0], Node(total, ["raw"], ["cleaned"], name="clean"), *CHAIN[2:]]
    result = pipeline(tmp_path, nodes, n=11)
    plan = result.plan(rerun=["clean"])
    assert plan[1].reasons == (
        "asked for by rerun",
        "inputs changed: raw, config.limit -> raw",
        "its code changed",
    )


def test_values_of_other_types_differ(tmp_path: Path) -> None:
    """5, 5.0, "5" and True are four values."""
    for limit in (5, 5.0, True):
        assert "clean" in ran(pipeline(tmp_path, limit=limit).run(reuse=True)), limit


def test_a_config_text_that_may_be_a_secret_is_not_shown(tmp_path: Path) -> None:
    """The old one was a URL."""
    nodes = [Node(len, ["config.url"], ["length"])]
    pipeline(tmp_path, nodes).run()
    other = Pipeline(
        nodes, {"url": "secret"}, use_persistent_cache=True, cache_storage_path=tmp_path / "cache"
    )
    assert other.plan()[0].reasons == ("config.url changed",)


def test_a_changed_leaf_of_a_whole_config_value_is_named(tmp_path: Path) -> None:
    """Of a model or a mapping, with the old value and the new one."""

    class Training(pydantic.BaseModel):
        rate: float = 0.1
        deep: dict[str, Any] = {"depth": 3, "words": ["a"]}

    def flow_of(training: Training) -> Pipeline:
        return Pipeline(
            [Node(lambda training: 1, ["config.training"], ["made"], name="train")],
            {"training": training},
            use_persistent_cache=True,
            cache_storage_path=tmp_path / "cache",
        )

    flow_of(Training()).run(reuse=True)
    assert ran(flow_of(Training()).run(reuse=True)) == []
    assert flow_of(Training(rate=0.2)).plan()[0].reasons == (
        "config.training.rate changed: 0.1 -> 0.2",
    )
    other = Training(deep={"depth": 4, "words": ["b"], "more": 1})
    assert flow_of(other).plan()[0].reasons == (
        "config.training.deep.depth changed: 3 -> 4",
        "config.training.deep.words changed: ['a'] -> ['b']",
        "config.training.deep.more is new",
    )


def test_a_config_leaf_that_nobody_reads_changes_nothing(tmp_path: Path) -> None:
    """Only what is read counts."""
    nodes = [Node(clean, ["raw", "config.limit"], ["cleaned"])]
    for other in (1, 2):
        config = {"limit": 3, "other": other}
        made = Pipeline(
            nodes, config, use_persistent_cache=True, cache_storage_path=tmp_path / "c", raw=[1]
        ).run(reuse=True)
    assert ran(made) == []


def test_rerun_and_always_run(tmp_path: Path) -> None:
    """Whatever is fresh; what is downstream runs only for another result."""
    pipeline(tmp_path).run()
    again = pipeline(tmp_path).run(reuse=True, rerun=["load", "write"])
    assert ran(again) == ["load", "write"]
    assert reasons(again, "load") == ("asked for by rerun",)
    nodes = [Node(load, ["n"], ["raw"], always_run=True), *CHAIN[1:]]
    always = pipeline(tmp_path, nodes).run(reuse=True)
    assert ran(always) == ["load"]
    assert reasons(always, "load") == ("always_run",)


def test_an_unknown_rerun_is_refused(tmp_path: Path) -> None:
    """Before anything runs; a bare string too."""
    with pytest.raises(UnknownNameError, match="did you mean 'load'"):
        pipeline(tmp_path).run(reuse=True, rerun=["laod"])
    with pytest.raises(TypeError, match=r"write rerun=\['load'\]"):
        pipeline(tmp_path).plan(rerun="load")  # type: ignore[arg-type]  # the point
    assert CALLS == []


def test_reuse_needs_the_persistent_cache() -> None:
    """And the error says how to mend it."""
    memory = Pipeline(CHAIN, {"limit": 1}, n=1)
    for ask in (lambda: memory.run(reuse=True), memory.plan):
        with pytest.raises(RunStateError, match="use_persistent_cache=True"):
            ask()


def test_a_failed_run_goes_on_where_it_failed(tmp_path: Path) -> None:
    """Nodes that ran before are reused; the failed node and those after it run."""

    def brittle(cleaned: list[int]) -> int:
        if switch("broken", True):
            raise ValueError("broken")
        return len(cleaned)

    nodes = [*CHAIN[:2], Node(brittle, ["cleaned"], ["total"]), CHAIN[3]]
    with pytest.raises(NodeExecutionError):
        pipeline(tmp_path, nodes).run()
    SWITCH["broken"] = False
    assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == ["brittle", "write"]


def test_a_node_that_failed_is_not_fresh(tmp_path: Path) -> None:
    """A node that ran and failed leaves its older record and output as they were."""
    pipeline(tmp_path).run()
    broken = [*CHAIN[:2], Node(lambda cleaned: 1 / 0, ["cleaned"], ["total"]), CHAIN[3]]
    with pytest.raises(NodeExecutionError):
        pipeline(tmp_path, broken).run(reuse=True)
    assert ran(pipeline(tmp_path).run(reuse=True)) == []


def test_a_removed_object_is_made_again(tmp_path: Path) -> None:
    """And the reason names it."""
    pipeline(tmp_path).run()
    with ObjectShelf(tmp_path / "cache") as shelf:
        del shelf["cleaned"]
    result = pipeline(tmp_path).run(reuse=True)
    assert ran(result) == ["clean"]
    assert reasons(result, "clean") == ("cleaned is gone from the shelf",)


def test_a_replaced_object_is_made_again(tmp_path: Path) -> None:
    """Somebody wrote another one: the record doesn't speak of it."""
    pipeline(tmp_path).run()
    with ObjectShelf(tmp_path / "cache") as shelf:
        shelf["cleaned"] = [99]
    result = pipeline(tmp_path).run(reuse=True)
    assert reasons(result, "clean") == ("cleaned was replaced on the shelf",)
    assert ran(result) == ["clean"]


def test_a_damaged_buffer_is_made_again(tmp_path: Path) -> None:
    """An object whose bytes are cut short counts as missing."""
    nodes = [Node(np.arange, ["n"], ["array"]), Node(len, ["array"], ["length"], name="measure")]
    pipeline(tmp_path, nodes, n=500_000).run()
    for file in (tmp_path / "cache" / "buffers").iterdir():
        file.write_bytes(b"short")
    result = pipeline(tmp_path, nodes, n=500_000).run(reuse=True, rerun=["measure"])
    assert ran(result) == ["arange", "measure"]
    assert result["length"] == 500_000


def test_two_pipelines_on_one_path_keep_out_of_each_others_way(tmp_path: Path) -> None:
    """Same object, made in two ways: each in turn goes back to its own, and says so."""

    def halve(raw: list[int]) -> list[int]:
        return raw[::2]

    one = pipeline(tmp_path)
    other = pipeline(tmp_path, [CHAIN[0], Node(halve, ["raw"], ["cleaned"])])
    one.run(reuse=True)
    assert ran(other.run(reuse=True)) == ["halve"]
    again = one.run(reuse=True)
    assert ran(again) == []
    assert reasons(again, "clean")[0].startswith("as made on 20")
    assert ran(other.run(reuse=True)) == []
    full = Pipeline(CHAIN, {"limit": 5}, n=10).run(outputs=["total"])
    assert one.run(reuse=True, outputs=["total"])["total"] == full["total"]


def test_pipelines_grow_shrink_and_are_reordered(tmp_path: Path) -> None:
    """The nodes that they have in common stay fresh."""
    pipeline(tmp_path, CHAIN[:2]).run(reuse=True)
    side = Node(max, ["raw"], ["highest"])
    grown = [CHAIN[0], side, *CHAIN[1:]]
    assert ran(pipeline(tmp_path, grown).run(reuse=True)) == ["max", "total", "write"]
    moved = [CHAIN[0], *CHAIN[1:3], side, CHAIN[3]]
    assert ran(pipeline(tmp_path, moved).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, CHAIN[:1]).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, grown).run(reuse=True)) == []


def test_a_slice_reads_what_the_whole_made(tmp_path: Path) -> None:
    """And the other way round."""
    whole = pipeline(tmp_path)
    whole.run()
    assert ran(whole.from_nodes("total").run(reuse=True)) == []
    assert ran(whole.to_outputs("cleaned").run(reuse=True)) == []
    ObjectShelf(tmp_path / "cache").__setitem__("cleaned", [1, 2])
    assert ran(whole.from_nodes("total").run(reuse=True)) == ["total", "write"]


def test_writers_of_the_same_objects_have_separate_records(tmp_path: Path) -> None:
    """Two writers made of one function."""

    def save(total: int, table: str) -> None:
        called(table)

    def nodes(second: str) -> list[Node]:
        names = ("a", second)
        writers = [create_named_partial_function(save, f"save_{n}", table=n) for n in names]
        return [*CHAIN[:3], *(Node(writer, ["total"], []) for writer in writers)]

    pipeline(tmp_path, nodes("b")).run(reuse=True)
    assert ran(pipeline(tmp_path, nodes("b")).run(reuse=True)) == []
    changed = pipeline(tmp_path, nodes("c")).run(reuse=True)
    assert ran(changed) == ["save_c"]
    assert reasons(changed, "save_c") == ("bound argument table changed: 'b' -> 'c'",)


@pytest.mark.parametrize("n_before", range(5))
def test_another_runs_objects_are_not_taken(tmp_path: Path, n_before: int) -> None:
    """Another run on the same path, with another config, at any moment of this one."""
    kept = ["raw", "cleaned", "total"]
    expected = dict(pipeline(tmp_path).run(outputs=kept))
    with pipeline(tmp_path).start(reuse=True, rerun=["total"], outputs=kept) as run:
        for _ in range(n_before):
            next(run)
        pipeline(tmp_path, n=3).run()
        assert dict(run.finish()) == expected
    assert dict(pipeline(tmp_path).run(reuse=True, outputs=kept)) == expected


def test_an_object_that_is_lost_before_its_turn_is_made_again(tmp_path: Path) -> None:
    """Judged fresh when the run starts, gone when its turn comes; its readers stay fresh."""
    pipeline(tmp_path).run()
    with pipeline(tmp_path).start(reuse=True, outputs=["cleaned"]) as run:
        with ObjectShelf(tmp_path / "cache") as shelf:
            del shelf["cleaned"]
        result = run.finish()
    assert ran(result) == ["clean"]
    assert reasons(result, "clean") == ("cleaned was just replaced on the shelf, or removed",)
    assert result["cleaned"] == [0, 1, 2, 3, 4]


def test_a_free_object_is_read_as_it_was_when_the_run_started(tmp_path: Path) -> None:
    """And that is what the record says of it."""
    nodes = [Node(total, ["cleaned"], ["total"])]
    with ObjectShelf(tmp_path / "cache") as shelf:
        shelf["cleaned"] = [1, 2]
    with pipeline(tmp_path, nodes).start(reuse=True) as run:
        with ObjectShelf(tmp_path / "cache") as shelf:
            shelf["cleaned"] = [1, 2, 3]
        assert run.finish()["total"] == 3
    again = pipeline(tmp_path, nodes).run(reuse=True)
    assert ran(again) == ["total"]
    assert again["total"] == 6


def test_inputs_are_fingerprinted_before_a_node_runs(tmp_path: Path) -> None:
    """A node that spoils its input leaves a record of what it got."""

    def spoil(raw: list[int]) -> int:
        raw.append(1)
        return len(raw)

    nodes = [CHAIN[0], Node(spoil, ["raw"], ["n_raw"]), Node(spoil, ["given"], ["n_given"])]
    pipeline(tmp_path, nodes, given=[1]).run(reuse=True)
    assert ran(pipeline(tmp_path, nodes, given=[1]).run(reuse=True)) == []


def test_an_object_put_in_by_hand_counts(tmp_path: Path) -> None:
    """Between two steps, and the nodes that read it run."""
    pipeline(tmp_path).run()
    with pipeline(tmp_path).start(reuse=True) as run:
        next(run)
        run.registry.set("raw", [1, 2])
        result = run.finish()
    assert ran(result) == ["clean", "total", "write"]
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert shelf["total"] == 3
    # What was made of the loaded one is on the shelf still; what was written isn't.
    assert ran(pipeline(tmp_path).run(reuse=True)) == ["load", "write"]


def test_hooks_see_reasons_and_reused_nodes(tmp_path: Path) -> None:
    """Before a node's turn, and after it."""
    seen: list[tuple[str, str, tuple[str, ...]]] = []

    class Watch(Hook):
        def before_node(self, step: Step) -> None:
            seen.append((step.node.name, step.status, step.reasons))

        def after_node(self, step: Step) -> None:
            seen.append((step.node.name, step.status, step.reasons))

    pipeline(tmp_path, CHAIN[:1]).run()
    pipeline(tmp_path, CHAIN[:1]).run(reuse=True, hooks=[Watch()])
    why = ("nothing changed",)
    assert seen == [("load", "running", why), ("load", "reused", why)]


def test_history_says_what_was_reused(tmp_path: Path) -> None:
    """With the objects it would have made."""
    nodes = [*CHAIN[:2], *CONNECTED]
    for _ in range(2):
        made = Pipeline(
            nodes,
            {"limit": 5, "url": "u"},
            track_history=True,
            use_persistent_cache=True,
            cache_storage_path=tmp_path / "cache",
            n=10,
        )
        made.run(reuse=True)
    assert [entry.status for entry in made.history] == ["reused"] * 5
    assert made.history[1].outputs["cleaned"] == [0, 1, 2, 3, 4]
    assert made.history[3].inputs.keys() == set()  # the connection wasn't made


def test_a_record_of_another_format_counts_as_none(tmp_path: Path) -> None:
    """Of a version to come, or spoilt; an older one that can be read counts."""
    keys = record_keys(CHAIN[:3], {})

    def spoil() -> None:
        with Store(tmp_path / "cache") as store:
            for key, text in zip(keys, ("nonsense", "[99]", "{}"), strict=True):
                with store.draft({}) as draft:
                    store.write(draft, Result(key, text))

    spoil()
    plan = pipeline(tmp_path).plan()
    assert [entry.reasons for entry in plan[:3]] == [("never ran",)] * 3
    pipeline(tmp_path).run()
    spoil()
    assert ran(pipeline(tmp_path).run(reuse=True)) == []


def test_reused_inputs_log_nothing_but_their_turn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each node, at INFO."""
    pipeline(tmp_path).run()
    with caplog.at_level(logging.INFO, "linepipe.run"):
        pipeline(tmp_path).run(reuse=True)
    assert "total reused" in caplog.messages
