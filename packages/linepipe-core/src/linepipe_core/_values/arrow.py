"""pyarrow arrays and tables: immutable, so that every reader may get the same object.

Loaded when a value of pyarrow turns up.
"""

from __future__ import annotations

from typing import Any

from linepipe_core._values.rules import Rule
from linepipe_core._values.snapshot import as_is

__all__ = ["rule_of"]


def rule_of(pyarrow: Any, kind: type) -> Rule | None:
    names = "Array ChunkedArray DataType Field RecordBatch Scalar Schema Table"
    immutable = tuple(getattr(pyarrow, name) for name in names.split())
    return as_is if issubclass(kind, immutable) else None
