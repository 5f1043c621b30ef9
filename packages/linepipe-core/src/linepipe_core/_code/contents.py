"""The content of values as it was when a run first looked at them.

Nodes change values while they run: a counter, a memo, a client. What a record says of a value is
how it began, so what was once looked at is kept with the reader, attribute by attribute.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.makers import split_foreign
from linepipe_core._code.members import UNCHANGING, Value, expanded, flattened_code
from linepipe_core._code.parts import PartKey
from linepipe_core._values.secrets import shown_value

__all__ = ["Content", "contents_of", "digest_now", "is_unchanged"]

_LARGE: Final = 1 << 20  # bytes; what is larger isn't hashed again after a node ran


class Content(NamedTuple):
    """The content of a value, or of one attribute of an own object.

    Attributes:
        held: the value itself.
        compared: the value with what has no content of its own replaced by names.
        digest: the hash of that.
        code: the functions, classes and modules in the value.
        untracked: the types of what in ``compared`` can't be hashed.
        text: the value, where it is short enough to show.
        is_foreign: True if something in it has no content of its own.
        is_filled: True if something in it holds what can't be compared, such as a queue.
        is_large: True if there is too much in it to be hashed again after each node.
        failure: the type of the exception that a user's class raised; then nothing else is known.
    """

    held: Any
    compared: Any = None
    digest: str = ""
    code: tuple[Any, ...] = ()
    untracked: tuple[str, ...] = ()
    text: str = ""
    is_foreign: bool = False
    is_filled: bool = False
    is_large: bool = False
    failure: str = ""


def contents_of(reader: Reader, value: Value) -> list[tuple[PartKey, Content]]:
    """A value, or in place of an own object its attributes, as the reader first saw them."""
    known = reader.contents.get(value.home)
    if known is None:
        found = [
            (key, _content(reader, key, held)) for key, held in expanded(value.key, value.fetch())
        ]
        known = reader.contents[value.home] = value, found
    return known[1]


def _content(reader: Reader, key: PartKey, held: Any) -> Content:
    try:
        small = reader.small(held)
        if small is not None:
            return Content(held, held, small.digest, text=shown_value(str(key), held))
        compared, foreign, is_filled = split_foreign(held)
        hashed = reader.value(compared)
        # What a library's object has wrapped or cached fills as it works: its own code counts.
        inner = flattened_code(reader.value(held).code) if foreign else ()
        code = (*hashed.code, *inner)
    except Exception as error:  # of a user's class: it counts as changed
        return Content(held, failure=type(error).__name__)
    text = shown_value(str(key), held)
    flags = bool(foreign), is_filled, hashed.n_bytes > _LARGE
    return Content(held, compared, hashed.digest, code, hashed.untracked, text, *flags)


def is_unchanged(began: Content, held: Any) -> bool:
    """Return True for what can't have changed, and for what is too large to be looked at again."""
    return held is began.held and (type(held) in UNCHANGING or began.is_large)


def digest_now(reader: Reader, began: Content, held: Any, is_whole: bool = False) -> str:
    """The digest of what a value holds now, after a node has run.

    Args:
        reader: one that hasn't read the value yet.
        began: the content that it had.
        held: what it holds now.
        is_whole: True if it counts with what has no content of its own.
    """
    if is_unchanged(began, held):
        return began.digest
    try:
        return reader.value(held if is_whole else split_foreign(held).value).digest
    except Exception:  # of a user's class
        return ""
