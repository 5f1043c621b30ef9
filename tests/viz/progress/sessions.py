"""Programs with a Progress on a pseudo-terminal."""

from __future__ import annotations

from textwrap import dedent

from tests.viz.pty_session import PtySession

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

    def wait_to_go_on():
        os.read(int(os.environ["GO_ON"]), 1)
    """
)


def session(code: str, columns: int = 80, rows: int = 24, encoding: str = "utf-8") -> PtySession:
    return PtySession(SETUP + dedent(code), columns, rows, encoding)


def until_drawn_again(shown: PtySession) -> None:
    """Read until the view was drawn twice more, and the cursor was put back."""
    n_drawings = shown.raw.count(b"elapsed") + 2
    shown.until(lambda: shown.raw.count(b"elapsed") >= n_drawings and shown.raw.endswith(b"A"))
