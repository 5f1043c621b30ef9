"""The code that ran while a node ran, whatever way it was found (Python 3.12 and later).

Accessors put on foreign classes, registries, subclasses, computed names: no reading finds them.
``sys.monitoring`` reports each code object once, so that hot loops cost nothing. Code in other
processes isn't seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from threading import Lock
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

from linepipe_core._code.bytecode import normalise
from linepipe_core._code.members import inside
from linepipe_core._code.ownership import (
    file_owner,
    is_hidden_main,
    loaded_namespace,
    module_owner,
)
from linepipe_core._code.parts import Part, PartKey
from linepipe_core._code.reached import Source, package_of_file
from linepipe_core._declare.callables import CALLER, is_cell
from linepipe_core._values.proxies import is_really

__all__ = ["IS_WATCHED", "Ran", "Watch", "ran_code"]

IS_WATCHED: Final = sys.version_info >= (3, 12)
_TOOLS: Final = (4, 3)  # 0, 1, 2 and 5 are the debugger's, coverage's, profilers', the optimizer's
_NAME: Final = "linepipe"
_DEEPEST: Final = 20  # wrappers

_LINEPIPE: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep

_MODULES: Final[dict[str, str]] = {}  # file -> name
_lock: Final = Lock()
_watches: list[dict[int, CodeType]] = []
_tool: list[int] = []


class Watch:
    """Collects the code objects that run while it is on, in whatever thread."""

    def __init__(self) -> None:
        self._seen: dict[int, CodeType] = {}
        self._modules = set(sys.modules)
        self.is_on = _begin(self._seen)

    def end(self) -> Ran:
        """Stop, and give what ran."""
        _end(self._seen)
        return Ran(tuple(self._seen.values()), self._modules)


class Ran(NamedTuple):
    """The code objects that ran, and the names of the modules that were loaded before."""

    codes: tuple[CodeType, ...]
    modules: Collection[str]


if sys.version_info >= (3, 12):

    def _begin(seen: dict[int, CodeType]) -> bool:
        monitoring = sys.monitoring
        with _lock:
            if not _watches:
                free = [tool for tool in _TOOLS if monitoring.get_tool(tool) is None]
                if not free:
                    return False
                tool = free[0]
                monitoring.use_tool_id(tool, _NAME)
                events = monitoring.events.PY_START, monitoring.events.PY_RESUME
                for event in events:
                    monitoring.register_callback(tool, event, _started)
                monitoring.set_events(tool, events[0] | events[1])
                _tool.append(tool)
            _watches.append(seen)
            monitoring.restart_events()  # what has returned DISABLE reports again
        return True

    def _started(code: CodeType, _offset: int) -> Any:
        for seen in _watches:
            seen[id(code)] = code
        return sys.monitoring.DISABLE

    def _end(seen: dict[int, CodeType]) -> None:
        monitoring = sys.monitoring
        with _lock:
            _watches[:] = [each for each in _watches if each is not seen]
            if not _watches and _tool:
                tool = _tool.pop()
                monitoring.set_events(tool, 0)
                for event in (monitoring.events.PY_START, monitoring.events.PY_RESUME):
                    monitoring.register_callback(tool, event, None)
                monitoring.free_tool_id(tool)

else:

    def _begin(_seen: dict[int, CodeType]) -> bool:
        return False

    def _end(_seen: dict[int, CodeType]) -> None:
        pass


def ran_code(ran: Ran, known: Collection[int]) -> tuple[list[Any], dict[PartKey, Part]]:
    """The code that ran and that reading didn't find.

    Args:
        ran: the code that ran.
        known: the ids of the code objects that reading found.

    Returns:
        The functions, classes, modules and packages; and parts for code that has no name of its
        own.
    """
    found: list[Any] = []
    parts: dict[PartKey, Part] = {}
    files: dict[str, None] = {}
    for code in ran.codes:
        file = code.co_filename
        if code.co_name == CALLER or file.startswith(_LINEPIPE):
            continue
        if file.startswith("<") and not is_cell(file):
            continue
        owner = "own" if is_cell(file) else file_owner(file)
        if owner == "installed":
            files[file] = None
        elif owner == "own" and id(code) not in known:
            home = "__main__" if is_cell(file) else _module_of(file)
            namespace = loaded_namespace(home, code.co_qualname.partition(".")[0])
            if namespace is None or module_owner(home) != "own":
                continue
            home = str(namespace.get("__name__") or home)
            if code.co_name == "<module>" or home not in ran.modules:
                found.append(Source(home))
            else:
                found += _owners(code, home, namespace, parts)
    packages = (package_of_file(file) for file in files)
    return [*found, *dict.fromkeys(each for each in packages if each is not None)], parts


def _owners(
    code: CodeType, home: str, namespace: dict[str, Any], parts: dict[PartKey, Part]
) -> Iterator[Any]:
    """The function that a code object belongs to; of an inner one, the outermost."""
    outermost = namespace.get(code.co_qualname.partition(".")[0])
    if is_really(outermost, type) and _is_for_logging(outermost):
        return
    functions = [each for each in _along(code.co_qualname, namespace) if _is_of(each, code)]
    if functions:
        yield from functions
        return
    digest = normalise(code).digest
    key = PartKey("ran", code.co_qualname)
    while key in parts and parts[key].digest != digest:
        key = key._replace(number=key.number + 1)
    parts[key] = Part(digest, home=home)
    if is_really(outermost, (FunctionType, type)):
        yield outermost


def _is_for_logging(kind: type) -> bool:
    """Return True for a handler, a filter or a formatter: they run whenever something logs."""
    logging = sys.modules.get("logging")
    return logging is not None and issubclass(
        kind, (logging.Handler, logging.Filter, logging.Formatter)
    )


def _is_of(function: Any, code: CodeType) -> bool:
    return type(function) is FunctionType and (
        function.__code__ is code or function.__code__.co_qualname == code.co_qualname
    )


def _along(qualname: str, namespace: dict[str, Any]) -> Iterator[Any]:
    """The functions at a qualified name, through properties, wrappers and the like."""
    found: Any = None
    held: Any = namespace
    for name in qualname.split("."):
        found = held.get(name)
        if found is None:
            return
        held = vars(found) if hasattr(type(found), "__dict__") and _has_dict(found) else {}
    waiting = [*(inside(found) or (found,))]
    for _ in range(_DEEPEST):
        if not waiting:
            return
        each = waiting.pop(0)
        yield each
        wrapped = vars(each).get("__wrapped__") if _has_dict(each) else None
        if wrapped is not None:
            waiting.append(wrapped)


def _has_dict(value: object) -> bool:
    try:
        object.__getattribute__(value, "__dict__")
    except AttributeError:
        return False
    return True


def _module_of(file: str) -> str:
    """The name of the loaded module of a file; ``""`` if there is none."""
    if file not in _MODULES:
        for name, module in list(sys.modules.items()):
            place = getattr(module, "__dict__", {}).get("__file__")
            if isinstance(place, str):
                _MODULES.setdefault(place, name)
    name = _MODULES.get(file, "")
    place = getattr(sys.modules.get(name), "__dict__", {}).get("__file__")
    if not name and is_hidden_main(file):
        return "__main__"
    if name and place != file:  # another module has taken that name
        del _MODULES[file]
        return _module_of(file)
    return name
