"""A part of the terminal that is drawn again and again, and gives way to everybody else.

rich's own live display keeps the cursor below what it drew, so whatever reaches the terminal
past Python (a subprocess, a C library) is wiped out by the next drawing, and prompts are
drawn over. Here the cursor waits above the frame, and comes back to where it was, in the midst
of a line too: what others write stays, with what is typed behind it. ``sys.stdout``,
``sys.stderr`` and the log handlers on them are led past the frame, so that what they write
stands cleanly above it; prompts and debuggers put the frame away.

What gets past us is written over the frame, and nobody tells us: of two or more lines between
two drawings all but the first may keep a piece of the frame behind their ends. Scroll margins
would prevent that, and be left on the terminal of a run that is killed; a pipe would too, and
then no child would see a terminal. And a line that fills its row to the last column, with no
newline yet, loses that last sign: a cursor waiting there can't be told from one before it.

What is led past is led, and put back, by the thread that draws: Control-C comes in the main
thread only, so it can't stop that half-way.
"""

from __future__ import annotations

import builtins
import logging
import os
import sys
import threading
from _thread import allocate_lock, get_ident, start_new_thread
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, Any
from weakref import WeakMethod

from linepipe_viz.terminal.views import is_terminal

__all__ = ["LiveArea", "is_open", "terminal_columns"]

_TICK = 0.125  # seconds between drawings
# Clears from the cursor to the screen's end. Not from the first column: tmux takes a screen
# that is cleared from its corner for one to keep, and each drawing would stay in its history.
_CLEAR = "\x1b7\x1b[m\x1b[K\x1b[C\x1b[J\x1b8"

_log = logging.getLogger("linepipe.viz")

_open: dict[str, LiveArea] = {}
"""The one there is: two frames on one terminal would draw over each other."""


class LiveArea:
    """A frame at the bottom of the terminal.

    Args:
        stream: the terminal.
        draw: gives the frame's lines, none when there is nothing to show, None when there
            won't be any more. It is called from a thread of its own. A method, held weakly: when
            its owner is gone, the region closes.
    """

    def __init__(self, stream: IO[str], draw: Callable[[], list[str] | None]) -> None:
        self._stream = stream
        self._draw = WeakMethod(draw)
        self._lock = threading.RLock()
        # No threading.Event and no threading.Thread, which has two: interrupted at the wrong
        # moment, they keep their locks, and the next would hang, or raise another error.
        self._opened: SimpleQueue[bool] = SimpleQueue()
        self._ends: SimpleQueue[None] = SimpleQueue()
        self._drawing = allocate_lock()  # held by the thread, to its very end
        self._is_closing = False
        self._visible = False
        self._paused = False
        self._at_line_start = True
        self._undo: list[Callable[[], None]] = []
        self._thread_watched = 0

    def open(self) -> bool:
        """Begin to draw. False, and nothing happens, if another region is open."""
        self._thread_watched = get_ident()
        start_new_thread(self._run_thread, ())
        return self._opened.get()

    def close(self) -> None:
        """Take the frame away and put everything back as it was."""
        self.end()
        self._await_end()

    def end(self) -> None:
        """Begin to close, without waiting: safe at any moment, also while garbage is collected."""
        self._is_closing = True
        self._ends.put(None)

    def _await_end(self) -> None:
        with self._drawing:
            pass

    def resume(self) -> None:
        """Draw again, on a new line: whoever asked, or wrote a part of a line, is done."""
        if self._paused or not self._at_line_start:
            with self._lock:
                self._paused = False
                with suppress(Exception):  # a terminal that has gone
                    self._begin_line()

    def pause_for_fork(self, *, still: bool) -> None:
        """Keep still while the process forks, and go on afterwards."""
        if still:
            self._lock.acquire()
        else:
            self._lock.release()

    def reset_in_child(self) -> None:
        """In a forked child: no thread draws here, and no thread holds the lock."""
        self._lock = threading.RLock()
        self._drawing = allocate_lock()
        self._undo_redirects()

    def _run_thread(self) -> None:
        """All that the thread does, from the first drawing to the last trace of it."""
        with self._drawing:
            self._draw_until_closed()

    def _draw_until_closed(self) -> None:
        other = _open.get("terminal")
        if other is not None and other._is_closing:
            other._await_end()
        if _open.setdefault("terminal", self) is not self:
            self._opened.put(False)
            return
        try:
            self._redirect_streams()
            self._redirect_input()
            self._opened.put(True)
            while not self._has_ended() and self._draw_once():
                pass
        finally:
            self._restore_terminal()
            self._opened.put(False)  # nobody waits in vain

    def _has_ended(self) -> bool:
        try:
            self._ends.get(timeout=_TICK)
        except Empty:
            return self._is_closing
        return True

    def _restore_terminal(self) -> None:
        """Take the frame away, and undo all redirections."""
        with self._lock:
            with suppress(Exception):  # a terminal that has gone
                self._begin_line()
                self._stream.flush()
            self._undo_redirects()

    def _undo_redirects(self) -> None:
        """Put back what was led past the frame, and free the terminal."""
        while self._undo:
            self._undo.pop()()
        _open.pop("terminal", None)

    def _draw_once(self) -> bool:
        """Draw, if nobody is in the way; False when there is nothing left to draw for."""
        draw = self._draw()
        if draw is None:
            return False
        if _is_prompting(self._thread_watched):
            self._hide()
        with self._lock:
            if self._paused or not self._at_line_start or self._is_closing:
                return True
            try:
                lines = draw()
                self._show(lines or [])
            except Exception:  # a closed terminal, a resize at the wrong moment
                self._paused = True
                _log.debug("the live view stopped", exc_info=True)
                return True
        return lines is not None

    def _show(self, lines: list[str]) -> None:
        """Write the frame below the cursor's line, and put the cursor back."""
        if not lines:
            self._erase()
            return
        body = "\n".join(lines)
        # Saved, the cursor keeps its column, which nobody knows, and its colours. Its row is
        # another one if the frame made the screen scroll: down is cut off at the last row, by as
        # many rows as scrolled, so that down and up again end where the cursor's line is now.
        # (IND would make room without leaving the column, but moves left on some Windows.)
        back = f"\x1b8\x1b[{len(lines)}B\x1b[{len(lines)}A"
        self._stream.write(f"{_CLEAR}\x1b7\x1b[m\n{body}{back}")
        self._stream.flush()
        self._visible = True

    def _erase(self) -> None:
        if self._visible:
            self._stream.write(_CLEAR)
            self._visible = False

    def _begin_line(self) -> None:
        """Put the cursor at the beginning of a free line, and the frame away.

        A row of blanks ends where it began if it began at column 0, else in the next row; zsh
        does so before its prompt. Fewer would not reach it, so the terminal itself is asked.
        """
        columns = terminal_columns(self._stream)
        if columns:
            self._stream.write(" " * columns + f"\r{_CLEAR}")
            self._visible = False
        else:
            self._erase()
            if not self._at_line_start:
                self._stream.write("\n")
        self._at_line_start = True

    def _write_above(self, stream: IO[str], text: str) -> int:
        """Write what somebody else writes, above the frame."""
        with self._lock:
            self._erase()
            written = stream.write(text)
            if text:
                self._at_line_start = text.endswith("\n")
            return written

    def _hide(self) -> None:
        """Take the frame away until ``resume``."""
        with self._lock:
            self._paused = True
            self._erase()
            self._stream.flush()

    def _redirect_streams(self) -> None:
        """Lead sys.stdout, sys.stderr and the log handlers on them past the frame."""
        for name in ("stdout", "stderr"):
            real = getattr(sys, name)
            if not is_terminal(real):
                continue
            passing = _RedirectedStream(real, self._write_above)
            setattr(sys, name, passing)
            self._undo.append(_restore(sys, name, passing, real))
            for handler in _handlers_on(real):
                handler.setStream(passing)
                self._undo.append(_restore(handler, "stream", passing, real))

    def _redirect_input(self) -> None:
        """Put the frame away at the moment that input() asks; pdb asks by it too."""
        real = builtins.input
        asking = self._asking(real)
        builtins.input = asking
        self._undo.append(_restore(builtins, "input", asking, real))

    def _asking(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*args: Any, **kwargs: Any) -> Any:
            self._hide()
            answer = real(*args, **kwargs)
            self._at_line_start = True  # by the Enter that ended the answer
            return answer

        return ask


