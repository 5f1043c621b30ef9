"""Text of names and figures, the same in every picture and view."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

__all__ = [
    "age_text",
    "bytes_text",
    "cell_width",
    "count_text",
    "join_names",
    "memory_text",
    "prefix_of_width",
    "printable",
    "rise_text",
    "seconds_text",
    "short_labels",
    "shorten",
    "to_ascii",
]

LABEL_CELLS = 34
"""Labels in pictures are cut at this width: it keeps a card narrower than a page's column."""

# Zero-width joiners aren't "printable", but emoji and some scripts are spelled with them.
_JOINERS = "\u200c\u200d"

_ASCII_SIGNS = str.maketrans({"…": "...", "·": "-", "→": "->", "µ": "u", "×": "x", "—": "-"})


def printable(name: str) -> str:
    """The name with what would break a line (newlines, control signs) written as escapes.

    Example:
        >>> print(printable("two" + chr(10) + "lines"))
        two\\nlines
    """
    if name.isprintable():
        return name
    return "".join(
        sign
        if sign.isprintable() or sign in _JOINERS
        else sign.encode("unicode_escape").decode("ascii")
        for sign in name
    )


def cell_width(text: str) -> int:
    """Width of the text in cells of a terminal or of a monospace font.

    Example:
        >>> cell_width("abc"), cell_width("数据")
        (3, 4)
    """
    if text.isascii():
        return len(text)
    return _width_of_signs(text)


@lru_cache(maxsize=4096)  # figures and joints of rows come again and again
def _width_of_signs(text: str) -> int:
    return sum(map(_sign_width, text))


