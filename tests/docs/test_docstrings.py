"""Every example in a docstring runs, in all four packages."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

PACKAGES = ("linepipe", "linepipe_core", "linepipe_profile", "linepipe_viz")


def _modules() -> Iterator[str]:
    for name in PACKAGES:
        yield name
        for found in walk_packages(import_module(name).__path__, f"{name}."):
            if not found.name.endswith(".__main__"):
                yield found.name


@pytest.mark.parametrize("name", tuple(_modules()))
def test_every_example_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trimmed_heap: None
) -> None:
    """As doctest reads them."""
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples() -> None:
    """The list isn't empty by mistake."""
    found = [
        test
        for name in ("linepipe_core._store.object_shelf", "linepipe_profile.hook")
        for test in doctest.DocTestFinder().find(import_module(name))
        if test.examples
    ]
    assert len(found) >= 2
