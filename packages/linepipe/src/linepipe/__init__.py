"""linepipe: run plain Python functions, step by step, as one pipeline.

The names that people type, over the distributions that hold them. Everything of
``linepipe_core`` is here; ``linepipe.viz`` and ``linepipe.profile`` load on first use.
"""

from __future__ import annotations

import linepipe_core as _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from linepipe import node as node
    from linepipe import pipeline as pipeline
    from linepipe import profile as profile
    from linepipe import registry as registry
    from linepipe import viz as viz
    from linepipe_core import *  # noqa: F403
else:  # what the core loads on first use isn't among its variables
    globals().update((name, vars(_core)[name]) for name in _core.__all__ if name in vars(_core))

__version__ = "2.0.0"

# Not the submodules: `from linepipe import *` must not ask for an extra.
__all__ = ["__version__"]
__all__ += _core.__all__

# Each one, and where it has its names from.
_SUBMODULES = {
    "node": "linepipe_core",
    "pipeline": "linepipe_core",
    "profile": "linepipe_profile",
    "registry": "linepipe_core",
    "viz": "linepipe_viz",
}


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        from importlib import import_module

        return import_module(f"linepipe.{name}")
    if name in _core.__all__:
        return getattr(_core, name)
    raise AttributeError(f"module 'linepipe' has no attribute {name!r}")


def __dir__() -> list[str]:
    from importlib.util import find_spec

    # `inspect.getmembers` and `help` load whatever is listed.
    installed = [name for name, home in _SUBMODULES.items() if find_spec(home) is not None]
    return sorted([*__all__, *installed])
