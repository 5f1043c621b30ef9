"""Pipelines, results and plans in a real pseudo-terminal, as its screen shows them."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from rich.console import Console
from tests.trying import examples
from tests.viz import samples, strategies
from tests.viz.pty_session import PtySession

from linepipe_core import Hook, NodeExecutionError, Pipeline, Plan, PlanEntry, Reason, Step
from linepipe_viz import print_pipeline, print_plan, print_result
from linepipe_viz.graph.records import node_records
from linepipe_viz.terminal.styled_text import to_ansi
from linepipe_viz.terminal.views import Flow, charset_of

SCREENS = Path(__file__).parent / "screens"

SHOW = """
from linepipe_viz import print_pipeline, print_result
from tests.viz import samples, strategies
pipeline = samples.{sample}()
failed = samples.told(samples.failure(samples.training(), "predict"))
{show}
"""

VIEWS = {
    "features": ("features", "print_pipeline(pipeline, 'Feature pipeline')"),
    "failed": ("training", "print_pipeline(pipeline, 'Train and predict', result=failed)"),
    "result": ("features", "print_result(samples.told(pipeline.run(outputs=['features'])))"),
    "wide": ("wide", "print_pipeline(pipeline)"),
    "nasty": ("nasty", "print_pipeline(pipeline, '[bold]Nasty[/]')"),
}


def screen(view: str, columns: int, encoding: str = "utf-8") -> str:
    """What a terminal of that width shows."""
    sample, show = VIEWS[view]
    code = SHOW.format(sample=sample, show=show)
    with PtySession(code, columns, rows=40, encoding=encoding) as session:
        assert session.until_end() == 0, session.text()
        return session.text()


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("view", VIEWS)
def test_the_screen_shows_what_it_did(view: str, columns: int) -> None:
    """Kept screens; made anew with LINEPIPE_WRITE_SCREENS=1."""
    shown = screen(view, columns)
    path = SCREENS / f"{view}-{columns}.txt"
    if os.environ.get("LINEPIPE_WRITE_SCREENS"):
        SCREENS.mkdir(exist_ok=True)
        path.write_text(shown + "\n", encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8").removesuffix("\n")


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_each_node_is_one_row_and_the_frame_is_whole(columns: int) -> None:
    """Nothing wraps, whatever the names: as many lines as nodes and borders."""
    lines = screen("nasty", columns).splitlines()
    assert len(lines) == len(samples.NASTY) + 2
    assert lines[0].startswith("╭")
    assert lines[0].endswith("╮")
    assert all(line.startswith("│") for line in lines[1:-1])
    assert lines[-1].endswith("╯")


@pytest.mark.parametrize("view", ["failed", "nasty"])
def test_a_terminal_without_unicode_gets_ascii(view: str) -> None:
    """Signs, box and names: nothing that can't be encoded."""
    shown = screen(view, 80, encoding="ascii")
    assert shown.isascii()
    assert shown.startswith("+- ")


def printed(width: int = 80) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=width), file


def test_a_plan_says_for_each_node_what_and_why() -> None:
    """Reasons wrap rather than being cut: they are what one asked for."""
    console, file = printed(60)
    print_plan(samples.planned(), console=console)
    text = file.getvalue()
    words = [" ".join(line.split()) for line in text.splitlines()]
    assert "↻ load_data will reuse nothing changed" in words
    assert "▶ clean_data will run its code changed" in words
    assert any(line.startswith("? merge may run input clean_data") for line in words)
    assert "the clock" in text


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("length", [40, 200])
def test_one_long_name_leaves_actions_and_reasons_their_room(width: int, length: int) -> None:
    """The name is cut, as in the other views; what one asked for isn't."""
    nodes = [samples.node("n" * length, [], ["a"]), samples.node("short", ["a"], [])]
    unchanged = (Reason("nothing changed", "nothing_changed"),)
    entries = [PlanEntry(node, "reuse", unchanged, ()) for node in nodes]
    console, file = printed(width)
    print_plan(Plan(entries), console=console)
    text = " ".join(file.getvalue().split())
    assert "nn… will reuse nothing changed" in text.replace(" ↻ short will reuse", "")
    assert text.count("will reuse nothing") == text.count("changed") == 2
    assert "2 will reuse not tracked:" in text


def test_a_plan_shows_on_the_pipelines_rows_too() -> None:
    """`print_pipeline(pipeline, result=pipeline.plan())`."""
    console, file = printed()
    print_pipeline(samples.features(), result=samples.planned(), console=console)
    assert "will reuse" in file.getvalue()
    assert "may run" in file.getvalue()


def test_a_result_lists_what_the_run_gave() -> None:
    """The names, not the objects."""
    console, file = printed()
    print_result(samples.twice().run(), console=console)
    assert "outputs: matches" in file.getvalue()


