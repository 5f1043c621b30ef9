"""Small flows in the styles that people use: without an edit nothing runs again.

Each is a module of its own, with the memos, registries, clients, plots and settings that such
modules have. All run in three processes with other hash seeds, and twice in the first: what a
library fills in as it works, and what a later node fills in, is no change.
"""

# ruff: noqa: E501  # the flows are modules as people write them

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import pytest

FLOWS = {
    "sklearn": """
import logging
import warnings
from functools import lru_cache
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from linepipe_core import Node
warnings.filterwarnings("ignore")
logging.basicConfig(level=logging.INFO)
log = logging.getLogger(__name__)
pd.set_option("display.max_columns", 20)
np.random.seed(7)
RNG = np.random.default_rng(3)
NUMBERS, WORDS = ["size"], ["town"]
class Clip(BaseEstimator, TransformerMixin):
    def __init__(self, top=4.0): self.top = top
    def fit(self, X, y=None): return self
    def transform(self, X): return np.clip(X, 0, self.top)
def columns():
    return ColumnTransformer([("n", make_pipeline(Clip(), StandardScaler()), NUMBERS), ("w", OneHotEncoder(), WORDS)])
MODEL = make_pipeline(columns(), LogisticRegression())
@lru_cache
def grid(): return (("logisticregression__C", (0.1, 1.0)),)
def load(n):
    log.info("loading")
    return pd.DataFrame({"size": RNG.random(n), "town": ["a", "b"] * (n // 2), "y": [0, 1] * (n // 2)})
def fit(rows):
    return GridSearchCV(MODEL, {k: list(v) for k, v in grid()}, cv=2).fit(rows[NUMBERS + WORDS], rows["y"])
def score(model, rows): return float(model.score(rows[NUMBERS + WORDS], rows["y"]))
nodes = [Node(load, ["n"], ["rows"]), Node(fit, ["rows"], ["model"]), Node(score, ["model", "rows"], ["score"])]
constants = {"n": 20}
""",
    "polars": """
import enum
import polars as pl
from linepipe_core import Node
class Kind(enum.StrEnum):
    SMALL = "small"
    LARGE = "large"
pl.Config.set_tbl_rows(5)
AREA = (pl.col("w") * pl.col("h")).alias("area")
FEATURES = [AREA, pl.when(pl.col("w") > 2).then(pl.lit(Kind.LARGE)).otherwise(pl.lit(Kind.SMALL)).alias("kind")]
SCHEMA = {"w": pl.Int64, "h": pl.Float64}
def load(n): return pl.DataFrame({"w": list(range(n)), "h": [1.0] * n}, schema=SCHEMA)
def features(rows): return rows.lazy().with_columns(FEATURES).collect()
def totals(rows): return rows.group_by("kind").agg(pl.col("area").sum()).sort("kind").rows()
nodes = [Node(load, ["n"], ["rows"]), Node(features, ["rows"], ["wide"]), Node(totals, ["wide"], ["totals"])]
constants = {"n": 6}
""",
    "sqlalchemy_orm": """
from sqlalchemy import ForeignKey, String, create_engine, event, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from linepipe_core import Node
class Base(DeclarativeBase): pass
class Town(Base):
    __tablename__ = "towns"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(30))
    shops: Mapped[list["Shop"]] = relationship(back_populates="town")
class Shop(Base):
    __tablename__ = "shops"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int]
    town_id: Mapped[int] = mapped_column(ForeignKey("towns.id"))
    town: Mapped[Town] = relationship(back_populates="shops")
@event.listens_for(Town, "before_insert")
def tidy(mapper, connection, target): target.name = target.name.strip()
SIZES = select(Town.name, func.sum(Shop.size)).join(Shop).group_by(Town.name).order_by(Town.name)
def stored(names):
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Town(name=f" {n} ", shops=[Shop(size=len(n)), Shop(size=1)]) for n in names])
        session.commit()
        return [tuple(row) for row in session.execute(SIZES)]
def names(n): return ["a" * i for i in range(1, n)]
nodes = [Node(names, ["n"], ["names"]), Node(stored, ["names"], ["sizes"])]
constants = {"n": 4}
""",
    "pydantic_tenacity": """
import logging
import threading
from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator
from tenacity import before_sleep_log, retry, stop_after_attempt, wait_none
from linepipe_core import Node
log = logging.getLogger(__name__)
class Row(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    n: int = Field(ge=0, alias="count")
    tags: list[str] = []
    @field_validator("tags")
    @classmethod
    def lower(cls, v): return [each.lower() for each in v]
    @computed_field
    @property
    def twice(self) -> int: return self.n * 2
class Client:
    def __init__(self, base):
        self.base, self.n_calls, self.lock, self.cache = base, 0, threading.Lock(), {}
    def get(self, n):
        with self.lock:
            self.n_calls += 1
            self.cache[n] = self.n_calls
        return {"count": n, "tags": [self.base]}
CLIENT = Client("A")
_fails = [1]
@retry(stop=stop_after_attempt(3), wait=wait_none(), before_sleep=before_sleep_log(log, logging.DEBUG))
def fetched(n):
    if _fails:
        _fails.pop()
        raise OSError("once")
    return CLIENT.get(n)
def rows(n): return [Row.model_validate(fetched(i)) for i in range(n)]
def total(rows): return sum(row.twice for row in rows) + fetched(0)["count"]
nodes = [Node(rows, ["n"], ["rows"]), Node(total, ["rows"], ["total"])]
constants = {"n": 3}
""",
    "jinja": """
import jinja2
from linepipe_core import Node
ENV = jinja2.Environment(loader=jinja2.DictLoader({"page": "{% for r in rows %}{{ r|money }} {% endfor %}"}))
def money(value): return f"{value:.2f}"
ENV.filters["money"] = money
LINE = jinja2.Template("total {{ n }}")
def page(n): return ENV.get_template("page").render(rows=range(n))
def line(page): return LINE.render(n=len(page))
nodes = [Node(page, ["n"], ["page"]), Node(line, ["page"], ["line"])]
constants = {"n": 3}
""",
    "plugins": """
import functools
import re
from typing import Protocol
from linepipe_core import Node
STEPS = {}
SEEN = {}
def step(name=None):
    def register(func):
        STEPS[name or func.__name__] = func
        return func
    return register
@step()
def lower(text): return text.lower()
@step("tidy")
def tidied(text): return re.sub(r"\\s+", " ", text)
class Plugin:
    known = {}
    def __init_subclass__(cls, **options):
        Plugin.known[cls.__name__] = cls
class Short(Plugin):
    def apply(self, text): return text[:5]
@functools.singledispatch
def shown(value): return repr(value)
@shown.register
def _(value: str): return value
class Later:
    def __init__(self): self.plugins = None
    @functools.cached_property
    def table(self): return {name: plugin() for name, plugin in Plugin.known.items()}
LATER = Later()
def clean(text, names):
    for name in names:
        text = STEPS[name](text)
        SEEN.setdefault(name, []).append(text)
    LATER.plugins = dict(Plugin.known)
    return text
def apply(text): return [plugin.apply(shown(text)) for plugin in LATER.table.values()]
nodes = [Node(clean, ["text", "names"], ["clean"]), Node(apply, ["clean"], ["short"])]
constants = {"text": "Some  Words", "names": ["lower", "tidy"]}
""",
    "standard": """
import collections, contextvars, dataclasses, datetime, decimal, itertools, re, struct, threading, time, weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from linepipe_core import Node
decimal.getcontext().prec = 12
HERE = Path(__file__).parent
CONTEXT = contextvars.ContextVar("context", default=0)
LOCAL = threading.local()
COUNTER = itertools.count()
POOL = ThreadPoolExecutor(2)
CACHE = weakref.WeakValueDictionary()
RECENT = collections.deque(maxlen=3)
WORD = re.compile(r"\\w+")
HEAD = struct.Struct("<ih")
SINCE = datetime.date(2020, 1, 1)
_last = 0.0
@dataclasses.dataclass
class Row:
    word: str
    parts: list = dataclasses.field(default_factory=list)
def words(text):
    global _last
    _last = time.monotonic()
    LOCAL.n = next(COUNTER)
    RECENT.append(text)
    CONTEXT.set(len(text))
    return [Row(each) for each in WORD.findall(text)]
def packed(rows):
    list(POOL.map(str, rows))
    CACHE["first"] = rows[0]
    return HEAD.pack(len(rows), 2), str(decimal.Decimal(1) / 3), SINCE.year
nodes = [Node(words, ["text"], ["rows"]), Node(packed, ["rows"], ["packed"])]
constants = {"text": "some words here"}
""",
    "one_object": """
import time
from linepipe_core import Node
class Study:
    def __init__(self, scale): self.scale, self.log, self.started = scale, [], None
    def note(self, what):
        self.started = self.started or time.time()
        self.log.append((what, time.time()))
    def prepare(self, n):
        self.note("prepare")
        return [i * self.scale for i in range(n)]
    def total(self, rows):
        self.note("total")
        return sum(rows)
STUDY = Study(3)
nodes = [Node(STUDY.prepare, ["n"], ["rows"]), Node(STUDY.total, ["rows"], ["total"])]
constants = {"n": 3}
""",
    "on_demand": """
import lazy_package
from lazy_package import late
from linepipe_core import Node
def first(n): return lazy_package.scale(n)
def second(x): return lazy_package.shift(x) + late.step(x)
nodes = [Node(first, ["n"], ["x"]), Node(second, ["x"], ["y"])]
constants = {"n": 3}
""",
    "attrs": """
import attrs
from linepipe_core import Node
@attrs.define(frozen=True)
class Unit:
    name: str = attrs.field(converter=str.lower, metadata={"doc": "its name"})
    factor: float = attrs.field(default=1.0, validator=attrs.validators.ge(0))
@attrs.define
class Basket:
    units: list[Unit] = attrs.Factory(list)
    n_seen: int = 0
    def add(self, unit):
        self.units.append(unit)
        self.n_seen += 1
        return self
UNITS = {name: Unit(name, i) for i, name in enumerate(("KM", "M"))}
SHARED = Basket()
def fill(n):
    for unit in UNITS.values():
        SHARED.add(unit)
    return Basket([UNITS["KM"]] * n)
def total(basket): return sum(u.factor for u in basket.units) + len(attrs.fields(Unit))
nodes = [Node(fill, ["n"], ["basket"]), Node(total, ["basket"], ["total"])]
constants = {"n": 3}
""",
    "matplotlib": """
import io
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from linepipe_core import Node
plt.rcParams["figure.dpi"] = 40
plt.style.use("ggplot")
COLORS = plt.get_cmap("viridis")
def curve(n): return np.linspace(0, 1, n)
def report(curve):
    fig, axis = plt.subplots()
    axis.plot(curve, color=COLORS(0.5))
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(fig)
    return len(buffer.getvalue()) > 100
nodes = [Node(curve, ["n"], ["curve"]), Node(report, ["curve"], ["report"])]
constants = {"n": 10}
""",
    "torch": """
import torch
from torch import nn
from linepipe_core import Node
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))
    def forward(self, x): return self.layers(x)
LOSS = nn.MSELoss()
def train(width):
    torch.manual_seed(1)
    net = Net(width)
    steps = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        steps.zero_grad()
        LOSS(net(torch.ones(4, 2)), torch.ones(4, 1)).backward()
        steps.step()
    return net
def predict(net): return net(torch.zeros(1, 2)).item()
nodes = [Node(train, ["width"], ["net"]), Node(predict, ["net"], ["value"])]
constants = {"width": 3}
""",
    "networkx": """
import networkx as nx
from networkx.algorithms.community import greedy_modularity_communities
from linepipe_core import Node
GRAPH = nx.Graph()
GRAPH.add_edges_from([("b", "c"), ("a", "c")], weight=1)
GRAPH.graph["name"] = "g"
def cost(u, v, data): return data["weight"] * 2
def path(n): return nx.shortest_path_length(GRAPH, "a", "c", weight=cost)
def grown(n):
    graph = GRAPH.copy()
    for i in range(n): graph.add_edge("a", str(i), weight=1)
    return graph
def groups(graph): return [sorted(each) for each in greedy_modularity_communities(graph)]
nodes = [Node(path, ["n"], ["path"]), Node(grown, ["n"], ["graph"]), Node(groups, ["graph"], ["groups"])]
constants = {"n": 3}
""",
    "kept_objects": """
import decimal
import struct
from dataclasses import dataclass, field
from pydantic import BaseModel, TypeAdapter
from linepipe_core import Node
LAST = {"format": None, "when": None}
class Row(BaseModel):
    n: int = 0
ROWS = TypeAdapter(list[Row])
@dataclass
class Kept:
    formats: dict = field(default_factory=dict)
KEPT = Kept()
def made(n):
    LAST["format"] = KEPT.formats["a"] = struct.Struct("i" * n)
    return LAST["format"].size
def rows(n): return len(ROWS.validate_python([{"n": n}])) + len(KEPT.formats)
nodes = [Node(made, ["n"], ["made"]), Node(rows, ["made"], ["rows"])]
constants = {"n": 3}
""",
}  # fmt: skip
NEEDS = {"pydantic_tenacity": "tenacity", "matplotlib": "matplotlib", "torch": "torch"}
OTHER_FILES = {
    "lazy_package/__init__.py": """
def __getattr__(name):
    if name in ("scale", "shift"):
        from lazy_package import late
        globals()[name] = getattr(late, name)
        return globals()[name]
    raise AttributeError(name)
""",
    "lazy_package/late.py": """
_CACHE = {}
def scale(n): return _CACHE.setdefault(n, n * 2)
def shift(n): return n + 1
def step(n): return n
""",
}
DRIVER = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
from linepipe_core import Pipeline
told = {}
for name in sys.argv[2:]:
    module = importlib.import_module("flow_" + name)
    flow = Pipeline(module.nodes, use_persistent_cache=True, cache_storage_path=f"caches/{name}", **module.constants)
    runs = [flow.run(reuse=True) for _ in range(int(sys.argv[1]))]
    steps = [[(s.node.name, s.status, list(s.reasons)) for s in run.steps] for run in runs]
    told[name] = steps, [f"{e.node.name}: {what}" for e in flow.plan() for what in e.untracked]
