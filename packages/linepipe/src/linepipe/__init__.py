"""linepipe: run plain Python functions, step by step, as one pipeline.

Collects the names that users type from the distributions that define them. All names of
``linepipe_core`` are here; ``linepipe.viz`` and ``linepipe.profile`` load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import linepipe_core as _core
from linepipe import node as node
from linepipe import pipeline as pipeline
from linepipe import registry as registry
from linepipe_core import *  # noqa: F403
from linepipe_core import __version__

if TYPE_CHECKING:
    from linepipe import profile as profile
    from linepipe import viz as viz

# Not the submodules: `from linepipe import *` must not ask for an extra.
__all__ = ["__version__"]
__all__ += _core.__all__

# Each submodule that loads on first use, and the distribution's package that it needs.
_LAZY_SUBMODULES = {"profile": "linepipe_profile", "viz": "linepipe_viz"}


def __getattr__(name: str) -> object:
    if name in _LAZY_SUBMODULES:
        from importlib import import_module

        return import_module(f"linepipe.{name}")
    raise AttributeError(f"module 'linepipe' has no attribute {name!r}")


def __dir__() -> list[str]:
    from importlib.util import find_spec

    # `inspect.getmembers` and `help` load every name that is listed.
    installed = [name for name, package in _LAZY_SUBMODULES.items() if find_spec(package)]
    return sorted([*__all__, "node", "pipeline", "registry", *installed])
