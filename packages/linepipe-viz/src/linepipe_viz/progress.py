"""A hook that shows a run while it runs.

On a terminal the pipeline's rows, live; elsewhere a plain line a node. Either way the whole
picture once at the end. What a node costs here is a clock reading and a few assignments: a
thread of its own draws.
"""

from __future__ import annotations

import os
from time import perf_counter

from rich.console import Console

from linepipe_core import Hook
from linepipe_viz.overlay import Record, step_record
from linepipe_viz.pieces import FRAME, painted
from linepipe_viz.region import Region, terminal_columns
from linepipe_viz.terminal import LANE_COLOURS, STATUS_MARKS, Flow, pen_of
from linepipe_viz.words import rise_text, seconds_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from linepipe_core import Run, RunResult, Step
    from linepipe_viz.pieces import Line

__all__ = ["Progress"]

_FRAME_ROWS = 6  # of a live frame that aren't nodes: borders, progress, blank lines
_LINGER = 0.3  # seconds that the frame stays while no node runs


class Progress(Hook):
    """Shows a run while it runs: ``pipeline.run(hooks=[Progress()])``.

    A node's own prints and log lines stand above the live view; prompts and debuggers put it
    away until their node is done. What a subprocess or a C library writes is kept too, but of
    several lines at once some may end in a piece of the view: capture such output, or have plain
    lines by ``Progress(Console(force_terminal=False))``. A Progress watches one run at a time.

    Args:
        console: where to; rich's default console if None.
        title: the heading; ``"Pipeline"`` if None.
    """

    def __init__(self, console: Console | None = None, *, title: str | None = None) -> None:
        self._given = console
        self._title = title
        self._flow: Flow | None = None
        self._region: Region | None = None

    def before_run(self, run: Run) -> None:
        """Open the live view, if this is a terminal and it is free."""
        self._close()
        self._flow = None
        self._console = console = self._given or Console()
        self._pen = pen_of(console)
        self._steps: list[Step] = []
        self._n_nodes = len(run.nodes)
        self._digits = len(str(self._n_nodes))
        self._began = self._since = perf_counter()
        self._running = False
        self._stream = console.file
        self._is_held_back = _holds_back(console)
        self._flow = Flow(run.nodes, self._title)
        is_watched = console.is_terminal and not self._is_held_back
        if is_watched and not console.is_dumb_terminal and not console.is_jupyter:
            self._region = Region(self._stream, self._frame)
            if not self._region.open():
                self._region = None

    def before_node(self, step: Step) -> None:
        """Note that it runs."""
        self._since = perf_counter()
        self._steps.append(step)
        self._running = True

    def after_node(self, step: Step) -> None:
        """Note that it ran."""
        self._running = False
        self._since = perf_counter()
        if self._region is None:
            self._tell(step)
        else:
            self._region.resume()

    def on_node_error(self, step: Step, error: BaseException) -> None:  # noqa: ARG002
        """Put the live view away: a debugger may open next."""
        self._running = False
        if self._region is None:
            self._tell(step)
        else:
            self._region.close()

    def after_run(self, result: RunResult) -> None:
        """Show the whole picture."""
        self._close()
        if self._flow is None:  # interrupted before it began
            return
        told = [step_record(step) for step in result.steps]
        console = self._console
        panel = self._flow.panel(told, _width_of(console), self._pen)
        if self._is_held_back or console.is_jupyter or console.legacy_windows:
            console.print(panel, end="")
        else:
            self._stream.write("\n".join([*painted(panel.lines, console), ""]))
            self._stream.flush()

    def _close(self) -> None:
        if self._region is not None:
            self._region.close()
            self._region = None

    def _tell(self, step: Step) -> None:
        """One plain line; written past rich, which would take longer than many a node."""
        record = step_record(step)
        mark, pen = STATUS_MARKS[record.status], self._pen
        place = f"{step.index + 1:>{self._digits}}/{self._n_nodes}"
        words = record.caption if record.status != "ran" else record.figures
        name = pen.words(step.node.name)
        line = f"{place} {pen.sign(mark.sign, mark.letter)} {name}  {pen.words(words)}\n"
        if self._is_held_back:
            self._console.out(line, end="", highlight=False)
        else:
            self._stream.write(line)
            self._stream.flush()

    def _frame(self) -> list[str] | None:
        """The live view's lines, for this moment; called from the region's thread."""
        now = perf_counter()
        if self._flow is None:
            return []
        if not self._running and now - self._since > _LINGER:
            return [] if len(self._steps) < self._n_nodes else None
        console, steps = self._console, list(self._steps)
        told: list[Record | None] = [step_record(step) for step in steps]
        if self._running and steps:
            told[-1] = Record("running", now - self._since)
        told += [None] * (self._n_nodes - len(told))
        width = console.width
        panel = self._flow.panel(
            told,
            width,
            self._pen,
            shown=self._window(len(steps), console.height - _FRAME_ROWS),
            footer=self._footer(told, now, width - 4),
        )
        most = max(console.height - 1, 0)  # a taller frame would scroll away
        return painted(panel.lines[:most], console)

    def _window(self, n_begun: int, room: int) -> range:
        """The rows around the running node, as many as the terminal has room for."""
        room = max(room, 1)
        first = min(max(n_begun - 1 - room // 2, 0), max(self._n_nodes - room, 0))
        return range(first, min(first + room, self._n_nodes))

    def _footer(self, told: Sequence[Record | None], now: float, width: int) -> Line:
        """How far it is, how long it took, how high memory rose."""
        pen, total = self._pen, max(self._n_nodes, 1)
        done = sum(record is not None and record.status != "running" for record in told)
        words = f"{seconds_text(now - self._began)} elapsed"
        peaks = [record.peak_mib for record in told if record and record.peak_mib is not None]
        if peaks:
            words += f" · peak {rise_text(max(peaks))}"
        words = pen.words(words)
        room = max(width - len(f"{done}/{self._n_nodes}") - len(words) - 2, 0)
        part = room * done // total
        bar = pen.sign("━", "=")
        return [
            (str(done), "bold"),
            (f"/{self._n_nodes} ", ""),
            (bar * part, LANE_COLOURS[0]),
            (pen.sign("━", "-") * (room - part), FRAME),
            (f" {words}", "dim"),
        ]


def _width_of(console: Console) -> int:
    """Also of a dumb terminal: rich calls each of them 80 x 25 that it is told too little of."""
    if not console.is_dumb_terminal or console.size != (80, 25):
        return console.width
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdigit() else terminal_columns(console.file) or console.width


def _holds_back(console: Console) -> bool:
    """Whether what is printed on a console is for other eyes than those at its file."""
    is_captured = getattr(console, "_buffer_index", 0) > 0  # rich doesn't say so in public
    return console.record or console.quiet or is_captured
