"""Runs Python in a real pseudo-terminal, and shows what its screen shows (by pyte)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

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
        said_to_go_on, self._says_to_go_on = os.pipe()
        environment = {
            **os.environ,
            "GO_ON": str(said_to_go_on),  # for `wait_to_go_on` in the program
            "TERM": "xterm-256color",
            "PYTHONIOENCODING": encoding,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "PYTHONUNBUFFERED"):
            environment.pop(name, None)
        super().__init__(["-c", code], environment, columns, rows, ROOT, [said_to_go_on])
        os.close(said_to_go_on)

    def go_on(self) -> None:
        """End one `wait_to_go_on` of the program, without a key that the terminal would echo."""
        os.write(self._says_to_go_on, b"x")

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal and its screen another size."""
        super().resize(columns, rows)
        self.screen.resize(rows, columns)

    def until(self, seen: Callable[[], bool]) -> None:
        """Read until the condition holds, and no more comes just now.

        A drawing comes in several parts, and what it shows in between isn't meant to be seen.
        """
        limit = time.monotonic() + PATIENCE_SECONDS
        while True:
            came = self._read()
            if seen() and not came:
                return
            if came == b"":
                raise AssertionError("the program ended; its screen:\n" + self.text())
            if time.monotonic() > limit:
                raise AssertionError("it never came; the screen:\n" + self.text())

    def until_shown(self, words: str) -> None:
        """Read until the screen shows these words."""
        self.until(lambda: words in self.text())

    def until_end(self) -> int:
        """Read to the program's end, and give its exit status."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while self._read() != b"":
            if time.monotonic() > limit:
                raise AssertionError("it never ended; the screen:\n" + self.text())
        return self.wait()

    def settle(self, seconds: float) -> None:
        """Read for a while: that something does not happen has no sign of its own."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and self._read() != b"":
            pass

    def text(self) -> str:
        """All lines, also those that have scrolled off the screen, without blank ends."""
        above = ["".join(line[x].data for x in range(self.screen.columns)) for line in self._old()]
        lines = [line.rstrip() for line in (*above, *self.screen.display)]
        return "\n".join(lines).rstrip()

    def _old(self) -> list[dict[int, pyte.screens.Char]]:
        return list(self.screen.history.top)

    def _read(self) -> bytes | None:
        """Feed the screen what has come: None if nothing has, empty at the end."""
        came = self.receive(0.03)
        if came:
            self.raw += came
            self._stream.feed(came)
        return came

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, traceback)
        os.close(self._says_to_go_on)
