"""Progress on a terminal: the live view, its size and its end."""

from __future__ import annotations

import re

import pytest
from tests.viz.progress.sessions import session, until_drawn_again


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
        assert lines[2].split()[:5] == ["├─▶", "train", "x1", "→", "x2"]
        assert lines[3].split() == ["╰─●", "score", "x2", "→", "x3"]
        assert lines[5].startswith("1/3 ━")
        assert lines[5].endswith("elapsed")
        before = lines[2]
        shown.until(lambda: "▶ train" in shown.text() and before not in shown.text())  # it ticks
        shown.press("\n")
        assert shown.until_end() == 0
        assert "✔ train" in shown.text()
        assert "elapsed" not in shown.text()
        assert shown.text().count("╭─ Night's work ") == 1


def test_the_view_keeps_its_place_in_a_resized_terminal() -> None:
    """Wider, then narrower and higher; nothing written is lost."""
    with session(
        """
        print("before")
        def talk():
            wait_to_go_on()
            os.write(2, b"half a line")
            wait_for_line()
            return 1
        run(talk)
        """
    ) as shown:
        shown.until_shown("▶ talk")
        shown.go_on()
        shown.until_shown("half a line")
        for columns, rows in [(100, 24), (60, 30)]:
            shown.resize(columns, rows)
            edge = "╰" + "─" * (columns - 2) + "╯"
            shown.until(lambda edge=edge: edge in shown.text())  # type: ignore[misc]  # a default
            assert shown.text().splitlines()[:2] == ["before", "half a line"]
            assert shown.text().count("╰") == 1
        shown.press("\n")
        assert shown.until_end() == 0


def test_a_failure_is_shown_and_raised() -> None:
    """The panel first, then the traceback below it."""
    with session(
        """
        def load(): return 1
        def break_down(data): wait_to_go_on(); raise ValueError("no such season")
        def never(data): return 2
        run(load, break_down, never)
        """,
        rows=60,
    ) as shown:
        shown.until_shown("▶ break_down")
        shown.go_on()
        assert shown.until_end() == 1
        text = shown.text()
    assert "✘ break_down" in text
    assert "not run" in text
    assert text.rstrip().endswith("ValueError: no such season")
    assert text.index("✘ break_down") < text.index("Traceback")


def test_a_run_that_is_dropped_half_way_frees_the_terminal() -> None:
    """The next run has its live view."""
    with session(
        """
        import gc
        def one(): wait_to_go_on(); return 1
        def two(x): wait_for_line(); return 2
        pipeline = Pipeline([Node(one, [], ["x"]), Node(two, ["x"], ["y"])])
        dropped = pipeline.start(hooks=[Progress(title="dropped")])
        next(dropped)
        del dropped
        gc.collect()
        while type(sys.stdout).__name__ != "TextIOWrapper": time.sleep(0.01)
        print("stdout is", type(sys.stdout).__name__)
        pipeline.run(hooks=[Progress(title="next")])
        """
    ) as shown:
        shown.until_shown("▶ one")
        shown.go_on()
        shown.go_on()  # in the next run, too
        shown.until_shown("▶ two")
        assert "stdout is TextIOWrapper" in shown.text()
        shown.press("\n")
        assert shown.until_end() == 0


def test_a_loop_that_is_left_half_way_frees_the_terminal() -> None:
    """At once, though its Progress is still there: the next run has its live view."""
    with session(
        """
        def one(): return 1
        def two(x): wait_for_line(); return 2
        pipeline = Pipeline([Node(one, [], ["x"]), Node(two, ["x"], ["y"])])
        bar = Progress(title="left")
        for _ in range(3):
            for step in pipeline.start(hooks=[bar]):
                break
        pipeline.run(hooks=[Progress(title="next")])
        """
    ) as shown:
        shown.until_shown("▶ two")
        assert "next" in shown.text()
        shown.press("\n")
        assert shown.until_end() == 0
        assert "left" not in shown.text()


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
    assert lines[0] == "1/1 ▶ load"
    assert lines[1].startswith("1/1 ✔ load")
    assert {len(line) for line in lines[2:]} == {int(said or columns)}
    assert len(lines) == 5


def test_the_live_view_says_how_long_the_run_took_the_last_time() -> None:
    """Beside the running node's clock, and what is to come below the rows."""
    with session(
        """
        def load(): time.sleep(0.05); return 1
        def train(data):
            if waits: wait_for_line()
            time.sleep(0.05)
            return 2
        pipeline = Pipeline([Node(load, [], ["x"]), Node(train, ["x"], ["y"])])
        progress = Progress()
        waits = False
        pipeline.run(hooks=[progress])
        waits = True
        pipeline.run(hooks=[progress])
        """,
        columns=100,
    ) as shown:
        shown.until(lambda: re.search(r"▶ train .* of [\d.]+ m?s", shown.text()) is not None)
        assert "to go" in shown.text()
        shown.press("\n")
        assert shown.until_end() == 0


def test_no_drawing_stays_in_tmuxs_history() -> None:
    """It keeps a screen that is cleared from its corner, where the cursor is after `clear`."""
    with session(
        """
        print("\\x1b[H\\x1b[2J", end="", flush=True)
        def talk(): wait_for_line(); return 1
        run(talk)
        """
    ) as shown:
        shown.until_shown("▶ talk")
        until_drawn_again(shown)
        shown.press("\n")
        assert shown.until_end() == 0
        drawn = shown.raw.partition(b"\x1b[2J")[2]
    assert b"elapsed" in drawn
    clears = [part[-6:] for part in drawn.split(b"\x1b[J")[:-1]]
    assert clears
    assert all(part.endswith(b"\x1b[C") for part in clears)  # one column to the right of it
