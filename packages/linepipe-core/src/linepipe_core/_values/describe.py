"""How a value appears in a message, a table or a record: in one short line, and never a secret.

One rule for all places where values are shown: plans, results, pictures, history reports, the
index. Nothing is computed to describe a value: a lazy or foreign object shows its type only.
"""

from __future__ import annotations

import os
import re
from collections import deque
from typing import Any, Final

from linepipe_core._text import type_name
from linepipe_core._values.adapter import ADAPTERS, top_module

__all__ = ["describe", "shown_value"]

_LONGEST: Final = 40
# Their own way to show a number computes nothing, whatever a subclass makes of it.
_NUMBERS: Final = (bool, int, float, complex)
_SIZED: Final = (list, tuple, dict, set, frozenset, str, bytes, bytearray, range, deque)

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
    # Of a library that linepipe knows; in Spark's pandas, say, asking may start a computation.
    shape = _shape(value) if top_module(kind) in ADAPTERS else None
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


def _may_be_shown(words: frozenset[str], value: Any, depth: int = 0) -> bool:
    if depth > _LONGEST:  # its brackets alone are too long
        return False
    if isinstance(value, _SCALARS):
        return words.isdisjoint(_PRIVATE)
    if isinstance(value, os.PathLike):
        is_plain = type(value).__module__ in ("pathlib", "linepipe_core")
        return is_plain and _may_be_shown(words, os.fspath(value), depth + 1)
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
            _may_be_shown(words, key, depth + 1)
            and _may_be_shown(words | _words(str(key)), each, depth + 1)
            for key, each in value.items()
        )
    return all(_may_be_shown(words, each, depth + 1) for each in value)


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
