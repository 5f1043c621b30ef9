"""``linepipe.profile``: memory profiles of nodes, from linepipe_profile."""

from linepipe_core.errors import MissingExtraError

try:
    import linepipe_profile as _profile
except ModuleNotFoundError as _error:
    raise MissingExtraError("linepipe.profile", 'pip install "linepipe[memory]"') from _error
from linepipe_profile import *  # noqa: F403

__all__ = list(_profile.__all__)


def __dir__() -> list[str]:
    return __all__
