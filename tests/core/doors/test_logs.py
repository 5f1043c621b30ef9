"""The log of a run: what is said, and by which line."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

import linepipe_core
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


def test_a_quiet_run_loads_no_logging() -> None:
    """And what is logged from the next run on is escaped, as all is."""
    code = (
        "import sys\n"
        "from linepipe_core import Node, Pipeline\n"
        "pipeline = Pipeline([Node(abs, ['x'], ['y'], name='a\\x1b[31mbs')], x=-1)\n"
        "pipeline.run()\n"
        "print('logging' in sys.modules)\n"
        "import logging\n"
        "shape = '%(name)s: %(message)s'\n"
        "logging.basicConfig(level=logging.INFO, format=shape, stream=sys.stdout)\n"
        "pipeline.run()\n"
        "logging.getLogger('linepipe.profile').info('%s', 'a\\x1bb')"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(linepipe_core.__file__).parents[1])},
    )
    assert done.stdout.splitlines()[:2] == ["False", "linepipe.run: running 1 node"]
    assert "linepipe.run: 1 of 1 nodes in" in done.stdout
    assert "linepipe.profile: a\\x1bb" in done.stdout
    assert "\x1b" not in done.stdout
