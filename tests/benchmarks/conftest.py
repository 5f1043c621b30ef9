"""Prints what the benchmarks found: each figure beside hand-written code and its goal."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

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
    rows = config.stash.get(_ROWS, [])
    if not rows or not config.getoption("benchmark_enable"):
        return  # the plain test suite runs them small: no figures
    header = Row("case", "by hand", "linepipe", "figure", "goal", True)
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(5)]
    terminalreporter.section("linepipe beside hand-written code")
    for row in [header, *rows]:
        cells = [str(cell).ljust(width) for cell, width in zip(row[:5], widths, strict=True)]
        terminalreporter.write_line("  ".join(cells) + ("" if row.is_met else "  MISSED"))