@cache  # box signs and arrows come by the thousand
def _sign_width(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def shorten(text: str, limit: int = LABEL_CELLS) -> str:
    """The text, cut in its middle where it is wider than ``limit`` cells.

    Example:
        >>> shorten("a_name_that_says_far_too_much_about_itself", 20)
        'a_name_that…t_itself'
    """
    if cell_width(text) <= limit:
        return text
    tail_cells = limit // 5 * 2
    head = prefix_of_width(text, limit - 1 - tail_cells)
    tail = prefix_of_width(text[::-1], tail_cells)[::-1]
    while tail and _sign_width(tail[0]) == 0:  # an accent without its letter
        tail = tail[1:]
    return f"{head}…{tail}"


def short_labels(names: Iterable[str], limit: int = LABEL_CELLS) -> dict[str, str]:
    """A label of at most ``limit`` cells for each name; different names have different labels.

    Names that would be cut to the same text lose what they share instead.

    Example:
        >>> short_labels(["mean_of_goals_in_a_window_of_30_days_at_home",
        ...               "mean_of_goals_in_a_window_of_90_days_at_home"], 20)
        {'mean_of_goals_in_a_window_of_30_days_at_home': '…indow_of_30_days_a…', \
'mean_of_goals_in_a_window_of_90_days_at_home': '…indow_of_90_days_a…'}
    """
    shown = {name: printable(name) for name in names}
    groups: dict[str, list[str]] = {}
    for name, text in shown.items():
        groups.setdefault(shorten(text, limit), []).append(name)
    labels: dict[str, str] = {}
    for label, group in groups.items():
        texts = [shown[name] for name in group]
        different = len(set(texts)) > 1
        cut = _without_shared(texts, limit) if different else [label] * len(group)
        labels.update(zip(group, cut, strict=True))
    return {name: labels[name] for name in shown}


def _without_shared(texts: Sequence[str], limit: int) -> list[str]:
    """The texts around the part in which they differ; with a number where that is too long."""
    head = _n_shared(texts)
    tail = _n_shared([text[head:][::-1] for text in texts])
    labels = []
    for text in texts:
        part = text[head : len(text) - tail]
        room = max(limit - 2 - cell_width(part), 0)
        left = max(head - (room + 1) // 2, 0)
        labels.append(_between(text, left, limit))
    if len(set(labels)) < len(labels):
        return [
            f"{prefix_of_width(text, limit - 2 - len(str(number)))}…#{number}"
            for number, text in enumerate(texts, 1)
        ]
    return labels


def _n_shared(texts: Sequence[str]) -> int:
    """Number of signs with which all the texts begin."""
    first, last = min(texts), max(texts)
    pairs = enumerate(zip(first, last, strict=False))
    return next((n for n, (one, other) in pairs if one != other), min(len(first), len(last)))


def _between(text: str, left: int, limit: int) -> str:
    """The text from a place on, with signs for what is cut off."""
    before = "…" if left else ""
    rest = text[left:]
    while rest and _sign_width(rest[0]) == 0:  # an accent without its letter
        rest = rest[1:]
    if cell_width(rest) <= limit - len(before):
        return before + rest
    return f"{before}{prefix_of_width(rest, limit - len(before) - 1)}…"


def prefix_of_width(text: str, limit: int) -> str:
    """The longest beginning of the text that is no wider than ``limit`` cells."""
    used = 0
    for place, sign in enumerate(text):
        used += _sign_width(sign)
        if used > limit:
            return text[:place]
    return text


def seconds_text(seconds: float) -> str:
    """A duration with the unit that suits it.

    Example:
        >>> [seconds_text(s) for s in (1e-7, 0.00012, 0.412, 3.81, 135.2, 7500)]
        ['<1 µs', '120 µs', '412 ms', '3.81 s', '2 min 15 s', '2 h 05 min']
    """
    if 0 < seconds < 1e-6:
        return "<1 µs"
    if seconds < 0.0009995:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def age_text(seconds: float) -> str:
    """How long ago something was.

    Example:
        >>> [age_text(s) for s in (0.2, 31, 300, 7300, 200_000)]
        ['just now', '31 s ago', '5 min ago', '2 h ago', '2 days ago']
    """
    if seconds < 1:
        return "just now"
    for unit, size in (("day", 86_400), ("h", 3_600), ("min", 60)):
        number = int(seconds // size)
        if number:
            return f"{count_text(number, unit) if unit == 'day' else f'{number} {unit}'} ago"
    return f"{int(seconds)} s ago"


def memory_text(mib: float) -> str:
    """An amount of memory with the unit that suits it.

    Example:
        >>> [memory_text(m) for m in (0.004, 0.94, 212.3, 1536)]
        ['<0.1 MiB', '0.9 MiB', '212 MiB', '1.5 GiB']
    """
    if 0 < mib < 0.05:
        return "<0.1 MiB"
    if abs(mib) < 9.95:
        return f"{mib:.1f} MiB"
    return f"{mib:.0f} MiB" if abs(mib) < 1023.5 else f"{mib / 1024:.1f} GiB"


def bytes_text(n_bytes: int) -> str:
    """A size with the unit that suits it.

    Example:
        >>> [bytes_text(n) for n in (12, 2048, 3_500_000)]
        ['12 B', '2.0 KiB', '3.3 MiB']
    """
    if n_bytes < 1024:
        return f"{n_bytes} B"
    if n_bytes < 1024 * 1024:
        return f"{n_bytes / 1024:.1f} KiB"
    return memory_text(n_bytes / 1024 / 1024)


def rise_text(mib: float) -> str:
    """By how much memory rose.

    Example:
        >>> rise_text(212.3), rise_text(0.004)
        ('+212 MiB', '<0.1 MiB')
    """
    words = memory_text(mib)
    return words if words.startswith("<") else f"+{words}"


def count_text(number: int, noun: str) -> str:
    """The number and its noun, in the plural where it needs it.

    Example:
        >>> count_text(1, "node"), count_text(0, "node")
        ('1 node', '0 nodes')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def join_names(names: list[str] | tuple[str, ...], nothing: str = "—") -> str:
    """The names, printable and comma-separated."""
    return ", ".join(printable(name) for name in names) or nothing


def to_ascii(text: str) -> str:
    """The text in ASCII, for a terminal that can't show more.

    Example:
        >>> to_ascii("120 µs · 数据 → x")
        '120 us - \\\\u6570\\\\u636e -> x'
    """
    return text.translate(_ASCII_SIGNS).encode("ascii", "backslashreplace").decode("ascii")