print("@@" + json.dumps(told))
"""  # fmt: skip
# flow -> what its plan leaves out, beside what nodes change while they run.
UNTRACKED = {
    "standard": ["words: what time.monotonic gives"],
    "one_object": ["prepare: what time.time gives", "total: what time.time gives"],
}
STATE = "counts as it began: the node changes it while it runs"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The steps and the plans of all flows, in three processes."""
    folder = tmp_path_factory.mktemp("flows")
    for name, text in OTHER_FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    names = [name for name in FLOWS if find_spec(NEEDS.get(name, "linepipe_core"))]
    for name in names:
        (folder / f"flow_{name}.py").write_text(FLOWS[name])
    answers = []
    for seed, n_runs in (("1", 2), ("2", 1), ("3", 2)):
        paths = os.pathsep.join([str(folder), *filter(None, sys.path)])
        done = subprocess.run(
            [sys.executable, "-B", "-c", DRIVER, str(n_runs), *names],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout.rpartition("@@")[2]))
    return answers


@pytest.mark.parametrize("flow", FLOWS)
def test_nothing_runs_again_without_an_edit(flow: str, told: list[dict[str, Any]]) -> None:
    """In the process that ran it, and in others with other hash seeds."""
    if flow in NEEDS:
        pytest.importorskip(NEEDS[flow], reason=f"{NEEDS[flow]} isn't among the test dependencies")
    steps = [run for answer in told for run in answer[flow][0]]
    assert {status for _, status, _ in steps[0]} == {"ran"}
    again = [step for run in steps[1:] for step in run if step[1] != "reused"]
    assert again == []


@pytest.mark.parametrize("flow", FLOWS)
def test_the_plan_names_nothing_that_is_no_concern(flow: str, told: list[dict[str, Any]]) -> None:
    """The clock that a node reads is named; loggers, locks, models and engines aren't."""
    if flow in NEEDS:
        pytest.importorskip(NEEDS[flow], reason=f"{NEEDS[flow]} isn't among the test dependencies")
    notes = [note for note in told[-1][flow][1] if not note.endswith(STATE)]
    assert notes == UNTRACKED.get(flow, [])
