"""Objects by what pickle would keep of them: how to make them again, and their state.

The state is brought into a form in which it doesn't matter in which order attributes were set,
nor what was computed of the object and is kept in it.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import methodcaller
from typing import Any, Final

from linepipe_core._values.classes import cached_names
from linepipe_core._values.registered import reducer_of

__all__ = ["attributes_in_order", "reduced"]

_PROTOCOL: Final = 5
_NO_STATE: Final = (None, None, None, None)


def reduced(kind: Any, group: list[Any]) -> list[tuple[Any, ...]]:
    """The content of objects of one class, as pickle keeps it.

    Args:
        kind: their class.
        group: the objects.

    Raises:
        Exception: whatever a class raises that can't be pickled.
    """
    if kind.__module__ == "itertools":  # they tell, but warn that they won't for long
        raise TypeError(f"{kind.__name__} has no content to compare")
    dropped = cached_names(kind)
    return [_parts(value, dropped) for value in map(_reducer(kind), group)]


def _reducer(kind: Any) -> Callable[[Any], Any]:
    return reducer_of(kind) or methodcaller("__reduce_ex__", _PROTOCOL)


def _parts(value: Any, dropped: frozenset[str]) -> tuple[Any, ...]:
    if isinstance(value, str):  # the name of a global
        return (value,)
    if not isinstance(value, tuple):
        raise TypeError(f"__reduce_ex__ gave a {type(value).__name__}")
    make, arguments, state, items, pairs, how = (*value, *_NO_STATE)[:6]
    parts = [make, _arguments(make, arguments), _state(state, dropped)]
    rest = (
        None if items is None else tuple(items),
        None if pairs is None else tuple(map(tuple, pairs)),
        how,
    )
    return (*parts, *rest) if any(part is not None for part in rest) else tuple(parts)


def _arguments(make: Any, arguments: Any) -> Any:
    """The arguments of the function that makes an object again: the elements of a set as a set."""
    is_set = isinstance(make, type) and issubclass(make, (set, frozenset))
    if is_set and len(arguments) == 1 and isinstance(arguments[0], list):
        return (frozenset(arguments[0]),)
    return arguments


def _state(state: Any, dropped: frozenset[str]) -> Any:
    if isinstance(state, dict) and set(map(type, state)) <= {str}:
        return _attributes(state, dropped)
    if isinstance(state, tuple) and len(state) == 2 and all(map(_is_attributes, state)):
        attributes, slots = state
        return _attributes(attributes or {}, dropped), _attributes(slots or {}, dropped)
    return state


def _is_attributes(state: Any) -> bool:
    return state is None or (isinstance(state, dict) and set(map(type, state)) <= {str})


def _attributes(state: dict[str, Any], dropped: frozenset[str]) -> dict[str, Any]:
    return {name: state[name] for name in sorted(state) if name not in dropped}


def attributes_in_order(
    states: list[dict[str, Any]], dropped: frozenset[str]
) -> list[dict[str, Any]]:
    """The attributes of objects, without some, in an order that doesn't depend on the object."""
    if not states:
        return states
    names = tuple(states[0])
    if (
        dropped.isdisjoint(names)
        and list(names) == sorted(names)
        and all(map(names.__eq__, map(tuple, states)))
    ):
        return states
    return [_attributes(state, dropped) for state in states]
