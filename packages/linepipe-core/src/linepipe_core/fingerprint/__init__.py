"""Fingerprints: hashes by which a later process can tell that nothing has changed.

Pure: nothing is imported, called or written to find out. From the ground up:

    bytecode, ownership    what a code object does; whose it is
    sources, hashing       modules that count whole; values by their content
    members                what functions and classes hold
    reach                  what a function, class or value leads to
    state                  what the values began as in this process
    of_node                all that a node's function leads to, part by part

Loaded on first use: it needs inspect and pickle.
"""

from linepipe_core.fingerprint.hashing import ValueHasher
from linepipe_core.fingerprint.of_node import (
    CodeFingerprint,
    Part,
    Reader,
    brief,
    code_fingerprint,
    combined,
)
from linepipe_core.fingerprint.reach import ValueFingerprint, code_named, is_there, own_code

__all__ = [
    "CodeFingerprint",
    "Part",
    "Reader",
    "ValueFingerprint",
    "ValueHasher",
    "brief",
    "code_fingerprint",
    "code_named",
    "combined",
    "is_there",
    "own_code",
]
