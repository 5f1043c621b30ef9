"""The meaning of ``config`` and ``config.a.b``: how a reference is recognised and looked up.

Apart from the wiring, which only has to tell references from names, and from Pipeline,
which only keeps the object. It knows no config library: a mapping is read by key, anything
else by attribute and then by key, and the two mix along a path.
"""

from __future__ import annotations

from collections.abc import (
    Iterator,
    Mapping,
    Sequence,  # loaded already, unlike `collections`, by every start
)
from contextlib import suppress
from os import PathLike
from types import BuiltinMethodType, MemberDescriptorType, MethodType
from typing import Any, Final

from linepipe_core._text import did_you_mean, shortened, type_name, with_article
from linepipe_core._values.describe import describe

__all__ = [
    "ABSENT",
    "CONFIG",
    "MergedConfig",
    "MergedMapping",
    "MissingPathError",
    "available",
    "describe_input",
    "is_config_reference",
    "leaves",
    "load_settings",
    "look_up",
    "readable_part",
]

CONFIG: Final = "config"
_PREFIX: Final = "config."
_SHOWN: Final = (bool, int, float, complex, type(None), str, bytes)
ABSENT: Final = object()  # stands for a part that isn't there
_PLAIN: Final = frozenset((str, bytes, bool, int, float, complex, type(None)))
_LEAVES: Final = frozenset(
    (str, bytes, bytearray, bool, int, float, complex, list, tuple, set, frozenset, type(None))
)


class MissingPathError(LookupError):
    """A path that the config hasn't; the callers add which node reads it."""


def is_config_reference(name: str) -> bool:
    """Return True if ``name`` means the config or a part of it, never an object."""
    return name == CONFIG or name.startswith(_PREFIX)


def describe_input(name: str, value: Any) -> str:
    """Like ``describe``, but of a config value that is no scalar or text only its type."""
    if is_config_reference(name) and not isinstance(value, _SHOWN):
        return type_name(value)
    return describe(value)


def load_settings(config: Any) -> None:
    """Let a settings object that loads itself when it is first read do so (Dynaconf, Django).

    Copied before that, it would be empty.
    """
    if hasattr(type(config), "_setup"):
        with suppress(Exception):  # its own trouble comes when a node reads it
            getattr(config, "as_dict", None)


def look_up(config: Any, reference: str) -> Any:
    """The config, or the part of it that ``reference`` names.

    Args:
        config: any object; None means that the pipeline has no config.
        reference: ``config`` or ``config.a.b``.

    Raises:
        MissingPathError: the path isn't there, and the message has the near match and what is;
            or it can't be read: OmegaConf's ``???``, a property that raises.
    """
    if config is None:
        raise MissingPathError(
            f"there is no config, so no {reference!r}\n  give one: Pipeline(nodes, config=...)"
        )
    value, walked = config, CONFIG
    for part in reference.split(".")[1:]:
        try:
            found = _part(value, part)
        except Exception as error:  # whatever a config library raises
            why = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise MissingPathError(
                f"'{walked}.{part}' can't be read ({why})\n  give it a value in the config"
            ) from error
        is_path = walked == CONFIG and isinstance(value, PathLike)  # its name is no setting
        if is_path or (found is ABSENT and type(value) in _PLAIN):
            what = "None" if value is None else with_article(type_name(value))
            mend = "a config is an object with parts: load what the text names, or pass a dict"
            if is_path:
                mend = "load the file, and pass what is in it"
            elif walked != CONFIG or type(value) is not str:
                mend = "only objects with parts and mappings lead further"
            raise MissingPathError(f"{walked!r} is {what}, so it has no {part!r}\n  {mend}")
        if found is ABSENT:
            there = available(value)
            near = _hint(value, part, walked) or did_you_mean(part, there, prefix=f"{walked}.")
            raise MissingPathError(
                f"{walked!r} has no {part!r}\n  available in {walked!r}: {shortened(there)}{near}"
            )
        value, walked = found, f"{walked}.{part}"
    return value


def _hint(value: Any, part: str, walked: str) -> str:
    """A line on why a part that seems to be there isn't, or nothing."""
    if isinstance(value, Sequence):
        digits = "digits don't index: " if part.isdecimal() else ""
        return (
            f"\n  {walked!r} is a list; {digits}pass it whole, and take its items in the function"
        )
    keys = [key for key in value if not isinstance(key, str)] if isinstance(value, Mapping) else []
    for key in keys:
        if str(key) == part:
            return (
                f"\n  the key {key!r} is no text but {with_article(type_name(key))}: write it as "
                "a text in the config"
            )
    return ""


def leaves(reference: str, value: Any, depth: int = 4) -> Iterator[tuple[str, Any]]:
    """The parts of a config value that have no parts, each by its reference.

    Mappings, dataclasses and models have parts; anything else is a leaf.
    """
    fields = _fields(value) if depth else {}
    if not fields:
        yield reference, value
    for name, held in fields.items():
        yield from leaves(f"{reference}.{name}", held, depth - 1)


