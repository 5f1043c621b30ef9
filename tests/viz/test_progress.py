"""Progress: live on a terminal, plain lines elsewhere, in nobody's way."""

from __future__ import annotations

import builtins
import io
import signal
import sys
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from rich.console import Console
from tests.viz import samples
from tests.viz.pty_session import PtySession

from linepipe_core import Hook, Node, NodeExecutionError, Pipeline, Step
from linepipe_viz import Progress

SETUP = dedent(
    """
    import logging, os, subprocess, sys, time
    from linepipe_core import Node, Pipeline
    from linepipe_viz import Progress
    from tests.viz.samples import node

    def run(*functions, **options):
        nodes = [
            Node(function, [f"x{place}"] if place else [], [f"x{place + 1}"])
            for place, function in enumerate(functions)
        ]
        return Pipeline(nodes).run(hooks=[Progress(**options)])

    def wait_for_line():
        return sys.stdin.readline()
    """
)


def session(code: str, columns: int = 80, rows: int = 24, encoding: str = "utf-8") -> PtySession:
    return PtySession(SETUP + dedent(code), columns, rows, encoding)


def plain(pipeline: Pipeline, *hooks: Hook) -> list[str]:
    """The lines that Progress writes where there is no terminal."""
    file = io.StringIO()
    with suppress(NodeExecutionError):
        pipeline.run(hooks=[Progress(Console(file=file, width=80)), *hooks])
    return file.getvalue().splitlines()


def until_drawn_again(shown: PtySession) -> None:
    """Read until the view was drawn twice more, and the cursor was put back."""
    n_drawings = shown.raw.count(b"elapsed") + 2
    shown.until(lambda: shown.raw.count(b"elapsed") >= n_drawings and shown.raw.endswith(b"A"))


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_the_live_view_shows_what_runs_now_and_how_far_it_is(columns: int) -> None:
    """A row a node, the running one with its clock, and a progress row."""
    with session(
        """
        def load(): return 1
        def train(data): wait_for_line(); return 2
        def score(model): return 3
        run(load, train, score, title="Night's work")
        """,
        columns,
    ) as shown:
        shown.until(lambda: "▶ train" in shown.text() and shown.text().endswith("╯"))
        lines = [line.strip("│ ") for line in shown.text().splitlines() if line]
        assert lines[0].startswith("╭─ Night's work ")
        assert lines[1].split()[:5] == ["╭─✔", "load", "→", "x1", lines[1].split()[4]]
        assert lines[2].split()[:4] == ["├─▶", "train", "→", "x2"]
        assert lines[3].split() == ["╰─●", "score", "→", "x3"]
        assert lines[5].startswith("1/3 ━")
        assert lines[5].endswith("elapsed")
        before = lines[2]
        shown.until(lambda: "▶ train" in shown.text() and before not in shown.text())  # it ticks
        shown.press("\n")
        assert shown.until_end() == 0
        assert "✔ train" in shown.text()
        assert "elapsed" not in shown.text()
        assert shown.text().count("╭─ Night's work ") == 1


def test_what_nodes_write_stands_above_the_view_whole_and_once() -> None:
    """print, partial lines, stderr, logging set up before, a subprocess."""
    with session(
        """
        logging.basicConfig(level=logging.INFO, format="log: %(message)s")
        logging.getLogger("linepipe").setLevel(logging.WARNING)
        def talk():
            time.sleep(0.3)
            print("printed line")
            time.sleep(0.3)
            print("first half,", end=" ", flush=True)
            time.sleep(0.3)
            print("second half")
            logging.getLogger("app").info("logged line")
            time.sleep(0.3)
            print("error line", file=sys.stderr)
            time.sleep(0.3)
            subprocess.run(["echo", "from another process"])
            time.sleep(0.3)
            wait_for_line()
            return 1
        run(talk)
        print("after:", type(sys.stdout).__name__, type(logging.root.handlers[0].stream).__name__)
        """
    ) as shown:
        shown.until_shown("from another process")
        shown.until_shown("▶ talk")
        shown.press("\n")
        assert shown.until_end() == 0
        lines = [line for line in shown.text().splitlines() if line]
    assert lines[:5] == [
        "printed line",
        "first half, second half",
        "log: logged line",
        "error line",
        "from another process",
    ]
    assert lines[-1] == "after: TextIOWrapper TextIOWrapper"


WRITES = [
    "subprocess.run([sys.executable, \"-c\", \"print('half a line', end='')\"])",
    'sys.stdout.buffer.write(b"half a line"); sys.stdout.buffer.flush()',
    'os.write(2, b"half a line")',
]


