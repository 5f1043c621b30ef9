"""``linepipe.node``: the step of a pipeline, from linepipe_core."""

from linepipe_core.node import Node, create_named_partial_function

__all__ = ["Node", "create_named_partial_function"]
