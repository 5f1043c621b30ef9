"""``linepipe.node``: Node, one step of a pipeline, from linepipe_core."""

from linepipe_core.node import Node, create_named_partial_function

__all__ = ["Node", "create_named_partial_function"]
