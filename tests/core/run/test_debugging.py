"""The debugger inside a node and where it failed, typed at on a real terminal."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.core.terminal import Terminal

from linepipe_core import (
    Breakpoint,
    Node,
    NodeDefinitionError,
    NodeExecutionError,
    Pipeline,
    PostMortem,
    RunStateError,
    UnknownNameError,
)

PDB = "(Pdb) "
REPL = ">>> "

JOB = """
from linepipe_core import Breakpoint, Node, Pipeline, PostMortem

def load(path):
    print("loading", path)
    return [3, 4]

def train(rows, rate):
    total = sum(rows)
    return total / rate

def report(model):
    print("the model is", model)

pipeline = Pipeline(
    [
        Node(load, ["path"], ["rows"]),
        Node(train, {"rows": "rows", "rate": "config.rate"}, ["model"]),
        Node(report, ["model"], []),
    ],
    config={"rate": RATE},
    use_persistent_cache=CACHE is not None,
    cache_storage_path=CACHE or "unused",
    path="rows.csv",
)
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a program that ends with these lines, and opens it on a terminal."""
    monkeypatch.chdir(tmp_path)

    def opened(last: str, *options: str, rate: float = 2, cache: Path | None = None) -> Terminal:
        program = tmp_path / "job.py"
        head = f"RATE = {rate}\nCACHE = {str(cache) if cache else None!r}"
        program.write_text(f"{head}{JOB}\n{last}\n")
        return Terminal(*options, str(program))

    return opened


class TestBreakpoint:
    """Stops in a node of a run."""

    def test_opens_at_the_nodes_first_line_with_its_inputs(self, job: Any) -> None:
        """And what is changed there goes on."""
        with job("pipeline.run(hooks=[Breakpoint('train')])") as terminal:
            opened = terminal.read_to(PDB)
            assert "loading rows.csv" in opened
            assert "total = sum(rows)" in opened
            assert "[3, 4]" in terminal.ask("p rows", PDB)
            assert "2" in terminal.ask("p rate", PDB)
            terminal.ask("rate = 7", PDB)
            assert "return total / rate" in terminal.ask("next", PDB)
            assert "7" in terminal.ask("p total", PDB)
            terminal.type_line("continue")
            assert terminal.end() == 0
            assert "the model is 1.0" in terminal.shown

    def test_shows_the_users_frames_and_none_of_linepipes(self, job: Any) -> None:
        """`where` is short, and the end of the node isn't followed by linepipe's lines."""
        with job("pipeline.run(hooks=[Breakpoint('train')])") as terminal:
            terminal.read_to(PDB)
            assert "linepipe_core" not in terminal.ask("where", PDB)
            assert "--Return--" in terminal.ask("return", PDB)
            terminal.type_line("next")
            assert terminal.end() == 0
            assert "the model is 3.5" in terminal.shown
            assert "linepipe_core" not in terminal.shown

    def test_quit_ends_the_run(self, job: Any) -> None:
        """As a failure of that node."""
        with job("pipeline.run(hooks=[Breakpoint('train')])") as terminal:
            terminal.read_to(PDB)
            terminal.type_line("quit")
            assert terminal.end() == 1
            assert "node 2 of 3 'train' failed while calling its function" in terminal.shown
            assert "the model is" not in terminal.shown

    def test_a_name_that_no_node_has_is_refused_before_anything_runs(self) -> None:
        """With the nearest one: nobody wants to wait an hour for a debugger that won't open."""
        ran: list[str] = []
        pipeline = Pipeline([Node(ran.append, ["x"], ["n"], name="load")], x="ab")
        with pytest.raises(UnknownNameError, match=r"'laod'[\s\S]*did you mean 'load'\?"):
            pipeline.run(hooks=[Breakpoint("load", "laod")])
        assert ran == []

    def test_a_name_given_twice_is_reported_once(self) -> None:
        """Also by two hooks."""
        hooks = [Breakpoint("bb", "bb"), Breakpoint("bb")]
        with pytest.raises(UnknownNameError, match="no node is called 'bb'\n") as caught:
            Pipeline([]).run(hooks=hooks)
        assert caught.value.names == ("bb",)

    def test_a_function_written_in_c_is_warned_of(self, caplog: pytest.LogCaptureFixture) -> None:
        """There is no line to stop at."""
        with caplog.at_level(logging.WARNING, "linepipe.run"):
            result = Pipeline([Node(len, ["x"], ["n"])], x="ab").run(hooks=[Breakpoint("len")])
        assert result["n"] == 2
        assert "isn't written in Python" in caplog.text

    def test_leaves_a_tracer_as_it_was(self) -> None:
        """Coverage and other debuggers go on."""

        def work(x: int) -> int:
            return x

        def tracer(frame: Any, event: str, arg: Any) -> None:
            """Traces nothing, but is there."""

        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            hook = Breakpoint("work")
            node = Node(work, ["x"], ["y"])
            with hook.around_node(Pipeline([node], x=1).run().steps[0]):
                pass
            after = sys.gettrace()
        finally:
            sys.settrace(before)
        assert after is tracer

    def test_without_a_name_is_refused(self) -> None:
        """It would stop nowhere."""
        with pytest.raises(TypeError, match=r"Breakpoint\('train'\)"):
            Breakpoint()


