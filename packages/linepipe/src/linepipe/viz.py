"""``linepipe.viz``: pictures and terminal views, from linepipe_viz."""

from linepipe_core.extras import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from linepipe_viz import *  # noqa: F403  # the same names, for editors and type checkers

_viz = load("linepipe_viz", "linepipe.viz", "pip install linepipe")

__all__ = list(_viz.__all__)


def __getattr__(name: str) -> object:
    return getattr(_viz, name)


def __dir__() -> list[str]:
    return __all__
