"""Facts about objects after a run: type, shape and size, where they are known without work.

Nothing is imported, read from a disk or computed to find them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from linepipe_core import Pipeline, RunResult
from linepipe_viz.text import age_text, bytes_text, printable

if TYPE_CHECKING:  # it comes with sqlite3
    from linepipe_core.shelf import ObjectInfo

__all__ = ["Fact", "info_fact", "object_facts", "origin_text", "shelf_facts", "value_text"]

_WITH_SHAPES: Final = frozenset(
    ["cupy", "jax", "jaxlib", "numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "xarray"]
)
_CONTAINERS: Final = (list, tuple, dict, set, frozenset, str, bytes, bytearray)


@dataclass(frozen=True, slots=True)
class Fact:
    """Facts about one object.

    Attributes:
        kind: the name of its type.
        extent: its shape, length or size; "" if that isn't known.
        origin: the run that left it on the shelf, if it comes from there.
    """

    kind: str
    extent: str = ""
    origin: str = ""

    def __str__(self) -> str:
        joint = " " if "×" in self.extent or self.extent.startswith("of ") else " · "
        return joint.join(part for part in (self.kind, self.extent) if part)

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, for a tooltip."""
        return tuple(part for part in (str(self), self.origin) if part)


def object_facts(pipeline: Pipeline, overlay: object) -> dict[str, Fact]:
    """The facts about each object of which something is known, by the object's name.

    Args:
        pipeline: the pipeline that is shown.
        overlay: a RunResult has the values of its outputs; results and plans have facts about
            the objects that they take from the shelf.
    """
    facts = shelf_facts(overlay)
    if not isinstance(overlay, RunResult) or pipeline.use_persistent_cache or overlay.history:
        return facts  # its values may lie on the shelf, or be copied when they are looked at
    return facts | {name: _value_fact(overlay[name]) for name in overlay}


def shelf_facts(overlay: object) -> dict[str, Fact]:
    """The facts that a result or plan has about objects on the shelf, without reading them."""
    infos: Iterable[ObjectInfo] = getattr(overlay, "from_shelf", ())
    return {info.name: info_fact(info) for info in infos}


def info_fact(info: ObjectInfo) -> Fact:
    """The facts in an ObjectInfo."""
    size = "" if info.n_bytes is None else bytes_text(info.n_bytes)
    origin = "" if info.is_from_this_run else f"from the shelf: {origin_text(info)}"
    return Fact(printable(info.type.rpartition(".")[2]), size, origin)


def origin_text(info: ObjectInfo) -> str:
    """How an object came to the shelf, and what speaks against it.

    Example:
        >>> from linepipe_core.shelf import ObjectInfo
        >>> facts = ("model", None, "train", "sklearn.Tree", 2048, 7300.0, 60.0, 1)
        >>> origin_text(ObjectInfo(*facts))
        'made by train 2 h ago'
    """
    return "; ".join(_origin_parts(info))


def _origin_parts(info: ObjectInfo) -> Iterator[str]:
    maker = "put there" if info.node is None else f"made by {printable(info.node)}"
    where = "" if info.partition is None else f" for {printable(info.partition)}"
    yield f"{maker}{where} {age_text(info.age_seconds)}"
    if info.stale:
        yield f"stale: {'; '.join(printable(str(reason)) for reason in info.stale)}"
    if not info.is_whole:
        yield "a part of it is missing"


def value_text(value: Any) -> str:
    """Type and shape or length of a value.

    Example:
        >>> value_text([1, 2]), value_text(0.5), value_text("secret")
        ('list of 2', 'float', 'str of 6')
    """
    return str(_value_fact(value))


def _value_fact(value: Any) -> Fact:
    kind = type(value)
    name = printable(kind.__name__)
    if kind in _CONTAINERS:
        return Fact(name, f"of {len(value):,}")
    if str(kind.__module__).partition(".")[0] in _WITH_SHAPES:
        try:
            shape = tuple(map(int, value.shape))
        except Exception:  # no shape, or one that isn't known yet
            return Fact(name)
        return Fact(name, " × ".join(f"{side:,}" for side in shape))
    return Fact(name)