class TestPostMortem:
    """Opens where a node failed."""

    def test_shows_the_failing_frame_and_its_variables(self, job: Any) -> None:
        """Then the error comes as it would have."""
        with job("pipeline.run(hooks=[PostMortem()])", rate=0) as terminal:
            opened = terminal.read_to(PDB)
            assert "node 'train' failed: ZeroDivisionError: division by zero" in opened
            assert "return total / rate" in opened
            assert "7" in terminal.ask("p total", PDB)
            assert "Oldest frame" in terminal.ask("up", PDB)
            terminal.type_line("quit")
            assert terminal.end() == 1
            assert "node 2 of 3 'train' failed while calling its function" in terminal.shown

    def test_stays_closed_when_nothing_fails(self, job: Any) -> None:
        """A run like any other."""
        with job("pipeline.run(hooks=[PostMortem()])") as terminal:
            assert terminal.end() == 0
            assert PDB not in terminal.shown

    def test_stays_closed_when_a_breakpoint_is_quit(self, job: Any) -> None:
        """After a quit nobody wants another debugger."""
        with job("pipeline.run(hooks=[Breakpoint('train'), PostMortem()])") as terminal:
            terminal.read_to(PDB)
            terminal.type_line("quit")
            assert terminal.end() == 1
            assert terminal.shown.count(PDB) == 1


class TestDebug:
    """`pipeline.debug(name)`."""

    def test_opens_inside_the_node_after_what_it_needs(self, job: Any) -> None:
        """And runs nothing after it."""
        with job("pipeline.debug('train')\nprint('went on')") as terminal:
            assert "loading rows.csv" in terminal.read_to(PDB)
            assert "[3, 4]" in terminal.ask("p rows", PDB)
            terminal.type_line("continue")
            assert terminal.end() == 0
            assert "went on" in terminal.shown
            assert "the model is" not in terminal.shown

    def test_opens_again_where_the_node_fails(self, job: Any) -> None:
        """Then the node's own error passes."""
        with job("pipeline.debug('train')", rate=0) as terminal:
            terminal.read_to(PDB)
            assert "division by zero" in terminal.ask("continue", PDB)
            assert "7" in terminal.ask("p total", PDB)
            terminal.type_line("quit")
            assert terminal.end() == 1
            assert "ZeroDivisionError: division by zero" in terminal.read_to("by zero")

    def test_quit_goes_on_with_the_program(self, job: Any) -> None:
        """Nothing failed."""
        with job("pipeline.debug('train')\nprint('went on')") as terminal:
            terminal.read_to(PDB)
            terminal.type_line("quit")
            assert terminal.end() == 0
            assert "went on" in terminal.shown

    def test_takes_what_it_needs_from_the_cache_and_leaves_nothing_there(
        self, job: Any, tmp_path: Path
    ) -> None:
        """Changes made in the debugger mustn't be taken for the node's result."""
        last = (
            "pipeline.to_nodes('load').run()\nprint('now')\npipeline.debug('train')\n"
            "print(sorted(pipeline.get_obj_registry().keys()))"
        )
        with job(last, cache=tmp_path / "cache") as terminal:
            terminal.read_to("now")
            assert "loading" not in terminal.read_to(PDB)
            terminal.ask("rows.append(1000)", PDB)
            terminal.type_line("continue")
            terminal.end()
            assert "['path', 'rows']" in terminal.shown

    def test_a_function_written_in_c_is_refused(self) -> None:
        """There is no line to stop at."""
        with pytest.raises(NodeDefinitionError, match=r"'len'.* isn't written in Python"):
            Pipeline([Node(len, ["x"], ["n"])], x="ab").debug("len")


