"""How names, values and errors appear in messages, tables and logs.

One rule for all of them, so that no message holds a whole table, a secret, a terminal's
control sequence or five megabytes. Nothing is imported and nothing is computed to describe a
value: a lazy or foreign object shows its type only.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final

__all__ = [
    "bounded",
    "describe",
    "did_you_mean",
    "escaped",
    "first_line",
    "fits",
    "listed",
    "message_of",
    "quoted",
    "rendered",
    "shortened",
    "shown_value",
    "table",
    "type_name",
]

_LONGEST: Final = 40
_LONGEST_CELL: Final = 200  # characters
_LONGEST_LINE: Final = 300  # characters
_MOST_LINES: Final = 20
# Their own way to show a number computes nothing, whatever a subclass makes of it.
_NUMBERS: Final = (bool, int, float, complex)
_SIZED: Final = (list, tuple, dict, set, frozenset, str, bytes, bytearray, range, deque)
# In these a shape is a fact. Elsewhere (Spark's pandas, say) asking may start a computation.
_SHAPED: Final = frozenset(
    ["cupy", "jax", "jaxlib", "numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "xarray"]
)

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
_SCALARS: Final = (*_NUMBERS, type(None))


def describe(value: Any) -> str:
    """The type of a value with its shape or length; short numbers in full.

    Of texts and bytes only the length is shown: any of them may be a password.

    Example:
        >>> describe([1, 2, 3]), describe(2.5), describe("hunter2")
        ('list of 3', 'float 2.5', 'str of 7')
    """
    if value is None:
        return "None"
    kind = type(value)
    name = type_name(value)
    number = next((each for each in _NUMBERS if each in kind.__mro__), None)
    if number is not None:
        text = _number_text(number, value)
        return f"{name} {text}" if len(text) <= _LONGEST else name
    sized = next((each for each in _SIZED if each in kind.__mro__), None)
    if sized is not None:
        return f"{name} of {sized.__len__(value)}"
    shape = _shape(value) if _top_module(kind) in _SHAPED else None
    return name if shape is None else f"{name} {shape}"


def _number_text(kind: type, value: Any) -> str:
    if kind is int and int.bit_length(value) > 1000:  # Python refuses to show the longest
        return "0" * 302
    shown: str = kind.__repr__(value)  # type: ignore[call-arg]  # its own, unbound
    return shown


def _shape(value: Any) -> tuple[int, ...] | None:
    try:
        shape = tuple(value.shape)
    except Exception:  # a LazyFrame has none
        return None
    return shape if all(type(n) is int for n in shape) else None


def _top_module(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def type_name(value: object) -> str:
    """The name of a value's type, safe to show."""
    return bounded(type(value).__name__, _LONGEST)


# --- secrets ---------------------------------------------------------------------------------


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
    # Asked of the type: a mock's `call` has any attribute.
    fields = getattr(type(value), "_fields", None) if isinstance(value, tuple) else None
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


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # of a number's subclass; an int of millions of digits has none either
        return "(no repr)"


# --- texts from outside ---------------------------------------------------------------------------


def escaped(text: str) -> str:
    """The text with line breaks and all else that isn't printable as escapes.

    Example:
        >>> print(escaped("a\\nb"))
        a\\nb
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def bounded(text: str, longest: int = _LONGEST_CELL) -> str:
    """The text on one line, escaped, and cut where it is longer."""
    text = escaped(text[: longest + 1])
    return text if len(text) <= longest else text[: longest - 3] + "..."


def message_of(error: BaseException) -> str:
    """The error's message, whatever its class does when it is asked for one."""
    try:
        return "" + str(error)
    except Exception:  # whatever a user's __str__ raises, the report must come out
        return "(its message can't be shown)"


def first_line(error: BaseException, longest: int = _LONGEST_CELL) -> str:
    """An error's type and the first line of its message, for a log or a table."""
    message = message_of(error).strip().partition("\n")[0]
    return bounded(f"{type_name(error)}: {message}" if message else type_name(error), longest)


def quoted(text: str, indent: str) -> str:
    """A text of several lines: each escaped, cut and indented but for the first."""
    # By "\n" alone: what else ends a line somewhere is escaped.
    lines = text[: _LONGEST_LINE * _MOST_LINES * 2].expandtabs(4).split("\n", _MOST_LINES)
    shown = [bounded(line.rstrip("\r"), _LONGEST_LINE) for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"... ({text.count(chr(10)) + 1 - _MOST_LINES} more lines)")
    return f"\n{indent}".join(shown).replace(f"\n{indent}\n", "\n\n").rstrip()


def fits(text: str) -> str:
    """The text with whatever standard output can't encode as escapes, as on cp1252."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeError, LookupError):
        return text.encode("ascii", "backslashreplace").decode("ascii")
    return text


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as text in columns, two spaces apart; each cell on one line and bounded."""
    shown = [tuple(map(bounded, row)) for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    )


# --- messages -------------------------------------------------------------------------------------


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


def shortened(names: Iterable[str], limit: int = 12) -> str:
    """The names, comma-separated and escaped, and how many more there are past ``limit``."""
    names = list(names)
    shown = ", ".join(map(bounded, names[:limit])) or "(none)"
    more = len(names) - limit
    return f"{shown}, ... ({more} more)" if more > 0 else shown


def did_you_mean(name: object, choices: Iterable[str], prefix: str = "") -> str:
    """A line with the nearest choice after the prefix, or nothing when none is near."""
    if not isinstance(name, str):  # a place, say, where a name is wanted
        return ""
    near = get_close_matches(name, list(choices), n=1)
    return f"\n  did you mean {prefix + near[0]!r}?" if near else ""
