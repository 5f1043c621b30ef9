"""Values of many libraries, each with one of the same content and one of another.

Run as a script it prints the hash of each, to be compared with those of other processes.
"""

from __future__ import annotations

import copy
import datetime as dt
import importlib
import operator
from typing import Any

from tests.core.values.zoo_hostile import HOSTILE
from tests.core.values.zoo_python import (
    FRAME,
    PYTHON,
    Kind,
    Model,
    Struct,
    X,
    digest,
    kind,
    masked,
    padded,
    picture,
    reread,
    shared,
    using,
)
from tests.core.values.zoo_python import Attrs as _Attrs
from tests.core.values.zoo_python import DictAttrs as _DictAttrs
from tests.core.values.zoo_python import HashedAttrs as _HashedAttrs

Attrs: Any = _Attrs  # attrs makes their `__init__`
DictAttrs: Any = _DictAttrs
HashedAttrs: Any = _HashedAttrs

nx: Any = importlib.import_module("networkx")
np: Any = importlib.import_module("numpy")
omegaconf: Any = importlib.import_module("omegaconf")
pa: Any = importlib.import_module("pyarrow")
pd: Any = importlib.import_module("pandas")
pil: Any = importlib.import_module("PIL.Image")
pl: Any = importlib.import_module("polars")
sa: Any = importlib.import_module("sqlalchemy")
shapely: Any = importlib.import_module("shapely")
shapely_prepared: Any = importlib.import_module("shapely.prepared")
sparse: Any = importlib.import_module("scipy.sparse")
spatial: Any = importlib.import_module("scipy.spatial.transform")
stats: Any = importlib.import_module("scipy.stats")
sympy: Any = importlib.import_module("sympy")
tomlkit: Any = importlib.import_module("tomlkit")
xr: Any = importlib.import_module("xarray")
linear: Any = importlib.import_module("sklearn.linear_model")
pipeline: Any = importlib.import_module("sklearn.pipeline")
scaling: Any = importlib.import_module("sklearn.preprocessing")
trees: Any = importlib.import_module("sklearn.ensemble")
yaml: Any = importlib.import_module("ruamel.yaml")

