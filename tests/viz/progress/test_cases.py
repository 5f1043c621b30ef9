"""Progress of `pipeline.map`: a row a case, and of hundreds a bar with an estimate."""

from __future__ import annotations

import io
import re
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from rich.console import Console
from tests.viz.progress.sessions import session

from linepipe_core import MapError, Node, Pipeline
from linepipe_viz import Progress

ROOT = Path(__file__).parents[3]


def load(month: int) -> int:
    return month


def fit(rows: int) -> int:
    if rows % 50 == 7:
        raise ValueError("no rows\nin that month")
    return rows


PIPELINE = Pipeline([Node(load, ["month"], ["rows"]), Node(fit, ["rows"], ["model"])])


def lines_of(n_cases: int, executor: Executor | None = None, pipeline: Pipeline = PIPELINE) -> str:
    """What Progress writes where there is no terminal, with each time as T."""
    file = io.StringIO()
    cases = {f"m{n}": {"month": n} for n in range(1, n_cases + 1)}
    with suppress(MapError):
        hooks = [Progress(Console(file=file, width=80))]
        pipeline.map(cases, executor=executor, hooks=hooks, reuse=pipeline.use_persistent_cache)
    return re.sub(r"[\d.]+ (ms|µs|s)\b", "T", file.getvalue())


def test_each_case_is_a_line_when_it_ends() -> None:
    """No line a node; a failure names the node and its error."""
    assert lines_of(12).splitlines() == [
        *(f"{n:>2}/12 ✔ {f'm{n}':<3}  T · 2 ran" for n in range(1, 7)),
        " 7/12 ✘ m7   fit: ValueError: no rows",
        *(f"{n:>2}/12 ✔ {f'm{n}':<3}  T · 2 ran" for n in range(8, 13)),
        "11 of 12 cases · 1 failed · T",
    ]


def test_with_an_executor_too() -> None:
    """In the order in which they end."""
    with ThreadPoolExecutor(2) as threads:
        lines = lines_of(12, threads).splitlines()
    assert len(lines) == 13
    assert sorted(line.split()[2] for line in lines[:12]) == sorted(f"m{n}" for n in range(1, 13))


def test_reused_cases_say_so(tmp_path: Path) -> None:
    """A case of which nothing ran has a sign of its own."""
    cached = PIPELINE.replace(use_persistent_cache=True, cache_storage_path=tmp_path / "shelf")
    lines_of(2, pipeline=cached)
    assert lines_of(2, pipeline=cached).splitlines()[:2] == [
        "1/2 ↻ m1  T · 2 reused",
        "2/2 ↻ m2  T · 2 reused",
    ]


def test_hundreds_of_cases_are_a_line_for_each_tenth_and_each_failure() -> None:
    """With an estimate."""
    lines = lines_of(300).splitlines()
    tenths = [line for line in lines if "elapsed" in line]
    assert tenths[0] == " 30/300  1 failed · T elapsed · about T to go"
    assert tenths[-1] == "300/300  6 failed · T elapsed"
    assert len(tenths) == 10
    assert [line.split()[2] for line in lines if "✘" in line] == [
        f"m{n}" for n in range(7, 301, 50)
    ]
    assert lines[-1] == "294 of 300 cases · 6 failed · T"
    assert len(lines) == 17


PROGRAM = """
    from linepipe_core import MapError

    def load(month):
        if month == {stop}: wait_for_line()
        if month == 3: raise ValueError("no rows")
        return month

    def fit(rows): return rows

    pipeline = Pipeline([Node(load, ["month"], ["rows"]), Node(fit, ["rows"], ["model"])])
    cases = {{f"m{{n}}": {{"month": n}} for n in range(1, {n} + 1)}}
    try:
        pipeline.map(cases, hooks=[Progress(title="Year")])
    except MapError as error:
        print("ended:", error)
    pipeline.bind(month=1).run(hooks=[Progress(title="next")])
"""


def test_a_terminal_shows_a_live_row_a_case_and_a_bar() -> None:
    """The node that runs stands in its case's row; at the end all rows stay."""
    with session(PROGRAM.format(stop=5, n=8)) as shown:
        shown.until_shown("▶ m5  load")
        text = shown.text()
        assert "✔ m4  " in text
        assert "✘ m3  load: ValueError: no rows" in text
        assert "○ m6" in text
        assert re.search(r"4/8 ━+ 1 failed · .* elapsed · about .* to go", text)
        shown.press("\n")
        assert shown.until_end() == 0
        text = shown.text()
    assert text.index("Year") < text.index("✔ m8") < text.index("7 of 8 cases · 1 failed")
    assert text.index("7 of 8 cases") < text.index("ended: 1 of 8 cases failed")
    assert text.count("✔ m8") == 1
    assert "next" in text


def test_a_terminal_shows_a_bar_of_hundreds_of_cases() -> None:
    """And those that failed."""
    with session(PROGRAM.format(stop=150, n=200), rows=16) as shown:
        shown.until_shown("149/200")
        text = shown.text()
        assert "✘ m3 " in text
        assert "▶ m150" in text
        assert "m149" not in text
        shown.press("\n")
        assert shown.until_end() == 0
        assert "199 of 200 cases · 1 failed" in shown.text()
        assert "m200" not in shown.text()


def test_an_interrupted_map_frees_the_terminal() -> None:
    """The rows stay as far as it came, and the next run has its live view."""
    with session(
        """
        def load(month):
            if month == 2: raise KeyboardInterrupt
            return month
        def slow(): wait_for_line()
        pipeline = Pipeline([Node(load, ["month"], ["rows"])])
        try:
            pipeline.map({f"m{n}": {"month": n} for n in (1, 2, 3)}, hooks=[Progress()])
        except KeyboardInterrupt:
            print("interrupted")
        Pipeline([Node(slow, [], ["x"])]).run(hooks=[Progress(title="next")])
        """
    ) as shown:
        shown.until_shown("▶ slow")
        assert "1 of 3 cases · 2 not run" in shown.text()
        shown.press("\n")
        assert shown.until_end() == 0


NOTEBOOK = """
from linepipe_viz import Progress
from tests.viz.progress.test_cases import PIPELINE
PIPELINE.map({f"m{n}": {"month": n} for n in range(1, 13)}, hooks=[Progress()])
"""


@pytest.mark.slow
def test_a_notebook_shows_one_table_which_is_the_results() -> None:
    """Updated in place; also when cases fail."""
    made: nbformat.NotebookNode = nbformat.v4.new_notebook()
    made.cells = [nbformat.v4.new_code_cell(NOTEBOOK)]
    resources = {"metadata": {"path": str(ROOT)}}
    NotebookClient(
        made,
        timeout=300,
        startup_timeout=300,
        kernel_name="python3",
        allow_errors=True,
        resources=resources,
    ).execute()
    outputs = [output for output in made.cells[0].outputs if output.output_type != "stream"]
    shown, error = outputs  # and the log's line in the stream
    assert error.ename == "MapError"
    assert shown["data"]["text/plain"].startswith("12/12 cases · 1 failed · ")
    html = shown["data"]["text/html"]
    assert html.count("<tr>") >= 12
    assert "ValueError: no rows" in html
