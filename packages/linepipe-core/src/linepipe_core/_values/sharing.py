"""Tells which objects of a walk were met before: that two places share one object is content.

The objects of a level are asked for their counts of references first. If all have the count of
one that a single container holds, none was met before and none is there twice; that is five
times faster than to note and compare their ids, which stays to be done once one has another count.
"""

from __future__ import annotations

from array import array
from itertools import count
from sys import getrefcount
from typing import Any, Final

from linepipe_core._values.snapshot import ALONE

__all__ = ["Sharing"]


def _count_in_one_list() -> int:
    """The count that ``map(getrefcount, ...)`` gives for an object that only that list holds."""
    if ALONE < 0:  # no count to trust
        return -100
    (found,) = map(getrefcount, [object()])
    return found


_IN_ONE_LIST: Final = _count_in_one_list()


class Sharing:
    """The objects that a walk has met, all of which the caller keeps alive."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._not_in_ids: list[list[Any]] = []
        # Numbered in the order in which they are met, but only once something is shared.
        self._not_numbered: list[list[Any]] = []
        self._numbers: dict[int, int] = {}

    def first_met(self, group: list[Any], n_lists: int) -> tuple[list[Any], array[int] | None]:
        """The objects that are met for the first time.

        Args:
            group: some objects.
            n_lists: how many lists of the walk, with ``group``, hold each place of the group.

        Returns:
            The new ones; and for each of the group the number of the one that was met before, or
            -1, unless all are new.
        """
        if set(map(getrefcount, group)) == {_IN_ONE_LIST + n_lists}:
            self._not_in_ids.append(group)
            self._not_numbered.append(group)
            return group, None
        while self._not_in_ids:
            self._ids.update(map(id, self._not_in_ids.pop()))
        new = set(map(id, group))
        if len(new) == len(group) and self._ids.isdisjoint(new):
            self._ids |= new
            self._not_numbered.append(group)
            return group, None
        self._ids |= new
        return self._numbered(group)

    def _numbered(self, group: list[Any]) -> tuple[list[Any], array[int]]:
        for batch in self._not_numbered:
            self._numbers.update(zip(map(id, batch), count(len(self._numbers))))
        self._not_numbered.clear()
        places, first = array("q"), []
        for value in group:
            place = self._numbers.get(id(value), -1)
            places.append(place)
            if place < 0:
                self._numbers[id(value)] = len(self._numbers)
                first.append(value)
        return first, places
