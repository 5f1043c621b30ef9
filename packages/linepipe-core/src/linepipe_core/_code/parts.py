"""A Part: one thing that a node's result depends on, with its hash, under a typed key.

Apart from what finds them, so that deciding what runs needs none of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

__all__ = ["FUNCTION", "PYTHON", "Part", "PartKey", "PartKind", "combined", "digest_of"]

PartKind: TypeAlias = Literal[
    "argument", "attribute", "class", "closure", "code", "config", "default", "dependency",
    "file", "function", "global", "input", "module", "object", "package", "python", "ran",
    "stamp", "statement", "wrapper",
]  # fmt: skip


_VALUES: Final = frozenset({"argument", "attribute", "closure", "default", "global", "object"})


class PartKey(NamedTuple):
    """The name of a part.

    Attributes:
        kind: the kind of thing that it is.
        name: its name, without the module: code that moves to another one stays the same.
        number: 1, or which one of several things of that kind and name.
    """

    kind: PartKind
    name: str = ""
    number: int = 1

    def attribute(self, name: str) -> PartKey:
        """The key of an attribute of what this key names."""
        return self._replace(name=f"{self.name}.{name}")

    @property
    def holder(self) -> PartKey:
        """The key of what this key names an attribute of."""
        return self._replace(name=self.name.rpartition(".")[0])

    @property
    def is_local(self) -> bool:
        """True for lambdas and for what is defined in a function: its name may not be unique."""
        return "<" in self.name

    @property
    def is_value(self) -> bool:
        """True for what code may change while it runs."""
        return self.kind in _VALUES

    def __str__(self) -> str:
        number = "" if self.number == 1 else f" #{self.number}"
        return f"{self.kind} {self.name}".rstrip() + number


FUNCTION: Final = PartKey("function")
"""The node's own function."""
PYTHON: Final = PartKey("python")


class Part(NamedTuple):
    """One thing that a fingerprint depends on.

    Attributes:
        digest: its hash.
        text: the value itself, where it is short enough to show.
        made: a hash of the statements that made it, for what nodes change while they run; ``""``
            if they read the world outside, or can't be read.
        home: the module in which it lies.
    """

    digest: str
    text: str = ""
    made: str = ""
    home: str = ""


def digest_of(*parts: str) -> str:
    """A hash of texts; the first says what kind of thing is hashed."""
    from hashlib import blake2b  # it loads OpenSSL; reasons and plans need none of it

    text = "\0".join(parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def combined(parts: Mapping[PartKey, Part]) -> str:
    """One hash of all the parts."""
    return digest_of("parts", *(f"{key} {part.digest}" for key, part in sorted(parts.items())))
