"""A new shelf for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from linepipe_core.shelf import ObjectShelf


@pytest.fixture
def shelf(path: str) -> Iterator[ObjectShelf]:
    with ObjectShelf(path) as opened:
        yield opened
