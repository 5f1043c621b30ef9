"""Edits that no reading of bytecode sees by itself, each in a module of its own.

All modules run in one process, again in a second one with another hash seed (nothing runs), and
once more after the edit, where the result must be that of a run without the cache.
"""

# ruff: noqa: E501  # modules in one line each

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

FUTURE = "from __future__ import annotations\n"
# name -> a module with @@ where it is edited, what stands there before, and after.
EDITS = {
    # classes: annotations that are texts, every setting of a field
    "class in a string annotation": (
        FUTURE
        + "from pydantic import BaseModel\nclass Inner(BaseModel):\n    n: int\n    unit: str = '@@'\nclass Outer(BaseModel):\n    inner: Inner\ndef f(x): return Outer.model_validate({'inner': {'n': x}}).inner.unit",
        "m",
        "km",
    ),
    "class in a quoted annotation": (
        "import dataclasses, typing\n@dataclasses.dataclass\nclass Inner:\n    unit: str = '@@'\n@dataclasses.dataclass\nclass Outer:\n    inner: 'Inner'\ndef f(x): return typing.get_type_hints(Outer)['inner']().unit",
        "m",
        "km",
    ),
    "class in an optional": (
        "import typing\nfrom pydantic import BaseModel\nclass Inner(BaseModel):\n    n: int = @@\nclass Outer(BaseModel):\n    inner: 'typing.Optional[Inner]'\ndef f(x): return Outer.model_validate({'inner': {}}).inner.n",
        "1",
        "2",
    ),
    "alias of a field": (
        "from pydantic import BaseModel, Field\nclass Row(BaseModel):\n    n: int = Field(0, alias='@@')\ndef f(x): return Row.model_validate({'a': 1, 'b': 2}).n",
        "a",
        "b",
    ),
    "constraint of a field": (
        "from pydantic import BaseModel, Field\nclass Row(BaseModel):\n    n: int = Field(0, le=@@)\ndef f(x):\n    try: return Row(n=5).n\n    except ValueError: return -1",
        "4",
        "9",
    ),
    "setting of a model": (
        "from pydantic import BaseModel\nclass Row(BaseModel):\n    model_config = {'extra': '@@'}\ndef f(x): return Row(a=1).model_dump()",
        "ignore",
        "allow",
    ),
    "metadata of a field": (
        "from dataclasses import dataclass, field, fields\n@dataclass\nclass Row:\n    n: int = field(default=1, metadata={'unit': '@@'})\ndef f(x): return [c.metadata['unit'] for c in fields(Row)]",
        "m",
        "km",
    ),
    "flag of a field": (
        "from dataclasses import dataclass, field\n@dataclass\nclass Row:\n    n: int = field(default=1, repr=@@)\ndef f(x): return repr(Row())",
        "True",
        "False",
    ),
    "flag of a decorator": (
        "from dataclasses import dataclass\n@dataclass(order=@@)\nclass Row:\n    n: int = 1\ndef f(x): return hasattr(Row, '__lt__') and '__lt__' in vars(Row)",
        "True",
        "False",
    ),
    "keyword of a class": (
        "class Base:\n    def __init_subclass__(cls, unit): cls.unit = unit\nclass Row(Base, unit='@@'): pass\ndef f(x): return Row.unit",
        "m",
        "km",
    ),
    # decorators and callables that hide a function
    "vectorized function": (
        "import numpy as np\n@np.vectorize\ndef scale(v): return v * @@\ndef f(x): return scale([x]).tolist()",
        "2",
        "3",
    ),
    "universal function": (
        "import numpy as np\ndef scale(v): return v * @@\nup = np.frompyfunc(scale, 1, 1)\ndef f(x): return up(x)",
        "2",
        "3",
    ),
    "cached function": (
        "import functools\n@functools.lru_cache\ndef scale(v): return v * @@\ndef f(x): return scale(x)",
        "2",
        "3",
    ),
    "validator": (
        "from pydantic import BaseModel, field_validator\nclass Row(BaseModel):\n    n: int\n    @field_validator('n')\n    @classmethod\n    def up(cls, v): return v * @@\ndef f(x): return Row(n=x).n",
        "2",
        "3",
    ),
    # names in texts
    "global in a query": (
        "import pandas as pd\nLIMIT = @@\ndef f(x): return pd.DataFrame({'a': [1, 2, 3]}).query('a > @LIMIT').a.tolist()",
        "1",
        "2",
    ),
    "global in a text for eval": ("LIMIT = @@\ndef f(x): return eval('LIMIT + 1')", "1", "2"),
    "value named by one word": ("LIMIT = @@\ndef f(x): return globals()['LIMIT']", "1", "2"),
    "global in a nested text": (
        "LIMIT = @@\ndef f(x): return [eval(each) for each in ('LIMIT', '0')]",
        "1",
        "2",
    ),
    # what has no content, by its statements
    "compiled struct": (
        "import struct\nFMT = struct.Struct('@@')\ndef f(x): return FMT.unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "struct in a dict": (
        "import struct\nFMTS = {'a': struct.Struct('@@'), 'n': 1}\ndef f(x): return FMTS['a'].unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "struct set by an item": (
        "import struct\nFMTS = {}\nFMTS['a'] = struct.Struct('@@')\ndef f(x): return FMTS['a'].unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "struct set in a function": (
        "import struct\nFMTS = {}\ndef setup(): FMTS['a'] = struct.Struct('@@')\nsetup()\ndef f(x): return FMTS['a'].unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "struct of a name": (
        "import struct\nHOW = '@@'\nFMT = struct.Struct(HOW)\ndef f(x): return FMT.unpack(b'\\1\\0\\0\\0')[0]",
        "<i",
        ">i",
    ),
    "lock and parameter": (
        "import threading\nCTX = {'lock': threading.Lock(), 'n': @@, 'seen': {}}\ndef f(x):\n    CTX['seen'][x] = 1\n    return CTX['n']",
        "1",
        "2",
    ),
    "seed of a generator": (
        "import numpy as np\nRNG = np.random.default_rng(@@)\ndef f(x): return RNG.random()",
        "1",
        "2",
    ),
    "seed by a name": (
        "import numpy as np\nSEED = @@\nRNG = np.random.default_rng(SEED)\ndef f(x): return RNG.random()",
        "1",
        "2",
    ),
    "seed of a stdlib generator": (
        "import random\nRNG = random.Random(@@)\ndef f(x): return RNG.random()",
        "1",
        "2",
    ),
    "fitted model": (
        "from sklearn.preprocessing import MinMaxScaler\nSCALER = MinMaxScaler((0, @@)).fit([[0.0], [4.0]])\ndef f(x): return SCALER.transform([[x]]).tolist()",
        "1",
        "2",
    ),
    "frozen distribution": (
        "import scipy.stats\nDIST = scipy.stats.norm(0, @@)\ndef f(x): return float(DIST.cdf(x))",
        "1",
        "2",
    ),
    # statements on something foreign
    "setting of a standard module": (
        "import decimal\ndecimal.getcontext().prec = @@\ndef f(x): return str(decimal.Decimal(1) / 3)",
        "5",
        "9",
    ),
    "setting by a call": (
        "import pandas as pd\npd.set_option('display.precision', @@)\ndef f(x): return str(pd.Series([1 / 3]))",
        "2",
        "3",
    ),
    "setting in a function": (
        "import pandas as pd\ndef setup(): pd.set_option('display.precision', @@)\nsetup()\ndef f(x): return str(pd.Series([1 / 3]))",
        "2",
        "3",
    ),
    "variable of the environment": (
        "import os\nos.environ['LINEPIPE_TEST'] = '@@'\ndef f(x): return os.environ['LINEPIPE_TEST']",
        "1",
        "2",
    ),
    # huge literals
    "huge literal": (f"def f(x): return x * 0x{'f' * 4000} % 97 + @@", "0", "1"),
    "huge literal of a module": (
        f"HUGE = 0x{'f' * 4000}\nFACTOR = @@\ndef f(x): return HUGE % 97 + FACTOR",
        "0",
        "1",
    ),
}
# What only the watch finds.
WATCHED = {
    "accessor on a foreign class": (
        "import pandas as pd\n@pd.api.extensions.register_dataframe_accessor('acc_of_test')\nclass Acc:\n    def __init__(self, df): self.df = df\n    def total(self): return int(self.df.a.sum()) * @@\ndef f(x): return pd.DataFrame({'a': [x]}).acc_of_test.total()",
        "1",
        "2",
    ),
    "function named in a text": (
        "import pandas as pd\ndef lift(s): return s * @@\ndef f(x): return pd.DataFrame({'a': [x]}).eval('@lift(a)').tolist()",
        "1",
        "2",
    ),
    "subclasses": (
        "class Check: pass\nclass Small(Check):\n    def ok(self, x): return x < @@\ndef f(x): return [c().ok(x) for c in Check.__subclasses__()]",
        "1",
        "2",
    ),
    "computed name": (
        "def step_a(x): return x * @@\ndef f(x): return globals()['step' + '_a'](x)",
        "1",
        "2",
    ),
    "method set on a foreign class": (
        "import collections\nclass Bag(collections.Counter): pass\ndef double(self): return sum(self.values()) * @@\nsetattr(Bag, 'dou' + 'ble', double)\ndef f(x): return getattr(Bag(a=x), 'dou' + 'ble')()",
        "1",
        "2",
    ),
}
# Edits that must not make anything run.
FREE = {
    "plot at the end": (
        "import sys, logging\ndef f(x): return x\nlogging.getLogger('a').setLevel(@@)",
        "10",
        "20",
    ),
    "setting of a library that isn't used": (
        "import decimal\ndecimal.getcontext().prec = @@\ndef f(x): return x",
        "5",
        "9",
    ),
    "docstring with a name": ("LIMIT = @@\ndef f(x):\n    'Up to LIMIT.'\n    return x", "1", "2"),
    "column that is named as a function": (
        "def city(): return @@\ndef f(x): return {'city': x}['city']",
        "1",
        "2",
    ),
}
DRIVER = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
from linepipe_core import Node, Pipeline
told = {}
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    def run(cache):
        flow = Pipeline([Node(module.f, ["x"], ["out"])], x=1, use_persistent_cache=cache,
                        cache_storage_path=f"caches/{name}")
        result = flow.run(reuse=cache)
        return result.steps[0].status, list(result.steps[0].reasons), repr(result["out"])
    told[name] = run(True)
    importlib.reload(module)  # as in a fresh process: generators have their seeds again
    told[name] = [*told[name], run(False)[2]]