NUMPY = {
    "array": kind(lambda: np.arange(6.0).reshape(2, 3), lambda: np.arange(6.0).reshape(3, 2)),
    "order": kind(lambda: np.arange(6.0).reshape(2, 3), lambda: np.arange(6.0).reshape(2, 3).T,
                  lambda: np.asfortranarray(np.arange(6.0).reshape(2, 3))),
    "slice": kind(lambda: np.arange(9)[::2], lambda: np.arange(5), lambda: np.arange(0, 9, 2)),
    "backwards": kind(lambda: np.arange(3)[::-1], lambda: np.arange(3),
                      lambda: np.array([2, 1, 0])),
    "read-only": kind(lambda: np.arange(3), lambda: np.arange(4),
                      lambda: using(np.arange(3), lambda a: a.setflags(write=False))),
    "dtype": kind(lambda: np.ones(2, "f4"), lambda: np.ones(2, "f8")),
    "byte order": kind(lambda: np.ones(2, ">f4"), lambda: np.ones(2, ">f8"),
                       lambda: np.ones(2, "<f4")),
    "none": kind(lambda: np.empty(0), lambda: np.empty((0, 1))),
    "scalar array": kind(lambda: np.array(1), lambda: np.array([1])),
    "scalar": kind(lambda: np.float64(1), lambda: 1.0),
    "small scalar": kind(lambda: np.int8(1), lambda: np.int16(1)),
    "long double": kind(lambda: np.longdouble(1) / 3, lambda: np.longdouble(1) / 7),
    "long doubles": kind(lambda: np.ones(3, "g") / 3, lambda: np.ones(3, "g") / 7),
    "complex": kind(lambda: np.ones(2, "c16"), lambda: np.ones(2, "c8")),
    "dates": kind(lambda: np.array(["2024"], "M8[D]"), lambda: np.array(["2024"], "M8[s]")),
    "date": kind(lambda: np.datetime64("2024-01-01"), lambda: np.datetime64("2024-01-01", "s")),
    "texts": kind(lambda: np.array(["a", "b"]), lambda: np.array(["a", "c"])),
    "long texts": kind(lambda: np.array(["a"], np.dtypes.StringDType()),
                       lambda: np.array(["b"], np.dtypes.StringDType())),
    "objects": kind(lambda: np.array([[1], "a"], object), lambda: np.array([[2], "a"], object)),
    "fields": kind(lambda: padded(0, 1.0), lambda: padded(0, 2.0), lambda: padded(9, 1.0)),
    "field": kind(lambda: padded(0, 1.0)[0], lambda: padded(0, 2.0)[0],
                  lambda: padded(9, 1.0)[0]),
    "records": kind(lambda: np.rec.array([(1, 2.0)]), lambda: np.rec.array([(1, 3.0)])),
    "matrix": kind(lambda: np.ones((2, 2)).view(np.matrix), lambda: np.ones((2, 2))),
    "masked": kind(lambda: np.ma.array([1, 2], mask=[0, 1]),
                   lambda: np.ma.array([1, 2], mask=[1, 0]),
                   lambda: np.ma.array([1, 9], mask=[0, 1])),
    "dtype itself": kind(lambda: np.dtype("f4"), lambda: np.dtype("f8")),
    "function": kind(lambda: [np.add], lambda: [np.subtract]),
    "generator": kind(lambda: np.random.default_rng(1), lambda: np.random.default_rng(2)),
    "used generator": kind(lambda: using(np.random.default_rng(1), lambda g: g.random()),
                           lambda: np.random.default_rng(1)),
    "older generator": kind(lambda: np.random.RandomState(1), lambda: np.random.RandomState(2)),
    "seeds": kind(lambda: np.random.SeedSequence(1), lambda: np.random.SeedSequence(2)),
    "polynomial": kind(lambda: np.polynomial.Polynomial([1, 2]),
                       lambda: np.polynomial.Polynomial([1, 3])),
    "shared": kind(lambda: shared(np.ones(2)), lambda: [np.ones(2), np.ones(2)]),
    "large": kind(lambda: np.arange(3e6), lambda: np.arange(3e6) + 1,
                  lambda: np.asfortranarray(np.arange(3e6).reshape(3, -1)).reshape(-1)),
}  # fmt: skip

