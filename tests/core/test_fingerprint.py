"""What counts in code and values, and what doesn't."""

# ruff: noqa: E501  # the tables of edits hold a module's source in a line

from __future__ import annotations

import functools
import itertools
import random
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linepipe_core import create_named_partial_function
from linepipe_core.fingerprint import CodeFingerprint, Part, Reader, code_fingerprint, combined


def module(
    source: str, name: str = "flow_under_test", folder: str = "/project", **held: Any
) -> ModuleType:
    """A module made of source, as an import would make it, with what it holds already."""
    made = ModuleType(name)
    vars(made).update(held)
    exec(
        compile(textwrap.dedent(source), f"{folder}/{name}.py", "exec", dont_inherit=True),
        made.__dict__,
    )
    return made


def fingerprint(source: str) -> CodeFingerprint:
    """The fingerprint of the source's function ``node``."""
    return code_fingerprint(Reader(), module(source).node)


def changed(before: str, after: str) -> set[str]:
    """The parts that differ."""
    old, new = fingerprint(before).parts, fingerprint(after).parts
    return {key for key in {*old, *new} if digest_of(old, key) != digest_of(new, key)}


def digest_of(parts: Mapping[str, Part], key: str) -> str | None:
    return parts[key].digest if key in parts else None


DECORATOR = """\
import functools
class times:
    def __init__(self, f, k):
        functools.update_wrapper(self, f)
        self.f, self.k = f, k
    def __call__(self, x): return self.k * self.f(x)
    def __get__(self, o, t): return self.k * self.f(o)
def plain(x):
    "What."
    return x
"""

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
    "dict order": ("D = {'a': 1, 'b': 2}\ndef node(x): return D[x]",
                   "D = {'b': 2, 'a': 1}\ndef node(x): return D[x]"),
    "__file__ and __name__": (
        "def node(x): return __file__ + __name__",
        "__file__ = 'elsewhere'\ndef node(x): return __file__ + __name__",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", COSMETIC, ids=str)
def test_cosmetic_edit_changes_nothing(case: str) -> None:
    """What a reader may change without a thought runs nothing again."""
    assert changed(*COSMETIC[case]) == set()


REAL = {
    "constant in code": ("def node(x): return x + 1", "def node(x): return x + 2", {"function"}),
    "type of a constant": ("def node(x): return x + 1", "def node(x): return x + 1.0", {"function"}),
    "true for one": ("def node(x): return x + 1", "def node(x): return x + True", {"function"}),
    "attribute": ("def node(x): return x.a", "def node(x): return x.b", {"function"}),
    "swapped operands": ("def node(x, y): return x - y", "def node(x, y): return y - x", {"function"}),
    "negated condition": (
        "def node(x):\n    if x: return 1\n    return 2",
        "def node(x):\n    if not x: return 1\n    return 2",
        {"function"},
    ),
    "statement drawn into try": (
        "def node(x):\n    y = x.a\n    try:\n        return y.b\n    except KeyError:\n        return 0",
        "def node(x):\n    try:\n        y = x.a\n        return y.b\n    except KeyError:\n        return 0",
        {"function"},
    ),
    "parameter name": ("def node(x): return x", "def node(y): return y", {"function"}),
    "which parameter is captured": (
        "def node(x, y): return lambda: x",
        "def node(x, y): return lambda: y",
        {"function"},
    ),
    "helper": (
        "def clean(x): return x\ndef node(x): return clean(x)",
        "def clean(x): return -x\ndef node(x): return clean(x)",
        {"code clean"},
    ),
    "helper of a helper": (
        "def a(x): return x\ndef b(x): return a(x)\ndef node(x): return b(x)",
        "def a(x): return -x\ndef b(x): return a(x)\ndef node(x): return b(x)",
        {"code a"},
    ),
    "another helper of the same name": (
        "def a(x): return x\ndef b(x): return x\nf = a\ndef node(x): return f(x)",
        "def a(x): return x\ndef b(x): return x\nf = b\ndef node(x): return f(x)",
        {"function", "code a", "code b"},
    ),
    "global": ("T = 3\ndef node(x): return x + T", "T = 4\ndef node(x): return x + T", {"global T"}),
    "global's type": ("T = 1\ndef node(x): return x + T", "T = True\ndef node(x): return x + T", {"global T"}),
    "global of a comprehension": (
        "T = 3\ndef node(x): return [y for y in x if y in [z + T for z in x]]",
        "T = 4\ndef node(x): return [y for y in x if y in [z + T for z in x]]",
        {"global T"},
    ),
    "default": ("def node(x, k=1): return x", "def node(x, k=2): return x", {"default k of node"}),
    "keyword default": ("def node(x, *, k=1): return x", "def node(x, *, k=2): return x", {"default k of node"}),
    "closure": (
        "def make(k):\n    def node(x): return x + k\n    return node\nnode = make(1)",
        "def make(k):\n    def node(x): return x + k\n    return node\nnode = make(2)",
        {"closure k of make.<locals>.node"},
    ),
    "method": (
        "class M:\n    def a(self): return 1\ndef node(x): return M().a()",
        "class M:\n    def a(self): return 2\ndef node(x): return M().a()",
        {"code M.a"},
    ),
    "base class's method": (
        "class B:\n    def a(self): return 1\nclass M(B): pass\ndef node(x): return M().a()",
        "class B:\n    def a(self): return 2\nclass M(B): pass\ndef node(x): return M().a()",
        {"code B.a"},
    ),
    "property": (
        "class M:\n    @property\n    def a(self): return 1\ndef node(x): return M().a",
        "class M:\n    @property\n    def a(self): return 2\ndef node(x): return M().a",
        {"code M.a"},
    ),
    "class method": (
        "class M:\n    @classmethod\n    def a(cls): return 1\ndef node(x): return M.a()",
        "class M:\n    @classmethod\n    def a(cls): return 2\ndef node(x): return M.a()",
        {"code M.a"},
    ),
    "cached property": (
        "from functools import cached_property\nclass M:\n    @cached_property\n    def a(self): return 1\n"
        "def node(x): return M().a",
        "from functools import cached_property\nclass M:\n    @cached_property\n    def a(self): return 2\n"
        "def node(x): return M().a",
        {"code M.a"},
    ),
    "argument of a partialmethod": (
        "from functools import partialmethod\nclass M:\n    def a(self, k): return k\n"
        "    b = partialmethod(a, k=1)\ndef node(x): return M().b()",
        "from functools import partialmethod\nclass M:\n    def a(self, k): return k\n"
        "    b = partialmethod(a, k=2)\ndef node(x): return M().b()",
        {"attribute M.b"},
    ),
    "argument of a partial in a property": (
        "from functools import partial\nclass M:\n    def a(self, k): return k\n"
        "    b = property(partial(a, k=1))\ndef node(x): return M().b",
        "from functools import partial\nclass M:\n    def a(self, k): return k\n"
        "    b = property(partial(a, k=2))\ndef node(x): return M().b",
        {"attribute M.b"},
    ),
    "argument of a static partial": (
        "from functools import partial\nclass M:\n    b = staticmethod(partial(max, 1))\n"
        "def node(x): return M.b(x)",
        "from functools import partial\nclass M:\n    b = staticmethod(partial(max, 2))\n"
        "def node(x): return M.b(x)",
        {"attribute M.b"},
    ),
    "function in a partial of a property": (
        "from functools import partial\ndef a(self, k): return k\nclass M:\n"
        "    b = property(partial(a, k=1))\ndef node(x): return M().b",
        "from functools import partial\ndef a(self, k): return -k\nclass M:\n"
        "    b = property(partial(a, k=1))\ndef node(x): return M().b",
        {"code a"},
    ),
    "class attribute": (
        "class M:\n    a = 1\ndef node(x): return M.a",
        "class M:\n    a = 2\ndef node(x): return M.a",
        {"attribute M.a"},
    ),
    "dataclass field's type": (
        "from dataclasses import dataclass\n@dataclass\nclass M:\n    a: int = 1\ndef node(x): return M()",
        "from dataclasses import dataclass\n@dataclass\nclass M:\n    a: float = 1\ndef node(x): return M()",
        {"class M"},
    ),
    "class attribute of a special name": (
        "class M: __version__ = 1\ndef node(x): return M.__version__",
        "class M: __version__ = 2\ndef node(x): return M.__version__",
        {"attribute M.__version__"},
    ),
    "function in a field's type hint": (
        "from typing import Annotated\ndef check(v): return v\n"
        "class M: a: Annotated[int, check]\ndef node(x): return M",
        "from typing import Annotated\ndef check(v): return -v\n"
        "class M: a: Annotated[int, check]\ndef node(x): return M",
        {"code check"},
    ),
    "class in a field's type hint": (
        "class K:\n    def a(self): return 1\nclass M: a: list[K]\ndef node(x): return M",
        "class K:\n    def a(self): return 2\nclass M: a: list[K]\ndef node(x): return M",
        {"code K.a"},
    ),
    "type of a column of a table": (
        "from sqlalchemy import Column, String\nfrom sqlalchemy.orm import declarative_base\n"
        "class M(declarative_base()):\n    __tablename__ = 'm'\n"
        "    a = Column(String(3), primary_key=True)\ndef node(x): return M()",
        "from sqlalchemy import Column, String\nfrom sqlalchemy.orm import declarative_base\n"
        "class M(declarative_base()):\n    __tablename__ = 'm'\n"
        "    a = Column(String(4), primary_key=True)\ndef node(x): return M()",
        {"attribute M.__table__"},
    ),
    "totality of a TypedDict": (
        "from typing import TypedDict\nclass M(TypedDict): a: int\ndef node(x): return M.__total__",
        "from typing import TypedDict\nclass M(TypedDict, total=False): a: int\ndef node(x): return M.__total__",
        {"attribute M.__total__", "attribute M.__required_keys__", "attribute M.__optional_keys__"},
    ),
    "enum member": (
        "import enum\nclass C(enum.Enum):\n    R = 1\ndef node(x): return C.R",
        "import enum\nclass C(enum.Enum):\n    R = 2\ndef node(x): return C.R",
        {"attribute C.R"},
    ),
    "pydantic field's default": (
        "import pydantic\nclass M(pydantic.BaseModel):\n    a: int = 1\ndef node(x): return M()",
        "import pydantic\nclass M(pydantic.BaseModel):\n    a: int = 2\ndef node(x): return M()",
        {"attribute M.a"},
    ),
    "pydantic field's constraint": (
        "import pydantic\nclass M(pydantic.BaseModel):\n    a: int = pydantic.Field(5, gt=1)\n"
        "def node(x): return M()",
        "import pydantic\nclass M(pydantic.BaseModel):\n    a: int = pydantic.Field(5, gt=2)\n"
        "def node(x): return M()",
        {"attribute M.a"},
    ),
    "pydantic validator": (
        "import pydantic\nclass M(pydantic.BaseModel):\n    a: int = 1\n"
        "    @pydantic.field_validator('a')\n    def check(cls, v): return v\ndef node(x): return M()",
        "import pydantic\nclass M(pydantic.BaseModel):\n    a: int = 1\n"
        "    @pydantic.field_validator('a')\n    def check(cls, v): return -v\ndef node(x): return M()",
        {"code M.check"},
    ),
    "order of match arguments": (
        "class P:\n    __match_args__ = ('x', 'y')\ndef node(x):\n    match x:\n"
        "        case P(a, b): return a",
        "class P:\n    __match_args__ = ('y', 'x')\ndef node(x):\n    match x:\n"
        "        case P(a, b): return a",
        {"attribute P.__match_args__"},
    ),
    "named tuple's default": (
        "from typing import NamedTuple\nclass N(NamedTuple):\n    a: int = 1\ndef node(x): return N()",
        "from typing import NamedTuple\nclass N(NamedTuple):\n    a: int = 2\ndef node(x): return N()",
        {"attribute N._field_defaults", "default a of N.__new__"},
    ),
    "instance in a global": (
        "class M:\n    def __init__(self): self.k = 1\nm = M()\ndef node(x): return m.k",
        "class M:\n    def __init__(self): self.k = 2\nm = M()\ndef node(x): return m.k",
        {"code M.__init__", "global m.k"},
    ),
    "method of an instance in a global": (
        "class M:\n    def a(self): return 1\nm = M()\ndef node(x): return m.a()",
        "class M:\n    def a(self): return 2\nm = M()\ndef node(x): return m.a()",
        {"code M.a"},
    ),
    "lambda in a dict": (
        "D = {'a': lambda x: x + 1}\ndef node(x): return D['a'](x)",
        "D = {'a': lambda x: x + 2}\ndef node(x): return D['a'](x)",
        {"global D", "code <lambda>"},
    ),
    "two lambdas that change places": (
        "f, g = (lambda x: 1), (lambda x: 2)\nD = {'a': f, 'b': g}\ndef node(x): return D[x]",
        "f, g = (lambda x: 1), (lambda x: 2)\nD = {'b': f, 'a': g}\ndef node(x): return D[x]",
        {"global D"},
    ),
    "two closures that change places": (
        "def make(k): return lambda: k\nf, g = make(1), make(2)\nD = {'a': f, 'b': g}\n"
        "def node(x): return D[x]",
        "def make(k): return lambda: k\nf, g = make(1), make(2)\nD = {'b': f, 'a': g}\n"
        "def node(x): return D[x]",
        {"global D"},
    ),
    "helper of a lambda in a list": (
        "def a(x): return 1\nL = [lambda x: a(x)]\ndef node(x): return L[0](x)",
        "def a(x): return 2\nL = [lambda x: a(x)]\ndef node(x): return L[0](x)",
        {"code a"},
    ),
    "decorator's body": (
        "def deco(f):\n    def wrapper(x): return f(x)\n    return wrapper\n@deco\ndef node(x): return x",
        "def deco(f):\n    def wrapper(x): return -f(x)\n    return wrapper\n@deco\ndef node(x): return x",
        {"function"},
    ),
    "decorated function": (
        "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def wrapper(x): return f(x)\n"
        "    return wrapper\n@deco\ndef node(x): return x",
        "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def wrapper(x): return f(x)\n"
        "    return wrapper\n@deco\ndef node(x): return -x",
        {"code node"},
    ),
    "decorator's argument": (
        "def times(k):\n    def deco(f):\n        def wrapper(x): return k * f(x)\n        return wrapper\n"
        "    return deco\n@times(2)\ndef node(x): return x",
        "def times(k):\n    def deco(f):\n        def wrapper(x): return k * f(x)\n        return wrapper\n"
        "    return deco\n@times(3)\ndef node(x): return x",
        {"closure k of times.<locals>.deco.<locals>.wrapper"},
    ),
    "state of a decorator's object": (
        DECORATOR + "a = times(plain, 2)\ndef node(x): return a(x)",
        DECORATOR + "a = times(plain, 3)\ndef node(x): return a(x)",
        {"global a.k"},
    ),
    "body of a decorator's class": (
        DECORATOR + "a = times(plain, 2)\ndef node(x): return a(x)",
        DECORATOR.replace("self.f(x)", "-self.f(x)")
        + "a = times(plain, 2)\ndef node(x): return a(x)",
        {"code times.__call__"},
    ),
    "function in a decorator's object": (
        DECORATOR + "a = times(plain, 2)\ndef node(x): return a(x)",
        DECORATOR.replace("return x", "return -x") + "a = times(plain, 2)\ndef node(x): return a(x)",
        {"code plain"},
    ),
    "state of a decorator's object that is the node": (
        DECORATOR + "node = times(plain, 2)",
        DECORATOR + "node = times(plain, 3)",
        {"object times.k"},
    ),
    "body of a decorator's class that makes the node": (
        DECORATOR + "node = times(plain, 2)",
        DECORATOR.replace("self.f(x)", "-self.f(x)") + "node = times(plain, 2)",
        {"code times.__call__"},
    ),
    "state of a decorator's object in a class": (
        DECORATOR + "class M: a = times(plain, 2)\ndef node(x): return M().a",
        DECORATOR + "class M: a = times(plain, 3)\ndef node(x): return M().a",
        {"attribute M.a.k"},
    ),
    "function below lru_cache": (
        "import functools\n@functools.lru_cache\ndef a(x): return 1\ndef node(x): return a(x)",
        "import functools\n@functools.lru_cache\ndef a(x): return 2\ndef node(x): return a(x)",
        {"code a"},
    ),
    "registered of singledispatch": (
        "import functools\n@functools.singledispatch\ndef a(x): return 1\n@a.register\ndef _(x: int): return 2\n"
        "def node(x): return a(x)",
        "import functools\n@functools.singledispatch\ndef a(x): return 1\n@a.register\ndef _(x: int): return 3\n"
        "def node(x): return a(x)",
        {"code _"},
    ),
    "partial in a global": (
        "import functools\ndef a(x, k): return k\np = functools.partial(a, k=1)\ndef node(x): return p(x)",
        "import functools\ndef a(x, k): return k\np = functools.partial(a, k=2)\ndef node(x): return p(x)",
        {"global p"},
    ),
    "bound argument": (
        "import functools\ndef a(x, k): return k\nnode = functools.partial(a, k=1)",
        "import functools\ndef a(x, k): return k\nnode = functools.partial(a, k=2)",
        {"argument k"},
    ),
    "callable object": (
        "class C:\n    def __init__(self, k): self.k = k\n    def __call__(self, x): return self.k\nnode = C(1)",
        "class C:\n    def __init__(self, k): self.k = k\n    def __call__(self, x): return self.k\nnode = C(2)",
        {"object C.k"},
    ),
    "body of a callable object": (
        "class C:\n    def __call__(self, x): return 1\nnode = C()",
        "class C:\n    def __call__(self, x): return 2\nnode = C()",
        {"code C.__call__"},
    ),
    "bound method": (
        "class C:\n    def go(self, x): return 1\nnode = C().go",
        "class C:\n    def go(self, x): return 2\nnode = C().go",
        {"function"},
    ),
    "function attribute": (
        "def a(x): return a.k\na.k = 1\ndef node(x): return a(x)",
        "def a(x): return a.k\na.k = 2\ndef node(x): return a(x)",
        {"attribute a.k"},
    ),
    "match statement": (
        "def node(x):\n    match x:\n        case {'a': 1}: return 1\n        case _: return 2",
        "def node(x):\n    match x:\n        case {'a': 2}: return 1\n        case _: return 2",
        {"function"},
    ),
    "name of a keyword argument": (
        "def clip(v, lo=-1, hi=1): return max(lo, min(v, hi))\ndef node(x): return clip(x, lo=0)",
        "def clip(v, lo=-1, hi=1): return max(lo, min(v, hi))\ndef node(x): return clip(x, hi=0)",
        {"function"},
    ),
    "f-string": ("def node(x): return f'{x:.2f}'", "def node(x): return f'{x:.3f}'", {"function"}),
    "with": (
        "def node(x):\n    with x.a as y: return y",
        "def node(x):\n    with x.b as y: return y",
        {"function"},
    ),
    "alias of another thing": (
        "from os.path import join as f\ndef node(x): return f(x)",
        "from os.path import split as f\ndef node(x): return f(x)",
        {"function"},
    ),
    "set in code": ("def node(x): return x in {'a', 'b'}", "def node(x): return x in {'a', 'c'}", {"function"}),
    "generator": ("def node(x): yield x", "def node(x): yield -x", {"function"}),
    "coroutine": ("async def node(x): return await x", "async def node(x): return x", {"function"}),
    "C function": (
        "from math import sqrt as node",
        "from math import cbrt as node",
        {"function"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REAL, ids=str)
def test_real_edit_changes_the_part_it_was_made_to(case: str) -> None:
    """And no other part, so that the reasons point to the edit."""
    before, after, parts = REAL[case]
    found = changed(before, after)
    assert found == parts
    assert changed(before, before) == set()


TWIN = """
    import functools
    X = {n}
    def clean(x): return {n}
    def get(x): return X
    kept = functools.lru_cache(clean)
    class K:
        v = {n}
    """
TWINS = {
    "function": "clean",
    "what a function of the same code reads": "get",
    "global": "X",
    "class": "K",
    "function below lru_cache": "kept",
}


@pytest.mark.parametrize("case", TWINS, ids=str)
def test_things_of_one_name_are_not_taken_for_each_other(case: str) -> None:
    """Both are reached before and after; a helper goes from one to the other."""
    a, b = (module(TWIN.replace("{n}", n), name) for n, name in (("1", "twin_a"), ("2", "twin_b")))
    prints = []
    for one in "aba":
        flow = module(
            f"def both(): return a.{TWINS[case]}, b.{TWINS[case]}, a.clean, b.clean\n"
            f"def helper(): return {one}.{TWINS[case]}\n"
            "def node(x): return both(), helper()",
            a=a,
            b=b,
        )
        prints.append(combined(code_fingerprint(Reader(), flow.node).parts))
    assert prints[0] == prints[2] != prints[1]


def test_functions_of_one_name_in_a_dict_are_told_apart() -> None:
    """As handlers often are; what the dict's order is doesn't matter to them."""
    a, b = (module(TWIN.replace("{n}", n), name) for n, name in (("1", "twin_a"), ("2", "twin_b")))
    flow = module("def node(x): return first, table")
    prints = []
    for table in (
        {"p": a.clean, "q": b.clean},
        {"p": b.clean, "q": a.clean},
        {"p": a.clean, "q": b.clean},
    ):
        vars(flow).update(first=[a.clean, b.clean], table=table)
        prints.append(combined(code_fingerprint(Reader(), flow.node).parts))
    assert prints[0] == prints[2] != prints[1]


def test_code_written_by_exec_can_be_read() -> None:
    """As in a notebook: no file, no source."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("def helper(x): return x\ndef node(x): return helper(x)", space)
    before = code_fingerprint(Reader(), space["node"]).parts
    exec("def helper(x): return -x", space)
    after = code_fingerprint(Reader(), space["node"]).parts
    assert {key for key in before if before[key] != after[key]} == {"code helper"}


def test_functions_that_call_each_other_come_to_an_end() -> None:
    """Cycles through globals, closures, containers and defaults."""
    parts = fingerprint(
        """
        R = {}
        def a(x): return b(x) + R['a'](x)
        def b(x): return a(x)
        R['a'] = a
        R['self'] = R
        def outer():
            def inner(n, k=[R]): return n and inner(n - 1)
            return inner
        f = outer()
        class Node:
            def parent(self): return Node
        Node.child = Node
        def node(x): return a(x) + f(x) + Node().parent()
        """
    ).parts
    assert {"code a", "code b", "code outer.<locals>.inner", "code Node.parent"} <= set(parts)


def test_a_module_that_loads_on_demand_is_not_asked() -> None:
    """PEP 562: looking would import; its source counts instead."""
    asked: list[str] = []
    lazy = module("", "lazy_module_under_test")
    vars(lazy)["__getattr__"] = asked.append
    flow = module("def node(x): return lazy.thing(x)")
    vars(flow)["lazy"] = lazy
    sys.modules[lazy.__name__] = lazy
    try:
        code_fingerprint(Reader(), flow.node)
    finally:
        del sys.modules[lazy.__name__]
    assert asked == []


def test_nothing_is_imported_for_a_fingerprint(tmp_path: Path) -> None:
    """A function that imports inside counts by that module's source, and by those it imports."""
    (tmp_path / "late_a.py").write_text("from late_b import k\ndef f(): return k\n")
    (tmp_path / "late_b.py").write_text("k = 1\n")
    source = "def node(x):\n    from late_a import f\n    return f()"
    sys.path.insert(0, str(tmp_path))
    try:
        before = fingerprint(source).parts
        assert not {"late_a", "late_b"} & set(sys.modules)
        (tmp_path / "late_b.py").write_text("k = 23\n")
        after = fingerprint(source).parts
    finally:
        sys.path.remove(str(tmp_path))
    assert {key for key in before if before[key] != after[key]} == {"module late_b"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(x): return max(x)", "def f(x): return min(x)"),
        ("A, B = 1, 2\ndef f(x): return A", "A, B = 1, 2\ndef f(x): return B"),
        ("import math\ndef f(x): return math.sin(x)", "import math\ndef f(x): return math.cos(x)"),
    ],
)
def test_what_a_late_module_reads_counts(tmp_path: Path, before: str, after: str) -> None:
    """Also where nothing but the name of a global changes."""
    source = "def node(x):\n    import late_c\n    return late_c.f(x)"
    late = tmp_path / "late_c.py"
    sys.path.insert(0, str(tmp_path))
    try:
        late.write_text(before)
        old = fingerprint(source).parts
        late.write_text(after + "  # of another length: bytecode is cached by size and time")
        new = fingerprint(source).parts
    finally:
        sys.path.remove(str(tmp_path))
    assert {key for key in old if old[key] != new[key]} == {"module late_c"}


def test_a_huge_global_is_hashed_once_a_reading() -> None:
    """However many functions read it."""
    flow = module("BIG = list(range(300_000))\ndef a(x): return BIG\ndef node(x): return a(BIG)")
    reader = Reader()
    first = code_fingerprint(reader, flow.node).parts["global BIG"]
    flow.BIG.append(1)  # a second look would see this
    assert code_fingerprint(reader, flow.node).parts["global BIG"] == first
    assert code_fingerprint(Reader(), flow.node).parts["global BIG"] != first


def test_installed_packages_count_by_name_and_version() -> None:
    """Not by their code, which is not followed."""
    parts = fingerprint("import numpy as np\ndef node(x): return np.sqrt(x)").parts
    assert parts["package numpy"].text == np.__version__
    assert set(parts) == {"python", "function", "package numpy"}


FOREIGN = """
    def bare(f, k=None):
        def wrapper(*args): return f(*args)
        return wrapper
    """
BELOW = {
    "body": ("@bare\ndef helper(x): return 1", "@bare\ndef helper(x): return 2"),
    "decorated twice": (
        "@bare\n@bare\ndef helper(x): return 1",
        "@bare\n@bare\ndef helper(x): return 2",
    ),
    "bound method": (
        "class M:\n    def a(self, x): return 1\nhelper = bare(M().a)",
        "class M:\n    def a(self, x): return 2\nhelper = bare(M().a)",
    ),
    "two that change places": (
        "def f(x): return 1\ndef g(x): return 2\nhelper, other = bare(f), bare(g)",
        "def f(x): return 1\ndef g(x): return 2\nhelper, other = bare(g), bare(f)",
    ),
}


@pytest.mark.parametrize("case", BELOW, ids=str)
@pytest.mark.parametrize("node", ["node = helper", "def node(x): return helper(x), other"])
def test_own_code_below_an_installed_decorator_counts(case: str, node: str) -> None:
    """Also where the decorator doesn't say by ``wraps`` what it wraps."""
    bare = module(FOREIGN, "foreign", "/venv/lib/site-packages").bare
    one, other = (
        code_fingerprint(Reader(), module(f"other = 0\n{source}\n{node}", bare=bare).node)
        for source in BELOW[case]
    )
    assert combined(one.parts) != combined(other.parts)


def test_a_package_counts_once_however_it_is_reached() -> None:
    """As a module, by a class, imported late, and by another top-level module of it."""
    source = """
        import numpy
        import pytest, _pytest
        from numpy import ndarray
        def node(x):
            from numpy import linalg
            return numpy, ndarray, pytest, _pytest
        """
    packages = {key for key in fingerprint(source).parts if key.startswith("package ")}
    assert packages == {"package numpy", "package pytest"}


def test_a_package_of_another_name_than_its_module_is_found() -> None:
    """The distribution scikit-learn brings the module sklearn."""
    import sklearn.linear_model  # noqa: F401  # loaded, as it is in a flow that uses it

    parts = fingerprint("import sklearn\ndef node(x): return sklearn.linear_model").parts
    assert "package scikit-learn" in parts


def test_what_code_assigns_itself_is_state() -> None:
    """A counter that the node counts up can't make it stale."""
    found = fingerprint(
        "n = 0\ndef count():\n    global n\n    n += 1\ndef node(x): count(); return x"
    )
    assert found.state == ("global n",)
    assert "global n" not in found.parts


def test_what_a_run_changes_is_told() -> None:
    """A memo differs after the run; what it didn't touch doesn't."""
    flow = module("memo, T = {}, 3\ndef node(x): memo[x] = T; return x")
    found = code_fingerprint(Reader(), flow.node)
    found.values.begin()
    flow.node(1)
    assert found.values.end() == ["global memo"]


def test_parts_show_short_values_and_no_long_or_secret_ones() -> None:
    """For reasons such as ``global T changed: 3 -> 4``."""
    parts = fingerprint(
        "T, U, L = 3, 'postgres://me:secret@host', list(range(99))\ndef node(x): return T, U, L"
    ).parts
    assert [parts[f"global {name}"].text for name in "TUL"] == ["3", "", ""]


def test_named_partials_tell_their_arguments_apart() -> None:
    """Of create_named_partial_function, the bound arguments and the function count."""
    save = module("def save(x, table): return table").save
    a = create_named_partial_function(save, "save_a", table="a")
    b = create_named_partial_function(save, "save_b", table="b")
    old, new = (code_fingerprint(Reader(), func).parts for func in (a, b))
    assert {key for key in old if old[key] != new[key]} == {"argument table"}


def test_layout_is_no_content() -> None:
    """Equal arrays, indexes and columns hash alike, however they lie in memory."""
    sliced = pd.MultiIndex.from_tuples([(0, 0), (1, 2), (3, 4)])[1:]
    masked = pd.array([1, 7], dtype="Int64")
    masked[1] = pd.NA
    array = np.arange(6.0).reshape(2, 3)
    pairs = [
        (array, np.asfortranarray(array)),
        (pd.MultiIndex.from_tuples([(1, 2), (3, 4)]), sliced),
        (pd.array([1, None], dtype="Int64"), masked),
    ]
    for one, other in pairs:
        assert Reader().value(one).digest == Reader().value(other).digest
    assert Reader().value(array.T).digest != Reader().value(array).digest
    assert Reader().value(sliced).digest != Reader().value(sliced.set_names(["a", "b"])).digest


def test_what_pads_the_fields_of_an_array_is_no_content() -> None:
    """A fitted forest's trees lie in such arrays, and copies differ in what pads them."""

    def padded(filler: int, values: list[Any]) -> Any:
        kind = np.dtype([("a", "u1"), ("b", "f8")], align=True)
        array = np.frombuffer(bytes([filler]) * kind.itemsize * 2, dtype=kind).copy()
        array["a"], array["b"] = zip(*values, strict=True)
        return array

    one, other = padded(0, [(1, 2.0), (3, 4.0)]), padded(255, [(1, 2.0), (3, 4.0)])
    assert one.tobytes() != other.tobytes()
    assert digest(one) == digest(other)
    assert digest(one) != digest(padded(0, [(1, 2.0), (3, 5.0)]))
    assert digest(one) != digest(one.astype([("a", "u1"), ("c", "f8")]))


def test_what_a_dtype_or_a_flag_says_counts() -> None:
    """Columns of the same values, and frames, that nodes can tell apart; memory by its bytes."""
    texts = pd.Series(["x", None], dtype=object)
    values: list[Any] = [
        texts,
        texts.astype(pd.StringDtype("python")),
        texts.astype(pd.StringDtype("python", na_value=np.nan)),
        pd.Series([1], dtype="Int64"),
        pd.Series([0], dtype="Int64"),
        pd.Series([None], dtype="Int64"),
        pd.Series([1], dtype="Int32"),
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
        memoryview(b"a"),
        memoryview(b"b"),
    ]
    assert len({Reader().value(value).digest for value in values}) == len(values)
    assert not any(Reader().value(value).untracked for value in values)


def test_what_its_library_refuses_to_write_counts_by_its_looks() -> None:
    """Memory that was released can't be read."""
    released = memoryview(b"a")
    released.release()
    assert Reader().value(released).untracked == ("memoryview",)


def test_a_polars_frame_of_python_objects_counts_by_them() -> None:
    """polars refuses to write it."""

    def frame(*values: object) -> pl.DataFrame:
        return pl.DataFrame({"a": values, "b": [1]}, schema={"a": pl.Object, "b": pl.Int64})

    assert digest(frame({1})) == digest(frame({1}))
    assert digest(frame({1})) != digest(frame({2}))
    assert Reader().value(frame({1})).untracked == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("{1: 'a'}.get", "{1: 'b'}.get"), ("'a{}'.format", "'b{}'.format"),
     ("re.compile('1').match", "re.compile('2').match")],
)  # fmt: skip
def test_the_object_of_a_c_method_counts(one: str, other: str) -> None:
    """As a global, in a container, as a bound argument and as a constant."""
    for source in (
        "import re\nG = {}\ndef node(x): return G(x)",
        "import re\nG = [{}]\ndef node(x): return G[0](x)",
        "import re, functools\ndef f(g, x): return g(x)\nnode = functools.partial(f, {})",
        "import re\nnode = {}",
    ):
        kinds = [source.replace("{}", each) for each in (one, one, other)]
        first, same, another = [combined(fingerprint(kind).parts) for kind in kinds]
        assert first == same != another
    values = [Reader().value(eval(each, {"re": re})).digest for each in (one, one, other)]
    assert values[0] == values[1] != values[2]


