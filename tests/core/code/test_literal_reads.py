"""A statement's reads that literals name count by what they read, without being run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.fingerprint import CodeFingerprint, code_fingerprint
from linepipe_core._code.parsing import read_statements
from linepipe_core._code.parts import PartKey

FORMAT = PartKey("global", "FORMAT")
READS = {
    "item": "os.environ['FORMAT_OF_TEST']",
    "get": "os.environ.get('FORMAT_OF_TEST', '<i')",
    "getenv": "os.getenv('FORMAT_OF_TEST')",
    "imported": "environ['FORMAT_OF_TEST']",
    "open": "open('format.txt').read()",
    "path": "Path('format.txt').read_text()",
    "json": "json.load(open('format.json'))",
}
UNKNOWN = {
    "a path that is no literal": "open(NAME).read()",
    "a variable that is no literal": "os.environ[NAME]",
    "the arguments": "sys.argv[0]",
    "an address": "open('https://example.org/rows.csv')",
    "a part of what was read": "fetch(open('format.txt'))",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    set_format(monkeypatch, "<i")
    return tmp_path


def set_format(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FORMAT_OF_TEST", value)
    Path("format.txt").write_text(value)
    Path("format.json").write_text(f'"{value}"')


def taken(
    folder: Path, name: str, expression: str, monkeypatch: pytest.MonkeyPatch
) -> CodeFingerprint:
    """The fingerprint of a node whose module makes a foreign object of what it reads."""
    path = folder / f"{name}.py"
    if not path.exists():
        path.write_text(
            "import argparse, json, os\nfrom os import environ\nfrom pathlib import Path\n"
            f"NAME = 'format.txt'\nFORMAT = argparse.ArgumentParser({expression})\n"
            "def node(x): return FORMAT.prog\n"
        )
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, name, raising=False)  # as in another process
    return code_fingerprint(Reader(), importlib.import_module(name).node)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # such statements leave files open
@pytest.mark.parametrize("case", READS)
def test_what_a_literal_names_counts_by_its_value(
    case: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same in the next process, another once the variable or the file is another."""
    name = f"reads_{case}"
    first, again = (taken(folder, name, READS[case], monkeypatch) for _ in range(2))
    assert first.untracked == ()
    assert first.parts[FORMAT] == again.parts[FORMAT]
    set_format(monkeypatch, ">i")
    assert taken(folder, name, READS[case], monkeypatch).parts[FORMAT] != first.parts[FORMAT]


def test_a_file_that_is_not_there_decides_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing says how the object was made: the content that pickle would keep counts."""
    assert taken(folder, "reads_gone", READS["path"], monkeypatch).parts[FORMAT].made
    Path("format.txt").unlink()
    again = code_fingerprint(Reader(), sys.modules["reads_gone"].node)
    assert not again.parts[FORMAT].made


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_no_literal_names_is_not_known(case: str) -> None:
    """Such statements don't decide."""
    read = read_statements(f"X = make({UNKNOWN[case]})")
    assert read is not None
    assert [each.is_clean for each in read.statements] == [False]
