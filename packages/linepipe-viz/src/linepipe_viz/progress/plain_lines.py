"""Plain lines for files, logs and pipes: one when a node starts, and one when it ends."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.console import Console

from linepipe_core import Node, RunResult, Step
from linepipe_viz.graph.records import step_record
from linepipe_viz.progress.estimates import Estimates
from linepipe_viz.progress.live_area import terminal_columns
from linepipe_viz.terminal.styled_text import to_ansi, to_plain
from linepipe_viz.terminal.views import STATUS_MARKS, Flow, charset_of, is_terminal
from linepipe_viz.text import seconds_text

__all__ = ["PlainLines", "captures_output", "write_panel"]


class PlainLines:
    """Writes a run line by line, and its rows at the end.

    Args:
        console: where to.
        nodes: of the run.
        title: the heading of the rows.
        estimates: times of an earlier run.
    """

    def __init__(
        self, console: Console, nodes: Sequence[Node], title: str | None, estimates: Estimates
    ) -> None:
        self._console = console
        self._charset = charset_of(console)
        self._table = Flow(nodes, title)
        self._estimates = estimates
        self._n_nodes = len(nodes)
        self._digits = len(str(self._n_nodes))

    def begin(self, step: Step) -> None:
        """Write that the node runs, and how long it took the last time."""
        if step.status == "reused":
            return
        seconds = self._estimates.of(step.node)
        words = "" if seconds is None else f"about {seconds_text(seconds)}"
        self._write(step, "running", words)

    def end(self, step: Step, error: BaseException | None) -> None:
        """Write how the node went."""
        record = step_record(step, error)
        words = record.figures if record.status == "ran" else record.summary
        self._write(step, record.status, words)

    def finish(self, result: RunResult) -> None:
        """Write the rows."""
        write_panel(self._console, self._table, result)

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, step: Step, status: str, words: str) -> None:
        """One line, written past rich, which would take longer than many a node."""
        mark, charset = STATUS_MARKS[status], self._charset
        place = f"{step.index + 1:>{self._digits}}/{self._n_nodes}"
        text = f"{place} {charset.sign(mark.sign, mark.letter)} {charset.words(step.node.name)}"
        line = f"{text}  {charset.words(words)}\n" if words else f"{text}\n"
        if captures_output(self._console):
            self._console.out(line, end="", highlight=False)
        else:
            self._console.file.write(line)
            self._console.file.flush()


def write_panel(console: Console, table: Flow, result: RunResult) -> None:
    """Write a pipeline's rows at the end of a run; without styles where there is no terminal."""
    records = [step_record(step) for step in result.steps]
    panel = table.panel(records, _width_of(console), charset_of(console))
    if captures_output(console) or console.is_jupyter or console.legacy_windows:
        console.print(panel, end="")
        return
    is_styled = is_terminal(console.file)
    lines = to_ansi(panel.lines, console) if is_styled else to_plain(panel.lines)
    console.file.write("\n".join([*lines, ""]))
    console.file.flush()


def captures_output(console: Console) -> bool:
    """Return True if the console keeps its output from its file (captured, recorded, quiet)."""
    is_captured = getattr(console, "_buffer_index", 0) > 0  # rich has no public name for it
    return console.record or console.quiet or is_captured


def _width_of(console: Console) -> int:
    """Also of a dumb terminal: rich takes each of them for 80 x 25."""
    if not console.is_dumb_terminal or console.size != (80, 25):
        return console.width
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdigit() else terminal_columns(console.file) or console.width
