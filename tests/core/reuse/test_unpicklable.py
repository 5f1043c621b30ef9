"""Products that cannot be stored are made for those readers that run, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.core.reuse.chain import (
    CALLS,
    CHAIN,
    CONNECTED,
    SWITCH,
    Connection,
    called,
    connect,
    fetch,
    pipeline,
    ran,
    reasons,
    switch,
)

from linepipe_core import (
    Node,
    NodeExecutionError,
    Pipeline,
)
from linepipe_core.shelf import ObjectShelf


def test_an_unpicklable_product_that_nobody_needs_is_not_made(tmp_path: Path) -> None:
    """Nor is it when only a later node runs."""
    pipeline(tmp_path, CONNECTED).run()
    assert ran(pipeline(tmp_path, CONNECTED).run(reuse=True)) == []
    assert ran(pipeline(tmp_path, CONNECTED).run(reuse=True, rerun=["measure"])) == ["measure"]


def test_an_unpicklable_product_is_made_for_who_needs_it(tmp_path: Path) -> None:
    """And the reason says for whom."""
    pipeline(tmp_path, CONNECTED).run()
    again = pipeline(tmp_path, CONNECTED).run(reuse=True, rerun=["fetch"])
    assert ran(again) == ["connect", "fetch"]
    assert reasons(again, "connect") == ("connection can't be kept, and fetch needs it",)


def test_an_unpicklable_product_is_deferred_until_its_readers_are_decided(
    tmp_path: Path,
) -> None:
    """The readers may turn out fresh; then neither it nor what it is made of is made."""

    def session(connection: Connection, n: int) -> Connection:
        called("session")
        return connection

    def fetch_many(session: Connection, cleaned: list[int]) -> list[str]:
        called("fetch_many")
        return [session.url for _ in cleaned]

    nodes = [
        CHAIN[0],
        Node(connect, ["config.url"], ["connection"]),
        Node(session, ["connection", "n"], ["session"]),
        CHAIN[1],
        Node(fetch_many, ["session", "cleaned"], ["texts"]),
    ]
    pipeline(tmp_path, nodes, limit=20).run()
    unneeded = pipeline(tmp_path, nodes, limit=30)
    assert [e.action for e in unneeded.plan()] == ["reuse", "maybe", "maybe", "run", "maybe"]
    result = unneeded.run(reuse=True)
    assert ran(result) == ["clean"]
    put_off = "put off until a node that runs needs it"
    assert reasons(result, "connect") == ("nothing changed", put_off)
    CALLS.clear()
    needed = pipeline(tmp_path, nodes, limit=3).run(reuse=True)
    assert ran(needed) == ["connect", "session", "clean", "fetch_many"]
    assert CALLS == ["clean", "connect", "session", "fetch_many"]
    assert reasons(needed, "session") == ("session can't be kept, and fetch_many needs it",)
    assert needed["texts"] == ["sqlite://a"] * 3


def test_a_failure_of_a_deferred_node_is_its_own(tmp_path: Path) -> None:
    """The report names the node that failed, and the reader has had no turn."""

    def connect_badly(url: str) -> Connection:
        if switch("broken"):
            raise OSError("refused")
        return Connection(url)

    def fetch_many(connection: Connection, cleaned: list[int]) -> int:
        return len(cleaned)

    nodes = [
        Node(connect_badly, ["config.url"], ["connection"]),
        *CHAIN[:2],
        Node(fetch_many, ["connection", "cleaned"], ["n_texts"]),
    ]
    pipeline(tmp_path, nodes).run()
    SWITCH["broken"] = True
    with pytest.raises(NodeExecutionError, match="node 1 of 4 'connect_badly'") as caught:
        pipeline(tmp_path, nodes, limit=3).run(reuse=True)
    assert [s.status for s in caught.value.steps] == ["failed", "reused", "ran", "pending"]


def test_an_unpicklable_product_counts_by_how_it_was_made(tmp_path: Path) -> None:
    """Another url is another connection."""
    pipeline(tmp_path, CONNECTED).run()
    other = Pipeline(
        CONNECTED,
        {"url": "sqlite://b"},
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    assert [entry.action for entry in other.plan()] == ["run", "maybe", "maybe"]
    result = other.run(reuse=True)
    assert ran(result) == ["connect", "fetch", "measure"]
    assert reasons(result, "fetch") == ("input connection changed",)


@pytest.mark.parametrize("how", ["always_run", "rerun"])
def test_an_unpicklable_product_counts_as_new_when_it_is_rerun(tmp_path: Path, how: str) -> None:
    """Nobody can see what is in a generator; its readers run, and the plan says so."""

    def rows() -> Any:
        return (row for row in [switch("row")])

    def largest(rows: Any) -> int:
        return int(max(rows))

    nodes = [
        Node(rows, [], ["rows"], always_run=how == "always_run"),
        Node(largest, ["rows"], ["largest"]),
        Node(abs, ["largest"], ["size"], name="measure"),
    ]
    again = ["rows"] if how == "rerun" else []
    for row in (1, 2, 2, -2):
        SWITCH["row"] = row
        if row != 1:
            plan = pipeline(tmp_path, nodes).plan(rerun=again)
            assert [entry.action for entry in plan] == ["run", "run", "maybe"]
        result = pipeline(tmp_path, nodes).run(reuse=True, rerun=again, outputs=["largest"])
        assert result["largest"] == row
    if how == "rerun":
        assert ran(pipeline(tmp_path, nodes).run(reuse=True)) == []


def test_an_unpicklable_result_is_made_each_time(tmp_path: Path) -> None:
    """Somebody asked for it."""
    nodes = CONNECTED[:1]
    pipeline(tmp_path, nodes).run(reuse=True)
    again = pipeline(tmp_path, nodes).run(reuse=True)
    assert reasons(again, "connect") == ("connection can't be kept, and is a result",)
    assert again["connection"].url == "sqlite://a"


def test_a_result_that_is_reused_is_read_only_when_looked_at(tmp_path: Path) -> None:
    """Unpickling it would call this class."""
    nodes = [Node(Loud, [], ["loud"])]
    pipeline(tmp_path, nodes).run(reuse=True)
    CALLS.clear()
    result = pipeline(tmp_path, nodes).run(reuse=True)
    assert ran(result) == []
    assert CALLS == []
    assert isinstance(result["loud"], Loud)
    assert CALLS == ["unpickled"]


class Loud:
    def __setstate__(self, state: object) -> None:
        called("unpickled")

    def __getstate__(self) -> str:
        return "state"


def test_a_reader_that_must_run_after_all_gets_an_unpicklable_input(tmp_path: Path) -> None:
    """The connection wasn't needed at its turn; then what was made of it is lost."""
    nodes = [
        Node(connect, ["config.url"], ["connection"]),
        Node(fetch, ["connection"], ["rows"]),
    ]
    pipeline(tmp_path, nodes).run(outputs=["rows"])
    with pipeline(tmp_path, nodes).start(reuse=True, outputs=["rows"]) as run:
        next(run)
        with ObjectShelf(tmp_path / "cache") as shelf:
            del shelf["rows"]
        result = run.finish()
    assert ran(result) == ["connect", "fetch"]
    assert result["rows"] == "SQLITE://A"
