"""Progress and what nodes, children and C libraries write: it stays, above the live view."""

from __future__ import annotations

import pytest
from tests.viz.progress.sessions import session, until_drawn_again


def test_what_nodes_write_stands_above_the_view_whole_and_once() -> None:
    """print, partial lines, stderr, logging set up before, a subprocess."""
    with session(
        """
        logging.basicConfig(level=logging.INFO, format="log: %(message)s")
        logging.getLogger("linepipe").setLevel(logging.WARNING)
        def talk():
            wait_to_go_on()
            print("printed line")
            wait_to_go_on()
            print("first half,", end=" ", flush=True)
            wait_to_go_on()
            print("second half")
            logging.getLogger("app").info("logged line")
            wait_to_go_on()
            print("error line", file=sys.stderr)
            wait_to_go_on()
            subprocess.run(["echo", "from another process"])
            wait_for_line()
            return 1
        run(talk)
        print("after:", type(sys.stdout).__name__, type(logging.root.handlers[0].stream).__name__)
        """
    ) as shown:
        for words in ("▶ talk", "printed line", "first half,", "logged line", "error line"):
            shown.until_shown(words)
            if words != "first half,":  # the view gives way to a line that isn't ended
                until_drawn_again(shown)
            shown.go_on()
        shown.until_shown("from another process")
        until_drawn_again(shown)
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
            wait_to_go_on()
            {write}
            wait_for_line()
            return 1
        def last(x): return 2
        run(*[talk, last, last, last, last, last], title="Night's work")
        """,
        rows=rows,
    ) as shown:
        shown.until_shown("▶ talk")
        shown.go_on()
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
            wait_to_go_on()
            subprocess.run([sys.executable, "-c", ask])
            wait_for_line()
            return 1
        run(talk)
        """
    ) as shown:
        shown.until_shown("▶ talk")
        shown.go_on()
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


def test_colours_that_a_child_left_on_are_its_own() -> None:
    """The view isn't drawn in them, and they are still on afterwards."""
    with session(
        """
        def talk():
            wait_to_go_on()
            os.write(2, b"\\x1b[41mred")
            wait_for_line()
            os.write(2, b"still red\\x1b[m\\n")
            wait_for_line()
            return 1
        run(talk)
        """
    ) as shown:
        shown.until_shown("▶ talk")
        shown.go_on()
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
            wait_to_go_on()
            print("no end", end="")
            return 1
        def work(x): wait_for_line(); return 2
        def last(x): print("the end"); return 3
        run(talk, work, last)
        """
    ) as shown:
        shown.until_shown("▶ talk")
        shown.go_on()
        shown.until_shown("▶ work")
        shown.press("\n")
        assert shown.until_end() == 0
        lines = [line for line in shown.text().splitlines() if line]
    assert lines[:2] == ["no end", "the end"]


def test_a_forked_child_writes_freely() -> None:
    """multiprocessing forks inside nodes; no lock of ours may come along held."""
    with session(
        """
        def fork():
            wait_to_go_on()
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
        shown.until_shown("▶ fork")
        shown.go_on()
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
            wait_to_go_on()
            run(inner)
            wait_for_line()
            return 2
        run(outer)
        """
    ) as shown:
        shown.until_shown("▶ outer")
        shown.go_on()
        shown.until_shown("1/1 ✔ inner")
        shown.press("\n")
        assert shown.until_end() == 0


def test_a_terminal_of_four_rows_keeps_what_was_written() -> None:
    """The live view never scrolls anything away."""
    with session(
        """
        print("first line")
        def load(*_): wait_to_go_on(); return 1
        run(load, load, load)
        """,
        rows=4,
    ) as shown:
        shown.until_shown("▶ load")
        for _ in range(3):
            shown.go_on()
        assert shown.until_end() == 0
        assert shown.text().splitlines()[0] == "first line"
        assert shown.text().count("╭─ Pipeline") == 1
