"""A partial of a function that has a name of its own.

Apart from Node, which takes any callable and knows of none in particular.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

from linepipe_core._declare.signatures import name_of, refuse, shown, signature_of
from linepipe_core._errors import NodeDefinitionError
from linepipe_core._text import did_you_mean, shortened

T = TypeVar("T")

__all__ = ["create_named_partial_function"]


@overload
def create_named_partial_function(
    func: Callable[..., T], func_name: str, /, **kwargs: Any
) -> Callable[..., T]: ...


@overload
def create_named_partial_function(
    func: Callable[..., T], /, *, func_name: str, **kwargs: Any
) -> Callable[..., T]: ...


@overload
def create_named_partial_function(
    *, func: Callable[..., T], func_name: str, **kwargs: Any
) -> Callable[..., T]: ...


def create_named_partial_function(*args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Bind keyword arguments of a function, and give the result a name of its own.

    For functions that serve several nodes, such as writers: logs, history, views and errors
    then tell the nodes apart. The result pickles where the function and the arguments do,
    and keeps the function's docstring and ``__wrapped__``.

    Args:
        func: any callable that takes these keywords.
        func_name: the result's ``__name__``. Both may be given by position or by keyword; where
            both are given by position, any keyword is bound, also ones of these two names.
        **kwargs: the arguments to bind.

    Returns:
        A callable that takes what is left to pass.

    Raises:
        NodeDefinitionError: the function doesn't take one of the keywords, or ``func_name`` is
            no name.
        TypeError: ``func`` or ``func_name`` is missing.

    Example:
        >>> def scale(value: float, factor: float) -> float:
        ...     return value * factor
        >>> double = create_named_partial_function(scale, "double", factor=2)
        >>> double.__name__, double(21)
        ('double', 42)
    """
    # The two first are popped by hand: as named parameters they couldn't be bound as well.
    given = list(args[:2])
    for place, parameter in enumerate(("func", "func_name")):
        if len(given) == place and parameter in kwargs:
            given.append(kwargs.pop(parameter))
    if len(given) < 2 or len(args) > 2:
        raise TypeError(
            "create_named_partial_function() takes a function, its new name and keywords to bind, "
            f"got {len(args)} by position and {', '.join(kwargs) or 'nothing'} by keyword\n"
            '  create_named_partial_function(scale, "double", factor=2)'
        )
    func, func_name = given
    if not callable(func):
        raise NodeDefinitionError(
            f"the function must be callable, got {shown(func)}\n"
            "  pass the function itself, not its result or its name"
        )
    if type(func_name) is not str or not func_name:
        refuse(func, f"func_name must be a non-empty string, got {shown(func_name)}")
    signature = signature_of(func)
    if signature is not None:
        try:
            signature.bind_partial(**kwargs)
        except TypeError as error:
            takes = list(signature.parameters)
            near = "".join(
                dict.fromkeys(did_you_mean(key, takes) for key in kwargs if key not in takes)
            )
            raise NodeDefinitionError(
                f"{name_of(func)}() can't be bound as {func_name!r}: {error}\n"
                f"  it takes: {shortened(takes)}{near}"
            ) from None
    return _named_partial(func, func_name, kwargs)


class _NamedPartial(functools.partial[Any]):
    """A partial that knows its own name, and its signature in spite of ``__wrapped__``."""

    @property
    def __signature__(self) -> Any:
        import inspect

        # inspect would follow __wrapped__ and forget what is bound.
        return inspect.signature(functools.partial(self.func, *self.args, **self.keywords))


def _named_partial(
    func: Callable[..., T], name: str, keywords: Mapping[str, Any]
) -> Callable[..., T]:
    """``func`` with these keywords bound, called ``name``."""
    bound = _NamedPartial(func, **keywords)
    functools.update_wrapper(bound, func)
    bound.__name__ = bound.__qualname__ = name  # type: ignore[attr-defined]
    return bound
