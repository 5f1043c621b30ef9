"""The base of the errors that linepipe raises on purpose, and those that name no step or run.

Apart from the code that raises them, so that any wing may raise. `linepipe_core.errors` draws
the whole tree, with the errors of `_run`, and is where users import them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

from linepipe_core._text import did_you_mean, listed, shortened

__all__ = [
    "AmbiguousNameError",
    "CompositionError",
    "ConstantError",
    "LinepipeError",
    "MissingConfigError",
    "MissingExtraError",
    "MissingInputError",
    "NodeDefinitionError",
    "ObjectTypeError",
    "OutputMismatchError",
    "RegistryClosedError",
    "RunStateError",
    "ShelfError",
    "ShelfPathError",
    "ShelfPickleError",
    "ShelfReadError",
    "ShelfTrustError",
    "ShelfWriteError",
    "UnknownNameError",
    "WiringError",
]


class LinepipeError(Exception):
    """The base of every error that linepipe raises on purpose."""

    def __str__(self) -> str:
        # KeyError would show the repr of the message, OSError wants an errno.
        return str(self.args[0]) if self.args else type(self).__name__

    def _render_traceback_(self) -> list[str]:
        """IPython's traceback of this error, without the frames of linepipe between a cell and it.

        IPython asks errors for it, and shows its own if this raises.
        """
        from IPython import get_ipython  # only IPython calls this

        trace = _of_users(self.__traceback__) or self.__traceback__
        how = get_ipython().InteractiveTB
        lines: list[str] = how.structured_traceback(type(self), self, trace)
        return lines


def _of_users(trace: TracebackType | None) -> TracebackType | None:
    """A traceback without linepipe's own frames; None if no other is left."""
    entries = []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    kept: TracebackType | None = None
    for entry in reversed(entries):
        module = str(entry.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] != "linepipe_core":
            kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


class NodeDefinitionError(LinepipeError, TypeError, ValueError):
    """A Node that can't be: its function, inputs or outputs are refused."""


class WiringError(LinepipeError, ValueError):
    """Nodes that don't fit together.

    Attributes:
        problems: every problem found, each a sentence.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(listed("this pipeline can't be built", self.problems))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


class CompositionError(LinepipeError, ValueError):
    """Two pipelines that can't be added.

    Attributes:
        problems: every conflict found, each a sentence.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(listed("these pipelines can't be added", self.problems))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)


class UnknownNameError(LinepipeError, KeyError):
    """No node, output or object of that name.

    Attributes:
        names: the names that nothing has.
        choices: the names that there are.
    """

    def __init__(
        self, kind: str, names: Sequence[str], choices: Iterable[str], hint: str = ""
    ) -> None:
        self.kind = kind
        self.names: tuple[str, ...] = tuple(names)
        self.choices: tuple[str, ...] = tuple(choices)
        self.hint = hint
        asked = ", ".join(repr(name) for name in self.names)
        super().__init__(
            f"no {kind} is called {asked}\n"
            f"  there are: {shortened(self.choices)}"
            + (f"\n  {hint}" if hint else _suggestions(self.names, self.choices))
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind, self.names, self.choices, self.hint)


class AmbiguousNameError(LinepipeError, KeyError):
    """More than one node has that name.

    Attributes:
        name: the name asked for.
        choices: a line for each node that has it.
    """

    def __init__(self, name: str, choices: Sequence[str]) -> None:
        self.name = name
        self.choices: tuple[str, ...] = tuple(choices)
        lines = "".join(f"\n  {choice}" for choice in self.choices)
        super().__init__(
            f"{len(self.choices)} nodes are called {name!r}:{lines}\n"
            "  give them names of their own: Node(..., name=...)"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.choices)


class MissingInputError(LinepipeError, KeyError):
    """A run lacks objects that its nodes need.

    Attributes:
        names: the missing names.
    """

    def __init__(self, message: str, names: Sequence[str]) -> None:
        self.names: tuple[str, ...] = tuple(names)
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.names)


class MissingConfigError(MissingInputError):
    """The config lacks paths that nodes read.

    Attributes:
        names: the missing references, each with its ``config.``.
    """


class ConstantError(LinepipeError, ValueError):
    """A constant would be overwritten, or would shadow a shelved object.

    Attributes:
        names: the constants concerned.
    """

    def __init__(self, message: str, names: Sequence[str]) -> None:
        self.names: tuple[str, ...] = tuple(names)
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.names)


class OutputMismatchError(LinepipeError, ValueError):
    """A function returned something that doesn't fit the node's outputs."""


class ObjectTypeError(LinepipeError, TypeError):
    """An object is of another type than the caller asked for."""


class RegistryClosedError(LinepipeError, ValueError):
    """A registry was used after its run had ended."""


class RunStateError(LinepipeError):
    """A run was asked for something that its state rules out."""


class MissingExtraError(LinepipeError, ImportError):
    """An optional part of linepipe isn't installed.

    Attributes:
        install: the command that mends it.
    """

    def __init__(self, what: str, install: str) -> None:
        self.what = what
        self.install = install
        super().__init__(f"{what} isn't installed\n  {install}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.install)


class ShelfError(LinepipeError):
    """The persistent cache can't be used.

    Attributes:
        path: the shelf's path.
    """

    def __init__(self, message: str, path: str) -> None:
        self.path = path
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.path)


class ShelfPathError(ShelfError, OSError):
    """The shelf's path holds something that isn't a shelf, or can't hold one."""


class ShelfPickleError(ShelfError, TypeError):
    """An object can't be pickled; the message names the part of it that can't."""


class ShelfReadError(ShelfError, OSError):
    """The shelf can't be read just now: too many open files, no memory, no permission.

    That says nothing of what is on it: nothing counts as missing, and nothing is removed.
    """


class ShelfTrustError(ShelfError, PermissionError):
    """Somebody else could have written the shelf, and unpickling runs code."""


class ShelfWriteError(ShelfError, OSError):
    """The shelf can't be written: the disk is full, read-only or gone. What was there stays."""


def _suggestions(names: Sequence[str], choices: Sequence[str]) -> str:
    lines = dict.fromkeys(did_you_mean(name, choices) for name in names)
    return "".join(lines)
