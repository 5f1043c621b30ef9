"""A form of values that can be compared: two that look alike to a node have the same."""

from __future__ import annotations

import functools
import pickle
import types
from collections import deque
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import scipy.sparse


def seen(value: Any) -> Any:
    """Something that is equal exactly when two values look alike, whatever their types."""
    if isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        return type(value), pickle.dumps(
            [_plain(value), value.index.name, value.attrs, _notes(value)]
        ) if (not isinstance(value, pd.Index)) else (list(value), value.name)
    if isinstance(value, pl.DataFrame | pl.Series):
        return type(value), repr(value)
    if isinstance(value, np.ndarray):
        return type(value), value.dtype, value.shape, repr(value.tolist()), repr(value)
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if scipy.sparse.issparse(value):
        return seen(value.toarray())
    if isinstance(value, dict | types.MappingProxyType):
        return type(value), [(seen(k), seen(v)) for k, v in value.items()]
    if isinstance(value, list | tuple | deque):
        return type(value), [... if part is value else seen(part) for part in value]
    if isinstance(value, set | frozenset):
        return type(value), sorted(str(seen(part)) for part in value)
    if isinstance(value, functools.partial):
        return seen(value.args)
    if isinstance(value, types.BuiltinMethodType) and isinstance(value.__self__, list):
        return seen(value.__self__)
    if isinstance(value, memoryview):
        return value.tolist(), value.format, value.readonly
    if hasattr(value, "rows"):
        return type(value), seen(value.rows)
    return type(value), repr(value)


def _plain(table: Any) -> Any:
    return [table.index.tolist(), repr(table.to_dict())]


def _notes(table: Any) -> Any:
    """The attributes that a frame of a subclass carries along."""
    return {name: getattr(table, name, None) for name in table._metadata}
