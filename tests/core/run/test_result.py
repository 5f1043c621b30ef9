"""A run's result: its values, steps and tables."""

from __future__ import annotations

import io
import pickle
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.core.run.job import job, load, train
from tests.core.run.nodes import chain, make

from linepipe_core import (
    Hook,
    Node,
    Pipeline,
    RunResult,
    Step,
    UnknownNameError,
)


class TestResult:
    """RunResult."""

    def test_gives_the_outputs_that_nobody_reads(self) -> None:
        """A read-only mapping."""
        result = chain(3).run()
        assert dict(result) == {"v3": 3}
        assert (len(result), list(result), "v3" in result, "v2" in result) == (
            1,
            ["v3"],
            True,
            False,
        )
        with pytest.raises(TypeError):
            result["v3"] = 1  # type: ignore[index]  # read-only
        with pytest.raises(KeyError):
            result["v2"]
        assert result.get("v2") is None

    def test_says_how_to_get_an_object_that_it_was_not_asked_for(self) -> None:
        """Looking for an intermediate object is everybody's first mistake."""
        result = chain(3).run()
        with pytest.raises(UnknownNameError) as caught:
            result["v2"]
        assert str(caught.value) == (
            "no output is called 'v2'\n"
            "  there are: v3\n"
            "  a node made it, others read it: ask for it with run(outputs=['v2'])"
        )
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        with pytest.raises(UnknownNameError, match=r"did you mean 'v3'\?"):
            result["v33"]

    def test_gives_the_outputs_asked_for(self) -> None:
        """Also those that somebody reads, in the order asked for."""
        assert dict(chain(3).run(outputs=["v2", "v1"])) == {"v2": 2, "v1": 1}
        assert dict(chain(3).run(outputs=[])) == {}

    def test_writers_take_nothing_out_of_it(self) -> None:
        """What a node with outputs reads isn't in it; what only writers read is."""
        written: list[Any] = []
        nodes = [
            *chain(2).nodes,
            Node(written.append, ["v2"], [], name="write"),
            Node(written.append, ["v1"], [], name="write v1"),
        ]
        pipeline = Pipeline(nodes, x=0)
        assert pipeline.outputs == ("v2",)
        assert dict(pipeline.run()) == {"v2": 2}
        assert dict(pipeline.run(outputs=["v1"])) == {"v1": 1}
        assert dict(pipeline.run(outputs=[])) == {}
        assert written == [2, 1] * 3

    def test_nothing_runs_only_to_be_in_it(self, tmp_path: Path) -> None:
        """What can't be kept and only a reused writer read isn't made again for the result."""
        made: list[int] = []

        def make_live() -> Any:
            made.append(1)
            return lambda: 1

        def write(live: Any) -> None: ...

        pipeline = Pipeline(
            [Node(make_live, [], ["live"]), Node(write, ["live"], [])],
            use_persistent_cache=True,
            cache_storage_path=tmp_path / "shelf",
        )
        assert list(pipeline.run(reuse=True)) == ["live"]
        again = pipeline.run(reuse=True)
        assert [step.status for step in again.steps] == ["reused", "reused"]
        assert dict(again) == {}
        assert made == [1]

    def test_is_always_true(self) -> None:
        """Also where nothing is in it."""
        assert Pipeline([]).run()
        assert chain(1).run(outputs=[])

    def test_steps_say_when_they_began(self) -> None:
        """In local time, with its zone."""
        before = datetime.now().astimezone()
        first, second = chain(2).run().steps
        assert first.started is not None
        assert second.started is not None
        slack = timedelta(milliseconds=50)  # of two clocks
        assert before - slack <= first.started <= second.started
        assert second.started <= datetime.now().astimezone() + slack
        assert first.started.tzinfo is not None
        assert pickle.loads(pickle.dumps(first)).started == first.started
        assert Step(first.node, 0, "pending").started is None

    @pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
    def test_prints_on_any_encoding(self, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Names that the terminal hasn't the letters for are shown escaped."""
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
        result = Pipeline([Node(make, [], ["größe→"], name="größe→")]).run()
        print(result)
        sys.stdout.flush()
        shown = raw.getvalue().decode(encoding)
        assert ("größe→" if encoding == "utf-8" else "\\u2192") in shown

    def test_cells_and_reasons_are_bounded(self) -> None:
        """And escaped, so that each node is one row."""
        name = "n\n" * 1000
        lines = str(Pipeline([Node(make, [], [name], name=name)]).run()).splitlines()
        assert len(lines) == 5
        assert max(map(len, lines)) < 300

    def test_an_unknown_output_is_an_error_before_anything_runs(self) -> None:
        """With the choices and the near match."""
        ran: list[int] = []
        pipeline = Pipeline([Node(lambda: ran.append(1), [], ["done"])])
        with pytest.raises(UnknownNameError, match=r"no output is called 'dome'(.|\n)*'done'"):
            pipeline.run(outputs=["dome"])
        with pytest.raises(TypeError, match=re.escape("write outputs=['done']")):
            pipeline.run(outputs="done")  # type: ignore[arg-type]  # the point
        assert ran == []

    def test_gives_the_same_object_each_time(self) -> None:
        """Looking twice is looking at one thing."""
        result = Pipeline([Node(make, [], ["thing"])]).run()
        assert result["thing"] is result["thing"]

    def test_has_a_step_for_each_node(self) -> None:
        """Node, place, status and seconds."""
        result = chain(2).run()
        assert [(s.node.name, s.index, s.status) for s in result.steps] == [
            ("add1", 0, "ran"),
            ("add2", 1, "ran"),
        ]
        for step in result.steps:
            assert step.seconds is not None
            assert 0 <= step.seconds <= result.seconds
            assert (step.memory, step.reasons) == (None, ())

    def test_prints_as_a_table(self) -> None:
        """A row for each node, and the outputs."""
        text = re.sub(r"\d\.\d{3}", "0.000", str(chain(2).run()))
        assert text == (
            "   node  status  seconds  reasons\n"
            "1  add1  ran     0.000\n"
            "2  add2  ran     0.000\n"
            "\n"
            "0.000 s in all; outputs:\n"
            "  v2"
        )
        assert repr(chain(2).run()).startswith("<RunResult: 2 ran in 0.")

    def test_of_an_empty_pipeline_is_empty(self) -> None:
        """Nothing to run is no error."""
        result = Pipeline([]).run()
        assert (dict(result), result.steps) == ({}, ())
        assert "(none)" in str(result)

    def test_threads_that_look_at_the_steps_see_the_same(self) -> None:
        """Also where nobody has looked before, and they are made only now."""
        n_nodes, pipeline = 2_000, chain(2_000)
        barrier = threading.Barrier(2)

        def look(result: RunResult) -> list[int]:
            barrier.wait(60)
            return [step.index for step in result.steps]

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            with ThreadPoolExecutor(2) as pool:
                for _ in range(20):
                    looks = [pool.submit(look, result) for result in [pipeline.run()] * 2]
                    for each in looks:
                        assert each.result() == list(range(n_nodes))
        finally:
            sys.setswitchinterval(interval)


def test_profiled_results_show_their_memory() -> None:
    """In the table that a result prints as; others have no such columns."""
    pytest.importorskip("linepipe_profile")
    plain = Pipeline([Node(load, [], ["rows"])])
    profiled = Pipeline([Node(load, [], ["rows"], profile=True), Node(len, ["rows"], ["n"])])
    assert "peak MiB" not in str(plain.run())
    lines = str(profiled.run()).splitlines()
    assert lines[0].split() == [
        "node",
        "status",
        "seconds",
        "growth",
        "MiB",
        "peak",
        "MiB",
        "reasons",
    ]
    assert len(lines[1].split()) == 6
    assert len(lines[2].split()) == 4


class Printer:
    """IPython's printer, as far as it is used."""

    def __init__(self) -> None:
        self.printed = ""

    def text(self, words: str) -> None:
        self.printed += words


def test_results_and_plans_print_as_tables_in_ipython(tmp_path: Path) -> None:
    """Also where nothing is installed that draws tables."""
    pipeline = job(train, use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")
    for thing in (pipeline.plan(), pipeline.run()):
        printer = Printer()
        thing._repr_pretty_(printer, False)
        assert printer.printed == str(thing)
        lines = printer.printed.splitlines()
        assert [line.split()[:2] for line in lines[1:4]] == [
            ["1", "load"],
            ["2", "train"],
            ["3", "report"],
        ]


def test_a_result_lists_hooks_that_were_put_aside() -> None:
    """With what they raised."""

    class Broken(Hook):
        def before_node(self, step: Step) -> None:
            raise RuntimeError("no such progress bar")

    result = job(train).run(hooks=[Broken()])
    assert str(result).endswith(
        "hooks put aside:\n  <FailedHook Broken.before_node: RuntimeError: no such progress bar>"
    )
