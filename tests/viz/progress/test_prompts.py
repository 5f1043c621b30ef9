"""Progress gives way to prompts, debuggers and Control-C."""

from __future__ import annotations

import pytest
from tests.viz.progress.sessions import session, until_drawn_again


def test_a_prompt_puts_the_view_away() -> None:
    """input() is asked on a free line, and the answer comes back."""
    with session(
        """
        def ask():
            wait_to_go_on()
            return input("Your name? ")
        def greet(name):
            print("Hello", name)
        Pipeline([Node(ask, [], ["name"]), Node(greet, ["name"], [])]).run(hooks=[Progress()])
        """
    ) as shown:
        shown.until_shown("▶ ask")
        shown.go_on()
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
            wait_to_go_on()
            answer = 41
            {stop}
            return answer + 1
        print("gave", run(inspected)["x1"])
        """
    ) as shown:
        shown.until_shown("▶ inspected")
        shown.go_on()
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
            wait_to_go_on()
            return len(getpass.getpass("Secret? "))
        print("length", run(ask)["x1"])
        """
    ) as shown:
        shown.until_shown("▶ ask")
        shown.go_on()
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
        def bad(x): wait_to_go_on(); raise ValueError("oops")
        try:
            pipeline = Pipeline([Node(load, [], ["x"]), Node(bad, ["x"], ["y"])])
            pipeline.run(hooks=[{hooks}])
        except Exception as error:
            print("ended by", type(error).__name__)
        """,
        rows=60,
    ) as shown:
        if hooks.startswith("PostMortem"):  # a breakpoint comes before the node begins
            shown.until_shown("▶ bad")
        shown.go_on()
        shown.until_shown("(Pdb)")
        shown.press("!time.sleep(0.5)\n")
        shown.until(lambda: shown.text().count("(Pdb)") == 2)
        assert b"elapsed" not in shown.raw.partition(b"(Pdb)")[2]
        shown.press("p x + 1\n")
        shown.until_shown("42")
        shown.press("c\n")
        assert shown.until_end() == 0
        assert shown.text().endswith("ended by NodeExecutionError")


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
