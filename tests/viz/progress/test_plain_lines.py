"""Progress without a terminal: one plain line a node, the picture at the end."""

from __future__ import annotations

import builtins
import io
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console
from tests.viz import samples

from linepipe_core import Hook, Node, NodeExecutionError, Pipeline, Step
from linepipe_viz import Progress


def plain(pipeline: Pipeline, *hooks: Hook) -> list[str]:
    """The lines that Progress writes where there is no terminal."""
    file = io.StringIO()
    with suppress(NodeExecutionError):
        pipeline.run(hooks=[Progress(Console(file=file, width=80)), *hooks])
    return file.getvalue().splitlines()


def ends(lines: list[str]) -> list[str]:
    """The lines without those that say that a node starts."""
    return [line for line in lines if " ▶ " not in line and " > " not in line]


def test_each_node_is_a_line_when_it_starts_and_a_line_when_it_ends() -> None:
    """In a log that somebody follows, the last line names what runs now."""
    lines = plain(samples.features())
    assert [line.split("  ")[0] for line in lines[:4]] == [
        "1/5 ▶ load_data",
        "1/5 ✔ load_data",
        "2/5 ▶ clean_data",
        "2/5 ✔ clean_data",
    ]


def test_a_start_has_the_time_of_the_last_run() -> None:
    """Of the run that is given, or of the one that the same Progress has watched."""
    last = samples.told(samples.features().run())
    file = io.StringIO()
    progress = Progress(Console(file=file, width=80), last=last)
    samples.features().run(hooks=[progress])
    assert "2/5 ▶ clean_data  about 339 ms" in file.getvalue().splitlines()
    file.truncate(0)
    samples.features().run(hooks=[progress])
    assert "2/5 ▶ clean_data  about " in file.getvalue()
    assert "about 339 ms" not in file.getvalue()


def test_a_start_has_the_time_that_a_plan_knows_from_the_shelf(tmp_path: Path) -> None:
    """So also the first run of a process has estimates."""
    pipeline = Pipeline(
        [Node(lambda: 1, [], ["x"], name="load")],
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "cache",
    )
    pipeline.run()
    file = io.StringIO()
    progress = Progress(Console(file=file, width=80), last=pipeline.plan())
    pipeline.run(hooks=[progress])
    assert re.search(r"^1/1 ▶ load  about \S+ (µs|ms)$", file.getvalue(), re.M)


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_output_that_is_no_terminal_is_plain_whatever_the_environment_says(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI systems set these; escape sequences would fill their logs."""
    monkeypatch.setenv(variable, "1")
    text = "\n".join(plain(samples.features()))
    assert "\x1b" not in text
    assert "5/5 ✔ write_features" in text


def test_without_a_terminal_the_whole_picture_stands_at_the_end() -> None:
    """After a line for each node; no control sign anywhere."""
    lines = ends(plain(samples.features()))
    assert [line.split("  ")[0] for line in lines[:5]] == [
        "1/5 ✔ load_data",
        "2/5 ✔ clean_data",
        "3/5 ✔ rolling_goals",
        "4/5 ✔ merge",
        "5/5 ✔ write_features",
    ]
    assert all(line.endswith((" µs", " ms", " s")) for line in lines[:5])
    assert lines[5].startswith("╭─ Pipeline ")
    assert len(lines) == 5 + 7
    assert "\x1b" not in "".join(lines)


def test_plain_lines_tell_reuse_failure_and_memory() -> None:
    """Whatever happened to the node, in words."""

    class Told(Hook):
        """Gives the steps figures as other hooks and reuse do."""

        def before_node(self, step: Step) -> None:
            step.memory = samples.Memory(212.0)

    lines = ends(plain(samples.failing(samples.training(), "clean"), Told()))
    assert lines[0].startswith(" 1/10 ✔ create_db_engine")
    assert lines[0].endswith("· 212 MiB")
    assert lines[3].startswith(" 4/10 ✘ clean  failed · ")
    assert lines[4].startswith("╭─")
    assert sum("not run" in line for line in lines) == 6


def test_reused_nodes_are_told_as_such(tmp_path: Path) -> None:
    """A run that reuses all shows all nodes, with no time that wasn't taken."""
    pipeline = Pipeline(
        samples.features().nodes,
        config={"window": 5, "min_periods": 2},
        use_persistent_cache=True,
        cache_storage_path=tmp_path / "shelf",
    )
    pipeline.run()
    file = io.StringIO()
    pipeline.run(reuse=True, hooks=[Progress(Console(file=file, width=80))])
    lines = ends(file.getvalue().splitlines())
    assert lines[0] == "1/5 ↻ load_data  reused"
    assert sum("↻" in line and line.endswith("reused │") for line in lines) == 5


def test_names_cannot_forge_lines_or_colours() -> None:
    """Control signs are shown, not obeyed."""
    lines = ends(plain(samples.nasty()))
    assert sum("two\\nlines" in line for line in lines) == 3  # its end, its row, its reader's row
    assert "\x1b" not in "".join(lines)


def test_an_ascii_file_gets_ascii() -> None:
    """Nothing raises UnicodeEncodeError at three in the morning."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    samples.nasty().run(hooks=[Progress(Console(file=file, width=80))])
    file.flush()
    lines = raw.getvalue().decode("ascii").splitlines()
    assert lines[0].startswith(" 1/24 > <lambda>")
    assert lines[1].startswith(" 1/24 v <lambda>  ")


def test_nothing_of_python_is_replaced_without_a_terminal() -> None:
    """Neither streams nor prompts."""
    seen = []

    def look() -> None:
        seen.append((sys.stdout, builtins.input, sys.breakpointhook, signal.getsignal(2)))

    look()
    plain(Pipeline([Node(look, [], [])]))
    assert seen[0] == seen[1]


def test_a_progress_serves_one_run_after_another() -> None:
    """The same hook, twice."""
    file = io.StringIO()
    progress = Progress(Console(file=file, width=80))
    samples.twice().run(hooks=[progress])
    samples.features().run(hooks=[progress])
    assert "3/3 ✔ merge" in file.getvalue()
    assert "5/5 ✔ write_features" in file.getvalue()


def test_an_empty_run_shows_an_empty_pipeline() -> None:
    """No node, no line, one picture."""
    lines = plain(Pipeline([]))
    assert len(lines) == 2
    assert "0 nodes" in lines[1]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_a_console_holds_back_from_its_file_it_gets(is_terminal: bool) -> None:
    """Lines and picture, where they are captured, and nothing where it is quiet."""
    console = Console(file=io.StringIO(), width=60, force_terminal=is_terminal)
    with console.capture() as captured:
        samples.features().run(hooks=[Progress(console)])
    assert "5/5" in captured.get()
    assert "╭" in captured.get()
    console.quiet = True
    samples.features().run(hooks=[Progress(console)])
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]  # a StringIO
