"""The calls whose results no fingerprint can tell: files, the network, the clock, chance.

Named in the plan. The adapters list the readers of their libraries; those of the standard library
and of libraries without an adapter are listed here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from linepipe_core._code.bytecode import NormalCode
from linepipe_core._code.ownership import module_owner, root_of
from linepipe_core._values.adapter import is_reader, is_sampler

__all__ = ["is_file_reader", "standard_modules", "unseen_calls"]

_UNSEEN: Final = {
    *("__import__", "eval", "exec", "globals", "input", "open", "sys.argv", "sys.stdin"),
    *("datetime.date.today", "datetime.datetime.now", "datetime.datetime.today"),
    *("datetime.datetime.utcnow", "os.getenv", "time.time", "time.time_ns"),
    *("time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"),
    *("time.localtime", "time.gmtime", "time.strftime", "time.ctime"),
    *("_sqlite3.connect", "importlib.import_module", "sqlite3.connect", "sys.modules"),
    *("uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getcwd", "os.popen", "os.system"),
    *("os.listdir", "os.scandir", "os.walk", "os.stat", "posix.listdir", "posix.scandir"),
    *("posix.stat", "posix.urandom", "posix.getcwd", "posix.system", "nt.listdir", "nt.scandir"),
    *("glob.glob", "glob.iglob", "posixpath.exists", "genericpath.exists", "genericpath.getmtime"),
    *("posix._path_exists", "posix._path_isfile", "posix._path_isdir"),
    *("genericpath.getsize", "genericpath.isfile", "genericpath.isdir", "shelve.open", "dbm.open"),
    *("configparser.ConfigParser.read", "socket.socket", "socket.create_connection"),
    *("socket.gethostname", "getpass.getuser", "platform.node"),
    *("joblib.load", "joblib.numpy_pickle.load", "sqlalchemy.create_engine"),
    *("sqlalchemy.engine.create.create_engine", "importlib.metadata.version"),
}
_UNSEEN_KINDS: Final = (
    *("os.environ", "random.", "requests.", "secrets.", "subprocess.", "urllib.request."),
    *("httpx.", "aiohttp.", "urllib3.", "boto3.", "fsspec.", "ftplib.", "smtplib.", "http.client."),
    *("duckdb.", "_duckdb.", "dask.dataframe.read_", "dask.dataframe.io.", "dask.bag.read_"),
    *("dask.array.from_zarr", "ibis.read_", "ibis.connect", "ibis.duckdb.", "ibis.sqlite."),
    *("ibis.postgres.", "ibis.backends.", "importlib.resources.", "xarray.open_", "xarray.load_"),
    *("sklearn.datasets.fetch_", "sklearn.datasets._openml.", "geopandas.read_", "pyreadr."),
)
# Types and errors of these read nothing.
_HARMLESS: Final = re.compile(r"(^|\.)[A-Z]\w*(Error|Exception|Warning|Timeout|Limits)$")
# Of whatever object: few that aren't a path, a database or a file have methods of these names.
_UNSEEN_METHODS: Final = {
    *("fetchall", "fetchmany", "fetchone", "glob", "iterdir", "open", "read_bytes", "read_text"),
    *("rglob", "to_sql"),
}
_SEEDED: Final = {"Random"}  # with a seed it gives the same each time
_OWN_GENERATORS: Final = {"random.Random", "random.SystemRandom"}  # no other seed counts for them
# Samplers that are given their seed by a keyword.
_SAMPLERS: Final = {
    *(".sample", "sklearn.model_selection._split.train_test_split", "sklearn.utils.shuffle"),
    *("sklearn.model_selection.train_test_split", "sklearn.utils._indexing.resample"),
    *("sklearn.utils._indexing.shuffle", "sklearn.utils.resample"),
}
_GENERATORS: Final = frozenset({"generator"})
# With a seed they make all that a library samples afterwards known.
_SEEDERS: Final = frozenset({"manual_seed", "seed"})
_FOREIGN: Final = ("builtin ", "foreign ", "module ")  # what targets begin with
_OF_FILES: Final = re.compile(
    r"(^|\.)(open|read_\w+|scan_\w+|load|loadtxt|fromfile|genfromtxt|memmap)( in a text)?$"
)


def unseen_calls(normal: NormalCode, targets: Iterable[str]) -> Iterator[str]:
    """The names of what code calls, and of what its texts call, whose result can't be told.

    Args:
        normal: the code, normalised.
        targets: what each of its references refers to.
    """
    is_seeded, has_generator = bool(normal.seeds), not _GENERATORS.isdisjoint(normal.seeds)
    calls = [
        (_dotted(path, target, path in normal.methods), path in normal.bare)
        for path, target in zip(normal.references, targets, strict=True)
        if not target.startswith(("class ", "code "))
    ]
    calls += ((name, False) for name in normal.reads if module_owner(root_of(name)) != "own")
    seeded: set[str] = set()  # the libraries, by the calls so far
    for name, is_bare in calls:
        if not is_bare and _last(name) in _SEEDERS:
            seeded.add(root_of(name))
        is_known = (has_generator or root_of(name) in seeded) and _is_sampler(name)
        if (name in _SAMPLERS and not is_seeded) or (_is_unseen(name, is_bare) and not is_known):
            yield name
    for path in normal.methods:
        name = f".{path[0]}"
        if len(path) == 1 and (_is_unseen(name) or (name in _SAMPLERS and not is_seeded)):
            yield name
    yield from (f"{each} in a text" for each in normal.readers)


def is_file_reader(name: str) -> bool:
    """Return True for a call of that name, from ``unseen_calls``, that reads a file it is given."""
    return _OF_FILES.search(name) is not None


@lru_cache(maxsize=4000)
def _is_unseen(name: str, is_bare: bool = True) -> bool:
    """Return True if a foreign function of that full name reads what no fingerprint sees.

    Args:
        name: ``time.time``, or ``.read_text`` for a method of something unknown.
        is_bare: True if it is called without an argument that may be a seed.
    """
    _, dot, last = name.rpartition(".")
    if (last in _SEEDED and not is_bare) or _HARMLESS.search(name):
        return False
    if name in _UNSEEN or name.startswith(_UNSEEN_KINDS) or is_reader(name, is_bare):
        return True
    return bool(dot) and last in _UNSEEN_METHODS


@lru_cache(maxsize=4000)
def _is_sampler(name: str) -> bool:
    """Return True for a function of that name that gives the same each time once it has a seed."""
    if name.startswith("random."):
        return name not in _OWN_GENERATORS
    return is_sampler(name)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def standard_modules(normal: NormalCode, targets: Iterable[str]) -> set[str]:
    """The modules of the standard library that code names."""
    named = {root_of(each.module) for each in normal.imports}
    for path, target in zip(normal.references, targets, strict=True):
        if target.startswith(_FOREIGN):
            named.add(root_of(_dotted(path, target, False)))
    return named & sys.stdlib_module_names


def _dotted(path: tuple[str, ...], target: str, is_method: bool) -> str:
    """The full name of a foreign thing that code refers to: ``time.time``.

    Of a value only the method that is called: ``.read_text``.
    """
    if target.startswith(_FOREIGN):
        name = target.partition(" by ")[0].partition(" ")[2]
        return ".".join((name, *path[1:]))
    is_value = is_method and target.startswith("global ") and target != f"global {path[-1]}"
    return f".{path[-1]}" if is_value else ""