def test_a_librarys_function_that_is_a_method_counts_by_name() -> None:
    """The seed that ``random`` starts with is another in each process."""
    hashes = []
    for seed in (1, 2):
        random.seed(seed)
        flow = fingerprint("from random import random\ndef node(x): return random()")
        hashes.append(combined(flow.parts))
    assert hashes[0] == hashes[1]


def test_what_cannot_be_hashed_is_named() -> None:
    """A lock in a global counts by its looks, and the plan can say so."""
    flow = module("def node(x): return LOCK")
    vars(flow)["LOCK"] = threading.Lock()
    assert code_fingerprint(Reader(), flow.node).untracked == ("global LOCK (lock)",)


def digest(value: object) -> str:
    return Reader().value(value).digest


def test_values_of_other_types_differ() -> None:
    """1, "1", 1.0 and True, and containers of other kinds."""
    values: list[object] = [
        1, "1", 1.0, True, b"1", None, "", (), [], {}, set(), frozenset(), (1,), [1], {1}, {1: 1},
        {"1": 1}, [[1]], [1, []], bytearray(b"1"), 1j, -0.0, 0.0, np.int64(1), np.array(1),
        np.array([1]), np.array([1.0]), np.array([[1]]), pd.Series([1]), pd.DataFrame({"a": [1]}),
        pl.DataFrame({"a": [1]}), pa.table({"a": [1]}), int, len, range(1), slice(1),
    ]  # fmt: skip
    digests = [digest(value) for value in values]
    for (a, x), (b, y) in itertools.combinations(zip(values, digests, strict=True), 2):
        assert x != y, (a, b)


