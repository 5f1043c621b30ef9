"""Objects that can't be written or read: a clear message, and the others are intact."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from tests.faults.blocks import Block, put

from linepipe_core.errors import ShelfPickleError, ShelfReadError
from linepipe_core.shelf import ObjectShelf


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    """A module that can go away."""
    made = types.ModuleType("departing")
    exec("class Thing:\n    pass", made.__dict__)
    sys.modules["departing"] = made
    yield made
    sys.modules.pop("departing", None)


@pytest.mark.parametrize("gone", ["class", "module"])
def test_a_class_that_is_gone(
    path: str, caplog: pytest.LogCaptureFixture, module: types.ModuleType, gone: str
) -> None:
    """The object counts as missing until its class is back."""
    with ObjectShelf(path) as shelf:
        put(path, {"thing": module.Thing(), "other": 1})
        if gone == "class":
            thing = module.__dict__.pop("Thing")
        else:
            del sys.modules["departing"]
        assert shelf.get("thing", "missing") == "missing"
        assert "object 'thing'" in caplog.text
        assert ("AttributeError" if gone == "class" else "ModuleNotFoundError") in caplog.text
        assert shelf["other"] == 1
        assert shelf.info()[1].type == "departing.Thing"
        if gone == "class":
            module.Thing = thing  # type: ignore[attr-defined]  # it is back
        else:
            sys.modules["departing"] = module
        assert type(shelf["thing"]).__name__ == "Thing"


class Trap:
    """Does something bad when it is unpickled."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __setstate__(self, state: dict[str, str]) -> None:
        if state["how"] == "recurse":
            self.__setstate__(state)
        raise {"key": KeyError("x"), "memory": MemoryError(), "stop": StopIteration()}[state["how"]]


@pytest.mark.parametrize("how", ["memory", "recurse"])
def test_unpickling_that_lacks_memory_or_stack_says_so(path: str, how: str) -> None:
    """That says nothing of the object: it isn't missing, and nobody writes over it."""
    with ObjectShelf(path) as shelf:
        put(path, {"trap": Trap(how), "other": Block(1, 200_000)})
        for ask in (shelf.get, shelf.pop, shelf.__getitem__):
            with pytest.raises(ShelfReadError, match="just now"):
                ask("trap")
        assert "trap" in shelf
        assert shelf["other"].is_whole()


@pytest.mark.parametrize("how", ["key", "stop"])
def test_unpickling_that_raises(path: str, caplog: pytest.LogCaptureFixture, how: str) -> None:
    """Whatever else it raises, it counts as missing and the others don't."""
    with ObjectShelf(path) as shelf:
        put(path, {"trap": Trap(how), "other": Block(1, 200_000)})
        with pytest.raises(KeyError, match="trap"):
            shelf["trap"]
        assert "object 'trap'" in caplog.text
        assert shelf["other"].is_whole()
        assert shelf.verify() == ()


def test_an_interrupt_while_unpickling_is_an_interrupt(path: str) -> None:
    """Control-C is never a missing object."""
    with ObjectShelf(path) as shelf:
        shelf["it"] = Interrupting()
        with pytest.raises(KeyboardInterrupt):
            shelf.get("it")
        shelf["it"] = 2
        assert shelf["it"] == 2


class Interrupting:
    def __reduce__(self) -> Any:
        return _interrupt, ()


def _interrupt() -> None:
    raise KeyboardInterrupt


class HalfWay:
    """Pickles a large buffer first and fails then."""

    def __init__(self) -> None:
        self.first = Block(1, 3_000_000)
        self.second = Refusing()


class Refusing:
    def __reduce__(self) -> Any:
        raise OSError("the database is asleep")


def test_pickling_that_raises_half_way(path: str) -> None:
    """Earlier objects are intact, and nothing of the failed one is on the disk."""
    with ObjectShelf(path) as shelf:
        shelf["it"] = "older"
        with pytest.raises(ShelfPickleError) as caught:
            shelf["it"] = {"deep": [HalfWay()]}
        assert "'it': its part it['deep'][0].second" in str(caught.value)
        assert "the database is asleep" in str(caught.value)
        assert shelf["it"] == "older"
        assert (shelf.info()[0].n_bytes or 0) < 1000


def test_an_interrupt_while_pickling_leaves_everything_as_it_was(path: str) -> None:
    """Of a store of several objects, too."""

    class Slow:
        def __reduce__(self) -> Any:
            raise KeyboardInterrupt

    with ObjectShelf(path) as shelf:
        shelf["a"] = 1
        with pytest.raises(KeyboardInterrupt):
            put(path, {"a": Block(2, 3_000_000), "b": Slow()})
        assert dict(shelf) == {"a": 1}