class Broken(Hook):
    """Raises."""

    def after_node(self, step: Step) -> None:
        raise ValueError("broke")


def test_a_result_tells_which_hooks_were_put_aside() -> None:
    """Also where the run failed in the end."""
    console, file = printed(100)
    print_result(samples.twice().run(hooks=[Broken()]), console=console)
    assert "hook put aside: <FailedHook Broken.after_node: ValueError: broke>" in file.getvalue()
    console, file = printed(100)
    with pytest.raises(NodeExecutionError) as caught:
        samples.failing(samples.features(), "merge").run(hooks=[Broken()])
    print_result(caught.value, console=console)
    assert file.getvalue().count("hook put aside") == 1


def test_what_the_result_does_not_know_did_not_run() -> None:
    """The run of a part shows on the whole."""
    console, file = printed()
    part = samples.features().to_nodes("clean_data").run()
    print_pipeline(samples.features(), result=part, console=console)
    assert sum("○" in line and "not run" in line for line in file.getvalue().splitlines()) == 3


def test_what_was_never_measurable_is_no_zero() -> None:
    """Less than what is shown, and not nothing."""
    result = samples.twice().run()
    result.steps[0].seconds = 1e-7
    result.steps[0].memory = samples.Memory(0.01)
    result.steps[1].seconds = 0.0
    result.steps[1].memory = samples.Memory(0.0)
    console, file = printed()
    print_result(result, console=console)
    first, second = file.getvalue().splitlines()[1:3]
    assert first.split()[-4:] == ["µs", "<0.1", "MiB", "│"]
    assert "<1 µs" in first
    assert second.split()[-5:] == ["0", "µs", "+0.0", "MiB", "│"]


@pytest.mark.parametrize("junk", [None, 5, "plan", [1]])
def test_what_tells_of_no_run_is_refused(junk: Any) -> None:
    """As a result and as a plan."""
    for show in (print_result, print_plan):
        with pytest.raises(TypeError, match="is neither a run nor a plan"):
            show(junk)


def test_a_result_of_another_pipeline_is_refused() -> None:
    """As in the pictures."""
    with pytest.raises(ValueError, match="another pipeline"):
        print_pipeline(samples.training(), result=samples.features().run())


@pytest.mark.parametrize("no_color", [False, True])
@pytest.mark.parametrize("colours", [None, "standard", "256", "truecolor"])
def test_progress_paints_as_rich_does(colours: Any, no_color: bool) -> None:
    """To the letter, whatever the terminal can show."""
    console = Console(
        file=io.StringIO(), width=80, force_terminal=True, color_system=colours, no_color=no_color
    )
    told = node_records(samples.features().nodes, samples.planned())
    panel = Flow(samples.features().nodes, "数").panel(told, 80, charset_of(console))
    with console.capture() as captured:
        console.print(panel, end="")
    assert to_ansi(panel.lines, console) == captured.get().splitlines()


@pytest.mark.parametrize(("n_keys", "n_made"), [(30, 1), (1, 30), (30, 30)])
def test_config_keys_and_outputs_share_the_row(n_keys: int, n_made: int) -> None:
    """Neither pushes the other out; a short one leaves the long one the rest."""
    keys = [f"config.key_{n}" for n in range(n_keys)]
    node = samples.node("f", keys, [f"made_{n}" for n in range(n_made)])
    console, file = printed(100)
    print_pipeline(Pipeline([node]), console=console)
    row = file.getvalue().splitlines()[1]
    assert "config.key_0" in row
    assert "→ made_0" in row
    assert row.count("…") == (n_keys > 1) + (n_made > 1)
    assert "   " not in row.removesuffix("│").rstrip()


def test_many_live_objects_leave_room_for_the_names() -> None:
    """Lanes stop at a part of the width."""
    names = [f"object_{n}" for n in range(100)]
    pipeline = Pipeline([samples.node("make", [], names), samples.node("read", names, [])])
    console, file = printed(60)
    print_pipeline(pipeline, console=console)
    lines = file.getvalue().splitlines()
    assert len(lines) == 4
    assert "make" in lines[1]
    assert "read" in lines[2]


@pytest.mark.parametrize("width", [1, 4, 8, 12, 20, 30])
def test_a_very_narrow_terminal_is_not_left_out(width: int) -> None:
    """Still a row a node, and no row wider than the terminal, from 8 cells on."""
    console, file = printed(width)
    print_pipeline(samples.training(), result=samples.training().run(), console=console)
    lines = file.getvalue().splitlines()
    assert len(lines) == 12
    assert all(len(line) <= max(width, 8) for line in lines)


@given(strategies.small_pipelines())
@examples(40)
def test_any_pipeline_is_one_row_a_node(pipeline: Pipeline) -> None:
    """Also in ASCII."""
    console, file = printed(72)
    print_pipeline(pipeline, console=console)
    assert len(file.getvalue().splitlines()) == len(pipeline) + 2
