"""The log's records, and the cost of having nothing to log."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from linepipe_core import Node, Pipeline
from linepipe_core.logs import Log


def test_a_quiet_run_imports_no_logging() -> None:
    """Importing logging takes as long as starting Python."""
    code = (
        "import sys\n"
        "from linepipe_core import Node, Pipeline\n"
        "Pipeline([Node(abs, ['x'], ['y'])], x=-1).run()\n"
        "print('logging' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_warning_is_seen_also_where_nobody_imported_logging() -> None:
    """Python prints it, as it prints everybody's."""
    code = (
        "from linepipe_core import Node, Pipeline\n"
        "Pipeline([Node(next, ['numbers'], ['y'])], numbers=(i for i in [1])).run()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'numbers' can't be copied" in done.stderr


def test_a_record_names_the_line_that_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Not the line in ``logs.py``."""
    log = Log("linepipe.run")
    with caplog.at_level(logging.INFO, "linepipe.run"):
        log.info("one %d", 1)
        log.warning("two")
    assert [record.filename for record in caplog.records] == ["test_logs.py"] * 2
    assert caplog.messages == ["one 1", "two"]


def test_info_is_on_as_the_user_says(caplog: pytest.LogCaptureFixture) -> None:
    """Also when the level changes after the first run."""
    pipeline = Pipeline([Node(abs, ["x"], ["y"])], x=-1)
    pipeline.run()
    assert not caplog.messages
    with caplog.at_level(logging.INFO, "linepipe.run"):
        pipeline.run()
    assert any("abs ran in" in message for message in caplog.messages)
