"""A chain of counted nodes, run with reuse in a test's own folder."""

from __future__ import annotations

import sqlite3
import sys
import threading
from pathlib import Path
from typing import Any

from linepipe_core import Node, Pipeline, RunResult

CALLS: list[str] = []

SWITCH: dict[str, Any] = {}  # what nodes read and tests turn; made by a function, so no global


def called(name: str) -> None:
    """Note a call where no fingerprint sees it: through a module looked up by name."""
    sys.modules[__name__].CALLS.append(name)


def switch(name: str, default: Any = None) -> Any:
    return sys.modules[__name__].SWITCH.get(name, default)


def turn(name: str, value: Any) -> None:
    """Turn a switch, from inside a node, where no fingerprint sees it."""
    sys.modules[__name__].SWITCH[name] = value


def load(n: int) -> list[int]:
    called("load")
    return list(range(n))


def clean(raw: list[int], limit: int) -> list[int]:
    called("clean")
    return [x for x in raw if x < limit]


def total(cleaned: list[int]) -> int:
    called("total")
    return sum(cleaned)


def write(total: int) -> None:
    called("write")


class Connection:
    """Can't be pickled."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.lock = threading.Lock()


def connect(url: str) -> Connection:
    called("connect")
    return Connection(url)


def fetch(connection: Connection) -> str:
    called("fetch")
    return connection.url.upper()


CHAIN = [
    Node(load, ["n"], ["raw"]),
    Node(clean, ["raw", "config.limit"], ["cleaned"]),
    Node(total, ["cleaned"], ["total"]),
    Node(write, ["total"], []),
]


def pipeline(path: Path, nodes: Any = None, limit: Any = 5, n: Any = 10, **more: Any) -> Pipeline:
    config = {"limit": limit, "url": "sqlite://a", "other": 1}
    return Pipeline(
        CHAIN if nodes is None else nodes,
        config=config,
        use_persistent_cache=True,
        cache_storage_path=path / "cache",
        n=n,
        **more,
    )


def ran(result: RunResult) -> list[str]:
    return [step.node.name for step in result.steps if step.status == "ran"]


def reasons(result: RunResult, name: str) -> tuple[str, ...]:
    return next(step.reasons for step in result.steps if step.node.name == name)


CONNECTED = [
    Node(connect, ["config.url"], ["connection"]),
    Node(fetch, ["connection"], ["text"]),
    Node(len, ["text"], ["length"], name="measure"),
]

CONNECTION = sqlite3.connect(":memory:", check_same_thread=False)
