"""The names that linepipe_core exports, its errors, and the modules that its import loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import linepipe_core
from linepipe_core import errors

HEAVY = [
    "asyncio",
    "concurrent.futures",
    "hashlib",
    "importlib.metadata",
    "logging",
    "multiprocessing",
    "pdb",
    "shelve",
    "sqlite3",
    "unittest",
]


def test_all_is_sorted_and_true() -> None:
    """Every name in ``__all__`` is there, and every public name is in ``__all__``."""
    public = {
        name
        for name in dir(linepipe_core)
        if not name.startswith("_")
        and not isinstance(getattr(linepipe_core, name), type(linepipe_core))
    }
    assert set(linepipe_core.__all__) == public
    assert sorted(linepipe_core.__all__) == sorted(set(linepipe_core.__all__))


def test_the_tree_in_the_docstring_is_the_tree_of_errors() -> None:
    """Names and builtins mixed in, as drawn."""
    rendered = {}
    for line in (errors.__doc__ or "").splitlines():
        words = line.strip("│├└─ ").split()
        if words and words[0] in errors.__all__:
            mixed = line.partition("(")[2].partition(")")[0] if "(" in line else ""
            rendered[words[0]] = {name for name in mixed.split(", ") if name}
    real = {}
    for name in errors.__all__:
        kind = getattr(errors, name)
        builtin = {base.__name__ for base in kind.__bases__ if base.__module__ == "builtins"}
        real[name] = builtin - {"Exception"}
    assert rendered == real


def test_every_error_is_exported() -> None:
    """So that users can catch each."""
    assert set(errors.__all__) <= set(linepipe_core.__all__)
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), errors.LinepipeError)


def test_importing_it_loads_nothing_heavy() -> None:
    """None of the heavy parts of the standard library, and nothing from site-packages."""
    code = (
        "import sys; before = set(sys.modules); import linepipe_core; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in done.stdout.split() if not name.startswith("linepipe_core")}
    assert not loaded.intersection(HEAVY)
    assert {name.partition(".")[0] for name in loaded} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    "path", sorted(Path(linepipe_core.__file__).parent.rglob("*.py")), ids=lambda path: path.name
)
def test_every_module_says_why_it_exists(path: Path) -> None:
    """In its docstring, in more than a heading."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert len(docstring.split()) > 15
