"""A shelf's items and values: all that can be read, whatever becomes of the rest meanwhile.

Apart from the shelf because the standard views ask a mapping for each key that it listed. Here
an object may have gone since, by another process, or turn out not to be readable, and neither
may cost the reader the others.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, ValuesView
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linepipe_core.shelf.object_shelf import ObjectShelf


class ShelfItems(ItemsView[str, Any]):
    """The names with their objects."""

    _mapping: ObjectShelf

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._mapping.readable()


class ShelfValues(ValuesView[Any]):
    """The objects."""

    _mapping: ObjectShelf

    def __contains__(self, value: object) -> bool:
        return any(one is value or one == value for one in self)

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in self._mapping.readable())
