"""Whatever class of exception a node raises, it comes home as itself and is reported in bounds."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import loky
import pytest

from linepipe_core import Hook, Node, NodeExecutionError, Pipeline, RunStateError, Step


@dataclass(frozen=True)
class FrozenError(Exception):
    """Refuses every attribute, a traceback included."""

    code: int

    def __str__(self) -> str:
        return f"code {self.code}"


class SlottedError(Exception):
    """Has one attribute and room for no other."""

    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        self.code = code

    def __str__(self) -> str:
        return f"code {self.code}"

    def __setattr__(self, name: str, value: object) -> None:
        if name != "code":
            raise TypeError(f"no attribute {name}")
        super().__setattr__(name, value)


class MuteError(Exception):
    """Raises when it is asked for its message or its repr."""

    def __str__(self) -> str:
        raise ValueError("no message")

    __repr__ = __str__


class LockedError(Exception):
    """Can't be pickled."""

    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()


class PickyError(Exception):
    """Can be pickled, and not unpickled."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")

    def __reduce__(self) -> tuple[Any, ...]:
        return PickyError, self.args


def noted() -> Exception:
    error = ValueError("bad row")
    error.add_note("in row 7")
    return error


ERRORS: dict[str, Any] = {
    "frozen": lambda: FrozenError(3),
    "slotted": lambda: SlottedError(3),
    "mute": MuteError,
    "locked": LockedError,
    "picky": lambda: PickyError(7, "why"),
    "noted": noted,
    "group": lambda: ExceptionGroup("two", [ValueError("one"), KeyError("other")]),
    "plain": lambda: KeyError("x"),
}
SAID = {
    "frozen": "FrozenError: code 3",
    "slotted": "SlottedError: code 3",
    "mute": "MuteError: (its message can't be shown)",
    "locked": "LockedError: holds a lock",
    "picky": "PickyError: 7: why",
    "noted": "ValueError: bad row\n    in row 7",
    "group": (
        "ExceptionGroup: two (2 sub-exceptions)\n    - ValueError: one\n    - KeyError: 'other'"
    ),
    "plain": "KeyError: 'x'",
}
KINDS = pytest.mark.parametrize("kind", ERRORS)


def fail(kind: str) -> None:
    raise ERRORS[kind]()


def pipeline(kind: str) -> Pipeline:
    return Pipeline([Node(fail, ["kind"], ["y"])], kind=kind)


def run(kind: str) -> None:
    pipeline(kind).run()


class Watching(Hook):
    """Holds a context around each node and writes down the errors."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    @contextmanager
    def around_node(self, step: Step) -> Iterator[None]:
        yield

    def on_node_error(self, step: Step, error: BaseException) -> None:
        self.errors.append(error)


@KINDS
def test_any_error_is_quoted_chained_and_passed_to_the_hooks(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With `.original`, one line in the log at ERROR, and no hook put aside for it."""
    hook = Watching()
    with caplog.at_level(logging.ERROR), pytest.raises(NodeExecutionError) as caught:
        pipeline(kind).run(hooks=[hook])
    error = caught.value
    assert str(error).endswith(f"\n  {SAID[kind]}")
    assert error.original is error.__cause__
    assert hook.errors == [error.original]
    assert error.failed_hooks == ()
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("linepipe.run", "ERROR")
    assert record.getMessage() == "fail failed: " + SAID[kind].partition("\n")[0]


def check_sent(error: BaseException, kind: str) -> None:
    """The same report and, where it can be pickled, the same original."""
    assert isinstance(error, NodeExecutionError)
    assert str(error).endswith(f"\n  {SAID[kind]}")
    original = error.original
    if kind == "locked":
        assert type(original) is RunStateError
        assert str(original) == SAID[kind]
        return
    assert type(original) is type(ERRORS[kind]())
    assert getattr(original, "__notes__", []) == (["in row 7"] if kind == "noted" else [])
    if kind in ("frozen", "slotted"):
        assert original.code == 3  # type: ignore[attr-defined]  # one of these two classes
    if isinstance(original, ExceptionGroup):
        assert list(map(repr, original.exceptions)) == ["ValueError('one')", "KeyError('other')"]


@KINDS
def test_any_error_comes_out_of_its_pickle(kind: str) -> None:
    """Unpicklable ones as a stand-in with their type's name and text."""
    with pytest.raises(NodeExecutionError) as caught:
        run(kind)
    check_sent(pickle.loads(pickle.dumps(caught.value)), kind)


def executor(how: str) -> Executor:
    if how == "threads":
        return ThreadPoolExecutor(2)
    if how == "loky":
        pool: Executor = loky.ProcessPoolExecutor(1)
        return pool
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(how))


