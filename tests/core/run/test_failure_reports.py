"""A failure names its node, quotes the original error and shows no secrets."""

from __future__ import annotations

import pickle
import re
import traceback
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from tests.core.run.job import fails
from tests.core.run.nodes import add_one, fail, failing, interrupt

from linepipe_core import (
    File,
    Hook,
    LinepipeError,
    Node,
    NodeExecutionError,
    OutputMismatchError,
    Pipeline,
    RegistryClosedError,
    RunStateError,
)
from linepipe_core._declare.config import describe_input
from linepipe_core._values.describe import describe


class TestFailure:
    """NodeExecutionError."""

    def test_names_the_node_its_place_and_its_inputs(self) -> None:
        """And quotes and chains the original."""
        with pytest.raises(NodeExecutionError) as caught:
            failing().run()
        error = caught.value
        lines = str(error).splitlines()
        assert lines[0] == "node 2 of 3 'train' failed while calling its function"
        assert re.fullmatch(r"  function: fail, .*nodes\.py:\d+", lines[1])
        assert lines[2:] == ["  inputs:", "    y  int 2", "  ValueError: bad 2"]
        assert isinstance(error.__cause__, ValueError)
        assert isinstance(error, RuntimeError)
        assert isinstance(error, LinepipeError)

    def test_shows_which_file_a_node_got(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its path is what a reader asks for first; one that may hold a secret isn't shown."""

        def read(rows: File, token: File) -> None:
            raise ValueError("no rows")

        monkeypatch.chdir(tmp_path)
        Path("rows.csv").touch()
        nodes = [Node(read, ["rows", "token"], [])]
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline(nodes, rows=File("rows.csv"), token=File("rows.csv")).run()
        assert "    rows   File('rows.csv')\n    token  File\n" in str(caught.value)

    def test_carries_node_step_and_inputs(self) -> None:
        """The inputs by the names that the node asked for."""
        pipeline = failing()
        with pytest.raises(NodeExecutionError) as caught:
            pipeline.run()
        assert caught.value.node is pipeline["train"]
        assert (caught.value.step.status, caught.value.step.index) == ("failed", 1)
        assert caught.value.step.seconds is not None
        assert caught.value.inputs == {"y": 2}

    def test_survives_a_pickle(self) -> None:
        """A worker process must be able to send it home."""
        with pytest.raises(NodeExecutionError) as caught:
            failing().run()
        again = pickle.loads(pickle.dumps(caught.value))
        assert str(again) == str(caught.value)
        assert (again.node.name, again.step.status, again.inputs) == ("train", "failed", {})

    def test_shows_secrets_and_tables_by_type_only(self) -> None:
        """Config texts by their length, long values by their size."""
        node = Node(lambda *v: fail(0), ["config.password", "config.n", "text", "items"], [])
        config = {"password": "hunter2", "n": 3}
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([node], config, text="t" * 1000, items=list(range(50))).run()
        text = str(caught.value)
        assert "    config.password  str of 7\n    config.n         int 3\n" in text
        assert "    text             str of 1000\n    items            list of 50\n" in text
        assert "hunter2" not in text

    def test_of_a_wrong_return_value(self) -> None:
        """Is told as such."""
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(add_one, ["x"], ["a", "b"])], x=1).run()
        assert "failed while taking its outputs" in str(caught.value)
        assert isinstance(caught.value.__cause__, OutputMismatchError)
        assert caught.value.inputs == {"x": 1}

    def test_ends_the_run(self) -> None:
        """The registry is closed, and later nodes stay pending."""
        with failing().start() as run:
            with pytest.raises(NodeExecutionError):
                run.finish()
            with pytest.raises(RegistryClosedError):
                run.registry.keys()
            with pytest.raises(RunStateError):
                run.finish()

    def test_history_has_the_failed_node(self) -> None:
        """With what it got."""
        pipeline = failing(track_history=True)
        with pytest.raises(NodeExecutionError):
            pipeline.run()
        assert [(e["node"], e["status"]) for e in pipeline.history] == [
            ("add_one", "ran"),
            ("train", "failed"),
        ]
        assert dict(pipeline.history[1]["inputs"]) == {"y": 2}

    def test_an_interrupt_passes_as_itself(self) -> None:
        """With the registry closed."""
        run = Pipeline([Node(interrupt, ["x"], [])], x=1).start()
        with pytest.raises(KeyboardInterrupt), run:
            run.finish()
        with pytest.raises(RegistryClosedError):
            run.registry.keys()

    def test_few_frames_are_linepipes_own(self) -> None:
        """Between the call of run() and the user's function."""
        with pytest.raises(NodeExecutionError) as caught:
            failing().run()
        frames = traceback.extract_tb(caught.value.original.__traceback__)
        assert [frame.name for frame in frames] == ["fail"]


