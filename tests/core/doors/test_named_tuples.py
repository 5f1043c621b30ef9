"""The records that users get are named tuples, as `typing` makes them."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from linepipe_core import _named_tuple


class Ours(_named_tuple.NamedTuple):
    """A point."""

    x: int
    name: str = "p"
    then: Callable[[int], Any] | None = None

    @property
    def double(self) -> int:
        """Twice its place."""
        return 2 * self.x


class Theirs(NamedTuple):
    """A point."""

    x: int
    name: str = "p"
    then: Callable[[int], Any] | None = None

    @property
    def double(self) -> int:
        """Twice its place."""
        return 2 * self.x


def as_text(outcome: object) -> str:
    return str(outcome).replace("Ours", "Theirs")


def matched(point: Any) -> object:
    match point:
        case Ours(x, name) | Theirs(x, name):
            return x, name
    return None


@pytest.mark.parametrize(
    "use",
    [
        lambda kind: kind(1),
        lambda kind: kind(1, "q"),
        lambda kind: kind(name="q", x=2, then=3),
        lambda kind: (kind(1).x, kind(1).name, kind(1).then, kind(1).double),
        lambda kind: (kind(1) == (1, "p", None), hash(kind(1)) == hash((1, "p", None))),
        lambda kind: [*kind(1)],
        lambda kind: kind(1)._replace(x=3, name="r"),
        lambda kind: kind(1)._asdict(),
        lambda kind: kind._make([1, 2, 3]),
        lambda kind: kind._make(range(3)),
        lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__),
        lambda kind: copy.deepcopy(kind([1])),
        lambda kind: pickle.loads(pickle.dumps(kind(1))),
        lambda kind: matched(kind(1, "q")),
        lambda kind: (type(kind), isinstance(kind(1), tuple), kind.__doc__),
        lambda kind: hasattr(kind(1), "__dict__"),
        lambda kind: list(inspect.signature(kind).parameters),
        lambda kind: [p.default for p in inspect.signature(kind).parameters.values()],
    ],
)
def test_they_are_those_of_typing(use: Callable[[Any], object]) -> None:
    """In all that people do with one."""
    assert as_text(use(Ours)) == as_text(use(Theirs))


@pytest.mark.parametrize(
    "use",
    [
        lambda kind: kind(),
        lambda kind: kind(1, 2, 3, 4),
        lambda kind: kind(1, x=1),
        lambda kind: kind(1, y=1),
        lambda kind: kind._make([1]),
        lambda kind: setattr(kind(1), "x", 2),
        lambda kind: setattr(kind(1), "y", 2),
        lambda kind: kind(1).y,
    ],
)
def test_they_refuse_what_those_refuse(use: Callable[[Any], object]) -> None:
    """With the same type of error."""
    with pytest.raises((TypeError, AttributeError)) as theirs:
        use(Theirs)
    with pytest.raises(theirs.type):
        use(Ours)


def test_a_field_that_is_not_there_cannot_be_replaced() -> None:
    """The error names it. `typing` raises a TypeError only since Python 3.13."""
    with pytest.raises(TypeError, match="Ours has no 'y'"):
        Ours(1)._replace(y=2)  # type: ignore[call-arg]  # on purpose


def test_a_subclass_keeps_its_own_way_to_be_made() -> None:
    """The function that is compiled for the first object belongs to the class with the fields."""

    class Named(_named_tuple.NamedTuple):
        name: str

    class Loud(Named):
        def __new__(cls, name: str) -> Loud:
            return super().__new__(cls, name.upper())

    assert Loud("a").name == "A"
    assert Loud("b").name == "B"
    assert Named("c").name == "c"
