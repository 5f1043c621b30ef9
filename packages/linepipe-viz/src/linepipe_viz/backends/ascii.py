"""The plainest picture: text that fits in a log, a docstring or a commit message.

Apart from the terminal views because it needs neither rich nor a terminal, and because its
form is a contract: people compare it with text of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from linepipe_core import Node, Pipeline
from linepipe_viz.graph.cards import nodes_of
from linepipe_viz.text import printable

__all__ = ["draw_ascii_pipeline"]

_ARROW = ["      |", "      v"]


def draw_ascii_pipeline(pipeline: Pipeline) -> str:
    """The pipeline as plain text: its nodes in order, with what each reads and makes.

    Names are shown whole; control signs in them (a newline) are shown as escapes.

    Args:
        pipeline: the pipeline to draw.

    Returns:
        The lines, joined by newlines, without one at the end.

    Raises:
        TypeError: this is no Pipeline.

    Example:
        >>> from linepipe_core import Node, Pipeline
        >>> def load(): ...
        >>> def report(table): ...
        >>> print(draw_ascii_pipeline(Pipeline([
        ...     Node(load, inputs=[], outputs=["table"]),
        ...     Node(report, inputs=["table"], outputs=[]),
        ... ])))
        Pipeline (2 nodes)
        <BLANKLINE>
        [load]
          outputs:
            - table
              |
              v
        [report]
          inputs:
            - table
          (no outputs)
    """
    nodes = nodes_of(pipeline)
    lines = [f"Pipeline ({len(nodes)} nodes)", ""]
    for place, node in enumerate(nodes):
        lines += [*(_ARROW if place else []), *_node_lines(node)]
    return "\n".join(lines)


def _node_lines(node: Node) -> Iterable[str]:
    yield f"[{printable(node.name)}]"
    if node.inputs:
        yield from _names("inputs", node.inputs)
    if node.outputs:
        yield from _names("outputs", node.outputs)
    else:
        yield "  (no outputs)"


def _names(title: str, names: Sequence[str]) -> Iterable[str]:
    yield f"  {title}:"
    for name in names:
        yield f"    - {printable(name)}"