PANDAS = {
    "frame": kind(lambda: pd.DataFrame(FRAME), lambda: pd.DataFrame(FRAME)[["x", "n", "s"]],
                  lambda: pd.DataFrame({"n": FRAME["n"]}).assign(x=FRAME["x"], s=FRAME["s"])),
    "joined frame": kind(lambda: pd.DataFrame(FRAME), lambda: pd.DataFrame(FRAME).iloc[:2],
                         lambda: pd.concat([pd.DataFrame(FRAME)[:1], pd.DataFrame(FRAME)[1:]])),
    "matrix frame": kind(lambda: pd.DataFrame(np.arange(6.0).reshape(2, 3)),
                         lambda: pd.DataFrame(np.arange(6.0).reshape(2, 3)).astype("f4"),
                         lambda: pd.DataFrame({i: [float(i), i + 3.0] for i in range(3)})),
    "frame's attributes": kind(lambda: pd.DataFrame(FRAME), lambda: using(
        pd.DataFrame(FRAME), lambda f: f.attrs.update(a=1))),
    "frame's flags": kind(lambda: pd.DataFrame(FRAME),
                          lambda: pd.DataFrame(FRAME).set_flags(allows_duplicate_labels=False)),
    "empty frame": kind(lambda: pd.DataFrame(), lambda: pd.DataFrame(index=[0])),
    "cells": kind(lambda: pd.DataFrame({"a": [[1], {2}]}), lambda: pd.DataFrame({"a": [[1], {3}]})),
    "frame of all": kind(
        lambda: pd.DataFrame({"a": [1], "b": [1.0], "c": ["x"], "d": [True]}),
        lambda: pd.DataFrame({"a": [1], "b": [1.0], "c": ["x"], "d": [False]})),
    "series": kind(lambda: pd.Series([1], name="a"), lambda: pd.Series([1], name="b")),
    "series' index": kind(lambda: pd.Series([1, 2]), lambda: pd.Series([1, 2], index=[0, 1])),
    "index": kind(lambda: pd.Index(["a"]), lambda: pd.Index(["b"])),
    "index's name": kind(lambda: pd.Index([1], name="a"), lambda: pd.Index([1])),
    "range": kind(lambda: pd.RangeIndex(3), lambda: pd.Index([0, 1, 2])),
    "levels": kind(lambda: pd.MultiIndex.from_tuples([(1, 2), (3, 4)]),
                   lambda: pd.MultiIndex.from_tuples([(1, 2), (3, 5)]),
                   lambda: pd.MultiIndex.from_tuples([(0, 0), (1, 2), (3, 4)])[1:]),
    "dates": kind(lambda: pd.DatetimeIndex(["2024-01-01"]),
                  lambda: pd.DatetimeIndex(["2024-01-01"], tz="UTC")),
    "categories": kind(lambda: pd.Categorical(["a", "b"]), lambda: pd.Categorical(["a", "c"])),
    "category order": kind(lambda: pd.Categorical(["a"], ["a", "b"]),
                           lambda: pd.Categorical(["a"], ["b", "a"])),
    "nullable": kind(lambda: masked(3), lambda: pd.array([1, 0], dtype="Int64"),
                     lambda: masked(9)),
    "truths": kind(lambda: pd.array([True, None], dtype="boolean"),
                   lambda: pd.array([False, None], dtype="boolean")),
    "texts": kind(lambda: pd.Series(["a", None], dtype="string"),
                  lambda: pd.Series(["a", None], dtype=object)),
    "python texts": kind(lambda: pd.Series(["a", None], dtype=pd.StringDtype("python")),
                         lambda: pd.Series(["b", None], dtype=pd.StringDtype("python"))),
    "arrow": kind(lambda: pd.Series([1, None], dtype="int64[pyarrow]"),
                  lambda: pd.Series([2, None], dtype="int64[pyarrow]"),
                  lambda: pd.concat([pd.Series([1], dtype="int64[pyarrow]"), pd.Series(
                      [None], dtype="int64[pyarrow]")], ignore_index=True)),
    "sparse": kind(lambda: pd.arrays.SparseArray([0, 1]), lambda: pd.arrays.SparseArray([0, 2]),
                   lambda: pd.arrays.SparseArray([0, 1], kind="block")),
    "intervals": kind(lambda: pd.interval_range(0, 2), lambda: pd.interval_range(0, 3)),
    "periods": kind(lambda: pd.period_range("2024", periods=2, freq="M"),
                    lambda: pd.period_range("2024", periods=2, freq="D")),
    "timestamp": kind(lambda: pd.Timestamp("2024"), lambda: pd.Timestamp("2024", tz="UTC")),
    "timedelta": kind(lambda: pd.Timedelta("1D"), lambda: pd.Timedelta("2D")),
    "period": kind(lambda: pd.Period("2024", "M"), lambda: pd.Period("2024", "D")),
    "interval": kind(lambda: pd.Interval(0, 1), lambda: pd.Interval(0, 1, closed="left")),
    "nothing": kind(lambda: pd.NaT, lambda: pd.NA),
    "offset": kind(lambda: pd.offsets.MonthEnd(), lambda: pd.offsets.MonthBegin()),
    "category type": kind(lambda: pd.CategoricalDtype(["a"]), lambda: pd.CategoricalDtype(["b"])),
    "time type": kind(lambda: pd.DatetimeTZDtype(tz="UTC"),
                      lambda: pd.DatetimeTZDtype(tz="Europe/Berlin")),
}  # fmt: skip

