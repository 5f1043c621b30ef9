"""Modules that count by their whole source.

A function that imports inside its body, or that takes its helpers from a module that loads
them on demand, doesn't hold what it will call. Importing it for a look would run the user's
code, so the modules' sources are read instead, and those of the own modules they import in
turn: coarser than a function's own fingerprint, and the same whether they are loaded or not.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from hashlib import blake2b
from importlib.machinery import ModuleSpec
from types import CodeType
from typing import Any, NamedTuple

from linepipe_core._code.bytecode import Import, normalise
from linepipe_core._code.ownership import find_spec, module_owner, root_of

__all__ = ["ModuleSource", "imported_modules", "source_of"]


class ModuleSource(NamedTuple):
    """The facts that a module's source gives.

    Attributes:
        digest: the hash of its code; ``""`` if its source can't be read.
        imports: the full names of the modules it imports, here or inside its functions.
        assigned: the names that its top level assigns.
    """

    digest: str
    imports: tuple[str, ...]
    assigned: frozenset[str]


# What a module's source said, and the spec that it had then as a loaded module; None if it
# wasn't loaded. A loaded module stays what it is while its file is edited, so what was read
# first counts until it is loaded again, which gives it another spec.
_SEEN: dict[str, tuple[ModuleSpec | None, ModuleSource]] = {}


def source_of(name: str) -> ModuleSource | None:
    """The source of one of the project's own modules; None if it isn't one."""
    spec = find_spec(name) if module_owner(name) == "own" else None
    if spec is None:
        return None
    loaded = spec if name in sys.modules else None
    known = _SEEN.get(name)
    if known is not None and loaded is not None and known[0] is loaded:
        return known[1]
    source = _read(name, spec)
    if known is not None and loaded is not None and known[0] is None:
        source = _either(known[1], source)
    _SEEN[name] = loaded, source
    return source


def _either(before: ModuleSource, after: ModuleSource) -> ModuleSource:
    """A module that was loaded meanwhile; if it was edited too, which one ran can't be told.

    Taking either for what ran would leave records under a source that didn't make them.
    """
    if before == after:
        return after
    imports = dict.fromkeys((*before.imports, *after.imports))
    digest = f"{before.digest} or {after.digest}"
    return ModuleSource(digest, tuple(imports), before.assigned | after.assigned)


def _read(name: str, spec: ModuleSpec) -> ModuleSource:
    loader: Any = spec.loader
    try:
        code: CodeType | None = loader.get_code(name)
    except Exception:  # no source, a syntax error: the import will tell
        code = None
    if code is None:
        return ModuleSource("", (), frozenset())
    normal = normalise(code)
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    imports = dict.fromkeys(m for each in normal.imports for m in imported_modules(each, package))
    assigned = {step.argval for step in dis.get_instructions(code) if step.opname == "STORE_NAME"}
    # What the names of globals stand for is not known before the import: their names count.
    read = repr(normal.references).encode("utf-8", "surrogatepass")
    digest = f"{normal.digest} {blake2b(read, digest_size=16).hexdigest()}"
    return ModuleSource(digest, tuple(imports), frozenset(assigned))


def imported_modules(statement: Import, package: str) -> Iterator[str]:
    """The full names of the modules that an import statement loads.

    Args:
        statement: the import.
        package: the package of the code it stands in, for relative imports.
    """
    module = statement.module
    if statement.level:
        base = package.rsplit(".", statement.level - 1)[0] if package else ""
        module = f"{base}.{module}" if module else base
    if not module:
        return
    if not statement.names and "." in module:  # `import a.b` gives a
        yield root_of(module)
    yield module
    for name in statement.names:
        inner = f"{module}.{name}"
        if name != "*" and _is_submodule(module, inner):
            yield inner


def _is_submodule(module: str, inner: str) -> bool:
    spec = find_spec(module)
    if spec is None or spec.submodule_search_locations is None or module_owner(module) != "own":
        return False
    return find_spec(inner) is not None
