"""Short texts for people: descriptions of values, lists of names, tables.

One rule for errors, reasons, tables and logs, so that no message ever holds a whole table or a
secret. Nothing is imported to find out what a value is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final

__all__ = [
    "describe",
    "did_you_mean",
    "listed",
    "message_of",
    "rendered",
    "shortened",
    "shown_value",
    "table",
]

_LONGEST: Final = 40
_SCALARS: Final = (bool, int, float, complex, type(None))

# Where a word of the name is one of these, no text is shown; no number either for the first.
_PRIVATE: Final = {"credential", "credentials", "passphrase", "passwd", "password", "passwords"}
_PRIVATE.update(("pin", "pwd", "secret", "secrets"))
_SECRET: Final = _PRIVATE.union(
    ("apikey", "apikeys", "auth", "authorization", "bearer", "cookie", "cookies", "creds", "dsn"),
    ("jwt", "key", "keys", "pass", "private", "salt", "signature", "token", "tokens"),
)
_PLAIN_REPRS: Final[tuple[Any, ...]] = tuple(
    kind.__repr__ for kind in (str, bytes, tuple, list, dict)
)
_SECRET_ENDINGS: Final = ("apikey", "passwd", "password", "secret", "token", "tokens")
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_KNOWN_LOOKS: Final = re.compile(
    r"://|\S:\S*@|^Bearer |-----BEGIN|(?i:password|passwd|pwd|secret|token)\s*[=:]"
    r"|\b(?:sk|pk|rk|hf|npm|pypi|gh[a-z]|github_pat|glpat|xox[a-z])[-_][\w-]{8}"
    r"|\b(?:AKIA|ASIA|AIza|eyJ)[\w-]{8}"
)
_TOKENS: Final = re.compile(r"[A-Za-z0-9+=._-]{12,}")
_SEPARATORS: Final = re.compile(r"[+=._-]")
_RUNS: Final = re.compile(r"[a-z]+|[A-Z]+|[0-9]+")
_SHORTEST_TOKEN: Final = 12
_LONGEST_WORD: Final = 24


def describe(value: Any) -> str:
    """The type of a value with its shape or length; short scalars in full.

    Of texts and bytes only the length is told: any of them may be a password.

    Example:
        >>> describe([1, 2, 3]), describe(2.5), describe("hunter2")
        ('list of 3', 'float 2.5', 'str of 7')
    """
    kind = type(value).__name__
    if isinstance(value, _SCALARS):
        text = _shown(value)
        if len(text) <= _LONGEST:
            return text if value is None else f"{kind} {text}"
    shape = _attribute(value, "shape")
    if isinstance(shape, tuple) and all(isinstance(n, int) for n in shape):
        return f"{kind} {shape}"
    try:
        return f"{kind} of {len(value)}"
    except Exception:  # whatever a user's __len__ raises, a description must not
        return kind


def shown_value(name: str, value: object) -> str:
    """A value as a short text, or ``""`` if it is long or may be a secret.

    The one rule for every place where values are shown. A text is shown only if neither its
    name (password, token, key, dsn, ...) nor its looks (a URL, high entropy) speak against it;
    of a container, every text in it and every key of a dict.

    Args:
        name: the name of the value, such as ``"config.db.user"``.
        value: the value.

    Example:
        >>> shown_value("config.mode", "fast"), shown_value("config.api_token", "fast")
        ("'fast'", '')
    """
    if not _may_be_shown(_words(name), value):
        return ""
    text = _shown(value)
    return text if len(text) <= _LONGEST and "0x" not in text else ""


def _may_be_shown(words: frozenset[str], value: Any) -> bool:
    if isinstance(value, _SCALARS):
        return words.isdisjoint(_PRIVATE)
    fields = getattr(value, "_fields", None) if isinstance(value, tuple) else None
    if type(value).__repr__ not in _PLAIN_REPRS and not fields:
        return False  # a class's own repr may show anything
    if len(value) > _LONGEST:
        return False
    if isinstance(value, (str, bytes)):
        return words.isdisjoint(_SECRET) and not _looks_secret(str(value))
    if fields:
        value = dict(zip(fields, value, strict=True))
    if isinstance(value, dict):
        return all(
            _may_be_shown(words, key) and _may_be_shown(words | _words(str(key)), each)
            for key, each in value.items()
        )
    return all(_may_be_shown(words, each) for each in value)


def _words(name: str) -> frozenset[str]:
    """The words of a name in lower case, also where they are joined: dbPassword, authtoken."""
    words = [word.lower() for word in _WORDS.findall(name)]
    words += [end for word in words for end in _SECRET_ENDINGS if word.endswith(end)]
    return frozenset(words)


def _looks_secret(text: str) -> bool:
    """Return True for a URL, the form of a known kind of token, and high entropy.

    In random texts small letters, capitals and digits change places every two or three
    characters; in words and dates they don't. Or they are long and have no word's end.
    """
    if _KNOWN_LOOKS.search(text):
        return True
    for token in _TOKENS.findall(text):
        bare = _SEPARATORS.sub("", token)
        if len(bare) >= _SHORTEST_TOKEN and len(_RUNS.findall(bare)) > 1 + 0.3 * (len(bare) - 1):
            return True
        if len(bare) >= _LONGEST_WORD and bare == token and len(_RUNS.findall(bare)) == 1:
            return True
    return False


def rendered(how: str, thing: object) -> str | None:
    """A notebook representation of an object, from a distribution that provides one.

    The core depends on no picture: a notebook that gets None shows the object's text instead.

    Args:
        how: the representation, such as ``"pipeline_html"``.
        thing: the object.

    Returns:
        The text, or None if no entry point in the group ``linepipe.drawing`` has a function
        of that name.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group="linepipe.drawing"):
        render = getattr(entry.load(), how, None)
        if render is not None:
            text: str = render(thing)
            return text
    return None


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as text in columns, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(lines)


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # of a number's subclass; an int of millions of digits has none either
        return "(no repr)"


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:  # a property of the user's own may raise anything
        return None


def listed(what: str, problems: Sequence[str]) -> str:
    """One message of all the problems of one kind, under a line that says what is wrong.

    Without ``what``, a single problem speaks for itself.
    """
    if len(problems) == 1:
        return f"{what}: {problems[0]}" if what else problems[0]
    lines = "".join("\n  - " + problem.replace("\n", "\n    ") for problem in problems)
    return (
        f"{what}: {len(problems)} problems{lines}" if what else f"{len(problems)} problems{lines}"
    )


def message_of(error: BaseException) -> str:
    """The error's message, whatever its class does when it is asked for one."""
    try:
        return str(error)
    except Exception:  # whatever a user's __str__ raises, the report must come out
        return "(its message can't be shown)"


def shortened(names: Iterable[str], limit: int = 12) -> str:
    """The names, comma-separated, and how many more there are past ``limit``."""
    names = list(names)
    shown = ", ".join(names[:limit]) or "(none)"
    more = len(names) - limit
    return f"{shown}, ... ({more} more)" if more > 0 else shown


def did_you_mean(name: object, choices: Iterable[str], prefix: str = "") -> str:
    """A line with the nearest choice after the prefix, or nothing when none is near."""
    if not isinstance(name, str):  # a place, say, where a name is wanted
        return ""
    near = get_close_matches(name, list(choices), n=1)
    return f"\n  did you mean {prefix + near[0]!r}?" if near else ""
