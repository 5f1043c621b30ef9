"""Pictures and terminal views of linepipe pipelines.

Everything is loaded on first use: ``import linepipe_viz`` loads neither rich nor plotly, so
a service that draws one SVG a week pays for nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from linepipe_core import __version__ as __version__

if TYPE_CHECKING:
    from linepipe_viz.backends.ascii import draw_ascii_pipeline
    from linepipe_viz.backends.mermaid import draw_mermaid_pipeline
    from linepipe_viz.backends.plotly_figure import plot_pipeline, plot_pipeline_graph
    from linepipe_viz.backends.svg import draw_svg_pipeline
    from linepipe_viz.backends.timeline import draw_svg_timeline
    from linepipe_viz.page.document import draw_html_pipeline
    from linepipe_viz.progress.hook import Progress
    from linepipe_viz.terminal.views import print_pipeline, print_plan, print_result

__all__ = [
    "Progress",
    "draw_ascii_pipeline",
    "draw_html_pipeline",
    "draw_mermaid_pipeline",
    "draw_svg_pipeline",
    "draw_svg_timeline",
    "plot_pipeline",
    "plot_pipeline_graph",
    "print_pipeline",
    "print_plan",
    "print_result",
]

_MODULES: Final = {
    "Progress": "progress.hook",
    "draw_ascii_pipeline": "backends.ascii",
    "draw_html_pipeline": "page.document",
    "draw_mermaid_pipeline": "backends.mermaid",
    "draw_svg_pipeline": "backends.svg",
    "draw_svg_timeline": "backends.timeline",
    "plot_pipeline": "backends.plotly_figure",
    "plot_pipeline_graph": "backends.plotly_figure",
    "print_pipeline": "terminal.views",
    "print_plan": "terminal.views",
    "print_result": "terminal.views",
}


if not TYPE_CHECKING:  # type checkers see the names above, and no others

    def __getattr__(name: str) -> object:
        try:
            module = _MODULES[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        value: object = getattr(import_module(f"{__name__}.{module}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
