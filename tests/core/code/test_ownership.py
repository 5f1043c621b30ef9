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

from linepipe_core._code.ownership import find_spec, function_owner, module_owner, package_of


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
    """Whatever their modules are called; what isn't installed has no version."""
    assert package_of("numpy") == ("numpy", np.__version__)
    assert package_of("sklearn")[0] == "scikit-learn"
    assert package_of("no_module_of_this_name") == ("no_module_of_this_name", "")
