"""The four pyproject.toml files say one thing."""

from __future__ import annotations

import tomllib
from importlib import import_module

import pytest
from tests.wheelhouse import MEMBERS, ROOT, project_table

SHARED = ("version", "requires-python", "license", "license-files", "authors", "classifiers")


@pytest.mark.parametrize("key", SHARED)
def test_all_members_agree(key: str) -> None:
    """On version, Python, license and classifiers."""
    first, *others = [project_table(member)[key] for member in MEMBERS]
    assert all(other == first for other in others)


@pytest.mark.parametrize("member", MEMBERS)
def test_each_package_tells_its_version(member: str) -> None:
    """``linepipe_core.__version__``: a service has nothing but the core."""
    package = import_module(member.replace("-", "_"))
    assert package.__version__ == project_table(member)["version"]


def test_pins_between_members_are_exact() -> None:
    """Each is made for these versions of the others, and for no other."""
    version = project_table("linepipe")["version"]
    for member in MEMBERS:
        table = project_table(member)
        extras = table.get("optional-dependencies", {}).values()
        for requirement in [*table["dependencies"], *(r for extra in extras for r in extra)]:
            if requirement.startswith("linepipe"):
                assert requirement.endswith(f"=={version}"), f"{member}: {requirement}"


def test_core_depends_on_nothing() -> None:
    """That is its promise."""
    table = project_table("linepipe-core")
    assert table["dependencies"] == []
    assert "optional-dependencies" not in table


def test_each_license_is_the_repositorys() -> None:
    """An sdist can't reach above its member, so each has a copy."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    for member in MEMBERS:
        assert (ROOT / "packages" / member / "LICENSE").read_text(encoding="utf-8") == text


def test_both_environments_have_the_same_members() -> None:
    """hatch-test inherits nothing from default."""
    environments = tomllib.loads((ROOT / "hatch.toml").read_text(encoding="utf-8"))["envs"]
    assert (
        environments["default"]["workspace"]["members"]
        == environments["hatch-test"]["workspace"]["members"]
    )