def _fields(value: Any) -> Mapping[str, Any]:
    kind = type(value)
    if isinstance(value, Mapping):
        names: Any = value if all(isinstance(key, str) for key in value) else ()
    else:
        names = getattr(kind, "model_fields", None) or getattr(kind, "__dataclass_fields__", ())
    found = {name: readable_part(value, name) for name in names}
    return {name: held for name, held in found.items() if held is not ABSENT}


def available(value: Any) -> list[str]:
    """The names that can follow ``value`` in a reference, methods and private names left out."""
    if isinstance(value, Mapping):
        return [str(key) for key in value]
    if isinstance(value, MergedConfig):
        return list(dict.fromkeys(available(value.left) + available(value.right)))
    # pydantic models warn when some of the attributes of their class are read on an instance,
    # and a property may compute: fields are asked for first, dir() only where there are none.
    fields = getattr(type(value), "model_fields", None) or getattr(value, "__dict__", None) or ()
    names = [*fields, *getattr(type(value), "__dataclass_fields__", ())]
    for kind in type(value).__mro__[:-1]:
        names += [name for name, found in vars(kind).items() if not _is_method(found)]
    return [
        name for name in dict.fromkeys(names) if not name.startswith("_") and name not in _MACHINERY
    ]


# What pydantic puts on every model class; none of it is configuration.
_MACHINERY: Final = frozenset(
    ["model_computed_fields", "model_config", "model_extra", "model_fields", "model_fields_set"]
)


def _is_method(value: Any) -> bool:
    return callable(value) or isinstance(value, (classmethod, staticmethod))


class MergedConfig:
    """Two config objects of ``a + b`` seen as one: what the left hasn't, the right has.

    Args:
        left: looked up first.
        right: looked up next.
        common: the parts that both have and that were merged in turn; these go first.
    """

    def __init__(self, left: Any, right: Any, common: Mapping[str, Any]) -> None:
        self.left = left
        self.right = right
        self.common = common

    def __getattr__(self, name: str) -> Any:
        unreadable: Exception | None = None
        # copy and pickle ask a bare instance for dunders, before left and right exist.
        sides = () if name.startswith("__") else (self.common, self.left, self.right)
        for side in sides:
            try:
                found = _part(side, name)
            except Exception as error:  # what one hasn't yet, the other may have
                unreadable = unreadable or error
                continue
            if found is not ABSENT:
                return found
        raise unreadable or AttributeError(f"neither config has {name!r}")

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError as error:
            raise KeyError(name) from error

    def __repr__(self) -> str:
        return f"MergedConfig({self.left!r}, {self.right!r})"


class MergedMapping(dict[str, object]):
    """Two mappings of ``a + b`` merged, of two kinds or of one that can't be made of a dict.

    Read by key like every dict, and by attribute, as the mappings of config libraries are.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"neither config has {name!r}", name=name, obj=self) from None


def _part(value: Any, name: str) -> Any:
    """One step along a path, or ``ABSENT``.

    Raises:
        AttributeError: it is a property, whose own code raised this.
    """
    if type(value) in _LEAVES or name.startswith("__"):  # their methods are no config
        return ABSENT
    if name.isdecimal() and isinstance(value, Sequence):  # OmegaConf's lists would index
        return ABSENT
    if not isinstance(value, Mapping):
        try:
            found = getattr(value, name)
            return ABSENT if _is_bound_to(found, value) else found
        except AttributeError:
            if _is_computed(value, name):
                raise
        if not hasattr(type(value), "__getitem__"):
            return ABSENT
    try:
        return value[name]
    except (LookupError, TypeError):
        return _key_that_reads_as(value, name) if isinstance(value, Mapping) else ABSENT


def _is_bound_to(found: Any, value: Any) -> bool:
    """Return True for a method of the config object itself, which is no config."""
    if type(found) not in (MethodType, BuiltinMethodType):
        return False
    return found.__self__ is value or found.__self__ is type(value)


def readable_part(value: Any, name: Any) -> Any:
    """The part of that name, or ``ABSENT``, also where it can't be read."""
    try:
        if isinstance(value, Mapping) and name not in value:  # a defaultdict would make it
            return ABSENT
        # A key that is no text can be no step of a path, but it is a part.
        return _part(value, name) if isinstance(name, str) else value[name]
    except Exception:  # whatever a config library or a property raises
        return ABSENT


def _is_computed(value: Any, name: str) -> bool:
    """Return True if the code of a property, not a plain attribute, answers to that name."""
    if isinstance(value, MergedConfig):
        return any(_is_computed(side, name) for side in (value.left, value.right))
    found = next((vars(kind)[name] for kind in type(value).__mro__ if name in vars(kind)), None)
    return hasattr(type(found), "__get__") and not isinstance(found, MemberDescriptorType)


def _key_that_reads_as(value: Any, name: str) -> Any:
    """The item whose key isn't text but is written so: ``config.folds.3`` of ``{3: ...}``."""
    if name.isdecimal():
        try:
            return value[int(name)]
        except (LookupError, TypeError):
            pass
    return ABSENT
