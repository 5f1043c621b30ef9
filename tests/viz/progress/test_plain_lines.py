"""Progress without a terminal: one plain line a node, the picture at the end."""

from __future__ import annotations

import builtins
import io
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


def test_without_a_terminal_each_node_is_a_plain_line() -> None:
    """Then the whole picture; no control sign anywhere."""
    lines = plain(samples.features())
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

    lines = plain(samples.failing(samples.training(), "clean"), Told())
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
    lines = file.getvalue().splitlines()
    assert lines[0] == "1/5 ↻ load_data  reused"
    assert sum("↻" in line and line.endswith("reused │") for line in lines) == 5


def test_names_cannot_forge_lines_or_colours() -> None:
    """Control signs are shown, not obeyed."""
    lines = plain(samples.nasty())
    assert sum("two\\nlines" in line for line in lines) == 2
    assert "\x1b" not in "".join(lines)


def test_an_ascii_file_gets_ascii() -> None:
    """Nothing raises UnicodeEncodeError at three in the morning."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii")
    samples.nasty().run(hooks=[Progress(Console(file=file, width=80))])
    file.flush()
    lines = raw.getvalue().decode("ascii").splitlines()
    assert lines[0].startswith(" 1/24 v <lambda>  ")


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
