"""A Python program on a real pseudo-terminal of its own: started, read, typed at, ended."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PATIENCE_SECONDS: Final = 60.0  # what must come may take this long; only what never comes does


class PtyProgram:
    """Python with these arguments, the terminal's other end being ours.

    Args:
        arguments: Python's arguments.
        environment: what the program finds in ``os.environ``.
        columns: the terminal's width.
        rows: its height.
        cwd: the folder it starts in.
        pass_fds: file descriptors of ours that it may use.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._fd, theirs = pty.openpty()
        self.resize(columns, rows)
        # setsid makes the terminal the program's own, for Ctrl-C and /dev/tty. pty.fork would
        # too, but forking this process, which may have threads, is deprecated.
        self._process = subprocess.Popen(
            ["setsid", "--ctty", sys.executable, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=cwd,
            env=environment,
            pass_fds=pass_fds,
        )
        os.close(theirs)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, text: str) -> None:
        """Type on the terminal's keyboard."""
        os.write(self._fd, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C: every process in the foreground is told, not the program alone."""
        os.killpg(self._process.pid, signal.SIGINT)

    def receive(self, seconds: float) -> bytes | None:
        """The text that the program has written; None if nothing came in time, empty at its end."""
        if not select.select([self._fd], [], [], max(0.0, seconds))[0]:
            return None
        try:
            return os.read(self._fd, 65536)
        except OSError:  # Linux says so when the other end has closed
            return b""

    def wait(self) -> int:
        """The exit status of a program that has closed its terminal."""
        return self._process.wait(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
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
