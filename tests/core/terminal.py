"""A program on a real pseudo-terminal, to type at and to read."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from types import TracebackType

_LONGEST = 30.0  # seconds that a test waits for what must come


class Terminal:
    """Python with these arguments, on a terminal of its own.

    Args:
        *args: Python's arguments.
    """

    def __init__(self, *args: str) -> None:
        self.shown = ""  # all that came so far, with plain newlines
        self._told = 0  # how much of it `read_to` has given
        self._fd, theirs = pty.openpty()
        environment = {**os.environ, "TERM": "dumb", "PYTHON_BASIC_REPL": "1"}
        self._process = subprocess.Popen(
            [sys.executable, *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)

    def read_to(self, words: str) -> str:
        """Read until these words come.

        Returns:
            What was shown since the last call, the words included.
        """
        limit = time.monotonic() + _LONGEST
        while words not in self.shown[self._told :]:
            assert self._read(limit), f"{words!r} never came; this did:\n{self.shown}"
        end = self.shown.index(words, self._told) + len(words)
        told, self._told = self.shown[self._told : end], end
        return told

    def type_line(self, line: str) -> None:
        """Type a line and press Enter."""
        os.write(self._fd, line.encode() + b"\n")

    def interrupt(self) -> None:
        """Press Ctrl-C: every process in the foreground is told, not the program alone."""
        os.killpg(self._process.pid, signal.SIGINT)

    def ask(self, line: str, prompt: str) -> str:
        """Type a line, and read what comes until the next prompt."""
        self.type_line(line)
        return self.read_to(prompt)

    def end(self) -> int:
        """Read to the end.

        Returns:
            The program's exit status.
        """
        limit = time.monotonic() + _LONGEST
        while self._read(limit):
            pass
        return self._process.wait(_LONGEST)

    def _read(self, limit: float) -> bool:
        if not select.select([self._fd], [], [], max(0.0, limit - time.monotonic()))[0]:
            return False
        try:
            came = os.read(self._fd, 65536)
        except OSError:  # Linux says so when the other end has closed
            return False
        self.shown += came.decode().replace("\r\n", "\n")
        return bool(came)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)
