"""Watches what the shelf asks of its index and of its folder, to know what that grows with."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest


class Queries:
    """The statements of connections that are opened from now on, and the folders listed.

    Attributes:
        statements: each statement that was executed.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.statements: list[str] = []
        self._listed: list[int] = []
        self._connect = connect = sqlite3.connect
        listdir = os.listdir

        def watched(*args: Any, **options: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*args, **options)
            connection.set_trace_callback(self.statements.append)
            return connection

        def listed(path: Any = ".") -> Any:
            self._listed.append(os.stat(path).st_ino)
            return listdir(path)

        monkeypatch.setattr(sqlite3, "connect", watched)
        monkeypatch.setattr(os, "listdir", listed)

    def scanned(self, path: str) -> set[str]:
        """The tables that were gone through from end to end, and ``buffers`` if that was listed."""
        found: set[str] = set()
        kinds = {sql.partition("'")[0]: sql for sql in self.statements}  # one of those alike
        connection = self._connect(f"{path}/index.sqlite")
        for sql in kinds.values():
            if sql.split(maxsplit=1)[0] in ("SELECT", "INSERT", "UPDATE", "DELETE"):
                plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}")
                found.update(step.split()[1] for *_, step in plan if step.startswith("SCAN"))
        connection.close()
        if os.stat(Path(path, "buffers")).st_ino in self._listed:
            found.add("buffers")
        return {table for table in found if not table.startswith("(")}  # subqueries are in it