TABLES = {
    "polars frame": kind(lambda: pl.DataFrame(FRAME), lambda: pl.DataFrame(FRAME)[:2],
                         lambda: pl.concat([pl.DataFrame(FRAME)[:1], pl.DataFrame(FRAME)[1:]])),
    "polars series": kind(lambda: pl.Series("a", [1, 2]), lambda: pl.Series("b", [1, 2]),
                          lambda: pl.Series("a", [0, 1, 2])[1:].set_sorted()),
    "polars lists": kind(lambda: pl.Series([[1], None]), lambda: pl.Series([[2], None])),
    "polars structs": kind(lambda: pl.Series([{"a": 1}]), lambda: pl.Series([{"a": 2}])),
    "polars categories": kind(lambda: pl.Series(["a"], dtype=pl.Categorical),
                              lambda: pl.Series(["b"], dtype=pl.Categorical)),
    "polars dates": kind(lambda: pl.Series([dt.date(2024, 1, 1)]),
                         lambda: pl.Series([dt.datetime(2024, 1, 1)])),
    "polars expression": kind(lambda: pl.col("a") + 1, lambda: pl.col("a") + 2),
    "polars type": kind(lambda: pl.Datetime("ms"), lambda: pl.Datetime("us")),
    "polars schema": kind(lambda: pl.Schema({"a": pl.Int8()}), lambda: pl.Schema({})),
    "arrow table": kind(lambda: pa.table(FRAME), lambda: pa.table(FRAME).slice(1),
                        lambda: pa.concat_tables([pa.table(FRAME)[:1], pa.table(FRAME)[1:]])),
    "arrow array": kind(lambda: pa.array([1, None]), lambda: pa.array([2, None]),
                        lambda: pa.array([0, 1, None])[1:]),
    "arrow chunks": kind(lambda: pa.chunked_array([[1, 2]]), lambda: pa.chunked_array([[1, 3]]),
                         lambda: pa.chunked_array([[1], [2]])),
    "arrow batch": kind(lambda: pa.record_batch({"a": [1]}), lambda: pa.record_batch({"a": [2]})),
    "arrow schema": kind(lambda: pa.schema({"a": pa.int8()}), lambda: pa.schema({"a": pa.int16()})),
    "arrow type": kind(lambda: pa.list_(pa.int8()), lambda: pa.list_(pa.int16())),
    "arrow scalar": kind(lambda: pa.scalar(1), lambda: pa.scalar(1, pa.int8())),
    "arrow dictionary": kind(lambda: pa.array(["a"]).dictionary_encode(),
                             lambda: pa.array(["b"]).dictionary_encode()),
}  # fmt: skip


def sparse_one() -> Any:
    return sparse.csr_matrix(([1.0, 2.0], ([0, 1], [1, 0])), shape=(2, 2))


def seeded(seed: int) -> Any:
    made = stats.norm(0, 1)
    made.random_state = seed
    return made


def fitted(model: Any) -> Any:
    return model.fit(X, [0, 0, 1, 1])


def dataset(value: float, **attributes: Any) -> Any:
    return xr.Dataset({"a": ("x", [value, 1.0])}, coords={"x": [1, 2]}, attrs=attributes)


def graph(weight: int) -> Any:
    made = nx.Graph()
    made.add_edge("a", "b", weight=weight)
    return made


