"""``register_snapshot``: how a type is copied can be taught."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from tests.core.tables import NotedFrame

from linepipe_core._values import rules as leaves
from linepipe_core._values.isolate import copy_for_reader, isolate
from linepipe_core._values.rules import register_snapshot


class Ledger:
    def __init__(self, rows: list[int]) -> None:
        self.rows = rows
        self.lock = threading.Lock()


class SpecialLedger(Ledger):
    pass


@pytest.fixture
def forget_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo what a test registers."""
    monkeypatch.setattr(leaves, "_registered", {})
    yield
    leaves._rules.clear()


@pytest.mark.usefixtures("forget_registered")
def test_a_type_can_be_registered(caplog: pytest.LogCaptureFixture) -> None:
    """Alone, in a container, beside something that refuses; subclasses too."""
    register_snapshot(Ledger, lambda ledger: type(ledger)(list(ledger.rows)))
    for kind in (Ledger, SpecialLedger):
        for wrap in (lambda x: x, lambda x: [x], lambda x: [x, threading.Lock()]):
            value = kind([1])
            held = isolate([wrap(value)])
            value.rows.append(2)
            got = copy_for_reader(held)
            got = got if isinstance(got, Ledger) else got[0]
            assert type(got) is kind
            assert got.rows == [1]
    assert "Ledger" not in caplog.text


@pytest.mark.usefixtures("forget_registered")
def test_the_nearest_class_wins() -> None:
    """A rule for a subclass goes before one for its base."""
    register_snapshot(Ledger, lambda ledger: "base")
    assert copy_for_reader(isolate([SpecialLedger([1])])) == "base"
    register_snapshot(SpecialLedger, lambda ledger: "special")
    assert copy_for_reader(isolate([SpecialLedger([1])])) == "special"
    register_snapshot(object, lambda anything: "object")
    assert copy_for_reader(isolate([[1]])) == [1]


@pytest.mark.usefixtures("forget_registered")
def test_a_rule_for_a_class_of_frames_holds_for_its_subclasses() -> None:
    """Before what linepipe knows of pandas' own class."""

    class Special(NotedFrame):
        """Not told of itself."""

    register_snapshot(NotedFrame, lambda table: "mine")
    assert copy_for_reader(isolate([Special({"a": [1]})])) == "mine"
    assert isinstance(copy_for_reader(isolate([pd.DataFrame({"a": [1]})])), pd.DataFrame)


@pytest.mark.usefixtures("forget_registered")
def test_a_registered_rule_goes_before_linepipes() -> None:
    """A user may know better what an array means here."""
    register_snapshot(np.ndarray, lambda array: "mine")
    assert copy_for_reader(isolate([np.arange(3)])) == "mine"


def test_registering_nonsense_is_refused() -> None:
    """At once, not at the first value."""
    with pytest.raises(TypeError, match="takes a type first, not 'text'"):
        register_snapshot("text", copy.copy)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"register_snapshot\(Ledger, how\) takes a function"):
        register_snapshot(Ledger, 3)  # type: ignore[arg-type]


@pytest.mark.usefixtures("forget_registered")
def test_types_may_be_registered_while_other_threads_copy() -> None:
    """A run in another thread meets the rule or its absence, never a broken table."""
    failures: list[BaseException] = []
    stop = threading.Event()

    def copying() -> None:
        try:
            while not stop.is_set():
                assert copy_for_reader(isolate([[np.arange(3), {"a": [1]}]]))[1] == {"a": [1]}
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=copying) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(200):
        register_snapshot(type(f"Kind{i}", (), {}), lambda value: value)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
