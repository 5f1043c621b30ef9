"""Whose code something is: the project's own, an installed distribution's, or Python's.

The file decides, never the name: an own ``profile.py`` is own, and code beside installed
distributions (``pip install --target .``) is own unless one of them lists it. Own code is read;
installed code counts by its distribution's version, the standard library by Python's. Nothing
is ever imported to find out, importlib.metadata (70 ms) included.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec
from types import FunctionType, MethodDescriptorType, WrapperDescriptorType
from typing import Any, Final, Literal, NamedTuple

Owner = Literal["own", "installed", "standard"]

__all__ = [
    "Distribution",
    "class_owner",
    "distribution_named",
    "distribution_of_file",
    "distribution_of_module",
    "file_owner",
    "find_spec",
    "function_owner",
    "is_hidden_main",
    "is_main",
    "loaded_namespace",
    "module_owner",
    "namespace_owner",
    "normal_name",
    "note_main",
    "required_by",
    "root_of",
]

_INSTALL_FOLDERS: Final = ("site-packages", "dist-packages")
_MAIN: Final = frozenset({"__main__", "__mp_main__"})
# linepipe itself counts by version too, also where it is being worked on in a checkout.
_LINEPIPE: Final = frozenset({"linepipe", "linepipe_core", "linepipe_profile", "linepipe_viz"})
# The types that all packages built by Cython share: a module without a file or a version.
_CYTHON: Final = "_cython_"
_HEAP_TYPE: Final = 1 << 9  # Py_TPFLAGS_HEAPTYPE: not a static type of C


class Distribution(NamedTuple):
    """An installed distribution, or a file in its folder that none lists.

    Attributes:
        name: its name, or the path of the file below the folder.
        version: its version, or the hash of the file's content.
    """

    name: str
    version: str


class _Place(NamedTuple):
    owner: Owner
    folder: str = ""  # where it is installed
    path: str = ""  # below that folder


def is_main(name: object) -> bool:
    """Return True for the name of the program's module, which a spawned worker calls another."""
    return name in _MAIN


# The globals of a script whose place in sys.modules a profiler or a worker has taken.
_hidden_main: list[dict[str, Any]] = []


def note_main(namespace: dict[str, Any]) -> None:
    """Note the globals that a function of ``__main__`` has."""
    if vars(sys.modules["__main__"]) is not namespace:
        _hidden_main[:] = [namespace]


def is_hidden_main(file: str) -> bool:
    """Return True for the file of such a script."""
    return bool(_hidden_main) and _hidden_main[0].get("__file__") == file


def loaded_namespace(name: str, holding: str = "") -> dict[str, Any] | None:
    """The globals of a loaded module; None if it isn't loaded.

    Args:
        name: the module's.
        holding: a name in it, by which a script is told from the profiler that runs it.
    """
    module = sys.modules.get(name)
    if name in _MAIN and _hidden_main and (module is None or holding not in vars(module)):
        return _hidden_main[0]
    return vars(module) if module is not None else None


def file_owner(file: str) -> Owner:
    """The owner of a file's code."""
    return _place(file).owner


@cache
def _place(file: str) -> _Place:
    if file.startswith("<frozen"):
        return _Place("standard")
    path = _real_path(file)
    parts = path.split(os.sep)
    for index in range(len(parts) - 2, 0, -1):
        if parts[index] in _INSTALL_FOLDERS:
            folder = os.sep.join(parts[: index + 1])
            return _Place("installed", folder, "/".join(parts[index + 1 :]))
    if path.startswith(_standard_folders()):
        return _Place("standard")
    for folder in map(_real_folder, filter(None, sys.path)):
        if path.startswith(folder + os.sep):
            below = path[len(folder) + 1 :].replace(os.sep, "/")
            if _lister(folder, below):
                return _Place("installed", folder, below)
    return _Place("own")


def _real_path(file: str) -> str:
    """The path of a file without links; each folder is looked at once."""
    folder, name = os.path.split(os.path.abspath(file) if file[-1:] != os.sep else file)
    path = os.path.join(_real_folder(folder), name) if name else _real_folder(folder)
    return os.path.realpath(path) if os.path.islink(path) else path


@cache
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


@cache
def _standard_folders() -> tuple[str, ...]:
    """Where the standard library lies, zipped or not."""
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    zipped = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    folders.update(os.path.join(os.path.dirname(each), zipped) for each in tuple(folders) if each)
    folders.add(os.path.dirname(os.__file__))
    return tuple(sorted(os.path.realpath(each) + os.sep for each in folders if each))


