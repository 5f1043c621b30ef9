"""The live view on a terminal: the pipeline's rows, drawn by a thread of its own.

A node costs a clock reading and a few assignments here.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from rich.console import Console

from linepipe_core import Node, RunResult, Step
from linepipe_viz.graph.records import Record, step_record
from linepipe_viz.progress.estimates import Estimates
from linepipe_viz.progress.live_area import LiveArea
from linepipe_viz.progress.plain_lines import write_panel
from linepipe_viz.terminal.styled_text import FRAME, Line, to_ansi
from linepipe_viz.terminal.views import LANE_COLOURS, Flow, charset_of
from linepipe_viz.text import rise_text, seconds_text

__all__ = ["LivePanel"]

_FRAME_ROWS = 6  # of a live frame that aren't nodes: borders, progress, blank lines
_LINGER = 0.3  # seconds that the frame stays while no node runs


class LivePanel:
    """A pipeline's rows, with the running node's clock.

    Args:
        console: a real terminal.
        nodes: of the run.
        title: the heading.
        estimates: times of an earlier run.
    """

    def __init__(
        self, console: Console, nodes: Sequence[Node], title: str | None, estimates: Estimates
    ) -> None:
        self._console = console
        self._charset = charset_of(console)
        self._table = Flow(nodes, title)
        self._estimates = estimates
        self._nodes = nodes
        self._steps: list[Step] = []
        self._began = self._since = perf_counter()
        self._running = False
        self._error: BaseException | None = None
        self._area = LiveArea(console.file, self._frame)

    def open(self) -> bool:
        """Begin to draw. False, and nothing happens, if the terminal has a live view already."""
        return self._area.open()

    def begin(self, step: Step) -> None:
        """Record the start of the node."""
        self._since = perf_counter()
        self._steps.append(step)
        self._running = True

    def end(self, step: Step, error: BaseException | None) -> None:  # noqa: ARG002 (a view's)
        """Record the end of the node; after a failure, put the view away."""
        self._running = False
        self._since = perf_counter()
        if error is None:
            self._area.resume()
        else:
            self._error = error
            self._area.close()

    def finish(self, result: RunResult) -> None:
        """Write the rows for good."""
        write_panel(self._console, self._table, result)

    def close(self) -> None:
        """Take the view away."""
        self._area.close()

    def abandon(self) -> None:
        """Take the view away soon: nobody will finish its run."""
        self._area.end()

    def _frame(self) -> list[str] | None:
        """The lines at this moment; called from the area's thread."""
        now = perf_counter()
        n_nodes = len(self._nodes)
        if not self._running and now - self._since > _LINGER:
            return [] if len(self._steps) < n_nodes else None
        console, steps = self._console, list(self._steps)
        records: list[Record | None] = [step_record(step, self._error) for step in steps]
        if self._running and steps:
            expected = self._estimates.of(steps[-1].node)
            records[-1] = Record("running", now - self._since, expected=expected)
        records += [None] * (n_nodes - len(records))
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
        room, n_nodes = max(room, 1), len(self._nodes)
        first = min(max(n_begun - 1 - room // 2, 0), max(n_nodes - room, 0))
        return range(first, min(first + room, n_nodes))

    def _footer(self, records: Sequence[Record | None], now: float, width: int) -> Line:
        """Nodes done, time elapsed and to come, peak of memory."""
        charset, n_nodes = self._charset, len(self._nodes)
        done = sum(record is not None and record.status != "running" for record in records)
        words = f"{seconds_text(now - self._began)} elapsed"
        to_come = self._estimates.of_all(self._nodes[done:])
        if to_come is not None:
            spent = now - self._since if self._running else 0.0
            words += f" · about {seconds_text(max(to_come - spent, 0.0))} to go"
        peaks = [record.peak_mib for record in records if record and record.peak_mib is not None]
        if peaks:
            words += f" · peak {rise_text(max(peaks))}"
        words = charset.words(words)
        room = max(width - len(f"{done}/{n_nodes}") - len(words) - 2, 0)
        part = room * done // max(n_nodes, 1)
        return [
            (str(done), "bold"),
            (f"/{n_nodes} ", ""),
            (charset.sign("━", "=") * part, LANE_COLOURS[0]),
            (charset.sign("━", "-") * (room - part), FRAME),
            (f" {words}", "dim"),
        ]
