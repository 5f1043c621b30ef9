"""Loads what lives in another distribution, or says what to install.

One rule for core and the facade. Core depends on none of them: it looks when somebody asks
for what they do.
"""

from __future__ import annotations

from linepipe_core.errors import MissingExtraError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from linepipe_core.hooks import Hook

__all__ = ["load", "with_profile"]


def load(module: str, what: str, install: str) -> ModuleType:
    """The module, loaded now.

    Args:
        module: its name, such as ``linepipe_profile``.
        what: how the error calls what isn't there.
        install: the command that mends it.

    Raises:
        MissingExtraError: the module, or something that it needs, isn't installed.
    """
    from importlib import import_module

    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(what, install) from error


def with_profile(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    """The hooks, and one that profiles the nodes made with ``profile=True``.

    It goes last, next to the function, so that what other hooks hold isn't counted. A
    MemoryProfile among the hooks profiles these nodes already.

    Raises:
        MissingExtraError: linepipe-profile isn't installed.
    """
    profile = load(
        "linepipe_profile.hook",
        "what Node(profile=True) measures with",
        'pip install "linepipe[memory]"',
    )
    hooks = tuple(hooks)
    if any(isinstance(hook, profile.MemoryProfile) for hook in hooks):
        return hooks
    return (*hooks, profile.ProfileWhereAsked())
