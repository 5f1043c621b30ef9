"""Keeps what is known of code objects, by a hash of the code, beside the facts about its file.

Code of notebooks and of ``exec`` has no file, and nothing of it is kept.
"""

from __future__ import annotations

import marshal
import os
from hashlib import blake2b
from types import CodeType
from typing import Any, Final, NamedTuple

from linepipe_core._code import known_facts

__all__ = ["known_code", "note_code"]

_KIND: Final = "code"
_COST: Final = 5  # a byte of bytecode takes as long as so many characters of source
_MOST_UNUSED: Final = 300  # of one file: it was edited, or other programs use them


class _File(NamedTuple):
    facts: dict[str, Any]  # hash of the code -> fact
    used: set[str]


_files: dict[str, _File | None] = {}  # None for what is no file


def known_code(code: CodeType) -> tuple[str, Any]:
    """The fact that is known of a code object, and the hash to note one by.

    Returns:
        The hash, ``""`` where nothing can be kept, and the fact or None.
    """
    name = code.co_filename
    if name not in _files:
        known = None if name.startswith("<") else known_facts.find(_KIND, name, "")
        is_file = known is not None or (not name.startswith("<") and os.path.isfile(name))
        _files[name] = _File(known or {}, set()) if is_file else None
    file = _files[name]
    digest = _hash(code) if file is not None else ""
    if file is None or not digest:
        return "", None
    file.used.add(digest)
    return digest, file.facts.get(digest)


def note_code(code: CodeType, digest: str, fact: Any) -> None:
    """Note a fact about a code object.

    Args:
        code: the code.
        digest: its hash, as ``known_code`` gave it.
        fact: lists, texts and numbers.
    """
    file = _files.get(code.co_filename)
    if file is None or not digest:
        return
    file.facts[digest] = fact
    if len(file.facts) > len(file.used) + _MOST_UNUSED:
        used = {each: file.facts[each] for each in list(file.used) if each in file.facts}
        file = _files[code.co_filename] = _File(used, file.used)
    known_facts.note(_KIND, code.co_filename, "", file.facts, _COST * _size(code))


def _hash(code: CodeType) -> str:
    try:
        # Version 2: later ones also write which objects are shared.
        return blake2b(marshal.dumps(_ordered(code), 2), digest_size=16).hexdigest()
    except ValueError:  # constants that no compiler made
        return ""


def _ordered(code: CodeType) -> CodeType:
    """The code with its sets in order, which would differ from process to process."""
    if not any(type(each) in (CodeType, frozenset, tuple) for each in code.co_consts):
        return code
    constants = tuple(map(_constant, code.co_consts))
    same = all(new is old for new, old in zip(constants, code.co_consts, strict=True))
    return code if same else code.replace(co_consts=constants)


def _constant(value: Any) -> Any:
    if type(value) is CodeType:
        return _ordered(value)
    if type(value) is frozenset:
        return ("set", *sorted(map(repr, map(_constant, value))))
    if type(value) is tuple and any(type(each) in (tuple, frozenset) for each in value):
        return tuple(map(_constant, value))
    return value


def _size(code: CodeType) -> int:
    inner = (each for each in code.co_consts if type(each) is CodeType)
    return len(code.co_code) + sum(map(_size, inner))
