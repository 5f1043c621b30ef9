"""A partial with a name of its own. Apart from Node because `functools` costs a start's tenth."""

from __future__ import annotations

from functools import partial, update_wrapper
from inspect import signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["named_partial"]


class _NamedPartial(partial):  # type: ignore[type-arg]  # subscripting it costs an import of typing
    """A partial that knows its own name, and its signature in spite of ``__wrapped__``."""

    @property
    def __signature__(self) -> Any:
        # inspect would follow __wrapped__ and forget what is bound.
        return signature(partial(self.func, *self.args, **self.keywords))


def named_partial(
    func: Callable[..., T], name: str, keywords: Mapping[str, Any]
) -> Callable[..., T]:
    """``func`` with these keywords bound, called ``name``."""
    bound = _NamedPartial(func, **keywords)
    update_wrapper(bound, func)
    bound.__name__ = bound.__qualname__ = name  # type: ignore[attr-defined]
    return bound
