"""A program on a terminal that only knows lines, to type at and to read."""

from __future__ import annotations

import os
import time

from tests.pty_program import PATIENCE_SECONDS, PtyProgram


class Terminal(PtyProgram):
    """Python with these arguments, on a terminal of its own.

    Args:
        *args: Python's arguments.
    """

    def __init__(self, *args: str) -> None:
        self.shown = ""  # all that came so far, with plain newlines
        self._told = 0  # how much of it `read_to` has given
        super().__init__(args, {**os.environ, "TERM": "dumb", "PYTHON_BASIC_REPL": "1"})

    def read_to(self, words: str) -> str:
        """Read until these words come.

        Returns:
            What was shown since the last call, the words included.
        """
        limit = time.monotonic() + PATIENCE_SECONDS
        while words not in self.shown[self._told :]:
            assert self._read(limit), f"{words!r} never came; this did:\n{self.shown}"
        end = self.shown.index(words, self._told) + len(words)
        told, self._told = self.shown[self._told : end], end
        return told

    def type_line(self, line: str) -> None:
        """Type a line and press Enter."""
        self.press(line + "\n")

    def ask(self, line: str, prompt: str) -> str:
        """Type a line, and read what comes until the next prompt."""
        self.type_line(line)
        return self.read_to(prompt)

    def end(self) -> int:
        """Read to the end.

        Returns:
            The program's exit status.
        """
        limit = time.monotonic() + PATIENCE_SECONDS
        while self._read(limit):
            pass
        return self.wait()

    def _read(self, limit: float) -> bool:
        came = self.receive(limit - time.monotonic())
        self.shown += (came or b"").decode().replace("\r\n", "\n")
        return bool(came)