def module_owner(name: str) -> Owner:
    """The owner of a loaded module; of one that isn't loaded, whose it would be."""
    if name in _MAIN:
        return "own"
    root = root_of(name)
    if root in _LINEPIPE:
        return "installed"
    if root.startswith(_CYTHON):
        return "standard"
    module = sys.modules.get(name)
    if module is not None:
        return namespace_owner(vars(module))
    spec = find_spec(name)
    return "own" if spec is None else _spec_owner(spec)


def namespace_owner(namespace: Mapping[str, Any]) -> Owner:
    """The owner of a module by its globals: its file, or where it was found."""
    name = namespace.get("__name__")
    if not isinstance(name, str) or name in _MAIN:
        return "own"
    if root_of(name) in _LINEPIPE:
        return "installed"
    file = namespace.get("__file__")
    if isinstance(file, str) and not file.startswith("<"):
        return file_owner(file)
    spec = namespace.get("__spec__")
    if isinstance(spec, ModuleSpec):
        return _spec_owner(spec)
    return "standard" if name in sys.builtin_module_names else "own"


def _spec_owner(spec: ModuleSpec) -> Owner:
    """The owner of the module of an import spec."""
    if spec.origin in ("built-in", "frozen"):
        return "standard"
    places = [spec.origin] if spec.has_location else list(spec.submodule_search_locations or ())
    owners = {file_owner(os.path.join(place, "")) for place in places if place}
    return owners.pop() if len(owners) == 1 else "own"


def function_owner(function: FunctionType) -> Owner:
    """The owner of a function: where its code was written, not where a wrapper claims to be."""
    file = function.__code__.co_filename
    if file.startswith("<frozen"):
        return "standard"
    if not file.startswith("<") and root_of(str(function.__globals__.get("__name__"))) not in (
        _LINEPIPE
    ):
        return file_owner(file)
    return namespace_owner(function.__globals__)


def class_owner(kind: type) -> Owner:
    """The owner of a class: that of its module; of a type of C whose module isn't there, Python's.

    A type of C may name a module that isn't there, as wrapt's proxies do.
    """
    name = _own_attributes(kind).get("__module__")
    if not isinstance(name, str):  # a type of C keeps it elsewhere
        name = type.__getattribute__(kind, "__module__")
    if not isinstance(name, str) and type(kind) is not type:  # made by a call, as sympy's functions
        return class_owner(type(kind))
    if name == "types" and vars(types).get(kind.__name__) is not kind:
        return "own"  # of types.new_class, and of make_dataclass up to 3.11
    if name in _MAIN or name in sys.modules or not isinstance(name, str):
        return module_owner(str(name))
    return module_owner(name) if _is_written(kind) else "standard"


def _is_written(kind: type) -> bool:
    """Return True for a class of Python's, and not a type of C: that has methods of C."""
    methods = (
        each
        for each in _own_attributes(kind).values()
        if type(each) in (WrapperDescriptorType, MethodDescriptorType)
    )
    is_heap_type = bool(kind.__flags__ & _HEAP_TYPE)
    return is_heap_type and not any(each.__objclass__ is kind for each in methods)


def _own_attributes(kind: type) -> Mapping[str, Any]:
    attributes: Mapping[str, Any] = type.__getattribute__(kind, "__dict__")
    return attributes


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
    return _asked(name, path) or _folder_spec(name, path or [])


