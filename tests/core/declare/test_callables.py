"""Mocks and proxies, which have any attribute they are asked for, as nodes."""

from __future__ import annotations

import io
import sys
from functools import lru_cache, partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock, MagicMock, Mock, create_autospec

import pytest

from linepipe_core import Node, NodeDefinitionError, NodeExecutionError, Pipeline
from linepipe_core._declare.callables import python_code
from linepipe_viz import draw_ascii_pipeline, draw_mermaid_pipeline, draw_svg_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable


def plain(x: int) -> int:
    return x


@wraps(plain)
def wrapped(x: int) -> int:
    return plain(x)


class Model:
    """A callable object."""

    def __call__(self, x: int) -> int:
        return x

    def method(self, x: int) -> int:
        return x


class Ledger:
    """A class that is called for an instance."""

    def __init__(self, x: int) -> None:
        self.x = 1 // x

    @classmethod
    def opened(cls, x: int) -> Ledger:
        return cls(x)


class Point(tuple[int, ...]):
    """One that makes its instances itself."""

    __slots__ = ()

    def __new__(cls, x: int) -> Point:
        return super().__new__(cls, (1 // x,))


@pytest.mark.parametrize(
    ("func", "code"),
    [
        (plain, plain.__code__),
        (wrapped, plain.__code__),
        (partial(plain, 1), plain.__code__),
        (partial(wrapped, 1), plain.__code__),
        (Model(), Model.__call__.__code__),
        (Model().method, Model.method.__code__),
        (partial(Model(), 1), Model.__call__.__code__),
        (Ledger, Ledger.__init__.__code__),
        (Point, Point.__new__.__code__),
        (Ledger.opened, Ledger.opened.__code__),
        (lru_cache(plain), plain.__code__),
        (len, None),
        (partial(len, "a"), None),
        (int, None),
    ],
)
def test_the_code_is_the_users(func: Any, code: Any) -> None:
    """Under partials, decorators, methods and callable objects."""
    assert python_code(func) is code


class Endless:
    """Answers every attribute with another of its kind, as a query builder does."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        return Endless()

    def __call__(self, x: int) -> int:
        if self.error is not None:
            raise self.error
        return x


def _of(make: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """A node function that answers, or fails if it is given an error."""

    def made(error: Exception | None = None) -> Any:
        return make(**options, return_value=3) if error is None else make(side_effect=error)

    return made


MADE = pytest.mark.parametrize(
    "made",
    [
        pytest.param(_of(Mock), id="Mock"),
        pytest.param(_of(MagicMock), id="MagicMock"),
        pytest.param(_of(partial(Mock, spec=plain)), id="Mock of a spec"),
        pytest.param(_of(partial(MagicMock, spec=partial(plain))), id="MagicMock of a partial"),
        pytest.param(_of(partial(create_autospec, plain)), id="autospec"),
        pytest.param(Endless, id="Endless"),
    ],
)


def _pipeline(func: Callable[..., Any], path: Path, **options: Any) -> Pipeline:
    nodes = [Node(func, ["x"], ["y"], name="told"), Node(plain, ["y"], ["z"])]
    return Pipeline(nodes, cache_storage_path=str(path / "cache"), x=3, **options)


@MADE
def test_a_function_that_has_any_attribute_runs_and_is_reused(made: Any, tmp_path: Path) -> None:
    """In memory, with history, and with the cache."""
    func = made()
    assert _pipeline(func, tmp_path).run()["z"] == 3
    assert _pipeline(func, tmp_path, track_history=True).run()["z"] == 3
    cached = _pipeline(func, tmp_path, use_persistent_cache=True)
    assert "told" in str(cached.plan())
    assert cached.run(reuse=True)["z"] == 3
    assert [step.status for step in cached.run(reuse=True).steps] == ["reused", "reused"]


@MADE
@pytest.mark.parametrize("options", [{}, {"track_history": True}, {"use_persistent_cache": True}])
def test_a_function_that_has_any_attribute_fails_with_its_own_error(
    made: Any, options: dict[str, Any], tmp_path: Path
) -> None:
    """Where the report looks for the function's code, it comes to an end."""
    with pytest.raises(NodeExecutionError, match=r"'told' failed[\s\S]*ValueError: no such"):
        _pipeline(made(ValueError("no such")), tmp_path, **options).run()


@MADE
def test_a_function_that_has_any_attribute_is_drawn(made: Any, tmp_path: Path) -> None:
    """And has no annotation to show."""
    pipeline = _pipeline(made(), tmp_path)
    for draw in (draw_ascii_pipeline, draw_svg_pipeline, draw_mermaid_pipeline):
        assert "told" in draw(pipeline)
    assert pipeline.output_hints.keys() == {"y", "z"}


@MADE
def test_the_debugger_opens_in_a_function_that_has_any_attribute(
    made: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In the code that is called, whosever that is."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("continue\n"))
    _pipeline(made(), tmp_path).debug("told")
    assert "(Pdb)" in capsys.readouterr().out


def test_an_async_mock_is_refused() -> None:
    """As a coroutine function is: linepipe awaits nothing."""
    with pytest.raises(NodeDefinitionError, match=r"asyncio\.run"):
        Node(AsyncMock(return_value=3), ["x"], ["y"])


@pytest.mark.parametrize("kind", [Ledger, Point])
def test_a_class_that_fails_is_reported_with_the_line_of_its_constructor(kind: type) -> None:
    """A class is as good a function as any."""
    with pytest.raises(NodeExecutionError, match=rf"function: {kind.__name__}\.__(init|new)__, "):
        Pipeline([Node(kind, ["x"], ["y"])], x=0).run()


def test_hints_of_a_callable_object_are_those_of_its_call() -> None:
    """Its class's annotations are those of attributes, not of its call."""

    class Scale:
        factor: float = 2.0

        def __call__(self, x: float) -> float:
            return self.factor * x

    assert Pipeline([Node(Scale(), ["x"], ["y"])]).output_hints == {"y": float}
