"""A run: its inputs, isolation, the release of objects, and going step by step."""

from __future__ import annotations

import gc
import logging
import pickle
import re
import weakref
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.run.nodes import Recorder, Thing, add_one, chain, failing, make

from linepipe_core import (
    MissingInputError,
    Node,
    NodeExecutionError,
    Pipeline,
    RegistryClosedError,
    Run,
    RunStateError,
    register_snapshot,
)


class TestInputs:
    """Checks before any node starts."""

    def test_missing_inputs_are_reported_all_at_once(self) -> None:
        """Each with the node that needs it, what is there by then, and the near match."""
        ran: list[int] = []
        nodes = [
            Node(lambda: ran.append(1), [], ["features"]),
            Node(add_one, ["features"], ["y"]),
            Node(add_one, ["featurs"], ["z"], name="train"),
            Node(add_one, ["other"], ["w"]),
            Node(add_one, ["w"], ["othr"]),
        ]
        with pytest.raises(MissingInputError) as caught:
            Pipeline(nodes, {"a": 1}, raw=1).run()
        assert ran == []
        assert caught.value.names == ("featurs", "other")
        assert str(caught.value) == (
            "2 problems\n"
            "  - nothing makes 'featurs', which node 3 'train' needs\n"
            "      available there: config, features, raw, y\n"
            "      did you mean 'features'?\n"
            "  - nothing makes 'other', which node 4 'add_one' needs\n"
            "      available there: config, features, raw, y, z\n"
            "  give them as constants: pipeline.bind(featurs=..., other=...)"
        )

    def test_missing_inputs_that_are_no_keywords_can_be_given_as_shown(self) -> None:
        """Behind two stars, together with the others."""
        pipeline = Pipeline([Node(max, ["a", "b c", "class"], ["y"])])
        with pytest.raises(MissingInputError) as caught:
            pipeline.run()
        call = str(caught.value).rpartition("constants: ")[2].replace("...", "1")
        assert eval(call, {"pipeline": pipeline}).run()["y"] == 1

    def test_missing_config_paths_are_reported_along_with_missing_inputs(self) -> None:
        """So that nobody mends the one to be told of the other."""
        nodes = [Node(add_one, ["x"], ["y"]), Node(add_one, ["config.wnd"], ["z"], name="train")]
        with pytest.raises(MissingInputError) as caught:
            Pipeline(nodes, {"wind": 1}).run()
        assert caught.value.names == ("x", "config.wnd")
        assert str(caught.value) == (
            "2 problems\n"
            "  - nothing makes 'x', which node 1 'add_one' needs\n"
            "      available there: config\n"
            "  - 'config' has no 'wnd', which node 2 'train' reads\n"
            "      available in 'config': wind\n"
            "      did you mean 'config.wind'?\n"
            "  give it as a constant: Pipeline(..., x=...) or pipeline.bind(x=...)"
        )

    def test_the_error_is_a_key_error_that_pickles(self) -> None:
        """And shows its message, not its repr."""
        with pytest.raises(KeyError) as caught:
            Pipeline([Node(add_one, ["x"], ["y"])]).run()
        assert str(caught.value).startswith("nothing makes 'x', which node 1 'add_one' needs\n")
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.names) == (str(caught.value), ("x",))


