"""What two pipelines make of their configs and constants when they are added.

Pure. What only one of them defines is taken over; what both define alike is theirs together;
what both define differently is a conflict, and all conflicts are told at once.
"""

from __future__ import annotations

from _collections_abc import Mapping
from enum import Enum

from linepipe_core.config import CONFIG, MergedConfig, available
from linepipe_core.describe import describe_input
from linepipe_core.snapshot import reveal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["merge_configs", "merge_constants", "same"]


def merge_constants(
    left: Mapping[str, Any], right: Mapping[str, Any], problems: list[str]
) -> dict[str, Any]:
    """The constants of both, as they are held; a conflict is appended to ``problems``."""
    merged = dict(left)
    for name, held in right.items():
        if name in left and not same(reveal(left[name]), reveal(held)):
            problems.append(
                f"the constant {name!r} differs between them; "
                f"settle it before adding: pipeline.bind({name}=...)"
            )
        merged.setdefault(name, held)
    return merged


def merge_configs(left: Any, right: Any, problems: list[str], path: str = CONFIG) -> Any:
    """The config of both; a conflict is appended to ``problems``.

    Two mappings are merged deeply into a dict. Of other objects the left is looked up first
    and then the right.
    """
    if left is None or right is None:
        return right if left is None else left
    if same(left, right):
        return left
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        merged = dict(left)
        for key, value in right.items():
            if key in left:
                merged[key] = merge_configs(left[key], value, problems, f"{path}.{key}")
            else:
                merged[key] = value
        return merged
    if not (_has_parts(left) and _has_parts(right)):
        problems.append(
            f"{path!r} differs between them: "
            f"{describe_input(path, left)} and {describe_input(path, right)}"
        )
        return left
    common = {
        name: merge_configs(_part(left, name), _part(right, name), problems, f"{path}.{name}")
        for name in _common_names(left, right)
    }
    return MergedConfig(left, right, common)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal, part by part and type by type: 1 and True are not."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    try:
        return bool(left == right)
    except Exception:  # arrays and frames compare element by element
        return _same_pickles(left, right)


def _same_pickles(left: Any, right: Any) -> bool:
    import pickle

    try:
        return pickle.dumps(left) == pickle.dumps(right)
    except Exception:  # what can't be pickled can't be shown to be the same
        return False


def _common_names(left: Any, right: Any) -> list[str]:
    theirs = set(available(right))
    return [name for name in available(left) if name in theirs]


def _has_parts(value: Any) -> bool:
    """Whether a value is made of named parts, so that two of them can be merged."""
    if isinstance(value, Enum):
        return False
    return (
        isinstance(value, Mapping)
        or hasattr(value, "__dict__")
        or hasattr(type(value), "__dataclass_fields__")
    )


def _part(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, Mapping) else getattr(value, name)
