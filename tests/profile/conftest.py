"""Every test here measures memory, so none may live on what others have left."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _fresh_pages(trimmed_heap: None) -> None:
    pass
