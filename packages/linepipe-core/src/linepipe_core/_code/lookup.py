"""Looks up by its key what a record holds and reading doesn't lead to any more.

What led there may have been filled by a run: a registry, a memo. It is gone only if it can't be
found by itself either.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from linepipe_core._code.bytecode import nested_codes, normalise
from linepipe_core._code.dependencies import Reader
from linepipe_core._code.effects import effects_of
from linepipe_core._code.members import inside
from linepipe_core._code.named import code_named
from linepipe_core._code.ownership import distribution_named, is_main, loaded_namespace
from linepipe_core._code.parts import Part, PartKey, digest_of
from linepipe_core._code.reached import Source
from linepipe_core._code.sources import class_statement_of, compiled
from linepipe_core._values.proxies import is_really

__all__ = ["looked_up", "recorded_code"]

_NO_EFFECTS = digest_of("effects")


def recorded_code(recorded: Mapping[PartKey, Part]) -> Iterator[Any]:
    """The functions, classes and modules of a record that are there today."""
    for key, part in recorded.items():
        if key.kind == "module":
            yield Source(key.name)
        elif key.kind in ("code", "class") and part.home in sys.modules and not key.is_local:
            found = code_named(f"{part.home}:{key.name}")
            functions = inside(found) if not is_really(found, (FunctionType, type)) else (found,)
            yield from (each for each in functions if is_really(each, (FunctionType, type)))


def looked_up(
    reader: Reader,
    recorded: Mapping[PartKey, Part],
    today: Mapping[PartKey, Part],
    uses: Collection[str],
) -> dict[PartKey, Part]:
    """The Parts of today that reading didn't find and that are there all the same."""
    found = {}
    for key, old in recorded.items():
        if key not in today:
            # What an import in a function brought counts by the source of its module.
            by_source = old.home not in sys.modules and PartKey("module", old.home) in recorded
            part = old if by_source else _part(reader, key, old, uses)
            if part is not None:
                found[key] = part
    return found


def _part(reader: Reader, key: PartKey, old: Part, uses: Collection[str]) -> Part | None:
    match key.kind:
        case "package":
            package = distribution_named(key.name)
            return (
                None
                if package is None
                else old._replace(
                    digest=digest_of("package", package.version), text=package.version
                )
            )
        case "statement":
            module = loaded_namespace(key.name)
            if module is not None:
                return old._replace(digest=effects_of(module, uses).digest)
            return old if old.digest == _NO_EFFECTS else None
        case "ran":
            return old if old.digest in _digests(old.home, key.name) else None
        case "code" if key.is_local or old.home not in sys.modules:
            return old if old.made in _digests(old.home, key.name) else None
        case "class" if old.home not in sys.modules:
            statement = class_statement_of(old.home, key.name)
            same = statement is not None and old.made == statement.digest
            return old if same else None
        case "global":
            namespace = loaded_namespace(old.home, key.name) or {}
            if key.name in namespace:
                held = reader.value(namespace[key.name])
                return old._replace(digest=held.digest, made=reader.making(namespace, key.name))
    return None


def _digests(module: str, qualname: str) -> set[str]:
    """The hashes of a module's code objects of a qualified name, loaded and in its source."""
    home = "__main__" if is_main(module) else module
    loaded = loaded_namespace(home, qualname.partition(".")[0])
    codes = list(_live(loaded)) if loaded is not None else []
    source = compiled(module)
    if source is not None:
        codes += nested_codes(source)
    return {normalise(each).digest for each in codes if each.co_qualname == qualname}


def _live(namespace: Mapping[str, Any]) -> Iterator[CodeType]:
    for value in list(namespace.values()):
        members = list(vars(value).values()) if is_really(value, type) else [value]
        for member in members:
            if type(member) is FunctionType and member.__globals__ is namespace:
                yield from nested_codes(member.__code__)