class TestIsolation:
    """Nobody spoils anybody's data. (Every kind of value: test_isolation.py.)"""

    def test_readers_get_copies_of_their_own(self) -> None:
        """Constants, made objects, and the next run's."""

        def spoil(items: list[int]) -> list[int]:
            items.append(0)
            return items

        nodes = [
            Node(spoil, ["items"], ["a"]),
            Node(spoil, ["items"], ["b"]),
            Node(spoil, ["a"], ["c"]),
            Node(spoil, ["a"], ["d"]),
        ]
        pipeline = Pipeline(nodes, items=[1])
        for _ in range(2):
            assert dict(pipeline.run()) == {"b": [1, 0], "c": [1, 0, 0], "d": [1, 0, 0]}

    def test_an_object_that_a_function_keeps_is_not_the_one_that_others_get(self) -> None:
        """A module global that it returns and changes later."""
        kept: list[int] = []

        def first() -> list[int]:
            kept.append(1)
            return kept

        def second() -> None:
            kept.append(2)

        result = Pipeline([Node(first, [], ["items"]), Node(second, [], [])]).run()
        assert result["items"] == [1]

    def test_an_object_named_twice_is_given_twice(self) -> None:
        """Two copies, also to its last reader."""

        def check(a: list[int], b: list[int]) -> bool:
            a.append(1)
            return b == [] and a is not b

        nodes = [Node(list, [], ["items"]), Node(check, ["items", "items"], ["apart"])]
        assert Pipeline(nodes).run()["apart"]

    def test_without_isolation_a_node_gets_the_object_itself(self) -> None:
        """On its promise not to change it."""
        seen: list[Any] = []
        nodes = [
            Node(lambda: [1], [], ["items"]),
            Node(seen.append, ["items"], [], name="one", isolate=False),
            Node(seen.append, ["items"], [], name="two", isolate=False),
        ]
        Pipeline(nodes).run()
        assert seen[0] is seen[1]


class TestRelease:
    """An intermediate object goes right after its last reader."""

    def test_after_its_last_reader(self) -> None:
        """Before the next node runs."""
        made: list[weakref.ref[Thing]] = []
        alive: list[bool] = []

        def read(thing: Thing) -> int:
            made.append(weakref.ref(thing))
            return 1

        def look(_: int) -> None:
            alive.append(made[0]() is not None)

        nodes = [Node(make, [], ["thing"]), Node(read, ["thing"], ["n"]), Node(look, ["n"], [])]
        Pipeline(nodes).run()
        assert alive == [False]

    def test_an_unwanted_output_goes_at_once(self) -> None:
        """When ``outputs=`` doesn't name it."""
        with chain(2).start(outputs=["v1"]) as run:
            for _ in run:
                pass
            assert run.registry.keys() == ["x", "v1"]

    def test_an_output_that_is_asked_for_is_kept(self) -> None:
        """Though somebody read it last."""
        with chain(3).start(outputs=["v1"]) as run:
            next(run)
            next(run)
            assert run.registry.keys() == ["x", "v1", "v2"]


