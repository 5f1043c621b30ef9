"""Edits that change behaviour change the part that they were made to."""

# ruff: noqa: E501  # the tables of edits hold a module's source in a line

from __future__ import annotations

import pytest
from tests.core.code.written import DECORATOR, changed

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