FRAME = pd.DataFrame({"n": [1, 2, 3], "s": ["a", "b", None], "d": pd.to_datetime(["2020"] * 3)})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
        ({"x", "y", "z"}, {"z", "y", "x"}),
        ([{"k": "v"}] * 2, [{"k": "v"}, {"k": "v"}]),
        (np.arange(9).reshape(3, 3), np.arange(9).reshape(3, 3).copy()),
        (np.arange(18)[::2], np.arange(0, 18, 2)),
        (FRAME, pd.concat([FRAME.iloc[:1], FRAME.iloc[1:]])),
        (FRAME, FRAME[["n"]].assign(s=FRAME["s"], d=FRAME["d"])),
        (pl.from_pandas(FRAME), pl.concat([pl.from_pandas(FRAME)[:1], pl.from_pandas(FRAME)[1:]])),
        (pa.table({"a": [1, 2]}), pa.concat_tables([pa.table({"a": [1]}), pa.table({"a": [2]})])),
        (functools.partial(len, [1]), functools.partial(len, [1])),
    ],
    ids=str,
)
def test_equal_content_is_equal_however_it_was_made(one: object, other: object) -> None:
    """Order, identity, chunks and blocks are no content."""
    assert digest(one) == digest(other)


COLUMNS: dict[str, list[Any]] = {
    "numbers": [5, 1, None, 3, 4],
    "no nulls": [1.5, 2.5, 3.5, 4.5, 5.5],
    "truths": [True, None, False, True, True],
    "text": ["a", None, "b" * 40, "c", ""],
    "lists": [[1], None, [2, 3], [], [4]],
    "structs": [{"a": 1, "b": "x"}, None, {"a": 2, "b": "y"}, None, {"a": 3, "b": "z"}],
}