SCIENCES = {
    "sparse matrix": kind(sparse_one, lambda: sparse_one() * 2,
                          lambda: using(sparse_one(), lambda m: m.has_canonical_format)),
    "sparse array": kind(lambda: sparse.coo_array(np.eye(2)),
                         lambda: sparse.coo_array(np.ones((2, 2)))),
    "distribution": kind(lambda: stats.norm(0, 1), lambda: stats.norm(0, 2),
                         lambda: stats.norm(0, 1)),
    "used distribution": kind(lambda: stats.norm(0, 1), lambda: stats.uniform(0, 1),
                              lambda: using(stats.norm(0, 1), lambda d: d.rvs())),
    "seeded distribution": kind(lambda: seeded(1), lambda: seeded(2)),
    "distribution of vectors": kind(lambda: stats.multivariate_normal([0.0, 0.0]),
                                    lambda: stats.multivariate_normal([0.0, 1.0]),
                                    lambda: stats.multivariate_normal([0.0, 0.0])),
    "distribution of counts": kind(lambda: stats.rv_histogram(([1, 2], [0.0, 1.0, 2.0])),
                                   lambda: stats.rv_histogram(([1, 3], [0.0, 1.0, 2.0])),
                                   lambda: stats.rv_histogram(([1, 2], [0.0, 1.0, 2.0]))),
    "rotation": kind(lambda: spatial.Rotation.from_euler("x", 1),
                     lambda: spatial.Rotation.from_euler("x", 2)),
    "data array": kind(lambda: dataset(1.0)["a"], lambda: dataset(2.0)["a"],
                       lambda: using(dataset(1.0)["a"], operator.attrgetter("attrs"))),
    "dataset": kind(lambda: dataset(1.0), lambda: dataset(1.0, unit="m"),
                    lambda: using(dataset(1.0), operator.attrgetter("encoding"))),
    "xarray variable": kind(lambda: xr.Variable("x", [1]), lambda: xr.Variable("y", [1])),
    "linear model": kind(lambda: fitted(linear.LogisticRegression()),
                         lambda: fitted(linear.LogisticRegression(C=2.0))),
    "unfitted model": kind(lambda: linear.Ridge(1.0), lambda: linear.Ridge(2.0)),
    "forest": kind(lambda: fitted(trees.RandomForestClassifier(3, random_state=1)),
                   lambda: fitted(trees.RandomForestClassifier(3, random_state=2))),
    "steps": kind(lambda: fitted(pipeline.make_pipeline(scaling.StandardScaler(), linear.Ridge())),
                  lambda: fitted(pipeline.make_pipeline(linear.Ridge()))),
    "graph": kind(lambda: graph(1), lambda: graph(2),
                  lambda: using(graph(1), lambda g: (g.edges, g.adj, g.degree, g.nodes))),
    "directed graph": kind(lambda: nx.DiGraph([(1, 2)]), lambda: nx.DiGraph([(2, 1)])),
    "symbol": kind(lambda: sympy.Symbol("x"), lambda: sympy.Symbol("y"),
                   lambda: using(sympy.Symbol("x"), hash)),
    "expression": kind(lambda: sympy.sin(sympy.Symbol("x")) + 1,
                       lambda: sympy.cos(sympy.Symbol("x")) + 1,
                       lambda: 1 + sympy.sin(sympy.Symbol("x"))),
    "symbolic matrix": kind(lambda: sympy.Matrix([[1, 2]]), lambda: sympy.Matrix([[1, 3]])),
    "rational": kind(lambda: sympy.Rational(1, 2), lambda: sympy.Float(0.5)),
    "point": kind(lambda: shapely.Point(0, 1), lambda: shapely.Point(0, 2),
                  lambda: using(shapely.Point(0, 1), shapely.prepare)),
    "polygon": kind(lambda: shapely.box(0, 0, 1, 1), lambda: shapely.box(0, 0, 1, 2)),
    "prepared": kind(lambda: shapely_prepared.prep(shapely.Point(0, 1)),
                     lambda: shapely_prepared.prep(shapely.Point(0, 2)),
                     lambda: shapely_prepared.prep(shapely.Point(0, 1))),
    "picture": kind(lambda: picture(1), lambda: picture(2), lambda: reread(picture(1))),
    "picture's notes": kind(lambda: picture(1), lambda: picture(1, dpi=3)),
}  # fmt: skip


def configured(text: str, section: str) -> Any:
    return omegaconf.OmegaConf.create(text)[section]


def table(*columns: str) -> Any:
    return sa.Table("t", sa.MetaData(), *(sa.Column(name, sa.Integer) for name in columns))


def loaded_yaml(text: str) -> Any:
    return yaml.YAML().load(text)


