"""The type of a list of names, which a bare string isn't.

Apart from the modules that take names, so that type checkers refuse ``outputs="model"`` in each of
them: a string is a sequence of strings, but its ``in`` takes only strings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, TypeVar, overload

T_co = TypeVar("T_co", covariant=True)

__all__ = ["Listed", "Names"]


class Listed(Protocol[T_co]):
    """A sequence that is no str: ``str.__contains__`` takes only str."""

    @overload
    def __getitem__(self, index: int, /) -> T_co: ...

    @overload
    def __getitem__(self, index: slice, /) -> Sequence[T_co]: ...

    def __contains__(self, value: object, /) -> bool:
        """Return True if it holds the value."""

    def __len__(self) -> int:
        """How many values it holds."""

    def __iter__(self) -> Iterator[T_co]:
        """The values, in order."""


Names: TypeAlias = Listed[str]
