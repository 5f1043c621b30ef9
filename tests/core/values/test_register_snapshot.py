"""``register_snapshot``: how a type is copied can be registered."""

from __future__ import annotations

import copy
import subprocess
import sys
import textwrap
import threading
from typing import Any

import numpy as np
import pandas as pd
import pytest

from linepipe_core._values.isolate import copy_for_reader, isolate
from linepipe_core._values.rules import register_snapshot


def ledgers() -> tuple[Any, Any]:
    """A new class and a subclass of it: what is registered of them is nobody else's."""

    class Ledger:
        def __init__(self, rows: list[int]) -> None:
            self.rows = rows
            self.lock = threading.Lock()

    class SpecialLedger(Ledger):
        pass

    return Ledger, SpecialLedger


def test_a_type_can_be_registered(caplog: pytest.LogCaptureFixture) -> None:
    """Alone, in a container, beside something that refuses; subclasses too."""
    ledger, special = ledgers()
    register_snapshot(ledger, lambda value: type(value)(list(value.rows)))
    for kind in (ledger, special):
        for wrap in (lambda x: x, lambda x: [x], lambda x: [x, threading.Lock()]):
            value = kind([1])
            held = isolate([wrap(value)])
            value.rows.append(2)
            got = copy_for_reader(held)
            got = got if isinstance(got, ledger) else got[0]
            assert type(got) is kind
            assert got.rows == [1]
    assert "Ledger" not in caplog.text


def test_the_nearest_class_wins() -> None:
    """A rule for a subclass goes before one for its base."""
    ledger, special = ledgers()
    register_snapshot(ledger, lambda value: "base")
    assert copy_for_reader(isolate([special([1])])) == "base"
    register_snapshot(special, lambda value: "special")
    assert copy_for_reader(isolate([special([1])])) == "special"


def test_a_rule_for_a_class_of_frames_holds_for_its_subclasses() -> None:
    """Before what linepipe knows of pandas' own class."""

    class Registered(pd.DataFrame):
        pass

    class Special(Registered):
        """Not registered itself."""

    register_snapshot(Registered, lambda table: "mine")
    assert copy_for_reader(isolate([Special({"a": [1]})])) == "mine"
    assert isinstance(copy_for_reader(isolate([pd.DataFrame({"a": [1]})])), pd.DataFrame)


def test_a_registered_rule_goes_before_linepipes() -> None:
    """A user may know better what an array means here; one for all objects comes last."""
    script = """
        import numpy as np
        from linepipe_core import Node, Pipeline, register_snapshot
        register_snapshot(np.ndarray, lambda array: "mine")
        register_snapshot(object, lambda anything: "object")
        node = Node(lambda *both: both, ["array", "rows"], ["array copy", "rows copy"])
        result = Pipeline([node], array=np.arange(3), rows=[1]).run()
        print(result["array copy"], result["rows copy"])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "mine [1]\n"


def test_registering_nonsense_is_refused() -> None:
    """At once, not at the first value."""
    with pytest.raises(TypeError, match="takes a type first, not 'text'"):
        register_snapshot("text", copy.copy)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"register_snapshot\(Ledger, how\) takes a function"):
        register_snapshot(ledgers()[0], 3)  # type: ignore[arg-type]


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
