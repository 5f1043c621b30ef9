"""Makes results, plans and failures picklable, for worker processes that send them home.

They refer to nodes, hooks and errors that may not pickle: a lambda, a progress display with
its lock. A stand-in with the name goes in the place of those, so that the rest gets home.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, NoReturn

from linepipe_core._errors import RunStateError
from linepipe_core._text import bounded, message_of, type_name

__all__ = ["StayedBehind", "pack_error", "portable", "travels", "unpack_error"]


class StayedBehind:
    """Stands for a function or a hook that couldn't be pickled.

    Args:
        name: its name.
        shown: its repr.
    """

    def __init__(self, name: str, shown: str) -> None:
        self.__name__ = name
        self._shown = shown

    def __call__(self, *_args: object, **_keywords: object) -> NoReturn:
        """Say that it can't be called here.

        Raises:
            RunStateError: always.
        """
        raise RunStateError(
            f"{self._shown} can't be pickled and stayed behind in its own process\n"
            "  define it at the top of a module that both processes import"
        )

    def __repr__(self) -> str:
        return f"<{self._shown}, which stayed behind>"


def portable(value: Any, name: str) -> Any:
    """The function or hook itself, or a stand-in where it can't be pickled.

    Args:
        value: the function or hook.
        name: its name.
    """
    return value if travels(value) else StayedBehind(name, _shown(value))


def travels(value: Any) -> bool:
    """Return True if a value comes out of its pickle again."""
    import pickle

    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # whatever a class raises when asked for its state, or given it
        return False
    return True


def pack_error(error: BaseException) -> bytes:
    """The error pickled, or a stand-in for it.

    As bytes, so that an error of a class that only cloudpickle can pickle, such as one defined in
    a notebook, goes along where cloudpickle is in use (loky, Dask).
    """
    import pickle

    cloudpickle = sys.modules.get("cloudpickle")
    picklers = [pickle.dumps, cloudpickle.dumps] if cloudpickle else [pickle.dumps]
    # Many classes can't be pickled as they are: frozen ones, and those whose `__init__` takes
    # something else than their message. Their arguments and attributes are enough.
    bare = _Bare(error)
    for form in (error, bare):
        for dumps in picklers:
            try:
                packed: bytes = dumps((form, _notes(error)))
                again = _unpacked(packed)
            except Exception:  # whatever a class raises when it is pickled
                continue
            if message_of(again) == message_of(error):
                return packed
    return pickle.dumps((_stand_in(error), None))


def unpack_error(packed: bytes) -> BaseException:
    """The error from its pickle, or a stand-in where its class can't be imported."""
    try:
        return _unpacked(packed)
    except Exception as problem:  # a module that only the other process has
        return RunStateError(f"the original error can't be unpickled here: {message_of(problem)}")


class _Bare:
    """An exception taken apart."""

    def __init__(self, error: BaseException) -> None:
        names = [n for kind in type(error).__mro__ for n in vars(kind).get("__slots__", ())]
        self.kind = type(error)
        self.args = error.args
        self.attributes = dict(getattr(error, "__dict__", {}))
        self.slots = {name: getattr(error, name) for name in names if hasattr(error, name)}

    def error(self) -> BaseException:
        """The exception, made without its class's ``__init__`` and ``__setattr__``."""
        error = self.kind.__new__(self.kind, *self.args)
        error.__dict__.update(self.attributes)
        for name, value in self.slots.items():
            object.__setattr__(error, name, value)
        return error


def _unpacked(packed: bytes) -> BaseException:
    import pickle

    form, notes = pickle.loads(packed)
    error: BaseException = form.error() if isinstance(form, _Bare) else form
    if notes and not _notes(error):
        with suppress(Exception):  # a class may refuse to have attributes set
            for note in notes:
                BaseException.add_note(error, note)
    return error


def _notes(error: BaseException) -> list[str] | None:
    notes = getattr(error, "__notes__", None)
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else None


def _stand_in(error: BaseException) -> RunStateError:
    stand_in = RunStateError(f"{type_name(error)}: {message_of(error)}")
    for note in _notes(error) or ():
        stand_in.add_note(note)
    return stand_in


def _shown(value: object) -> str:
    try:
        return bounded(repr(value))
    except Exception:  # of a user's class
        return f"a {type_name(value)}"
