"""Loads an optional distribution, or says what to install.

One rule for everything in the facade that lives in another distribution.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["load"]


def load(distribution_module: str, what: str, install: str) -> ModuleType:
    """The module, loaded now.

    Args:
        distribution_module: the import package, such as ``linepipe_profile``.
        what: how the error calls what isn't there.
        install: the command that mends it.

    Raises:
        MissingExtraError: the distribution, or something that it needs, isn't installed.
    """
    from importlib import import_module

    from linepipe_core import MissingExtraError

    try:
        return import_module(distribution_module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(what, install) from error
