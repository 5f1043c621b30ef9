"""Going back to an older config, input or code reuses what was made then."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.reuse.chain import CALLS, CHAIN, called, pipeline, ran, reasons
from tests.trying import examples

from linepipe_core import Node, Pipeline
from linepipe_core.shelf import ObjectShelf

MADE = CHAIN[:3]
MAX_VERSIONS = 3  # in the walks: fewer than usual, so that some leave


def test_going_back_reuses_what_was_made_then(tmp_path: Path) -> None:
    """The plan says when it was made; a run makes it the current one, a plan doesn't."""
    for limit in (5, 7):
        pipeline(tmp_path, MADE, limit=limit).run(reuse=True)
    back = pipeline(tmp_path, MADE, limit=5)
    plan = back.plan()
    assert [entry.action for entry in plan] == ["reuse"] * 3
    (reason,) = plan[1].reasons
    assert re.fullmatch(r"as made on \d{4}-\d\d-\d\d \d\d:\d\d", reason)
    assert reason.kind == "nothing_changed"
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert shelf["total"] == 21
    result = back.run(reuse=True)
    assert (ran(result), result["total"]) == ([], 10)
    assert reasons(result, "clean") == plan[1].reasons
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert shelf["total"] == 10
    assert back.plan()[1].reasons == ("nothing changed",)


@pytest.mark.parametrize("seconds", [0.0, 3600.0, -3600.0])
def test_a_version_of_any_age_becomes_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Whatever the clock says; and it is then the one that was used last."""
    for limit in (5, 7):
        pipeline(tmp_path, MADE, limit=limit).run(reuse=True)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    assert ran(pipeline(tmp_path, MADE, limit=5).run(reuse=True)) == []
    with ObjectShelf(tmp_path / "cache") as shelf:
        assert shelf["total"] == 10
        (info,) = (info for info in shelf.info() if info.name == "total")
    assert info.n_versions == 2
    assert info.last_used_seconds < 600


@pytest.mark.parametrize("seconds", [0.0, 3600.0])
def test_a_partition_takes_a_version_and_leaves_the_other_partition_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """The names of the one that made it give what they gave."""
    may = pipeline(tmp_path, MADE).replace(partition="may")
    june = may.replace(partition="june")
    for limit in (5, 7):
        may.replace(config={"limit": limit}).run(reuse=True)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)
    assert ran(june.replace(config={"limit": 5}).run(reuse=True)) == []
    for cached, total in ((may, 21), (june, 10)):
        with cached.get_obj_registry() as registry:
            assert registry.get("total") == total


def test_each_of_five_settings_is_found_again(tmp_path: Path) -> None:
    """Round and round, also by inputs; a sixth goes in the place of the least lately used."""
    limits = (1, 2, 3, 4, 5)
    for limit in limits:
        pipeline(tmp_path, MADE, limit=limit).run(reuse=True)
    for limit in limits * 2:
        again = pipeline(tmp_path, MADE, limit=limit).run(reuse=True)
        assert (ran(again), again["total"]) == ([], sum(range(limit)))
    pipeline(tmp_path, MADE, limit=6).run(reuse=True)
    assert ran(pipeline(tmp_path, MADE, limit=5).run(reuse=True)) == []
    n_made = sum(
        ran(pipeline(tmp_path, MADE, limit=limit).run(reuse=True)) == [] for limit in (6, 5)
    )
    assert n_made == 2


def test_fewer_versions_can_be_kept(tmp_path: Path) -> None:
    """The number is kept with the shelf; 1 keeps only the newest."""
    with ObjectShelf(tmp_path / "cache") as shelf:
        shelf.max_versions = 1
    for limit in (5, 7, 5):
        assert "clean" in ran(pipeline(tmp_path, MADE, limit=limit).run(reuse=True))


def test_a_node_goes_back_to_older_code(tmp_path: Path) -> None:
    """A branch and back."""

    def halve(raw: list[int], limit: int) -> list[int]:
        called("halve")
        return raw[::2]

    other = [CHAIN[0], Node(halve, ["raw", "config.limit"], ["cleaned"]), CHAIN[2]]
    for nodes, expected in ((MADE, 10), (other, 20), (MADE, 10), (other, 20)):
        assert pipeline(tmp_path, nodes).run(reuse=True)["total"] == expected
    assert CALLS[-3:] != []
    CALLS.clear()
    assert pipeline(tmp_path, MADE).run(reuse=True)["total"] == 10
    assert CALLS == []


def test_what_lies_outside_never_goes_back(tmp_path: Path) -> None:
    """Writers, nodes with an effect, and what always runs."""
    nodes = [
        *MADE,
        Node(lambda total: called("w"), ["total"], [], name="writer"),
        Node(lambda total: "token", ["total"], ["token"], name="effect", effect=True),
        Node(lambda total: total, ["total"], ["always"], name="always", always_run=True),
    ]
    for limit in (5, 7, 5, 7):
        result = pipeline(tmp_path, nodes, limit=limit).run(reuse=True)
        assert {"writer", "effect", "always"} <= set(ran(result))


def test_a_reader_reads_the_version_that_its_maker_went_back_to(tmp_path: Path) -> None:
    """Also when it runs for the first time."""
    for limit in (5, 7):
        pipeline(tmp_path, MADE, limit=limit).run(reuse=True)
    more = [*MADE, Node(lambda cleaned: len(cleaned), ["cleaned"], ["n_rows"], name="count")]
    result = pipeline(tmp_path, more, limit=5).run(reuse=True)
    assert (ran(result), result["n_rows"]) == (["count"], 5)


@pytest.mark.parametrize("keep", [1, 2])
def test_pruned_versions_are_made_again(tmp_path: Path, keep: int) -> None:
    """What is still on the shelf isn't."""
    for limit in (3, 5, 7):
        pipeline(tmp_path, MADE, limit=limit).run(reuse=True)
    with ObjectShelf(tmp_path / "cache") as shelf:
        shelf.prune(versions=keep)
    assert ran(pipeline(tmp_path, MADE, limit=7).run(reuse=True)) == []
    again = pipeline(tmp_path, MADE, limit=5).run(reuse=True)
    assert (ran(again) == []) == (keep == 2)
    assert "clean" in ran(pipeline(tmp_path, MADE, limit=3).run(reuse=True))


