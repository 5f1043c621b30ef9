"""Functions written as source, and the parts in which two of them differ."""

# the tables of edits hold a module's source in a line

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.fingerprint import CodeFingerprint, code_fingerprint
from linepipe_core._code.parts import Part, PartKey


def module(
    source: str, name: str = "flow_under_test", folder: str = "/project", **held: Any
) -> ModuleType:
    """A module made of source, as an import would make it, with what it holds already."""
    made = ModuleType(name)
    vars(made).update(held)
    exec(
        compile(textwrap.dedent(source), f"{folder}/{name}.py", "exec", dont_inherit=True),
        made.__dict__,
    )
    return made


def fingerprint(source: str) -> CodeFingerprint:
    """The fingerprint of the source's function ``node``."""
    return code_fingerprint(Reader(), module(source).node)


def changed(before: str, after: str) -> set[str]:
    """The parts that differ."""
    old, new = fingerprint(before).parts, fingerprint(after).parts
    return {str(key) for key in {*old, *new} if digest_of(old, key) != digest_of(new, key)}


def named(parts: Mapping[PartKey, Part]) -> dict[str, Part]:
    """Parts by what their keys read."""
    return {str(key): part for key, part in parts.items()}


def digest_of(parts: Mapping[PartKey, Part], key: PartKey) -> str | None:
    return parts[key].digest if key in parts else None


DECORATOR = """\
import functools
class times:
    def __init__(self, f, k):
        functools.update_wrapper(self, f)
        self.f, self.k = f, k
    def __call__(self, x): return self.k * self.f(x)
    def __get__(self, o, t): return self.k * self.f(o)
def plain(x):
    "What."
    return x
"""
