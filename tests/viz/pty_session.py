"""Runs Python in a real pseudo-terminal, and shows what its screen shows (by pyte)."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import pyte

ROOT = Path(__file__).parents[2]
_LONGEST = 10.0  # seconds that a test waits for what must come


class PtySession:
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
        self._fd, follower = pty.openpty()
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        # setsid makes the terminal the program's own, for Ctrl-C and /dev/tty. pty.fork would
        # too, but forking this process, which may have threads, is deprecated.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, "-c", code],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            cwd=ROOT,
            env=environment,
        )
        os.close(follower)

    def until(self, seen: Callable[[], bool]) -> None:
        """Read until the condition holds."""
        limit = time.monotonic() + _LONGEST
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
        limit = time.monotonic() + _LONGEST
        while self._read():
            if time.monotonic() > limit:
                raise AssertionError("it never ended; the screen:\n" + self.text())
        return self._process.wait()

    def settle(self, seconds: float) -> None:
        """Read for a while: that something does not happen has no sign of its own."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit and self._read():
            pass

    def press(self, text: str) -> None:
        """Type on the terminal's keyboard."""
        os.write(self._fd, text.encode())

    def text(self) -> str:
        """All lines, also those that have scrolled off the screen, without blank ends."""
        above = ["".join(line[x].data for x in range(self.screen.columns)) for line in self._old()]
        lines = [line.rstrip() for line in (*above, *self.screen.display)]
        return "\n".join(lines).rstrip()

    def _old(self) -> list[dict[int, pyte.screens.Char]]:
        return list(self.screen.history.top)

    def _read(self) -> bool:
        """Feed what has come; False at the end."""
        ready, _, _ = select.select([self._fd], [], [], 0.05)
        if not ready:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # Linux says so when the other side has closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def __enter__(self) -> PtySession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._fd)
        self._process.kill()
        self._process.wait()
