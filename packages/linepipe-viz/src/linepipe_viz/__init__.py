"""Pictures and terminal views of linepipe pipelines.

Everything is loaded on first use: ``import linepipe_viz`` loads neither rich nor plotly, so
a service that draws one SVG a week pays for nothing else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from linepipe_viz.ascii import draw_ascii_pipeline

__all__ = ["draw_ascii_pipeline"]

_HOME = {
    "draw_ascii_pipeline": "linepipe_viz.ascii",
}


if not TYPE_CHECKING:  # a type checker shall see the names above, and no others

    def __getattr__(name: str) -> object:
        try:
            module = _HOME[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        from importlib import import_module

        value: object = getattr(import_module(module), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