@pytest.mark.parametrize("column", COLUMNS)
def test_columns_of_polars_hash_by_what_is_in_them(column: str) -> None:
    """Not by chunks, slices, masks, what lies below nulls, or what polars knows of their order."""
    held = COLUMNS[column]
    one = pl.Series("n", held)
    padded = pl.concat([one.reverse(), one, one], rechunk=True)
    alike = [
        padded[5:10],
        pl.concat([one[:1], one[1:3], one[3:]], rechunk=False),
        padded.gather([5, 6, 7, 8, 9]),
        pl.concat([one, padded]).head(5),
    ]
    assert {digest(each) for each in alike} == {digest(one)}
    assert {digest(each.to_frame()) for each in alike} == {digest(one.to_frame())}
    others = [one.reverse(), one.alias("m"), one[:4], one.is_null(), pl.Series("n", [None] * 5)]
    assert digest(one) not in {digest(each) for each in (*others, one.to_frame(), held)}
    present = [each for each in held if each is not None]
    masked = one.filter(one.is_not_null())
    assert digest(masked) == digest(pl.Series("n", present, dtype=one.dtype))


def test_what_polars_knows_or_hides_of_a_column_is_no_content() -> None:
    """That it is sorted, and the number below a null."""
    frame = pl.DataFrame({"n": [1, 2, 3]})
    assert digest(frame) == digest(frame.with_columns(pl.col("n").set_sorted()))
    hidden = frame.with_columns(pl.when(pl.col("n") < 2).then(pl.col("n")).alias("n"))
    assert digest(hidden) == digest(pl.DataFrame({"n": [1, None, None]}))
    assert digest(hidden) != digest(pl.DataFrame({"n": [None, 1, None]}))


