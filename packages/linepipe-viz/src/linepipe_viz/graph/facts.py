"""Facts about objects after a run: type, shape and size, where they are known without work.

Nothing is imported, read from a disk or computed to find them out.
"""

from __future__ import annotations

from typing import Any, Final

from linepipe_core import Pipeline, RunResult
from linepipe_viz.text import bytes_text, printable

__all__ = ["object_facts", "value_facts", "value_text"]

_WITH_SHAPES: Final = frozenset(
    ["cupy", "jax", "jaxlib", "numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "xarray"]
)
_CONTAINERS: Final = (list, tuple, dict, set, frozenset, str, bytes, bytearray)


def object_facts(pipeline: Pipeline, overlay: object) -> dict[str, str]:
    """A short text for each object whose type is known, by the object's name.

    Args:
        pipeline: the pipeline that is shown.
        overlay: only a RunResult has objects.
    """
    if not isinstance(overlay, RunResult):
        return {}
    if pipeline.use_persistent_cache or overlay.history:
        return value_facts(overlay)
    return value_facts(overlay) | {name: value_text(overlay[name]) for name in overlay}


def value_facts(result: RunResult) -> dict[str, str]:
    """The facts that a result has about its objects on the shelf, without reading them.

    Its values may lie on the shelf, or be copied when they are looked at.
    """
    facts = {}
    for info in getattr(result, "from_shelf", ()):
        size = "" if info.n_bytes is None else f" · {bytes_text(info.n_bytes)}"
        facts[info.name] = f"{printable(info.type)}{size}"
    return facts


def value_text(value: Any) -> str:
    """Type and shape or length of a value.

    Example:
        >>> value_text([1, 2]), value_text(0.5), value_text("secret")
        ('list of 2', 'float', 'str of 6')
    """
    kind = type(value)
    name = printable(kind.__name__)
    if kind in _CONTAINERS:
        return f"{name} of {len(value)}"
    if kind.__module__.partition(".")[0] in _WITH_SHAPES:
        try:
            shape = tuple(map(int, value.shape))
        except Exception:  # no shape, or one that isn't known yet
            return name
        return f"{name} {' × '.join(map(str, shape))}" if shape else name
    return name
