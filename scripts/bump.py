"""Sets the version of the next release wherever it stands: ``hatch run bump 2.1.0``.

The version of linepipe is ``linepipe_core.__version__``; the other packages and the site read
it from there. It stands again where nothing can be read: in each ``pyproject.toml``, for an
sdist is built without the rest of the repository (a metadata hook outside of the member was
tried and doesn't survive), in the exact pins between the members, and in the citation.
"""

from __future__ import annotations

import argparse
import datetime
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["BumpError", "bump", "versions"]

ROOT = Path(__file__).parents[1]
SOURCE = "packages/linepipe-core/src/linepipe_core/__init__.py"
CHANGELOG = "CHANGELOG.md"

_VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")

# Each pattern's group is a version.
_PLACES = {
    SOURCE: [r'^__version__ = "(.+)"$'],
    "packages/*/pyproject.toml": [r'^version = "(.+)"$', r'"linepipe[-\w]*(?:\[\w+\])?==([^"]+)"'],
    "CITATION.cff": [r"^version: (.+)$"],
}
_RELEASE_DATE = re.compile(r"^date-released: (.+)$", re.MULTILINE)
_UNRELEASED = "## [Unreleased]"


class BumpError(Exception):
    """The version can't be set; nothing was written."""


def versions(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Each place where the version stands, as ``path:line``, and the version there."""
    for pattern, places in _PLACES.items():
        for path in sorted(root.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            for place in places:
                for match in re.finditer(place, text, re.MULTILINE):
                    line = text.count("\n", 0, match.start()) + 1
                    yield f"{path.relative_to(root)}:{line}", match[1]


def bump(version: str, date: str, root: Path = ROOT) -> list[Path]:
    """Set the version, and the date of its release, in every file of the repository.

    Args:
        version: of the next release, such as ``"2.1.0"`` or ``"2.1.0rc1"``.
        date: of that release, such as ``"2026-11-30"``.
        root: the repository.

    Returns:
        The files that were written.

    Raises:
        BumpError: the version isn't one, or the changelog has nothing for it.
    """
    if not _VERSION.fullmatch(version):
        raise BumpError(f"{version!r} is no version: give three numbers, such as 2.1.0")
    texts: dict[Path, str] = {}
    for pattern, places in _PLACES.items():
        for path in sorted(root.glob(pattern)):
            texts[path] = path.read_text(encoding="utf-8")
            for place in places:
                texts[path] = _with_group(place, version, texts[path])
    citation = root / "CITATION.cff"
    texts[citation] = _with_group(_RELEASE_DATE.pattern, date, texts[citation])
    changelog = root / CHANGELOG
    changes = changelog.read_text(encoding="utf-8")
    if f"{_UNRELEASED}\n" not in changes:
        raise BumpError(
            f"{CHANGELOG} has no heading {_UNRELEASED!r}: write below it what {version} changes"
        )
    texts[changelog] = changes.replace(_UNRELEASED, f"## [{version}] - {date}", 1)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _with_group(pattern: str, value: str, text: str) -> str:
    """The text, with the value in the place of the pattern's group."""

    def replaced(match: re.Match[str]) -> str:
        begin, end = (place - match.start() for place in match.span(1))
        return match[0][:begin] + value + match[0][end:]

    return re.sub(pattern, replaced, text, flags=re.MULTILINE)


def main() -> None:
    """Read the command line, set the version, print what was written."""
    parser = argparse.ArgumentParser(description="Set the version of the next release.")
    parser.add_argument("version", help="such as 2.1.0")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    parser.add_argument("--date", default=today, help="of the release; today (UTC) by default")
    given = parser.parse_args()
    try:
        written = bump(given.version, given.date)
    except BumpError as error:
        parser.exit(1, f"{error}\n")
    for path in written:
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