@pytest.mark.parametrize("column", COLUMNS)
def test_columns_of_arrow_hash_by_what_is_in_them(column: str) -> None:
    """An array, a chunked one, a batch and a table, each as itself."""
    one = pa.array(COLUMNS[column])
    padded = pa.concat_arrays([one, one.take(pa.array([4, 3, 2, 1, 0])), one])
    first, last = padded.slice(0, 5), padded.slice(10)
    assert digest(one) == digest(first) == digest(last)
    assert digest(one.slice(3)) == digest(last.slice(3)) == digest(first.slice(3))
    chunked = pa.chunked_array([one])
    assert digest(chunked) == digest(pa.chunked_array([first.slice(0, 2), last.slice(2)]))
    table = pa.table({"n": one})
    assert digest(table) == digest(pa.table({"n": last}))
    batch, other = (pa.RecordBatch.from_arrays([each], ["n"]) for each in (one, last))
    assert digest(batch) == digest(other)
    different = [
        one,
        one.slice(1),
        one.is_null(),
        chunked,
        table,
        batch,
        table.rename_columns(["m"]),
    ]
    different.append(table.replace_schema_metadata({"a": "b"}))
    assert len({digest(each) for each in different}) == len(different)


def test_what_lies_below_nulls_of_arrow_is_no_content() -> None:
    """Whatever was computed there."""
    buffers = [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([1, 99]).tobytes())]
    hidden = pa.Array.from_buffers(pa.int64(), 2, buffers)
    assert digest(hidden) == digest(pa.array([1, None]))
    assert digest(pa.array(["a", None], pa.string_view())) != digest(pa.array(["a", None]))


