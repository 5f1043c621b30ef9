"""The loggers, each under the name by which users turn it on or off.

A run logs at INFO what it does and at WARNING what the user should know.
"""

from __future__ import annotations

from logging import getLogger
from typing import Final

__all__ = ["REGISTRY_LOG", "RUN_LOG", "SHELF_LOG"]

RUN_LOG: Final = getLogger("linepipe.run")
REGISTRY_LOG: Final = getLogger("linepipe.registry")
SHELF_LOG: Final = getLogger("linepipe.shelf")
