"""How far the cases of `pipeline.map` are: a row for each, and one line about all of them."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Final

from linepipe_core import RunResult
from linepipe_viz.graph.records import case_error_text
from linepipe_viz.terminal.styled_text import Charset, Line
from linepipe_viz.terminal.views import STATUS_MARKS
from linepipe_viz.text import seconds_text

__all__ = ["MOST_FAILURES", "Cases"]

_MOST_ROWS: Final = 100  # of more cases, only failures have a row
MOST_FAILURES: Final = 20  # that have one


class Cases:
    """The cases that there are, and those that have ended.

    Args:
        labels: all of them.

    Attributes:
        labels: all of them.
        ended: label -> status and words, in the order in which they ended.
        n_failed: how many have failed.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels
        self.ended: dict[str, tuple[str, str]] = {}
        self.n_failed: int = 0
        self._began = perf_counter()

    @property
    def are_many(self) -> bool:
        """True if not each of them has a row."""
        return len(self.labels) > _MOST_ROWS

    def end(self, label: str, outcome: RunResult | Exception) -> None:
        """Note how a case went."""
        if isinstance(outcome, RunResult):
            status, words = _status_of(outcome), _figures_of(outcome)
        else:
            status, words = "failed", case_error_text(outcome)
            self.n_failed += 1
        self.ended[label] = status, words

    def row(self, label: str, charset: Charset, node: str = "") -> Line:
        """The row of a case; with the node that runs now, if it runs here."""
        status, words = self.ended.get(label, ("running" if node else "not run", node))
        mark = STATUS_MARKS[status]
        width = min(max(map(len, map(charset.words, self.labels[:_MOST_ROWS]))), 40)
        return [
            (charset.sign(mark.sign, mark.letter), mark.style),
            (f" {charset.words(label):<{width}}", "bold"),
            (f"  {charset.words(words)}" if words else "", "dim"),
        ]

    def failures(self) -> list[str]:
        """The labels of the first failed cases."""
        failed = [label for label, (status, _) in self.ended.items() if status == "failed"]
        return failed[:MOST_FAILURES]

    def words(self) -> str:
        """Failed cases, time elapsed and to come."""
        elapsed, n_done, n_cases = perf_counter() - self._began, len(self.ended), len(self.labels)
        words = f"{self.n_failed} failed · " if self.n_failed else ""
        words += f"{seconds_text(elapsed)} elapsed"
        if 0 < n_done < n_cases:
            words += f" · about {seconds_text(elapsed / n_done * (n_cases - n_done))} to go"
        return words

    def outcome(self) -> str:
        """One line about all of them, at the end."""
        n_cases, n_done = len(self.labels), len(self.ended)
        parts = [f"{n_done - self.n_failed} of {n_cases} case{'s' * (n_cases != 1)}"]
        if self.n_failed:
            parts.append(f"{self.n_failed} failed")
        if n_done < n_cases:
            parts.append(f"{n_cases - n_done} not run")
        return " · ".join([*parts, seconds_text(perf_counter() - self._began)])


def _status_of(result: RunResult) -> str:
    is_all_reused = bool(result.steps) and all(s.status == "reused" for s in result.steps)
    return "reused" if is_all_reused else "ran"


def _figures_of(result: RunResult) -> str:
    statuses = [step.status for step in result.steps]
    counts = [f"{statuses.count(s)} {s}" for s in ("ran", "reused") if s in statuses]
    return " · ".join([seconds_text(result.seconds), *counts])