@pytest.mark.parametrize(
    "edit",
    [
        lambda f: f.assign(n=[1, 2, 4]),
        lambda f: f.rename(columns={"n": "m"}),
        lambda f: f[["s", "n", "d"]],
        lambda f: f.set_index("n"),
        lambda f: f.astype({"n": "int32"}),
        lambda f: f.assign(s=["a", "b", "c"]),
    ],
)
def test_another_frame_has_another_hash(edit: Any) -> None:
    """Values, names, order, index and types of columns."""
    assert digest(edit(FRAME)) != digest(FRAME)


def test_large_buffers_hash_by_all_their_bytes() -> None:
    """In parts on several threads, and the last byte counts."""
    one = np.zeros(20_000_001, dtype="u1")
    other = one.copy()
    assert digest(one) == digest(other)
    other[-1] = 1
    assert digest(one) != digest(other)


def test_cyclic_and_deep_values_come_to_an_end() -> None:
    """A list in itself; a list nested too deep for Python's stack."""
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert digest(cycle) != digest([1, [1]])
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert Reader().value(deep).untracked == ("too deeply nested",)


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(trees, trees)
def test_values_hash_alike_exactly_when_they_are_alike(one: Any, other: Any) -> None:
    """Alike: their reprs are, dicts sorted."""

    def normal(value: Any) -> str:
        if isinstance(value, dict):
            return f"{{{sorted((k, normal(v)) for k, v in value.items())}}}"
        if isinstance(value, (list, tuple)):
            return f"{type(value)}{[normal(item) for item in value]}"
        return f"{type(value)}{value!r}"

    assert (digest(one) == digest(other)) == (normal(one) == normal(other))


