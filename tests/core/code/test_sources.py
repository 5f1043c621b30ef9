"""Modules that a node imports inside its function: real ones on disk, in fresh processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.core.projects import Project

IMPORTING = """
def node():
    import helper
    return helper.value()
"""


@pytest.mark.parametrize(
    "statement",
    [
        "from installed import inner",
        "import installed.inner",
        "import installed, installed.inner as inner",
        "from installed.inner import name",
    ],
)
def test_an_installed_package_counts_once_whatever_is_imported_from_it(
    tmp_path: Path, statement: str
) -> None:
    """Loaded by the node, a module inside it is no other package; it was one, alternately."""
    project = Project(tmp_path, f"def node():\n    {statement}\n    return 1")
    project.write("site-packages/installed/__init__.py", "")
    project.write("site-packages/installed/inner.py", "name = 1")
    metadata = "site-packages/installed-1.0.dist-info/METADATA"
    project.write(metadata, "Name: installed\nVersion: 1.0\n")
    listed = "installed/__init__.py,,\ninstalled/inner.py,,\n"
    project.write("site-packages/installed-1.0.dist-info/RECORD", listed)
    assert project.session("run(); run()") == ["1, never ran", "1, nothing changed"]
    assert project.session("run(); run()") == ["1, nothing changed"] * 2
    project.write(metadata, "Name: installed\nVersion: 1.1\n")
    assert project.session("run()") == ["1, package installed changed: 1.0 -> 1.1"]


def helper(value: str) -> str:
    """The source of a module with a function that gives it."""
    return f"def value():\n    return {value!r}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A node that imports helper.py, which says "old"."""
    made = Project(tmp_path, IMPORTING)
    made.write("helper.py", helper("old"))
    return made


def edit(value: str) -> str:
    """A statement of a session that writes helper.py."""
    return f"write('helper.py', {helper(value)!r})"


def test_a_loaded_module_counts_as_it_was_loaded(project: Project) -> None:
    """Edited while a session lives, it doesn't run there; a fresh process runs it."""
    session = f"run(); {edit('newer')}; run()"
    assert project.session(session) == ["old, never ran", "old, nothing changed"]
    assert project.session("run(); run()") == [
        "newer, module helper changed",
        "newer, nothing changed",
    ]


def test_results_of_a_loaded_module_do_not_count_as_made_by_its_edited_file(
    project: Project,
) -> None:
    """It was recorded under the source that lay there then, and every later process reused it."""
    session = f"run(); {edit('newer')}; run(rerun=['node'])"
    assert project.session(session)[1] == "old, asked for by rerun"
    assert project.session("run()") == ["newer, module helper changed"]


def test_a_reloaded_module_counts_as_it_is_now(project: Project) -> None:
    """By importlib.reload, or taken out of sys.modules and imported again."""
    session = f"""
        run()
        {edit("newer")}
        importlib.reload(sys.modules["helper"])
        run()
        {edit("newest")}
        del sys.modules["helper"]
        run()
        run()
        """
    assert project.session(session) == [
        "old, never ran",
        "newer, module helper changed",
        "newest, module helper changed",
        "newest, nothing changed",
    ]
    assert project.session("run()") == ["newest, nothing changed"]


@pytest.mark.parametrize("order", ["import helper; {edit}", "{edit}; import helper"])
def test_a_module_edited_and_loaded_between_two_runs_counts_as_neither(
    project: Project, order: str
) -> None:
    """Which of the sources was loaded can't be told: what it makes isn't kept for others."""
    project.session("run()")
    lines = project.session(f"run(); {order.replace('{edit}', edit('newer'))}; run(); run()")
    made = "old" if order.startswith("import") else "newer"
    assert lines == [
        "old, nothing changed",
        f"{made}, module helper changed",
        f"{made}, nothing changed",
    ]
    assert project.session("run(); run()") == [
        "newer, module helper changed",
        "newer, nothing changed",
    ]


@pytest.mark.parametrize(
    ("file", "text", "changed"),
    [
        ("package/__init__.py", "SCALE = 23", "package"),
        ("package/deep.py", helper("newer"), "package.deep"),
    ],
)
def test_the_modules_of_a_package_count_as_they_were_loaded(
    tmp_path: Path, file: str, text: str, changed: str
) -> None:
    """The package itself, and what its modules import."""
    project = Project(
        tmp_path, "def node():\n    from package import inner\n    return inner.value()"
    )
    project.write("package/__init__.py", "SCALE = 1\n")
    project.write("package/deep.py", helper("old"))
    project.write("package/inner.py", "from package.deep import value\n")
    session = f"run(); write({file!r}, {text!r}); run()"
    assert project.session(session)[1] == "old, nothing changed"
    made, *reasons = project.session("run()")[0].split(", ")
    assert reasons == [f"module {changed} changed"]
    assert made == ("newer" if "deep" in changed else "old")


def test_a_late_import_counts(tmp_path: Path) -> None:
    """``import package.inner`` gives the package, whose own functions may be called."""
    project = Project(tmp_path, "def node():\n    import package.inner\n    return package.value()")
    project.write("package/__init__.py", helper("old"))
    project.write("package/inner.py", "")
    assert project.session("run(); run()")[1] == "old, nothing changed"
    project.write("package/__init__.py", helper("newer"))
    assert project.session("run()") == ["newer, module package changed"]
