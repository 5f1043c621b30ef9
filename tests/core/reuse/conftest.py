"""The counters of the chain's nodes start anew for each test."""

from __future__ import annotations

import pytest
from tests.core.reuse.chain import CALLS, SWITCH


@pytest.fixture(autouse=True)
def _forget() -> None:
    CALLS.clear()
    SWITCH.clear()
