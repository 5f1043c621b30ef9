"""Lazy plans over data in memory: polars, dask, duckdb, ibis.

They have no content until somebody collects them, and nothing of ours does: a run keeps them in
memory, and they count by how they were made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["is_lazy"]

_PLANS: Final[Mapping[str, frozenset[str]]] = {
    "polars": frozenset({"LazyFrame"}),
    "duckdb": frozenset({"DuckDBPyRelation"}),
    "_duckdb": frozenset({"DuckDBPyRelation"}),
    "ibis": frozenset({"Expr"}),
}
_MOST_PARTS: Final = 100


def is_lazy(value: Any, depth: int = 2) -> bool:
    """Return True for a lazy plan, and for a container that has one on top."""
    kind = type(value)
    if depth and isinstance(value, (list, tuple, dict)):
        parts = value.values() if isinstance(value, dict) else value
        return len(value) <= _MOST_PARTS and any(is_lazy(part, depth - 1) for part in parts)
    if kind.__module__ == "builtins":
        return False
    return hasattr(kind, "__dask_graph__") or any(map(_is_plan, kind.__mro__))


def _is_plan(kind: type) -> bool:
    return kind.__name__ in _PLANS.get(str(kind.__module__).partition(".")[0], ())
