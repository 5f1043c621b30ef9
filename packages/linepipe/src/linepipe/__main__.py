"""``python -m linepipe``: what is installed, for bug reports. linepipe has no other commands."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

__all__ = ["report"]

OURS = ("linepipe", "linepipe-core", "linepipe-viz", "linepipe-profile")
THEIRS = {"rich": "", "plotly": "[plot]", "memory-profiler": "[memory]", "psutil": "[memory]"}


def report() -> str:
    """The versions of linepipe's distributions, of what its extras need, and of Python."""
    lines = [f"{name:<18}{found(name)}" for name in OURS]
    lines += [f"{name:<18}{found(name):<15}{extra}".rstrip() for name, extra in THEIRS.items()]
    lines.append(f"{'Python':<18}{platform.python_version()} at {sys.executable}")
    lines.append(f"{'platform':<18}{platform.platform()}")
    return "\n".join(lines)


def found(distribution: str) -> str:
    """The installed version, or that there is none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    print(report())
