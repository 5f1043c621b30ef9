"""The names that linepipe_core exports, its errors, and the modules that its import loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import linepipe_core
from linepipe_core import errors

# What the start of bare Python doesn't load, and the core does. `typing` loads the most of it: up
# to Python 3.12 re, contextlib and warnings, too.
LIGHT = {
    *("collections", "contextlib", "copyreg", "enum", "functools", "genericpath", "importlib"),
    *("keyword", "operator", "os", "posixpath", "reprlib", "stat", "types", "typing", "warnings"),
    *(("re",) if sys.version_info < (3, 13) else ()),
}
# The wings that only a pipeline with the persistent cache needs, and what every run has of them.
OF_THE_CACHE = {"_code": {"reason"}, "_reuse": {"plan", "provenance", "reasons"}}
OF_THE_CACHE["_store"] = {"info", "registry"}
# Loaded by the call that needs them.
ON_DEMAND = {
    *("_declare.check", "_declare.merge", "_declare.rename"),
    *("_run.cases", "_run.debugger", "_run.hook_calls", "_run.transport"),
    *("_values.content_hash", "_values.secrets", "_values.trees", "shelf"),
}


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


def printed_by(code: str) -> str:
    """The output of code in bare Python, which finds the core."""
    source = str(Path(linepipe_core.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {source!r}); {code}"
    command = [sys.executable, "-S", "-I", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def loaded_by_importing_it() -> set[str]:
    """The modules that it loads beyond those of bare Python, by their full names."""
    code = "before = set(sys.modules); import linepipe_core; print(*(sys.modules.keys() - before))"
    return set(printed_by(code).split())


def test_importing_it_loads_nothing_heavy() -> None:
    """Of the standard library little but `typing` and what that loads: it is most of the start."""
    others = {name.partition(".")[0] for name in loaded_by_importing_it()} - {"linepipe_core"}
    others = {name for name in others if not name.startswith("_")}  # written in C
    assert others - set(sys.builtin_module_names) <= LIGHT


def test_importing_it_loads_only_what_a_run_in_memory_needs() -> None:
    """The rest comes with the first pipeline that has the cache, or the call that needs it."""
    ours = {m.partition(".")[2] for m in loaded_by_importing_it() if m.startswith("linepipe_core.")}
    assert not ours & ON_DEMAND
    for wing, modules in OF_THE_CACHE.items():
        assert {name.partition(".")[2] for name in ours if name.startswith(f"{wing}.")} == modules


def test_importing_it_compiles_no_annotations() -> None:
    """A NamedTuple compiles those that are texts, and the first makes all types of syntax trees."""
    code = (
        "import builtins, typing; real = compile; texts = []; "
        "builtins.compile = lambda *a, **k: (texts.append(a[0]), real(*a, **k))[1]; "
        "import linepipe_core; print([text for text in texts if isinstance(text, str)])"
    )
    assert printed_by(code) == "[]\n"


@pytest.mark.parametrize(
    "path", sorted(Path(linepipe_core.__file__).parent.rglob("*.py")), ids=lambda path: path.name
)
def test_every_module_says_why_it_exists(path: Path) -> None:
    """In its docstring, in more than a heading."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert len(docstring.split()) > 15