@pytest.mark.parametrize("how", ["threads", "fork", "spawn", "forkserver", "loky"])
def test_any_error_comes_home_from_a_pool(how: str) -> None:
    """Through every way to start a worker."""
    with executor(how) as pool:
        for kind in ERRORS:
            error = pool.submit(run, kind).exception()
            assert error is not None
            if how == "threads":
                assert str(error).endswith(SAID[kind])
            else:
                check_sent(error, kind)


def test_any_error_comes_home_from_dask() -> None:
    """From a worker in another process."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, cluster.get_client() as client:
        for kind in ERRORS:
            check_sent(client.submit(run, kind).exception(), kind)


def message(text: str, *inputs: Any) -> str:
    """The report of a node that fails with this text."""

    def fail_with_text(*_: Any) -> None:
        raise ValueError(text)

    names = [f"in{place}" for place in range(len(inputs))]
    constants = dict(zip(names, inputs, strict=True))
    with pytest.raises(NodeExecutionError) as caught:
        Pipeline([Node(fail_with_text, names, [])], **constants).run()
    return str(caught.value)


def test_a_message_of_several_lines_is_indented() -> None:
    """So that the report's own lines stay apart from it."""
    report = message("no column\nthere are: a, b\n\nx")
    assert report.endswith("\n  ValueError: no column\n    there are: a, b\n\n    x")


def test_a_message_of_megabytes_is_cut() -> None:
    """Of one line, and of very many."""
    assert len(message("x" * 5_000_000)) < 2_000
    report = message("row\n" * 100_000)
    assert len(report) < 2_000
    assert report.endswith("\n    ... (99981 more lines)")


def test_a_thousand_inputs_are_counted() -> None:
    """The first are shown."""
    report = message("bad", *range(1000))
    assert len(report.splitlines()) == 25
    assert "\n    in19  int 19\n    ... (980 more)\n" in report


def test_control_characters_are_shown_escaped(caplog: pytest.LogCaptureFixture) -> None:
    """In reports and logs: of names, of messages, of files."""
    name = "tr\x1b[31main\nforged"

    def fail(x: int) -> None:
        raise ValueError("\x1b[2J gone\x07\nlast \u202e")

    with caplog.at_level(logging.INFO), pytest.raises(NodeExecutionError) as caught:
        Pipeline([Node(fail, [name], [], name=name)]).bind(**{name: 1}).run()
    report = str(caught.value)
    assert "node 1 of 1 'tr\\x1b[31main\\nforged' failed" in report
    assert "\n    tr\\x1b[31main\\nforged  int 1\n" in report
    assert report.endswith("\n  ValueError: \\x1b[2J gone\\x07\n    last \\u202e")
    assert report.replace("\n", "").isprintable()
    for record in caplog.records:
        assert record.getMessage().isprintable()
    assert "tr\\x1b[31main\\nforged failed: ValueError: \\x1b[2J gone\\x07" in caplog.messages


class Lazy:
    """A foreign object for which every question starts a computation."""

    @property
    def shape(self) -> Any:
        raise AssertionError("computed a shape")

    def __len__(self) -> int:
        raise AssertionError("computed a length")

    def __repr__(self) -> str:
        raise AssertionError("computed a repr")


class Rows(list[int]):
    """A list whose own length is asked of a server."""

    __len__ = Lazy.__len__


def test_a_report_computes_nothing() -> None:
    """Of a foreign object the type is enough; of what is a list, the list's own length."""
    node = Node(lambda *_: 1 / 0, ["lazy", "rows"], [], isolate=False)
    lazy = Lazy()
    with pytest.raises(NodeExecutionError) as caught:
        Pipeline([node], lazy=lazy, rows=Rows([1, 2])).run()
    assert "\n    lazy  Lazy\n    rows  Rows of 2\n" in str(caught.value)


def test_a_dask_frame_is_shown_by_its_type() -> None:
    """Its length is a whole computation."""
    dask = pytest.importorskip("dask")
    pandas = pytest.importorskip("pandas")
    frame = pytest.importorskip("dask.dataframe").from_pandas(pandas.DataFrame({"a": [1]}), 1)
    computed: list[Any] = []

    def watch(*arguments: Any) -> Any:
        computed.append(arguments)
        raise AssertionError

    with dask.config.set(scheduler=watch):
        assert "\n    in0  DataFrame\n" in message("bad", frame)
    assert computed == []
