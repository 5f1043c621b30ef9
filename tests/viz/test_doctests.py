"""The examples in viz's docstrings do what they say."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import linepipe_viz

MODULES = [module.name for module in pkgutil.walk_packages(linepipe_viz.__path__, "linepipe_viz.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_do_what_they_say(name: str) -> None:
    """As doctest reads them."""
    assert doctest.testmod(import_module(name)).failed == 0