class TestSteps:
    """A session at a real interactive interpreter."""

    def test_step_look_replace_go_on(self, job: Any) -> None:
        """The first line of the README, typed."""
        with job("", "-i") as terminal:
            terminal.read_to(REPL)
            terminal.ask("run = pipeline.start()", REPL)
            assert "'load'" in terminal.ask("run.next_node.name", REPL)
            assert "load: ran" in terminal.ask("next(run)", REPL)
            assert "[3, 4]" in terminal.ask("run.registry.get('rows')", REPL)
            assert "{'rows': [3, 4], 'config.rate': 2}" in terminal.ask("run.next_inputs()", REPL)
            terminal.ask("run.registry.set('rows', [10])", REPL)
            assert "the model is 5.0" in terminal.ask("result = run.finish()", REPL)
            shown = terminal.ask("print(result)", REPL)
            assert all(words in shown for words in ("load", "train", "report", "seconds"))
            assert "closed" in terminal.ask("run.registry", REPL)
            terminal.type_line("exit()")
            assert terminal.end() == 0

    def test_a_failure_can_be_looked_into_afterwards(self, job: Any) -> None:
        """With `pdb.pm()`, as after any error: at the user's own line, inputs at hand."""
        with job("", "-i", rate=0) as terminal:
            terminal.read_to(REPL)
            shown = terminal.ask("pipeline.run()", REPL)
            assert "rows         list of 2" in shown
            terminal.ask("import sys; error = sys.last_value", REPL)
            assert "[3, 4]" in terminal.ask("error.inputs['rows']", REPL)
            assert "return total / rate" in terminal.ask(
                "import pdb; pdb.post_mortem(error.__cause__.__traceback__)", PDB
            )
            assert "7" in terminal.ask("p total", PDB)