def _asked(name: str, path: list[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, path)
        except Exception:  # a foreign import hook that can't tell without importing
            continue
        if spec is not None:
            return spec
    return None


def _folder_spec(name: str, path: list[str]) -> ModuleSpec | None:
    """The spec of a folder without ``__init__`` in a package that isn't loaded.

    Python's finder asks the loaded package where such a folder lies.
    """
    folders = [os.path.join(place, name.rpartition(".")[2]) for place in path]
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [folder for folder in folders if os.path.isdir(folder)]
    return spec if spec.submodule_search_locations else None


# --- distributions --------------------------------------------------------------------------


def distribution_of_module(name: str) -> Distribution | None:
    """The installed distribution that a module belongs to; None for own and standard ones."""
    root = root_of(name)
    if root in _LINEPIPE:
        version = vars(sys.modules[root]).get("__version__") if root in sys.modules else ""
        return Distribution(root.replace("_", "-"), str(version))
    module = sys.modules.get(name)
    file = vars(module).get("__file__") if module is not None else None
    if not isinstance(file, str):
        spec = find_spec(name)
        file = spec.origin if spec is not None and spec.has_location else None
    return distribution_of_file(file) if file else None


@cache
def distribution_of_file(file: str) -> Distribution | None:
    """The installed distribution that lists a file; None if the file isn't installed."""
    place = _place(file)
    if place.owner != "installed":
        return None
    info = _lister(place.folder, place.path)
    if info is None:  # Debian and conda strip the lists; others copy files by hand
        return Distribution(place.path, _content(file))
    fields = _metadata(os.path.join(place.folder, info))
    stem, _, version = info.removesuffix(".dist-info").partition("-")
    return Distribution(fields.get("Name", [stem])[0], fields.get("Version", [version])[0])


def distribution_named(name: str) -> Distribution | None:
    """The installed distribution of a name; None if there is none."""
    for folder in filter(None, sys.path):
        for info in _infos(_real_folder(folder)).get(normal_name(name), ()):
            fields = _metadata(os.path.join(folder, info))
            version = info.removesuffix(".dist-info").partition("-")[2]
            return Distribution(name, fields.get("Version", [version])[0])
    root = name.replace("-", "_")
    return distribution_of_module(root) if root in _LINEPIPE else None


@cache
def required_by(distribution: str) -> frozenset[str]:
    """The normal names of a distribution and of those that it requires in turn."""
    found: set[str] = set()
    waiting = [normal_name(distribution)]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(_required_directly(each))
    return frozenset(found)


def _required_directly(name: str) -> Iterator[str]:
    for folder in filter(None, sys.path):
        for info in _infos(_real_folder(folder)).get(name, ()):
            for line in _metadata(os.path.join(folder, info)).get("Requires-Dist", ()):
                requirement, _, marker = line.partition(";")
                if "extra" not in marker:
                    yield normal_name(_leading_name(requirement))


def _leading_name(requirement: str) -> str:
    """The name that a requirement such as ``numpy>=1.26`` begins with."""
    for place, sign in enumerate(requirement):
        if not (sign.isalnum() or sign in "-_."):
            return requirement[:place]
    return requirement


@cache
def _infos(folder: str) -> dict[str, list[str]]:
    """The metadata folders of the distributions that are installed in a folder, by normal name."""
    found: dict[str, list[str]] = {}
    try:
        entries = os.listdir(folder)
    except OSError:  # a zip file, a folder that isn't there
        return found
    for entry in sorted(entries):
        # An egg-info lies in the source folder of an editable project: it installs nothing.
        if entry.endswith(".dist-info"):
            found.setdefault(normal_name(entry.partition("-")[0]), []).append(entry)
    return found


def _lister(folder: str, path: str) -> str | None:
    """The metadata folder of the distribution whose RECORD lists a path below a folder."""
    infos = _infos(folder)
    likely = infos.get(normal_name(path.partition("/")[0].removesuffix(".py")), ())
    for info in likely:
        if path in _listed(folder, info):
            return info
    for each in infos.values():
        for info in each:
            if info not in likely and path in _listed(folder, info):
                return info
    return None


@cache
def _listed(folder: str, info: str) -> frozenset[str]:
    text = _text(os.path.join(folder, info), "RECORD")
    return frozenset(line.rsplit(",", 2)[0].strip('"') for line in text.splitlines())


@cache
def _metadata(folder: str) -> dict[str, list[str]]:
    """The fields of a distribution's metadata that are asked for."""
    fields: dict[str, list[str]] = {}
    for line in _text(folder, "METADATA").partition("\n\n")[0].splitlines():
        name, _, value = line.partition(": ")
        if name in ("Name", "Version", "Requires-Dist"):
            fields.setdefault(name, []).append(value)
    return fields


def normal_name(name: str) -> str:
    """A distribution's name as its metadata folder spells it."""
    return name.lower().replace("-", "_").replace(".", "_")


def _text(folder: str, file: str) -> str:
    try:
        with open(os.path.join(folder, file), encoding="utf-8", errors="replace") as opened:
            return opened.read()
    except OSError:
        return ""


def _content(file: str) -> str:
    from hashlib import blake2b  # it loads OpenSSL: 3 ms, and every start reads this module

    try:
        with open(file, "rb") as opened:
            return blake2b(opened.read(), digest_size=16).hexdigest()
    except OSError:
        return ""


def root_of(module: str) -> str:
    """The top-level name of a module."""
    return module.partition(".")[0]
