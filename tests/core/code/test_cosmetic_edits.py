"""Edits that change no behaviour change no part of a fingerprint."""

# ruff: noqa: E501  # the tables of edits hold a module's source in a line

from __future__ import annotations

import pytest
from tests.core.code.written import DECORATOR, changed

COSMETIC = {
    "comment": ("def node(x):\n    return x + 1", "def node(x):\n    # why\n    return x + 1"),
    "docstring": (
        "def node(x):\n    return x + 1",
        'def node(x):\n    """Say why."""\n    return x + 1',
    ),
    "changed docstring": (
        'def node(x):\n    """Say."""\n    return x + 1',
        'def node(x):\n    """Say why."""\n    return x + 1',
    ),
    "blank lines": ("def node(x):\n    return x + 1", "\n\n\ndef node(x):\n\n\n    return x + 1"),
    "renamed local": (
        "def node(x):\n    a = x + 1\n    b = a * 2\n    return b",
        "def node(x):\n    z = x + 1\n    a = z * 2\n    return a",
    ),
    "renamed captured local": (
        "def node(x):\n    a = 1\n    b = x\n    return lambda: a - b",
        "def node(x):\n    z = 1\n    b = x\n    return lambda: z - b",
    ),
    "renamed comprehension variable": (
        "def node(x):\n    return [a * 2 for a in x if a]",
        "def node(x):\n    return [b * 2 for b in x if b]",
    ),
    "broken lines": (
        "def node(x):\n    return [a for a in x if a > 1 and a < 9 and a != 5]",
        "def node(x):\n    return [\n        a\n        for a in x\n        if a > 1\n"
        "        and a < 9\n        and a != 5\n    ]",
    ),
    "joined lines": ("def node(x):\n    y = 1\n    return x + y", "def node(x): y = 1; return x + y"),
    "type hints": (
        "def node(x):\n    y = x + 1\n    return y",
        "def node(x: int) -> int:\n    y: int = x + 1\n    return y",
    ),
    "type hints inside": (
        "def node(x):\n    k = 1\n    def inner(y, z=2):\n        return y + z + k\n"
        "    return inner(x)",
        "def node(x):\n    k = 1\n    def inner(y: int, z: int = 2) -> 'int':\n"
        "        return y + z + k\n    return inner(x)",
    ),
    "moved helper": (
        "def clean(x):\n    return x\ndef node(x):\n    return clean(x)",
        "def node(x):\n    return clean(x)\n\ndef clean(x):\n    return x",
    ),
    "renamed node function": ("def node(x): return x", "def other(x): return x\nnode = other"),
    "alias of the same thing": (
        "import os.path as p\ndef node(x): return p.join(x)",
        "import os.path as q\ndef node(x): return q.join(x)",
    ),
    "unused helper": (
        "def node(x): return x",
        "def unused(x): return 1\nLIMIT = 5\ndef node(x): return x",
    ),
    "parentheses and quotes": (
        "def node(x): return x + 'a' * 2",
        'def node(x): return (x + ("a" * 2))',
    ),
    "moved method": (
        "class M:\n    def a(self): return 1\n    def b(self): return 2\ndef node(x): return M().a()",
        "class M:\n    def b(self): return 2\n    def a(self): return 1\ndef node(x): return M().a()",
    ),
    "class docstring": (
        "class M:\n    def a(self): return 1\ndef node(x): return M().a()",
        "class M:\n    'What.'\n    def a(self):\n        'How.'\n        return 1\n"
        "def node(x): return M().a()",
    ),
    "class inside": (
        "def node(x):\n    class A:\n        y = 1\n    return A",
        "def node(x):\n    class A:\n        'Doc.'\n\n        y = 1\n    return A",
    ),
    "docstring below a decorator's object": (
        DECORATOR + "a = times(plain, 2)\ndef node(x): return a(x)",
        DECORATOR.replace("What.", "Why.") + "a = times(plain, 2)\ndef node(x): return a(x)",
    ),
    "__file__ and __name__": (
        "def node(x): return __file__ + __name__",
        "__file__ = 'elsewhere'\ndef node(x): return __file__ + __name__",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COSMETIC, ids=str)
def test_cosmetic_edit_changes_nothing(case: str) -> None:
    """Comments, formatting, local names and hints run nothing again."""
    assert changed(*COSMETIC[case]) == set()
