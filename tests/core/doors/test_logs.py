"""The log of a run: what is said, and by which line."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from linepipe_core import Node, Pipeline


def test_a_warning_is_seen_also_where_nobody_imported_logging() -> None:
    """Python prints it, as it prints everybody's."""
    code = (
        "from linepipe_core import Node, Pipeline\n"
        "Pipeline([Node(next, ['numbers'], ['y'])], numbers=(i for i in [1])).run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'numbers' can't be copied" in done.stderr


def test_info_is_on_as_the_user_says(caplog: pytest.LogCaptureFixture) -> None:
    """Also when the level changes after the first run."""
    pipeline = Pipeline([Node(abs, ["x"], ["y"])], x=-1)
    pipeline.run()
    assert not caplog.messages
    with caplog.at_level(logging.INFO, "linepipe.run"):
        pipeline.run()
    assert any("abs ran in" in message for message in caplog.messages)