def passed_on(func: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(func)
    def passing(*args: Any) -> Any:
        return func(*args)

    return passing


class TestReport:
    """A failure's message: the place, the types, and no text of the user's."""

    def test_the_traceback_begins_in_the_users_code(self) -> None:
        """Then come the call of run() and a few frames of linepipe's."""

        @passed_on
        def divide(x: int) -> float:
            return x / 0

        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(divide, ["x"], ["y"])], x=1).run(hooks=[Hook()])
        cause = caught.value.__cause__
        assert cause is not None
        inner = traceback.extract_tb(cause.__traceback__)
        assert [frame.name for frame in inner] == ["passing", "divide"]
        outer = traceback.extract_tb(caught.value.__traceback__)
        assert all("linepipe_core" in frame.filename for frame in outer[1:])
        assert len(outer) <= 4

    def test_an_error_of_the_call_itself_keeps_its_traceback(self) -> None:
        """No frame of the user's has begun."""
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(len, ["x"], ["n"])], x=1).run()
        assert isinstance(caught.value.__cause__, TypeError)
        assert caught.value.__cause__.__traceback__ is not None
        assert "function: len, not written in Python" in str(caught.value)

    def test_names_the_place_of_the_users_function(self) -> None:
        """Not of the decorator around it, nor of a partial."""

        def divide(x: int, y: int) -> float:
            return x / y

        line = divide.__code__.co_firstlineno
        for func in (passed_on(divide), partial(divide, 1), partial(passed_on(divide), 1)):
            inputs = ["y"] if isinstance(func, partial) else ["x", "y"]
            with pytest.raises(NodeExecutionError) as caught:
                Pipeline([Node(func, inputs, [], name="n")], x=1, y=0).run()
            assert f"divide, {__file__}:{line}" in str(caught.value)

    def test_an_error_whose_message_fails_is_reported_all_the_same(self) -> None:
        """A broken __str__ must not take the report's place."""

        class MuteError(Exception):
            def __str__(self) -> str:
                raise ValueError("no message")

        def fail() -> None:
            raise MuteError

        run = Pipeline([Node(fail, [], [])]).start()
        assert "MuteError: (its message can't be shown)" in str(fails(run))

    def test_no_text_is_ever_shown(self) -> None:
        """Any of them may be a password: constants, config, in memory or in containers."""

        def fail(*values: Any) -> None:
            raise ValueError("bad")

        secrets: dict[str, Any] = {
            "key": "hunter2",
            "raw": b"hunter2",
            "list": ["hunter2"],
            "map": {"hunter2": 1},
        }
        names = [*secrets, "config", "config.password", "config.nested"]
        config = {"password": "hunter2", "nested": {"password": "hunter2"}}
        with pytest.raises(NodeExecutionError) as caught:
            Pipeline([Node(fail, names, [])], config, **secrets).run()
        told = str(caught.value)
        assert "hunter2" not in told
        assert "key              str of 7" in told
        assert "map              dict of 1" in told
        assert "config.nested    dict\n" in told

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            (3, "int 3"),
            (2.5, "float 2.5"),
            (True, "bool True"),
            (None, "None"),
            (10**1000, "int"),
            ("text", "str of 4"),
            ([1], "list of 1"),
            (object(), "object"),
        ],
    )
    def test_values_are_shown_by_type_and_size(self, value: Any, told: str) -> None:
        """Short numbers in full."""
        assert describe(value) == told
        assert describe_input("name", value) == told

    def test_a_value_that_cannot_be_shown_is_shown_by_its_type(self) -> None:
        """Whatever its methods raise."""

        class Broken(int):
            def __repr__(self) -> str:
                raise ValueError

            @property
            def shape(self) -> Any:
                raise ValueError

            def __len__(self) -> int:
                raise ValueError

        assert describe(Broken(1)) == "Broken 1"