def in_processes(script: str) -> set[str]:
    """What a script prints in fresh processes of other hash seeds."""
    return {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }


def test_models_of_libraries_are_the_same_in_every_process() -> None:
    """Their classes hold bookkeeping, which isn't, and hints with functions in them."""
    script = textwrap.dedent(
        """
        from typing import Annotated, Optional
        import pydantic
        from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
        from linepipe_core.fingerprint import Reader, code_fingerprint, combined
        def check(value): return value
        class Order(pydantic.BaseModel):
            number: Annotated[int, pydantic.AfterValidator(check)] = 1
            earlier: Optional["Order"] = None
        class Base(DeclarativeBase): pass
        class Customer(Base):
            __tablename__ = "customers"
            id: Mapped[int] = mapped_column(primary_key=True)
        def node(x): return Order(), Customer()
        before = code_fingerprint(Reader(), node).parts
        assert {"code check", "attribute Customer.__tablename__"} <= set(before)
        node(0)
        assert code_fingerprint(Reader(), node).parts == before
        print(combined(before))
        """
    )
    assert len(in_processes(script)) == 1


def test_fingerprints_are_the_same_in_every_process() -> None:
    """Whatever PYTHONHASHSEED is."""
    script = textwrap.dedent(
        """
        from linepipe_core.fingerprint import Reader, code_fingerprint, combined
        D = {"a": {"x", "y"}, "b": [lambda x: x in {"p", "q", "r"}]}
        class M:
            words = {"u", "v", "w"}
            def a(self): return D
        def node(x, k=frozenset({"m", "n"})): return M().a() if x in {"s", "t"} else k
        print(combined(code_fingerprint(Reader(), node).parts))
        """
    )
    assert len(in_processes(script)) == 1


