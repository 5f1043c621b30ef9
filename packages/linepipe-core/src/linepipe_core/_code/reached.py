"""Records of what reading finds: a function, class, module or package, and the hash of a value.

Apart from the reader, for those who only ask what it found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from linepipe_core._code.members import Value
from linepipe_core._code.ownership import distribution_of_file, distribution_of_module
from linepipe_core._code.parts import Part, PartKey

__all__ = [
    "Package",
    "Reached",
    "Source",
    "ValueFingerprint",
    "package_of_file",
    "packages_of",
]


class ValueFingerprint(NamedTuple):
    """A value's hash, and what it holds that isn't a value.

    Attributes:
        digest: the hash of its content.
        code: the functions, classes and modules in it.
        untracked: the types of what in it can't be hashed.
        files: the path of each File in it -> the hash of its content; empty if it isn't there.
        n_bytes: the size of what was hashed.
    """

    digest: str
    code: tuple[Any, ...]
    untracked: tuple[str, ...]
    files: Mapping[str, str]
    n_bytes: int


class Reached(NamedTuple):
    """One function, class or module, seen for itself."""

    key: PartKey | None
    part: Part
    code: tuple[Any, ...]  # what it leads to
    values: tuple[Value, ...]
    unseen: tuple[str, ...] = ()  # what it calls whose result no fingerprint can tell
    namespace: dict[str, Any] | None = None  # the globals of the own module it lies in
    notes: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()  # the modules of the standard library that it names


class Source(NamedTuple):
    """A module that counts by its source."""

    module: str


class Package(NamedTuple):
    """An installed package, which counts once, whichever of its modules are used."""

    name: str
    version: str


def packages_of(module: str) -> tuple[Package, ...]:
    """The installed package that a module belongs to; what comes with Python counts with it."""
    found = distribution_of_module(module)
    return (Package(*found),) if found is not None else ()


def package_of_file(file: str) -> Package | None:
    """The installed package that a file belongs to."""
    found = distribution_of_file(file)
    return Package(*found) if found is not None else None
