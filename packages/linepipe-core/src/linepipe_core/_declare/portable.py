"""What goes along when a result, a plan or a failure is pickled, as worker processes do.

They tell of nodes, hooks and errors that may not pickle: a lambda, a progress display with
its lock. Something that only tells its name goes in the place of those, so that the rest
gets home.
"""

from __future__ import annotations

from typing import Any, NoReturn

from linepipe_core._errors import RunStateError
from linepipe_core._text import message_of

__all__ = ["StayedBehind", "portable", "portable_error"]


class StayedBehind:
    """Stands for a function or a hook that couldn't be pickled.

    Args:
        name: what it is called.
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
    """What to send of a function or hook: itself, or what stands for it.

    Args:
        value: the function or hook.
        name: what it is called.
    """
    return value if _travels(value) else StayedBehind(name, _shown(value))


def _travels(value: Any) -> bool:
    """Whether a value comes out of its pickle again."""
    import pickle

    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # whatever a class raises when asked for its state, or given it
        return False
    return True


def portable_error(error: Exception) -> Exception:
    """What to send of an error: itself, or one that tells the same.

    Many can be pickled and not unpickled: their ``__init__`` takes something else than their
    message.
    """
    if _travels(error):
        return error
    return RunStateError(f"{type(error).__name__}: {message_of(error)}")


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # of a user's class
        return f"a {type(value).__name__}"
