"""Declaring one step: ``Node``, and a partial of a function that has a name of its own.

Both are importable from ``linepipe_core`` itself.
"""

from linepipe_core._declare.node import Node
from linepipe_core._declare.partials import create_named_partial_function
from linepipe_core._declare.signatures import name_of

__all__ = ["Node", "create_named_partial_function", "name_of"]
