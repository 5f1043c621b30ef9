"""Where an object lives. Apart from the registry because `enum` costs a tenth of a start."""

from __future__ import annotations

from enum import Enum

__all__ = ["ObjPlacement"]


class ObjPlacement(Enum):
    """Where an object lives."""

    CONSTANT = "constant"
    STORAGE = "storage"
    RUNTIME = "runtime"