def test_an_interrupt_opens_no_debugger(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C means stop."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Pipeline([Node(interrupt, [], [])]).run(hooks=[PostMortem()])
    assert capsys.readouterr().out == ""


LIBRARY_JOB = """
import functools
import json
from linepipe_core import Breakpoint, Node, Pipeline, PostMortem

def read(text):
    mine = 7
    return json.loads(text)

@functools.lru_cache
def cached(text):
    return text

@functools.singledispatch
def area(shape):
    return 0

@area.register
def of_square(side: int):
    return side * side

pipeline = Pipeline([Node(read, ["text"], ["rows"])], text="{")
dispatched = Pipeline([Node(area, ["side"], ["x"])], side=3)
again = Pipeline([Node(cached, ["text"], ["x"])], text="a")
"""


@pytest.fixture
def library_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a program whose node fails inside a library, and opens it on a terminal."""
    monkeypatch.chdir(tmp_path)

    def opened(last: str) -> Terminal:
        program = tmp_path / "job.py"
        program.write_text(f"{LIBRARY_JOB}\n{last}\n")
        return Terminal(str(program))

    return opened


class TestWhereItOpens:
    """In the user's own code, with the debugger that the user wants, or it says why not."""

    def test_a_post_mortem_opens_in_the_users_own_code(self, library_job: Any) -> None:
        """Not deep inside a library."""
        with library_job("pipeline.run(hooks=[PostMortem()])") as terminal:
            terminal.read_to(PDB)
            assert "7" in terminal.ask("p mine", PDB)
            terminal.type_line("quit")
            terminal.end()

    def test_a_cached_call_is_no_stop_and_says_so(self, library_job: Any) -> None:
        """The function's own code isn't called again."""
        last = (
            "import logging; logging.basicConfig(); cached('a')\n"
            "again.run(hooks=[Breakpoint('cached')])\nagain.debug('cached')"
        )
        with library_job(last) as terminal:
            assert terminal.end() == 1
        said = "the debugger never stopped in 'cached': its function's own code wasn't called"
        assert terminal.shown.count(said) == 2
        assert "RunStateError" in terminal.shown
        assert "cache_clear()" in terminal.shown

    @pytest.mark.parametrize(
        "last", ["dispatched.run(hooks=[Breakpoint('area')])", "dispatched.debug('area')"]
    )
    def test_a_dispatched_function_stops_in_the_one_that_is_called(
        self, library_job: Any, last: str
    ) -> None:
        """By `functools.singledispatch`: which one that is, is found by the call."""
        with library_job(last) as terminal:
            assert "of_square()" in terminal.read_to(PDB)
            assert "3" in terminal.ask("p side", PDB)
            terminal.type_line("continue")
            assert terminal.end() == 0

    def test_ipythons_debugger_opens_where_it_is_named(
        self, job: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By PYTHONBREAKPOINT, as for breakpoint()."""
        monkeypatch.setenv("PYTHONBREAKPOINT", "IPython.terminal.debugger.set_trace")
        with job("pipeline.run(hooks=[Breakpoint('train')])") as terminal:
            terminal.read_to("ipdb> ")
            terminal.type_line("continue")
            terminal.end()

    def test_none_opens_where_it_is_turned_off(
        self, job: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And the run goes on."""
        monkeypatch.setenv("PYTHONBREAKPOINT", "0")
        with job("pipeline.run(hooks=[Breakpoint('train')])") as terminal:
            assert terminal.end() == 0
        assert "no debugger opens in 'train': PYTHONBREAKPOINT is 0" in terminal.shown
        assert "the model is 3.5" in terminal.shown

    def test_none_opens_in_a_notebook_that_nobody_can_type_in(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """As under nbconvert, whose input() raises: one line that says what to do."""
        kernel = SimpleNamespace(_allow_stdin=False)
        ipython = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=kernel))
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        pipeline = Pipeline([Node(lambda x: 1 / x, ["x"], ["y"], name="work")], x=0)
        with pytest.raises(NodeExecutionError):
            pipeline.run(hooks=[Breakpoint("work"), PostMortem()])
        said = [line for line in caplog.messages if "no debugger opens" in line]
        assert len(said) == 2
        assert all("runs where nobody can type; open it in Jupyter" in line for line in said)
        with pytest.raises(RunStateError, match=r"look at the inputs: error\.inputs"):
            pipeline.debug("work")

    def test_none_opens_where_no_terminal_can_be_asked(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """As under a scheduler: one clear message, and the node's own error."""

        def work(x: int) -> float:
            return 1 / x

        pipeline = Pipeline([Node(work, ["x"], ["y"])], x=0)
        for stdin in (None, open(os.devnull)):  # noqa: SIM115  # closed below
            monkeypatch.setattr(sys, "stdin", stdin)
            caplog.clear()
            with pytest.raises(NodeExecutionError):
                pipeline.run(hooks=[Breakpoint("work"), PostMortem()])
            assert sum("there is no terminal to ask" in line for line in caplog.messages) == 2
            with pytest.raises(RunStateError, match="there is no terminal to ask"):
                pipeline.debug("work")
            if stdin is not None:
                stdin.close()
