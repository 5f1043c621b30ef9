"""A hook that shows a run while it runs.

On a terminal the pipeline's rows, live; elsewhere a plain line a node. Either way the whole
picture once at the end. What a node costs here is a clock reading and a few assignments: a
thread of its own draws.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import perf_counter

from rich.console import Console

from linepipe_core import Hook, Run, RunResult, Step
from linepipe_viz.graph.records import Record, step_record
from linepipe_viz.progress.live_area import LiveArea, terminal_columns
from linepipe_viz.terminal.styled_text import FRAME, Line, to_ansi
from linepipe_viz.terminal.views import LANE_COLOURS, STATUS_MARKS, Flow, charset_of
from linepipe_viz.text import rise_text, seconds_text

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
        self._table: Flow | None = None
        self._live_area: LiveArea | None = None

    def before_run(self, run: Run) -> None:
        """Open the live view, if this is a terminal and it is free."""
        self._close()
        self._table = None
        self._console = console = self._given or Console()
        self._charset = charset_of(console)
        self._steps: list[Step] = []
        self._n_nodes = len(run.nodes)
        self._digits = len(str(self._n_nodes))
        self._began = self._since = perf_counter()
        self._running = False
        self._stream = console.file
        self._is_captured = _captures_output(console)
        self._table = Flow(run.nodes, self._title)
        is_watched = console.is_terminal and not self._is_captured
        if is_watched and not console.is_dumb_terminal and not console.is_jupyter:
            self._live_area = LiveArea(self._stream, self._frame)
            if not self._live_area.open():
                self._live_area = None

    def before_node(self, step: Step) -> None:
        """Record the start of the node."""
        self._since = perf_counter()
        self._steps.append(step)
        self._running = True

    def after_node(self, step: Step) -> None:
        """Record the end of the node."""
        self._running = False
        self._since = perf_counter()
        if self._live_area is None:
            self._print_step(step)
        else:
            self._live_area.resume()

    def on_node_error(self, step: Step, error: BaseException) -> None:  # noqa: ARG002
        """Put the live view away: a debugger may open next."""
        self._running = False
        if self._live_area is None:
            self._print_step(step)
        else:
            self._live_area.close()

    def after_run(self, result: RunResult) -> None:
        """Show the whole picture."""
        self._close()
        if self._table is None:  # interrupted before it began
            return
        records = [step_record(step) for step in result.steps]
        console = self._console
        panel = self._table.panel(records, _width_of(console), self._charset)
        if self._is_captured or console.is_jupyter or console.legacy_windows:
            console.print(panel, end="")
        else:
            self._stream.write("\n".join([*to_ansi(panel.lines, console), ""]))
            self._stream.flush()

    def _close(self) -> None:
        if self._live_area is not None:
            self._live_area.close()
            self._live_area = None

    def _print_step(self, step: Step) -> None:
        """One plain line; written past rich, which would take longer than many a node."""
        record = step_record(step)
        mark, charset = STATUS_MARKS[record.status], self._charset
        place = f"{step.index + 1:>{self._digits}}/{self._n_nodes}"
        words = record.summary if record.status != "ran" else record.figures
        name = charset.words(step.node.name)
        line = f"{place} {charset.sign(mark.sign, mark.letter)} {name}  {charset.words(words)}\n"
        if self._is_captured:
            self._console.out(line, end="", highlight=False)
        else:
            self._stream.write(line)
            self._stream.flush()

    def _frame(self) -> list[str] | None:
        """The live view's lines, for this moment; called from the region's thread."""
        now = perf_counter()
        if self._table is None:
            return []
        if not self._running and now - self._since > _LINGER:
            return [] if len(self._steps) < self._n_nodes else None
        console, steps = self._console, list(self._steps)
        records: list[Record | None] = [step_record(step) for step in steps]
        if self._running and steps:
            records[-1] = Record("running", now - self._since)
        records += [None] * (self._n_nodes - len(records))
        width = console.width
        panel = self._table.panel(
            records,
            width,
            self._charset,
            shown=self._window(len(steps), console.height - _FRAME_ROWS),
            footer=self._footer(records, now, width - 4),
        )
        most = max(console.height - 1, 0)  # a taller frame would scroll away
        return to_ansi(panel.lines[:most], console)

    def _window(self, n_begun: int, room: int) -> range:
        """The rows around the running node, as many as the terminal has room for."""
        room = max(room, 1)
        first = min(max(n_begun - 1 - room // 2, 0), max(self._n_nodes - room, 0))
        return range(first, min(first + room, self._n_nodes))

    def _footer(self, records: Sequence[Record | None], now: float, width: int) -> Line:
        """Nodes done, time elapsed, peak of memory."""
        charset, total = self._charset, max(self._n_nodes, 1)
        done = sum(record is not None and record.status != "running" for record in records)
        words = f"{seconds_text(now - self._began)} elapsed"
        peaks = [record.peak_mib for record in records if record and record.peak_mib is not None]
        if peaks:
            words += f" · peak {rise_text(max(peaks))}"
        words = charset.words(words)
        room = max(width - len(f"{done}/{self._n_nodes}") - len(words) - 2, 0)
        part = room * done // total
        bar = charset.sign("━", "=")
        return [
            (str(done), "bold"),
            (f"/{self._n_nodes} ", ""),
            (bar * part, LANE_COLOURS[0]),
            (charset.sign("━", "-") * (room - part), FRAME),
            (f" {words}", "dim"),
        ]


def _width_of(console: Console) -> int:
    """Also of a dumb terminal: rich takes each of them for 80 x 25."""
    if not console.is_dumb_terminal or console.size != (80, 25):
        return console.width
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdigit() else terminal_columns(console.file) or console.width


def _captures_output(console: Console) -> bool:
    """Return True if the console keeps its output from its file (captured, recorded, quiet)."""
    is_captured = getattr(console, "_buffer_index", 0) > 0  # rich doesn't say so in public
    return console.record or console.quiet or is_captured