@pytest.mark.parametrize(
    ("write", "rows", "n_before"),
    [
        *((write, 24, 0) for write in WRITES),
        *((WRITES[2], *at) for at in [(8, 0), (24, 30), (8, 30)]),
    ],
)
def test_half_a_line_written_past_python_stays(write: str, rows: int, n_before: int) -> None:
    """Also at the screen's bottom, and above a view as high as the screen."""
    with session(
        f"""
        for number in range({n_before}):
            print("before", number)
        def talk():
            time.sleep(0.3)
            {write}
            wait_for_line()
            return 1
        def last(x): return 2
        run(*[talk, last, last, last, last, last], title="Night's work")
        """,
        rows=rows,
    ) as shown:
        shown.until_shown("half a line")
        until_drawn_again(shown)
        view = shown.text().splitlines()[n_before + 1 :]
        assert view[0].startswith("╭─ Night's work ")
        assert view[1].startswith("│ ╭─▶ talk")
        assert view[-1] == "╰" + "─" * 78 + "╯"
        y, x = shown.screen.cursor.y, shown.screen.cursor.x
        assert (shown.screen.display[y].rstrip(), x) == ("half a line", len("half a line"))
        shown.press("\n")
        assert shown.until_end() == 0
        lines = [line for line in shown.text().splitlines() if line]
    before = [f"before {number}" for number in range(n_before)]
    assert lines[: n_before + 1] == [*before, "half a line"]
    assert lines[n_before + 1].startswith("╭─ Night's work ")
    assert len(lines) == n_before + 1 + 8


def test_a_child_can_ask_and_be_answered() -> None:
    """Its question stands above the view, and the answer behind it."""
    with session(
        """
        ask = "name = input('Your name? '); print('Hello', name)"
        def talk():
            time.sleep(0.3)
            subprocess.run([sys.executable, "-c", ask])
            wait_for_line()
            return 1
        run(talk)
        """
    ) as shown:
        shown.until_shown("▶ talk")
        shown.until_shown("Your name?")
        until_drawn_again(shown)
        shown.press("Ada")
        shown.until_shown("Ada")
        until_drawn_again(shown)
        assert shown.text().splitlines()[0] == "Your name? Ada"
        assert "▶ talk" in shown.text()
        shown.press(" L.\n")
        shown.until_shown("Hello Ada L.")
        shown.press("\n")
        assert shown.until_end() == 0
        assert shown.text().splitlines()[0] == "Your name? Ada L."


def test_the_view_keeps_its_place_in_a_resized_terminal() -> None:
    """Wider, then narrower and higher; nothing written is lost."""
    with session(
        """
        print("before")
        def talk():
            time.sleep(0.3)
            os.write(2, b"half a line")
            wait_for_line()
            return 1
        run(talk)
        """
    ) as shown:
        shown.until_shown("half a line")
        for columns, rows in [(100, 24), (60, 30)]:
            shown.resize(columns, rows)
            edge = "╰" + "─" * (columns - 2) + "╯"
            shown.until(lambda edge=edge: edge in shown.text())  # type: ignore[misc]  # a default
            assert shown.text().splitlines()[:2] == ["before", "half a line"]
            assert shown.text().count("╰") == 1
        shown.press("\n")
        assert shown.until_end() == 0


def test_colours_that_a_child_left_on_are_its_own() -> None:
    """The view isn't drawn in them, and they are still on afterwards."""
    with session(
        """
        def talk():
            time.sleep(0.3)
            os.write(2, b"\\x1b[41mred")
            wait_for_line()
            os.write(2, b"still red\\x1b[m\\n")
            wait_for_line()
            return 1
        run(talk)
        """
    ) as shown:
        shown.until_shown("red")
        until_drawn_again(shown)
        cells = [shown.screen.buffer[row][x] for row in range(1, 24) for x in range(80)]
        assert {cell.bg for cell in cells} == {"default"}
        shown.press("\n")
        shown.until_shown("still red")
        assert {shown.screen.buffer[1][x].bg for x in range(9)} == {"red"}
        shown.press("\n")
        assert shown.until_end() == 0


def test_a_line_that_a_node_left_unfinished_is_ended_for_it() -> None:
    """The view of the next node comes back below it."""
    with session(
        """
        def talk():
            time.sleep(0.3)
            print("no end", end="")
            return 1
        def work(x): wait_for_line(); return 2
        def last(x): print("the end"); return 3
        run(talk, work, last)
        """
    ) as shown:
        shown.until_shown("▶ work")
        shown.press("\n")
        assert shown.until_end() == 0
        lines = [line for line in shown.text().splitlines() if line]
    assert lines[:2] == ["no end", "the end"]


