"""The Progress hook: it chooses a view for the output at hand, and passes events on to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from weakref import finalize

from rich.console import Console

from linepipe_core import Hook, MapResult, Plan, Run, RunResult, Step
from linepipe_viz.progress.case_views import CaseView, case_view
from linepipe_viz.progress.estimates import Estimates
from linepipe_viz.progress.live_panel import LivePanel
from linepipe_viz.progress.notebook_view import NotebookView
from linepipe_viz.progress.plain_lines import PlainLines, captures_output
from linepipe_viz.terminal.views import is_terminal

__all__ = ["Progress"]


class _View(Protocol):
    """One way to show a run."""

    def begin(self, step: Step) -> None:
        """A node starts."""

    def end(self, step: Step, error: BaseException | None) -> None:
        """A node has returned, was reused, or failed."""

    def finish(self, result: RunResult) -> None:
        """The run is over."""

    def close(self) -> None:
        """Give the output back; the run may have been dropped."""


class Progress(Hook):
    """Shows a run while it runs: ``pipeline.run(hooks=[Progress()])``.

    On a terminal it draws the pipeline's rows again and again; in a notebook it updates one
    picture; anywhere else it writes a plain line when a node starts and one when it ends, and
    the rows at the end of the run.

    On a terminal a node's own prints and log lines stand above the live view; prompts and
    debuggers put it away until their node is done. What a subprocess or a C library writes is
    kept too, but of several lines at once some may end in a piece of the view: capture such
    output, or have plain lines by ``Progress(Console(force_terminal=False))``. A Progress
    watches one run at a time.

    Of ``pipeline.map(cases, hooks=[Progress()])`` it shows a row for each case, and a bar with an
    estimate; of hundreds the bar and the failures.

    Args:
        console: where to; rich's default console if None.
        title: the heading; ``"Pipeline"`` if None.
        last: an earlier run, or a plan of this one, whose times are shown as estimates; a plan's
            come from the persistent cache. A Progress that has watched a run uses that one's.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        title: str | None = None,
        last: RunResult | Plan | None = None,
    ) -> None:
        self._given = console
        self._title = title
        self._estimates = Estimates(last.steps if isinstance(last, RunResult) else last or ())
        self._view: _View | None = None
        self._cases: CaseView | None = None  # while it watches a map

    def before_run(self, run: Run) -> None:
        """Choose a view, and open it."""
        if self._cases is not None:  # a case has a row there
            return
        self._close()
        self._view = self._chosen(run)

    def _chosen(self, run: Run) -> _View:
        console = self._given or Console()
        if self._given is None and console.is_jupyter:
            return NotebookView(run.nodes, self._title, run.registry.info)
        is_seen = is_terminal(console.file) and console.is_terminal and not captures_output(console)
        if is_seen and not console.is_dumb_terminal and not console.is_jupyter:
            panel = LivePanel(console, run.nodes, self._title, self._estimates)
            if panel.open():
                # A run that is dropped half-way calls no hook, and mustn't keep the terminal.
                finalize(run, panel.abandon).atexit = False
                return panel
        return PlainLines(console, run.nodes, self._title, self._estimates)

    def before_node(self, step: Step) -> None:
        """Show that the node runs."""
        if self._cases is not None:
            self._cases.node(step)
        if self._view is not None:
            self._view.begin(step)

    def after_node(self, step: Step) -> None:
        """Show that the node has run."""
        if self._view is not None:
            self._view.end(step, None)

    def on_node_error(self, step: Step, error: BaseException) -> None:
        """Show the failure, and give way: a debugger may open next."""
        if self._cases is not None:
            self._cases.pause()
        if self._view is not None:
            self._view.end(step, error)

    def after_run(self, result: RunResult) -> None:
        """Show the whole picture."""
        if self._view is None:  # interrupted before it began
            return
        self._view.close()
        self._view.finish(result)
        self._view = None
        self._estimates = Estimates(result.steps)

    # While `map` goes over cases, each of them has a row.

    def map_began(self, labels: Sequence[str]) -> None:
        """Open a view of the cases."""
        self._close()
        console = self._given or Console()
        title = self._title or "Cases"
        self._cases = case_view(console, labels, title, is_given=self._given is not None)

    def case_ended(self, label: str, outcome: RunResult | Exception) -> None:
        """Show how a case went."""
        if self._cases is not None:
            self._cases.end(label, outcome)

    def map_ended(self, result: MapResult) -> None:
        """Show how all of them went."""
        if self._cases is not None:
            cases, self._cases = self._cases, None
            cases.finish(result)

    def _close(self) -> None:
        if self._cases is not None:
            self._cases.close()
            self._cases = None
        if self._view is not None:
            self._view.close()
            self._view = None
