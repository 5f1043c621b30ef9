"""Representations of pipelines, results, plans and objects for notebooks.

The entry point ``notebook`` in the group ``linepipe.drawing`` names this package. The core calls
the function of the right name when a notebook displays one of its objects.
"""

from linepipe_viz.notebook.html import (
    history_html,
    map_html,
    pipeline_html,
    plan_html,
    registry_html,
    result_html,
)

__all__ = [
    "history_html",
    "map_html",
    "pipeline_html",
    "plan_html",
    "registry_html",
    "result_html",
]
