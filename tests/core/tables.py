"""A table of a user's class, for the tests that copy tables and those that compare them."""

from __future__ import annotations

from typing import Any

import pandas as pd


class NotedFrame(pd.DataFrame):
    """A frame that carries a note along, as pandas lets subclasses do."""

    _metadata = ["note"]  # noqa: RUF012 - so pandas wants it
    note: Any

    @property
    def _constructor(self) -> type[NotedFrame]:
        return NotedFrame