class TestSteps:
    """start(): a run in one's own hands."""

    def test_each_turn_runs_one_node(self) -> None:
        """With its objects at hand in between."""
        with chain(2).start() as run:
            seen = []
            for step in run:
                seen.append((step.node.name, step.status, run.registry.get(f"v{step.index + 1}")))
        assert seen == [("add1", "ran", 1), ("add2", "ran", 2)]

    def test_next_node_is_the_one_that_runs_next(self) -> None:
        """None when all had theirs."""
        pipeline = chain(2)
        with pipeline.start() as run:
            order = []
            while node := run.next_node:
                order.append(node)
                assert next(run).node is node
            assert order == [pipeline["add1"], pipeline["add2"]]
            with pytest.raises(StopIteration):
                next(run)

    def test_finish_runs_the_rest(self) -> None:
        """And gives the result, as often as it is asked."""
        with chain(3).start() as run:
            next(run)
            result = run.finish()
            assert dict(result) == {"v3": 3}
            assert run.finish() is result

    def test_objects_can_be_replaced_between_steps(self) -> None:
        """The nodes to come read the new ones."""
        with chain(2).start() as run:
            next(run)
            run.registry.set("v1", 10)
            assert run.finish()["v2"] == 11

    @pytest.mark.parametrize("options", [{}, {"track_history": True}])
    def test_an_object_that_was_released_too_early_is_an_error(
        self, options: dict[str, Any]
    ) -> None:
        """And how to mend it, in place of a bare KeyError."""
        said = "'v1', which 'add2' needs, was released\n +release it after its last reader"
        with chain(2, **options).start() as run:
            next(run)
            run.registry.release("v1")
            with pytest.raises(MissingInputError, match=said):
                run.next_inputs()
            with pytest.raises(NodeExecutionError, match=said) as caught:
                run.finish()
        assert isinstance(caught.value.__cause__, MissingInputError)
        assert caught.value.__cause__.names == ("v1",)

    @pytest.mark.parametrize("is_cached", [False, True])
    @pytest.mark.parametrize("track_history", [False, True])
    def test_a_registry_that_was_closed_half_way_is_an_error(
        self, is_cached: bool, track_history: bool, tmp_path: Path
    ) -> None:
        """The error says which node that hit."""
        options = {"use_persistent_cache": is_cached, "cache_storage_path": str(tmp_path / "c")}
        with chain(2, track_history=track_history, **options).start() as run:
            next(run)
            run.registry.close()
            with pytest.raises(RegistryClosedError, match="before 'add2' could take its inputs"):
                run.next_inputs()
            with pytest.raises(NodeExecutionError, match="registry was closed before 'add2'"):
                run.finish()

    @pytest.mark.parametrize("options", [{}, {"track_history": True}])
    @pytest.mark.parametrize("n_readers", [1, 2])
    @pytest.mark.parametrize("args", [("x",), (), ([1],)])
    def test_a_key_error_of_a_copy_is_left_as_it_is(
        self, args: tuple[Any, ...], n_readers: int, options: dict[str, Any]
    ) -> None:
        """It's the object's own, not a missing name: also where it is the name's own string."""

        class Odd:
            pass

        def copied(odd: Odd) -> Odd:
            copies.append(odd)
            if len(copies) > 1:
                raise KeyError(*args)
            return odd

        copies: list[Odd] = []
        register_snapshot(Odd, copied)
        nodes = [Node(Odd, [], ["x"]), *([Node(id, ["x"], [])] * n_readers)]
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline(nodes, **options).run()
        assert type(caught.value.__cause__) is KeyError
        assert caught.value.__cause__.args == args

    def test_leaving_ends_it(self) -> None:
        """The registry is closed, and the rest can't be run any more."""
        with chain(2).start() as run:
            next(run)
        with pytest.raises(RegistryClosedError, match="its run has ended"):
            run.registry.get("x")
        assert run.next_node is None
        with pytest.raises(RunStateError, match="this run has ended before 'add2'"):
            run.finish()

    def test_an_abandoned_run_closes_its_registry(self) -> None:
        """Also without ``with``."""
        run = chain(2).start()
        next(run)
        registry = run.registry
        del run
        gc.collect()
        with pytest.raises(RegistryClosedError):
            registry.keys()

    def test_history_is_the_newest_finished_runs(self) -> None:
        """Each node's inputs and outputs."""
        pipeline = chain(2, track_history=True)
        pipeline.run()
        entries = pipeline.history
        assert [(e["node"], e["status"]) for e in entries] == [("add1", "ran"), ("add2", "ran")]
        assert dict(entries[1]["inputs"]) == {"v1": 1}
        assert dict(entries[1].outputs) == {"v2": 2}
        assert entries[0]["seconds"] >= 0
        assert list(entries[0]) == ["node", "inputs", "outputs", "seconds", "status"]
        entries.clear()
        pipeline.run().history.clear()
        pipeline.history.clear()
        assert len(pipeline.history) == 2
        entries = pipeline.history
        with pytest.raises(KeyError):
            entries[0]["other"]

    def test_history_is_not_spoiled_by_later_changes(self) -> None:
        """Of nodes, of callers, or of those who look."""

        def spoil(items: list[int]) -> list[int]:
            items.append(0)
            return items

        nodes = [Node(spoil, ["items"], ["a"]), Node(spoil, ["a"], ["b"])]
        pipeline = Pipeline(nodes, track_history=True, items=[])
        pipeline.run()["b"].append(9)
        pipeline.history[0]["inputs"]["items"].append(9)
        recorded = [(dict(e["inputs"]), dict(e["outputs"])) for e in pipeline.history]
        assert recorded == [({"items": []}, {"a": [0]}), ({"a": [0]}, {"b": [0, 0]})]


