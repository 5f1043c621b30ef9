"""Calls whose results no fingerprint sees are named."""

# ruff: noqa: E501  # the tables of edits hold a module's source in a line

from __future__ import annotations

import numpy as np
import pytest
from tests.core.code.written import fingerprint, module, named

from linepipe_core._code.dependencies import Reader
from linepipe_core._code.fingerprint import code_fingerprint


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


def test_calls_of_what_a_function_imports_itself_are_named() -> None:
    """Whatever the local names are; seeded generators, and methods of the same names, aren't."""
    found = fingerprint(
        """
        def node(x):
            import os.path
            import random, secrets as hidden, urllib.request
            import xml.dom.minidom as dom
            from datetime import datetime as d, timedelta
            from time import time, sleep
            def inner(): return hidden.token_hex(), time()
            rng = random.Random(3)
            rng.choice(x), x.urandom(), os.path.join(x), dom.parse(x), timedelta(1), sleep(0)
            return d.now(), urllib.request.urlopen(x), os.environ["A"], inner
        """
    )
    assert found.unseen == (
        *("datetime.datetime.now", "os.environ", "secrets.token_hex", "time.time"),
        "urllib.request.urlopen",
    )
    seeded = fingerprint("def node(x):\n    import random\n    return random.Random(x).random()")
    assert seeded.unseen == ()


def test_imports_by_a_computed_name_are_named() -> None:
    """The modules that they load aren't followed."""
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
    assert named(found.parts)["package numpy"].text == np.__version__
    assert "global default_rng" not in named(found.parts)


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
    for calls, unseen in [
        ("np.random.default_rng()", "numpy.random.default_rng"),
        ("default_rng()", "numpy.random.default_rng"),
        ("default_rng(None)", "numpy.random.default_rng"),
        ("np.random.Generator(np.random.PCG64())", "numpy.random.PCG64"),
        ("np.random.Generator(np.random.PCG64(3)), isinstance(x, np.random.Generator)", ""),
        ("random.Random()", "random.Random"),
        ("np.random.normal(x)", "numpy.random.normal"),
        ("np.random.default_rng(3), default_rng(seed=x), random.Random(1)", ""),
    ]:
        assert fingerprint(source.replace("{}", calls)).unseen == tuple(filter(None, [unseen]))


def test_readers_of_libraries_without_an_adapter_are_named() -> None:
    """Folders, the network, databases; SQL that reads files; not a library's errors."""
    found = fingerprint(
        """
        import os
        import sqlalchemy
        from glob import glob
        from joblib import load
        def node(x, db):
            db.sql("select * from read_parquet('a.parquet') where n > 2")
            db.sql("the words read_parquet alone are prose")
            return os.listdir(x), glob(x), load(x), sqlalchemy.create_engine(x)
        """
    )
    assert found.unseen == (
        "glob.glob",
        "joblib.numpy_pickle.load",
        "os.listdir",
        "read_parquet in a text",
        "sqlalchemy.create_engine",
    )


@pytest.mark.slow
def test_samplers_without_a_seed_are_named() -> None:
    """With a keyword for the seed they give the same each time."""
    source = """
        from sklearn.model_selection import train_test_split
        def node(x): return x.sample({0}), train_test_split(x{1})
        """
    names = (".sample", "sklearn.model_selection._split.train_test_split")
    assert fingerprint(source.format("3", "")).unseen == names
    assert fingerprint(source.format("3, random_state=1", ", random_state=1")).unseen == ()


def test_samplers_with_a_seed_are_not_named() -> None:
    """By a generator that they are given, or by a seed that the function sets itself."""
    found = fingerprint(
        """
        import random
        import numpy as np
        def node(x):
            random.seed(x)
            np.random.seed(3)
            return random.random(), np.random.rand(3), np.random.default_rng(seed=x)
        """
    )
    assert found.unseen == ()
    without = fingerprint(
        """
        import random
        import numpy as np
        def node(x):
            random.seed()
            np.random.seed(3)
            return random.random()
        """
    )
    assert without.unseen == ("random.random", "random.seed")
    of_others = fingerprint(
        """
        import random
        import numpy as np
        def node(x):
            np.random.rand(3)
            random.seed(3)
            np.random.seed(3)
            np.random.default_rng().random()
            return random.SystemRandom().random(), np.random.RandomState()
        """
    )
    # Before the seed, and of generators that it isn't for.
    assert of_others.unseen == (
        *("numpy.random.RandomState", "numpy.random.default_rng", "numpy.random.rand"),
        "random.SystemRandom",
    )
    torch = pytest.importorskip("torch", reason="torch isn't among the test dependencies")
    assert torch.rand(1) is not None
    given = fingerprint(
        """
        import torch
        def node(x):
            g = torch.Generator().manual_seed(x)
            return torch.rand(3, generator=g), torch.randperm(3, generator=g)
        """
    )
    assert given.unseen == ()
