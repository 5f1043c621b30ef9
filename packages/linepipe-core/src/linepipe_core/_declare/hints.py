"""The annotations of node functions: of their outputs and their parameters.

Apart from Node and Pipeline because only people and pictures ask, and asking needs typing.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import FunctionType, MethodType
from typing import Any

from linepipe_core._declare.node import Node
from linepipe_core._values.proxies import is_really

__all__ = ["Annotations", "output_hints"]

_KINDS = (FunctionType, MethodType)


def output_hints(nodes: Iterable[Node], annotations: Annotations | None = None) -> dict[str, Any]:
    """Each output's annotation; ``typing.Any`` where there is none that fits."""
    annotations = annotations or Annotations()
    hints: dict[str, Any] = {}
    for node in nodes:
        hints.update(zip(node.outputs, _hints_of(node, annotations), strict=True))
    return hints


def _hints_of(node: Node, annotations: Annotations) -> list[Any]:
    from typing import Any, get_args, get_origin

    returned = _return_annotation(node.func, annotations)
    if len(node.outputs) == 1:
        return [returned]
    parts = get_args(returned) if get_origin(returned) is tuple else ()
    if len(parts) != len(node.outputs) or Ellipsis in parts:
        return [Any] * len(node.outputs)
    return list(parts)


def _return_annotation(func: Any, annotations: Annotations) -> Any:
    from functools import partial
    from typing import Any

    while is_really(func, partial):
        func = func.func
    return func if is_really(func, type) else annotations.of(func).get("return", Any)


class Annotations:
    """The annotations of functions, evaluated once for all that are annotated alike."""

    def __init__(self) -> None:
        self._known: dict[Any, dict[str, Any]] = {}

    def of(self, func: Any) -> dict[str, Any]:
        """The annotations of a function's parameters and of its ``"return"``, evaluated.

        Empty where they can't be evaluated: they may name what exists only for type checkers.
        """
        from functools import partial

        while is_really(func, partial):
            func = func.func
        if is_really(func, type):
            func = vars(func).get("__init__")
        elif not is_really(func, _KINDS) and "__wrapped__" not in getattr(func, "__dict__", ()):
            func = type(func).__call__  # its own annotations are those of its class's attributes
        key = _key(func)
        if key not in self._known:
            self._known[key] = _evaluated(func)
        return self._known[key]


def _key(func: Any) -> Any:
    """The key of a function's annotations: their texts and its module, or the function itself."""
    if type(func) is FunctionType and not getattr(func, "__type_params__", ()):
        texts = func.__annotations__
        if "__wrapped__" not in func.__dict__ and all(type(t) is str for t in texts.values()):
            return id(func.__globals__), *texts.items()
    return id(func)


def _evaluated(func: Any) -> dict[str, Any]:
    from typing import get_type_hints

    try:
        return get_type_hints(func)
    except Exception:  # whatever evaluating a user's annotation raises
        return {}
