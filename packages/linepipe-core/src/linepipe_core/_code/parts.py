"""A Part: one thing that a node's result depends on, with its hash.

Apart from what finds them, so that deciding what runs needs none of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import NamedTuple

__all__ = ["Part", "combined", "digest_of"]


class Part(NamedTuple):
    """One thing that a fingerprint depends on.

    Attributes:
        digest: its hash.
        text: the value itself, where it is short enough to show.
    """

    digest: str
    text: str = ""


def digest_of(*parts: str) -> str:
    """A hash of texts; the first says what kind of thing is hashed."""
    text = "\0".join(parts)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def combined(parts: Mapping[str, Part]) -> str:
    """One hash of all the parts."""
    return digest_of("parts", *(f"{key} {part.digest}" for key, part in sorted(parts.items())))
