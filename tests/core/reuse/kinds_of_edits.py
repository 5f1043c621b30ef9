"""Small modules with one place, ``@@``, that is edited: kinds of edits, in the shapes people use.

``MOD`` stands for the module's own name, for the modules beside it.
"""

# ruff: noqa: E501  # modules in one line each

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    *("EDITS", "FREE", "KINDS", "NEEDS", "OTHER_FREE", "OTHER_SHAPES", "UNCOMPARABLE", "WATCHED"),
    "Edit",
]


class Edit(NamedTuple):
    """An edit of a module.

    Attributes:
        text: the module's.
        before: what stands at the place first.
        after: what stands there then.
        files: other modules, which have such a place too.
    """

    text: str
    before: str
    after: str
    files: dict[str, str] = {}  # noqa: RUF012  # never changed


FUTURE = "from __future__ import annotations\n"
# name -> a module with @@ where it is edited, what stands there before, and after.
EDITS = {
    # classes: annotations that are texts, every setting of a field
    "class in a string annotation": Edit(
        FUTURE
        + "from pydantic import BaseModel\nclass Inner(BaseModel):\n    n: int\n    unit: str = '@@'\nclass Outer(BaseModel):\n    inner: Inner\ndef f(x): return Outer.model_validate({'inner': {'n': x}}).inner.unit",
        "m",
        "km",
    ),
    "class in a quoted annotation": Edit(
        "import dataclasses, typing\n@dataclasses.dataclass\nclass Inner:\n    unit: str = '@@'\n@dataclasses.dataclass\nclass Outer:\n    inner: 'Inner'\ndef f(x): return typing.get_type_hints(Outer)['inner']().unit",
        "m",
        "km",
    ),
    "class in an optional": Edit(
        "import typing\nfrom pydantic import BaseModel\nclass Inner(BaseModel):\n    n: int = @@\nclass Outer(BaseModel):\n    inner: 'typing.Optional[Inner]'\ndef f(x): return Outer.model_validate({'inner': {}}).inner.n",
        "1",
        "2",
    ),
    "alias of a field": Edit(
        "from pydantic import BaseModel, Field\nclass Row(BaseModel):\n    n: int = Field(0, alias='@@')\ndef f(x): return Row.model_validate({'a': 1, 'b': 2}).n",
        "a",
        "b",
    ),
    "constraint of a field": Edit(
        "from pydantic import BaseModel, Field\nclass Row(BaseModel):\n    n: int = Field(0, le=@@)\ndef f(x):\n    try: return Row(n=5).n\n    except ValueError: return -1",
        "4",
        "9",
    ),
    "setting of a model": Edit(
        "from pydantic import BaseModel\nclass Row(BaseModel):\n    model_config = {'extra': '@@'}\ndef f(x): return Row(a=1).model_dump()",
        "ignore",
        "allow",
    ),
    "metadata of a field": Edit(
        "from dataclasses import dataclass, field, fields\n@dataclass\nclass Row:\n    n: int = field(default=1, metadata={'unit': '@@'})\ndef f(x): return [c.metadata['unit'] for c in fields(Row)]",
        "m",
        "km",
    ),
    "flag of a field": Edit(
        "from dataclasses import dataclass, field\n@dataclass\nclass Row:\n    n: int = field(default=1, repr=@@)\ndef f(x): return repr(Row())",
        "True",
        "False",
    ),
    "flag of a decorator": Edit(
        "from dataclasses import dataclass\n@dataclass(order=@@)\nclass Row:\n    n: int = 1\ndef f(x): return hasattr(Row, '__lt__') and '__lt__' in vars(Row)",
        "True",
        "False",
    ),
    "keyword of a class": Edit(
        "class Base:\n    def __init_subclass__(cls, unit): cls.unit = unit\nclass Row(Base, unit='@@'): pass\ndef f(x): return Row.unit",
        "m",
        "km",
    ),
    # decorators and callables that hide a function
    "vectorized function": Edit(
        "import numpy as np\n@np.vectorize\ndef scale(v): return v * @@\ndef f(x): return scale([x]).tolist()",
        "2",
        "3",
    ),
    "universal function": Edit(
        "import numpy as np\ndef scale(v): return v * @@\nup = np.frompyfunc(scale, 1, 1)\ndef f(x): return up(x)",
        "2",
        "3",
    ),
    "cached function": Edit(
        "import functools\n@functools.lru_cache\ndef scale(v): return v * @@\ndef f(x): return scale(x)",
        "2",
        "3",
    ),
    "validator": Edit(
        "from pydantic import BaseModel, field_validator\nclass Row(BaseModel):\n    n: int\n    @field_validator('n')\n    @classmethod\n    def up(cls, v): return v * @@\ndef f(x): return Row(n=x).n",
        "2",
        "3",
    ),
    # names in texts
    "global in a query": Edit(
        "import pandas as pd\nLIMIT = @@\ndef f(x): return pd.DataFrame({'a': [1, 2, 3]}).query('a > @LIMIT').a.tolist()",
        "1",
        "2",
    ),
    "global in a text for eval": Edit("LIMIT = @@\ndef f(x): return eval('LIMIT + 1')", "1", "2"),
    "value named by one word": Edit("LIMIT = @@\ndef f(x): return globals()['LIMIT']", "1", "2"),
    "global in a nested text": Edit(
        "LIMIT = @@\ndef f(x): return [eval(each) for each in ('LIMIT', '0')]",
        "1",
        "2",
    ),
    # what has no content, by its statements
    "compiled struct": Edit(
        "import struct\nFMT = struct.Struct('@@')\ndef f(x): return FMT.unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "struct in a dict": Edit(
        "import struct\nFMTS = {'a': struct.Struct('@@'), 'n': 1}\ndef f(x): return FMTS['a'].unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "struct set by an item": Edit(
        "import struct\nFMTS = {}\nFMTS['a'] = struct.Struct('@@')\ndef f(x): return FMTS['a'].unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "struct set in a function": Edit(
        "import struct\nFMTS = {}\ndef setup(): FMTS['a'] = struct.Struct('@@')\nsetup()\ndef f(x): return FMTS['a'].unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "struct of a name": Edit(
        "import struct\nHOW = '@@'\nFMT = struct.Struct(HOW)\ndef f(x): return FMT.unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "lock and parameter": Edit(
        "import threading\nCTX = {'lock': threading.Lock(), 'n': @@, 'seen': {}}\ndef f(x):\n    CTX['seen'][x] = 1\n    return CTX['n']",
        "1",
        "2",
    ),
    "seed of a generator": Edit(
        "import numpy as np\nRNG = np.random.default_rng(@@)\ndef f(x): return RNG.random()",
        "1",
        "2",
    ),
    "seed by a name": Edit(
        "import numpy as np\nSEED = @@\nRNG = np.random.default_rng(SEED)\ndef f(x): return RNG.random()",
        "1",
        "2",
    ),
    "seed of a stdlib generator": Edit(
        "import random\nRNG = random.Random(@@)\ndef f(x): return RNG.random()",
        "1",
        "2",
    ),
    "fitted model": Edit(
        "from sklearn.preprocessing import MinMaxScaler\nSCALER = MinMaxScaler((0, @@)).fit([[0.0], [4.0]])\ndef f(x): return SCALER.transform([[x]]).tolist()",
        "1",
        "2",
    ),
    "frozen distribution": Edit(
        "import scipy.stats\nDIST = scipy.stats.norm(0, @@)\ndef f(x): return float(DIST.cdf(x))",
        "1",
        "2",
    ),
    # statements on something foreign
    "setting of a standard module": Edit(
        "import decimal\ndecimal.getcontext().prec = @@\ndef f(x): return str(decimal.Decimal(1) / 3)",
        "5",
        "9",
    ),
    "setting by a call": Edit(
        "import pandas as pd\npd.set_option('display.precision', @@)\ndef f(x): return str(pd.Series([1 / 3]))",
        "2",
        "3",
    ),
    "setting in a function": Edit(
        "import pandas as pd\ndef setup(): pd.set_option('display.precision', @@)\nsetup()\ndef f(x): return str(pd.Series([1 / 3]))",
        "2",
        "3",
    ),
    "variable of the environment": Edit(
        "import os\nos.environ['LINEPIPE_TEST'] = '@@'\ndef f(x): return os.environ['LINEPIPE_TEST']",
        "1",
        "2",
    ),
    # huge literals
    "huge literal": Edit(f"def f(x): return x * 0x{'f' * 4000} % 97 + @@", "0", "1"),
    "huge literal of a module": Edit(
        f"HUGE = 0x{'f' * 4000}\nFACTOR = @@\ndef f(x): return HUGE % 97 + FACTOR",
        "0",
        "1",
    ),
}
# What only the watch finds.
WATCHED = {
    "accessor on a foreign class": Edit(
        "import pandas as pd\n@pd.api.extensions.register_dataframe_accessor('acc_of_test')\nclass Acc:\n    def __init__(self, df): self.df = df\n    def total(self): return int(self.df.a.sum()) * @@\ndef f(x): return pd.DataFrame({'a': [x]}).acc_of_test.total()",
        "1",
        "2",
    ),
    "function named in a text": Edit(
        "import pandas as pd\ndef lift(s): return s * @@\ndef f(x): return pd.DataFrame({'a': [x]}).eval('@lift(a)').tolist()",
        "1",
        "2",
    ),
    "subclasses": Edit(
        "class Check: pass\nclass Small(Check):\n    def ok(self, x): return x < @@\ndef f(x): return [c().ok(x) for c in Check.__subclasses__()]",
        "1",
        "2",
    ),
    "computed name": Edit(
        "def step_a(x): return x * @@\ndef f(x): return globals()['step' + '_a'](x)",
        "1",
        "2",
    ),
    "method set on a foreign class": Edit(
        "import collections\nclass Bag(collections.Counter): pass\ndef double(self): return sum(self.values()) * @@\nsetattr(Bag, 'dou' + 'ble', double)\ndef f(x): return getattr(Bag(a=x), 'dou' + 'ble')()",
        "1",
        "2",
    ),
}
# Edits that must not make anything run.
FREE = {
    "plot at the end": Edit(
        "import sys, logging\ndef f(x): return x\nlogging.getLogger('a').setLevel(@@)",
        "10",
        "20",
    ),
    "setting of a library that isn't used": Edit(
        "import decimal\ndecimal.getcontext().prec = @@\ndef f(x): return x",
        "5",
        "9",
    ),
    "docstring with a name": Edit(
        "LIMIT = @@\ndef f(x):\n    'Up to LIMIT.'\n    return x", "1", "2"
    ),
    "column that is named as a function": Edit(
        "def city(): return @@\ndef f(x): return {'city': x}['city']",
        "1",
        "2",
    ),
}
# The same kinds in other libraries and shapes, and what a hunt for edits that go unseen tried.
OTHER_SHAPES = {
    "alias of an attrs field": Edit(
        "import attrs\n@attrs.define\nclass R:\n    n: int = attrs.field(default=0, alias='@@')\ndef f(x):\n    try: return R(a=5).n\n    except TypeError: return -1",
        "a",
        "b",
    ),
    "names of msgspec fields": Edit(
        "import msgspec\nclass R(msgspec.Struct):\n    n: int = msgspec.field(default=0, name='@@')\ndef f(x): return msgspec.json.encode(R())",
        "a",
        "b",
    ),
    "metadata of an attrs field": Edit(
        "import attrs\n@attrs.define\nclass R:\n    n: int = attrs.field(default=1, metadata={'unit': '@@'})\ndef f(x): return attrs.fields(R).n.metadata['unit']",
        "m",
        "km",
    ),
    "extra of a pydantic field": Edit(
        "from pydantic import BaseModel, Field\nclass R(BaseModel):\n    n: int = Field(1, json_schema_extra={'unit': '@@'})\ndef f(x): return R.model_json_schema()['properties']['n']['unit']",
        "m",
        "km",
    ),
    "info of a column": Edit(
        "import sqlalchemy as sa\nfrom sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\nclass Base(DeclarativeBase): pass\nclass R(Base):\n    __tablename__ = 'r'\n    n: Mapped[int] = mapped_column(primary_key=True, info={'unit': '@@'})\ndef f(x): return R.__table__.c.n.info['unit']",
        "m",
        "km",
    ),
    "own wave": Edit(
        "import wave\ndef f(x): return wave.step(x)",
        "1",
        "2",
        {"wave.py": "def step(x): return x * @@\n"},
    ),
    "own tabnanny in a function": Edit(
        "def f(x):\n    import tabnanny\n    return tabnanny.step(x)",
        "1",
        "2",
        {"tabnanny.py": "def step(x): return x * @@\n"},
    ),
    "own pyclbr's constant": Edit(
        "from pyclbr import LIMIT\ndef f(x): return LIMIT", "1", "2", {"pyclbr.py": "LIMIT = @@\n"}
    ),
    "decorator with slots": Edit(
        "class Hidden:\n    __slots__ = ('g',)\n    def __init__(self, g): self.g = g\n    def __call__(self, x): return self.g(x)\n@Hidden\ndef g(x): return x * @@\ndef f(x): return g(x)",
        "2",
        "3",
    ),
    "decorator without wraps": Edit(
        "def plain(g):\n    def inner(x): return g(x)\n    return inner\n@plain\ndef g(x): return x * @@\ndef f(x): return g(x)",
        "2",
        "3",
    ),
    "function in a memory of joblib": Edit(
        "import joblib\nM = joblib.Memory(None)\n@M.cache\ndef g(x): return x * @@\ndef f(x): return g(x)",
        "2",
        "3",
    ),
    "composed functions": Edit(
        "import functools\ndef g(x): return x * @@\ndef h(x): return x + 1\nboth = functools.reduce(lambda a, b: lambda x: b(a(x)), [g, h])\ndef f(x): return both(x)",
        "2",
        "3",
    ),
    "partial method": Edit(
        "import functools\nclass R:\n    def scale(self, k, x): return x * k * @@\n    twice = functools.partialmethod(scale, 2)\ndef f(x): return R().twice(x)",
        "2",
        "3",
    ),
    "partial of a partial": Edit(
        "import functools\ndef g(a, b, x): return (a + b) * x * @@\nh = functools.partial(functools.partial(g, 1), 2)\ndef f(x): return h(x)",
        "2",
        "3",
    ),
    "object with a lock": Edit(
        "import threading\nclass Ctx:\n    def __init__(self, n): self.n, self.lock, self.seen = n, threading.Lock(), {}\nCTX = Ctx(@@)\ndef f(x):\n    CTX.seen[x] = 1\n    return CTX.n",
        "1",
        "2",
    ),
    "list with a lock": Edit(
        "import threading\nCTX = [threading.RLock(), @@, []]\ndef f(x):\n    CTX[2].append(x)\n    return CTX[1]",
        "1",
        "2",
    ),
    "memo with a limit": Edit(
        "import collections\nMEMO = collections.deque(maxlen=@@)\ndef f(x):\n    MEMO.append(x)\n    return MEMO.maxlen",
        "1",
        "2",
    ),
    "section of a parser": Edit(
        "import configparser\nC = configparser.ConfigParser()\nC.read_dict({'a': {'n': '@@'}})\ndef f(x): return C['a']['n']",
        "1",
        "2",
    ),
    "type of a suffix": Edit(
        "import mimetypes\nM = mimetypes.MimeTypes()\nM.add_type('text/@@', '.zz')\ndef f(x): return M.guess_type('a.zz')[0]",
        "a",
        "b",
    ),
    "context of decimals": Edit(
        "import decimal\nC = decimal.Context()\nC.prec = @@\ndef f(x): return str(C.divide(decimal.Decimal(1), decimal.Decimal(3)))",
        "5",
        "9",
    ),
    "frozen discrete distribution": Edit(
        "import scipy.stats\nD = scipy.stats.poisson(@@)\ndef f(x): return float(D.pmf(1))",
        "1",
        "2",
    ),
    "distribution of the standard library": Edit(
        "import statistics\nD = statistics.NormalDist(0, @@)\ndef f(x): return D.cdf(x)", "1", "2"
    ),
    "frozen distribution in a dict": Edit(
        "import scipy.stats\nD = {'a': scipy.stats.expon(scale=@@)}\ndef f(x): return float(D['a'].cdf(x))",
        "1",
        "2",
    ),
    "huge literal of a class": Edit(
        "class R:\n    huge = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\n    n = @@\ndef f(x): return R.huge % 97 + R.n",
        "0",
        "1",
    ),
    "huge default": Edit(
        "def g(x, huge=0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff): return huge % 97 + @@\ndef f(x): return g(x)",
        "0",
        "1",
    ),
    "body under validate_call": Edit(
        "import pydantic\n@pydantic.validate_call\ndef g(n: int) -> int: return n + @@\ndef f(x): return g(x)",
        "0",
        "1",
    ),
    "method of a dataclass": Edit(
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass R:\n    n: int\n    def up(self): return self.n + @@\ndef f(x): return R(x).up()",
        "0",
        "1",
    ),
    "method of a frozen attrs class": Edit(
        "import attrs\n@attrs.frozen\nclass R:\n    n: int\n    def up(self): return self.n + @@\ndef f(x): return R(x).up()",
        "0",
        "1",
    ),
    "method of a struct": Edit(
        "import msgspec\nclass R(msgspec.Struct, frozen=True):\n    n: int\n    def up(self): return self.n + @@\ndef f(x): return R(x).up()",
        "0",
        "1",
    ),
    "body of an overload by type": Edit(
        "import functools\n@functools.singledispatch\ndef g(v): return 0\n@g.register\ndef _(v: int): return v + @@\ndef f(x): return g(x)",
        "0",
        "1",
    ),
    "constant deep in lists": Edit(
        "def nest(v):\n    for _ in range(300): v = [v]\n    return v\ndef f(x):\n    while isinstance(x, list): x = x[0]\n    return x\nconstants = {'x': nest(@@)}",
        "1",
        "2",
    ),
    "constant deep in dicts": Edit(
        "def nest(v):\n    for i in range(300): v = {'a': v, 'b': i}\n    return v\ndef f(x):\n    while isinstance(x, dict): x = x['a']\n    return x\nconstants = {'x': nest(@@)}",
        "1",
        "2",
    ),
    "constant deep in dataclasses": Edit(
        "import dataclasses\n@dataclasses.dataclass\nclass Leaf:\n    v: int\n    after: object = None\ndef chain(v):\n    c = Leaf(v)\n    for _ in range(300): c = Leaf(0, c)\n    return c\ndef f(x):\n    while x.after: x = x.after\n    return x.v\nconstants = {'x': chain(@@)}",
        "1",
        "2",
    ),
    "sharing in a dict": Edit(
        "def f(x):\n    x['a'].append(1)\n    return x\nconstants = {'x': @@}",
        "dict.fromkeys('ab', [])",
        "{k: [] for k in 'ab'}",
    ),
    "sharing of objects": Edit(
        "class R:\n    def __init__(self): self.n = 0\ndef twice(r): return [r, r]\ndef f(x):\n    x[0].n = 1\n    return x[1].n\nconstants = {'x': @@}",
        "twice(R())",
        "[R(), R()]",
    ),
    "sharing of arrays": Edit(
        "import numpy as np\ndef twice(a): return [a, a]\ndef f(x):\n    x[0][0] = 1\n    return x[1].tolist()\nconstants = {'x': @@}",
        "twice(np.zeros(1))",
        "[np.zeros(1), np.zeros(1)]",
    ),
    "order of a constant": Edit(
        "def f(x): return list(x)\nconstants = {'x': @@}", "{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"
    ),
    "order in a constant": Edit(
        "import json\ndef f(x): return json.dumps(x)\nconstants = {'x': @@}",
        "[{'a': {'p': 1, 'q': 2}}]",
        "[{'a': {'q': 2, 'p': 1}}]",
    ),
    "order of an ordered dict": Edit(
        "import collections\nO = collections.OrderedDict(@@)\ndef f(x): return list(O)",
        "a=1, b=2",
        "b=2, a=1",
    ),
    "field that is set in a constant": Edit(
        "from pydantic import BaseModel\nclass M(BaseModel):\n    n: int = 3\ndef f(x): return x.model_dump(exclude_unset=True)\nconstants = {'x': M(@@)}",
        "",
        "n=3",
    ),
    "field that is set in a global": Edit(
        "from pydantic import BaseModel\nclass M(BaseModel):\n    n: int = 3\nG = M(@@)\ndef f(x): return G.model_dump(exclude_unset=True)",
        "",
        "n=3",
    ),
    "field that is set in a config": Edit(
        "from linepipe_core import Node\nfrom pydantic import BaseModel\nclass M(BaseModel):\n    n: int = 3\ndef f(m): return m.model_dump(exclude_unset=True)\nnodes = [Node(f, ['config'], ['out'])]\nconfig, constants = M(@@), {}",
        "",
        "n=3",
    ),
    "error that does not unpickle": Edit(
        "from linepipe_core import Node\nclass Bad(Exception):\n    def __init__(self, row, why):\n        super().__init__(why)\n        self.row = row\ndef check(x): return [Bad(x, 'why')]\ndef f(e): return [each.row + @@ for each in e]\nnodes = [Node(check, ['x'], ['e']), Node(f, ['e'], ['out'])]",
        "0",
        "1",
    ),
    "error with keywords": Edit(
        "from linepipe_core import Node\nclass Bad(ValueError):\n    def __init__(self, *, row): self.row = row\ndef check(x): return Bad(row=x)\ndef f(e): return e.row + @@\nnodes = [Node(check, ['x'], ['e']), Node(f, ['e'], ['out'])]",
        "0",
        "1",
    ),
    "object that does not unpickle": Edit(
        "from linepipe_core import Node\nclass R:\n    def __new__(cls, n):\n        made = super().__new__(cls)\n        made.n = n\n        return made\ndef make(x): return R(x)\ndef f(r): return r.n + @@\nnodes = [Node(make, ['x'], ['r']), Node(f, ['r'], ['out'])]",
        "0",
        "1",
    ),
    "X = setup()": Edit(
        "import decimal\ndef setup():\n    decimal.getcontext().prec = @@\n    return 3\nX = setup()\ndef f(x): return str(decimal.Decimal(1) / 3)",
        "5",
        "9",
    ),
    "nested setup": Edit(
        "import pandas as pd\ndef inner(): pd.set_option('display.precision', @@)\ndef setup(): inner()\nsetup()\ndef f(x): return str(pd.Series([1 / 3]))",
        "2",
        "3",
    ),
    "setting in class body": Edit(
        "import decimal\nclass Cfg:\n    decimal.getcontext().prec = @@\ndef f(x): return str(decimal.Decimal(1) / 3)",
        "5",
        "9",
    ),
    "setting by table": Edit(
        "import pandas as pd\nS = {'display.precision': @@}\nfor k, v in S.items(): pd.set_option(k, v)\ndef f(x): return str(pd.Series([1 / 3]))",
        "2",
        "3",
    ),
    "setting in lambda": Edit(
        "import pandas as pd\n(lambda: pd.set_option('display.precision', @@))()\ndef f(x): return str(pd.Series([1 / 3]))",
        "2",
        "3",
    ),
    "setting in an imported module of constants": Edit(
        "from MOD_s import LIMIT\nimport decimal\ndef f(x): return str(decimal.Decimal(LIMIT) / 3)",
        "5",
        "9",
        {"MOD_s.py": "import decimal\nLIMIT = 1\ndecimal.getcontext().prec = @@\n"},
    ),
    "setting in an imported module of classes": Edit(
        "from MOD_s import K\nimport decimal\ndef f(x): return str(decimal.Decimal(K.n) / 3)",
        "5",
        "9",
        {"MOD_s.py": "import decimal\nclass K:\n    n = 1\ndecimal.getcontext().prec = @@\n"},
    ),
    "setting in a star import": Edit(
        "from MOD_s import *\nimport decimal\ndef f(x): return str(decimal.Decimal(1) / 3)",
        "5",
        "9",
        {"MOD_s.py": "import decimal\nLIMIT = 1\ndecimal.getcontext().prec = @@\n"},
    ),
    "setting in a module imported for effect": Edit(
        "import importlib\nimportlib.import_module('MOD_s')\nimport decimal\ndef f(x): return str(decimal.Decimal(1) / 3)",
        "5",
        "9",
        {"MOD_s.py": "import decimal\ndecimal.getcontext().prec = @@\n"},
    ),
    "enum value": Edit(
        "import enum\nclass E(enum.Enum):\n    A = @@\ndef f(x): return E['A'].value", "1", "2"
    ),
    "enum by call": Edit(
        "import enum\nE = enum.Enum('E', {'A': @@})\ndef f(x): return E['A'].value", "1", "2"
    ),
    "named tuple default": Edit(
        "from typing import NamedTuple\nclass P(NamedTuple):\n    a: int = @@\ndef f(x): return P().a",
        "1",
        "2",
    ),
    "namedtuple defaults": Edit(
        "import collections\nP = collections.namedtuple('P', 'a b', defaults=(@@,))\ndef f(x): return P(1).b",
        "1",
        "2",
    ),
    "make_dataclass": Edit(
        "import dataclasses\nR = dataclasses.make_dataclass('R', [('n', int, @@)])\ndef f(x): return R().n",
        "1",
        "2",
    ),
    "type()": Edit("R = type('R', (), {'n': @@})\ndef f(x): return R.n", "1", "2"),
    "create_model": Edit(
        "import pydantic\nM = pydantic.create_model('M', n=(int, @@))\ndef f(x): return M().n",
        "1",
        "2",
    ),
    "type adapter": Edit(
        "import pydantic\nfrom typing import Annotated\nT = pydantic.TypeAdapter(Annotated[int, pydantic.Field(gt=@@)])\ndef f(x):\n    try: return T.validate_python(5)\n    except ValueError: return 'bad'",
        "1",
        "9",
    ),
    "context variable": Edit(
        "import contextvars\nV = contextvars.ContextVar('v', default=@@)\ndef f(x): return V.get()",
        "1",
        "2",
    ),
    "context variable set": Edit(
        "import contextvars\nV = contextvars.ContextVar('v')\nV.set(@@)\ndef f(x): return V.get()",
        "1",
        "2",
    ),
    "thread local": Edit(
        "import threading\nL = threading.local()\nL.n = @@\ndef f(x): return L.n", "1", "2"
    ),
    "event": Edit(
        "import threading\nE = threading.Event()\nif @@: E.set()\ndef f(x): return E.is_set()",
        "0",
        "1",
    ),
    "queue": Edit(
        "import queue\nQ = queue.Queue()\nQ.put(@@)\ndef f(x): return Q.queue[0]", "1", "2"
    ),
    "weak dictionary": Edit(
        "import weakref\nclass A:\n    n = 1\na = A()\nW = weakref.WeakValueDictionary()\nW['@@'] = a\ndef f(x): return list(W)",
        "a",
        "b",
    ),
    "builtins": Edit(
        "import builtins\nbuiltins.LIMIT_MOD = @@\ndef f(x): return LIMIT_MOD", "1", "2"
    ),
    "builtins function": Edit(
        "import builtins\ndef h(): return @@\nbuiltins.help_MOD = h\ndef f(x): return help_MOD()",
        "1",
        "2",
    ),
    "patched foreign class": Edit(
        "import fractions\nfractions.Fraction.total_MOD = lambda self: @@\ndef f(x): return fractions.Fraction(1).total_MOD()",
        "1",
        "2",
    ),
    "patched foreign function": Edit(
        "import textwrap\ntextwrap.dedent = lambda t: '@@'\ndef f(x): return textwrap.dedent('x')",
        "1",
        "2",
    ),
    "partial": Edit(
        "import functools\ndef g(a, b): return a * b\nh = functools.partial(g, b=@@)\ndef f(x): return h(x)",
        "2",
        "3",
    ),
    "methodcaller": Edit(
        "import operator\nH = operator.methodcaller('replace', 'a', '@@')\ndef f(x): return H('abc')",
        "1",
        "2",
    ),
    "itemgetter": Edit(
        "import operator\nH = operator.itemgetter(@@)\ndef f(x): return H([5, 6, 7])", "1", "2"
    ),
    "generator": Edit("G = (i * @@ for i in range(1, 4))\ndef f(x): return next(G)", "2", "3"),
    "map object": Edit("G = map(lambda i: i * @@, [1, 2])\ndef f(x): return next(G)", "2", "3"),
    "count": Edit("import itertools\nC = itertools.count(@@)\ndef f(x): return next(C)", "2", "3"),
    "string buffer": Edit(
        "import io\nB = io.StringIO('@@')\ndef f(x): return B.getvalue()", "2", "3"
    ),
    "ctypes": Edit("import ctypes\nC = ctypes.c_int(@@)\ndef f(x): return C.value", "2", "3"),
    "code object": Edit("C = compile('1 + @@', 'a', 'eval')\ndef f(x): return eval(C)", "2", "3"),
    "exec": Edit("exec('def g(x): return x * @@')\ndef f(x): return g(x)", "2", "3"),
    "own descriptor": Edit(
        "class D:\n    def __init__(self, n): self.n = n\n    def __get__(self, o, k): return self.n\nclass R:\n    v = D(@@)\ndef f(x): return R().v",
        "2",
        "3",
    ),
    "validate_call hints": Edit(
        "import pydantic\nfrom typing import Annotated\n@pydantic.validate_call\ndef g(n: Annotated[int, pydantic.Field(gt=@@)]): return n\ndef f(x):\n    try: return g(5)\n    except ValueError: return 'bad'",
        "1",
        "9",
    ),
    "settings of what a library's function dispatches to": Edit(
        "import functools, json\nK = {'k': '@@'}\ng = functools.singledispatch(json.dumps)\ng.register(int, lambda v: K['k'])\ndef f(x): return g(3)",
        "A",
        "B",
    ),
    "new case of a library's function": Edit(
        "import functools, json\ng = functools.singledispatch(json.dumps)\n@@\ndef f(x): return g(3)",
        "",
        "g.register(int, lambda v: 'this')",
    ),
    "settings of a library's context around its function": Edit(
        "import contextlib, json\nclass Context(contextlib.ContextDecorator):\n    def __init__(self, name): self.name = name\n    def __enter__(self): SEEN.append(self.name)\n    def __exit__(self, *_): pass\nSEEN = []\ng = Context('@@')(json.dumps)\ndef f(x):\n    g(3)\n    return SEEN.pop()",
        "A",
        "B",
    ),
    "singledispatch hints": Edit(
        "import functools\n@functools.singledispatch\ndef g(v): return 'other'\n@g.register\ndef _(v: @@): return 'this'\ndef f(x): return g(5)",
        "int",
        "str",
    ),
    "singledispatch type": Edit(
        "import functools\n@functools.singledispatch\ndef g(v): return 'other'\n@g.register(@@)\ndef _(v): return 'this'\ndef f(x): return g(5)",
        "int",
        "str",
    ),
    "module docstring": Edit("'''usage @@'''\ndef f(x): return __doc__", "a", "b"),
    "function docstring": Edit("def g(): 'doc @@'\ndef f(x): return g.__doc__", "a", "b"),
    "namespace": Edit(
        "import types\nC = types.SimpleNamespace(n=@@)\ndef f(x): return C.n", "2", "3"
    ),
    "mapping proxy": Edit(
        "import types\nC = types.MappingProxyType({'n': @@})\ndef f(x): return C['n']", "2", "3"
    ),
    "chain map": Edit(
        "import collections\nC = collections.ChainMap({'n': @@}, {})\ndef f(x): return C['n']",
        "2",
        "3",
    ),
    "defaultdict factory": Edit(
        "import collections\nC = collections.defaultdict(lambda: @@)\ndef f(x): return dict(C).get('a', C.default_factory())",
        "2",
        "3",
    ),
    "poly1d": Edit(
        "import numpy as np\nP = np.poly1d([1, @@])\ndef f(x): return float(P(x))", "2", "3"
    ),
    "structured dtype": Edit(
        "import numpy as np\nT = np.dtype([('a', '@@')])\ndef f(x): return str(np.zeros(1, T).dtype)",
        "i4",
        "f8",
    ),
    "polars expression": Edit(
        "import polars as pl\nE = pl.col('a') * @@\ndef f(x): return pl.DataFrame({'a': [1]}).select(E).to_series().to_list()",
        "2",
        "3",
    ),
    "polars udf": Edit(
        "import polars as pl\ndef g(v): return v * @@\nE = pl.col('a').map_elements(g, return_dtype=pl.Int64)\ndef f(x): return pl.DataFrame({'a': [1]}).select(E).to_series().to_list()",
        "2",
        "3",
    ),
    "sql text": Edit(
        "import sqlalchemy as sa\nQ = sa.text('select @@')\ndef f(x):\n    with sa.create_engine('sqlite://').connect() as c: return c.execute(Q).scalar()",
        "2",
        "3",
    ),
    "column type": Edit(
        "import sqlalchemy as sa\nT = sa.Table('t', sa.MetaData(), sa.Column('a', sa.String(@@)))\ndef f(x): return T.c.a.type.length",
        "2",
        "3",
    ),
    "function transformer": Edit(
        "from sklearn.preprocessing import FunctionTransformer\nfrom sklearn.pipeline import make_pipeline\ndef g(v): return [[a * @@ for a in r] for r in v]\nP = make_pipeline(FunctionTransformer(g))\ndef f(x): return P.transform([[1.0]])",
        "2",
        "3",
    ),
    "attrs converter": Edit(
        "import attrs\ndef g(v): return v * @@\n@attrs.define\nclass R:\n    n: int = attrs.field(converter=g)\ndef f(x): return R(2).n",
        "2",
        "3",
    ),
    "msgspec decoder": Edit(
        "import msgspec\nclass R(msgspec.Struct, rename='@@'):\n    my_n: int = 0\nD = msgspec.json.Decoder(R)\ndef f(x): return D.decode(b'{\"myN\": 5}').my_n",
        "camel",
        "kebab",
    ),
    "mock": Edit(
        "from unittest.mock import Mock\nM = Mock(return_value=@@)\ndef f(x): return M()", "2", "3"
    ),
    "attrgetter": Edit(
        "import operator\nclass R:\n    a = 1\n    b = 2\nG = operator.attrgetter('@@')\ndef f(x): return G(R)",
        "a",
        "b",
    ),
    "timezone": Edit(
        "import datetime as dt\nZ = dt.timezone(dt.timedelta(hours=@@))\ndef f(x): return dt.datetime(2020, 1, 1, tzinfo=Z).isoformat()",
        "1",
        "2",
    ),
    "template": Edit(
        "import string\nT = string.Template('a $x @@')\ndef f(x): return T.substitute(x=1)",
        "1",
        "2",
    ),
    "negative zero": Edit("Z = @@\ndef f(x): return str(Z)", "0.0", "-0.0"),
    "bytearray": Edit("B = bytearray(b'@@')\ndef f(x): return bytes(B)", "a", "b"),
    "own metaclass call": Edit(
        "class M(type):\n    def __getitem__(cls, k): return k * @@\nclass R(metaclass=M): pass\ndef f(x): return R[2]",
        "2",
        "3",
    ),
    "numpy errstate": Edit(
        "import numpy as np\nnp.seterr(divide='@@')\ndef f(x):\n    try: return str(np.array([1.0]) / 0)\n    except FloatingPointError: return 'raised'",
        "ignore",
        "raise",
    ),
    "environ update": Edit(
        "import os\nos.environ.update({'A_MOD': '@@'})\ndef f(x): return os.environ['A_MOD']",
        "1",
        "2",
    ),
    "alias of a list": Edit("A = []\nB = A\nB.append(@@)\ndef f(x): return A[0]", "1", "2"),
    "class attr from function": Edit(
        "def unit(): return '@@'\nclass R:\n    u = unit()\ndef f(x): return R.u", "m", "km"
    ),
    "property setter": Edit(
        "class R:\n    @property\n    def a(self): return self._a\n    @a.setter\n    def a(self, v): self._a = v * @@\ndef f(x):\n    r = R(); r.a = 2\n    return r.a",
        "2",
        "3",
    ),
    "closure counter": Edit(
        "def make(n):\n    def g(x): return x * n\n    return g\nG = {'a': make(@@)}\ndef f(x): return G['a'](x)",
        "2",
        "3",
    ),
    "exception class message": Edit(
        "class Bad(Exception):\n    def __str__(self): return 'bad @@'\ndef f(x):\n    try: raise Bad\n    except Exception as e: return str(e)",
        "1",
        "2",
    ),
    "import inside": Edit(
        "def f(x):\n    from MOD_s import g\n    return g(x)",
        "2",
        "3",
        {"MOD_s.py": "from MOD_t import K\ndef g(x): return x * K\n", "MOD_t.py": "K = @@\n"},
    ),
    "relative import inside": Edit(
        "from MOD_p.a import f",
        "2",
        "3",
        {
            "MOD_p/__init__.py": "",
            "MOD_p/a.py": "def f(x):\n    from .b import g\n    return g(x)\n",
            "MOD_p/b.py": "def g(x): return x * @@\n",
        },
    ),
    "default of a lambda": Edit("G = lambda x, k=@@: x * k\ndef f(x): return G(x)", "2", "3"),
    "keyword default": Edit("def g(x, *, k=@@): return x * k\ndef f(x): return g(x)", "2", "3"),
    "walrus": Edit("if (N := @@): pass\ndef f(x): return N", "2", "3"),
    "match": Edit(
        "def f(x):\n    match x:\n        case 1: return @@\n        case _: return 0", "2", "3"
    ),
    "async": Edit(
        "import asyncio\nasync def g(x): return x * @@\ndef f(x): return asyncio.run(g(x))",
        "2",
        "3",
    ),
    "contextmanager": Edit(
        "import contextlib\n@contextlib.contextmanager\ndef g():\n    yield @@\ndef f(x):\n    with g() as v: return v",
        "2",
        "3",
    ),
    "set literal order": Edit("S = {'a', 'b', 'c', '@@'}\ndef f(x): return sorted(S)", "d", "e"),
    "in set": Edit("def f(x): return 'd' in {'a', 'b', '@@'}", "d", "e"),
    "json schema": Edit(
        "import json\nS = json.loads('{\"n\": @@}')\ndef f(x): return S['n']", "1", "2"
    ),
    "jinja filter": Edit(
        "import jinja2\nENV = jinja2.Environment()\nENV.filters['up'] = lambda v: v * @@\ndef f(x): return ENV.from_string('{{ 2 | up }}').render()",
        "2",
        "3",
    ),
    "jinja global": Edit(
        "import jinja2\nENV = jinja2.Environment()\nENV.globals['n'] = @@\ndef f(x): return ENV.from_string('{{ n }}').render()",
        "2",
        "3",
    ),
    "jinja template": Edit(
        "import jinja2\nT = jinja2.Template('a @@ {{ x }}')\ndef f(x): return T.render(x=x)",
        "2",
        "3",
    ),
}
OTHER_SHAPES |= {
    "list of a class behind a foreign object": Edit(
        "import struct\nclass Sizes:\n    names = ['@@', 'h']\nFMT = struct.Struct('<' + ''.join(Sizes.names))\ndef f(x): return FMT.size",
        "i",
        "q",
    ),
    "list as a default behind a foreign object": Edit(
        "import struct\ndef made(names=['@@', 'h']): return struct.Struct('<' + ''.join(names))\nFMT = made()\ndef f(x): return FMT.size",
        "i",
        "q",
    ),
    "schema of an adapter": Edit(
        "from pydantic import BaseModel, Field, TypeAdapter\nclass Row(BaseModel):\n    n: int = Field(0, alias='@@')\nROWS = TypeAdapter(list[Row])\ndef f(x): return ROWS.validate_python([{'a': 1, 'b': 2}])[0].n",
        "a",
        "b",
    ),
}
OTHER_SHAPES |= {
    "class in a struct's annotation": Edit(
        FUTURE
        + "import msgspec\nclass Inner(msgspec.Struct):\n    unit: str = '@@'\nclass Outer(msgspec.Struct):\n    inner: Inner\ndef f(x): return msgspec.json.decode(b'{\"inner\": {}}', type=Outer).inner.unit",
        "m",
        "km",
    ),
    "own zipapp as a package": Edit(
        "from zipapp.steps import step\ndef f(x): return step(x)",
        "1",
        "2",
        {"zipapp/__init__.py": "", "zipapp/steps.py": "def step(x): return x * @@\n"},
    ),
    "seed of a bit generator": Edit(
        "import numpy as np\nRNG = np.random.Generator(np.random.PCG64(@@))\ndef f(x): return RNG.random()",
        "1",
        "2",
    ),
    "errors in a group": Edit(
        "from linepipe_core import Node\nclass Bad(Exception):\n    def __init__(self, row, why):\n        super().__init__(why)\n        self.row = row\ndef check(x): return ExceptionGroup('bad', [Bad(x, 'why')])\ndef f(e): return [each.row + @@ for each in e.exceptions]\nnodes = [Node(check, ['x'], ['e']), Node(f, ['e'], ['out'])]",
        "0",
        "1",
    ),
    "function under wrapt's decorator": Edit(
        "import wrapt\n@wrapt.decorator\ndef logged(wrapped, instance, args, kwargs): return wrapped(*args, **kwargs)\n@logged\ndef g(x): return x * @@\ndef f(x): return g(x)",
        "1",
        "2",
    ),
    "curried function": Edit(
        "import toolz\n@toolz.curry\ndef scale(k, x): return x * k * @@\ndef f(x): return scale(2, x)",
        "1",
        "2",
    ),
    "unit defined at module level": Edit(
        "import pint\nu = pint.UnitRegistry()\nu.define('smoot = @@ * meter')\ndef f(x): return (x * u.smoot).to('m').magnitude",
        "1.7",
        "2.0",
    ),
    "function under beartype": Edit(
        "from beartype import beartype\n@beartype\ndef g(x: int) -> int: return x + @@\ndef f(x): return g(x)",
        "1",
        "2",
    ),
    "how often tenacity tries": Edit(
        "from tenacity import RetryError, retry, stop_after_attempt, wait_none\nTRIED = []\n@retry(stop=stop_after_attempt(@@), wait=wait_none())\ndef g(x):\n    TRIED.append(x)\n    raise OSError\ndef f(x):\n    TRIED.clear()\n    try: g(x)\n    except RetryError: return len(TRIED)",
        "2",
        "3",
    ),
    "parameter of matplotlib": Edit(
        "import matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth'] = @@\ndef f(x): return plt.plot([1])[0].get_linewidth()",
        "1.5",
        "2.5",
    ),
    "schema of pandera": Edit(
        "import pandas as pd, pandera.pandas as pa\nSCHEMA = pa.DataFrameSchema({'n': pa.Column(int, pa.Check.lt(@@))})\n@pa.check_input(SCHEMA)\ndef g(rows): return len(rows)\ndef f(x):\n    try: return g(pd.DataFrame({'n': [1, 5]}))\n    except pa.errors.SchemaError: return -1",
        "9",
        "3",
    ),
    "names that a star gives": Edit(
        "from MOD_s import *\ndef f(x): return globals().get('_hidden', 0)",
        "'g'",
        "'g', '_hidden'",
        {"MOD_s.py": "_hidden = 5\ndef g(x): return x\n__all__ = [@@]\n"},
    ),
    "folder without __init__ in another": Edit(
        "def f(x):\n    from MOD_n.inner import g\n    return g(x)",
        "1",
        "2",
        {
            "MOD_n/inner.py": "from .deep.z import K\ndef g(x): return x * K\n",
            "MOD_n/deep/z.py": "K = @@\n",
        },
    ),
    "sharing in a list": Edit(
        "def f(x):\n    x[0][0] = 1\n    return x\nconstants = {'x': @@}",
        "[[0] * 2] * 3",
        "[[0] * 2 for _ in range(3)]",
    ),
    "order of columns": Edit(
        "import pandas as pd\nCOLUMNS = {@@}\ndef f(x): return list(pd.DataFrame(COLUMNS).columns)",
        "'a': [1], 'b': [2]",
        "'b': [2], 'a': [1]",
    ),
    "field that is set in a list": Edit(
        "from pydantic import BaseModel\nclass M(BaseModel):\n    n: int = 3\nMODELS = [M(), M(@@)]\ndef f(x): return [each.model_dump(exclude_unset=True) for each in MODELS]",
        "",
        "n=3",
    ),
    "method of a named tuple": Edit(
        "import typing\nclass R(typing.NamedTuple):\n    n: int\n    def up(self): return self.n + @@\ndef f(x): return R(x).up()",
        "0",
        "1",
    ),
    "class of new_class": Edit(
        "import types\nR = types.new_class('R', (), {}, lambda members: members.update(k=@@))\ndef f(x): return R.k",
        "1",
        "2",
    ),
    "patch by setattr elsewhere": Edit(
        "import MOD_s, html\ndef f(x): return html.escape('a')",
        "1",
        "2",
        {
            "MOD_s.py": "import html\n_escape = html.escape\ndef escape(s, quote=True): return _escape(s, quote) * @@\nsetattr(html, 'escape', escape)\n"
        },
    ),
}
# Case -> a library of its own, which not every environment has.
NEEDS = {
    "function under wrapt's decorator": "wrapt",
    "curried function": "toolz",
    "unit defined at module level": "pint",
    "function under beartype": "beartype",
    "how often tenacity tries": "tenacity",
    "parameter of matplotlib": "matplotlib",
    "schema of pandera": "pandera",
}
# Kind of edit -> one of that kind, and those of it in other libraries or shapes.
KINDS = {
    "a class named only in a string annotation": (
        "class in a string annotation",
        "class in a quoted annotation",
        "class in an optional",
        "class in a struct's annotation",
    ),
    "a field's alias": (
        "alias of a field",
        "alias of an attrs field",
        "names of msgspec fields",
        "msgspec decoder",
    ),
    "a field's metadata": (
        "metadata of a field",
        "metadata of an attrs field",
        "extra of a pydantic field",
        "info of a column",
    ),
    "an accessor on a foreign class": (
        "accessor on a foreign class",
        "namespace of polars",
        "method set on a foreign class",
        "patched foreign class",
    ),
    "a global named in a text": (
        "global in a query",
        "global in a text for eval",
        "global in a nested text",
        "value named by one word",
    ),
    "a function named in a text": (
        "function named in a text",
        "function in an evaluated text",
        "function in a query",
        "computed name",
    ),
    "an own module with a name of the standard library's": (
        "own wave",
        "own tabnanny in a function",
        "own pyclbr's constant",
        "own zipapp as a package",
    ),
    "a function under a decorator that hides it": (
        "function under wrapt's decorator",
        "decorator with slots",
        "function in a memory of joblib",
        "vectorized function",
    ),
    "a curried function": (
        "curried function",
        "partial of a partial",
        "composed functions",
        "partial method",
    ),
    "a constant many objects deep": (
        "constant deep in lists",
        "constant deep in dicts",
        "constant deep in dataclasses",
        "huge default",
    ),
    "a constant that can't be compared": (
        "struct as a constant",
        "generator as a constant",
        "hash as a constant",
        "type adapter as a constant",
    ),
    "a global that can't be compared": (
        "compiled struct",
        "struct in a dict",
        "struct set by an item",
        "schema of an adapter",
    ),
    "a parameter beside a lock and a memo": (
        "lock and parameter",
        "object with a lock",
        "list with a lock",
        "memo with a limit",
    ),
    "a definition made at module level": (
        "unit defined at module level",
        "section of a parser",
        "type of a suffix",
        "context of decimals",
    ),
    "classes found by __subclasses__": (
        "subclasses",
        "classes that register themselves",
        "functions found in the module",
        "computed name",
    ),
    "a library's setting made at module level": (
        "setting of a standard module",
        "setting by a call",
        "numpy errstate",
        "parameter of matplotlib",
    ),
    "a seed": (
        "seed of a generator",
        "seed by a name",
        "seed of a stdlib generator",
        "seed of a bit generator",
    ),
    "sharing inside a constant": (
        "sharing in a list",
        "sharing in a dict",
        "sharing of objects",
        "sharing of arrays",
    ),
    "order of a dict": (
        "order of a constant",
        "order in a constant",
        "order of an ordered dict",
        "order of columns",
    ),
    "a huge literal": (
        "huge literal",
        "huge literal of a module",
        "huge literal of a class",
        "huge default",
    ),
    "a frozen distribution": (
        "frozen distribution",
        "frozen discrete distribution",
        "distribution of the standard library",
        "frozen distribution in a dict",
    ),
    "a function whose wrapper checks its types": (
        "function under beartype",
        "body under validate_call",
        "body of an overload by type",
        "schema of pandera",
    ),
    "a frozen class": (
        "method of a frozen attrs class",
        "method of a dataclass",
        "method of a struct",
        "method of a named tuple",
    ),
    "a sibling in the config, which must not count": (
        "sibling in an OmegaConf",
        "sibling in a dict",
        "sibling in a model",
        "sibling in a namespace",
    ),
    "a default given explicitly": (
        "field that is set in a config",
        "field that is set in a constant",
        "field that is set in a global",
        "field that is set in a list",
    ),
    "an exception that pickles and doesn't unpickle": (
        "error that does not unpickle",
        "error with keywords",
        "object that does not unpickle",
        "errors in a group",
    ),
}
WATCHED |= {
    "namespace of polars": Edit(
        "import polars as pl\n@pl.api.register_dataframe_namespace('ns_of_test')\nclass Ns:\n    def __init__(self, df): self.df = df\n    def total(self): return int(self.df['a'].sum()) * @@\ndef f(x): return pl.DataFrame({'a': [x]}).ns_of_test.total()",
        "1",
        "2",
    ),
    "function in an evaluated text": Edit(
        "def lift(s): return s * @@\ndef f(x): return eval('lift(' + str(x) + ')')", "1", "2"
    ),
    "function in a query": Edit(
        "import pandas as pd\ndef big(s): return s > @@\ndef f(x): return pd.DataFrame({'a': [1, 2]}).query('@big(a)').a.tolist()",
        "0",
        "1",
    ),
    "classes that register themselves": Edit(
        "FOUND = {}\nclass Check:\n    def __init_subclass__(cls): FOUND[cls.__name__] = cls\nclass Small(Check):\n    def ok(self, x): return x < @@\ndef f(x): return [c().ok(x) for c in FOUND.values()]",
        "1",
        "2",
    ),
    "functions found in the module": Edit(
        "import sys\ndef check_a(x): return x < @@\ndef f(x): return [g(x) for n, g in sorted(vars(sys.modules[__name__]).items()) if n.startswith('check_')]",
        "1",
        "2",
    ),
}
# More edits that must not make anything run.
OTHER_FREE = {
    "sibling in a dict": Edit(
        "from linepipe_core import Node\ndef f(m): return m['depth']\nnodes = [Node(f, ['config.model'], ['out'])]\nconfig, constants = {'model': {'depth': 3}, 'plot': '@@'}, {}",
        "red",
        "blue",
    ),
    "sibling in a model": Edit(
        "from linepipe_core import Node\nfrom pydantic import BaseModel\nclass M(BaseModel):\n    depth: int = 3\n    color: str = '@@'\ndef f(depth): return depth\nnodes = [Node(f, ['config.depth'], ['out'])]\nconfig, constants = M(), {}",
        "red",
        "blue",
    ),
    "sibling in a namespace": Edit(
        "from linepipe_core import Node\nimport types\ndef f(depth): return depth\nnodes = [Node(f, ['config.depth'], ['out'])]\nconfig, constants = types.SimpleNamespace(depth=3, color='@@'), {}",
        "red",
        "blue",
    ),
    "unused function": Edit(
        "import math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "def other(): return 1\n",
    ),
    "unused class": Edit(
        "import math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "class Other:\n    def a(self): return 1\n",
    ),
    "unused import": Edit(
        "@@\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n",
        "",
        "import json",
    ),
    "unused numpy import": Edit(
        "@@\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n",
        "",
        "import numpy as np",
    ),
    "main guard": Edit(
        "import math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "if __name__ == '__main__':\n    import argparse\n    print(argparse)\n",
    ),
    "logging": Edit(
        "import logging\nlog = logging.getLogger('a')\n@@\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x):\n    log.info('x')\n    return g(x)\n",
        "",
        "logging.basicConfig(level=30)\nlog.setLevel(10)\nlog.addHandler(logging.NullHandler())",
    ),
    "logger name": Edit(
        "import logging\nlog = logging.getLogger('@@')\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x):\n    log.info('x')\n    return g(x)\n",
        "a",
        "b",
    ),
    "warnings": Edit(
        "import warnings\n@@\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n",
        "",
        "warnings.filterwarnings('ignore')",
    ),
    "print": Edit(
        "import math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "print('done')\n",
    ),
    "comment": Edit(
        "import math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "# words\n",
    ),
    "docstring": Edit(
        "'''@@'''\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n",
        "a",
        "b",
    ),
    "docstring of function": Edit("def f(x):\n    '''@@'''\n    return x", "a", "b"),
    "docstring of class": Edit("class R:\n    '''@@'''\n    n = 1\ndef f(x): return R.n", "a", "b"),
    "docstring of method": Edit(
        "class R:\n    def a(self):\n        '''@@'''\n        return 1\ndef f(x): return R().a()",
        "a",
        "b",
    ),
    "quotes in a class": Edit("class R:\n    n = @@\ndef f(x): return R.n", "'a'", '"a"'),
    "number form": Edit(
        "class R:\n    n = @@\n    m: int = @@\ndef f(x): return R.n", "1000", "1_000"
    ),
    "number form 2": Edit("N = @@\ndef f(x): return N + @@", "16", "0x10"),
    "line breaks in a class": Edit(
        "import dataclasses\n@dataclasses.dataclass(@@)\nclass R:\n    n: int = 1\ndef f(x): return R.n",
        "frozen=True, order=True",
        "\n    frozen=True,\n    order=True,\n",
    ),
    "reordered methods": Edit(
        "class R:\n@@\ndef f(x): return R().a()",
        "    def a(self): return 1\n    def b(self): return 2",
        "    def b(self): return 2\n    def a(self): return 1",
    ),
    "reordered functions": Edit(
        "@@\ndef f(x): return a() + b()",
        "def a(): return 1\ndef b(): return 2",
        "def b(): return 2\ndef a(): return 1",
    ),
    "moved helper": Edit(
        "@@\ndef f(x): return a()",
        "def a(): return 1",
        "from MOD_s import a",
        {"MOD_s.py": "def a(): return 1\n"},
    ),
    "moved constant": Edit(
        "@@\ndef f(x): return A", "A = 1", "from MOD_s import A", {"MOD_s.py": "A = 1\n"}
    ),
    "Final": Edit("from typing import Final\n@@\ndef f(x): return A", "A = 1", "A: Final = 1"),
    "local name": Edit("def f(x):\n    @@ = x + 1\n    return @@ * 2", "a", "b"),
    "hint": Edit("def f(x@@): return x", "", ": int"),
    "hint of local": Edit("def f(x):\n    a@@ = x\n    return a", "", ": int"),
    "return hint": Edit("def g(x)@@: return x\ndef f(x): return g(x)", "", " -> int"),
    "parentheses": Edit("def f(x): return @@", "x + 1 if x else 2", "(x + 1) if (x) else (2)"),
    "joined text": Edit("def f(x): return @@", "'ab'", "'a' 'b'"),
    "folded": Edit("def f(x): return @@", "60 * 60", "3600"),
    "import alias": Edit("import numpy as @@\ndef f(x): return float(@@.mean([x]))", "np", "numpy"),
    "comprehension name": Edit("def f(x): return [@@ for @@ in range(3)]", "a", "b"),
    "exception name": Edit(
        "def f(x):\n    try: return 1 / x\n    except ZeroDivisionError as @@: return str(@@)",
        "a",
        "b",
    ),
    "TYPE_CHECKING": Edit(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import @@\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n",
        "json",
        "ast",
    ),
    "__all__": Edit(
        "import math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "__all__ = ['f']\n",
    ),
    "another node's function": Edit(
        "from linepipe_core import Node\ndef g(x): return @@\ndef h(x): return 3\nnodes = [Node(h, ['x'], ['b'])]",
        "1",
        "2",
    ),
    "plot at the end": Edit(
        "import pandas as pd\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "import textwrap\ntextwrap.dedent('a')\n",
    ),
    "pipeline at the end": Edit(
        "import math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "from linepipe_core import Node, Pipeline\nPipeline([Node(g, ['a'], ['b'])], a=1).run()\n",
    ),
    "own call at the end": Edit(
        "import math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "def show(): print(1)\nshow()\n",
    ),
    "own call with numpy": Edit(
        "import numpy as np\nimport math\nLIMIT = 3\ndef g(a): return a * LIMIT\ndef f(x): return g(x)\n@@",
        "",
        "def show(): print(np.zeros(1))\nshow()\n",
    ),
    "pandas work at the end": Edit(
        "import pandas as pd\ndef f(x): return len(pd.DataFrame({'a': [x]}))\n@@",
        "",
        "df = pd.DataFrame({'a': [1]})\nprint(df.head())\ndf['b'] = 2\ndf.to_dict()\n",
    ),
    "stacked decorators": Edit(
        "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def inner(*a): return g(*a)\n    return inner\n@deco\ndef g(a): return a\n@@\ndef f(x): return g(x)",
        "",
        "@deco\ndef h(a): return a + 1\n",
    ),
    "sqlalchemy other table": Edit(
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\nclass Base(DeclarativeBase): pass\nclass A(Base):\n    __tablename__ = 'a'\n    id: Mapped[int] = mapped_column(primary_key=True)\n@@\ndef f(x): return A(id=x).id",
        "",
        "class C(Base):\n    __tablename__ = 'c'\n    id: Mapped[int] = mapped_column(primary_key=True)\n",
    ),
    "pydantic other model": Edit(
        "from pydantic import BaseModel\nclass A(BaseModel):\n    n: int = 1\n@@\ndef f(x): return A().n",
        "",
        "class C(BaseModel):\n    n: int = 1\n",
    ),
    "subclass added": Edit(
        "class A:\n    n = 1\n@@\ndef f(x): return A().n", "", "class C(A):\n    n = 2\n"
    ),
    "enum docs": Edit(
        "import enum\nclass E(enum.Enum):\n    '''@@'''\n    A = 1\ndef f(x): return E.A.name",
        "a",
        "b",
    ),
    "overload": Edit(
        "from typing import overload\n@@\ndef g(a): return a\ndef f(x): return g(x)",
        "",
        "@overload\ndef g(a: int) -> int: ...\n@overload\ndef g(a: str) -> str: ...",
    ),
    "context var untouched": Edit(
        "import contextvars\nV = contextvars.ContextVar('v', default=1)\ndef f(x):\n    V.set(V.get() + 1)\n    return V.get()",
        "",
        "",
    ),
    "queue that a node drains": Edit(
        "import queue\nQ = queue.Queue()\nfor i in range(3): Q.put(i)\ndef f(x): return Q.get()",
        "",
        "",
    ),
    "thread local that a node fills": Edit(
        "import threading\nL = threading.local()\ndef f(x):\n    L.n = getattr(L, 'n', 0) + x\n    return L.n",
        "",
        "",
    ),
    "cached property": Edit(
        "import functools\nclass R:\n    @functools.cached_property\n    def a(self): return 3\nr = R()\ndef f(x): return r.a",
        "",
        "",
    ),
    "lru cache": Edit(
        "import functools\n@functools.lru_cache\ndef g(a): return a\ng(1)\ndef f(x): return g(x)",
        "",
        "",
    ),
    "sets everywhere": Edit(
        "S = {'a', 'b', 'c'}\nD = {k: 1 for k in sorted(S)}\nF = frozenset(S)\nclass R:\n    s = {'x', 'y'}\n    def __init__(self): self.t = set('pqr')\nr = R()\ndef f(x, q=frozenset('xyz')): return len(S) + len(F) + len(R.s) + len(r.t) + ('a' in {'a', 'b', 'z'})",
        "",
        "",
    ),
    "object ids": Edit(
        "class R:\n    def __repr__(self): return 'R at ' + hex(id(self))\nr = R()\nD = {r: 1}\ndef f(x): return len(D)",
        "",
        "",
    ),
    "weak set": Edit(
        "import weakref\nclass R: pass\nr = R()\nW = weakref.WeakSet([r])\ndef f(x): return len(W)",
        "",
        "",
    ),
    "jinja": Edit(
        "import jinja2\nENV = jinja2.Environment()\nT = ENV.from_string('a {{ x }}')\ndef f(x): return T.render(x=x)",
        "",
        "",
    ),
    "polars": Edit(
        "import polars as pl\nE = pl.col('a') * 2\nclass K:\n    e = pl.col('b')\ndef f(x): return pl.DataFrame({'a': [1]}).select(E).to_series().to_list()",
        "",
        "",
    ),
    "typing things": Edit(
        "import typing\nT = typing.TypeVar('T')\nclass G(typing.Generic[T]):\n    def a(self, v: T) -> T: return v\nA = dict[str, typing.Optional[int]]\nP = typing.ParamSpec('P')\ndef f(x): return G[int]().a(x), str(A)",
        "",
        "",
    ),
    "abc and protocol": Edit(
        "import abc, typing\n@typing.runtime_checkable\nclass P(typing.Protocol):\n    def a(self): ...\nclass B(abc.ABC):\n    @abc.abstractmethod\n    def a(self): ...\nclass C(B):\n    def a(self): return 1\ndef f(x): return isinstance(C(), P), isinstance(3, B), C().a()",
        "",
        "",
    ),
    "attrs": Edit(
        "import attrs\n@attrs.define(slots=True, eq=True)\nclass R:\n    n: int = attrs.field(default=1, validator=attrs.validators.instance_of(int), converter=int)\n    m: list = attrs.Factory(list)\nr = R()\ndef f(x): return attrs.evolve(r, n=x), hash(attrs.make_class('Z', ['a'])) and 1",
        "",
        "",
    ),
    "dataclass slots": Edit(
        "import dataclasses\n@dataclasses.dataclass(slots=True, frozen=True, kw_only=True)\nclass R:\n    n: int = 1\n    m: tuple = dataclasses.field(default_factory=tuple)\nr = R()\ndef f(x): return dataclasses.replace(r, n=x)",
        "",
        "",
    ),
    "msgspec": Edit(
        "import msgspec\nclass R(msgspec.Struct, frozen=True):\n    n: int = 1\nD = msgspec.json.Decoder(R)\nE = msgspec.json.Encoder()\ndef f(x): return E.encode(D.decode(b'{}'))",
        "",
        "",
    ),
    "re and stuff": Edit(
        "import re, string, operator, functools, itertools, decimal, fractions, uuid, datetime as dt, pathlib, ipaddress, zoneinfo\nV = [re.compile('a'), string.Template('a'), operator.itemgetter(1), functools.partial(max, 1), decimal.Decimal(1), fractions.Fraction(1), uuid.UUID(int=1), dt.date(2020, 1, 1), pathlib.Path('a'), ipaddress.ip_address('1.1.1.1'), zoneinfo.ZoneInfo('UTC')]\ndef f(x): return len(V)",
        "",
        "",
    ),
    "sklearn global": Edit(
        "from sklearn.linear_model import LogisticRegression\nfrom sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\nM = make_pipeline(StandardScaler(), LogisticRegression())\ndef f(x): return M.fit([[0.0], [1.0]], [0, 1]).predict([[1.0]]).tolist()",
        "",
        "",
    ),
    "pandas accessor": Edit(
        "import pandas as pd\n@pd.api.extensions.register_series_accessor('acc_h')\nclass Acc:\n    def __init__(self, s): self.s = s\n    def up(self): return self.s + 1\ndef f(x): return pd.Series([x]).acc_h.up().tolist()",
        "",
        "",
    ),
    "thread pool": Edit(
        "from concurrent.futures import ThreadPoolExecutor\nPOOL = ThreadPoolExecutor(2)\ndef g(v): return v + 1\ndef f(x): return list(POOL.map(g, [x, 2]))",
        "",
        "",
    ),
    "warm pool global": Edit(
        "import asyncio\nLOCK = asyncio.Lock()\nasync def g(x):\n    async with LOCK: return x\ndef f(x): return asyncio.run(g(x))",
        "",
        "",
    ),
    "counter class attr": Edit(
        "class R:\n    n = 0\n    def __init__(self): type(self).n += 1\ndef f(x):\n    R(); return x",
        "",
        "",
    ),
    "time noted": Edit(
        "import time\nLAST = {'t': 0.0}\ndef f(x):\n    LAST['t'] = time.time()\n    return x",
        "",
        "",
    ),
    "env default": Edit(
        "import os\nMODE = os.environ.get('MODE_H', 'a')\ndef f(x): return MODE", "", ""
    ),
    "hash of str at import": Edit("H = hash('a') % 7\ndef f(x): return x", "", ""),
    "id-keyed memo": Edit(
        "M = {}\nclass K: pass\nk = K()\ndef f(x):\n    M[id(k)] = x\n    return x", "", ""
    ),
}
OTHER_FREE |= {
    "sibling in an OmegaConf": Edit(
        "from linepipe_core import Node\nfrom omegaconf import OmegaConf\ndef f(m): return m.depth\nnodes = [Node(f, ['config.model'], ['out'])]\nconfig, constants = OmegaConf.create({'model': {'depth': 3}, 'plot': {'color': '@@'}}), {}",
        "red",
        "blue",
    ),
}
# These run in every process.
UNCOMPARABLE = {
    "type adapter as a constant": Edit(
        "from pydantic import TypeAdapter\ndef f(x): return x.validate_python('3')\nconstants = {'x': TypeAdapter(@@)}",
        "int",
        "str",
    ),
    "struct as a constant": Edit(
        "import struct\ndef f(x): return x.unpack(b'\\1\\0\\0\\0')[0]\nconstants = {'x': struct.Struct('@@')}",
        "<i",
        ">i",
    ),
    "generator as a constant": Edit(
        "def f(x): return next(x)\nconstants = {'x': (i * @@ for i in range(1, 9))}", "2", "3"
    ),
    "hash as a constant": Edit(
        "import hashlib\ndef f(x): return x.hexdigest()\nconstants = {'x': hashlib.md5(b'@@')}",
        "a",
        "b",
    ),
}
