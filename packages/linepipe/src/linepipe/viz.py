"""``linepipe.viz``: pictures and terminal views, from linepipe_viz.

Each name loads on first use: a star import would load plotly, which is an extra.
"""

from typing import TYPE_CHECKING

from linepipe_core.errors import MissingExtraError

try:
    import linepipe_viz as _viz
except ModuleNotFoundError as _error:
    raise MissingExtraError("linepipe.viz", "pip install linepipe") from _error

if TYPE_CHECKING:
    from linepipe_viz import *  # noqa: F403  # for editors and type checkers

__all__ = list(_viz.__all__)


def __getattr__(name: str) -> object:
    return getattr(_viz, name)


def __dir__() -> list[str]:
    return __all__
