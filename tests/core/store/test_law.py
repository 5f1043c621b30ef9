"""The law of the shelf: it holds what a dict would."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from tests.core.store.files import LARGE, files_of, put, record_of
from tests.faults.moments import Statements
from tests.trying import examples

from linepipe_core._store.store import Store
from linepipe_core.shelf import ObjectShelf

NAMES = st.sampled_from(["a", "b", "c", "d/e"])

VALUES = st.one_of(
    st.integers(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=5),
    st.integers(0, 3).map(lambda seed: np.full(LARGE, seed)),
    st.integers(0, 3).map(lambda seed: {"x": np.full(LARGE // 3, seed), "y": bytes(100_000)}),
)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, np.ndarray):
        return bool(np.array_equal(left, right))
    return bool(left == right)


class ShelfAgainstDict(RuleBasedStateMachine):
    """Whatever is done to it, the shelf holds what a dict would."""

    names = Bundle("names")

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "data")
        self.shelf = ObjectShelf(self.path)
        self.model: dict[str, Any] = {}
        self.texts: dict[str, str] = {}

    def teardown(self) -> None:
        if hasattr(self, "shelf"):
            assert self.shelf.verify() == ()
            self.shelf.close()
            self.folder.cleanup()

    @rule(name=NAMES, value=VALUES)
    def put(self, name: str, value: Any) -> None:
        self.shelf[name] = value
        self.model[name] = value

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        assert self.shelf.pop(name, "none") is not None
        self.model.pop(name, None)

    @rule(objects=st.dictionaries(NAMES, VALUES, max_size=3), text=st.text())
    def store(self, objects: dict[str, Any], text: str) -> None:
        put(self.path, objects, key="text", record=text)
        self.model |= objects
        self.texts["text"] = text

    @rule(name=NAMES)
    def refuse(self, name: str) -> None:
        assert list(put(self.path, {name: threading.Lock()})) == [name]
        self.model.pop(name, None)

    @rule()
    def reopen(self) -> None:
        self.shelf.close()
        self.shelf = ObjectShelf(self.path)

    @rule(name=NAMES, value=VALUES)
    def crash(self, name: str, value: Any) -> None:
        """A child process that dies, without a goodbye, before its transaction ends."""
        pid = os.fork()
        if pid == 0:
            try:
                Statements(pytest.MonkeyPatch()).before("COMMIT", lambda: os._exit(1))
                put(self.path, {name: value, "never": value})
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
        self.reopen()

    @rule()
    def clear(self) -> None:
        self.shelf.clear()
        self.model, self.texts = {}, {}

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "shelf"):
            return
        assert sorted(self.shelf) == sorted(self.model)
        assert len(self.shelf) == len(self.model)
        for name, value in self.model.items():
            assert same(self.shelf[name], value), name
        assert record_of(self.path, "text") == self.texts.get("text")
        with Store(self.path) as store:
            n_results = len(store.results.of(["text"])["text"])
        assert n_results <= 5
        assert n_results or self.model or files_of(self.path) == []


TestShelfAgainstDict = ShelfAgainstDict.TestCase

TestShelfAgainstDict.settings = examples(15, stateful_step_count=15)
