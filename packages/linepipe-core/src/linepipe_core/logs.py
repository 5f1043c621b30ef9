"""Loggers that import `logging` when there is something to say.

Importing `logging` takes as long as starting Python itself. Where nobody has imported it,
nobody has asked for INFO either, so a quiet run needs none of it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger
    from typing import Final

__all__ = ["Log"]

_INFO: Final = 20  # logging.INFO
_CALLER: Final = 2  # a record names the line that called Log, not Log itself


class Log:
    """A logger by name, for what happens (INFO) and what the user should know (WARNING)."""

    __slots__ = ("_logger", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._logger: Logger | None = None

    @property
    def is_on(self) -> bool:
        """Whether anybody reads what happens."""
        if self._logger is None and "logging" not in sys.modules:
            return False
        return self._get().isEnabledFor(_INFO)

    def info(self, message: str, *args: object) -> None:
        """Say what happens."""
        self._get().info(message, *args, stacklevel=_CALLER)

    def warning(self, message: str, *args: object, exc_info: bool = False) -> None:
        """Say what the user should know."""
        self._get().warning(message, *args, exc_info=exc_info, stacklevel=_CALLER)

    def _get(self) -> Logger:
        if self._logger is None:
            from logging import getLogger

            self._logger = getLogger(self._name)
        return self._logger
