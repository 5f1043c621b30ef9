"""Objects that refuse to be looked at end no run and no plan: they count as changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from linepipe_core import File, Node, Pipeline


class NoAttributes:
    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]
        raise RuntimeError("no attributes")


class Nothing:
    def __getattribute__(self, name: str) -> Any:
        raise ValueError(name)


@pytest.fixture
def future() -> Iterator[Any]:
    """Its type says that it has a ``__dict__``, and it has none."""
    loop = asyncio.new_event_loop()
    yield loop.create_future()
    loop.close()


REFUSING: Any = None


def read_global(n: int) -> int:
    return n if REFUSING is None else n + 1


@pytest.mark.parametrize("make", [NoAttributes, Nothing, None], ids=["dict", "all", "future"])
@pytest.mark.parametrize("track_history", [False, True])
def test_they_end_no_run(
    make: Callable[[], Any] | None,
    track_history: bool,
    future: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a global that a node reads, and in a constant that it gets."""
    refusing = future if make is None else make()
    monkeypatch.setitem(read_global.__globals__, "REFUSING", refusing)
    nodes = [
        Node(read_global, ["n"], ["read"]),
        Node(lambda given: len(given), ["given"], ["length"], name="get"),
    ]
    pipeline = Pipeline(
        nodes,
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
        track_history=track_history,
        n=3,
        given=[refusing, File(__file__)],  # it is searched for Files
    )
    assert pipeline.run()["read"] == 4
    assert pipeline.run(reuse=True)["length"] == 2
    assert len(pipeline.plan()) == 2
