"""The list of messages: each text once, with what is filled in and where it stands."""

from __future__ import annotations

from pathlib import Path

from scripts.messages import messages

MODULE = """
import warnings

class ReadError(Exception):
    def __init__(self, path):
        super().__init__(f"{path} can't be read")

def read(path, log):
    problem = f"{path!r} is no path"
    problem += "\\n  give a string"
    if not path:
        raise TypeError(problem)
    def inner():
        problem = "another"
        raise ValueError(problem, path)
    if inner():
        raise ReadError(path)
    log.warning("%s is empty", path)
    log.info("not listed")
    warnings.warn("old" if path else "older", stacklevel=2)
"""


def test_each_text_is_listed_with_its_place(tmp_path: Path) -> None:
    """Exceptions, warnings of loggers and of Python; not what is merely logged."""
    module = tmp_path / "packages" / "one" / "src" / "one.py"
    module.parent.mkdir(parents=True)
    module.write_text(MODULE)
    listed = [(one.kind, one.place.rpartition(":")[2], one.text) for one in messages(tmp_path)]
    assert listed == [
        ("super().__init__", "6", "{path} can't be read"),
        ("TypeError", "12", "{path} is no path\n  give a string"),
        ("ValueError", "15", "another"),
        ("ReadError", "17", "{path}"),
        ("warning", "18", "%s is empty"),
        ("warn", "20", "[old / older]"),
    ]


def test_the_packages_messages_are_found() -> None:
    """By the files that we know to have some."""
    places = {one.place.partition(":")[0] for one in messages()}
    assert "packages/linepipe-profile/src/linepipe_profile/hook.py" in places
    assert any(place.startswith("packages/linepipe-core/") for place in places)
