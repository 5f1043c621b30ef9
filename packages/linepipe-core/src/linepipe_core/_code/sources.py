"""Modules that count by their whole source.

A function that imports inside its body, or that takes its helpers from a module that loads
them on demand, doesn't hold what it will call. Importing it for a look would run the user's
code, so the modules' sources are read instead, and those of the own modules they import in
turn: coarser than a function's own fingerprint, and the same whether they are loaded or not.
"""

from __future__ import annotations

import sys
import tokenize
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any, Final, NamedTuple

from linepipe_core._code.bytecode import Import, normalise
from linepipe_core._code.flow import stored_names
from linepipe_core._code.known_facts import find, note, stamp_of
from linepipe_core._code.ownership import find_spec, is_main, module_owner, root_of
from linepipe_core._code.parsing import read_statements
from linepipe_core._code.statements import ClassStatement, ModuleStatements
from linepipe_core._declare.callables import is_cell

__all__ = [
    "ModuleSource",
    "absolute_name",
    "class_statement_of",
    "compiled",
    "imported_modules",
    "loads_on_demand",
    "source_of",
    "statements_of",
]


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
    # What the names of globals stand for is not known before the import: their names count.
    read = repr(normal.references).encode("utf-8", "surrogatepass")
    digest = f"{normal.digest} {blake2b(read, digest_size=16).hexdigest()}"
    return ModuleSource(digest, tuple(imports), stored_names(code))


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


# Module name -> what was parsed, and of which loaded module or cells.
_PARSED: dict[str, tuple[Any, ModuleStatements | None]] = {}
_KINDS: Final = ("statements", "statements of main")


def statements_of(namespace: Mapping[str, Any]) -> ModuleStatements | None:
    """The top-level statements of an own module, by its globals; None without a source.

    By its globals, for a profiler takes the place of ``__main__`` in ``sys.modules``.
    """
    name = namespace.get("__name__")
    if not isinstance(name, str):
        return None
    cells = _cells() if is_main(name) and "__file__" not in namespace else ()
    version = cells or namespace.get("__spec__") or namespace.get("__file__")
    if not version:
        return None
    known = _PARSED.get(name)
    if known is not None:
        # A module that was loaded again has another spec, which is equal.
        is_text = isinstance(version, (tuple, str))
        if known[0] is version or (is_text and known[0] == version):
            return known[1]
    parsed = read_statements(_cells_text(cells)) if cells else _statements(name, namespace)
    _PARSED[name] = version, parsed
    return parsed


def _statements(name: str, namespace: Mapping[str, Any]) -> ModuleStatements | None:
    file = namespace.get("__file__")
    if isinstance(file, str) and file.endswith((".py", ".pyw")):
        parsed = _statements_in(file, is_main(name))
        if parsed is not None:
            return parsed
    loader: Any = namespace.get("__loader__")
    try:  # in a zip file, say
        text = loader.get_source(name)
    except Exception:  # a loader of somebody else's
        return None
    return read_statements(text, is_main(name)) if isinstance(text, str) else None


def _statements_in(file: str, is_main: bool) -> ModuleStatements | None:
    """The statements in a file; None if it can't be read."""
    kind, stamp = _KINDS[is_main], stamp_of(file)
    known = find(kind, file, stamp) if stamp else None
    if known is not None:
        return ModuleStatements.of_data(known)
    try:
        with tokenize.open(file) as opened:
            text = opened.read()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
    parsed = read_statements(text, is_main)
    if parsed is not None and stamp and stamp_of(file) == stamp:
        note(kind, file, stamp, parsed.as_data(), len(text))
    return parsed


def _cells() -> tuple[str, ...]:
    linecache = sys.modules.get("linecache")  # where IPython puts its cells
    return () if linecache is None else tuple(filter(is_cell, list(linecache.cache)))


def _cells_text(cells: tuple[str, ...]) -> str:
    from linecache import getlines  # which only a notebook has loaded

    texts = []
    for cell in cells:
        lines = "".join(getlines(cell))
        if _can_be_parsed(lines):
            texts.append(lines)
    return "\n".join(texts)


@lru_cache(maxsize=1000)
def _can_be_parsed(cell: str) -> bool:
    """Return True unless there are magics in a cell."""
    return read_statements(cell) is not None


def absolute_name(target: str, namespace: Mapping[str, Any]) -> str:
    """The full name of what a module imports; relative ones begin with dots."""
    path = target.lstrip(".")
    level = len(target) - len(path)
    if not level:
        return target
    package = namespace.get("__package__") or ""
    if level > 1:
        package = package.rsplit(".", level - 1)[0]
    return f"{package}.{path}" if package else path


def class_statement_of(module: str, qualname: str) -> ClassStatement | None:
    """The statement of a class of an own module that isn't loaded; None if it isn't there."""
    spec = find_spec(module) if module_owner(module) == "own" else None
    if spec is None:
        return None
    namespace = {"__file__": spec.origin if spec.has_location else None, "__loader__": spec.loader}
    parsed = _statements(module, namespace)
    return None if parsed is None else parsed.class_statement(qualname)


def compiled(name: str) -> CodeType | None:
    """The code of an own module, compiled from its source; None if that can't be read."""
    spec = find_spec(name) if module_owner(name) == "own" else None
    loader: Any = spec.loader if spec is not None else None
    try:
        code: CodeType | None = loader.get_code(name)
    except Exception:  # no source, a loader of somebody else's
        return None
    return code


def loads_on_demand(module: ModuleType, attribute: str) -> bool:
    """Return True if a module's ``__getattr__`` gives the attribute, or gave it before."""
    names = vars(module)
    if "__getattr__" not in names:
        return False
    source = source_of(module.__name__)
    return attribute not in names or (source is not None and attribute not in source.assigned)
