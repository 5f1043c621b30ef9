"""The four pyproject.toml files say one thing."""

from __future__ import annotations

import re
import tomllib

import pytest
from tests.wheelhouse import MEMBERS, ROOT, project_table

SHARED = ("version", "requires-python", "license", "license-files", "authors", "urls")


@pytest.mark.parametrize("key", SHARED)
def test_all_members_agree(key: str) -> None:
    """On version, Python, license, authors and addresses."""
    first, *others = [project_table(member)[key] for member in MEMBERS]
    assert all(other == first for other in others)


def test_all_members_have_the_same_classifiers_but_for_topics() -> None:
    """The same state, audience and Pythons."""
    lists = [
        [one for one in project_table(member)["classifiers"] if not one.startswith("Topic ::")]
        for member in MEMBERS
    ]
    assert all(classifiers == lists[0] for classifiers in lists)


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


def test_no_dependency_stands_in_two_groups() -> None:
    """The environments take groups, so each package has one line with one lower bound."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = [
        re.split("[<>=]", requirement)[0]
        for group in groups["dependency-groups"].values()
        for requirement in group
        if isinstance(requirement, str)
    ]
    assert sorted(set(names)) == sorted(names)


def test_only_groups_say_what_environments_install() -> None:
    """Neither ``dependencies`` nor a second list of members stands in hatch.toml."""
    environments = tomllib.loads((ROOT / "hatch.toml").read_text(encoding="utf-8"))["envs"]
    del environments["oldest"]  # it pins versions that no group has
    assert not any(environment.get("dependencies") for environment in environments.values())
    assert environments["hatch-test"]["template"] == "default"
    assert "workspace" not in environments["hatch-test"]
