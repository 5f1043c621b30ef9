"""The loggers, each under the name by which users turn it on or off.

A run logs at INFO each node that ran, at WARNING what the user should know, and at ERROR a
node that failed. Names and texts from outside are escaped here, for every message at once: no
log line of ours is broken, forged or coloured by an object's name.

`logging` and what comes with it take a fifth of the start, so they are loaded with the first
message to log.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Final

from linepipe_core._text import escaped

if TYPE_CHECKING:
    from logging import Logger, LogRecord

__all__ = ["INFO", "WARNING", "logs_progress", "once", "registry_log", "run_log", "shelf_log"]

# The levels of `logging`.
DEBUG: Final = 10
INFO: Final = 20
WARNING: Final = 30


def run_log() -> Logger:
    """The logger of runs."""
    return _logger("linepipe.run")


def registry_log() -> Logger:
    """The logger of a run's objects."""
    return _logger("linepipe.registry")


def shelf_log() -> Logger:
    """The logger of the persistent cache."""
    return _logger("linepipe.shelf")


def logs_progress() -> bool:
    """Return True if a run's messages at INFO are logged.

    If nobody has loaded `logging` yet, nobody has asked for them: it logs from WARNING on.
    """
    return "logging" in sys.modules and _logger("linepipe.run").isEnabledFor(INFO)


@cache
def _logger(name: str) -> Logger:
    """A logger that escapes its messages, as linepipe-profile's does from the first run on."""
    from logging import getLogger

    for each in (name, "linepipe.profile"):
        getLogger(each).addFilter(_escape_arguments)
    return getLogger(name)


def once(*about: str, level: int = WARNING) -> int:
    """The level for a message about something: DEBUG from the second time on in this process.

    A service that binds a connection for each request keeps a readable log.
    """
    if about in _logged:
        return DEBUG
    _logged.add(about)
    return level


_logged: Final = set[tuple[str, ...]]()


def _escape_arguments(record: LogRecord) -> bool:
    """Replace the arguments of a message that would show what isn't printable."""
    arguments = record.args
    if isinstance(arguments, tuple) and not all(map(_is_printable, arguments)):
        record.args = tuple(
            each if isinstance(each, (int, float)) else _Escaped(each) for each in arguments
        )
    return True


def _is_printable(value: object) -> bool:
    return isinstance(value, (int, float)) or (type(value) is str and value.isprintable())


class _Escaped:
    """An argument of a log message, which shows escaped."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return escaped(str(self._value))

    def __repr__(self) -> str:
        return escaped(repr(self._value))
