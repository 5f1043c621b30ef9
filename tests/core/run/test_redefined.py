"""A notebook's cell that defines a node's function again: run and plan warn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linepipe_core import Node, Pipeline


def cell(number: int, source: str, space: dict[str, Any]) -> None:
    """Run a cell as IPython does."""
    exec(compile(source, f"<ipython-input-{number}-0123456789ab>", "exec"), space)


def kept(folder: Path, space: dict[str, Any]) -> Pipeline:
    return Pipeline(
        [Node(space["clean"], ["x"], ["y"])],
        use_persistent_cache=True,
        cache_storage_path=folder,
        x=1,
    )


WARNING = (
    "node 1 'clean' has the function as it was when the Pipeline was made; cell 2 has defined it "
    "again: run the cell that makes the Pipeline again too"
)


@pytest.mark.parametrize("begin", [Pipeline.run, Pipeline.plan])
def test_a_function_that_a_cell_defined_again_is_warned_of(
    begin: Callable[[Pipeline], Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The Pipeline holds the old one until its cell runs again."""
    space: dict[str, Any] = {"__name__": "__main__"}
    cell(1, "def clean(x): return x + 1", space)
    flow = kept(tmp_path, space)
    begin(flow)
    assert caplog.messages == []
    cell(2, "def clean(x): return x + 2", space)
    begin(flow)
    assert WARNING in caplog.messages
    caplog.clear()
    begin(kept(tmp_path, space))
    assert caplog.messages == []


def test_a_cell_that_ran_again_as_it_was_is_no_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor is a module that defines two functions of one name."""
    space: dict[str, Any] = {"__name__": "__main__"}
    cell(1, "def clean(x): return x + 1", space)
    flow = kept(tmp_path, space)
    cell(2, "def clean(x): return x + 1", space)
    flow.run()
    module: dict[str, Any] = {"__name__": "module"}
    exec("def clean(x): return x + 1", module)
    other = kept(tmp_path / "other", module)
    exec("def clean(x): return x + 3", module)
    other.run()
    assert caplog.messages == []