def test_the_hash_of_all_parts_tells_any_change() -> None:
    """What counts for an object that can only be told by how it was made."""
    one, same, other = (
        combined(fingerprint(source).parts)
        for source in ("def node(x): return 1", "def node(x): return 1", "def node(x): return 2")
    )
    assert one == same != other


def test_attributes_of_an_object_are_parts_of_their_own() -> None:
    """What the node changes in one of them doesn't hide a change of another."""
    source = """
        class Settings: pass
        class Scaler:
            def __init__(self, k):
                self.k = k
                self.settings = Settings()
                self.settings.deep = k
                self.n_calls = 0
            def __call__(self, x):
                self.n_calls += 1
                self.newest = x
                return self.k * x
        node = Scaler({k})
        def other(x): return node(x)
        """
    flow = module(source.replace("{k}", "2"))
    found = code_fingerprint(Reader(), flow.node)
    assert found.parts["object Scaler.k"].text == "2"
    assert "object Scaler.settings.deep" in found.parts
    found.values.begin()
    flow.node(1)
    assert sorted(found.values.end()) == ["object Scaler.n_calls", "object Scaler.newest"]
    other = code_fingerprint(Reader(), flow.other)
    assert "global node.k" in other.parts
    assert "code Scaler.__call__" in other.parts


def test_calls_whose_results_no_fingerprint_sees_are_named() -> None:
    """Files, the clock, chance: whatever the names are that they were imported under."""
    found = fingerprint(
        """
        import datetime as d
        import time
        import random as chance
        from datetime import datetime
        from time import time as now
        import pandas as pd
        def helper(path): return open(path).read()
        def node(x):
            helper(x)
            return now(), time.sleep(0), chance.random(), datetime.now(), d.date.today(), pd.read_csv(x)
        """
    )
    assert found.unseen == (
        "datetime.date.today",
        "datetime.datetime.now",
        "open",
        "pandas.read_csv",
        "random.random",
        "time.time",
    )


def test_imports_by_a_computed_name_are_named() -> None:
    """What they load isn't followed."""
    found = fingerprint(
        """
        import importlib
        import sys
        from importlib import import_module
        def node(x):
            return importlib.import_module(x), import_module(x), sys.modules[x], __import__(x)
        """
    )
    assert found.unseen == ("__import__", "importlib.import_module", "sys.modules")


def test_methods_whose_results_no_fingerprint_sees_are_named() -> None:
    """Of paths, files and databases, however they were come by; not attributes of such names."""
    found = fingerprint(
        """
        import gzip
        import sqlite3
        from pathlib import Path
        from sqlite3 import connect
        from string import digits
        HERE = Path("here")
        class Stock:
            open = 1.0
        stock = Stock()
        def node(x, prices):
            HERE.read_bytes(), (HERE / x).read_text(), Path.home().open(), gzip.open(x)
            sqlite3.connect(x).execute(x).fetchall(), connect(x), prices.to_sql(x)
            digits.fetchone(), print(digits.fetchmany)
            return prices.iterdir, stock.rglob, open.__name__
        """
    )
    assert found.unseen == (
        *(".fetchall", ".fetchone", ".open", ".read_bytes", ".read_text", ".to_sql"),
        *("_sqlite3.connect", "gzip.open", "sqlite3.connect"),
    )
    opened = fingerprint("stock = None\ndef node(prices): return prices.open - stock.open")
    assert opened.unseen == ()


def test_a_method_that_an_own_class_inherits_is_named() -> None:
    """As it is when it is called in any other way."""
    source = """
        from pathlib import Path
        class Place(type(Path())):
            def text(self): return super().{}
        def node(x): return Place(x).text()
        """
    assert fingerprint(source.format("read_text()")).unseen == (".read_text",)
    assert fingerprint(source.format("read_text")).unseen == ()


def test_a_function_of_cython_counts_by_name_and_version() -> None:
    """As other functions of C do."""
    found = fingerprint("from numpy.random import default_rng\ndef node(x): return default_rng(x)")
    assert found.parts["package numpy"].text == np.__version__
    assert "global default_rng" not in found.parts


def test_an_own_function_of_such_a_name_is_not_named() -> None:
    """It is read itself."""
    helpers = module("def read_text(x): return x", "helpers_under_test")
    flow = module("def node(x): return helpers.read_text(x)", helpers=helpers)
    assert code_fingerprint(Reader(), flow.node).unseen == ()


def test_chance_without_a_seed_is_named() -> None:
    """With one it gives the same each time."""
    source = """
        import random
        import numpy as np
        from numpy.random import default_rng
        def node(x): return {}
        """
    for calls, named in [
        ("np.random.default_rng()", "numpy.random.default_rng"),
        ("default_rng()", "numpy.random.default_rng"),
        ("default_rng(None)", "numpy.random.default_rng"),
        ("np.random.Generator(np.random.PCG64())", "numpy.random.PCG64"),
        ("np.random.Generator(np.random.PCG64(3)), isinstance(x, np.random.Generator)", ""),
        ("random.Random()", "random.Random"),
        ("np.random.normal(x)", "numpy.random.normal"),
        ("np.random.default_rng(3), default_rng(seed=x), random.Random(1)", ""),
    ]:
        assert fingerprint(source.replace("{}", calls)).unseen == tuple(filter(None, [named]))


ALIASES = ["A = TypeAliasType('A', {})"]
if sys.version_info >= (3, 12):
    ALIASES.append("type A = {}")


@pytest.mark.parametrize("alias", ALIASES)
def test_what_a_type_alias_stands_for_counts(alias: str) -> None:
    """Its pickle is but its name. One that stands for itself, or for nothing yet, counts too."""
    source = f"from typing_extensions import TypeAliasType\n{alias}\ndef node(x): return A"
    edits = [source.format(meaning) for meaning in ("int | str", "int | bytes", "int | str")]
    assert changed(edits[0], edits[1]) == {"global A"}
    assert changed(edits[0], edits[2]) == set()
    if alias.startswith("type"):
        circle = [source.format(meaning) for meaning in ("list[A] | int", "set[A] | int")]
        assert changed(*circle) == {"global A"}
        assert fingerprint(source.format("missing")).untracked == ()