print(json.dumps(told))
"""


def name_of(case: str) -> str:
    return "m_" + "".join(each if each.isalnum() else "_" for each in case)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The runs of all modules: at first, in a second process, and after the edits."""
    folder = tmp_path_factory.mktemp("edits")
    cases = {**EDITS, **FREE, **(WATCHED if sys.version_info >= (3, 12) else {})}
    answers = []
    for seed, place in (("1", 1), ("2", 1), ("3", 2)):
        for case, edit in cases.items():
            (folder / f"{name_of(case)}.py").write_text(edit[0].replace("@@", edit[place]) + "\n")
        paths = ":".join([str(folder), *filter(None, sys.path)])
        done = subprocess.run(
            [sys.executable, "-B", "-c", DRIVER, *map(name_of, cases)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    return answers


@pytest.mark.parametrize("case", [*EDITS, *WATCHED])
def test_an_edit_is_seen_and_nothing_runs_without_one(
    case: str, told: list[dict[str, Any]]
) -> None:
    """Whatever order sets have; the result is that of a run without the cache."""
    if case in WATCHED and sys.version_info < (3, 12):
        pytest.skip("found by running, which is watched from Python 3.12 on")
    first, second, third = (each[name_of(case)] for each in told)
    assert first[0] == "ran"
    assert second[0] == "reused", second[1]
    assert third[2] == third[3], third
    assert third[0] == "ran"


@pytest.mark.parametrize("case", FREE)
def test_an_edit_that_concerns_no_node_makes_none_run(
    case: str, told: list[dict[str, Any]]
) -> None:
    """Though it is in the node's own module."""
    first, second, third = (each[name_of(case)] for each in told)
    assert [first[0], second[0], third[0]] == ["ran", "reused", "reused"], third[1]


def test_the_kinds_tell_different_results() -> None:
    """A case whose edit changes nothing would prove nothing."""
    assert all(before != after for _, before, after in (*EDITS.values(), *WATCHED.values()))