def test_a_prompt_puts_the_view_away() -> None:
    """input() is asked on a free line, and the answer comes back."""
    with session(
        """
        def ask():
            time.sleep(0.3)
            return input("Your name? ")
        def greet(name):
            print("Hello", name)
        Pipeline([Node(ask, [], ["name"]), Node(greet, ["name"], [])]).run(hooks=[Progress()])
        """
    ) as shown:
        shown.until_shown("▶ ask")
        shown.until_shown("Your name?")
        assert "▶" not in shown.text()
        shown.press("Ada\n")
        assert shown.until_end() == 0
        assert shown.text().splitlines()[:2] == ["Your name? Ada", "Hello Ada"]


@pytest.mark.parametrize("stop", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_a_debugger_works_in_a_node(stop: str) -> None:
    """The view goes, the debugger's prompt stays, commands work."""
    with session(
        f"""
        def inspected():
            time.sleep(0.3)
            answer = 41
            {stop}
            return answer + 1
        print("gave", run(inspected)["x1"])
        """
    ) as shown:
        shown.until_shown("(Pdb)")
        shown.press("!time.sleep(0.5)\n")  # time enough to draw over the prompt
        shown.until(lambda: shown.text().count("(Pdb)") == 2)
        assert b"elapsed" not in shown.raw.partition(b"(Pdb)")[2]
        shown.press("p answer * 2\n")
        shown.until_shown("82")
        shown.press("c\n")
        assert shown.until_end() == 0
        assert "gave 42" in shown.text()


def test_a_prompt_that_python_does_not_know_of_is_left_alone() -> None:
    """getpass asks the terminal itself; so do full-screen debuggers."""
    with session(
        """
        import getpass
        def ask():
            time.sleep(0.3)
            return len(getpass.getpass("Secret? "))
        print("length", run(ask)["x1"])
        """
    ) as shown:
        shown.until_shown("▶ ask")
        shown.until_shown("Secret?")
        shown.press("abc")
        shown.settle(0.5)  # time enough to draw over the prompt
        assert "Secret?" in shown.text()
        assert "▶" not in shown.text()
        shown.press("\n")
        assert shown.until_end() == 0
        assert shown.text().endswith("length 3")


@pytest.mark.parametrize("hooks", ["PostMortem(), Progress()", "Progress(), Breakpoint('bad')"])
def test_linepipes_own_debugging_works_beside_it(hooks: str) -> None:
    """In either order: the prompt stays, and the run ends as it would have."""
    with session(
        f"""
        from linepipe_core import Breakpoint, PostMortem
        def load(): return 41
        def bad(x): time.sleep(0.2); raise ValueError("oops")
        try:
            pipeline = Pipeline([Node(load, [], ["x"]), Node(bad, ["x"], ["y"])])
            pipeline.run(hooks=[{hooks}])
        except Exception as error:
            print("ended by", type(error).__name__)
        """,
        rows=60,
    ) as shown:
        shown.until_shown("(Pdb)")
        shown.press("!time.sleep(0.5)\n")
        shown.until(lambda: shown.text().count("(Pdb)") == 2)
        assert b"elapsed" not in shown.raw.partition(b"(Pdb)")[2]
        shown.press("p x + 1\n")
        shown.until_shown("42")
        shown.press("c\n")
        assert shown.until_end() == 0
        assert shown.text().endswith("ended by NodeExecutionError")


def test_a_failure_is_shown_and_raised() -> None:
    """The panel first, then the traceback below it."""
    with session(
        """
        def load(): return 1
        def break_down(data): time.sleep(0.3); raise ValueError("no such season")
        def never(data): return 2
        run(load, break_down, never)
        """,
        rows=60,
    ) as shown:
        assert shown.until_end() == 1
        text = shown.text()
    assert "✘ break_down" in text
    assert "not run" in text
    assert text.rstrip().endswith("ValueError: no such season")
    assert text.index("✘ break_down") < text.index("Traceback")


def test_ctrl_c_ends_the_run_with_a_whole_picture() -> None:
    """And the terminal is as it was."""
    with session(
        """
        def long_work(): time.sleep(60)
        try:
            run(long_work)
        except KeyboardInterrupt:
            print("interrupted", type(sys.stdout).__name__)
        """
    ) as shown:
        shown.until_shown("▶ long_work")
        until_drawn_again(shown)
        shown.press("\x03")
        assert shown.until_end() == 0
        lines = [line for line in shown.text().splitlines() if line]
    assert lines[:-4] in (["^C"], [])  # the terminal's own echo, unless it fell into a drawing
    assert lines[-4].startswith("╭─ Pipeline ")
    assert "✘ long_work" in lines[-3]
    assert {len(line) for line in lines[-4:-1]} == {80}
    assert lines[-1] == "interrupted TextIOWrapper"


def test_a_forked_child_writes_freely() -> None:
    """multiprocessing forks inside nodes; no lock of ours may come along held."""
    with session(
        """
        def fork():
            time.sleep(0.3)
            for _ in range(30):
                pid = os.fork()
                if not pid:
                    os.write(1, b"forked\\n")
                    os._exit(0)
                os.waitpid(pid, 0)
            return 1
        run(fork)
        print("done")
        """,
        rows=60,
    ) as shown:
        assert shown.until_end() == 0
        assert shown.text().count("forked") == 30
        assert shown.text().endswith("done")


def test_a_forked_child_does_not_repeat_what_waits_to_be_written() -> None:
    """Half a line in Python's buffer is the parent's to write."""
    with session(
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12's, of forks beside threads
        def fork():
            print("half", end=" ")
            pid = os.fork()
            if not pid:
                os._exit(0)
            os.waitpid(pid, 0)
            print("a line")
            return 1
        run(fork)
        """
    ) as shown:
        assert shown.until_end() == 0
        assert shown.text().splitlines()[0] == "half a line"


def test_a_run_inside_a_run_writes_plain_lines_above_the_view() -> None:
    """There is one live view on a terminal."""
    with session(
        """
        def inner(): return 1
        def outer():
            time.sleep(0.3)
            run(inner)
            wait_for_line()
            return 2
        run(outer)
        """
    ) as shown:
        shown.until_shown("▶ outer")
        shown.until_shown("1/1 ✔ inner")
        shown.press("\n")
        assert shown.until_end() == 0


def test_a_run_that_is_dropped_half_way_frees_the_terminal() -> None:
    """The next run has its live view."""
    with session(
        """
        import gc
        def one(): time.sleep(0.3); return 1
        def two(x): wait_for_line(); return 2
        pipeline = Pipeline([Node(one, [], ["x"]), Node(two, ["x"], ["y"])])
        dropped = pipeline.start(hooks=[Progress(title="dropped")])
        next(dropped)
        del dropped
        gc.collect()
        time.sleep(0.5)
        print("stdout is", type(sys.stdout).__name__)
        pipeline.run(hooks=[Progress(title="next")])
        """
    ) as shown:
        shown.until_shown("▶ two")
        assert "stdout is TextIOWrapper" in shown.text()
        shown.press("\n")
        assert shown.until_end() == 0


def test_300_nodes_fit_a_small_terminal() -> None:
    """The rows around the running node; never more lines than the screen has."""
    with session(
        """
        def slow(*_): wait_for_line(); return 1
        nodes = [node(f"n{n}", [], []) for n in range(200)]
        nodes += [Node(slow, [], ["x"])] + [node(f"m{n}", [], []) for n in range(100)]
        Pipeline(nodes).run(hooks=[Progress()])
        """,
        rows=16,
    ) as shown:
        shown.until_shown("▶ slow")
        lines = shown.text().splitlines()
        assert len([line for line in lines if line.strip()]) <= 15
        assert "200/301" in shown.text()
        shown.press("\n")
        assert shown.until_end() == 0


def test_a_terminal_of_four_rows_keeps_what_was_written() -> None:
    """The live view never scrolls anything away."""
    with session(
        """
        print("first line")
        def load(*_): time.sleep(0.3); return 1
        run(load, load, load)
        """,
        rows=4,
    ) as shown:
        shown.until_shown("▶ load")
        assert shown.until_end() == 0
        assert shown.text().splitlines()[0] == "first line"
        assert shown.text().count("╭─ Pipeline") == 1


def test_a_terminal_without_unicode_gets_ascii() -> None:
    """The live view too."""
    with session(
        """
        def load(): wait_for_line(); return 1
        run(load, title="数")
        """,
        encoding="ascii",
    ) as shown:
        shown.until_shown("> load")
        assert shown.text().isascii()
        shown.press("\n")
        assert shown.until_end() == 0
        assert shown.text().isascii()


@pytest.mark.parametrize(("columns", "said"), [(60, ""), (100, ""), (60, "50")])
def test_a_dumb_terminal_gets_a_picture_that_fits(columns: int, said: str) -> None:
    """rich calls each of them 80 columns wide. What COLUMNS says goes first."""
    with session(
        f"""
        os.environ["TERM"] = "dumb"
        if {said!r}:
            os.environ["COLUMNS"] = {said!r}
        def load(): return 1
        run(load)
        """,
        columns,
    ) as shown:
        assert shown.until_end() == 0
        lines = shown.text().splitlines()
    assert lines[0].startswith("1/1 ✔ load")
    assert {len(line) for line in lines[1:]} == {int(said or columns)}
    assert len(lines) == 4


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
