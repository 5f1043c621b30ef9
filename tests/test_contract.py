"""``CONTRACT.md`` leads from each clause of the contract to tests that exist."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from tests.conftest import SLOW

TESTS = Path(__file__).parent
COMMAND = re.compile(r"hatch (run|test)\b")


class Clause(NamedTuple):
    section: str
    line: int
    text: str


def clauses() -> Iterator[Clause]:
    section = ""
    lines = (TESTS / "CONTRACT.md").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("- "):
            yield Clause(section, number, line)


@functools.cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file, those in classes as ``Class::name``; none if there is no such file."""
    file = TESTS / path
    if not file.is_file():
        return frozenset()
    found = set()
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        match statement:
            case ast.FunctionDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]):
                found.add(name)
            case ast.ClassDef(name=name, body=body):
                found |= {
                    f"{name}::{part.name}" for part in body if isinstance(part, ast.FunctionDef)
                }
    return frozenset(name for name in found if name.lower().startswith("test"))


def where_it_is(name: str) -> str:
    """A hint for whoever moved or renamed a test."""
    everywhere = {
        f"{path}::{name}"
        for path in (str(file.relative_to(TESTS)) for file in TESTS.rglob("test_*.py"))
        for name in names_in(path)
    }
    moved = [test for test in everywhere if test.endswith(f"::{name}")]
    return ", ".join(moved or get_close_matches(name, everywhere, n=1, cutoff=0.5)) or "nowhere"


def holders(clause: Clause) -> tuple[list[str], list[str]]:
    """The tests and commands that a clause names, and what is wrong with them."""
    found, wrong, path = [], [], ""
    for quoted in re.findall(r"`([^`]+)`", clause.text):
        if COMMAND.match(quoted):
            found.append(quoted)
        elif re.fullmatch(r"([\w/]+\.py)?::[\w:]+", quoted):
            file, _, name = quoted.partition("::")
            path = file or path
            if name in names_in(path):
                found.append(quoted)
            else:
                wrong.append(f"line {clause.line}: no {path}::{name}; there is {where_it_is(name)}")
        elif "test_" in quoted:
            wrong.append(f"line {clause.line}: {quoted!r} is not path::name")
    return found, wrong


def test_every_test_that_is_named_exists() -> None:
    """A test that is renamed or moved takes its lines here along."""
    wrong = [problem for clause in clauses() for problem in holders(clause)[1]]
    assert not wrong, "\n".join(wrong)


def test_every_clause_has_a_test_or_an_issue() -> None:
    """A clause that is built names its tests; one that isn't names its issue."""
    wrong = []
    for clause in clauses():
        found, problems = holders(clause)
        if clause.section == "Not yet":
            if found or not re.search(r": #\d+$", clause.text):
                wrong.append(f"line {clause.line}: ends with an issue (': #14'), or moves up")
        elif not found and not problems:
            wrong.append(f"line {clause.line}: names no test")
    assert not wrong, "\n".join(wrong)


def test_every_part_of_the_contract_is_there() -> None:
    """The list isn't empty by mistake."""
    sections = {clause.section for clause in clauses()}
    assert sections >= {"1. The house", "3. The contract", "4. What it must cost"}


def test_every_slow_folder_and_file_is_there() -> None:
    """One that is renamed would be quick by mistake."""
    assert [place for place in SLOW if not (TESTS / place).exists()] == []
