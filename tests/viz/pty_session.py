"""Runs Python in a real pseudo-terminal, and shows what its screen shows (by pyte)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pyte
from tests.pty_program import PATIENCE_SECONDS, PtyProgram

ROOT = Path(__file__).parents[2]


class PtySession(PtyProgram):
    """A Python program on a terminal of its own.

    Args:
        code: the program.
        columns: the terminal's width.
        rows: its height.
        encoding: what the program thinks the terminal can encode.
    """

    def __init__(
        self, code: str, columns: int = 80, rows: int = 24, encoding: str = "utf-8"
    ) -> None:
        self.screen = pyte.HistoryScreen(columns, rows, history=1000)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "PYTHONIOENCODING": encoding,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTHONUNBUFFERED"):
            environment.pop(name, None)
        super().__init__(["-c", code], environment, columns, rows, ROOT)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal and its screen another size."""
        super().resize(columns, rows)
        self.screen.resize(rows, columns)

    def until(self, seen: Callable[[], bool]) -> None:
        """Read until the condition holds."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while not seen():
            if not self._read() and not seen():
                raise AssertionError("the program ended; its screen:\n" + self.text())
            if time.monotonic() > limit:
                raise AssertionError("it never came; the screen:\n" + self.text())

    def until_shown(self, words: str) -> None:
        """Read until the screen shows these words."""
        self.until(lambda: words in self.text())

    def until_end(self) -> int:
        """Read to the program's end, and give its exit status."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while self._read():
            if time.monotonic() > limit:
                raise AssertionError("it never ended; the screen:\n" + self.text())
        return self.wait()

    def settle(self, seconds: float) -> None:
        """Read for a while: that something does not happen has no sign of its own."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and self._read():
            pass

    def text(self) -> str:
        """All lines, also those that have scrolled off the screen, without blank ends."""
        above = ["".join(line[x].data for x in range(self.screen.columns)) for line in self._old()]
        lines = [line.rstrip() for line in (*above, *self.screen.display)]
        return "\n".join(lines).rstrip()

    def _old(self) -> list[dict[int, pyte.screens.Char]]:
        return list(self.screen.history.top)

    def _read(self) -> bool:
        """Feed what has come; False at the end."""
        came = self.receive(0.05)
        if came is None:
            return True
        self.raw += came
        self._stream.feed(came)
        return bool(came)