def test_the_log_has_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """And doesn't count the failed node as done."""
    with caplog.at_level(logging.INFO, "linepipe.run"), pytest.raises(NodeExecutionError):
        failing().run()
    lines = [re.sub(r"\d\.\d{3}", "0.000", record.getMessage()) for record in caplog.records]
    assert lines[-2:] == ["train failed: ValueError: bad 2", "1 of 3 nodes in 0.000 s"]


def test_a_run_shows_where_it_is() -> None:
    """At a prompt."""
    run = chain(2).start()
    assert repr(run) == "<Run: 0 of 2 nodes, next is add1>"
    next(run)
    assert repr(run) == "<Run: 1 of 2 nodes, next is add2>"
    run.finish()
    assert repr(run) == "<Run: 2 of 2 nodes, ended>"


def test_the_log_has_a_line_for_each_node(caplog: pytest.LogCaptureFixture) -> None:
    """With its seconds, at INFO."""
    with caplog.at_level(logging.INFO, "linepipe.run"):
        chain(2).run()
    lines = [re.sub(r"\d\.\d{3}", "0.000", record.getMessage()) for record in caplog.records]
    assert lines == [
        "running 2 nodes",
        "add1 ran in 0.000 s",
        "add2 ran in 0.000 s",
        "2 of 2 nodes in 0.000 s",
    ]


def grow(*parts: Any) -> list[Any]:
    """Changes what it gets, and returns some of it."""
    for part in parts:
        part.append(len(parts))
    return [*parts[:1], 1]


def count(*parts: Any) -> tuple[int, list[Any]]:
    return len(parts), [part.copy() for part in parts]


def trip(*parts: Any) -> None:
    raise ValueError(f"tripped over {len(parts)}")


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[Pipeline, tuple[str, ...] | None]:
    """Nodes that read lists and make lists, one of which may fail; and what to ask for."""
    nodes: list[Node] = []
    there = ["c"]
    for index in range(draw(st.integers(0, 7))):
        inputs = draw(st.lists(st.sampled_from([*there, "config.items"]), max_size=3))
        func, outputs = draw(
            st.sampled_from(
                [(grow, [f"g{index}"]), (count, [f"n{index}", f"l{index}"]), (trip, [])][
                    : 3 if draw(st.booleans()) else 2
                ]
            )
        )
        isolate = draw(st.booleans()) if func is count else True
        nodes.append(Node(func, inputs, outputs, name=f"f{index}", isolate=isolate))
        there += [name for name in outputs if not name.startswith("n")]
    pipeline = Pipeline(nodes, {"items": [0]}, c=[])
    made = [name for node in nodes for name in node.outputs]
    kept = draw(st.none() | st.lists(st.sampled_from(made), unique=True)) if made else None
    return pipeline, None if kept is None else tuple(kept)


def told(run: Run, n_steps: int = 0) -> tuple[Any, ...]:
    """The result of a run, or its failure, after so many single steps."""
    try:
        for _ in range(n_steps):
            next(run, None)
        result = run.finish()
    except NodeExecutionError as error:
        return str(error), error.inputs, [(s.node.name, s.status) for s in error.steps]
    return dict(result), [(s.node.name, s.status, s.seconds is None) for s in result.steps]


@given(pipelines(), st.integers(0, 7))
def test_however_it_is_run_it_is_the_same_run(
    made: tuple[Pipeline, tuple[str, ...] | None], n_steps: int
) -> None:
    """The loop for runs that nothing watches gives what the other one gives."""
    pipeline, outputs = made
    plain = told(pipeline.start(outputs=outputs))
    assert told(pipeline.start(outputs=outputs, hooks=[Recorder()])) == plain
    assert told(pipeline.start(outputs=outputs), n_steps) == plain
