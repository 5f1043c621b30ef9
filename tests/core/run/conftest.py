"""The kinds of pipelines that failures are tested on."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.core.run.job import Kind, job


@pytest.fixture(params=["plain", "history", "cache", "cache and history"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    """Makes the pipeline in each of its kinds."""
    options: dict[str, Any] = {}
    if "cache" in request.param:
        options |= {"use_persistent_cache": True, "cache_storage_path": tmp_path / "shelf"}
    if "history" in request.param:
        options |= {"track_history": True}
    return partial(job, **options)
