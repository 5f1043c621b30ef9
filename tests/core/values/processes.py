"""One script, run in processes that hash texts differently."""

# the tables of edits hold a module's source in a line

from __future__ import annotations

import subprocess
import sys


def in_processes(script: str) -> set[str]:
    """The outputs of a script in fresh processes of other hash seeds."""
    return {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