# --- a random walk ----------------------------------------------------------------------------

FUNCTIONS: list[Callable[..., int]] = [
    lambda x, c: x + c,
    lambda x, c: x * c,
    lambda x, c: min(x, c),
]

states = st.fixed_dictionaries(
    {
        "code": st.tuples(*[st.integers(0, 2)] * 3),
        "config": st.tuples(*[st.integers(1, 2)] * 3),
        "x": st.integers(0, 1),
    }
)


def built(state: dict[str, Any], **options: Any) -> Pipeline:
    nodes = [
        Node(
            FUNCTIONS[code],
            ["x" if place == 0 else f"o{place - 1}", f"config.c{place}"],
            [f"o{place}"],
            name=f"n{place}",
        )
        for place, code in enumerate(state["code"])
    ]
    nodes.append(Node(lambda o2: None, ["o2"], [], name="write"))
    config = {f"c{place}": c for place, c in enumerate(state["config"])}
    return Pipeline(nodes, config, x=state["x"], **options)


class Kept:
    """A model of what the shelf keeps of one node: what each result was made from, and its use."""

    def __init__(self) -> None:
        self.used: dict[tuple[Any, ...], float] = {}

    def use(self, made_from: tuple[Any, ...], now: float) -> bool:
        """Make or reuse a result. Returns True if it was there."""
        was_there = made_from in self.used
        self.used[made_from] = now
        self.keep(MAX_VERSIONS)
        return was_there

    def keep(self, n: int) -> None:
        """Keep as many as this, the last used."""
        lately = sorted(self.used, key=lambda each: -self.used[each])
        self.used = {each: self.used[each] for each in lately[:n]}

    def forget(self, before: float) -> None:
        """Keep what was used since then."""
        self.used = {each: used for each, used in self.used.items() if used >= before}


