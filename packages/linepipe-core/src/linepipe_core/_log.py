"""The loggers, each under the name by which users turn it on or off.

A run logs at INFO each node that ran, at WARNING what the user should know, and at ERROR a
node that failed. Names and texts from outside are escaped here, for every message at once: no
log line of ours is broken, forged or coloured by an object's name.
"""

from __future__ import annotations

from logging import DEBUG, WARNING, LogRecord, getLogger
from typing import Final

from linepipe_core._text import escaped

__all__ = ["REGISTRY_LOG", "RUN_LOG", "SHELF_LOG", "once"]


class _Escaped:
    """An argument of a log message, which shows escaped."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        return escaped(str(self._value))

    def __repr__(self) -> str:
        return escaped(repr(self._value))


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


RUN_LOG: Final = getLogger("linepipe.run")
REGISTRY_LOG: Final = getLogger("linepipe.registry")
SHELF_LOG: Final = getLogger("linepipe.shelf")

_logged: Final = set[tuple[str, ...]]()


def once(*about: str, level: int = WARNING) -> int:
    """The level for a message about something: DEBUG from the second time on in this process.

    A service that binds a connection for each request keeps a readable log.
    """
    if about in _logged:
        return DEBUG
    _logged.add(about)
    return level


for _log in (RUN_LOG, REGISTRY_LOG, SHELF_LOG, getLogger("linepipe.profile")):
    _log.addFilter(_escape_arguments)
