"""Work that a call only promises is refused, or fails: nobody would do it."""

from __future__ import annotations

import asyncio
import functools
import io
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from linepipe_core import Node, NodeDefinitionError, NodeExecutionError, Pipeline, WiringError


async def fetch(x: int) -> int:
    return x


async def stream(x: int) -> Any:
    yield x


class Client:
    """Calls and methods that are async."""

    async def __call__(self, x: int) -> int:
        return x

    async def fetch(self, x: int) -> int:
        return x


PARTIAL: Any = functools.partial(Client())


def run_it(func: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a coroutine function, as a decorator does that mends one."""

    @functools.wraps(func)
    def plain(*args: Any) -> Any:
        return asyncio.run(func(*args))

    return plain


def yields() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "func",
    [fetch, stream, Client(), Client().fetch, functools.partial(fetch), PARTIAL],
)
@pytest.mark.parametrize("outputs", [["y"], []])
def test_a_coroutine_function_is_refused(func: Any, outputs: list[str]) -> None:
    """With outputs or without, behind partials and `__call__`."""
    with pytest.raises(NodeDefinitionError, match=r"(?s)it is async.*asyncio\.run\(\.\.\.\)"):
        Node(func, ["x"], outputs)


def test_a_decorator_that_runs_a_coroutine_mends_it() -> None:
    """`__wrapped__` isn't asked."""
    assert Node(run_it(fetch), ["x"], ["y"]).run({"x": 3}) == {"y": 3}


def fetched() -> Any:
    return fetch(1)


@pytest.mark.parametrize(
    ("work", "named"),
    [
        (lambda: (n for n in [1]), "a generator that nobody has begun"),
        (yields, "a generator that nobody has begun"),
        (lambda: map(print, [1]), "a map, which nobody has gone through"),
        (lambda: filter(None, [1]), "a filter, which nobody has gone through"),
        (fetched, "a coroutine that nobody has awaited"),
        (lambda: stream(1), "an async generator that nobody has begun"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"use_persistent_cache": True}])
def test_a_lazy_writer_fails(work: Any, named: str, options: Any, tmp_path: Any) -> None:
    """It would count as done, and be reused for good."""
    node = Node(lambda: work(), [], [], name="write")
    pipeline = Pipeline([node], cache_storage_path=tmp_path / "shelf", **options)
    for _ in range(2):
        with pytest.raises(NodeExecutionError, match=f"the writer 'write' returned {named}"):
            pipeline.run(reuse=bool(options))


def begun() -> Iterator[int]:
    generator = yields()
    next(generator)
    return generator


def used_up() -> Iterator[int]:
    generator = yields()
    list(generator)
    return generator


@pytest.mark.parametrize("work", [begun, used_up, lambda: io.StringIO(), lambda: [1].__iter__()])
def test_a_writer_may_return_anything_else(work: Any) -> None:
    """A cursor, an open file, a generator that was gone through."""
    assert Pipeline([Node(work, [], [])]).run().steps[0].status == "ran"


def test_a_generator_with_two_readers_is_a_wiring_error() -> None:
    """The first would leave nothing to the second."""
    make = Node(yields, [], ["rows"])
    first, second = Node(list, ["rows"], ["a"], name="a"), Node(list, ["rows"], ["b"], name="b")
    with pytest.raises(WiringError) as caught:
        Pipeline([make, first, second])
    assert "'rows', read by node 2 'a' and by node 3 'b', is a generator" in str(caught.value)
    assert "let the function of node 1 'yields' return a list" in str(caught.value)
    with pytest.raises(WiringError, match="is a generator"):
        Pipeline([make, first]) + Pipeline([second])
    with pytest.raises(WiringError, match="read by node 2 'zip' twice"):
        Pipeline([make, Node(zip, ["rows", "rows"], ["c"])])
    assert Pipeline([make, first]).run()["a"] == [1]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="markcoroutinefunction is new in 3.12")
def test_a_function_marked_as_a_coroutine_function_is_refused() -> None:
    """By `inspect.markcoroutinefunction`."""
    import inspect

    marked = inspect.markcoroutinefunction(lambda x: fetch(x))  # type: ignore[attr-defined,unused-ignore]
    with pytest.raises(NodeDefinitionError, match="is async"):
        Node(marked, ["x"], ["y"])
