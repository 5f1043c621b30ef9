"""Representations of pipelines, results and plans for notebooks.

The entry point ``notebook`` in the group ``linepipe.drawing`` names this package. The core calls
the function of the right name when a notebook displays one of its objects.
"""

from linepipe_viz.notebook.html import pipeline_html, pipeline_svg, plan_html, result_html

__all__ = ["pipeline_html", "pipeline_svg", "plan_html", "result_html"]
