"""`import linepipe_viz` is free: each part is loaded on first use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import linepipe_viz


def test_importing_viz_loads_neither_rich_nor_plotly() -> None:
    """Nor any part of viz itself."""
    code = (
        "import sys, linepipe_viz\n"
        "print([m for m in sys.modules if m.startswith(('rich', 'plotly', 'linepipe_viz.'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_names_are_there() -> None:
    """`__all__`, `dir()` and what can be had agree."""
    assert set(linepipe_viz.__all__) <= set(dir(linepipe_viz))
    for name in linepipe_viz.__all__:
        alias = {"plot_pipeline": "plot_pipeline_graph"}.get(name, name)
        assert getattr(linepipe_viz, name).__name__ == alias


def test_an_unknown_name_is_pythons_own_error() -> None:
    """So that hasattr() and `from ... import` work as ever."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(linepipe_viz, "nothing")  # noqa: B009 (a type checker would refuse the attribute)
