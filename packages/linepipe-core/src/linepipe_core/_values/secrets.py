"""Values that may be shown, and those that may be a secret.

One rule for all places where values are shown or written down: plans, results, pictures, the
history, the index.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

from linepipe_core._values.describe import LONGEST, NUMBERS

__all__ = ["may_hold_secret", "shown_value"]

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
_WORDS: Final = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+"
_KNOWN_LOOKS: Final = (
    r"://|\S:\S*@|^Bearer |-----BEGIN|(?i:password|passwd|pwd|secret|token)\s*[=:]"
    r"|\b(?:sk|pk|rk|hf|npm|pypi|gh[a-z]|github_pat|glpat|xox[a-z])[-_][\w-]{8}"
    r"|\b(?:AKIA|ASIA|AIza|eyJ)[\w-]{8}"
)
_TOKENS: Final = r"[A-Za-z0-9+=._-]{12,}"
_SEPARATORS: Final = r"[+=._-]"
_RUNS: Final = r"[a-z]+|[A-Z]+|[0-9]+"
_SHORTEST_TOKEN: Final = 12
_LONGEST_WORD: Final = 24
_MOST_SEARCHED: Final = 1_000  # values; and what has more items is data
_LONGEST_SECRET: Final = 4_000  # characters: a private key has 3,000
_SCALARS: Final = (*NUMBERS, type(None))


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
    try:
        may_be_shown = _may_be_shown(_words(name), value)
    except Exception:  # whatever a class raises that is asked what it is
        return ""
    text = _shown(value) if may_be_shown else ""
    return text if len(text) <= LONGEST and "0x" not in text else ""


def may_hold_secret(name: str, value: object) -> bool:
    """Return True if a value, or one in it, may be a secret, by its name or its form.

    Searches containers and the attributes of objects, as configs have them. Containers of more
    than 1,000 items are data and aren't searched.

    Args:
        name: the name of the value.
        value: the value.

    Example:
        >>> may_hold_secret("config", {"db": {"password": "hunter2"}})
        True
    """
    try:
        return _holds_secret(name, value)
    except Exception:  # whatever a class raises that is asked for its attributes
        return True


def _holds_secret(name: str, value: object) -> bool:
    waiting = [(_words(name), value)]
    for _ in range(_MOST_SEARCHED):
        if not waiting:
            return False
        words, each = waiting.pop()
        if isinstance(each, (str, bytes)):
            if not words.isdisjoint(_SECRET) or _looks_secret(str(each[:_LONGEST_SECRET])):
                return True
        elif isinstance(each, NUMBERS):
            if not words.isdisjoint(_PRIVATE):
                return True
        elif "secret" in type(each).__name__.lower():  # pydantic's
            return True
        else:
            waiting.extend((words | _words(key), held) for key, held in _held_by(each))
    return False


def _held_by(value: Any) -> list[tuple[str, Any]]:
    """The items of a container, or the attributes of an object, each with its name."""
    if isinstance(value, dict):
        held = [(str(key), each) for key, each in value.items() if len(value) <= _MOST_SEARCHED]
    elif isinstance(value, (list, tuple, set, frozenset)):
        held = [("", each) for each in value if len(value) <= _MOST_SEARCHED]
    else:
        held = []
    if not isinstance(value, (type, ModuleType)):
        held += getattr(value, "__dict__", {}).items()
    return held


def _may_be_shown(words: frozenset[str], value: Any, depth: int = 0) -> bool:
    if depth > LONGEST:  # its brackets alone are too long
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
    if len(value) > LONGEST:
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


@lru_cache(maxsize=1000)
def _words(name: str) -> frozenset[str]:
    """The words of a name in lower case, also where they are joined: dbPassword, authtoken."""
    words = [word.lower() for word in re.findall(_WORDS, name)]
    words += [end for word in words for end in _SECRET_ENDINGS if word.endswith(end)]
    return frozenset(words)


def _looks_secret(text: str) -> bool:
    """Return True for a URL, the form of a known kind of token, and high entropy.

    In random texts small letters, capitals and digits change places every two or three
    characters; in words and dates they don't. Or they are long and have no word's end.
    """
    if re.search(_KNOWN_LOOKS, text):
        return True
    for token in re.findall(_TOKENS, text):
        bare = re.sub(_SEPARATORS, "", token)
        n_runs = len(re.findall(_RUNS, bare))
        if len(bare) >= _SHORTEST_TOKEN and n_runs > 1 + 0.3 * (len(bare) - 1):
            return True
        if len(bare) >= _LONGEST_WORD and bare == token and n_runs == 1:
            return True
    return False


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # of a number's subclass; an int of millions of digits has none either
        return "(no repr)"
