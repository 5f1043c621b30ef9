"""How `pipeline.map` goes: a row for each case, and of hundreds a bar with an estimate.

On a terminal the rows are drawn again and again and stay at the end; in a notebook they are one
output; anywhere else each is a plain line.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final, Protocol

from rich.console import Console

from linepipe_core import MapResult, RunResult, Step
from linepipe_viz.notebook.html import map_html
from linepipe_viz.progress.case_rows import MOST_FAILURES, Cases
from linepipe_viz.progress.live_area import LiveArea
from linepipe_viz.terminal.styled_text import FRAME, Charset, Line, fit_line, to_ansi, to_plain
from linepipe_viz.terminal.views import LANE_COLOURS, charset_of, is_terminal

__all__ = ["CaseView", "case_view"]

_FRAME_ROWS: Final = 4  # of a live frame that aren't cases: borders and the bar
_LEAST_PAUSE: Final = 0.25  # seconds between two updates of a notebook


class CaseView(Protocol):
    """One way to show the cases."""

    def node(self, step: Step) -> None:
        """A node of the case that runs here starts."""

    def pause(self) -> None:
        """A node has failed: a debugger may open next."""

    def end(self, label: str, outcome: RunResult | Exception) -> None:
        """A case has ended."""

    def finish(self, result: MapResult) -> None:
        """All have ended, or the map was interrupted."""

    def close(self) -> None:
        """Give the output back."""


class CaseLines:
    """Writes a plain line when a case ends; of hundreds, one for each tenth and each failure.

    Args:
        console: where to.
        labels: of the cases.
    """

    def __init__(self, console: Console, labels: Sequence[str]) -> None:
        self._console = console
        self._charset = charset_of(console)
        self._cases = Cases(labels)
        self._n_failures = 0

    def node(self, step: Step) -> None:
        """A line a case is enough."""

    def pause(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""

    def end(self, label: str, outcome: RunResult | Exception) -> None:
        """Write how the case went."""
        cases = self._cases
        cases.end(label, outcome)
        n_done, n_cases = len(cases.ended), len(cases.labels)
        place = f"{n_done:>{len(str(n_cases))}}/{n_cases}"
        is_failure = isinstance(outcome, Exception)
        if not cases.are_many or (is_failure and cases.n_failed <= MOST_FAILURES):
            self._write([(f"{place} ", ""), *cases.row(label, self._charset)])
        if cases.are_many and n_done * 10 // n_cases > (n_done - 1) * 10 // n_cases:
            self._write([(f"{place}  {self._charset.words(cases.words())}", "")])

    def finish(self, result: MapResult) -> None:  # noqa: ARG002 (a view's)
        """Write how all of them went."""
        self._write([(self._charset.words(self._cases.outcome()), "")])

    def _write(self, line: Line) -> None:
        self._console.out(to_plain([line])[0].rstrip(), highlight=False)


class CasePanel:
    """A live frame on a terminal: rows of cases around the one that runs, and a bar.

    Args:
        console: a real terminal.
        labels: of the cases.
        title: the heading.
    """

    def __init__(self, console: Console, labels: Sequence[str], title: str) -> None:
        self._console = console
        self._charset = charset_of(console)
        self._cases = Cases(labels)
        self._title = title
        self._node = ""
        self._stream = console.file
        self._area: LiveArea | None = None

    def open(self) -> bool:
        """Begin to draw. False, and nothing happens, if the terminal has a live view already."""
        area = LiveArea(self._stream, self._frame)
        if area.open():
            self._area = area
        return self._area is not None

    def node(self, step: Step) -> None:
        """Show the node beside its case."""
        self._node = step.node.name
        if self._area is None:  # a failure had put it away
            self.open()

    def pause(self) -> None:
        """Put the frame away until the next case."""
        self.close()

    def end(self, label: str, outcome: RunResult | Exception) -> None:
        """Show how the case went."""
        self._cases.end(label, outcome)
        self._node = ""
        if self._area is not None:
            self._area.resume()

    def finish(self, result: MapResult) -> None:  # noqa: ARG002 (a view's)
        """Write the rows for good."""
        self.close()
        cases, charset = self._cases, self._charset
        labels = cases.failures() if cases.are_many else cases.labels
        rows = [cases.row(label, charset) for label in labels]
        lines = charset.framed(rows, self._console.width, self._title, cases.outcome())
        self._stream.write("\n".join([*to_ansi(lines, self._console), ""]))
        self._stream.flush()

    def close(self) -> None:
        """Take the frame away."""
        if self._area is not None:
            self._area.close()
            self._area = None

    def _frame(self) -> list[str]:
        """The lines at this moment; called from the area's thread."""
        cases, charset, console = self._cases, self._charset, self._console
        room = max(console.height - _FRAME_ROWS, 1)
        rows = [cases.row(*each) for each in self._shown(room)]
        width = console.width
        lines = charset.framed([*rows, self._bar(width - 4)], width, self._title, "")
        return to_ansi(lines[: max(console.height - 1, 0)], console)

    def _shown(self, room: int) -> list[tuple[str, Charset, str]]:
        """The cases with a row, each with the node that runs in it here."""
        cases = self._cases
        now = next((label for label in cases.labels if label not in cases.ended), "")
        if cases.are_many:
            shown = [*cases.failures()[-min(room - 1, 5) :], *([now] if self._node else [])]
        else:
            first = max(cases.labels.index(now) - room // 2, 0) if now else 0
            first = min(first, max(len(cases.labels) - room, 0))
            shown = [*cases.labels[first : first + room]]
        return [(n, self._charset, self._node if n == now else "") for n in shown]

    def _bar(self, width: int) -> Line:
        cases, charset = self._cases, self._charset
        n_done, n_cases = len(cases.ended), len(cases.labels)
        words = charset.words(cases.words())
        room = max(width - len(f"{n_done}/{n_cases}") - len(words) - 2, 0)
        part = room * n_done // max(n_cases, 1)
        bar: Line = [
            (str(n_done), "bold"),
            (f"/{n_cases} ", ""),
            (charset.sign("━", "=") * part, LANE_COLOURS[0]),
            (charset.sign("━", "-") * (room - part), FRAME),
            (f" {words}", "dim"),
        ]
        return fit_line(bar, width, charset)


class CaseNotebook:
    """One output of a notebook's cell, which becomes the result's table.

    Args:
        labels: of the cases.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._cases = Cases(labels)
        self._results: dict[str, RunResult] = {}
        self._failed: dict[str, Exception] = {}
        self._display: Any = None
        self._next = 0.0

    def node(self, step: Step) -> None:
        """A row a case is enough."""

    def pause(self) -> None:
        """The output stays as it is."""

    def close(self) -> None:
        """The output stays as it is."""

    def end(self, label: str, outcome: RunResult | Exception) -> None:
        """Show the cases that ended, if the last output is old enough."""
        self._cases.end(label, outcome)
        if isinstance(outcome, RunResult):
            self._results[label] = outcome
        else:
            self._failed[label] = outcome
        if perf_counter() >= self._next:
            shown = {} if self._cases.are_many else self._results
            self._show(MapResult(shown, dict([*self._failed.items()][:MOST_FAILURES]), 0.0))
            self._next = perf_counter() + _LEAST_PAUSE

    def finish(self, result: MapResult) -> None:
        """Show the result."""
        self._show(result)

    def _show(self, result: MapResult) -> None:
        cases = self._cases
        words = f"{len(cases.ended)}/{len(cases.labels)} cases · {cases.words()}"
        bundle = {"text/plain": words, "text/html": f"<p>{words}</p>{map_html(result)}"}
        if self._display is None:
            from IPython.display import display  # where this runs, IPython is loaded

            self._display = display(  # type: ignore[no-untyped-call] # IPython publishes few types
                bundle, raw=True, display_id=True
            )
        else:
            self._display.update(bundle, raw=True)


def case_view(console: Console, labels: Sequence[str], title: str, is_given: bool) -> CaseView:
    """The view for the output at hand.

    Args:
        console: where to.
        labels: of the cases.
        title: the heading.
        is_given: True if the user chose that console.
    """
    if not is_given and console.is_jupyter:
        return CaseNotebook(labels)
    if is_terminal(console.file) and console.is_terminal and not console.is_dumb_terminal:
        panel = CasePanel(console, labels, title)
        if panel.open():
            return panel
    return CaseLines(console, labels)
