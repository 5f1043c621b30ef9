"""``linepipe.profile``: memory profiles of nodes, from linepipe_profile."""

from linepipe_core.extras import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from linepipe_profile import *  # noqa: F403  # the same names, for editors and type checkers

_profile = load("linepipe_profile", "linepipe.profile", 'pip install "linepipe[memory]"')

__all__ = list(_profile.__all__)


def __getattr__(name: str) -> object:
    return getattr(_profile, name)


def __dir__() -> list[str]:
    return __all__
