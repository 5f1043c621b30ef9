"""A working directory that was deleted is named, not just some file that isn't there."""

from __future__ import annotations

from pathlib import Path

import pytest

from linepipe_core import Node, Pipeline, ShelfPathError


def test_a_deleted_working_directory_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a relative cache path needs it; a run in memory doesn't."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    pipeline = Pipeline([Node(len, ["x"], ["n"])], x="ab")
    assert pipeline.run()["n"] == 2
    cached = pipeline.replace(use_persistent_cache=True)
    assert (cached + cached.rename({"n": "m"}, nodes={"len": "again"})).outputs == ("n", "m")
    for use in (cached.run, cached.plan):
        with pytest.raises(ShelfPathError, match="the working directory was deleted") as caught:
            use()
        assert "give an absolute cache_storage_path" in str(caught.value)
    absolute = cached.replace(cache_storage_path=tmp_path / "shelf")
    assert absolute.run()["n"] == 2