def is_open() -> bool:
    """Return True while a live area is drawn on the terminal."""
    return bool(_open)


def terminal_columns(stream: IO[str]) -> int:
    """Width of the terminal at a stream; 0 if it is unknown or there is no terminal."""
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except (AttributeError, OSError, ValueError):  # no file behind it, or a closed one
        return 0


class _RedirectedStream:
    """A text stream that writes past a frame; in all else it is the real one."""

    def __init__(self, real: IO[str], write: Callable[[IO[str], str], int]) -> None:
        self._real = real
        self._write = write

    def write(self, text: str) -> int:
        return self._write(self._real, text)

    def writelines(self, lines: Iterator[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


_PROMPTING_MODULES = frozenset(
    ["IPython", "bdb", "code", "getpass", "ipdb", "prompt_toolkit", "pudb"]
)


def _is_prompting(thread: int) -> bool:
    """Return True if a debugger or a prompt is open in a node that runs in that thread.

    Wrapping ``sys.breakpointhook`` instead would stop the debugger in our own wrapper.
    """
    frame = sys._current_frames().get(thread)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if module == "linepipe_core":  # what called the run may well be IPython
            return False
        if module in _PROMPTING_MODULES:
            return True
        frame = frame.f_back
    return False


def _handlers_on(stream: IO[str]) -> list[logging.StreamHandler[Any]]:
    """Every log handler that holds this very stream."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    handlers = {id(h): h for logger in loggers for h in getattr(logger, "handlers", ())}
    return [
        handler
        for handler in handlers.values()
        if isinstance(handler, logging.StreamHandler) and handler.stream is stream
    ]


def _restore(owner: Any, name: str, ours: object, real: object) -> Callable[[], None]:
    """Puts an attribute back, unless somebody else has replaced it since."""

    def restore() -> None:
        if getattr(owner, name) is ours:
            setattr(owner, name, real)

    return restore


def _pause_all() -> None:
    for live_area in tuple(_open.values()):
        live_area.pause_for_fork(still=True)


def _resume_all() -> None:
    for live_area in tuple(_open.values()):
        live_area.pause_for_fork(still=False)


def _reset_all() -> None:
    for live_area in tuple(_open.values()):
        live_area.reset_in_child()


if hasattr(os, "register_at_fork"):  # not on Windows
    # Half a frame in a stream's buffer would be written twice, by parent and child.
    os.register_at_fork(before=_pause_all, after_in_parent=_resume_all, after_in_child=_reset_all)
