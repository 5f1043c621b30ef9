"""linepipe: run plain Python functions, step by step, as one pipeline.

The names that people type, over the distributions that hold them. Everything of
``linepipe_core`` is here; ``linepipe.viz`` and ``linepipe.profile`` load on first use.
"""

from __future__ import annotations

import linepipe_core as _core
from linepipe_core import *  # noqa: F403

TYPE_CHECKING = False
if TYPE_CHECKING:
    from linepipe import node as node
    from linepipe import pipeline as pipeline
    from linepipe import profile as profile
    from linepipe import registry as registry
    from linepipe import viz as viz

__version__ = "2.0.0"

# Not the submodules: `from linepipe import *` must not ask for an extra.
__all__ = ["__version__"]
__all__ += _core.__all__

_SUBMODULES = frozenset(["node", "pipeline", "profile", "registry", "viz"])


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        from importlib import import_module

        return import_module(f"linepipe.{name}")
    raise AttributeError(f"module 'linepipe' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBMODULES])
