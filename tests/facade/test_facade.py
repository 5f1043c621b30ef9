"""linepipe: the names that people type, over the distributions that hold them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

import linepipe
import linepipe_core
import linepipe_viz
from linepipe_core import MissingExtraError


def run(code: str) -> str:
    """The output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_it_is_core_by_another_name() -> None:
    """The very same objects."""
    assert set(linepipe.__all__) == {*linepipe_core.__all__, "__version__"}
    for name in linepipe_core.__all__:
        assert getattr(linepipe, name) is getattr(linepipe_core, name)


@pytest.mark.parametrize("part", ["node", "pipeline", "registry"])
def test_its_parts_hold_core_names(part: str) -> None:
    """``linepipe.node.Node`` is core's Node."""
    module = getattr(linepipe, part)
    assert isinstance(module, ModuleType)
    for name in module.__all__:
        assert getattr(module, name) is getattr(linepipe_core, name)


@pytest.mark.parametrize(
    ("part", "distribution"), [("viz", "linepipe_viz"), ("profile", "linepipe_profile")]
)
def test_its_other_parts_hold_the_names_of_their_distributions(
    part: str, distribution: str
) -> None:
    """All of them, and the very same objects."""
    module, home = getattr(linepipe, part), importlib.import_module(distribution)
    assert sorted(module.__all__) == sorted(dir(module)) == sorted(home.__all__)
    for name in home.__all__:
        assert getattr(module, name) is getattr(home, name)


def test_from_imports_work() -> None:
    """The lines that the README shows."""
    from linepipe.node import Node, create_named_partial_function
    from linepipe.pipeline import Pipeline
    from linepipe.registry import ObjectRegistry, ObjPlacement
    from linepipe.viz import draw_ascii_pipeline

    assert Node is linepipe_core.Node
    assert Pipeline is linepipe_core.Pipeline
    assert create_named_partial_function is linepipe_core.create_named_partial_function
    assert ObjectRegistry is linepipe_core.ObjectRegistry
    assert ObjPlacement is linepipe_core.ObjPlacement
    assert draw_ascii_pipeline is linepipe_viz.draw_ascii_pipeline


def test_importing_it_loads_no_views() -> None:
    """Neither viz, rich nor plotly, nor the profile."""
    code = (
        "import sys, linepipe; "
        "print(*[m for m in ('linepipe_viz', 'linepipe_profile', 'rich', 'plotly') "
        "if m in sys.modules])"
    )
    assert run(code).strip() == ""


def test_a_star_import_asks_for_no_extra() -> None:
    """It gives core's names."""
    code = "from linepipe import *; import sys; print('linepipe_profile' in sys.modules, Node)"
    assert run(code) == "False <class 'linepipe_core._declare.node.Node'>\n"


def test_an_unknown_name_is_pythons_own_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="module 'linepipe' has no attribute 'nope'"):
        _ = linepipe.nope
    assert "viz" in dir(linepipe)


def test_without_the_extra_the_error_names_the_install_command() -> None:
    """And it is an ImportError."""
    code = (
        "import sys; sys.modules['linepipe_profile'] = None\n"
        "import linepipe\n"
        "try:\n"
        "    linepipe.profile\n"
        "except ImportError as error:\n"
        "    print(type(error).__name__, error, sep=chr(10))\n"
    )
    assert run(code) == (
        'MissingExtraError\nlinepipe.profile isn\'t installed\n  pip install "linepipe[memory]"\n'
    )
    assert MissingExtraError("x", "y").install == "y"


def test_without_the_extra_inspection_works() -> None:
    """Listing a module's names must not fail for one that can't be loaded."""
    code = (
        "import sys; sys.modules['linepipe_profile'] = None\n"
        "import inspect, linepipe, pydoc\n"
        "names = [name for name, _ in inspect.getmembers(linepipe)]\n"
        "print('profile' in names, 'viz' in names, 'Node' in names)\n"
        "print('run plain Python functions' in pydoc.render_doc('linepipe'))\n"
    )
    assert run(code) == "False True True\nTrue\n"


def test_with_all_extras_all_parts_are_listed() -> None:
    """And nothing is loaded for it."""
    code = (
        "import sys, linepipe\n"
        "print({'node', 'pipeline', 'profile', 'registry', 'viz'} <= set(dir(linepipe)))\n"
        "print('linepipe_profile' in sys.modules, 'linepipe_viz' in sys.modules)\n"
    )
    assert run(code) == "True\nFalse False\n"
