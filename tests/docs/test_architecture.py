"""The architecture's page names wings, modules and functions that are really there."""

from __future__ import annotations

import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

import linepipe_core

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
CORE = Path(linepipe_core.__file__).parent
TEXT = PAGE.read_text(encoding="utf-8")
DOTTED = re.compile(r"`(_[a-z]+\.[a-z_]+(?:\.\w+)+)`")  # `_store.store.Store.write`
ROW = re.compile(r"^\| `(_\w+)` \| ([^|]*) \|", re.M)  # a wing, and the modules in it


@pytest.mark.parametrize("name", sorted(set(DOTTED.findall(TEXT))))
def test_a_named_function_is_there(name: str) -> None:
    """In the module that the page names it with."""
    wing, module, *attributes = name.split(".")
    found = import_module(f"linepipe_core.{wing}.{module}")
    assert reduce(getattr, attributes, found) is not None


@pytest.mark.parametrize(("wing", "modules"), ROW.findall(TEXT))
def test_a_wings_modules_are_there(wing: str, modules: str) -> None:
    """Those that the table names."""
    for module in re.findall(r"`(\w+)`", modules):
        assert (CORE / wing / f"{module}.py").exists()


def test_every_wing_has_a_row() -> None:
    """A stranger finds each folder of the core in the table."""
    wings = {path.parent.name for path in CORE.glob("_*/__init__.py")}
    assert {wing for wing, _ in ROW.findall(TEXT)} == wings
