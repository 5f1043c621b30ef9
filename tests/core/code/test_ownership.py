"""Whose code something is, found without importing it."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas.api.types import infer_dtype

from linepipe_core._code.ownership import (
    class_owner,
    distribution_of_file,
    distribution_of_module,
    file_owner,
    find_spec,
    function_owner,
    module_owner,
    required_by,
)


@pytest.mark.parametrize(
    ("module", "owner"),
    [
        (__name__, "own"),
        ("__main__", "own"),
        ("json", "standard"),
        ("json.decoder", "standard"),
        ("sys", "standard"),
        ("numpy", "installed"),
        ("numpy.linalg", "installed"),
        ("sklearn.never_loaded", "own"),  # there is none: nothing is known of it
        ("linepipe_core.node", "installed"),
        (type(infer_dtype).__module__, "standard"),  # Cython's, which isn't in any package
        ("no_module_of_this_name", "own"),
    ],
)
def test_owner_of_a_module(module: str, owner: str) -> None:
    """By where its file lies."""
    assert module_owner(module) == owner


def test_owner_of_a_function_is_where_it_was_written() -> None:
    """Not what a wrapper says that it is."""

    @functools.wraps(json.dumps)
    def wrapper(x: Any) -> str:
        return json.dumps(x)

    space: dict[str, Any] = {}
    exec("def made_by_exec(): pass", space)
    functions: list[Any] = [wrapper, space["made_by_exec"], json.dumps, np.linalg.norm]
    functions[3] = functions[3].__wrapped__
    owners = [function_owner(function) for function in functions]
    assert owners == ["own", "own", "standard", "installed"]


def test_a_spec_is_found_without_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a module in a package that would raise when imported."""
    package = tmp_path / "explosive_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "inner.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    spec = find_spec("explosive_package.inner")
    assert spec is not None
    assert spec.origin == str(package / "inner.py")
    assert "explosive_package" not in sys.modules
    assert find_spec("explosive_package.nothing") is None


def test_packages_are_named_as_they_are_installed() -> None:
    """Whatever their modules are called; what isn't installed is no distribution's."""
    assert distribution_of_module("numpy") == ("numpy", np.__version__)
    found = distribution_of_module("sklearn")
    assert found is not None
    assert found.name == "scikit-learn"
    assert distribution_of_module("no_module_of_this_name") is None


def test_a_distribution_requires_what_it_is_built_on() -> None:
    """In turn, too: a seed of numpy's counts for what sklearn does."""
    assert {"scikit_learn", "numpy", "scipy", "joblib"} <= required_by("scikit-learn")
    assert "scikit_learn" not in required_by("numpy")
    assert required_by("no-distribution") == {"no_distribution"}


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("wave.py", "own"),  # also a name of the standard library's
        ("profile/__init__.py", "own"),
        ("helpers.py", "own"),  # beside what is installed there
        ("thing/core.py", "installed"),
        ("shared/of_thing.py", "installed"),  # a namespace package of two owners
        ("shared/of_mine.py", "own"),
        ("lib/python3.12/site-packages/copied.py", "installed"),
    ],
)
def test_the_file_decides_who_owns_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, owner: str
) -> None:
    """In a folder that ``pip install --target .`` has filled, too."""
    info = tmp_path / "thing-1.2.dist-info"
    info.mkdir()
    (info / "RECORD").write_text("thing/core.py,sha256=x,1\nshared/of_thing.py,,\n")
    (info / "METADATA").write_text("Name: Thing\nVersion: 1.2\n\nName: other\n")
    (tmp_path / "mine.egg-info").mkdir()  # of an editable project: it installs nothing
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("def f(): pass")
    assert file_owner(str(file)) == owner
    found = distribution_of_file(str(file))
    if "site-packages" in path:
        assert found is not None
        assert found.name == "copied.py"
        assert len(found.version) == 32  # by its content: no distribution lists it
    else:
        assert found == (("Thing", "1.2") if owner == "installed" else None)


def test_a_class_of_c_that_names_no_module_is_not_own() -> None:
    """wrapt's proxies name ``_wrappers``; a class written in Python is own without a module."""
    written = type("Written", (), {"__module__": "no_module_of_this_name"})
    assert class_owner(written) == "own"
    assert class_owner(type(np.add)) == "installed"
    assert class_owner(dict) == "standard"
    proxy = type("Proxy", (), {"__slots__": (), "__module__": "json"})
    assert class_owner(proxy) == "standard"


@pytest.mark.slow
def test_a_class_that_a_library_makes_in_no_module_is_not_own() -> None:
    """Sympy's, of undefined functions."""
    import sympy

    assert class_owner(type(sympy.Function("f")(sympy.Symbol("x")))) == "installed"
