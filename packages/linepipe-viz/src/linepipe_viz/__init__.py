"""Pictures and terminal views of linepipe pipelines.

Everything is loaded on first use: ``import linepipe_viz`` loads neither rich nor plotly, so
a service that draws one SVG a week pays for nothing else.
"""

from __future__ import annotations

from linepipe_core import __version__ as __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from linepipe_viz.ascii import draw_ascii_pipeline
    from linepipe_viz.mermaid import draw_mermaid_pipeline
    from linepipe_viz.plot import plot_pipeline, plot_pipeline_graph
    from linepipe_viz.progress import Progress
    from linepipe_viz.svg import draw_svg_pipeline
    from linepipe_viz.terminal import print_pipeline, print_plan, print_result

__all__ = [
    "Progress",
    "draw_ascii_pipeline",
    "draw_mermaid_pipeline",
    "draw_svg_pipeline",
    "plot_pipeline",
    "plot_pipeline_graph",
    "print_pipeline",
    "print_plan",
    "print_result",
]

_HOME = {
    "Progress": "progress",
    "draw_ascii_pipeline": "ascii",
    "draw_mermaid_pipeline": "mermaid",
    "draw_svg_pipeline": "svg",
    "plot_pipeline": "plot",
    "plot_pipeline_graph": "plot",
    "print_pipeline": "terminal",
    "print_plan": "terminal",
    "print_result": "terminal",
}


if not TYPE_CHECKING:  # a type checker shall see the names above, and no others

    def __getattr__(name: str) -> object:
        try:
            module = _HOME[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        from importlib import import_module

        value: object = getattr(import_module(f"{__name__}.{module}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
