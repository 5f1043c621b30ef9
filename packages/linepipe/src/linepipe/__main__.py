"""``python -m linepipe``: lists the installed versions, for bug reports; the only command."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

__all__ = ["report"]

_DISTRIBUTIONS = ("linepipe", "linepipe-core", "linepipe-viz", "linepipe-profile")

# Each dependency, and the extra that installs it.
_DEPENDENCIES = {
    "rich": "",
    "plotly": "[plot]",
    "memory-profiler": "[memory]",
    "psutil": "[memory]",
}


def report() -> str:
    """Return the versions of linepipe's distributions, their dependencies and Python, as lines."""
    lines = [f"{name:<18}{_installed_version(name)}" for name in _DISTRIBUTIONS]
    lines += [
        f"{name:<18}{_installed_version(name):<15}{extra}".rstrip()
        for name, extra in _DEPENDENCIES.items()
    ]
    lines.append(f"{'Python':<18}{platform.python_version()} at {sys.executable}")
    lines.append(f"{'platform':<18}{platform.platform()}")
    return "\n".join(lines)


def _installed_version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    print(report())
