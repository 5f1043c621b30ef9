"""Whose code something is: the project's own, an installed package's, or Python's.

Own code is read; installed packages count by name and version; the standard library counts
with Python's version. Everything that is neither in the standard library nor in a
``site-packages`` folder is own code: scripts, notebooks, ``exec``, editable installs.
Nothing is ever imported to find out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import PurePath
from types import FunctionType
from typing import Any, Final, Literal

Owner = Literal["own", "installed", "standard"]

__all__ = ["find_spec", "function_owner", "module_owner", "package_of", "root_of"]

_INSTALL_FOLDERS: Final = frozenset({"site-packages", "dist-packages"})
_STANDARD: Final = os.path.dirname(os.path.realpath(os.__file__)) + os.sep
# linepipe itself counts by version too, also where it is being worked on in a checkout.
_LINEPIPE: Final = frozenset({"linepipe", "linepipe_core", "linepipe_profile", "linepipe_viz"})

# The types that all packages built by Cython share: a module without a file or a version.
_CYTHON: Final = "_cython_"


def module_owner(name: str) -> Owner:
    """Whose a loaded module is; of one that isn't loaded, whose it would be."""
    root = root_of(name)
    if root in _LINEPIPE:
        return "installed"
    if root in sys.stdlib_module_names or root.startswith(_CYTHON):
        return "standard"
    module = sys.modules.get(name)
    if module is not None:
        file = vars(module).get("__file__")
        if isinstance(file, str):
            return _file_owner(file)
        if name == "__main__":
            return "own"
    spec = find_spec(name)
    return "own" if spec is None else _spec_owner(spec)


def _spec_owner(spec: ModuleSpec) -> Owner:
    """Whose the module of an import spec is."""
    places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    owners = {_file_owner(place) for place in places if place}
    return owners.pop() if len(owners) == 1 else "own"


def function_owner(function: FunctionType) -> Owner:
    """Whose a function is: where its code was written, not where a wrapper claims to be from."""
    file = function.__code__.co_filename
    if file.startswith("<frozen"):
        return "standard"
    if not file.startswith("<") and function.__globals__.get("__name__") not in _LINEPIPE:
        return _file_owner(file)
    module = function.__globals__.get("__name__")
    if not isinstance(module, str) or module not in sys.modules or module == "__main__":
        return "own"
    return module_owner(module)


@cache
def _file_owner(file: str) -> Owner:
    if not _INSTALL_FOLDERS.isdisjoint(PurePath(file).parts):
        return "installed"
    return "standard" if os.path.realpath(file).startswith(_STANDARD) else "own"


def find_spec(name: str) -> ModuleSpec | None:
    """Where a module would come from, found without importing it or its parents."""
    module = sys.modules.get(name)
    if module is not None:
        known: Any = vars(module).get("__spec__")
        return known if known is not None else None
    parent = name.rpartition(".")[0]
    path: list[str] | None = None
    if parent:
        above = find_spec(parent)
        if above is None or above.submodule_search_locations is None:
            return None
        path = list(above.submodule_search_locations)
    return _asked(name, path)


def _asked(name: str, path: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, path)
        except Exception:  # a foreign import hook that can't tell without importing
            continue
        if spec is not None:
            return spec
    return None


@cache
def package_of(root: str) -> tuple[str, str]:
    """The distribution that a top-level module belongs to, and its version.

    Read from the ``.dist-info`` folders on the path, as importlib.metadata would, whose import
    alone takes as long as a run that reuses everything.

    Returns:
        Where no distribution is known, the module's own name, and ``""`` as version.
    """
    infos = list(_info_folders())
    for name, folder in infos:
        if name == _normal(root):
            return _name_and_version(folder, root)
    for _, folder in infos:
        if _brings(folder, root):
            return _name_and_version(folder, root)
    return root, ""


def _info_folders() -> Iterator[tuple[str, str]]:
    """Every installed distribution's normal name and the folder of its metadata."""
    for path in sys.path:
        try:
            entries = os.listdir(path or ".")
        except OSError:  # a zip file, a folder that isn't there
            continue
        for entry in entries:
            if entry.endswith((".dist-info", ".egg-info")):
                yield _normal(entry.partition("-")[0]), os.path.join(path, entry)


def _normal(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _name_and_version(folder: str, root: str) -> tuple[str, str]:
    text = _text(folder, "METADATA") or _text(folder, "PKG-INFO")
    head = text.partition("\n\n")[0].splitlines()
    fields = dict(line.partition(": ")[::2] for line in head if ": " in line)
    return fields.get("Name", root), fields.get("Version", "")


def _brings(folder: str, root: str) -> bool:
    """Whether a distribution brings the top-level module; its own list is asked first."""
    listed = _text(folder, "top_level.txt")
    if listed:
        return root in listed.split()
    files = "\n" + _text(folder, "RECORD")
    return f"\n{root}/" in files or f"\n{root}." in files


def _text(folder: str, file: str) -> str:
    try:
        with open(os.path.join(folder, file), encoding="utf-8", errors="replace") as opened:
            return opened.read()
    except OSError:
        return ""


def root_of(module: str) -> str:
    """The top-level name of a module."""
    return module.partition(".")[0]
