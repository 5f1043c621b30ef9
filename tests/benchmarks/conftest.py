"""Prints what the benchmarks found: each figure beside hand-written code and its goal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

__all__ = ["Row"]


class Row(NamedTuple):
    """One line of the table."""

    case: str
    by_hand: str
    linepipe: str
    figure: str
    goal: str
    is_met: bool


_ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_ROWS] = []


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Takes a row for the table at the end."""
    rows = request.config.stash[_ROWS]
    return rows.append


@pytest.fixture
def is_measured(request: pytest.FixtureRequest) -> bool:
    """False in the plain test suite, which runs each case once and small."""
    return bool(request.config.getoption("benchmark_enable"))


@pytest.fixture
def scale(is_measured: bool) -> float:
    """1 for 200 MB."""
    return 1.0 if is_measured else 0.001


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    if not config.getoption("benchmark_enable"):
        return  # the plain test suite runs them small: no figures
    _print_rows(terminalreporter, config.stash.get(_ROWS, []))
    _print_extra_info(terminalreporter)


def _print_rows(reporter: pytest.TerminalReporter, rows: list[Row]) -> None:
    if not rows:
        return
    header = Row("case", "by hand", "linepipe", "figure", "goal", True)
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(5)]
    reporter.section("linepipe beside hand-written code")
    for row in [header, *rows]:
        cells = [str(cell).ljust(width) for cell, width in zip(row[:5], widths, strict=True)]
        reporter.write_line("  ".join(cells) + ("" if row.is_met else "  MISSED"))


def _print_extra_info(reporter: pytest.TerminalReporter) -> None:
    """The other benchmarks' figures beside their times, such as a ratio to the limit."""
    session: Any = getattr(reporter.config, "_benchmarksession", None)  # pytest-benchmark's own
    measured = [one for one in getattr(session, "benchmarks", ()) if one.extra_info]
    if measured:
        reporter.section("medians, and what they are to the limit of the same run")
    for one in measured:
        notes = ", ".join(
            f"{what} {value:.3g}" if isinstance(value, float) else f"{what} {value}"
            for what, value in one.extra_info.items()
        )
        reporter.write_line(f"{one.name}: {1e3 * one.stats.median:.3g} ms; {notes}")