MODELS = {
    "pydantic": kind(lambda: Model(a=[1]), lambda: Model(a=[2]),
                     lambda: using(Model(a=[1]), operator.attrgetter("computed"))),
    "pydantic's default": kind(lambda: Model(), lambda: Model(a=1)),
    "pydantic's set": kind(lambda: Model(tags={"a", "b", "c"}), lambda: Model(tags={"a"}),
                           lambda: Model(tags={"c", "b", "a"})),
    "attrs": kind(lambda: Attrs(1), lambda: Attrs(2)),
    "attrs with a hash": kind(lambda: HashedAttrs(1), lambda: HashedAttrs(2),
                              lambda: using(HashedAttrs(1), hash)),
    "attrs with a dict": kind(lambda: DictAttrs([1]), lambda: DictAttrs([2])),
    "msgspec": kind(lambda: Struct([1]), lambda: Struct([2])),
    "omegaconf": kind(lambda: omegaconf.OmegaConf.create({"a": 1}),
                      lambda: omegaconf.OmegaConf.create({"a": 2})),
    "omegaconf's section": kind(lambda: configured("{m: {d: 3}, p: 1}", "m"),
                                lambda: configured("{m: {d: 4}, p: 1}", "m"),
                                lambda: configured("{m: {d: 3}, p: 2}", "m")),
    "omegaconf's reference": kind(lambda: configured("{m: {d: '${p}'}, p: 1}", "m"),
                                  lambda: configured("{m: {d: '${p}'}, p: 2}", "m"),
                                  lambda: configured("{m: {d: 1}, p: 2}", "m")),
    "tomlkit": kind(lambda: tomlkit.parse("a = 1"), lambda: tomlkit.parse("a = 2"),
                    lambda: tomlkit.parse("a = 1 # one")),
    "ruamel": kind(lambda: loaded_yaml("a: 1"), lambda: loaded_yaml("a: 2"),
                   lambda: loaded_yaml("a: 1 # one")),
    "engine": kind(lambda: sa.create_engine("sqlite:///a.db"),
                   lambda: sa.create_engine("sqlite:///b.db"),
                   lambda: sa.create_engine("sqlite:///a.db")),
    "query": kind(lambda: sa.select(table("a", "b").c.a), lambda: sa.select(table("a", "b").c.b),
                  lambda: sa.select(table("a", "b").c.a)),
    "query's parameter": kind(lambda: table("a").c.a == 1, lambda: table("a").c.a == 2,
                              lambda: table("a").c.a == 1),
    "text query": kind(lambda: sa.text("select 1"), lambda: sa.text("select 2")),
    "table": kind(lambda: table("a"), lambda: table("a", "b"), lambda: table("a")),
}  # fmt: skip

ZOO: dict[str, Kind] = {
    f"{library}: {name}": each
    for library, kinds in (
        ("Python", PYTHON),
        ("numpy", NUMPY),
        ("pandas", PANDAS),
        ("tables", TABLES),
        ("sciences", SCIENCES),
        ("models", MODELS),
        ("hostile", HOSTILE),
    )
    for name, each in kinds.items()
}

# Those of which `copy.deepcopy` can't make one of the same content.
NOT_COPIED = {
    "Python: 10,000 levels", "Python: 10,001 levels", "Python: 2,000 objects",
    "Python: lock", "Python: mapping proxy", "Python: memoryview", "Python: memoryview slice",
    "Python: section", "Python: struct", "models: engine", "sciences: prepared",
    # Hypothesis seeds numpy's global generator, whose copy can't be told from one of its own then.
    "sciences: distribution", "sciences: used distribution",
    "sciences: distribution of vectors", "sciences: distribution of counts",
    "models: table", "models: query", "models: query's parameter",
    "hostile: memory's shape", "hostile: proxy's order", "hostile: read-only memory",
    "hostile: view of items", "hostile: view of keys",
}  # fmt: skip


def copied(value: Any) -> Any:
    return copy.deepcopy(value)


if __name__ == "__main__":
    for name, each in ZOO.items():
        print(name, digest(each.one()))