steps_of_a_walk = st.lists(
    st.one_of(
        *[st.tuples(st.just("run"), st.integers(0, 5))] * 4,
        st.tuples(st.sampled_from(["keep", "forget"]), st.integers(1, 3)),
    ),
    min_size=2,
    max_size=20,
)


@examples(40)
@given(st.lists(states, min_size=1, max_size=6), steps_of_a_walk)
def test_a_walk_forward_and_back_is_always_right_and_never_twice(
    tmp_path_factory: pytest.TempPathFactory,
    visited: list[dict[str, Any]],
    walk: list[tuple[str, int]],
) -> None:
    """It gives what a full run gives; the plan equals the run; what is there isn't made again."""
    path = tmp_path_factory.mktemp("walk") / "cache"
    with ObjectShelf(path) as shelf:
        shelf.max_versions = MAX_VERSIONS
    kept = [Kept(), Kept(), Kept()]
    written: Any = None
    is_first = True
    start = time.time()
    for place, (what, number) in enumerate(walk, 1):
        now = start + 1000.0 * place  # each use is written down
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda now=now: now)
            if what == "run":
                state = visited[number % len(visited)]
                written, is_first = walked(path, state, kept, now, written, is_first), False
            else:
                with ObjectShelf(path) as shelf:
                    if what == "keep":
                        shelf.prune(versions=number)
                    else:
                        shelf.prune(older_than=1000.0 * number + 1)
                for each in kept:
                    if what == "keep":
                        each.keep(number)
                    else:
                        each.forget(now - 1000.0 * number - 1)


def walked(
    path: Path, state: dict[str, Any], kept: list[Kept], now: float, written: Any, is_first: bool
) -> Any:
    """Run a state and compare it with the model. Returns what the writer was given last."""
    cached = built(state, use_persistent_cache=True, cache_storage_path=path)
    plan = cached.plan()
    result = cached.run(reuse=True, outputs=["o0", "o1", "o2"])
    full = built(state).run(outputs=["o0", "o1", "o2"])
    assert dict(result) == dict(full)
    for entry, turn in zip(plan, result.steps, strict=True):
        assert entry.action in ("maybe", {"ran": "run"}.get(turn.status, "reuse"))
        if entry.action != "maybe":
            assert entry.reasons == turn.reasons
    value = state["x"]
    for place, turn in enumerate(result.steps[:3]):
        was_there = kept[place].use((state["code"][place], state["config"][place], value), now)
        assert turn.status == ("reused" if was_there else "ran")
        value = full[f"o{place}"]
    if result.steps[3].status == "reused":
        assert not is_first
        assert written == value
    elif written == value:  # its record was pruned
        assert result.steps[3].reasons == ("never ran",)
    return value


@examples(15)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 2)), max_size=12))
def test_two_pipelines_on_one_path_never_displace_each_other(
    tmp_path_factory: pytest.TempPathFactory, walk: list[tuple[int, int]]
) -> None:
    """Below the limit: nothing that one of them made runs again, in whatever turns they run."""

    def keep_from(raw: list[int], limit: int) -> list[int]:
        return [x for x in raw if x >= limit]

    path = tmp_path_factory.mktemp("two")
    other = [
        CHAIN[0],
        Node(keep_from, ["raw", "config.limit"], ["cleaned"], name="clean"),
        CHAIN[2],
    ]
    made: set[tuple[int, int]] = set()
    for which, limit in walk:
        result = pipeline(path, (MADE, other)[which], limit=limit).run(reuse=True)
        assert result["total"] == sum((range(limit), range(limit, 10))[which])
        assert ("clean" in ran(result)) == ((which, limit) not in made)
        made.add((which, limit))
