"""The release check says which check failed, and never passes over a Python that isn't there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from scripts.release_check import CheckError, find_python, run


def test_a_missing_python_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that was checked on two of three Pythons wasn't checked."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(CheckError, match=r"there is no Python 3\.12 here; install it"):
        find_python("3.12")


def test_a_python_of_pyenv_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyenv hides the versions that nobody chose."""
    python = tmp_path / "versions" / "3.12.1" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_python("3.12") == str(python)


def test_a_failed_command_is_an_error_and_shows_its_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Both streams: compilers use one, test runners the other."""
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with pytest.raises(CheckError, match=r"exit code 3 of .*python"):
        run(sys.executable, "-c", code)
    printed = capsys.readouterr().out
    assert "out" in printed
    assert "err" in printed
